"""Every code that this room gives has a sentence in both languages."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
LOCALE = ROOT / "service" / "i18n" / "locale"
CODE = re.compile(
    r"(?:fault|Fault|Problem|ValueFault|_warning|SyntaxFault)\(\s*(?:rule,\s*row,\s*)?"
    r'(?:rule,\s*rule\.rows\[0\],\s*)?"([A-Z][A-Z0-9_]+)"'
)
CONDITIONAL = re.compile(r'"([A-Z][A-Z0-9_]+)" if .* else "([A-Z][A-Z0-9_]+)"')
PLACEHOLDER = re.compile(r"\{(\w+)")


def catalogue(language: str) -> dict[str, str]:
    with (LOCALE / language / "LC_MESSAGES" / "rules.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id}


def codes() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "rules").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(CODE.findall(text))
        for pair in CONDITIONAL.findall(text):
            found |= set(pair)
    return found


def test_codes_are_found_in_the_source() -> None:
    assert {
        "UNKNOWN_FIELD",
        "SYNTAX",
        "CHAINED_COMPARISON",
        "TABLE_GAP",
        "SCALE_EXCEEDED",
    } <= codes()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_problem_has_a_sentence(language: str) -> None:
    words = catalogue(language)
    assert [code for code in sorted(codes()) if not words.get(f"problem.{code}")] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_of_the_shipped_rules_has_a_sentence(language: str) -> None:
    words = catalogue(language)
    text = "".join(path.read_text("utf-8") for path in (ROOT / "rulebook").rglob("*.yaml"))
    reasons = set(re.findall(r"reason: (\w+)", text))
    reasons |= {
        "RISK_REDUCING",
        "MISSING_FIELD",
        "OVERFLOW",
        "DIVISION_BY_ZERO",
        "TABLE_NOT_UNIQUE",
    }
    assert [one for one in sorted(reasons) if not words.get(f"reason.{one}")] == []


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(chinese[key])), key
    assert all(re.search(r"[一-鿿]", text) for text in chinese.values())
