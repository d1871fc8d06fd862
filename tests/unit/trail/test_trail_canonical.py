from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from trail import TrailError, canonical
from trail.canonical import MAX_INTEGER, is_canonical

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
KEY = st.text(st.characters(max_codepoint=127), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    written = canonical(value)
    assert written == rfc8785.dumps(value)
    assert is_canonical(written)


class Level(StrEnum):
    RED = "red"


def test_decimals_times_and_codes_become_strings() -> None:
    value = {
        "qty": Decimal("1500.500"),
        "zero": Decimal("-0.0"),
        "large": Decimal("1E+20"),
        "at": datetime(2026, 7, 1, 9, 0, 0, 250000, tzinfo=UTC),
        "day": date(2026, 7, 1),
        "level": Level.RED,
    }
    assert canonical(value) == (
        b'{"at":"2026-07-01T09:00:00.250000Z","day":"2026-07-01","large":"100000000000000000000",'
        b'"level":"red","qty":"1500.5","zero":"0"}'
    )


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1.0},
        {"a": [{"b": float("nan")}]},
        {"a": 2**53},
        {"a": -(2**53)},
        {"数量": 1},
        {1: 1},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": datetime(2026, 7, 1)},  # noqa: DTZ001 - the point of the test
        {"a": Decimal("NaN")},
        {"a": "\ud800"},
        {"a": object()},
    ],
)
def test_what_two_programs_could_write_differently_is_refused(value: Any) -> None:
    with pytest.raises(TrailError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1.0}', b'{"a":"\\u0041"}', b"{", b'{"a":1,"a":1}'],
)
def test_any_other_form_is_told_apart(data: bytes) -> None:
    assert not is_canonical(data)
