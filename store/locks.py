"""Who may use a data folder at the same time, held by locks that die with their process.

``serve`` (all roles in one process) excludes everything; ``log`` excludes a second ``log``;
``web`` and ``agents`` may run many times.
"""

import fcntl
import os
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
        _lock(sheet, exclusive=True)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def holders(data_dir: Path | str) -> tuple[str, ...]:
    """The live holders of a data folder, as ``role (process 123)``."""
    return tuple(map(str, _holders(Path(data_dir) / "locks")))


def _holders(folder: Path, role: str = "*") -> tuple[Holding, ...]:
    found = []
    for path in sorted(folder.glob(f"{role}.*.holder")):
        try:
            with path.open("rb") as sheet:
                alive = not _lock(sheet, exclusive=False)
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
