"""The demo's folder: held before anything in it is touched, emptied, and marked as a demo's."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service.errors import WrongFolder
from store import locks

MARK: Final = "DEMO"
_SAYS: Final = "demo"
_LOCKS: Final = "locks"
_MOST: Final = 64


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold an empty demo's folder until the block ends; what an earlier demo left is removed.

    Raises:
        WrongFolder: when it holds anything that is not a demo's; nothing in it was touched.
        store.errors.FolderHeld: when another process uses it; nothing in it was touched.
    """
    check(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locks.hold(folder, "serve"):
        check(folder)  # again: until now another process could have filled it
        _empty(folder)
        yield


def check(folder: Path) -> None:
    """Refuse a folder that is not a demo's.

    Raises:
        WrongFolder: when it holds anything, and no mark of a demo.
    """
    if not folder.exists() or is_demo(folder):
        return
    if any(one.name != _LOCKS for one in folder.iterdir()):
        raise WrongFolder("folder.live")


def is_demo(folder: Path) -> bool:
    """Whether a demo made this folder: its mark says so, a file of that name alone does not."""
    mark = folder / MARK
    if mark.is_symlink() or not mark.is_file() or mark.stat().st_size > _MOST:
        return False
    return mark.read_bytes().strip() == _SAYS.encode()


def _empty(folder: Path) -> None:
    """Remove all but the locks, which are held, and the mark: cut off, it is still a demo's."""
    (folder / MARK).write_text(f"{_SAYS}\n", encoding="utf-8")
    for one in folder.iterdir():
        if one.name in {MARK, _LOCKS}:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
