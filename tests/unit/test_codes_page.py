"""The page of codes says what the service says: of every code, and of none that is gone."""

import re
import sys
from pathlib import Path

import pytest

from scripts import write_codes
from service.i18n.catalogue import Words, load_words

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| (.*?) \| (.*?) \|$", re.MULTILINE)


def written(language: str) -> str:
    return (ROOT / "docs" / language / "codes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_what_the_words_make_of_it(language: str) -> None:
    assert written(language) == write_codes.page(language), "run: python -m scripts.write_codes"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_stands_once_with_what_it_says(language: str) -> None:
    rows = ROW.findall(written(language))
    codes = [code for code, _, _ in rows]
    assert len(codes) > 500
    assert len(codes) == len(set(codes))
    assert {code for _, _, code in write_codes.coded_keys()} == set(codes)
    assert [code for code, says, _ in rows if not says.strip(" .…")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_says_what_to_do(language: str) -> None:
    words = load_words(language, strict=True)
    page = written(language)
    for section, codes in write_codes.sections().items():
        assert codes, section
        assert words.text(f"codes.{section}.what") in page


def test_no_advice_is_about_a_code_that_is_gone() -> None:
    known = {code for _, _, code in write_codes.coded_keys()}
    words = load_words("en").entries
    advised = {key.removeprefix("codes.do.") for key in words if key.startswith("codes.do.")}
    assert len(advised) > 100
    assert advised - known == set()


def test_a_code_of_a_catalogue_without_a_section_is_refused() -> None:
    with pytest.raises(write_codes.Homeless, match=r"elsewhere: reason\.NEW"):
        write_codes.section_of("elsewhere", "reason.NEW")


def test_the_script_says_whose_code_has_no_section(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["write_codes"])
    monkeypatch.setattr(write_codes, "SECTIONS", {"answers": ("api api",)})
    assert write_codes.main() == 2
    assert "no section takes it" in capsys.readouterr().out


def test_the_longest_beginning_decides_the_section() -> None:
    assert write_codes.section_of("agents", "reason.HEARTBEAT_TIMEOUT") == "running"
    assert write_codes.section_of("agents", "reason.LOTS_INVALID") == "book"


def test_a_sentence_cannot_end_its_cell() -> None:
    words = Words("en", {"reason.ODD": "a | b\n<c>"})
    shown = write_codes.row(words, "ODD", ["reason.ODD"])
    assert shown == r"| `ODD` | a \| b &lt;c> |  |"


def test_a_stale_page_is_told_and_with_check_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        (tmp_path / language / "codes.md").write_text("old", encoding="utf-8")
    monkeypatch.setattr(write_codes, "DOCS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["write_codes", "--check"])
    assert write_codes.main() == 1
    assert "docs/zh/codes.md: stale" in capsys.readouterr().out
    assert (tmp_path / "en" / "codes.md").read_text("utf-8") == "old"
    monkeypatch.setattr(sys, "argv", ["write_codes"])
    assert write_codes.main() == 0
    assert (tmp_path / "en" / "codes.md").read_text("utf-8") == write_codes.page("en")
    monkeypatch.setattr(sys, "argv", ["write_codes", "--check"])
    assert write_codes.main() == 0
