"""The built front end: logical names to files with a hash in their name."""

import json
from pathlib import Path

BUILD_DIR = Path(__file__).parent / "static" / "build"
STATIC_URL = "/static/build"


class FrontEndMissing(Exception):  # noqa: N818 - named as the condition
    """The front end was not built."""

    def __init__(self) -> None:
        super().__init__("the front end is not built; run `make front`")


class Assets:
    """The manifest of one build.

    Raises:
        FrontEndMissing: when there is no build.
    """

    def __init__(self, folder: Path = BUILD_DIR) -> None:
        try:
            self._files: dict[str, str] = json.loads((folder / "manifest.json").read_text())
        except FileNotFoundError as missing:
            raise FrontEndMissing from missing

    def url(self, name: str) -> str:
        """The address of ``app.js``, ``app.css`` or ``theme.js``."""
        return f"{STATIC_URL}/{self._files[name]}"
