"""Every code, column and unit that a person may meet has words in both languages."""

import re
from pathlib import Path

import pytest

import integrations
from book.products import shipped_specs
from integrations.files import COLUMNS, Kind
from service.i18n import load_words

ROOM = Path(integrations.__file__).parent / "files"


def codes_in_source() -> set[str]:
    pattern = re.compile(
        r'"((?:IMPORT|LOG|MAPPING|ORG|CALENDAR|PRODUCT|EMPTY|NOT_A)_[A-Z_]+|FIELD_UNKNOWN)"'
    )
    return {code for path in ROOM.rglob("*.py") for code in pattern.findall(path.read_text())}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_and_column_has_words(language: str) -> None:
    words = load_words(language)
    names = {column.name for columns in COLUMNS.values() for column in columns}
    keys = {f"problem.{code}" for code in codes_in_source()}
    keys |= {f"import.field.{name}" for name in names} | {f"import.kind.{kind}" for kind in Kind}
    keys |= {f"unit.{spec.base_unit}" for spec in shipped_specs().specs}
    keys |= {"mail.code", "mail.act"}
    assert len(codes_in_source()) > 25
    assert {key for key in keys if key not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_label_stands_for_two_columns(language: str) -> None:
    words = load_words(language)
    names = {column.name for columns in COLUMNS.values() for column in columns}
    labels = [words.text(f"import.field.{name}") for name in sorted(names)]
    assert len(set(labels)) == len(labels)


def test_both_languages_name_the_same_values() -> None:
    english, chinese = load_words("en"), load_words("zh")
    for key, text in english.entries.items():
        if key.startswith(("import.", "cli.", "mail.", "settings.", "problem.IMPORT")):
            wanted = set(re.findall(r"{(\w+)", text))
            assert set(re.findall(r"{(\w+)", chinese.entries[key])) == wanted, key
