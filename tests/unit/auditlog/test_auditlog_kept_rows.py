"""What is wrong with one event costs that event alone, in every form in which events arrive."""

import base64
import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog.events import Event, parse_event
from auditlog.port import Reject
from auditlog.reader_files import find_encoding, read_file
from auditlog.reader_json import read_json
from auditlog.reading import Reading

NOW = datetime(2024, 12, 31, tzinfo=UTC)


def row(number: int, **more: object) -> dict[str, object]:
    return {
        "event_id": f"E-{number}", "ts": "2024-05-14T10:00:00Z", "kind": "business",
        "type": "x.y", "source": "erp", **more,
    }  # fmt: skip


def text_of(number: int, **more: object) -> str:
    return json.dumps(row(number, **more), ensure_ascii=False)


def split(rows: object) -> tuple[list[str], list[Reject]]:
    every = list(rows)  # type: ignore[call-overload]
    events = [one.event_id for one in every if isinstance(one, Event)]
    return events, [one for one in every if isinstance(one, Reject)]


def array(*elements: str, between: str = ",") -> tuple[list[str], list[Reject]]:
    reading = Reading("api", NOW)
    text = "[" + between.join(elements) + "]"
    return split(read_json(StringIO(text), reading, by_element=True))


BROKEN = [
    '{"event_id": "E-2", nope}',
    '{"event_id": "E-2", "message": "ends nowhere}',
    '{"event_id": "E-2", "legs": [{"id": 1}, {"id": 2}], "qty": 1.2.3}',
    '{"event_id": "E-2"',
    "nope",
    "'E-2'",
    '{"event_id": "E-2", "a": [1, 2}',
    '{"event_id": "E-2", "event_id": "E-3", "ts": "x"}',
    '{"event_id": "E-2", "event_id": "E-3", nope}',
    "",
]


@pytest.mark.parametrize("between", [",", ", ", ",\n"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_element_of_an_array_costs_itself_alone(broken: str, between: str) -> None:
    events, rejects = array(text_of(1), broken, text_of(3), text_of(4), between=between)
    assert events == ["E-1", "E-3", "E-4"]
    (bad,) = rejects
    assert (bad.line, bad.problems[0].line) == (2, 2)
    assert bad.problems[0].allowed
    assert bad.raw.strip(", \n") == broken


def test_a_missing_comma_costs_the_element_behind_it_alone() -> None:
    events, rejects = array(f"{text_of(1)} {text_of(2)}", text_of(3))
    assert events == ["E-1", "E-3"]
    assert [(one.line, one.problems[0].code, one.raw) for one in rejects] == [
        (2, "EVENT_JSON", text_of(2))
    ]


def test_a_bracket_too_many_is_told_beside_its_element() -> None:
    events, rejects = array(text_of(1), text_of(2) + "}", text_of(3))
    assert events == ["E-1", "E-2", "E-3"]
    assert [one.raw for one in rejects] == ["}"]


def test_two_broken_elements_are_told_apart() -> None:
    events, rejects = array(text_of(1), "{a}", "{b}", text_of(4), "{c}")
    assert events == ["E-1", "E-4"]
    assert [(one.line, one.raw) for one in rejects] == [(2, "{a}"), (3, "{b}"), (5, "{c}")]


def test_a_broken_element_far_down_a_long_file_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    many = [text_of(number, message="敞口" * 200) for number in range(2000)]
    many[700] = many[700].replace('"type":', '"type"')
    path.write_text("[\n" + ",\n".join(many) + "\n]")
    events, rejects = split(read_file(path, now=NOW))
    assert len(events) == 1999
    assert [(one.line, one.problems[0].code) for one in rejects] == [(702, "EVENT_JSON")]


@settings(deadline=None, max_examples=300)
@given(
    broken=st.text(alphabet='{}[]",:\\ab1 \n', max_size=30),
    place=st.integers(0, 3),
)
def test_an_array_is_read_to_its_end_whatever_stands_in_it(broken: str, place: int) -> None:
    elements = [text_of(number) for number in range(4)]
    elements[place] = broken
    events, rejects = array(*elements)
    # what comes before is kept; nothing is told twice and nothing passes for what it is not
    assert events[:place] == [f"E-{number}" for number in range(place)]
    assert len(set(events)) == len(events)
    assert all(one.problems for one in rejects)


def test_a_hostile_array_is_given_up_after_a_while() -> None:
    events, rejects = array(text_of(1), '"', *["{" for _ in range(50_000)])
    assert (events, len(rejects)) == (["E-1"], 1)


GBK = text_of(2, message="铜贸易部的敞口")


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.log", "a.txt"])
def test_a_line_in_gbk_costs_itself_alone_and_keeps_its_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    lines = [text_of(1, message="敞口"), "", text_of(3, message="限额"), text_of(4)]
    data = [line.encode() for line in lines]
    data[1] = GBK.encode("gbk")
    path.write_bytes(b"\n".join(data) + b"\n")
    events, rejects = split(read_file(path, now=NOW))
    assert events == ["E-1", "E-3", "E-4"]
    (bad,) = rejects
    problem = bad.problems[0]
    assert (problem.code, problem.line, problem.allowed) == ("EVENT_ENCODING", 2, "UTF-8")
    assert problem.column > 1
    assert bad.raw == GBK  # so that it can be mended and replayed


def test_bytes_of_no_encoding_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    strange = text_of(2, message="@").encode().replace(b"@", b"\xff\xfe\x80")
    path.write_bytes(text_of(1).encode() + b"\n" + strange + b"\n" + text_of(3).encode())
    events, (bad,) = split(read_file(path, now=NOW))
    assert events == ["E-1", "E-3"]
    kind, _, kept = bad.raw.partition(":")
    assert (kind, base64.b64decode(kept)) == ("base64", strange)


def test_a_file_in_gbk_is_read_as_that(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes("\n".join(text_of(n, message="敞口") for n in range(3)).encode("gbk"))
    assert find_encoding(path) == ("gb18030", True)
    assert split(read_file(path, now=NOW)) == (["E-0", "E-1", "E-2"], [])


def test_a_line_of_gbk_does_not_garble_lines_of_utf8(tmp_path: Path) -> None:
    # the bytes of these lines are good GB18030 as well, and mean something else there
    path = tmp_path / "a.ndjson"
    data = [text_of(n, message="敞口限额").encode() for n in (1, 2)]
    path.write_bytes(b"\n".join([*data, GBK.encode("gbk")]))
    assert b"\n".join(data).decode("gb18030") != b"\n".join(data).decode()
    events, rejects = split(read_file(path, now=NOW))
    assert (events, len(rejects)) == (["E-1", "E-2"], 1)


@pytest.mark.parametrize(
    ("field", "given_", "meant"),
    [
        ("amount", "１００", "100"),
        ("amount", "１，２８６，４００．５０", "1286400.5"),
        ("amount", "−１２", "-12"),
        ("qty", " １００．２５ ", "100.25"),
        ("latency_ms", "１２", "12"),
        ("seq", "７", "7"),
    ],
)
def test_full_width_digits_are_read(field: str, given_: str, meant: str) -> None:
    found = parse_event(row(1, **{field: given_}), default_arrival=NOW, now=NOW)
    assert isinstance(found, Event), found
    assert str(getattr(found, field)) == meant


@pytest.mark.parametrize("text", ["一百", "①②", "10²", "1" + " " * 80 + "2", "１ ２"])
def test_what_is_no_number_stays_none(text: str) -> None:
    found = parse_event(row(1, amount=text), default_arrival=NOW, now=NOW)
    assert not isinstance(found, Event)
    assert found[0].code == "EVENT_NUMBER"
