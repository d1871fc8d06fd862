"""Each fault of a file says where it stands, of which field, and what is allowed there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from auditlog.events import Event
from auditlog.port import Reject
from auditlog.reader_files import read_file
from integrations.files import Batch, Kind
from service.cli.importing import labels
from service.i18n import load_words
from service.i18n.catalogue import problem_text
from store.problems import Problem

Read = Callable[..., Batch]
NOW = datetime(2024, 12, 31, tzinfo=UTC)
HEAD = ["contract_id", "org", "product", "side", "quantity", "unit", "month"]
GOOD: list[object] = ["P-1", "华东钢铁/铜贸易部", "cu", "buy", "1000", "t", "2406"]


def changed(**cells: object) -> list[object]:
    return [cells.get(name, value) for name, value in zip(HEAD, GOOD, strict=True)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("cells", "told", "allowed"),
    [
        ({"side": "租"}, ("IMPORT_NOT_A_CHOICE", "side"), "buy / 买 / 买入"),
        ({"side": ""}, ("IMPORT_VALUE_MISSING", "side"), "sell / 卖 / 卖出"),
        ({"contract_id": "P\u202e2"}, ("IMPORT_CONTROL_CHARACTER", "contract_id"), "≠ U+202E"),
        ({}, ("IMPORT_ID_REPEATED", "contract_id"), "≠ P-1"),
    ],
)
def test_a_fault_of_a_cell_says_what_is_allowed(
    read: Read, form: str, cells: dict[str, object], told: tuple[str, str], allowed: str
) -> None:
    rows = [HEAD, GOOD, changed(**cells)]
    content = rows if form == "xlsx" else "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    (problem,) = read(Kind.CONTRACTS, content).errors
    assert (problem.code, problem.field, problem.line) == (*told, 3)
    assert allowed in problem.allowed
    assert bool(problem.cell) == (form == "xlsx")
    if problem.found:
        assert problem.allowed in problem_text(load_words("zh"), problem)


def test_a_byte_that_is_no_text_is_named_as_a_byte(read: Read) -> None:
    rows = [",".join(HEAD), ",".join(map(str, GOOD)), ",".join(map(str, changed(month="敞口")))]
    data = "\n".join([*rows, ""]).encode().replace(b"P-1", b"P\xff1", 1)
    found = [one for one in read(Kind.CONTRACTS, data).errors if one.line == 2]
    assert [(one.code, one.allowed) for one in found] == [("IMPORT_CONTROL_CHARACTER", "≠ 0xFF")]


def test_a_formula_without_its_value_says_what_may_stand_there(read: Read) -> None:
    problems = read(Kind.CONTRACTS, [HEAD, changed(quantity="=1+1", month="=A1")]).errors
    assert [(one.code, one.cell, one.found, one.allowed) for one in problems] == [
        ("IMPORT_NOT_CALCULATED", "E2", "=…", "1286400.00"),
        ("IMPORT_NOT_CALCULATED", "G2", "=…", "2406, spot"),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("part", [2, 3])
def test_a_cut_workbook_is_told_in_our_words(
    read: Read, tmp_path: Path, language: str, part: int
) -> None:
    book = openpyxl.Workbook()
    for row in [HEAD, *[changed(contract_id=f"P-{number}") for number in range(300)]]:
        book.active.append(row)
    book.save(tmp_path / "whole.xlsx")
    data = (tmp_path / "whole.xlsx").read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(data[: len(data) * (part - 1) // part])
    batch = read(Kind.CONTRACTS, (tmp_path / "cut.xlsx").read_bytes(), file="台账.xlsx")
    (events,) = read_file(tmp_path / "cut.xlsx", now=NOW)
    assert isinstance(events, Reject)
    for problem in (*batch.errors, *events.problems):
        assert (problem.code, problem.allowed) == ("LOG_FILE_UNREADABLE", ".xlsx")
        sentence = problem_text(load_words(language), problem)
        assert "zip" not in sentence.casefold()
        assert ".xlsx" in sentence.replace(problem.file, "")


EVENT = {
    "流水": "E-1", "ts": "2024-05-14T10:00:00Z", "kind": "business", "type": "x.y",
    "source": "erp", "amount": "1", "说明": "x",
}  # fmt: skip


def faults(path: Path, *rows: dict[str, object]) -> Iterator[Problem]:
    book = openpyxl.Workbook()
    for number, row in enumerate(rows):
        sheet = book.active if not number else book.create_sheet("第二")
        sheet.append(["event_id" if name == "流水" else name for name in row])
        sheet.append(list(row.values()))
    book.save(path)
    for one in read_file(path, now=NOW):
        assert isinstance(one, Reject | Event)
        yield from one.problems if isinstance(one, Reject) else ()


@pytest.mark.parametrize(
    ("cells", "code", "cell"),
    [
        ({"amount": "abc"}, "EVENT_NUMBER", "F2"),
        ({"ts": "gestern"}, "EVENT_TIME", "B2"),
        ({"ts": None}, "EVENT_FIELD_MISSING", "B2"),  # told as event_time, which stands there as ts
        ({"kind": "x"}, "EVENT_KIND_UNKNOWN", "C2"),
        ({"说明": "a\u202eb"}, "EVENT_CONTROL_CHARACTER", "G2"),
    ],
)
def test_a_fault_of_an_event_in_a_workbook_names_the_cell(
    tmp_path: Path, cells: dict[str, object], code: str, cell: str
) -> None:
    first, second = faults(tmp_path / "a.xlsx", {**EVENT, **cells}, {**EVENT, **cells})
    assert (first.code, first.cell) == (code, cell)
    assert (second.code, second.cell) == (code, f"第二!{cell}")
    assert first.allowed


def test_labels_of_the_catalogue_are_headers(read: Read) -> None:
    head = "合同编号,组织,品种,方向,数量,单位,交割月份"
    text = f"{head}\n" + ",".join(map(str, changed(side="租"))) + "\n"
    (problem,) = read(Kind.CONTRACTS, text, labels=labels()).errors
    sentence = problem_text(load_words("zh"), problem)
    assert "方向" in sentence
    assert "买入" in sentence
