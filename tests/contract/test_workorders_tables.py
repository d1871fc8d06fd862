"""Work orders on both databases: one path through every table."""

from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import trail
from tests.unit.workorders.workorders_house import (
    START,
    House,
    answers,
    cleared,
    exposure,
    happened,
    house_on,
)
from workorders import (
    Level,
    Policy,
    State,
    acknowledge,
    close,
    confirm_alert,
    dismiss_alert,
    merge,
    note,
    reads,
    resolve,
    snooze,
    tag,
)
from workorders.figures import Period, load, metrics_of
from workorders.tags import tags_in_use


@pytest.fixture
def house(database: Engine, tmp_path: Path) -> House:
    signer = trail.open_keys(tmp_path / "keys").trail
    return house_on(database, signer, Policy(last_resort=("boss",)))


def test_an_incident_from_the_first_match_to_the_closing(house: House):
    basis = house.ingest(happened("BASIS_JUMP", Level.YELLOW))
    opened = house.ingest(exposure(Level.ORANGE, after=30, net="-550"))
    assert house.ingest(exposure(Level.RED, after=60)).level_changed
    assert house.ingest(exposure(Level.RED, after=90, net="-7600")).refire
    assert house.ingest(exposure(Level.RED, after=90, net="-7600")).duplicate
    assert house.deliver() == 4
    house.pass_time(minutes=6)
    assert house.fire_due() == ["ESCALATED"]
    assert house.do("chen", acknowledge, opened.order_id).ok
    assert house.messages(opened.order_id) == []
    assert house.do("chen", note, opened.order_id, "五笔入库已补录").ok
    assert house.do("chen", confirm_alert, basis.alert_id).ok
    assert house.do("chen", resolve, opened.order_id).ok
    closed = house.do("wang", close, opened.order_id, answers(), conditions=cleared())
    assert closed.order.state is State.CLOSED
    order = house.order(opened.order_id)
    assert (order.value, order.count, order.first_seen) == (-7600, 4, START)
    assert order.clears == closed.order.clears
    entries = house.read(reads.stream, order.id)
    assert [entry.seq for entry in entries] == sorted(entry.seq for entry in entries)
    assert "五笔入库已补录" in [entry.text for entry in entries]
    period = Period(["Group"], START, START + timedelta(days=1), house.now[0])
    figures = metrics_of(house.read(load, period), period, UTC)
    assert str(figures.closed_loop_rate) == "1.0000"


def test_inbox_snooze_merge_and_pages(house: House):
    one = house.ingest(exposure(product="cu")).order_id
    two = house.ingest(exposure(product="al")).order_id
    blue = house.ingest(exposure(Level.BLUE, product="zn", net="-320"))
    assert house.do("chen", dismiss_alert, blue.alert_id, reasons=["known_benign"]).ok
    until = START + timedelta(hours=1)
    assert house.do("chen", snooze, two, until=until, reason="later").ok
    house.pass_time(hours=1)
    assert "WOKEN" in house.fire_due()
    assert house.do("chen", merge, two, into=one).ok
    assert house.order(two).state is State.MERGED
    page = house.read(reads.list_orders, ["Group"], limit=1)
    rest = house.read(reads.list_orders, ["Group"], cursor=page.cursor)
    assert {order.id for order in (*page.items, *rest.items)} == {one, two}
    assert house.read(reads.counts, ["Group"])["orange"]["orders"] == 1
    assert house.read(reads.list_orders, ["Group/West"]).items == ()


def test_orders_are_found_by_a_whole_tag(house: House):
    one = house.ingest(exposure(product="cu")).order_id
    two = house.ingest(exposure(product="al")).order_id
    assert house.do("chen", tag, one, add=["仓库", "LME"]).ok
    assert house.do("chen", tag, two, add=["LME copper"]).ok
    for word, found in (("LME", [one]), ("仓库", [one]), ("LM", []), ("lme", [])):
        page = house.read(reads.list_orders, ["Group"], reads.Filter(tag=word))
        assert [order.id for order in page.items] == found
    in_use = house.read(tags_in_use, ["Group"], reads.Filter(), 9)
    assert in_use == ("LME", "LME copper", "仓库")


def test_a_late_match_joins_two_orders(house: House):
    one = house.ingest(happened("A", Level.ORANGE, product="cu"))
    two = house.ingest(happened("B", Level.RED, product="", actor="liu", after=60))
    house.ingest(happened("C", Level.YELLOW, product="cu", actor="liu", after=30))
    assert house.order(two.order_id).merged_into == one.order_id
    assert house.order(one.order_id).level is Level.RED
