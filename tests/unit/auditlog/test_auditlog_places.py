"""Where a bad row stood, and what stood there, in words that its sender knows."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from auditlog.events import Event
from auditlog.port import Reject
from auditlog.reader_files import read_file
from auditlog.reader_json import read_json
from auditlog.reading import Reading

NOW = datetime(2024, 5, 15, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "source": "erp",
    "event_id": "E-1",
    "event_time": "2024-05-14T10:52:10Z",
    "kind": "system",
    "type": "login",
}


def rejects(text: str, *, by_element: bool = False) -> list[Reject]:
    rows = read_json(StringIO(text), Reading("api", NOW), by_element=by_element)
    return [one for one in rows if isinstance(one, Reject)]


def test_an_element_of_an_array_is_told_by_its_number() -> None:
    text = json.dumps([GOOD, None, GOOD, True, 7, [1]])
    found = rejects(text, by_element=True)
    assert [(one.line, one.problems[0].line) for one in found] == [(2, 2), (4, 4), (5, 5), (6, 6)]
    assert [one.problems[0].found for one in found] == ["null", "true", "7", "[1]"]
    assert {one.line for one in rejects(text)} == {1}


def test_the_element_that_breaks_the_array_is_told_by_its_number() -> None:
    found = rejects(f"[{json.dumps(GOOD)}, {{nojson]", by_element=True)
    assert found[0].line == 2


def test_a_number_out_of_range_is_shown_as_written() -> None:
    found = rejects(json.dumps(GOOD)[:-1] + ', "amount": 1e300}')
    problem = found[0].problems[0]
    assert (problem.code, problem.found) == ("EVENT_NUMBER_RANGE", str(Decimal("1e300")))
    assert "10^29" in problem.allowed


def test_a_cell_of_ten_megabytes_is_told_by_its_field(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    line = "erp,{},2024-05-14T10:52:10Z,system,login,{}\n"
    rows = [line.format("E-1", "x"), line.format("E-2", "y" * 10_000_000), line.format("E-3", "z")]
    path.write_text("source,event_id,event_time,kind,type,message\n" + "".join(rows))
    read = list(read_file(path, now=NOW))
    assert [one.event_id for one in read if isinstance(one, Event)] == ["E-1", "E-3"]
    (bad,) = [one for one in read if isinstance(one, Reject)]
    problem = bad.problems[0]
    got = (problem.code, problem.line, problem.field, problem.allowed)
    assert got == ("EVENT_TEXT_TOO_LONG", 3, "message", "64 KB")


@pytest.mark.parametrize(
    ("cells", "field"), [("E-1", "event_time"), ("E-1,2024-05-14T10:52:10Z,system,a,b", "type")]
)
def test_a_row_of_another_width_names_the_field_where_it_parts(
    tmp_path: Path, cells: str, field: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"event_id,event_time,kind,type\n{cells}\n")
    (bad,) = [one for one in read_file(path, now=NOW) if isinstance(one, Reject)]
    assert (bad.problems[0].code, bad.problems[0].field) == ("LOG_COLUMNS", field)


def test_a_file_that_is_no_workbook_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("not a zip")
    (bad,) = read_file(path, now=NOW)
    assert isinstance(bad, Reject)
    got = (bad.problems[0].code, bad.problems[0].allowed)
    assert got == ("LOG_FILE_UNREADABLE", ".xlsx")
