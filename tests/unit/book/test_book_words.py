"""Every code and label of the book has words in both languages."""

import ast
import re
from enum import StrEnum
from pathlib import Path

import pytest

import book
from book import errors, positions, prices
from service.exposure_rows import FIGURES
from service.i18n.catalogue import load_words

ROOM = Path(book.__file__).parent
CODE = re.compile(r"[A-Z]{2,}(_[A-Z]+)+")
LABELS: dict[str, type[StrEnum]] = {
    "book.state": prices.DataState,
    "book.side": positions.Side,
    "book.price": prices.PriceKind,
}


def problem_codes() -> set[str]:
    """The codes that the room's source gives to a problem."""
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in {"Problem", "_problem"} and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(code.value)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_for_problems_reasons_and_labels(language: str):
    words = load_words(language, strict=True)
    codes = problem_codes()
    assert len(codes) >= 10
    assert all(CODE.fullmatch(code) for code in codes)
    codes |= {kind.code for kind in errors.BookError.__subclasses__()}
    keys = {f"problem.{code}" for code in codes}
    reasons = {"RECEIPT_UNPOSTED", "SPEC_UNKNOWN", "CONVERSION_UNKNOWN", "DELTA_UNKNOWN"}
    keys |= {f"reason.{code}" for code in reasons | {"FEED_LATE"}}
    keys |= {f"{prefix}.{member.value}" for prefix, kind in LABELS.items() for member in kind}
    # what the pages and sheets of exposure head their columns with
    keys |= {f"book.{name}" for name in FIGURES}
    assert sorted(key for key in keys if key not in words) == []
