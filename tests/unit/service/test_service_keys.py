"""Keys that are put together or handed on have words: a page never shows a raw one."""

import re
from pathlib import Path

import pytest

import service
from service.i18n import load_words

ROOM = Path(service.__file__).parent
ROOMS = ("today", "alerts", "orders", "exposure", "rules", "log", "trail", "figures", "inbox")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_an_act_says_has_words(language: str) -> None:
    words = load_words(language)
    said: set[str] = set()
    for path in ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        said |= set(re.findall(r'(?:\.done\([^"]*?, |Said\(\s*)"([a-z_]+(?:\.[a-z_]+)+)"', text))
    assert len(said) > 5
    assert {key for key in said if key not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_room_has_a_long_and_a_short_name(language: str) -> None:
    words = load_words(language)
    keys = {f"ui.{kind}.{room}" for kind in ("nav", "nav_short") for room in ROOMS}
    assert {key for key in keys if key not in words} == set()
