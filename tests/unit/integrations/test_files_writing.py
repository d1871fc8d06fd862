"""Files come into the book: once, in one piece, with a record; bad rows wait in quarantine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

import trail
from book.exposure import compute
from book.read import read_state
from book.state import BookState
from integrations.errors import UnknownQuarantineRow
from integrations.files import (
    Batch,
    Entry,
    Form,
    ImportResult,
    Kind,
    Terms,
    dismiss,
    header,
    preview,
    quarantined,
    replay,
    take_in,
    xlsx_template,
)
from store import Store

Read = Callable[..., Batch]
ME = "cli:tester"
HEAD = "contract_id,org,product,side,quantity,price\n"
TWO = HEAD + "P-1,华东钢铁,cu,buy,1000,71250\nP-2,华东钢铁,cu,sell,400,71300\n"
DATED = "contract_id,org,product,side,quantity,as_of\nP-1,华东钢铁,cu,buy,{},2024-05-14\n"


def bring(store: Store, batch: Batch) -> ImportResult:
    with store.unit_of_work(ME) as uow:
        return take_in(uow, batch)


def state(store: Store, at: datetime | None = None) -> BookState:
    now = store.clock()
    with store.reader() as connection:
        return read_state(connection, as_of=at or now, known_at=now)


def net(store: Store, at: datetime | None = None) -> Decimal:
    moment = at or store.clock()
    return sum((bucket.net for bucket in compute(state(store, at), moment)), Decimal(0))


def records(store: Store, **wanted: object) -> list[trail.Record]:
    with store.reader() as connection:
        return trail.find(connection, **wanted)


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return (result.rows, result.accepted, result.duplicates, result.quarantined)


def test_a_file_comes_in_whole_and_leaves_its_record(read: Read, store: Store) -> None:
    result = bring(store, read(Kind.CONTRACTS, TWO))
    assert counts(result) == (2, 2, 0, 0)
    assert result.scopes == {("华东钢铁", "cu")}
    assert net(store) == Decimal(600)
    (record,) = records(store, action="import.file")
    assert (record.actor, record.org) == (ME, "华东钢铁")
    assert record.body["sha256"] == read(Kind.CONTRACTS, TWO).digest
    assert record.body["accepted"] == 2


def test_the_same_file_again_changes_nothing(
    read: Read, store: Store, clock: list[datetime]
) -> None:
    bring(store, read(Kind.CONTRACTS, TWO))
    before = len(records(store))
    clock[0] += timedelta(hours=3)
    again = bring(store, read(Kind.CONTRACTS, TWO))
    assert counts(again) == (2, 0, 2, 0)
    assert again.scopes == set()
    assert len(records(store)) == before


def test_the_same_rows_under_another_name_are_no_second_holding(read: Read, store: Store) -> None:
    bring(store, read(Kind.CONTRACTS, TWO))
    again = bring(store, read(Kind.CONTRACTS, TWO, file="副本.csv"))
    assert counts(again) == (2, 0, 2, 0)
    assert net(store) == Decimal(600)


def test_a_changed_row_takes_the_place_of_the_old_one(
    read: Read, store: Store, clock: list[datetime]
) -> None:
    bring(store, read(Kind.CONTRACTS, TWO))
    first = clock[0]
    clock[0] += timedelta(days=1)
    result = bring(store, read(Kind.CONTRACTS, TWO.replace("1000", "900")))
    assert counts(result) == (2, 1, 1, 0)
    assert net(store) == Decimal(500)
    assert net(store, first) == Decimal(600)


def test_going_back_to_what_was_said_before_is_heard(
    read: Read, store: Store, clock: list[datetime]
) -> None:
    at = datetime(2024, 5, 14, 4, tzinfo=UTC)
    for quantity in (1000, 900, 1000):
        clock[0] += timedelta(hours=1)
        assert bring(store, read(Kind.CONTRACTS, DATED.format(quantity))).accepted == 1
        assert net(store, at) == quantity


def test_rows_without_a_time_go_back_as_well(
    read: Read, store: Store, clock: list[datetime]
) -> None:
    for quantity in ("1000", "900", "1000"):
        clock[0] += timedelta(hours=1)
        bring(store, read(Kind.CONTRACTS, TWO.replace("1000", quantity)))
        assert net(store) == int(quantity) - 400


def test_a_dated_row_is_true_from_its_day_on(read: Read, store: Store) -> None:
    bring(store, read(Kind.CONTRACTS, DATED.format(1000)))
    assert net(store, datetime(2024, 5, 13, tzinfo=UTC)) == 0
    assert net(store, datetime(2024, 5, 14, tzinfo=UTC)) == 1000


def test_a_dry_run_writes_nothing_and_foresees_the_import(read: Read, store: Store) -> None:
    batch = read(Kind.CONTRACTS, TWO + "P-3,华东钢铁,cu,buy,-1,\n")
    with store.reader() as connection:
        foreseen = preview(connection, batch, store.clock())
    assert records(store) == []
    assert state(store).contracts == ()
    assert counts(foreseen) == (3, 2, 0, 1)
    assert counts(bring(store, batch)) == counts(foreseen)


def test_bad_rows_wait_in_quarantine_once(read: Read, store: Store) -> None:
    text = TWO + "P-3,华东钢铁,cu,buy,九百,71000\n"
    assert bring(store, read(Kind.CONTRACTS, text)).quarantined == 1
    again = bring(store, read(Kind.CONTRACTS, text))
    assert (again.rows, again.quarantined, again.already_quarantined) == (3, 0, 1)
    with store.reader() as connection:
        (row,) = quarantined(connection)
    assert row.raw["quantity"] == "九百"
    assert [one.code for one in row.problems] == ["IMPORT_NOT_A_NUMBER"]
    assert (row.file, row.line, row.state, row.org) == ("文件.csv", 4, "open", "华东钢铁")


def test_quarantine_is_seen_by_scope(read: Read, store: Store) -> None:
    text = HEAD + "P-1,华东钢铁/铜贸易部,cu,buy,x,\nP-2,华东钢铁/螺纹部,rb,buy,x,\n"
    bring(store, read(Kind.CONTRACTS, text))
    with store.reader() as connection:
        seen = quarantined(connection, orgs=["华东钢铁/铜贸易部"])
        assert [row.raw["contract_id"] for row in seen] == ["P-1"]
        assert quarantined(connection, orgs=[]) == []
        assert len(quarantined(connection, kind=Kind.LIMITS)) == 0


def test_a_mended_row_comes_in_and_leaves_quarantine(
    read: Read, store: Store, terms: Terms
) -> None:
    bring(store, read(Kind.CONTRACTS, HEAD + "P-3,华东钢铁,cu,buy,九百,71000\n"))
    with store.unit_of_work(ME) as uow:
        still = replay(uow, 1, {"quantity": "九百一"}, terms)
    assert isinstance(still, list)
    with store.unit_of_work(ME) as uow:
        read_again = replay(uow, 1, {"quantity": "900"}, terms)
    assert isinstance(read_again, Entry)
    assert net(store) == Decimal(900)
    with store.reader() as connection:
        assert quarantined(connection) == []
        assert [row.settled_by for row in quarantined(connection, state="replayed")] == [ME]
    (record,) = records(store, action="import.row")
    assert record.body["fields"] == {"quantity": "900"}
    with pytest.raises(UnknownQuarantineRow), store.unit_of_work(ME) as uow:
        replay(uow, 1, {}, terms)


def test_a_field_that_is_none_is_refused_with_a_near_one(
    read: Read, store: Store, terms: Terms
) -> None:
    bring(store, read(Kind.CONTRACTS, HEAD + "P-3,华东钢铁,cu,buy,九百,71000\n"))
    with store.unit_of_work(ME) as uow:
        wrong = replay(uow, 1, {"quantty": "1"}, terms)
    assert isinstance(wrong, list)
    assert [(one.code, one.hint) for one in wrong] == [("FIELD_UNKNOWN", "quantity")]


def test_a_dismissed_row_stays_readable(read: Read, store: Store) -> None:
    bring(store, read(Kind.CONTRACTS, HEAD + "P-3,华东钢铁,cu,buy,九百,71000\n"))
    with store.unit_of_work(ME) as uow:
        dismiss(uow, 1, "测试数据")
    with store.reader() as connection:
        (row,) = quarantined(connection, state=None)
    assert (row.state, row.reason) == ("dismissed", "测试数据")
    assert [one.body["text"] for one in records(store, action="import.row")] == ["测试数据"]


def test_a_failing_import_leaves_nothing(read: Read, store: Store) -> None:
    batch = read(Kind.CONTRACTS, TWO + "P-3,华东钢铁,cu,buy,x,\n")

    def cut_off() -> None:
        with store.unit_of_work(ME) as uow:
            take_in(uow, batch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert records(store) == []
    assert state(store).contracts == ()
    with store.reader() as connection:
        assert quarantined(connection) == []


def test_all_kinds_add_up_to_one_exposure(read: Read, store: Store) -> None:
    files = {
        Kind.CONTRACTS: TWO,
        Kind.INVENTORY: "lot_id,org,product,quantity\nL-1,华东钢铁,cu,250\n",
        Kind.RECEIPTS: (
            "receipt_id,org,product,quantity,status\n"
            "R-1,华东钢铁,cu,100,in_progress\nR-2,华东钢铁,cu,70,unposted\n"
        ),
        Kind.POSITIONS: "org,account,contract,lots\n华东钢铁,880009,cu2406,-120\n",
    }
    for kind, text in files.items():
        assert bring(store, read(kind, text)).errors == ()
    # 1000 - 400 bought and sold, 250 + 100 in hand and on the way, 120 lots of 5 t sold
    assert net(store) == Decimal(600 + 350 - 600)
    buckets = compute(state(store), store.clock())
    assert sum(bucket.unposted for bucket in buckets) == Decimal(70)


def test_the_workbook_template_can_be_filled_in_and_read(
    tmp_path: Path, terms: Terms, read: Read
) -> None:
    path = tmp_path / "模板.xlsx"
    lists = {Form.PRODUCT: [f"p{number}" for number in range(200)] + ["cu"]}
    labels = {name: "手数" if name == "lots" else name for name in header(Kind.POSITIONS)}
    forms = dict.fromkeys(Form, "…")
    guide = ["列", "含义", "必填", "内容", "示例"]
    content = xlsx_template(Kind.POSITIONS, labels=labels, lists=lists, forms=forms, guide=guide)
    path.write_bytes(content)
    workbook = openpyxl.load_workbook(path)
    sheet = workbook[Kind.POSITIONS.value]
    assert "手数" in sheet["D1"].comment.text
    assert any("D" not in str(one.sqref) for one in sheet.data_validations.dataValidation)
    for column, value in zip("ABCD", ("华东钢铁", "0011", "cu2406", -3), strict=True):
        sheet[f"{column}2"] = value
    workbook.save(path)
    batch = read(Kind.POSITIONS, path.read_bytes(), file="填好.xlsx")
    assert batch.errors == ()
    assert batch.entries[0].fact.account == "0011"
