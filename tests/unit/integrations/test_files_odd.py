"""Odd files of real offices: read rightly or refused by cell, never wrong without a word."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from book.positions import FuturesPosition, InventoryLot, PhysicalContract
from integrations.files import Batch, Kind, Terms, read_batch

Read = Callable[..., Batch]
DESK = "华东钢铁/铜贸易部"
HEAD = ["contract_id", "org", "product", "side", "quantity", "delivered", "price", "as_of"]


def contract(**changed: object) -> list[object]:
    plain: dict[str, object] = {
        "contract_id": "P-1", "org": DESK, "product": "cu", "side": "buy", "quantity": 1000,
        "delivered": 100, "price": 71250, "as_of": "2024-05-14",
    }  # fmt: skip
    return [({**plain, **changed})[name] for name in HEAD]


def codes(batch: Batch) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in batch.errors]


def test_a_formula_without_its_value_is_no_empty_cell(read: Read) -> None:
    """`delivered` may be left out; a formula that nobody calculated is not that."""
    rows = [HEAD, contract(contract_id="P-0"), contract(delivered="=50*2")]
    batch = read(Kind.CONTRACTS, rows)
    assert codes(batch) == [("IMPORT_NOT_CALCULATED", "delivered")]
    assert batch.errors[0].cell == "F3"
    assert len(batch.entries) == 1


def test_cells_around_a_formula_and_beyond_a_piece_keep_their_places(
    tmp_path: Path, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.files.workbook_parts._PIECE", 97)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEAD)
    for number in range(1, 40):
        sheet.append(contract(contract_id=f"P-{number}", delivered=None))
    sheet["F20"] = "=E20*0.1"
    sheet["C30"].font = openpyxl.styles.Font(bold=True)
    path = tmp_path / "p.xlsx"
    book.save(path)
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [problem.cell for problem in batch.errors] == ["F20"]
    assert len(batch.entries) == 38


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!"])
def test_an_error_of_excel_is_no_name(read: Read, error: str) -> None:
    head = [*HEAD, "project"]
    batch = read(Kind.CONTRACTS, [head, [*contract(), error]])
    assert codes(batch) == [("IMPORT_EXCEL_ERROR", "project")]


@pytest.mark.parametrize("number", [123456789012345678, 1.2345678901234567e17])
def test_a_long_number_whose_end_excel_lost_is_no_id(read: Read, number: object) -> None:
    batch = read(Kind.CONTRACTS, [HEAD, contract(contract_id=number)])
    assert codes(batch) == [("IMPORT_DIGITS_LOST", "contract_id")]
    good = read(Kind.CONTRACTS, [HEAD, contract(contract_id=20240514001)])
    assert good.errors == ()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1899-12-30", 45426, 45426.5])
def test_a_day_that_cannot_be_meant_is_told(read: Read, day: object) -> None:
    assert {code for code, _ in codes(read(Kind.CONTRACTS, [HEAD, contract(as_of=day)]))} <= {
        "IMPORT_NOT_A_DATE",
        "CALENDAR_YEAR_UNKNOWN",
    }
    head = "org,contract_id,fixation_id,quantity,price,as_of,product,side\n"
    row = f"{DESK},P-1,F-1,5,71000,{day},,\n"
    assert codes(read(Kind.CONTRACTS, head + row)) == [("IMPORT_NOT_A_DATE", "as_of")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("１０００", 1000), ("1,000", 1000), ("１，０００．５", "1000.5"), (" 1000 ", 1000),
     ("1000吨", None), ("200手", None), ("1 000", None), ("(1000)", None), ("1.000,5", None),
     ("12,34", None), ("1e3", None), ("10%", None), ("约1000", None), ("-", None)],
)  # fmt: skip
def test_a_number_is_read_rightly_or_refused(read: Read, written: str, meant: object) -> None:
    batch = read(Kind.CONTRACTS, [HEAD, contract(quantity=written, delivered=None)])
    if meant is None:
        assert codes(batch)[0][1] == "quantity"
        return
    fact = batch.entries[0].fact
    assert isinstance(fact, PhysicalContract)
    assert str(fact.quantity) == str(meant)


def test_a_total_below_the_rows_is_no_stock(read: Read) -> None:
    head = ["lot_id", "org", "product", "quantity"]
    rows = [head, ["A", DESK, "cu", 10], ["B", DESK, "cu", 20], ["合计", None, None, 30]]
    batch = read(Kind.INVENTORY, rows)
    assert [entry.line for entry in batch.entries] == [2, 3]
    assert {problem.line for problem in batch.errors} == {4}
    total = [
        problem.found
        for problem in read(Kind.INVENTORY, [*rows[:3], ["C", "合计", "cu", 30]]).errors
    ]
    assert total == ["合计"]


def test_a_header_in_the_third_row_and_a_hidden_sheet(tmp_path: Path, terms: Terms) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    head = ["lot_id", "org", "product", "quantity"]
    for row in (["铜库存日报"], ["2024-05-14", "制表：王"], head, ["A", DESK, "cu", 10]):
        sheet.append(row)
    hidden = book.create_sheet("旧")
    hidden.append(["lot_id", "org", "product", "quantity"])
    hidden.append(["Z", DESK, "cu", 99])
    hidden.sheet_state = "hidden"
    path = tmp_path / "i.xlsx"
    book.save(path)
    batch = read_batch(path, Kind.INVENTORY, terms)
    assert batch.errors == ()
    facts = [entry.fact for entry in batch.entries]
    assert [fact.lot_id for fact in facts if isinstance(fact, InventoryLot)] == ["A"]


def test_two_header_rows_are_not_taken_for_one(read: Read) -> None:
    rows = [["合同", None, "标的", None], ["lot_id", "org", "product", "quantity"],
            ["A", DESK, "cu", 10]]  # fmt: skip
    assert len(read(Kind.INVENTORY, rows).entries) == 1
    doubled = [["lot_id", "org", "product", "quantity"], ["编号", "组织", "品种", "吨"],
               ["A", DESK, "cu", 10]]  # fmt: skip
    batch = read(Kind.INVENTORY, doubled)
    assert {problem.line for problem in batch.errors} == {2}
    assert len(batch.entries) == 1


def test_a_short_position_in_parentheses_is_not_long(read: Read) -> None:
    batch = read(Kind.POSITIONS, f"org,account,contract,lots\n{DESK},1,cu2406,(20)\n")
    assert codes(batch) == [("IMPORT_NOT_A_NUMBER", "lots")]
    good = read(Kind.POSITIONS, f"org,account,contract,lots\n{DESK},1,cu2406,−20\n").entries[0].fact
    assert isinstance(good, FuturesPosition)
    assert good.lots == -20
