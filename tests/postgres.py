"""A real PostgreSQL for tests: Debian's binaries, a temporary cluster, a Unix socket.

`initdb` refuses root, so root hands the cluster to an unprivileged account through `setpriv`.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_ACCOUNTS = ("postgres", "nobody")


def missing() -> str:
    """Why no PostgreSQL can be started here; empty when one can."""
    if not BINARIES:
        return "no PostgreSQL under /usr/lib/postgresql (apt-get install postgresql)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "running as root without setpriv; initdb refuses root"
    return ""


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster, yield the URL of its database `postgres`, stop and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="hw-pg-"))  # short: a socket's path has 107 characters
    account = _account()
    prefix: list[str] = []
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        prefix = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
        prefix.append("--clear-groups")
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*prefix, str(BINARIES[-1] / program), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

    try:
        run("initdb", "-D", str(data), "-U", "hedgewarden", "-A", "trust", "-E", "UTF8", "-N")
        options = f"-k {folder} -c listen_addresses= -c shared_buffers=32MB -c max_connections=40"
        run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://hedgewarden@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(f"none of the accounts {_ACCOUNTS} exists")
