"""Files of events: good rows are kept, bad ones are told with their place."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditlog.events import Event
from auditlog.mapping import EventMapping
from auditlog.port import Reject
from auditlog.reader_files import find_encoding, read_file

NOW = datetime(2024, 12, 31, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def row(number: int, **fields: object) -> dict[str, object]:
    return {
        "event_id": f"E-{number}",
        "ts": f"2024-05-14T10:00:{number:02d}+08:00",
        "log_class": "business",
        "type": "voucher.post",
        "actor": "u_fin1",
        "org": "华东钢铁/财务部",
        "amount": "1286400.00",
    } | fields


def read(path: Path, **terms: object) -> tuple[list[Event], list[Reject]]:
    found = list(read_file(path, **({"now": NOW} | terms)))
    events = [entry for entry in found if isinstance(entry, Event)]
    return events, [entry for entry in found if isinstance(entry, Reject)]


def told(rejects: Iterable[Reject]) -> list[tuple[str, int]]:
    return [(problem.code, reject.line) for reject in rejects for problem in reject.problems]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_ndjson_keeps_the_good_lines(tmp_path: Path):
    lines = [
        json.dumps(row(1)),
        "",
        "{broken",
        json.dumps(row(4, amount="x")),
        json.dumps(row(5))[:-1] + ',"actor":"u_liu"}',
        "[" * 100_000,
        '{"n":' + "1" * 10_000 + "}",
        json.dumps(row(8)),
    ]
    events, rejects = read(write(tmp_path / "a.ndjson", "\n".join(lines) + "\n"))
    assert [event.event_id for event in events] == ["E-1", "E-8"]
    assert told(rejects) == [
        ("EVENT_JSON", 3),
        ("EVENT_NUMBER", 4),
        ("EVENT_FIELD_REPEATED", 5),
        ("EVENT_JSON", 6),
        ("EVENT_JSON", 7),
    ]
    assert rejects[1].org == "华东钢铁/财务部"
    assert json.loads(rejects[1].raw) == row(4, amount="x")


def test_fractions_in_json_stay_exact(tmp_path: Path):
    line = json.dumps(row(1)).replace('"1286400.00"', "1234567890123456.789")
    events, _ = read(write(tmp_path / "a.ndjson", line))
    assert str(events[0].amount) == "1234567890123456.789"


def test_not_a_number_in_json_names_its_field(tmp_path: Path):
    line = json.dumps(row(1, amount=float("nan")))
    _, rejects = read(write(tmp_path / "a.ndjson", line))
    assert [(p.code, p.field) for p in rejects[0].problems] == [
        ("EVENT_NUMBER_NOT_FINITE", "amount")
    ]


def test_a_file_cut_off_in_the_middle_says_so(tmp_path: Path):
    text = "\n".join(json.dumps(row(number)) for number in range(1, 4))
    events, rejects = read(write(tmp_path / "a.ndjson", text[:-20]))
    assert len(events) == 2
    assert told(rejects) == [("LOG_FILE_TRUNCATED", 3)]


def test_a_ten_megabyte_text_in_a_line_names_the_field(tmp_path: Path):
    lines = [json.dumps(row(1, message="x" * 10_000_000)), json.dumps(row(2))]
    events, rejects = read(write(tmp_path / "a.ndjson", "\n".join(lines)))
    assert [event.event_id for event in events] == ["E-2"]
    assert "message" in [problem.field for problem in rejects[0].problems]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path):
    events, rejects = read(
        write(tmp_path / "a.ndjson", "x" * 40_000_000 + "\n" + json.dumps(row(2)))
    )
    assert [event.event_id for event in events] == ["E-2"]
    assert told(rejects) == [("EVENT_TOO_LARGE", 1)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array(tmp_path: Path, indent: int | None):
    rows = [row(number % 60, event_id=f"E-{number}") for number in range(3000)]
    rows[7] = row(7, log_class="trade")
    events, rejects = read(write(tmp_path / "a.json", json.dumps(rows, indent=indent)))
    assert len(events) == 2999
    assert [problem.code for problem in rejects[0].problems] == ["EVENT_KIND_UNKNOWN"]
    assert rejects[0].line == (1 if indent is None else 7 * 9 + 2)


@pytest.mark.parametrize(
    ("cut", "code"),
    [("]", "LOG_FILE_TRUNCATED"), ('"}]', "LOG_FILE_TRUNCATED"), ("}]", "LOG_FILE_TRUNCATED")],
)
def test_a_cut_array_keeps_what_came_before(tmp_path: Path, cut: str, code: str):
    text = json.dumps([row(1), row(2)])
    events, rejects = read(write(tmp_path / "a.json", text.removesuffix(cut)))
    assert [event.event_id for event in events][:1] == ["E-1"]
    assert [found for found, _ in told(rejects)] == [code]


def test_a_broken_element_ends_the_array(tmp_path: Path):
    text = "[" + json.dumps(row(1)) + " " + json.dumps(row(2)) + "]"
    events, rejects = read(write(tmp_path / "a.json", text))
    assert [event.event_id for event in events] == ["E-1"]
    assert told(rejects) == [("EVENT_JSON", 1)]


def test_one_object_over_many_lines(tmp_path: Path):
    events, rejects = read(write(tmp_path / "a.json", json.dumps(row(1), indent=2)))
    assert (len(events), rejects) == (1, [])


CSV = (
    "事件编号,事件时间,类别,操作,操作员,组织,凭证号,金额\n"
    '甲-1,2024-03-18 16:10:00,业务,voucher.post,u_fin1,华东钢铁/财务部,PZ-1,"1,286,400.00"\n'
    "甲-2,2024-03-18 16:12:31,业务,voucher.post,u_fin1,华东钢铁/财务部,PZ-2,九百\n"
    "甲-3,2024-03-18 16:13:00,业务,voucher.post,u_fin1,华东钢铁/财务部,PZ-3\n"
    ",,,,,,,\n"
    '"甲-4",2024-03-18 16:14:00,业务,voucher.post,u_fin1,华东钢铁/财务部,"PZ ""4""",1\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_chinese_csv_in_every_usual_encoding(tmp_path: Path, encoding: str):
    path = write(tmp_path / "凭证.csv", CSV, encoding)
    events, rejects = read(path, zone=SHANGHAI)
    assert [event.event_id for event in events] == ["甲-1", "甲-4"]
    assert events[0].event_time == datetime(2024, 3, 18, 8, 10, tzinfo=UTC)
    assert str(events[0].amount) == "1286400"
    assert events[1].voucher == 'PZ "4"'
    assert told(rejects) == [("EVENT_NUMBER", 3), ("LOG_COLUMNS", 4)]
    assert rejects[0].problems[0].file == "凭证.csv"


