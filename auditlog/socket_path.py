"""A socket in a folder whose path may be longer than the 107 bytes that the kernel allows.

The folder is opened and the socket is named through the handle (``/proc/self/fd/N/log.sock``); no
process changes its working directory for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def reachable(folder: Path, name: str) -> Iterator[str]:
    """A short path of `name` in `folder`, valid inside the block.

    Raises:
        FileNotFoundError: when there is no such folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = Path(f"/proc/self/fd/{handle}")
        # without /proc the plain path has to do
        yield str(short / name if short.exists() else folder / name)
    finally:
        os.close(handle)
