"""The demo's folder: never emptied while it is used, nor when it is not a demo's."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from main import compose
from service.demo import command, folder
from service.demo.command import DemoOptions, run_once, run_served
from service.demo.incidents import load_incidents, shipped
from service.errors import FrontEndMissing, WrongFolder
from service.settings import Settings
from service.web.assets import Assets
from store import locks
from store.errors import FolderHeld


def old_demo(place: Path) -> Path:
    """What an earlier demo left."""
    place.mkdir()
    (place / "DEMO").write_text("demo\n")
    (place / "hedgewarden.db").write_text("old")
    (place / "keys").mkdir()
    (place / "keys" / "trail.key").write_text("old")
    return place


def content(place: Path) -> dict[str, str]:
    """Everything in a folder but its locks."""
    return {
        str(path.relative_to(place)): path.read_text() if path.is_file() else ""
        for path in sorted(place.rglob("*"))
        if "locks" not in path.relative_to(place).parts
    }


def test_what_an_earlier_demo_left_is_removed_under_the_lock(tmp_path: Path) -> None:
    place = old_demo(tmp_path / "demo")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (place / "link").symlink_to(outside, target_is_directory=True)
    with folder.held(place):
        assert content(place) == {"DEMO": "demo\n"}
        assert locks.holders(place)
    assert (outside / "mine").read_text() == "mine"
    assert not locks.holders(place)
    with folder.held(tmp_path / "new" / "one"):
        assert folder.is_demo(tmp_path / "new" / "one")


def test_a_folder_in_use_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    place = old_demo(tmp_path / "demo")
    before = content(place)
    with locks.hold(place, "web"), pytest.raises(FolderHeld), folder.held(place):
        pass
    assert content(place) == before


def _with_a_file(place: Path) -> None:
    (place / "report.xlsx").write_text("mine")


def _with_a_mark_of_others(place: Path) -> None:
    (place / "DEMO").write_text("demonstration of the new line\n")


def _with_a_folder_of_that_name(place: Path) -> None:
    (place / "DEMO").mkdir()


def _with_a_link_of_that_name(place: Path) -> None:
    (place.parent / "mark").write_text("demo\n")
    (place / "DEMO").symlink_to(place.parent / "mark")


@pytest.mark.parametrize(
    "spoil",
    [_with_a_file, _with_a_mark_of_others, _with_a_folder_of_that_name, _with_a_link_of_that_name],
)
def test_a_folder_that_is_not_a_demo_s_is_never_touched(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    spoil(place)
    before = sorted(place.rglob("*"))
    with pytest.raises(WrongFolder) as refused, folder.held(place):
        pass
    assert refused.value.code == "folder.live"
    assert sorted(place.rglob("*")) == before


def test_a_folder_with_nothing_but_locks_is_an_empty_one(tmp_path: Path) -> None:
    with locks.hold(tmp_path, "web"):
        pass
    with folder.held(tmp_path):
        assert folder.is_demo(tmp_path)


def test_a_missing_front_end_is_found_before_the_folder_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = old_demo(tmp_path / "demo")
    before = content(place)
    monkeypatch.setattr(command, "Assets", lambda: Assets(tmp_path / "no build"))
    known = load_incidents(shipped()).incidents
    settings = Settings(data=place)
    with pytest.raises(FrontEndMissing):
        run_once(compose, settings, DemoOptions(once=True), known)
    with pytest.raises(FrontEndMissing):
        run_served(compose, settings, DemoOptions(), known, say=_silent, stop=threading.Event())
    assert content(place) == before


def test_a_port_that_is_taken_is_found_before_the_folder_is_emptied(tmp_path: Path) -> None:
    place = old_demo(tmp_path / "demo")
    before = content(place)
    known = load_incidents(shipped()).incidents
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(data=place, port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            run_served(compose, settings, DemoOptions(), known, say=_silent, stop=threading.Event())
    assert content(place) == before


def _silent(_key: str, _params: object) -> None:
    """Nobody listens."""
