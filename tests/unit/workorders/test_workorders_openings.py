"""What an opening asks of the database: each statement is paid for by every alert behind it."""

from dataclasses import replace

import pytest
from sqlalchemy import event
from workorders_house import CLEAR, House, exposure

from workorders import Clear, Level, Match, ingest_match, reads
from workorders.model import AlertState, SourceKind


def alarm(number: int) -> Match:
    """An alert from outside, red, which opens an order of its own."""
    clear = Clear(CLEAR.rule, f"{CLEAR.fact_key}|{number}")
    match = exposure(Level.RED, cause=f"outside:{number}", clears=clear)
    return replace(match, source_kind=SourceKind.ROBOT, measure=f"m{number}")


@pytest.fixture(name="statements")
def _statements(house: House) -> list[str]:
    seen: list[str] = []
    event.listen(
        house.store._writing,
        "before_cursor_execute",
        lambda *args: seen.append(" ".join(args[2].split()[:3])),
    )
    return seen


def test_an_opening_writes_each_of_its_rows_once(house: House, statements: list[str]):
    """Case and alert learn of their order before they are written."""
    opened = house.ingest(alarm(1))
    assert not [one for one in statements if one.startswith("UPDATE")]
    (alert,) = house.alerts()
    (order,) = house.orders()
    assert opened.opened
    assert (alert.order_id, alert.due_at, alert.state) == (order.id, None, AlertState.NEW)
    assert order.case_id == alert.case_id
    assert house.ingest(replace(alarm(1), event_time=alarm(1).event_time)).duplicate


def test_a_unit_counts_its_numbers_on_by_itself(house: House, statements: list[str]):
    """One statement a prefix takes the counter, one says how far the unit came."""
    with house.as_person("system:watcher") as uow:
        ids = [ingest_match(uow, alarm(number), house.ctx).order_id for number in range(4)]
    assert [one.rpartition("-")[2] for one in ids] == ["001", "002", "003", "004"]
    counted = [one for one in statements if one.endswith("workorders_counter")]
    assert counted.count("INSERT INTO workorders_counter") == 3
    assert statements.count("UPDATE workorders_counter SET") == 3
    assert house.ingest(alarm(9)).order_id.endswith("-005")


def test_numbers_of_a_unit_that_failed_are_given_again(house: House):
    def fail() -> None:
        with house.as_person("system:watcher") as uow:
            assert ingest_match(uow, alarm(0), house.ctx).order_id.endswith("-001")
            ingest_match(uow, alarm(1), house.ctx)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert house.ingest(alarm(2)).order_id.endswith("-001")
    assert len(house.read(reads.list_orders, ["Group"]).items) == 1


def test_an_order_that_opens_over_waiting_alerts_adopts_them(house: House):
    """Only a case made for the very match has nothing else to adopt."""
    yellow = house.ingest(exposure(Level.YELLOW))
    orange = house.ingest(exposure(Level.RED, after=60))
    assert orange.case_id == yellow.case_id
    assert {(one.order_id, one.due_at) for one in house.alerts()} == {(orange.order_id, None)}
