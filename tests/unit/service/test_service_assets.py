"""The front end can be built anew under a running service."""

import json
import os
from pathlib import Path

import pytest

import main
from service.cli.desk import Desk
from service.cli.faults import tell
from service.errors import FrontEndMissing
from service.web.assets import Assets


def build(folder: Path, mark: str, at_ns: int) -> None:
    manifest = folder / "manifest.json"
    names = {"app.js": f"app-{mark}.js", "app.css": f"app-{mark}.css"}
    manifest.write_text(json.dumps(names))
    os.utime(manifest, ns=(at_ns, at_ns))


def test_the_next_page_asks_for_the_files_of_the_newer_build(tmp_path: Path) -> None:
    build(tmp_path, "AAAA", 1)
    assets = Assets(tmp_path)
    assert assets.url("app.css") == "/static/build/app-AAAA.css"
    build(tmp_path, "BBBB", 2)
    assert assets.url("app.css") == "/static/build/app-BBBB.css"


@pytest.mark.parametrize("half", ["", "{", "[]", "{}", '{"app.js": "app-CCCC.js"}', None])
def test_half_a_build_changes_nothing(tmp_path: Path, half: str | None) -> None:
    build(tmp_path, "AAAA", 1)
    assets = Assets(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.unlink()
    if half is not None:
        manifest.write_text(half)
    assert assets.url("app.css") == "/static/build/app-AAAA.css"
    build(tmp_path, "BBBB", 3)
    assert assets.url("app.js") == "/static/build/app-BBBB.js"


def test_a_front_end_that_was_never_built_is_one_sentence_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(FrontEndMissing) as missing:
        Assets(tmp_path)
    for language in ("zh", "en"):
        told = tell(Desk(main.compose, language=language), missing.value)
        assert len(told.lines) == 1
        assert "make front" in told.lines[0]
        assert told.exit_code == 2
