"""The walk of bad input: each kind of file, as text and as a workbook, with each kind of fault.

Each fault is told with the file, its line or cell, the field and what is allowed, in both
languages; the good row beside it is kept and the bad one goes to quarantine.
"""

from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest

from integrations.files import (
    Batch,
    ImportResult,
    Kind,
    Terms,
    header,
    quarantined,
    read_batch,
    take_in,
)
from service.i18n import load_words, problem_text
from store import Store
from store.problems import Problem

DESK = "华东钢铁/铜贸易部"
DAY = "2024-05-14"
SHARED = {"org": DESK, "product": "cu", "as_of": DAY}
GOOD: dict[Kind, dict[str, Any]] = {
    Kind.CONTRACTS: {"contract_id": "P-1", **SHARED, "side": "buy", "quantity": 1000},
    Kind.INVENTORY: {"lot_id": "L-1", **SHARED, "quantity": 1000},
    Kind.RECEIPTS: {"receipt_id": "R-1", **SHARED, "quantity": 1000, "status": "in_progress"},
    Kind.POSITIONS: {"org": DESK, "account": "A", "contract": "cu2407", "lots": 5, "side": "buy",
                     "as_of": DAY},
    Kind.PRICES: {"product": "cu", "kind": "settle", "price": 71250, "at": DAY, "month": "2407",
                  "quote_id": "Q-1"},
    Kind.LIMITS: {"limit_id": "N-1", "org": DESK, "product": "cu", "amount": 5000,
                  "valid_from": DAY},
}  # fmt: skip
IDS = {
    Kind.CONTRACTS: "contract_id", Kind.INVENTORY: "lot_id", Kind.RECEIPTS: "receipt_id",
    Kind.POSITIONS: "account", Kind.PRICES: "quote_id", Kind.LIMITS: "limit_id",
}  # fmt: skip
FIGURES = {
    Kind.CONTRACTS: "quantity", Kind.INVENTORY: "quantity", Kind.RECEIPTS: "quantity",
    Kind.POSITIONS: "lots", Kind.PRICES: "price", Kind.LIMITS: "amount",
}  # fmt: skip
TIMES = {Kind.PRICES: "at", Kind.LIMITS: "valid_from"}
FORMS = ("csv", "xlsx")
KINDS = tuple(Kind)


class Walk(NamedTuple):
    """One file: rows under a header, brought into a book."""

    store: Store
    terms: Terms
    folder: Path

    def file(self, form: str, rows: list[list[Any]], encoding: str = "utf-8") -> Path:
        path = self.folder / f"台账.{form}"
        if form == "xlsx":
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append(row)
            book.save(path)
        else:
            lines = (",".join(_quoted(cell) for cell in row) for row in rows)
            path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    def bring(self, kind: Kind, path: Path) -> tuple[Batch, ImportResult]:
        batch = read_batch(path, kind, self.terms)
        with self.store.unit_of_work("cli:tester") as uow:
            return batch, take_in(uow, batch)

    def kept(self) -> list[int]:
        with self.store.reader() as connection:
            return [row.line for row in quarantined(connection)]


