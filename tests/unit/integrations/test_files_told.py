"""What a file is, what it hides and what its numbers may mean: said in the reader's own names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from book.positions import PhysicalContract
from integrations.files import Batch, Kind, Terms, preview, quarantined, read_batch, replay, take_in
from integrations.files.mapping import load_mapping
from service.i18n import load_words, problem_text
from service.import_terms import product_names
from store import Store
from store.problems import Problem

Read = Callable[..., Batch]
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
DESK = "华东钢铁/铜贸易部"
HEAD = ["contract_id", "org", "product", "side", "quantity", "price", "month", "as_of"]
ROW: list[Any] = ["P-1", DESK, "cu", "buy", 1000, 71250, "2407", "2024-05-14"]


def text(*rows: list[Any], head: list[str] = HEAD) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in (head, *rows))


def changed(**cells: object) -> list[Any]:
    return [cells.get(name, value) for name, value in zip(HEAD, ROW, strict=True)]


def workbook(path: Path, change: Callable[[Any], None] = lambda _: None) -> Path:
    book = openpyxl.Workbook()
    for row in (HEAD, ROW, changed(contract_id="P-2")):
        book.active.append(row)
    change(book)
    with path.open("wb") as stream:
        book.save(stream)
    return path


def said(problem: Problem, language: str) -> str:
    return problem_text(load_words(language, strict=True), problem)


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "code", "meant"),
    [
        ("台账.xlsx", text(ROW).encode(), "IMPORT_IS_TEXT", ".csv"),
        ("台账.xlsx", text(ROW).encode("gbk"), "IMPORT_IS_TEXT", ".csv"),
        ("台账.xlsx", OLD, "IMPORT_IS_OLD_WORKBOOK", ".xlsx"),
        ("台账.csv", OLD, "IMPORT_IS_OLD_WORKBOOK", ".xlsx"),
        ("台账.xlsx", b"\xef\xbb\xbf\r\n<HTML><table>", "IMPORT_IS_WEB_PAGE", ".xlsx"),
        ("台账.csv", b"<table><tr><td>P-1</td></tr></table>", "IMPORT_IS_WEB_PAGE", ".xlsx"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_told_as_what_it_is(
    read: Read, name: str, content: bytes, code: str, meant: str
) -> None:
    batch = read(Kind.CONTRACTS, content, file=name)
    (problem,) = batch.errors
    assert (problem.code, problem.allowed, problem.file) == (code, meant, name)
    assert (batch.rows, batch.entries) == (0, ())


def test_a_workbook_under_the_name_of_a_text_is_told(tmp_path: Path, terms: Terms) -> None:
    path = workbook(tmp_path / "台账.csv")
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [(one.code, one.found, one.allowed) for one in batch.errors] == [
        ("IMPORT_IS_WORKBOOK", ".csv", ".xlsx")
    ]
    assert ".xlsx" in said(batch.errors[0], "zh")
    assert read_batch(path.rename(tmp_path / "台账.xlsx"), Kind.CONTRACTS, terms).errors == ()


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04"])
def test_a_workbook_that_ends_at_once_is_no_text(read: Read, content: bytes) -> None:
    assert [one.code for one in read(Kind.CONTRACTS, content, file="a.xlsx").errors] == [
        "LOG_FILE_UNREADABLE"
    ]


def test_a_hidden_sheet_is_left_out_and_said_once(tmp_path: Path, terms: Terms) -> None:
    def hide(book: Any) -> None:
        sheet = book.create_sheet("上月")
        for row in (HEAD, changed(contract_id="OLD-1"), changed(contract_id="OLD-2")):
            sheet.append(row)
        sheet.sheet_state = "hidden"

    batch = read_batch(workbook(tmp_path / "a.xlsx", hide), Kind.CONTRACTS, terms)
    assert (len(batch.entries), batch.errors) == (2, ())
    assert [(one.code, one.found) for one in batch.warnings] == [("IMPORT_SHEET_HIDDEN", "上月")]


def test_a_hidden_column_is_read_and_said(tmp_path: Path, terms: Terms) -> None:
    def hide(book: Any) -> None:
        book.active.column_dimensions["F"].hidden = True
        book.active.column_dimensions["Z"].hidden = True

    batch = read_batch(workbook(tmp_path / "a.xlsx", hide), Kind.CONTRACTS, terms)
    assert [(one.code, one.field, one.cell) for one in batch.warnings] == [
        ("IMPORT_COLUMN_HIDDEN", "price", "F1")
    ]
    fact = batch.entries[0].fact
    assert isinstance(fact, PhysicalContract)
    assert fact.price == 71250


def test_a_merge_is_told_once_and_keeps_out_each_row_of_it(tmp_path: Path, terms: Terms) -> None:
    def merge(book: Any) -> None:
        book.active.append(changed(contract_id="P-3"))
        book.active.merge_cells("C2:C3")
        book.active.merge_cells("H2:H3")

    batch = read_batch(workbook(tmp_path / "a.xlsx", merge), Kind.CONTRACTS, terms)
    assert [(one.cell, one.found, one.field) for one in batch.errors] == [
        ("C2", "C2:C3", "product"),
        ("H2", "H2:H3", "as_of"),
    ]
    assert [row.line for row in batch.bad] == [2, 3]
    assert all(row.problems for row in batch.bad)
    assert [entry.line for entry in batch.entries] == [4]


def test_a_merged_header_names_no_columns(tmp_path: Path, terms: Terms) -> None:
    path = workbook(tmp_path / "a.xlsx", lambda book: book.active.merge_cells("F1:G1"))
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [(one.code, one.cell, one.found) for one in batch.errors] == [
        ("IMPORT_HEADER_MERGED", "F1", "F1:G1")
    ]
    assert batch.entries == ()


# --- the reader's own names ---------------------------------------------------------------------


MAPPING = "columns: {quantity: 数量（吨）}\n"


def test_a_fault_names_the_column_as_it_stands_in_the_file_and_ours(read: Read) -> None:
    head = ["数量（吨）" if name == "quantity" else name for name in HEAD]
    content = text(changed(quantity="九百"), changed(side="进"), head=head)
    amount, side = read(Kind.CONTRACTS, content, mapping=MAPPING).errors
    assert (amount.field, amount.params["column"]) == ("quantity", "数量（吨）")
    assert "“数量（吨） / quantity”" in said(amount, "zh")
    assert "数量（吨） / quantity is not a number" in said(amount, "en")
    assert "“side / 方向”" in said(side, "zh")
    assert "side / " not in said(side, "en")


def test_a_fault_in_a_workbook_and_a_missing_column_too(read: Read) -> None:
    label = load_words("zh").text("import.field.quantity")
    head = [label if name == "quantity" else name for name in HEAD]
    (problem,) = read(
        Kind.CONTRACTS, [head, changed(quantity=-5)], labels={label: "quantity"}
    ).errors
    assert f"“{label} / quantity”" in said(problem, "zh")
    (missing,) = read(
        Kind.CONTRACTS, text([*ROW[:4], *ROW[5:]], head=[*HEAD[:4], *HEAD[5:]])
    ).errors
    assert (missing.code, missing.field) == ("IMPORT_COLUMN_MISSING", "quantity")
    assert "“quantity / 数量”" in said(missing, "zh")


def test_what_came_from_no_file_names_the_field_alone() -> None:
    problem = Problem("IMPORT_VALUE_MISSING", field="quantity")
    assert said(problem, "zh") == load_words("zh").text(
        "problem.IMPORT_VALUE_MISSING", field="quantity"
    )


# --- numbers, months and prices -------------------------------------------------------------------


@pytest.mark.parametrize("written", ["1.200", "-1.200", "12.345", "１．２００", "+999.999"])
def test_a_number_that_can_be_read_two_ways_is_refused_with_both(read: Read, written: str) -> None:
    (problem,) = read(Kind.CONTRACTS, text(changed(price=written))).errors
    assert (problem.code, problem.field, problem.line) == ("IMPORT_NUMBER_TWO_WAYS", "price", 2)
    if written == "1.200":
        assert problem.allowed == "1200, 1.2000"
        assert "1200" in said(problem, "zh")
        assert "1.2000" in said(problem, "zh")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1.20", "1.20"), ("0.450", "0.450"), ("1200.000", "1200.000"), ("1.2000", "1.2000"),
     ("1,200", "1200"), ("1,200.500", "1200.500")],
)  # fmt: skip
def test_a_number_that_can_be_read_one_way_is_taken(read: Read, written: str, meant: str) -> None:
    (entry,) = read(Kind.CONTRACTS, text(changed(price=f'"{written}"'))).entries
    assert isinstance(entry.fact, PhysicalContract)
    assert str(entry.fact.price) == meant


@pytest.mark.parametrize(
    ("sign", "written", "meant"),
    [(".", "1.200", "1.200"), (",", "1.200", "1200"), (",", "1,200", "1.200"),
     (",", "1.286.400,50", "1286400.50"), (".", "1,286,400.50", "1286400.50")],
)  # fmt: skip
def test_the_mapping_says_the_decimal_sign(read: Read, sign: str, written: str, meant: str) -> None:
    content = text(changed(price=f'"{written}"'))
    (entry,) = read(Kind.CONTRACTS, content, mapping=f'decimal: "{sign}"\n').entries
    assert isinstance(entry.fact, PhysicalContract)
    assert str(entry.fact.price) == meant


def test_a_bad_row_keeps_its_numbers_as_they_were_meant(
    store: Store, read: Read, terms: Terms
) -> None:
    rows = text(
        changed(product="zz", price='"1,200"'), changed(contract_id="P-2", price='"1,200,000"')
    )
    batch = read(Kind.CONTRACTS, rows, mapping='decimal: ","\n')
    with store.unit_of_work("cli:tester") as uow:
        take_in(uow, batch)
    with store.reader() as connection:
        one, two = quarantined(connection)
    with store.unit_of_work("cli:tester") as uow:
        entry = replay(uow, one.number, {"product": "cu"}, terms)
        refused = replay(uow, two.number, {}, terms)
    assert not isinstance(entry, list)
    assert str(getattr(entry.fact, "price")) == "1.2000"  # noqa: B009 - facts are of many types
    assert isinstance(refused, list)
    assert [(fault.code, fault.field) for fault in refused] == [("IMPORT_NOT_A_NUMBER", "price")]


def test_a_decimal_sign_that_is_none_is_refused() -> None:
    _, problems = load_mapping('decimal: ";"\n', "对照.yaml", Kind.PRICES)
    assert [(one.code, one.line, one.found) for one in problems] == [("MAPPING_DECIMAL", 1, ";")]


@pytest.mark.parametrize(("month", "warned"), [("2404", True), ("2405", False), ("spot", False)])
def test_a_delivery_month_that_has_passed_is_taken_in_and_told(
    read: Read, month: str, *, warned: bool
) -> None:
    batch = read(Kind.CONTRACTS, text(changed(month=month)))
    assert (len(batch.entries), batch.errors) == (1, ())
    told = [(one.code, one.field, one.line, one.severity) for one in batch.warnings]
    assert told == ([("IMPORT_MONTH_PAST", "month", 2, "warning")] if warned else [])


def test_a_position_in_a_contract_that_has_ended_is_told(read: Read) -> None:
    rows = f"org,account,contract,lots,as_of\n{DESK},A,cu2404,5,2024-05-14\n"
    (told,) = read(Kind.POSITIONS, rows).warnings
    assert (told.code, told.field, told.found) == ("IMPORT_MONTH_PAST", "contract", "cu2404")


PRICES = "product,kind,price,at,month\n"


def prices(*rows: tuple[str, str]) -> str:
    return PRICES + "".join(f"cu,settle,{price},{day},2407\n" for day, price in rows)


def test_a_price_tenfold_or_a_tenth_of_the_one_before_is_told(store: Store, read: Read) -> None:
    first = read(Kind.PRICES, prices(("2024-05-14", "71250"), ("2024-05-15", "1")))
    with store.unit_of_work("cli:tester") as uow:
        result = take_in(uow, first)
    (told,) = result.warnings
    assert (told.code, told.line, told.found, told.params["before"]) == (
        "IMPORT_PRICE_JUMP", 3, "1", "71250",
    )  # fmt: skip
    assert (result.accepted, result.errors) == (2, ())
    later = read(Kind.PRICES, prices(("2024-05-16", "9.9"), ("2024-05-17", "99")))
    with store.reader() as connection:
        looked = preview(connection, later, store.clock())
    assert [(one.line, one.params["before"]) for one in looked.warnings] == [(3, "9.9")]
    assert "9.9" in said(looked.warnings[0], "zh")


def test_another_month_and_the_same_file_again_are_no_jump(store: Store, read: Read) -> None:
    with store.unit_of_work("cli:tester") as uow:
        take_in(uow, read(Kind.PRICES, prices(("2024-05-14", "71250"))))
        other = PRICES + "cu,settle,700,2024-05-15,2408\n"
        assert take_in(uow, read(Kind.PRICES, other)).warnings == ()
        assert take_in(uow, read(Kind.PRICES, prices(("2024-05-14", "71250")))).warnings == ()


# --- products -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"), [("铜", "cu"), ("沪铜", "cu"), ("copper", "cu"), ("Copper", "cu"),
                        ("cu888", "cu"), ("CU2406", "cu"), ("螺纹钢", "rb"), ("qqqqqq", "")]
)  # fmt: skip
def test_a_product_by_its_name_is_told_with_its_code_and_name(
    tmp_path: Path, terms: Terms, given: str, code: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text(changed(product=given)), encoding="utf-8")
    named = Terms(terms.now, terms.directory, names=product_names())
    (problem,) = read_batch(path, Kind.CONTRACTS, named).errors
    assert (problem.code, problem.hint) == ("PRODUCT_UNKNOWN", code)
    if code == "cu":
        assert "cu (沪铜)" in said(problem, "zh")
        assert "cu (Copper)" in said(problem, "en")
