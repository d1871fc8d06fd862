"""Headers in the reader's words are read; a column that may be a lacking field is never lost."""

from collections.abc import Callable

import pytest

from integrations.files import COLUMNS, Batch, Kind, quarantined, take_in
from integrations.files.trade_words import plain_header, words_of
from service.cli.importing import labels
from service.i18n import load_words
from service.i18n.catalogue import problem_text
from store import Store

Read = Callable[..., Batch]
HEAD = "合同编号,组织,品种,方向,数量,单位"
GOOD = "P-1,华东钢铁/铜贸易部,cu,买,1000,t"


def sheet(*more: tuple[str, str], head: str = HEAD, good: str = GOOD) -> str:
    """One contract with further columns: header and cell."""
    return (
        ",".join([head, *(name for name, _ in more)])
        + "\n"
        + ",".join([good, *(cell for _, cell in more)])
        + "\n"
    )


@pytest.mark.parametrize(
    ("name", "cell", "field", "meant"),
    [
        ("交割月", "2407", "month", "2407"),
        ("合约月份", "2024-07", "month", "2407"),
        (" 月 份 ", "2407", "month", "2407"),
        ("Delivery Month", "2407", "month", "2407"),
        ("delivery_month", "2407", "month", "2407"),
        ("计价方式", "点价", "price_type", "unpriced"),
        ("＊定价方式：", "点价", "price_type", "unpriced"),
        ("单价", "71250", "price", "71250"),
        ("已交数量", "10", "delivered", "10"),
    ],
)
def test_a_word_of_the_trade_is_read_as_the_field(
    read: Read, name: str, cell: str, field: str, meant: str
) -> None:
    batch = read(Kind.CONTRACTS, sheet((name, cell)), labels=labels())
    assert (batch.errors, batch.warnings) == ((), ())
    (entry,) = batch.entries
    assert str(getattr(entry.fact, field)) == meant


def test_the_newcomers_file_keeps_its_month_and_its_pricing(read: Read) -> None:
    text = sheet(("交割月", "2407"), ("计价方式", "点价"))
    (entry,) = read(Kind.CONTRACTS, text, labels=labels()).entries
    assert (entry.fact.month, entry.fact.price_type) == ("2407", "unpriced")


@pytest.mark.parametrize(
    ("name", "cell", "told"),
    [
        # near a known word
        ("交割月份栏", "2407", ("IMPORT_COLUMN_MISSPELT", "交割月份栏", "交割月份")),
        ("pricetyp", "fixed", ("IMPORT_COLUMN_MISSPELT", "pricetyp", "price_type")),
        # its header speaks of the field
        ("预计交割期", "2407", ("IMPORT_COLUMN_UNREAD", "month", "")),
        ("最终点价条款", "x", ("IMPORT_COLUMN_UNREAD", "price_type", "")),
        # its cells do
        ("方案", "2407", ("IMPORT_COLUMN_UNREAD", "month", "")),
        ("方案", "2024年7月", ("IMPORT_COLUMN_UNREAD", "month", "")),
        ("条款", "一口价", ("IMPORT_COLUMN_UNREAD", "price_type", "")),
        ("结算用", "USD", ("IMPORT_COLUMN_UNREAD", "currency", "")),
        ("进度", "已完成", ("IMPORT_COLUMN_UNREAD", "status", "")),
    ],
)
def test_a_column_that_may_be_a_lacking_field_keeps_the_file_out(
    read: Read, name: str, cell: str, told: tuple[str, str, str]
) -> None:
    batch = read(Kind.CONTRACTS, sheet((name, cell)), labels=labels())
    (problem,) = batch.errors
    assert (problem.code, problem.field, problem.hint) == told
    assert (problem.found, problem.line) == (name, 1)
    assert (batch.rows, batch.entries, batch.bad) == (0, (), ())
    # said to be left out, or said to be the field: then it is nobody's guess
    left_out = read(Kind.CONTRACTS, sheet((name, cell)), labels=labels(), ignored=[name])
    assert (left_out.errors, left_out.warnings, len(left_out.entries)) == ((), (), 1)


def test_a_mapping_says_what_a_column_is_or_that_it_is_left_out(read: Read) -> None:
    text = sheet(("方案", "2407"), ("条款", "一口价"))
    mapping = "columns: {month: 方案}\nignored: [条款]\n"
    batch = read(Kind.CONTRACTS, text, labels=labels(), mapping=mapping)
    assert (batch.errors, batch.warnings) == ((), ())
    assert [entry.fact.month for entry in batch.entries] == ["2407"]


@pytest.mark.parametrize(
    ("name", "cell"), [("备注", "急"), ("经办人", "陈芳"), ("序号", "1"), ("车牌", "沪A2407")]
)
def test_a_column_that_cannot_be_a_field_is_told_and_keeps_nothing_out(
    read: Read, name: str, cell: str
) -> None:
    batch = read(Kind.CONTRACTS, sheet((name, cell)), labels=labels())
    assert (batch.errors, len(batch.entries)) == ((), 1)
    assert [(one.code, one.found) for one in batch.warnings] == [("IMPORT_COLUMN_UNKNOWN", name)]


