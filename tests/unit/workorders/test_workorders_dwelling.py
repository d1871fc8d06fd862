"""A limit that touches orange for a moment opens nothing; red never waits; all is on record."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workorders_house import CLEAR, ORG, START, House, answers, exposure, happened

from store import timers
from workorders import (
    Closing,
    Condition,
    Holding,
    Level,
    Match,
    OrderKind,
    Policy,
    SourceKind,
    State,
    WorkOrder,
    acknowledge,
    close,
    confirm_alert,
    dismiss_alert,
    reads,
    resolve,
)
from workorders.dwell_preview import Episode, foresee
from workorders.dwelling import looked, settled
from workorders.flapping import Crossing, record_crossing

MINUTE = 60


@pytest.fixture
def slow(house: House) -> House:
    """A house in which orange has to hold for five minutes, and to be gone for ten."""
    house.ctx = replace(house.ctx, policy=Policy(open_dwell_s=300, clear_dwell_s=600))
    return house


def falls(house: House, *standing: str) -> None:
    with house.as_person("system:assessor") as uow:
        looked(uow, CLEAR.fact_key, standing)


def crosses(house: House, before: str, after: str) -> None:
    with house.as_person("system:assessor") as uow:
        record_crossing(uow, Crossing(CLEAR.fact_key, ORG, before, after, house.now[0]))


def codes(house: House) -> list[str]:
    (alert,) = house.alerts()
    return [one.code for one in house.read(reads.alert_stream, alert.id)]


def test_orange_opens_an_order_only_when_it_has_held(slow: House):
    found = slow.ingest(exposure())
    assert (found.opened, found.order_id) == (False, "")
    (alert,) = slow.alerts()
    assert alert.dwell_until == START + timedelta(minutes=5)
    slow.pass_time(minutes=4, seconds=59)
    assert slow.fire_due() == []
    slow.pass_time(seconds=1)
    assert slow.fire_due() == ["DWELL_HELD"]
    (order,) = slow.orders()
    (alert,) = slow.alerts()
    assert (order.level, order.clears, alert.order_id) == (Level.ORANGE, (CLEAR,), order.id)
    assert alert.dwell_until is None
    assert slow.messages(order.id) != []
    assert codes(slow)[-3:] == ["match.record", "alert.dwell", "alert.dwell_held"]
    (record,) = slow.trail(action="order.open")
    assert record.reason == "DWELL"


def test_the_same_again_does_not_begin_the_time_anew(slow: House):
    slow.ingest(exposure())
    slow.pass_time(minutes=4)
    slow.ingest(exposure(after=240, net="-7600"))
    slow.pass_time(minutes=1)
    assert slow.fire_due() == ["DWELL_HELD"]
    (order,) = slow.orders()
    assert order.value == Decimal(-7600)


def test_what_falls_before_opens_nothing_and_is_on_record(slow: House):
    slow.ingest(exposure())
    slow.pass_time(minutes=2)
    falls(slow)
    slow.pass_time(hours=1)
    assert slow.fire_due() == []
    assert not slow.orders()
    assert codes(slow)[-2:] == ["alert.dwell", "alert.dwell_fell"]
    assert [one.action for one in slow.trail(action="alert.dwell_fell")] == ["alert.dwell_fell"]


def test_a_second_rise_waits_the_whole_time_again(slow: House):
    slow.ingest(exposure())
    slow.pass_time(minutes=4)
    falls(slow)
    slow.pass_time(seconds=30)
    slow.ingest(exposure(after=270, net="-7600"))
    slow.pass_time(minutes=4, seconds=59)
    assert slow.fire_due() == []
    slow.pass_time(seconds=1)
    assert slow.fire_due() == ["DWELL_HELD"]


def test_another_rule_that_still_stands_does_not_hold_it_up(slow: House):
    slow.ingest(exposure())
    falls(slow, "EXPOSURE")  # it stands: nothing ends
    assert slow.alerts()[0].dwell_until is not None
    falls(slow, "OTHER")
    assert slow.alerts()[0].dwell_until is None


def test_red_never_waits_and_ends_the_waiting_of_orange(slow: House):
    slow.ingest(exposure())
    slow.pass_time(minutes=1)
    found = slow.ingest(exposure(Level.RED, after=60, net="-9000"))
    assert found.opened
    assert slow.order(found.order_id).level is Level.RED
    assert slow.alerts()[0].dwell_until is None
    armed = slow.read(timers.find, slow.alerts()[0].id)
    assert [one for one in armed if one.kind == "workorders.dwell"] == []


@pytest.mark.parametrize(
    "match",
    [
        happened("GATE", Level.ORANGE),
        exposure(kind=OrderKind.DATA),
        exposure(batch_run="B-1"),
    ],
    ids=["happened", "missing-data", "look-back"],
)
def test_what_has_happened_missing_data_and_a_look_back_do_not_wait(slow: House, match: Match):
    assert slow.ingest(match).opened


def test_a_model_waits_for_triage_as_before(slow: House):
    slow.ingest(exposure(source_kind=SourceKind.MODEL))
    (alert,) = slow.alerts()
    assert alert.dwell_until is None
    assert alert.due_at is not None


def test_a_person_need_not_wait(slow: House):
    slow.ingest(exposure())
    outcome = slow.do("chen", confirm_alert, slow.alerts()[0].id)
    assert outcome.opened
    assert slow.alerts()[0].dwell_until is None
    slow.pass_time(minutes=5)
    assert "DWELL_HELD" not in slow.fire_due()
    assert len(slow.orders()) == 1


def test_what_is_dismissed_meanwhile_opens_nothing(slow: House):
    slow.ingest(exposure())
    slow.do("chen", dismiss_alert, slow.alerts()[0].id, reasons=["known_benign"])
    slow.pass_time(minutes=10)
    assert slow.fire_due() == []
    assert not slow.orders()


def test_an_order_rises_to_orange_only_when_it_has_held(slow: House):
    slow.ingest(exposure(Level.YELLOW, net="-450"))
    order_id = slow.do("chen", confirm_alert, slow.alerts()[0].id).order_id
    slow.do("chen", acknowledge, order_id)
    found = slow.ingest(exposure(after=60))
    assert (found.order_id, found.level_changed) == (order_id, False)
    assert slow.order(order_id).level is Level.YELLOW
    slow.pass_time(minutes=5)
    assert "DWELL_HELD" in slow.fire_due()
    raised = slow.order(order_id)
    assert (raised.level, raised.state) == (Level.ORANGE, State.OPEN)


def test_an_order_that_is_orange_already_ends_the_waiting(slow: House):
    slow.ingest(exposure())
    slow.ingest(happened("GATE", Level.ORANGE, after=1))  # the same case
    (order,) = slow.orders()
    assert [one.dwell_until for one in slow.alerts()] == [None, None]
    slow.pass_time(minutes=5)
    assert "DWELL_HELD" not in slow.fire_due()
    assert [one.id for one in slow.orders()] == [order.id]


def test_without_a_dwell_nothing_waits(house: House):
    assert house.ingest(exposure()).opened


# --- closing --------------------------------------------------------------------------------------


def resolved(house: House) -> WorkOrder:
    crosses(house, "", "orange")
    house.ingest(exposure())
    house.pass_time(minutes=5)
    house.fire_due()
    (order,) = house.orders()
    house.do("chen", acknowledge, order.id)
    house.do("chen", resolve, order.id)
    return house.order(order.id)


def closes(house: House, closing: Closing | None = None, by: str = "wang"):
    (order,) = house.orders()
    with house.as_person(by) as uow:
        live = Condition(CLEAR, Holding.CLEARED, Decimal(100), Decimal(500), "t", uow.now)
        asked = settled(uow.connection, order, live, uow.now)
        return close(uow, house.ctx, order.id, closing or answers(), conditions=[asked])


def test_an_order_is_not_closed_in_the_middle_of_a_flap(slow: House):
    resolved(slow)
    crosses(slow, "orange", "")
    until = slow.now[0] + timedelta(minutes=10)
    slow.pass_time(minutes=9, seconds=59)
    refused = closes(slow)
    assert (refused.ok, refused.code) == (False, "CLEAR_DWELL")
    assert refused.params["until"] == until.isoformat().replace("+00:00", "Z")
    slow.pass_time(seconds=1)
    assert closes(slow).ok


def test_a_new_rise_begins_the_clear_time_anew(slow: House):
    resolved(slow)
    crosses(slow, "orange", "")
    slow.pass_time(minutes=9)
    crosses(slow, "", "orange")
    slow.pass_time(seconds=10)
    crosses(slow, "orange", "yellow")
    slow.pass_time(minutes=9)
    assert closes(slow).code == "CLEAR_DWELL"
    slow.pass_time(minutes=1)
    assert closes(slow).ok


def test_a_crossing_below_orange_does_not_count(slow: House):
    resolved(slow)
    crosses(slow, "orange", "yellow")
    slow.pass_time(minutes=9)
    crosses(slow, "yellow", "")
    slow.pass_time(minutes=1)
    assert closes(slow).ok


def test_the_next_level_may_override_with_a_reason(slow: House):
    resolved(slow)
    crosses(slow, "orange", "")
    by_hand = answers(override="the month has expired")
    assert closes(slow, by_hand, by="chen").code == "OVERRIDE_NOT_ALLOWED"
    outcome = closes(slow, by_hand, by="wang")
    assert (outcome.ok, outcome.order.state) == (True, State.CLOSED)


def test_an_order_keeps_the_dwell_with_which_it_opened(slow: House):
    resolved(slow)
    crosses(slow, "orange", "")
    slow.ctx = replace(slow.ctx, policy=Policy())
    assert closes(slow).code == "CLEAR_DWELL"


# --- the preview ----------------------------------------------------------------------------------


def at(second: int):
    return START + timedelta(seconds=second)


def crossing(second: int, before: str, after: str, condition: str = "k") -> Crossing:
    return Crossing(condition, ORG, before, after, at(second))


def test_the_preview_says_what_would_have_been_otherwise():
    crossings = [
        crossing(0, "yellow", "orange"),
        crossing(100, "orange", "yellow"),  # fell before: no order
        crossing(150, "", "orange"),
        crossing(900, "orange", ""),  # held: five minutes later
        crossing(2_000, "orange", "", "m"),  # began before the days looked at
        crossing(2_100, "", "red", "m"),
        crossing(2_110, "red", "", "m"),  # red does not wait
        crossing(5_000, "", "orange", "n"),
        crossing(5_100, "orange", "red", "n"),  # red comes before the five minutes are over
        crossing(9_900, "", "orange", "o"),  # not yet
    ]
    policy = Policy(open_dwell_s=300, clear_dwell_s=60)
    found = foresee(crossings, policy, now=at(10_000), days=30)
    assert (found.episodes, found.unopened, found.later, found.gaps) == (5, 2, 2, 1)
    assert found.latest == (
        Episode("o", at(9_900), None),
        Episode("k", at(0), at(100)),
    )


@given(st.lists(st.integers(1, 900), min_size=1, max_size=20), st.integers(0, 600))
@settings(deadline=None)
def test_each_episode_is_as_before_later_or_unopened(steps: list[int], dwell: int):
    second, crossings, grave = 0, [], False
    for step in steps:
        crossings.append(crossing(second, *(("orange", "") if grave else ("", "orange"))))
        grave = not grave
        second += step
    found = foresee(crossings, Policy(open_dwell_s=dwell), now=at(second), days=30)
    lasted = steps[::2]
    assert found.episodes == len(lasted)
    assert found.unopened == sum(one < dwell for one in lasted)
    assert found.later == (sum(one >= dwell for one in lasted) if dwell else 0)
