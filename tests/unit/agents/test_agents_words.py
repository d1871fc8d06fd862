"""Every code that the agents leave in the trail has words in both languages."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import agents
import book
from service.i18n.catalogue import load_words

ROOM = Path(agents.__file__).parent
BOOK = Path(book.__file__).parent
LOCALE = ROOM.parent / "service" / "i18n" / "locale"
NOT_SHOWN = {"FIRED_ELSEWHERE", "ACTOR", "POSITION", "WATERMARK"}


def source(*paths: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def codes() -> set[str]:
    return set(re.findall(r'"([A-Z][A-Z_]{4,})"', source(*ROOM.glob("*.py")))) - NOT_SHOWN


def of_the_book() -> set[str]:
    """Why an event that concerns the book could not be read."""
    text = source(BOOK / "apply.py", BOOK / "codes.py")
    return set(re.findall(r'roblem\(\s*"([A-Z_]{4,})"', text))


def entries(language: str) -> dict[str, str]:
    with (LOCALE / language / "LC_MESSAGES" / "agents.po").open("rb") as file:
        return {str(e.id): str(e.string) for e in read_po(file, abort_invalid=True) if e.id}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_has_words(language: str):
    words = load_words(language)
    assert len(codes()) > 12
    assert len(of_the_book()) > 7
    assert {code for code in codes() | of_the_book() if f"reason.{code}" not in words} == set()
    problems = {"SIDE_UNKNOWN", "LOTS_INVALID", "UNKNOWN_PRODUCT", "EVENT_FAILED"} | of_the_book()
    assert {code for code in problems if f"problem.{code}" not in words} == set()
    assert {"remedy.post_receipts", "remedy.hedge_lots"} - words.entries.keys() == set()


def test_both_languages_name_the_same_values():
    english, chinese = entries("en"), entries("zh")
    assert english.keys() == chinese.keys()
    assert all(english.values())
    assert all(chinese.values())
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)", text)) == set(re.findall(r"{(\w+)", chinese[key])), key
