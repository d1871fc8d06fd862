"""Flapping leaves every crossing on record, and one notice a repeat interval that says so."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from workorders_house import CLEAR, ORG, START, House, exposure

from workorders import Level, LevelPolicy, Policy, reads
from workorders.cards import order_card
from workorders.flapping import WINDOW, Crossing, flap_score, record_crossing
from workorders.rows import CROSSINGS


def cross(house: House, before: str, after: str, second: float = 0) -> int:
    crossing = Crossing(CLEAR.fact_key, ORG, before, after, START + timedelta(seconds=second))
    with house.as_person("system:assessor") as uow:
        return record_crossing(uow, crossing)


def test_a_flap_leaves_every_crossing_in_the_stream_and_notifies_once_an_interval(house: House):
    levels = {Level.ORANGE: LevelPolicy(step_minutes=100_000)}
    house.ctx = replace(house.ctx, policy=Policy(levels=levels, repeat_interval_s=3_600))
    assert cross(house, "", "orange") == 1
    order_id = house.ingest(exposure()).order_id
    for number in range(1, 31):  # every two minutes out, a minute later in again
        house.pass_time(minutes=2)
        house.fire_due()
        cross(house, "orange", "", 120 * number)
        cross(house, "", "orange", 120 * number + 60)
        house.ingest(exposure(after=120 * number + 60))
    house.pass_time(minutes=6)
    house.fire_due()
    entries = [e for e in house.read(reads.stream, order_id) if e.code == "condition.cross"]
    assert [(e.params["before"], e.params["after"]) for e in entries] == [
        ("orange", ""),
        ("", "orange"),
    ] * 30
    assert len(house.trail(action="condition.cross", limit=200)) == 61
    mine = [row for row in house.messages(order_id, None) if row.target == "chen"]
    reasons = [row.payload["lines"][0]["code"] for row in mine if row.channel == "chat"]
    assert reasons == ["card.reason.opened", "card.reason.refire"]
    said = {"code": "card.flapping", "params": {"crossings": 59}}  # the tick is at one hour
    assert [said in row.payload["lines"] for row in mine if row.channel == "chat"] == [False, True]
    (order,) = house.orders()
    assert order.count == 31


def test_a_condition_without_an_alert_is_recorded_too(house: House):
    assert cross(house, "", "yellow") == 1
    (record,) = house.trail(action="condition.cross")
    assert (record.object_type, record.object_id) == ("condition", CLEAR.fact_key)


def test_the_card_says_nothing_of_a_condition_that_does_not_flap(house: House):
    order = house.order(house.ingest(exposure()).order_id)
    card = order_card(order, "chen", notice_id="n", reason="REFIRE")
    assert "card.flapping" not in [line.code for line in card.lines]


@given(st.lists(st.integers(0, 3 * 86_400), max_size=30), st.integers(0, 3 * 86_400))
@settings(deadline=None, max_examples=25)
def test_the_score_counts_one_day_and_nothing_else(seconds: list[int], at: int):
    # The house of a property test is made once for each example, on a file of its own.
    from sqlalchemy import create_engine, insert

    engine = create_engine("sqlite://")
    CROSSINGS.create(engine)
    with engine.begin() as connection:
        for second in seconds:
            row = {"condition": "k", "at": START + timedelta(seconds=second)}
            connection.execute(insert(CROSSINGS).values(**row, before="", after="red"))
        now = START + timedelta(seconds=at)
        assert flap_score(connection, ["k"], now) == sum(
            now - WINDOW < START + timedelta(seconds=second) <= now for second in seconds
        )
        assert flap_score(connection, ["other"], now) == flap_score(connection, [], now) == 0