def test_one_cell_that_is_no_month_tells_that_a_column_is_none(read: Read) -> None:
    text = sheet(("方案", "2407")) + GOOD.replace("P-1", "P-2") + ",甲\n"
    batch = read(Kind.CONTRACTS, text, labels=labels())
    assert (batch.errors, len(batch.entries)) == ((), 2)


def test_a_months_column_that_stands_is_no_candidate(read: Read) -> None:
    batch = read(Kind.CONTRACTS, sheet(("月份", "2407"), ("方案", "2408")), labels=labels())
    assert (batch.errors, [entry.fact.month for entry in batch.entries]) == ((), ["2407"])


def test_a_sheet_of_a_workbook_names_the_cell_of_the_header(read: Read) -> None:
    rows = [[*HEAD.split(","), "方案"], [*GOOD.split(","), 2407]]
    batch = read(Kind.CONTRACTS, rows, labels=labels())
    assert [(one.code, one.cell) for one in batch.errors] == [("IMPORT_COLUMN_UNREAD", "G1")]


def test_two_columns_of_one_field_are_named_with_their_headers(read: Read) -> None:
    text = sheet(("单价", "71250"), ("合同价", "71300"))
    (problem,) = read(Kind.CONTRACTS, text, labels=labels()).errors
    assert (problem.code, problem.field, problem.found, problem.allowed) == (
        "IMPORT_COLUMN_REPEATED", "price", "单价 = 合同价", "1",
    )  # fmt: skip
    batch = read(Kind.CONTRACTS, text, labels=labels(), ignored=["合同价"])
    assert [entry.fact.price for entry in batch.entries] == [71250]


def test_a_header_to_leave_out_that_the_file_lacks_is_told(read: Read) -> None:
    batch = read(Kind.CONTRACTS, sheet(("备注", "急")), labels=labels(), ignored=["备注栏"])
    assert [(one.code, one.found, one.hint) for one in batch.warnings] == [
        ("IMPORT_COLUMN_UNKNOWN", "备注", ""),
        ("IMPORT_IGNORED_ABSENT", "备注栏", "备注"),
    ]


def test_a_needed_column_that_is_missing_is_told_with_the_nearest_header(read: Read) -> None:
    text = sheet(("月份", "2407")).replace("数量", "数量（吨）")
    (problem,) = read(Kind.CONTRACTS, text, labels=labels()).errors
    assert (problem.code, problem.field, problem.hint) == (
        "IMPORT_COLUMN_MISSING", "quantity", "数量（吨）",
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(Kind))
def test_no_word_stands_for_two_fields_of_a_kind(kind: Kind) -> None:
    words = words_of(kind, labels())
    said = [(plain_header(word), name) for name, every in words.items() for word in every]
    owners: dict[str, set[str]] = {}
    for word, name in said:
        owners.setdefault(word, set()).add(name)
    assert {word: names for word, names in owners.items() if len(names) > 1} == {}
    assert set(words) == {column.name for column in COLUMNS[kind]}


@pytest.mark.parametrize(("language", "said"), [("zh", "month / 交割月份"), ("en", "month / ")])
def test_the_sentence_names_the_column_the_field_and_the_way_out(
    read: Read, language: str, said: str
) -> None:
    (problem,) = read(Kind.CONTRACTS, sheet(("方案", "2407")), labels=labels()).errors
    sentence = problem_text(load_words(language), problem)
    assert all(part in sentence for part in ("方案", said, "--ignore-column", "month: …"))


def test_a_bad_row_is_kept_whole_as_it_stood(read: Read, store: Store) -> None:
    text = sheet(("备注", "急"), ("月份", "2407"), ("", "无名"), ("备注", "再"))
    batch = read(Kind.CONTRACTS, text.replace("1000", "一千"), labels=labels())
    with store.unit_of_work("user:chen") as uow:
        take_in(uow, batch)
    with store.reader() as connection:
        (row,) = quarantined(connection)
    assert list(row.original.items()) == [
        ("合同编号", "P-1"), ("组织", "华东钢铁/铜贸易部"), ("品种", "cu"), ("方向", "买"),
        ("数量", "一千"), ("单位", "t"), ("备注", "急"), ("月份", "2407"), ("[I]", "无名"),
        ("备注 [J]", "再"),
    ]  # fmt: skip
    assert row.raw["quantity"] == "一千"


def test_a_row_that_is_too_wide_keeps_what_stands_beyond_the_header(read: Read) -> None:
    (bad,) = read(Kind.CONTRACTS, sheet(("月份", "2407")).rstrip() + ",多余\n", labels=labels()).bad
    assert bad.original["[H]"] == "多余"
