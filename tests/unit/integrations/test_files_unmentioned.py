"""What an account holds in the book and a statement of it does not mention is counted and told."""

from collections.abc import Callable

import pytest

import trail
from integrations.files import Batch, ImportResult, Kind, preview, take_in
from store import Store

Read = Callable[..., Batch]
ORG = "华东钢铁"
HEAD = "contract,org,account,lots,as_of\n"


def _statement(day: str, *rows: str, account: str = "880009") -> str:
    return HEAD + "".join(
        f"{contract},{ORG},{account},{lots},{day}\n"
        for contract, lots in (row.split() for row in rows)
    )


def _bring(store: Store, batch: Batch) -> ImportResult:
    assert batch.errors == ()
    with store.unit_of_work("cli:tester") as uow:
        return take_in(uow, batch)


def _warned(result: ImportResult) -> list[tuple[str, str, str]]:
    return [
        (one.params["account"], one.params["count"], one.found)
        for one in result.warnings
        if one.code == "IMPORT_ROWS_NOT_MENTIONED"
    ]


def test_a_position_that_the_next_statement_leaves_out_is_told(store: Store, read: Read) -> None:
    first = _bring(
        store, read(Kind.POSITIONS, _statement("2024-05-14", "cu2406 10", "cu2407 5", "cu2408 1"))
    )
    assert (first.unmentioned, _warned(first)) == (0, [])
    later = read(Kind.POSITIONS, _statement("2024-05-15", "cu2407 6"), file="other.csv")
    with store.reader() as connection:
        looked = preview(connection, later, store.clock())
    second = _bring(store, later)
    told = [("880009", "2", "cu2406/880009, cu2408/880009")]
    assert (second.unmentioned, _warned(second)) == (2, told)
    assert (looked.unmentioned, _warned(looked)) == (2, told)
    assert second.errors == ()
    with store.reader() as connection:
        record = trail.find(connection, action="import.file", limit=1)[0]
    assert record.body["unmentioned"] == 2


def test_what_came_later_stands_at_nothing_or_elsewhere_is_not_missed(
    store: Store, read: Read
) -> None:
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-14", "cu2406 10", "cu2407 5")))
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 0", "cu2407 5")))
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-17", "cu2409 1", "cu2407 5")))
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-15", "al2406 3", account="77")))
    late = _bring(store, read(Kind.POSITIONS, _statement("2024-05-16", "cu2407 5")))
    assert late.unmentioned == 0
    early = _bring(store, read(Kind.POSITIONS, _statement("2024-05-14", "cu2407 7")))
    assert _warned(early) == [("880009", "1", "cu2406/880009")]


def test_each_account_of_a_file_is_looked_at_for_itself(store: Store, read: Read) -> None:
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-14", "cu2406 1", "cu2407 1")))
    _bring(
        store, read(Kind.POSITIONS, _statement("2024-05-14", "cu2406 1", "cu2408 1", account="77"))
    )
    both = _statement("2024-05-15", "cu2406 1") + f"cu2408,{ORG},77,1,2024-05-15\n"
    result = _bring(store, read(Kind.POSITIONS, both))
    assert _warned(result) == [("77", "1", "cu2406/77"), ("880009", "1", "cu2407/880009")]
    assert result.unmentioned == 2


def test_many_are_counted_and_the_first_are_named(store: Store, read: Read) -> None:
    months = [f"cu24{month:02d} 1" for month in range(5, 13)]
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-01", *months)))
    result = _bring(store, read(Kind.POSITIONS, _statement("2024-05-02", "cu2405 1")))
    ((_, count, named),) = _warned(result)
    assert count == "7"
    assert named.startswith("cu2406/880009, ")
    assert named.endswith("…")


@pytest.mark.parametrize(("quantity", "missed"), [("40", 1), ("0", 0)])
def test_lots_of_inventory_too(store: Store, read: Read, quantity: str, missed: int) -> None:
    head = "lot_id,org,product,quantity,as_of\n"
    before = f"{head}L-1,{ORG},cu,100,2024-05-14\nL-2,{ORG},cu,{quantity},2024-05-14\n"
    _bring(store, read(Kind.INVENTORY, before))
    after = _bring(store, read(Kind.INVENTORY, f"{head}L-1,{ORG},cu,90,2024-05-15\n"))
    assert after.unmentioned == missed


def test_a_list_of_contracts_is_no_statement_of_an_account(store: Store, read: Read) -> None:
    head = "contract_id,org,product,side,quantity,as_of\n"
    _bring(store, read(Kind.CONTRACTS, f"{head}P-1,{ORG},cu,buy,1000,2024-05-14\n"))
    after = _bring(store, read(Kind.CONTRACTS, f"{head}P-2,{ORG},cu,buy,1000,2024-05-15\n"))
    assert (after.unmentioned, after.warnings) == (0, ())


def test_a_lot_that_moved_to_another_account_is_not_missed_on_the_old_one(
    store: Store, read: Read
) -> None:
    head = "lot_id,org,product,account,quantity,as_of\n"
    _bring(store, read(Kind.INVENTORY, f"{head}L-1,{ORG},cu,A,10,2024-05-14\n"))
    _bring(store, read(Kind.INVENTORY, f"{head}L-1,{ORG},cu,B,10,2024-05-15\n"))
    on_a = _bring(store, read(Kind.INVENTORY, f"{head}L-2,{ORG},cu,A,5,2024-05-16\n"))
    assert on_a.unmentioned == 0
    on_b = _bring(store, read(Kind.INVENTORY, f"{head}L-3,{ORG},cu,B,5,2024-05-16\n"))
    assert _warned(on_b) == [("B", "1", "L-1")]
