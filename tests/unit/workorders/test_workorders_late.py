"""What happened before the closing and comes to light after it."""

import pytest
from workorders_house import House, answers, cleared, exposure, happened

from workorders import Level, Match, acknowledge, close, resolve


def closed(house: House, level: Level = Level.ORANGE) -> str:
    """An order for something that happened at the start; chen resolved, wang closed at 20 min."""
    order_id = house.ingest(happened("DUP_VOUCHER", level)).order_id
    house.deliver()
    house.pass_time(minutes=5)
    house.do("chen", acknowledge, order_id)
    house.do("chen", resolve, order_id)
    house.pass_time(minutes=15)
    assert house.do("wang", close, order_id, answers(), conditions=[]).ok
    house.deliver()
    return order_id


def test_it_stands_as_evidence_on_the_closed_order_and_its_people_are_told(house: House):
    order_id = closed(house)
    house.pass_time(minutes=1)
    found = house.ingest(happened("REPLICA_LAG", Level.ORANGE, after=180))
    assert (found.order_id, found.opened, found.cooling) == (order_id, False, True)
    assert [one.id for one in house.orders()] == [order_id]
    assert house.order(order_id).state == "closed"
    assert {one.target for one in house.messages(order_id)} == {"chen", "wang"}
    assert {one.payload["lines"][0]["code"] for one in house.messages(order_id)} == {
        "card.reason.late_evidence"
    }
    (record,) = house.trail(action="order.attach")
    assert (record.outcome, record.reason) == ("closed", "LATE_EVIDENCE")
    assert [one.order_id for one in house.alerts()] == [order_id, order_id]


def test_the_same_again_is_counted_once_more(house: House):
    order_id = closed(house)
    house.pass_time(minutes=1)
    first = house.ingest(happened("REPLICA_LAG", Level.ORANGE, after=180))
    again = house.ingest(happened("REPLICA_LAG", Level.ORANGE, after=240))
    assert again.alert_id == first.alert_id
    assert {one.order_id for one in house.alerts()} == {order_id}
    assert next(one for one in house.alerts() if one.id == first.alert_id).count == 2


@pytest.mark.parametrize(
    "late",
    [
        happened("REPLICA_LAG", Level.RED, after=180),  # graver
        happened("REPLICA_LAG", Level.ORANGE, after=20 * 60 + 1),  # after the closing
        happened("REPLICA_LAG", Level.ORANGE, after=180, product="al"),  # of something else
        happened("REPLICA_LAG", Level.ORANGE, after=180, org="Group/West"),
        exposure(after=180),  # a condition that may still hold
    ],
    ids=["graver", "after the closing", "another product", "another unit", "a condition"],
)
def test_what_is_not_of_the_closed_matter_opens_its_own_order(house: House, late: Match):
    order_id = closed(house)
    house.pass_time(minutes=2)
    found = house.ingest(late)
    assert found.opened
    assert found.order_id != order_id


def test_what_comes_in_time_is_new_however_soon_after_the_closing(house: House):
    order_id = house.ingest(happened("DUP_VOUCHER", Level.ORANGE)).order_id
    house.do("chen", resolve, order_id)
    assert house.do("wang", close, order_id, answers(), conditions=cleared()).ok
    house.pass_time(seconds=30)
    assert house.ingest(happened("REPLICA_LAG", Level.ORANGE)).opened


def test_an_open_case_takes_it_before_a_closed_one(house: House):
    closed(house)
    opened = house.ingest(exposure(after=1_201, level=Level.RED)).order_id
    house.pass_time(minutes=3)
    found = house.ingest(happened("REPLICA_LAG", Level.ORANGE, after=180))
    assert found.order_id == opened
