"""A line of JSON means the same however it is read: alone, or as an element of an array."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog.events import Event
from auditlog.reader_json import read_json, read_line
from auditlog.reading import Reading
from store.types import decimal_text

NOW = datetime(2024, 12, 31, tzinfo=UTC)
READING = Reading("a.ndjson", NOW)
HEAD = '"event_id":"E-1","ts":"2024-05-14T10:00:00Z","kind":"business","type":"x.y","actor":"u"'

_names = st.sampled_from(["a", "b", "order", "amount", "message", "a:", ' "b', "\\"])
_values = st.one_of(
    st.text(alphabet='ab": ,\\{}[]龍\n', max_size=6),
    st.integers(-(10**25), 10**25),
    st.sampled_from([1.5, True, None, [], ["a"], {"a": "b"}, 1e400]),
)


@settings(deadline=None, max_examples=400)
@given(
    pairs=st.lists(st.tuples(_names, _values), max_size=5),
    colon=st.sampled_from([":", " :", ": "]),
)
def test_both_ways_of_reading_a_line_agree(pairs: list[tuple[str, object]], colon: str):
    more = [f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in pairs]
    text = "{" + ",".join([HEAD, *more]) + "}"
    line = read_line(text, 1, READING)
    (element,) = read_json(StringIO(f"[{text}]"), READING)
    if isinstance(line, Event):
        assert element == line
    else:
        assert not isinstance(element, Event)
        assert [one.code for one in element.problems] == [one.code for one in line.problems]


@pytest.mark.parametrize(
    "again", ['"order":"2"', '"order" :"2"', '"order"\t: 2', '"order":null', '"order":"order"']
)
def test_a_name_that_stands_twice_is_refused_in_any_spelling(again: str):
    found = read_line("{" + HEAD + ',"order":"1",' + again + "}", 1, READING)
    assert not isinstance(found, Event)
    assert [(one.code, one.field) for one in found.problems] == [("EVENT_FIELD_REPEATED", "order")]


@pytest.mark.parametrize("digits", ["1.10", "0.1", "12345678901234567890.5", "-7.25", "-0", "1e3"])
def test_numbers_are_exact_however_they_are_written(digits: str):
    for text in (digits, f'"{digits}"'):
        found = read_line("{" + HEAD + f',"amount":{text}' + "}", 1, READING)
        assert isinstance(found, Event)
        assert str(found.amount) == decimal_text(Decimal(digits))
