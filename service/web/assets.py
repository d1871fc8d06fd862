"""The built front end: logical names to files with a hash in their name."""

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from service.errors import FrontEndMissing

BUILD_DIR = Path(__file__).parent / "static" / "build"
STATIC_URL = "/static/build"


class Assets:
    """The manifest of the build that lies in `folder` now.

    A build under a running service counts from the next page on. While a build is being written,
    or when its manifest cannot be read, the last one that could be read goes on: its files stay
    for a while (see ``front/build.mjs``).

    Args:
        folder: of the build.
        files: instead of a build, for pages whose look does not matter.

    Raises:
        FrontEndMissing: when there is no build and no `files`.
    """

    def __init__(self, folder: Path = BUILD_DIR, *, files: Mapping[str, str] | None = None) -> None:
        self._manifest = folder / "manifest.json" if files is None else None
        self._lock = Lock()
        self._read_at: tuple[int, int] | None = None
        self._files: dict[str, str] = dict(files or {})
        self._refresh()
        if not self._files:
            raise FrontEndMissing

    def url(self, name: str) -> str:
        """The address of ``app.js``, ``app.css`` or ``theme.js``."""
        self._refresh()
        return f"{STATIC_URL}/{self._files[name]}"

    def _refresh(self) -> None:
        if self._manifest is None:
            return
        try:
            found = self._manifest.stat()
            stamp = found.st_mtime_ns, found.st_size
            if stamp == self._read_at:
                return
            files = json.loads(self._manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if not isinstance(files, dict) or not set(self._files) <= set(files):
            return
        with self._lock:
            self._files, self._read_at = files, stamp
