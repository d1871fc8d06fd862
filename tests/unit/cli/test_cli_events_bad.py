"""Bad files of events, every kind of fault in every form: what is told, and what is kept."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils import get_column_letter

Row = dict[str, Any]
FORMS = ("csv", "xlsx", "parquet", "ndjson")


def row(number: int, **fields: Any) -> Row:
    return {
        "event_id": f"E-{number}",
        "org": "华东钢铁/铜贸易部",
        "event_time": f"2024-05-14T10:52:{number:02d}+08:00",
        "kind": "business",
        "type": "order.create",
        "source": "erp",
        "product": "cu",
        "order": f"SO-{number}",
        "qty": "25",
        "unit": "t",
        "side": "sell",
        "message": "新建销售订单",
        **fields,
    }


def write(folder: Path, form: str, rows: list[Row], name: str = "e") -> Path:
    """The rows as a file of the form; a row may lack columns, which are then empty."""
    path = folder / f"{name}.{form}"
    names = list(dict.fromkeys(name for one in rows for name in one))
    table = [[one.get(name) for name in names] for one in rows]
    if form == "ndjson":
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows))
    elif form == "parquet":
        columns = zip(*table, strict=True)
        texts = [pa.array([None if one is None else str(one) for one in c]) for c in columns]
        pq.write_table(pa.table(texts, names=names), path)
    elif form == "xlsx":
        book = openpyxl.Workbook()
        for line in [names, *table]:
            book.active.append(line)
        book.save(path)
    else:
        lines = [",".join(f'"{"" if one is None else one}"' for one in line) for line in table]
        path.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    return path


class Wrong(NamedTuple):
    fields: Row
    code: str
    field: str
    forms: tuple[str, ...] = FORMS


WRONG = {
    "a word for a number": Wrong({"qty": "九百"}, "EVENT_NUMBER", "qty"),
    "no number at all": Wrong({"amount": "NaN"}, "EVENT_NUMBER_NOT_FINITE", "amount"),
    "a required field is missing": Wrong({"type": None}, "EVENT_FIELD_MISSING", "type"),
    "no such time": Wrong({"event_time": "2024-02-30T10:00:00Z"}, "EVENT_TIME", "event_time"),
    "a kind that is none": Wrong({"kind": "busines"}, "EVENT_KIND_UNKNOWN", "kind"),
    "an unknown product": Wrong({"product": "xx"}, "PRODUCT_UNKNOWN", "product"),
    "a negative quantity": Wrong({"qty": "-5"}, "IMPORT_NEGATIVE", "qty"),
    "a year without calendar": Wrong(
        {"event_time": "1991-05-14T10:00:00Z"}, "CALENDAR_YEAR_UNKNOWN", "event_time"
    ),
    "a text of ten megabytes": Wrong(
        {"message": "长" * 3_500_000},
        "EVENT_TEXT_TOO_LONG",
        "message",
        ("csv", "parquet", "ndjson"),
    ),
    "an unknown organisation": Wrong({"org": "华东钢铁/铜贸易"}, "ORG_UNKNOWN", "org"),
}


def imported(house: Any, path: Path) -> Any:
    answer = house("events", "import", str(path), "--json")
    assert "Traceback" not in answer.err
    assert answer.code in {0, 1}, answer.err
    assert all(error["file"] == path.name for error in answer.json["errors"])
    return answer.json


def counts(told: Row) -> tuple[int, ...]:
    names = ("accepted", "duplicates", "quarantined", "already_quarantined")
    return tuple(told[name] for name in names)


@pytest.mark.parametrize("form", FORMS)
def test_every_faulty_row_is_named_and_the_good_ones_are_kept(house: Any, form: str) -> None:
    wrong = {name: one for name, one in WRONG.items() if form in one.forms}
    rows = [row(number, **one.fields) for number, one in enumerate(wrong.values(), 1)]
    path = write(house.folder, form, [row(51), *rows, row(52)])
    told = imported(house, path)
    assert counts(told) == (2, 0, len(wrong), 0)
    for line, (name, one) in enumerate(wrong.items(), 3 if form in {"csv", "xlsx"} else 2):
        found = [error for error in told["errors"] if error["line"] == line]
        first = found[0]
        assert (first["code"], first["field"]) == (one.code, one.field), name
        assert first["allowed"] or first["hint"], name
        assert first["message"], name
        column = get_column_letter(list(row(1)).index(one.field) + 1) if one.field in row(1) else ""
        if column and form == "xlsx":  # what the checks of the book find stands in a cell as well
            assert first["cell"] == f"{column}{line}", name
    # the same once more: nothing is new, and no faulty row passes for an event
    assert counts(imported(house, path)) == (0, 2, 0, len(wrong))


@pytest.mark.parametrize("form", FORMS)
def test_an_id_that_stands_twice(house: Any, form: str) -> None:
    told = imported(house, write(house.folder, form, [row(1), row(1), row(2, qty="5")]))
    assert (counts(told), told["errors"]) == ((2, 1, 0, 0), [])
    told = imported(house, write(house.folder, form, [row(3), row(2, qty="6")], "other"))
    assert counts(told) == (1, 0, 1, 0)
    line = 3 if form in {"csv", "xlsx"} else 2
    found = [(one["code"], one["line"], one["field"], one["found"]) for one in told["errors"]]
    assert found == [("EVENT_ID_REUSED", line, "event_id", "E-2")]
    assert [one["cell"] for one in told["errors"]] == ["A3" if form == "xlsx" else ""]


@pytest.mark.parametrize("form", FORMS)
def test_numbers_with_commas_and_columns_that_we_do_not_know(house: Any, form: str) -> None:
    told = imported(house, write(house.folder, form, [row(1, qty="1,286.5", 备用栏="甲")]))
    assert counts(told) == (1, 0, 0, 0)
    found = house("events", "search", "--object", "SO-1", "--json").json["rows"][0]
    assert (found["qty"], found["attributes"]["备用栏"]) == ("1286.5", "甲")


@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_every_event_needs_is_missing(house: Any, form: str) -> None:
    bare = [{name: one for name, one in row(n).items() if name != "event_id"} for n in (1, 2)]
    told = imported(house, write(house.folder, form, bare))
    assert counts(told)[0] == 0
    code = "EVENT_FIELD_MISSING" if form == "ndjson" else "LOG_HEADER"
    assert {(one["code"], one["field"]) for one in told["errors"]} == {(code, "event_id")}
    assert all("event_id" in one["allowed"] for one in told["errors"])


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_the_encodings_of_chinese_systems(house: Any, form: str, encoding: str) -> None:
    path = write(house.folder, form, [row(1), row(2)])
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert counts(imported(house, path)) == (2, 0, 0, 0)
    found = house("events", "search", "--object", "SO-1", "--json").json["rows"][0]
    assert (found["org"], found["message"]) == ("华东钢铁/铜贸易部", "新建销售订单")


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_was_cut_says_so_and_keeps_what_came_before(house: Any, form: str) -> None:
    path = write(house.folder, form, [row(n) for n in range(1, 6)])
    _cut(path)
    told = imported(house, path)
    codes = {one["code"] for one in told["errors"]}
    assert codes <= {"LOG_FILE_TRUNCATED", "LOG_FILE_UNREADABLE", "LOG_COLUMNS"}
    assert len(codes) == 1
    # a workbook and a Parquet file have their directory at the end: without it nothing is read
    assert (told["accepted"] > 0) == (form in {"csv", "ndjson"})


@pytest.mark.parametrize(("form", "named"), [("xlsx", "csv"), ("csv", "xlsx"), ("csv", "parquet"),
                                             ("parquet", "csv"), ("xlsx", "ndjson")])  # fmt: skip
def test_a_file_under_another_forms_name(house: Any, form: str, named: str) -> None:
    path = write(house.folder, form, [row(1)])
    path = path.rename(path.with_suffix(f".{named}"))
    told = imported(house, path)
    assert told["accepted"] == 0
    assert [(one["code"], one["allowed"]) for one in told["errors"]] == [
        ("LOG_FILE_UNREADABLE", f".{named}")
    ]


def test_merged_cells_are_told_by_their_cell(house: Any) -> None:
    path = write(house.folder, "xlsx", [row(1), row(2), row(3)])
    book = openpyxl.load_workbook(path)
    column = list(row(1)).index("kind") + 1
    book.active.merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)
    book.save(path)
    told = imported(house, path)
    assert counts(told) == (2, 0, 1, 0)
    found = [(one["code"], one["field"], one["line"], one["cell"]) for one in told["errors"]]
    assert found == [("EVENT_FIELD_MISSING", "kind", 3, "D3")]


def test_bytes_that_are_no_text_are_told_and_kept_in_quarantine(house: Any) -> None:
    path = house.folder / "e.ndjson"
    good = json.dumps(row(1), ensure_ascii=False).encode()
    path.write_bytes(b"X\xff\xfe\x00 broken\n" + good + b"\n")
    told = imported(house, path)
    assert counts(told) == (1, 0, 1, 0)
    assert [(one["code"], one["line"]) for one in told["errors"]] == [("EVENT_ENCODING", 1)]
