"""What a person meets who brings a file: good rows are kept, bad ones are told with their place."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.positions import (
    FuturesPosition,
    OptionPosition,
    PhysicalContract,
    PriceType,
    PricingFixation,
    ReceiptStatus,
    Side,
)
from directory import Directory
from integrations.files import Batch, Kind, Terms, csv_template, header, read_batch
from integrations.files.mapping import load_mapping

Read = Callable[..., Batch]
HEAD = "contract_id,org,product,side,quantity,unit,month,price_type,price,as_of\n"
GOOD = "P-1,华东钢铁/铜贸易部,cu,buy,1000,t,2406,fixed,71250.00,2024-05-14\n"


def row(**changed: str) -> str:
    """The good row with some cells changed."""
    names, values = HEAD.strip().split(","), GOOD.strip().split(",")
    cells = {**dict(zip(names, values, strict=True)), **changed}
    return ",".join(f'"{cells[name]}"' for name in names) + "\n"


def told(batch: Batch) -> list[tuple[str, int, str]]:
    return [(one.code, one.line, one.field) for one in batch.errors]


def test_a_contract_is_read_with_its_sign_its_unit_and_its_time(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + GOOD)
    assert batch.errors == ()
    (entry,) = batch.entries
    assert isinstance(entry.fact, PhysicalContract)
    assert (entry.fact.side, entry.fact.quantity, entry.fact.unit) == (Side.BUY, Decimal(1000), "t")
    assert entry.fact.price == Decimal(71250)
    # midnight in Shanghai
    assert entry.valid_from == datetime(2024, 5, 13, 16, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_text_is_read_in_every_encoding_that_chinese_systems_write(
    read: Read, encoding: str
) -> None:
    batch = read(Kind.CONTRACTS, (HEAD + GOOD).encode(encoding))
    assert [entry.fact.org for entry in batch.entries] == ["华东钢铁/铜贸易部"]
    assert batch.errors == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_separator_will_do(read: Read, delimiter: str) -> None:
    text = (HEAD + GOOD).replace(",", delimiter)
    assert len(read(Kind.CONTRACTS, text).entries) == 1


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"quantity": "-5"}, "IMPORT_NEGATIVE", "quantity"),
        ({"quantity": "0"}, "IMPORT_NOT_POSITIVE", "quantity"),
        ({"quantity": ""}, "IMPORT_VALUE_MISSING", "quantity"),
        ({"quantity": "约一千"}, "IMPORT_NOT_A_NUMBER", "quantity"),
        ({"quantity": "1,00"}, "IMPORT_NOT_A_NUMBER", "quantity"),
        ({"quantity": "NaN"}, "IMPORT_NOT_A_NUMBER", "quantity"),
        ({"quantity": "1e9"}, "IMPORT_NOT_A_NUMBER", "quantity"),
        ({"quantity": "1" * 20}, "IMPORT_NUMBER_RANGE", "quantity"),
        ({"product": "cuu"}, "PRODUCT_UNKNOWN", "product"),
        ({"org": "华东钢铁/铜贸易"}, "ORG_UNKNOWN", "org"),
        ({"side": "bye"}, "IMPORT_NOT_A_CHOICE", "side"),
        ({"unit": "tonne"}, "IMPORT_UNIT_UNKNOWN", "unit"),
        ({"month": "2413"}, "IMPORT_NOT_A_MONTH", "month"),
        ({"as_of": "2024-02-30"}, "IMPORT_NOT_A_DATE", "as_of"),
        ({"as_of": "14.05.24"}, "IMPORT_NOT_A_DATE", "as_of"),
        ({"as_of": "2093-05-14"}, "CALENDAR_YEAR_UNKNOWN", "as_of"),
        ({"as_of": "2035-12-30"}, "CALENDAR_YEAR_UNKNOWN", "as_of"),  # a Sunday
        ({"contract_id": ""}, "IMPORT_VALUE_MISSING", "contract_id"),
        ({"contract_id": "P\u202e1"}, "IMPORT_CONTROL_CHARACTER", "contract_id"),
    ],
)
def test_a_bad_cell_names_its_field_and_the_other_rows_stay(
    read: Read, changed: dict[str, str], code: str, field: str
) -> None:
    batch = read(Kind.CONTRACTS, HEAD + row(contract_id="P-0") + row(**changed))
    assert told(batch) == [(code, 3, field)]
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-0"]
    assert (batch.rows, len(batch.bad)) == (2, 1)


def test_a_near_word_is_offered(read: Read) -> None:
    text = HEAD + row(product="CU", org="华东钢铁/铜贸易", side="bye", unit="tt")
    hints = {one.field: one.hint for one in read(Kind.CONTRACTS, text).errors}
    assert hints["org"] == "华东钢铁/铜贸易部"
    assert hints["side"] == "buy"
    assert hints["unit"] == "t"


def test_every_fault_of_a_row_is_told_at_once(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + row(product="xx", quantity="-1", side="?"))
    assert {one.field for one in batch.errors} == {"product", "quantity", "side"}
    assert len(batch.bad) == 1


def test_an_id_that_stands_twice_is_told_with_the_first_line(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + GOOD + row(quantity="7"))
    (problem,) = batch.errors
    assert (problem.code, problem.line, problem.params["other"]) == ("IMPORT_ID_REPEATED", 3, "2")
    assert [entry.fact.quantity for entry in batch.entries] == [Decimal(1000)]


def test_the_same_number_in_two_organisations_is_two_contracts(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + GOOD + row(org="华东钢铁/螺纹部"))
    assert len(batch.entries) == 2


def test_an_empty_directory_takes_every_organisation(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + row(org="谁也不认识"), terms=Terms(replace_now()))
    assert [entry.fact.org for entry in batch.entries] == ["谁也不认识"]


def replace_now() -> datetime:
    return datetime(2024, 6, 3, tzinfo=UTC)


def test_ten_megabytes_in_one_cell_are_one_bad_row(read: Read) -> None:
    text = HEAD + row(contract_id="P" * 10_000_000) + row(contract_id="P-2")
    batch = read(Kind.CONTRACTS, text)
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-2"]
    assert len(batch.errors) == 1
    assert all(len(one.found) <= 80 for one in batch.errors)


def test_a_missing_column_keeps_the_file_out_and_is_named(read: Read) -> None:
    text = (HEAD + GOOD).replace("quantity", "qty_ordered")
    batch = read(Kind.CONTRACTS, text)
    assert ("IMPORT_COLUMN_MISSING", 1, "quantity") in told(batch)
    assert batch.entries == ()


def test_a_misspelt_column_is_not_lost_without_a_word(read: Read) -> None:
    batch = read(Kind.CONTRACTS, (HEAD + GOOD).replace("price,", "pirce,"))
    (problem,) = batch.errors
    assert (problem.code, problem.found, problem.hint) == (
        "IMPORT_COLUMN_MISSPELT", "pirce", "price",
    )  # fmt: skip


def test_a_column_that_is_nobodys_is_noticed_and_keeps_nothing_out(read: Read) -> None:
    text = HEAD.strip() + ",备注栏目\n" + GOOD.strip() + ",加急\n"
    batch = read(Kind.CONTRACTS, text)
    assert len(batch.entries) == 1
    assert batch.errors == ()
    assert [one.code for one in batch.warnings] == ["IMPORT_COLUMN_UNKNOWN"]


def test_a_column_that_stands_twice_keeps_the_file_out(read: Read) -> None:
    text = HEAD.strip() + ",quantity\n" + GOOD.strip() + ",1\n"
    batch = read(Kind.CONTRACTS, text)
    assert [one.code for one in batch.errors] == ["IMPORT_COLUMN_REPEATED"]


@pytest.mark.parametrize("text", ["", "\n\n", HEAD])
def test_an_empty_file_says_so(read: Read, text: str) -> None:
    batch = read(Kind.CONTRACTS, text)
    assert [one.code for one in batch.errors] in (["IMPORT_NO_HEADER"], ["IMPORT_EMPTY"])


def test_a_text_that_was_cut_off_keeps_what_came_before(read: Read) -> None:
    whole = HEAD + GOOD + row(contract_id="P-2")
    batch = read(Kind.CONTRACTS, whole[:-4])
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-1"]
    assert batch.errors[0].code in {"LOG_FILE_TRUNCATED", "LOG_COLUMNS"}


def test_a_short_row_is_told_with_both_numbers(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + "P-9,华东钢铁\n" + GOOD)
    (problem,) = batch.errors
    assert (problem.code, problem.found, problem.allowed) == ("LOG_COLUMNS", "2", "10")
    assert len(batch.entries) == 1


def test_a_file_of_another_form_is_refused(read: Read) -> None:
    batch = read(Kind.CONTRACTS, b"%PDF-1.7", file="合同.pdf")
    assert [one.code for one in batch.errors] == ["LOG_FILE_FORM"]


def test_broken_bytes_cost_their_row_only(read: Read) -> None:
    data = (HEAD + GOOD).encode() + row(contract_id="P-2").encode().replace(b"P-2", b"P\xff2")
    batch = read(Kind.CONTRACTS, data)
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-1"]
    assert ("IMPORT_CONTROL_CHARACTER", 3, "contract_id") in told(batch)
    assert all(text.encode() for bad in batch.bad for text in bad.raw.values())


# --- workbooks --------------------------------------------------------------------------------

COLUMNS = HEAD.strip().split(",")


def cells(**changed: object) -> list[object]:
    values: dict[str, object] = {
        "contract_id": "P-1", "org": "华东钢铁/铜贸易部", "product": "cu", "side": "买入",
        "quantity": 1000, "unit": "吨", "month": 2406, "price_type": "固定价", "price": 71250.5,
        "as_of": datetime(2024, 5, 14),  # noqa: DTZ001 - as Excel keeps it
    }  # fmt: skip
    return [{**values, **changed}[name] for name in COLUMNS]


def test_a_workbook_gives_numbers_dates_and_chinese_words(read: Read) -> None:
    batch = read(Kind.CONTRACTS, [COLUMNS, cells(), [None] * 10, cells(contract_id=19532)])
    assert batch.errors == ()
    first, second = (entry.fact for entry in batch.entries)
    assert isinstance(first, PhysicalContract)
    assert (first.month, first.price, first.price_type) == ("2406", Decimal("71250.5"), "fixed")
    assert second.contract_id == "19532"
    assert batch.entries[0].valid_from == datetime(2024, 5, 13, 16, tzinfo=UTC)


def test_a_fault_in_a_workbook_names_the_cell(read: Read) -> None:
    batch = read(Kind.CONTRACTS, [COLUMNS, cells(), cells(contract_id="P-2", quantity="九百")])
    (problem,) = batch.errors
    assert (problem.cell, problem.line, problem.found) == ("E3", 3, "九百")


def test_what_excel_adds_to_a_fraction_is_not_believed(read: Read) -> None:
    batch = read(Kind.CONTRACTS, [COLUMNS, cells(quantity=0.1 + 0.2)])
    assert [entry.fact.quantity for entry in batch.entries] == [Decimal("0.3")]


def test_a_title_above_the_header_is_passed_over(read: Read) -> None:
    batch = read(Kind.CONTRACTS, [["2024 年铜合同台账"], [], COLUMNS, cells()])
    assert len(batch.entries) == 1
    assert batch.errors == ()


def test_merged_cells_are_told_once_and_keep_out_each_row(tmp_path: Path, terms: Terms) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for one in (COLUMNS, cells(), cells(contract_id="P-2"), cells(contract_id="P-3")):
        sheet.append(one)
    sheet.merge_cells("C2:C3")
    workbook.save(tmp_path / "合并.xlsx")
    batch = read_batch(tmp_path / "合并.xlsx", Kind.CONTRACTS, terms)
    assert [(one.code, one.cell, one.found) for one in batch.errors] == [
        ("IMPORT_MERGED_CELLS", "C2", "C2:C3"),
    ]
    assert [(row.line, row.problems[0].cell) for row in batch.bad] == [(2, "C2"), (3, "C3")]
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-3"]


def test_a_second_sheet_of_notes_does_no_harm(tmp_path: Path, terms: Terms) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(COLUMNS)
    workbook.active.append(cells())
    workbook.create_sheet("说明").append(["填表说明", "请勿改动表头"])
    workbook.save(tmp_path / "两页.xlsx")
    batch = read_batch(tmp_path / "两页.xlsx", Kind.CONTRACTS, terms)
    assert (len(batch.entries), batch.errors) == (1, ())


def test_a_workbook_that_was_cut_off_says_so(tmp_path: Path, terms: Terms) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(COLUMNS)
    workbook.active.append(cells())
    out = io.BytesIO()
    workbook.save(out)
    path = tmp_path / "半.xlsx"
    path.write_bytes(out.getvalue()[: len(out.getvalue()) // 2])
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [one.code for one in batch.errors] == ["LOG_FILE_UNREADABLE"]


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, terms: Terms) -> None:
    path = tmp_path / "炸弹.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"")
        info = packed.getinfo("xl/worksheets/sheet1.xml")
        info.file_size = 2 * 1024**3
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [one.code for one in batch.errors] == ["LOG_FILE_TOO_LARGE"]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_workbook_with_a_text_that_excel_could_not_write_is_refused_before_it_is_read(
    tmp_path: Path, terms: Terms, part: str
) -> None:
    """300 KB unpacked to one cell of 300 MB, which took 750 MB of memory."""
    workbook = openpyxl.Workbook()
    workbook.active.append(COLUMNS)
    workbook.active.append(cells())
    plain = io.BytesIO()
    workbook.save(plain)
    path = tmp_path / "one cell.xlsx"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as packed:
        assert part in source.namelist()
        for one in source.infolist():
            text = source.read(one)
            if one.filename == part:
                end = text.rindex(b"</")
                text = text[:end] + b"<x>" + b"A" * (3 << 20) + b"</x>" + text[end:]
            packed.writestr(one.filename, text, zipfile.ZIP_DEFLATED)
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [(one.code, one.found) for one in batch.errors] == [("LOG_FILE_TEXT_TOO_LONG", part)]
    assert batch.entries == ()


@pytest.mark.parametrize(
    ("text", "times"), [(b"<si><t/></si>", 3_100_000), (b"<x:si><x:t>" + b"A" * 5000, 27_000)]
)
def test_a_table_of_shared_texts_beyond_measure_is_refused_before_it_is_read(
    tmp_path: Path, terms: Terms, text: bytes, times: int
) -> None:
    """It is held as a whole: 533 KB unpacked to a gigabyte in memory, or to a minute of work."""
    path = tmp_path / "texts.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/any name.bin", "w") as part,
    ):
        for _ in range(times // 1000):
            part.write(text * 1000)
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [one.code for one in batch.errors] == ["LOG_FILE_TEXTS_TOO_MANY"]


def test_a_row_of_hundreds_of_megabytes_is_refused_before_it_is_read(
    tmp_path: Path, terms: Terms
) -> None:
    path = tmp_path / "row.xlsx"
    cell = b"<c><is><t>" + b"A" * 30_000 + b"</t></is></c>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"<sheetData><row>" + cell * 700)
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [one.code for one in batch.errors] == ["LOG_FILE_ROW_TOO_LONG"]


@pytest.mark.parametrize("text", [b"no xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"])
def test_a_workbook_whose_parts_are_no_xml_says_so(
    tmp_path: Path, terms: Terms, text: bytes
) -> None:
    workbook = openpyxl.Workbook()
    plain = io.BytesIO()
    workbook.save(plain)
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        path = tmp_path / "broken.xlsx"
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as packed:
            for one in source.infolist():
                packed.writestr(one.filename, text if one.filename == part else source.read(one))
        batch = read_batch(path, Kind.CONTRACTS, terms)
        assert {one.code for one in batch.errors} <= {
            "LOG_FILE_UNREADABLE", "LOG_FILE_CUT", "IMPORT_EMPTY",
        }  # fmt: skip
        assert batch.entries == ()
        assert batch.errors[0].file == "broken.xlsx"


@pytest.mark.parametrize("markup", [b"<![CDATA[%s]]>", b"<!--%s-->", b"<?x %s?>"])
def test_markup_that_hides_a_long_text_is_refused_before_it_is_read(
    tmp_path: Path, terms: Terms, markup: bytes
) -> None:
    path = tmp_path / "markup.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", markup % (b"<x/>" * (1 << 19)))
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert [one.code for one in batch.errors] == ["LOG_FILE_MARKUP"]


# --- the kinds --------------------------------------------------------------------------------


def test_part_of_an_unpriced_contract_gets_its_price(read: Read) -> None:
    text = (
        "contract_id,fixation_id,org,product,side,quantity,price_type,price,as_of\n"
        "P-1,,华东钢铁,cu,buy,1000,点价,,2024-05-14\n"
        "P-1,D-1,华东钢铁,,,400,,70100,2024-05-15 10:30\n"
    )
    batch = read(Kind.CONTRACTS, text)
    assert batch.errors == ()
    contract, fixation = (entry.fact for entry in batch.entries)
    assert isinstance(contract, PhysicalContract)
    assert contract.price_type is PriceType.UNPRICED
    assert isinstance(fixation, PricingFixation)
    assert (fixation.quantity, fixation.at) == (
        Decimal(400),
        datetime(2024, 5, 15, 2, 30, tzinfo=UTC),
    )


def test_a_fixation_needs_its_price_and_its_time(read: Read) -> None:
    text = (
        "contract_id,fixation_id,org,product,side,quantity,price_type,price,as_of\n"
        "P-1,D-1,华东钢铁,,,400,,,\n"
    )
    assert {one.field for one in read(Kind.CONTRACTS, text).errors} == {"price", "as_of"}


def test_inventory_and_receipts_keep_their_states(read: Read) -> None:
    lots = "lot_id,org,product,quantity,pledged,in_transit\nL-1,华东钢铁,cu,0,是,no\n"
    batch = read(Kind.INVENTORY, lots)
    assert (batch.errors, batch.entries[0].fact.pledged) == ((), True)
    receipts = "receipt_id,org,product,quantity,status\nR-1,华东钢铁,cu,1500,未入账\n"
    batch = read(Kind.RECEIPTS, receipts)
    assert batch.entries[0].fact.status is ReceiptStatus.UNPOSTED


def test_futures_are_signed_lots_and_the_code_gives_product_and_month(read: Read) -> None:
    text = "org,account,contract,lots\n华东钢铁,880009,CU2406,-20\n华东钢铁,880009,SR501,35\n"
    batch = read(Kind.POSITIONS, text)
    first, second = (entry.fact for entry in batch.entries)
    assert isinstance(first, FuturesPosition)
    assert (first.product, first.month, first.lots, first.key) == (
        "cu", "2406", -20, "cu2406/880009",
    )  # fmt: skip
    assert (second.product, second.month) == ("SR", "2501")


def test_an_option_is_told_by_its_code_and_keeps_its_delta(read: Read) -> None:
    text = "org,account,contract,lots,delta\n华东钢铁,1,m2409-C-3000,10,0.45\n"
    (entry,) = read(Kind.POSITIONS, text).entries
    assert isinstance(entry.fact, OptionPosition)
    assert entry.fact.delta == Decimal("0.45")


def test_a_statement_with_long_and_short_lines_is_netted_per_contract(read: Read) -> None:
    text = (
        "org,account,contract,side,lots\n"
        "华东钢铁,880009,cu2406,买,30\n"
        "华东钢铁,880009,cu2406,卖,50\n"
    )
    batch = read(Kind.POSITIONS, text)
    (entry,) = batch.entries
    assert (entry.fact.lots, entry.rows, batch.rows) == (-20, 2, 2)


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("华东钢铁,1,zz2406,1,\n", "PRODUCT_UNKNOWN", "contract"),
        ("华东钢铁,1,cu2413,1,\n", "CONTRACT_CODE_INVALID", "contract"),
        ("华东钢铁,1,cu2406,1.5,\n", "IMPORT_NOT_WHOLE", "lots"),
        ("华东钢铁,1,cu2406,9999999999,\n", "IMPORT_NUMBER_RANGE", "lots"),
        ("华东钢铁,1,cu2406,-3,卖\n", "IMPORT_NEGATIVE", "lots"),
        ("华东钢铁,,cu2406,3,\n", "IMPORT_VALUE_MISSING", "account"),
    ],
)
def test_a_bad_position(read: Read, text: str, code: str, field: str) -> None:
    batch = read(Kind.POSITIONS, "org,account,contract,lots,side\n" + text)
    assert told(batch) == [(code, 2, field)]


@pytest.mark.parametrize(("given", "problems"), [("5", []), ("", []), ("7", [("7", "5")])])
def test_a_lot_is_as_large_as_the_master_data_say(
    read: Read, given: str, problems: list[tuple[str, str]]
) -> None:
    header = "org,account,contract,lots,side,multiplier\n"
    batch = read(Kind.POSITIONS, f"{header}华东钢铁,1,cu2406,3,买,{given}\n")
    assert [(one.found, one.allowed) for one in batch.errors] == problems
    assert len(batch.entries) == (0 if problems else 1)


def test_a_settlement_price_of_a_day_is_of_its_close(read: Read) -> None:
    text = "product,kind,price,at,month\ncu,结算价,71250,2024-05-14,2406\n"
    (entry,) = read(Kind.PRICES, text).entries
    assert entry.valid_from == datetime(2024, 5, 14, 7, 0, tzinfo=UTC)


def test_a_price_may_be_negative_but_not_of_a_day_without_trading(read: Read) -> None:
    text = (
        "product,kind,price,at,month\n"
        "cu,settle,-37.63,2024-05-14 15:00,2406\n"
        "cu,settle,71250,2024-05-12,2406\n"
        "cu,settle,71250,2093-05-13,2406\n"
        "cu,settle,71250,2024-05-14,\n"
    )
    batch = read(Kind.PRICES, text)
    assert [entry.fact.price for entry in batch.entries] == [Decimal("-37.63")]
    assert told(batch) == [
        ("NOT_A_TRADING_DAY", 3, "at"),
        ("CALENDAR_YEAR_UNKNOWN", 4, "at"),
        ("IMPORT_VALUE_MISSING", 5, "month"),
    ]


def test_a_limit_stands_in_the_base_unit_and_may_be_for_ever(read: Read) -> None:
    text = (
        "org,product,amount,unit,valid_from,valid_to\n"
        "华东钢铁,cu,5000,t,2024-01-01,2099-12-31\n"
        "华东钢铁,al,5000,kg,,\n"
        "华东钢铁,zn,5000,,2024-06-01,2024-05-01\n"
    )
    batch = read(Kind.LIMITS, text)
    (entry,) = batch.entries
    assert (entry.fact.amount, entry.fact.month, entry.fact.measure) == (Decimal(5000), "*", "net")
    assert told(batch) == [("IMPORT_LIMIT_UNIT", 3, "unit"), ("EMPTY_PERIOD", 4, "valid_to")]


def test_pricing_days_must_be_days_that_are_known(read: Read) -> None:
    text = (
        "contract_id,org,product,side,quantity,price_type,pricing_days\n"
        "P-1,华东钢铁,cu,buy,100,均价,2024-05-13; 2024-05-14\n"
        "P-2,华东钢铁,cu,buy,100,均价,2024-05-12\n"
    )
    batch = read(Kind.CONTRACTS, text)
    days = (date(2024, 5, 13), date(2024, 5, 14))
    assert [entry.fact.pricing_days for entry in batch.entries] == [days]
    assert told(batch) == [("NOT_A_TRADING_DAY", 3, "pricing_days")]


# --- the company's own headers ----------------------------------------------------------------

MAPPING = """\
kind: contracts
source: erp
columns:
  contract_id: 合同号
  quantity: 数量（吨）
  side: 进出
  product: 货品
