"""The settler: each trading day's book once, as it was when the day ended."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agents.settler import Settler
from book.positions import PhysicalContract, Side
from book.read import snapshots
from book.write import Dated
from tests.unit.agents.agents_house import (
    EAST,
    GROUP,
    START,
    House,
    a_house,
    opening_book,
    order,
)

TUESDAY = date(2024, 5, 14)
#: Half past three in Shanghai, in UTC.
END = datetime(2024, 5, 14, 7, 30, tzinfo=UTC)


@pytest.fixture
def settler(house: House) -> Settler:
    return Settler(house.store, house.watcher.world)


def kept(house: House) -> list[tuple[date, int, datetime]]:
    with house.store.reader() as connection:
        found = snapshots(connection, org=GROUP)
    return [(day, version, snapshot.as_of) for day, version, snapshot in found]


def run(house: House, settler: Settler, at: datetime) -> int:
    house.clock[0] = at
    return len(settler.run_once(at).day_ends)


def bought(tonnes: int, since: datetime, number: str = "C-2") -> list[Dated]:
    contract = PhysicalContract(
        org=EAST,
        product="cu",
        month="2406",
        contract_id=number,
        side=Side.BUY,
        quantity=Decimal(tonnes),
    )
    return [Dated(contract, since)]


def test_a_day_is_settled_when_it_is_over_and_not_before(house: House, settler: Settler):
    assert run(house, settler, END - timedelta(minutes=1)) == 1
    assert [day for day, _, _ in kept(house)] == [date(2024, 5, 13)]
    assert run(house, settler, END) == 1
    assert kept(house)[-1] == (TUESDAY, 1, END)


def test_again_changes_nothing(house: House, settler: Settler):
    run(house, settler, END)
    before = house.dump(plumbing=True)
    for after in (1, 60, 3600):
        assert run(house, settler, END + timedelta(seconds=after)) == 0
    fresh = Settler(house.store, house.watcher.world)
    assert run(house, fresh, END + timedelta(hours=2)) == 0
    assert house.dump(plumbing=True) == before


def test_what_happened_after_the_end_of_the_day_belongs_to_the_next(house: House, settler: Settler):
    run(house, settler, END)
    house.arrive(order("SO-1", (END - START).total_seconds() + 1800))
    house.put(bought(100, END + timedelta(minutes=40)))
    assert run(house, settler, END + timedelta(hours=1)) == 0
    assert len(kept(house)) == 1


def test_a_fact_about_the_day_that_comes_later_gives_version_two_and_one_stays(
    house: House, settler: Settler
):
    run(house, settler, END)
    house.clock[0] = END + timedelta(hours=1)
    house.put(bought(100, END - timedelta(hours=2)))
    assert run(house, settler, END + timedelta(hours=2)) == 1
    assert [(day, version) for day, version, _ in kept(house)] == [(TUESDAY, 1), (TUESDAY, 2)]
    assert {at for _, _, at in kept(house)} == {END}
    outcomes = [(outcome, reason) for _, outcome, reason in house.decisions("settlement.snapshot")]
    assert outcomes == [("version_1", ""), ("version_2", "CORRECTED")]
    assert run(house, settler, END + timedelta(hours=3)) == 0


def test_settled_late_it_is_the_same_as_settled_in_time(house: House, twin: House):
    in_time = Settler(house.store, house.watcher.world)
    late = Settler(twin.store, twin.watcher.world)
    run(house, in_time, END)
    for one in (house, twin):
        one.clock[0] = END + timedelta(hours=5)
        one.put(bought(100, END + timedelta(hours=4)))
    run(twin, late, END + timedelta(hours=6))
    hashes = []
    for one in (house, twin):
        with one.store.reader() as connection:
            hashes.append([found.hash for _, _, found in snapshots(connection, org=GROUP)])
    assert hashes[0] == hashes[1] != []


def test_a_weekend_and_a_holiday_are_no_trading_days(house: House, settler: Settler):
    run(house, settler, datetime(2024, 9, 30, 7, 31, tzinfo=UTC))
    for day in range(1, 8):  # the National Day holiday
        assert run(house, settler, datetime(2024, 10, day, 9, 0, tzinfo=UTC)) == 0
    assert run(house, settler, datetime(2024, 10, 8, 7, 31, tzinfo=UTC)) == 1
    assert [day for day, _, _ in kept(house)] == [date(2024, 9, 30), date(2024, 10, 8)]


def test_a_year_that_the_calendar_does_not_know_is_refused_with_a_warning(
    house: House, settler: Settler
):
    with capture_logs() as said:
        assert run(house, settler, datetime(2090, 3, 1, 9, 0, tzinfo=UTC)) == 0
    assert kept(house) == []
    assert [(one["log_level"], one["event"]) for one in said] == [("warning", "day not settled")]


def test_an_empty_book_is_not_settled(empty: House):
    settler = Settler(empty.store, empty.watcher.world)
    assert run(empty, settler, END) == 0
    assert kept(empty) == []


def test_the_settlement_is_on_record_with_its_hashes(house: House, settler: Settler):
    run(house, settler, END)
    (found,) = house.records(action="settlement.snapshot")
    assert (found.actor, found.object_id) == ("system:settler", "2024-05-14")
    assert len(found.body["snapshot"]) == len(found.body["outputs"]) == 64
    assert found.body["buckets"] == 1


def test_a_book_that_rests_is_settled_each_day_as_if_it_were_read_anew(made: Path, tmp_path: Path):
    """A contract recorded days ahead comes into force in between."""
    days = [END + timedelta(days=number) for number in range(3)]
    ahead = bought(100, END + timedelta(days=2, hours=-1))
    hashes = []
    for name, anew in (("kept", False), ("anew", True)):
        facts = [*opening_book(net="-7500"), *ahead]
        with a_house(made, tmp_path / name, facts) as house:
            settler = Settler(house.store, house.watcher.world)
            for day in days:
                settler = Settler(house.store, house.watcher.world) if anew else settler
                assert run(house, settler, day) == 1
            with house.store.reader() as connection:
                hashes.append([found.hash for _, _, found in snapshots(connection, org=GROUP)])
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 3
