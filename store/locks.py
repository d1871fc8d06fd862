"""Who may use a data folder at the same time, held by locks that die with their process.

``serve`` (all roles in one process) excludes everything; ``log`` excludes a second ``log``;
``web`` and ``agents`` may run many times.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from store.errors import FolderHeld, Holding

ROLES = ("serve", "log", "web", "agents")


@contextmanager
def hold(data_dir: Path | str, role: str) -> Iterator[None]:
    """Hold `data_dir` in `role` until the block ends.

    Raises:
        FolderHeld: at once, when another process holds it in a role that excludes ours.
        ValueError: for an unknown role.
    """
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; one of {', '.join(ROLES)}")
    folder = Path(data_dir) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        gate = stack.enter_context((folder / "gate").open("a+b"))
        if not _lock(gate, exclusive=role == "serve"):
            raise FolderHeld(str(data_dir), role, _holders(folder))
        if role == "log":
            single = stack.enter_context((folder / "log").open("a+b"))
            if not _lock(single, exclusive=True):
                raise FolderHeld(str(data_dir), role, _holders(folder, "log"))
        # A sheet per holder, itself locked: what a dead process left behind is not believed.
        path = folder / f"{role}.{os.getpid()}.holder"
        sheet = stack.enter_context(path.open("wb"))
        # Waits, but only for who asks: to ask is to hold it alone for a moment.
        fcntl.flock(sheet, fcntl.LOCK_SH)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def holders(data_dir: Path | str) -> tuple[str, ...]:
    """The live holders of a data folder, as ``role (process 123)``."""
    return tuple(map(str, _holders(Path(data_dir) / "locks")))


def lease_holder(data_dir: Path | str) -> str:
    """How this process signs leases while it holds the folder: machine, process, folder."""
    folder = Path(data_dir) / "locks"
    return f"{socket.gethostname()}:{os.getpid()}:{_mark(folder)}"


def is_gone(data_dir: Path | str, holder: str) -> bool:
    """Whether who signed a lease so held this folder and has died since.

    False for whom this cannot be told of: another machine's, another folder's, a command's.
    """
    folder = Path(data_dir) / "locks"
    machine, _, rest = holder.partition(":")
    number, _, mark = rest.partition(":")
    if (machine, mark) != (socket.gethostname(), _mark(folder)) or not number.isdigit():
        return False
    return int(number) not in {one.pid for one in _holders(folder)}


def _mark(folder: Path) -> str:
    """The folder as the machine knows it: the same under every path that leads to it."""
    about = folder.stat()
    return f"{about.st_dev:x}-{about.st_ino:x}"


def _holders(folder: Path, role: str = "*") -> tuple[Holding, ...]:
    found = []
    for path in sorted(folder.glob(f"{role}.*.holder")):
        try:
            with path.open("rb") as sheet:
                alive = not _lock(sheet, exclusive=True)
                since = datetime.fromtimestamp(os.fstat(sheet.fileno()).st_mtime, UTC)
        except FileNotFoundError:
            continue
        if alive:
            name, pid, _ = path.name.split(".")
            found.append(Holding(name, int(pid), since))
    return tuple(found)


def _lock(file: IO[bytes], *, exclusive: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