constants:
  org: 华东钢铁/铜贸易部
  unit: t
values:
  side: {进: buy, 出: sell}
  product: {阴极铜: cu}
"""


def test_a_mapping_reads_the_companys_own_table(read: Read) -> None:
    text = '合同号,货品,进出,数量（吨）,业务员\nHT-1,阴极铜,出,"1,200",王\n'
    batch = read(Kind.CONTRACTS, text, mapping=MAPPING)
    (entry,) = batch.entries
    assert isinstance(entry.fact, PhysicalContract)
    assert (entry.fact.side, entry.fact.quantity, entry.fact.product) == (
        Side.SELL, Decimal(1200), "cu",
    )  # fmt: skip
    assert batch.source == "erp"


def test_a_mapped_header_that_is_not_there_is_named_in_their_word(read: Read) -> None:
    batch = read(Kind.CONTRACTS, "合同,货品,进出,数量（吨）\n1,阴极铜,出,1\n", mapping=MAPPING)
    assert [(one.field, one.allowed) for one in batch.errors] == [("contract_id", "合同号")]


def test_labels_may_stand_in_the_header(read: Read) -> None:
    labels = {"合同编号": "contract_id", "组织": "org", "品种": "product", "方向": "side"}
    text = "合同编号,组织,品种,方向,quantity\nP-1,华东钢铁,cu,卖,1\n"
    assert len(read(Kind.CONTRACTS, text, labels=labels).entries) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("columns: {quantty: x}", "FIELD_UNKNOWN"),
        ("colums: {}", "FIELD_UNKNOWN"),
        ("kind: limits", "MAPPING_KIND"),
        ("zone: Mars/Phobos", "UNKNOWN_TIMEZONE"),
        ("columns: [a]", "NOT_A_MAPPING"),
        ("values: {side: buy}", "NOT_A_MAPPING"),
        ("columns: {", "NOT_YAML"),
        ("- 1", "NOT_A_MAPPING"),
    ],
)
def test_a_fault_in_a_mapping_is_told_with_its_line(text: str, code: str) -> None:
    _, problems = load_mapping(text, "对照.yaml", Kind.CONTRACTS)
    assert [one.code for one in problems] == [code]
    assert all(one.file == "对照.yaml" and one.line for one in problems)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_template_is_read_back_as_an_empty_file(read: Read, kind: Kind) -> None:
    batch = read(kind, csv_template(kind))
    assert [one.code for one in batch.errors] == ["IMPORT_EMPTY"]
    assert csv_template(kind).strip().split(",") == list(header(kind))


# --- whatever stands in a file ----------------------------------------------------------------

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=10, max_size=10), max_size=5))
def test_no_content_breaks_the_reading_and_every_row_is_accounted_for(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in one) for one in rows]
    path.write_text(HEAD + "\n".join(quoted), encoding="utf-8", newline="")
    terms = replace(Terms(replace_now()), directory=Directory())
    batch = read_batch(path, Kind.CONTRACTS, terms)
    assert batch.rows == sum(entry.rows for entry in batch.entries) + len(batch.bad)
    assert all(one.line > 1 or one.code == "IMPORT_EMPTY" for one in batch.errors)


def test_an_unknown_product_and_its_nearest_are_told(read: Read) -> None:
    (problem,) = read(Kind.CONTRACTS, HEAD + row(product="cuu")).errors
    assert (problem.code, problem.hint) == ("PRODUCT_UNKNOWN", "cu")
    assert problem.allowed.startswith("cu, ")
    assert "(+" in problem.allowed


def test_an_unknown_organisation_and_the_nearest_are_told(read: Read) -> None:
    (problem,) = read(Kind.CONTRACTS, HEAD + row(org="华东钢铁/铜贸")).errors
    assert problem.code == "ORG_UNKNOWN"
    assert problem.allowed.startswith("华东钢铁/铜贸易部")


def test_a_row_with_a_huge_cell_counts_and_names_its_field(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + GOOD + row(contract_id="x" * 10_000_000))
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-1"]
    (bad,) = batch.bad
    assert (bad.problems[0].code, bad.problems[0].field) == ("IMPORT_TEXT_TOO_LONG", "contract_id")
    assert bad.problems[0].allowed


def test_a_cell_beyond_every_limit_is_a_row_in_quarantine(read: Read) -> None:
    batch = read(Kind.CONTRACTS, HEAD + row(contract_id="x" * 17_000_000) + GOOD)
    assert [entry.fact.contract_id for entry in batch.entries] == ["P-1"]
    (bad,) = batch.bad
    assert (bad.line, bad.problems[0].code) == (2, "LOG_CELL_TOO_LONG")