def test_late_chinese_is_found_by_reading_the_whole_file(tmp_path: Path):
    text = "a" * 3_000_000 + "敞口"
    assert find_encoding(write(tmp_path / "a.csv", text, "gbk")) == ("gb18030", True)
    assert find_encoding(write(tmp_path / "b.csv", text)) == ("utf-8", True)


def test_a_few_broken_bytes_do_not_change_the_encoding(tmp_path: Path):
    data = CSV.encode().replace("九百".encode(), b"\xff\xfe")
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    events, rejects = read(path, zone=SHANGHAI)
    assert [event.event_id for event in events] == ["甲-1", "甲-4"]
    assert told(rejects)[:2] == [("LOG_FILE_ENCODING", 0), ("EVENT_NUMBER", 3)]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("evnt_id,ts,type", "LOG_HEADER"),
        ("event_id,ts,订单号,order", "LOG_HEADER_REPEATED"),
        ("", "LOG_HEADER"),
    ],
)
def test_a_header_that_cannot_serve(tmp_path: Path, header: str, code: str):
    events, rejects = read(write(tmp_path / "a.csv", f"{header}\n1,2,3\n"))
    assert events == []
    assert told(rejects) == [(code, 1)]


def test_a_header_with_a_mapping_of_the_companys_own(tmp_path: Path):
    text = "No;When;Class;What;Who\n1;2024-05-14T10:00:00Z;business;login;u_liu\n"
    columns = {
        "event_id": "No",
        "event_time": "When",
        "kind": "Class",
        "type": "What",
        "actor": "Who",
    }
    mapping = EventMapping(columns=columns)
    events, rejects = read(write(tmp_path / "a.csv", text), mapping=mapping)
    assert rejects == []
    assert (events[0].event_id, events[0].actor) == ("1", "u_liu")


