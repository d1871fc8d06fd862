"""Every code and field of the room has words in both languages."""

import dataclasses
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import auditlog
from auditlog.events import Event, EventKind

ROOM = Path(auditlog.__file__).parent
LOCALE = ROOM.parent / "service" / "i18n" / "locale"


def entries(language: str) -> dict[str, str]:
    with (LOCALE / language / "LC_MESSAGES" / "auditlog.po").open("rb") as file:
        return {str(e.id): str(e.string) for e in read_po(file, abort_invalid=True) if e.id}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_field_and_kind_has_words(language: str):
    source = "".join(path.read_text() for path in ROOM.glob("*.py"))
    codes = set(re.findall(r'"((?:EVENT|LOG)_[A-Z_]+)"', source))
    needed = {f"problem.{code}" for code in codes}
    needed |= {f"auditlog.field.{field.name}" for field in dataclasses.fields(Event)}
    needed |= {f"auditlog.kind.{kind}" for kind in EventKind}
    words = entries(language)
    assert codes
    assert needed - words.keys() == set()
    assert all(words.values())


def test_both_languages_name_the_same_values():
    english, chinese = entries("en"), entries("zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)", text)) == set(re.findall(r"{(\w+)", chinese[key])), key
