"""Cells that show something else than they store: read as shown, or refused by cell."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from book.positions import PhysicalContract
from integrations.files import Batch, Kind, Terms, read_batch

DESK = "华东钢铁/铜贸易部"
HEAD = ["contract_id", "org", "product", "side", "quantity", "tolerance_pct", "price"]
ROW: list[Any] = ["P-1", DESK, "cu", "buy", 1000, 5, 71250]


@pytest.fixture
def sheet() -> Any:
    found = openpyxl.Workbook().active
    assert found is not None
    found.append(HEAD)
    found.append(ROW)
    return found


def _read(sheet: Any, folder: Path, terms: Terms) -> Batch:
    path = folder / "p.xlsx"
    sheet.parent.save(path)
    return read_batch(path, Kind.CONTRACTS, terms)


def _contract(batch: Batch) -> PhysicalContract:
    assert batch.errors == ()
    (entry,) = batch.entries
    assert isinstance(entry.fact, PhysicalContract)
    return entry.fact


@pytest.mark.parametrize("style", ["0%", "0.00%", "[Red]0.0%", "0%;-0%"])
@pytest.mark.parametrize(("value", "expected"), [(0.05, "5"), (0.001, "0.1"), (1, "100"), (0, "0")])
def test_a_tolerance_that_is_shown_as_a_percentage_is_what_it_shows(
    *, sheet: Any, tmp_path: Path, terms: Terms, style: str, value: float, expected: str
) -> None:
    sheet["F2"], sheet["F2"].number_format = value, style
    assert _contract(_read(sheet, tmp_path, terms)).tolerance_pct == Decimal(expected)


@pytest.mark.parametrize("style", ["General", "0.00", '0.00"%"', r"0\%", '0.0"%";-0%'])
def test_a_sign_that_is_only_written_beside_the_number_changes_nothing(
    sheet: Any, tmp_path: Path, terms: Terms, style: str
) -> None:
    sheet["F2"].number_format = style
    assert _contract(_read(sheet, tmp_path, terms)).tolerance_pct == 5


def test_a_quantity_that_is_shown_as_a_percentage_is_refused_at_its_cell(
    sheet: Any, tmp_path: Path, terms: Terms
) -> None:
    sheet["E2"], sheet["E2"].number_format = 0.5, "0%"
    batch = _read(sheet, tmp_path, terms)
    (problem,) = batch.errors
    assert (problem.code, problem.field, problem.cell) == ("IMPORT_PERCENTAGE", "quantity", "E2")
    assert problem.found == "50.0%"
    assert batch.entries == ()


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        (123, "000000", "000123"),
        (123.0, "000000", "000123"),
        (1234567, "000000", "1234567"),
        (123, "0", "123"),
        (123, "General", "123"),
        (0, "0000;-0000", "0000"),
    ],
)
def test_an_id_that_is_shown_with_leading_zeros_keeps_them(
    *, sheet: Any, tmp_path: Path, terms: Terms, value: float, style: str, expected: str
) -> None:
    sheet["A2"], sheet["A2"].number_format = value, style
    assert _contract(_read(sheet, tmp_path, terms)).contract_id == expected


def test_a_padded_quantity_is_still_a_number(sheet: Any, tmp_path: Path, terms: Terms) -> None:
    sheet["E2"].number_format = "00000000"
    assert _contract(_read(sheet, tmp_path, terms)).quantity == 1000


def test_rows_that_a_filter_hides_are_refused_each_by_its_line(
    sheet: Any, tmp_path: Path, terms: Terms
) -> None:
    for number in range(2, 6):
        sheet.append([f"P-{number}", *ROW[1:]])
    for line in (3, 5):
        sheet.row_dimensions[line].hidden = True
    batch = _read(sheet, tmp_path, terms)
    assert [(one.code, one.line) for one in batch.errors] == [
        ("IMPORT_ROW_HIDDEN", 3),
        ("IMPORT_ROW_HIDDEN", 5),
    ]
    assert [entry.line for entry in batch.entries] == [2, 4, 6]
    assert (batch.rows, len(batch.bad)) == (5, 2)


def test_marks_stand_at_their_cells_however_the_parts_are_cut(
    sheet: Any, tmp_path: Path, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.files.cell_marks._PIECE", 61)
    for number in range(2, 40):
        sheet.append([number, *ROW[1:]])
        sheet.cell(number + 1, 1).number_format = "0000"
    sheet["F20"], sheet["F20"].number_format = 0.07, "0%"
    sheet.row_dimensions[30].hidden = True
    batch = _read(sheet, tmp_path, terms)
    assert [(one.code, one.line) for one in batch.errors] == [("IMPORT_ROW_HIDDEN", 30)]
    facts = [entry.fact for entry in batch.entries if isinstance(entry.fact, PhysicalContract)]
    assert [one.contract_id for one in facts[1:4]] == ["0002", "0003", "0004"]
    assert {one.contract_id: one.tolerance_pct for one in facts}["0019"] == 7
    assert sum(one.tolerance_pct != 5 for one in facts) == 1


def test_each_sheet_has_its_own_marks(sheet: Any, tmp_path: Path, terms: Terms) -> None:
    second = sheet.parent.create_sheet("二月")
    second.append(HEAD)
    second.append(["P-2", *ROW[1:]])
    second.row_dimensions[2].hidden = True
    batch = _read(sheet, tmp_path, terms)
    assert len(batch.entries) == 1
    assert [one.code for one in batch.errors] == ["IMPORT_ROW_HIDDEN"]