def _quoted(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f'"{text}"' if "," in text or "\n" in text else text


@pytest.fixture
def walk(store: Store, terms: Terms, tmp_path: Path) -> Walk:
    folder = tmp_path / "files"
    folder.mkdir()
    return Walk(store, terms, folder)


def rows_of(kind: Kind, *changes: dict[str, Any]) -> list[list[Any]]:
    """The header, a good row, and one row for each change, with an id of its own."""
    good = GOOD[kind]
    found = [list(good), list(good.values())]
    for number, change in enumerate(changes, 2):
        own = {**good, IDS[kind]: f"X-{number}", **change}
        found.append([own[name] for name in good])
    return found


def told(problem: Problem, form: str, line: int, field: str) -> None:
    """The file, the line or cell, the field and what is allowed; a sentence in each language."""
    assert problem.file == f"台账.{form}"
    assert problem.line == line
    assert problem.field == field
    assert problem.allowed, problem
    assert bool(problem.cell) is (form == "xlsx")
    if problem.cell:
        assert problem.cell.endswith(str(line))
    for language in ("zh", "en"):
        sentence = problem_text(load_words(language, strict=True), problem)
        assert "台账" in sentence
        assert (problem.cell or str(line)) in sentence


def fields(kind: Kind) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Fault → the change, the field that must be named, the code."""
    figure = FIGURES[kind]
    product = "contract" if kind is Kind.POSITIONS else "product"
    when = TIMES.get(kind, "as_of")
    found = {
        "wrong type": ({figure: "九百"}, figure, "IMPORT_NOT_A_NUMBER"),
        "commas astray": ({figure: "12,34"}, figure, "IMPORT_NOT_A_NUMBER"),
        "read two ways": ({figure: "1.200"}, figure, "IMPORT_NUMBER_TWO_WAYS"),
        "negative": ({figure: "-5"}, figure, "IMPORT_NEGATIVE"),
        "unknown product": (
            {product: "zz2407" if product == "contract" else "zz"}, product, "PRODUCT_UNKNOWN",
        ),
        "unknown year": ({when: "1999-05-14"}, when, "CALENDAR_YEAR_UNKNOWN"),
        "empty": ({figure: None}, figure, "IMPORT_VALUE_MISSING"),
    }  # fmt: skip
    if kind is Kind.PRICES:
        del found["negative"]  # a price may be negative
    return found


CELLS = [(kind, name) for kind in KINDS for name in fields(kind)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "fault"), CELLS)
def test_a_bad_cell_is_told_and_costs_its_row_alone(
    walk: Walk, kind: Kind, fault: str, form: str
) -> None:
    change, field, code = fields(kind)[fault]
    batch, result = walk.bring(kind, walk.file(form, rows_of(kind, change)))
    assert [one.code for one in result.errors] == [code]
    told(batch.errors[0], form, 3, field)
    assert (result.rows, result.accepted, result.quarantined) == (2, 1, 1)
    assert walk.kept() == [3]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_with_commas_between_thousands_are_read(walk: Walk, kind: Kind, form: str) -> None:
    _, result = walk.bring(kind, walk.file(form, rows_of(kind, {FIGURES[kind]: "1,286,400"})))
    assert (result.accepted, result.errors) == (2, ())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_column_keeps_the_file_out(walk: Walk, kind: Kind, form: str) -> None:
    figure = FIGURES[kind]
    place = list(GOOD[kind]).index(figure)
    rows = [row[:place] + row[place + 1 :] for row in rows_of(kind)]
    batch, result = walk.bring(kind, walk.file(form, rows))
    assert [(one.code, one.field, one.line) for one in batch.errors] == [
        ("IMPORT_COLUMN_MISSING", figure, 1)
    ]
    assert batch.errors[0].allowed == figure
    assert (result.accepted, walk.kept()) == (0, [])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_extra_column_is_told_and_left_out(walk: Walk, kind: Kind, form: str) -> None:
    rows = [[*row, extra] for row, extra in zip(rows_of(kind), ("备注", "急"), strict=True)]
    _, result = walk.bring(kind, walk.file(form, rows))
    assert (result.accepted, result.errors) == (1, ())
    assert [(one.code, one.found, one.line) for one in result.warnings] == [
        ("IMPORT_COLUMN_UNKNOWN", "备注", 1)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_cell_is_told_once(walk: Walk, kind: Kind) -> None:
    path = walk.file("xlsx", rows_of(kind, {}, {}))
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("A3:A4")
    book.save(path)
    batch, result = walk.bring(kind, path)
    assert [(one.code, one.cell, one.found, one.field) for one in batch.errors] == [
        ("IMPORT_MERGED_CELLS", "A3", "A3:A4", next(iter(GOOD[kind])))
    ]
    assert (result.accepted, result.quarantined, walk.kept()) == (1, 2, [3, 4])


@pytest.mark.parametrize("encoding", ["gbk", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_chinese_systems_write_is_read(walk: Walk, kind: Kind, encoding: str) -> None:
    rows = rows_of(kind, {FIGURES[kind]: "九百"})
    batch, result = walk.bring(kind, walk.file("csv", rows, encoding))
    told(batch.errors[0], "csv", 3, FIGURES[kind])
    assert batch.errors[0].found == "九百"
    assert (result.accepted, result.quarantined, result.warnings) == (1, 1, ())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_stands_twice_is_told_with_its_first_place(
    walk: Walk, kind: Kind, form: str
) -> None:
    again = {IDS[kind]: GOOD[kind][IDS[kind]], FIGURES[kind]: 7}
    batch, result = walk.bring(kind, walk.file(form, rows_of(kind, again)))
    (problem,) = batch.errors
    assert (problem.code, problem.line, problem.params["other"]) == ("IMPORT_ID_REPEATED", 3, "2")
    assert set(problem.field.split(", ")) <= set(header(kind))
    assert (result.accepted, walk.kept()) == (1, [3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_of_10_mb_costs_its_row_alone(walk: Walk, kind: Kind) -> None:
    name = next(iter(GOOD[kind]))
    path = walk.file("csv", rows_of(kind, {name: "长" * (10 * 1024 * 1024 // 3)}))
    batch, result = walk.bring(kind, path)
    assert (batch.errors[0].field, batch.errors[0].line) == (name, 3)
    assert len(batch.errors[0].found) <= 80
    assert (result.accepted, walk.kept()) == (1, [3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_workbook_is_told(walk: Walk, kind: Kind) -> None:
    path = walk.file("xlsx", rows_of(kind, {}))
    path.write_bytes(path.read_bytes()[:-400])
    batch, result = walk.bring(kind, path)
    assert [one.code for one in batch.errors] == ["LOG_FILE_UNREADABLE"]
    assert batch.errors[0].file == "台账.xlsx"
    assert batch.errors[0].allowed
    assert (result.accepted, walk.kept()) == (0, [])


@pytest.mark.parametrize(
    ("tail", "code"), [('X-2,"cut', "LOG_FILE_TRUNCATED"), ("X-2,", "LOG_COLUMNS")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_text_keeps_what_came_before(
    walk: Walk, kind: Kind, tail: str, code: str
) -> None:
    path = walk.file("csv", rows_of(kind))
    path.write_text(path.read_text(encoding="utf-8") + tail, encoding="utf-8")
    batch, result = walk.bring(kind, path)
    assert [(one.code, one.line) for one in batch.errors] == [(code, 3)]
    assert batch.errors[0].allowed
    assert result.accepted == 1