def test_a_csv_cut_in_a_quote_says_so(tmp_path: Path):
    events, rejects = read(write(tmp_path / "a.csv", CSV[: CSV.rindex('""4')]), zone=SHANGHAI)
    assert [event.event_id for event in events] == ["甲-1"]
    assert told(rejects)[-1][0] == "LOG_FILE_TRUNCATED"


def test_excel_names_the_cell_and_takes_the_zone(tmp_path: Path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["event_id", "ts", "kind", "type", "actor", "order", "amount"])
    at = datetime(2024, 3, 18, 16, 10)  # noqa: DTZ001 (as Excel keeps it)
    sheet.append(["E-1", at, "business", "voucher.post", "u_fin1", 19532, 1286400.25])
    sheet.append(["E-2", at, "business", "voucher.post", "u_fin1", 19533, "九百"])
    sheet.append([None] * 7)
    second = book.create_sheet("more")
    second.append(["event_id", "ts", "kind", "type", "actor"])
    second.append(["E-5", at, "business", "voucher.post", "u_fin1"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    events, rejects = read(path, zone=SHANGHAI)
    assert [(event.event_id, event.order) for event in events] == [("E-1", "19532"), ("E-5", "")]
    assert str(events[0].amount) == "1286400.25"
    assert events[0].event_time == datetime(2024, 3, 18, 8, 10, tzinfo=UTC)
    assert [(p.code, p.cell, p.line) for p in rejects[0].problems] == [("EVENT_NUMBER", "G3", 3)]
    naive, refused = read(path)
    assert naive == []
    assert [p.cell for p in refused[0].problems] == ["B2"]


def test_parquet(tmp_path: Path):
    path = tmp_path / "a.parquet"
    table = pa.Table.from_pylist([row(1), row(2, log_class="trade"), row(3)])
    pq.write_table(table, path)
    events, rejects = read(path)
    assert [event.event_id for event in events] == ["E-1", "E-3"]
    assert told(rejects) == [("EVENT_KIND_UNKNOWN", 2)]


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PAR1", b"\x00" * 1000])
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, suffix: str, data: bytes):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    events, rejects = read(path)
    assert events == []
    assert told(rejects) == [("LOG_FILE_UNREADABLE", 0)]


def test_cut_workbooks_and_parquet_files_are_reported(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.append(["event_id"])
    book.save(tmp_path / "a.xlsx")
    pq.write_table(pa.Table.from_pylist([row(1)]), tmp_path / "a.parquet")
    for name in ("a.xlsx", "a.parquet"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-30])
        assert [code for code, _ in told(read(path)[1])] == ["LOG_FILE_UNREADABLE"]


def test_unknown_forms_and_missing_files(tmp_path: Path):
    assert told(read(write(tmp_path / "a.pdf", "x"))[1]) == [("LOG_FILE_FORM", 0)]
    assert told(read(tmp_path / "none.csv")[1]) == [("LOG_FILE_NOT_OPENED", 0)]
    assert read(write(tmp_path / "empty.ndjson", "")) == ([], [])
