"""Faults that other products were seen to have, as tests of ours."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from workorders_house import House, answers, cleared, exposure

from workorders import (
    Closing,
    Holding,
    Level,
    LevelPolicy,
    Policy,
    State,
    acknowledge,
    close,
    note,
    reads,
    reopen,
    resolve,
    tag,
    take_over,
)


def test_notes_tags_owner_and_acknowledgement_survive_a_refire(house: House):
    opened = house.ingest(exposure())
    house.do("chen", take_over, opened.order_id)
    house.do("chen", note, opened.order_id, "spoke to the bank")
    house.do("chen", tag, opened.order_id, add=["margin"])
    before = house.order(opened.order_id)
    again = house.ingest(exposure(after=600, net="-7600"))
    assert (again.refire, again.opened, again.order_id) == (True, False, opened.order_id)
    after = house.order(opened.order_id)
    assert (after.count, after.last_seen - before.last_seen) == (2, timedelta(seconds=600))
    assert after.value == -7600
    for kept in ("owner", "tags", "acknowledged_at", "acknowledged_by", "state", "version"):
        assert getattr(after, kept) == getattr(before, kept)
    assert "spoke to the bank" in [e.text for e in house.read(reads.stream, after.id)]


def test_a_thousand_refires_are_one_order_and_one_notice_per_interval(house: House):
    patient = LevelPolicy(step_minutes=100_000, group_wait_s=10)
    house.ctx = replace(house.ctx, policy=Policy(levels={Level.ORANGE: patient}))
    opened = house.ingest(exposure())
    house.do("chen", note, opened.order_id, "spoke to the bank")
    house.do("chen", tag, opened.order_id, add=["margin"])
    before = house.order(opened.order_id)
    # Half an hour between two: 500 hours in all, 125 repeat intervals of four hours.
    for number in range(1, 1_001):
        house.pass_time(minutes=30)
        house.fire_due()
        house.ingest(exposure(after=1_800 * number))
    house.deliver()
    (order,) = house.orders()
    assert (order.id, order.count) == (opened.order_id, 1_001)
    (alert,) = house.alerts()
    assert alert.count == 1_001
    for kept in ("assignees", "owner", "tags", "acknowledged_at", "state", "version"):
        assert getattr(order, kept) == getattr(before, kept)
    assert "spoke to the bank" in [e.text for e in house.read(reads.stream, order.id)]
    sent = house.messages(order.id, None)
    repeats = sorted({row.put_at for row in sent})
    assert len(sent) == 4 * len(repeats)  # two people, two channels
    gaps = {after - then for then, after in pairwise(repeats[1:])}
    assert min(gaps) >= timedelta(hours=4)
    assert len(repeats) == 1 + 500 * 60 // (4 * 60 + 30)  # looked at only as time passes here


def test_a_double_click_leaves_one_record(house: House):
    order_id = house.ingest(exposure()).order_id
    first = house.do("chen", acknowledge, order_id, expected_version=1)
    second = house.do("chen", acknowledge, order_id, expected_version=1)
    third = house.do("wang", acknowledge, order_id, expected_version=1)
    assert [first.code, second.code, third.code] == ["DONE", "ALREADY_DONE", "ALREADY_DONE"]
    assert third.params["actor"] == "chen"
    assert len(house.trail(action="order.acknowledge")) == 1


def test_acting_on_a_closed_order_is_refused_with_what_was_recorded(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    assert house.do("wang", close, order_id, answers(), conditions=cleared()).ok
    late = house.do("chen", acknowledge, order_id)
    assert (late.ok, late.code, late.params["actor"]) == (False, "ORDER_CLOSED", "wang")
    assert house.order(order_id).state is State.CLOSED
    refused = [r for r in house.trail(action="order.acknowledge") if r.outcome == "refused"]
    assert [record.reason for record in refused] == ["ORDER_CLOSED"]


def test_no_notice_leaves_after_the_acknowledgement(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", acknowledge, order_id)
    assert house.messages(order_id) == []
    assert {row.state for row in house.messages(order_id, None)} == {"cancelled"}
    house.pass_time(minutes=29)
    assert house.fire_due() == []
    assert house.messages(order_id) == []


def test_a_flap_that_is_over_before_the_notice_leaves_a_trace(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)  # within the group wait, before any delivery
    assert house.deliver() == 0
    codes = [entry.code for entry in house.read(reads.stream, order_id)]
    assert codes[:3] == ["alert.raise", "match.record", "order.open"]
    assert house.trail(kind="match", object_id=house.alerts()[0].id)


def test_closing_while_it_holds_is_refused_with_the_live_value(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    holds = cleared(Holding.HOLDS, "-7500")
    refused = house.do("wang", close, order_id, answers(), conditions=holds)
    assert (refused.code, refused.params["value"]) == ("CONDITION_HOLDS", "-7500")
    assert house.order(order_id).state is State.RESOLVED
    overridden = answers(override="hedge is booked, confirmed by phone")
    passed = house.do("wang", close, order_id, overridden, conditions=holds)
    assert passed.params["guard"] == "CLOSE_OVERRIDDEN"


def test_reopening_needs_a_reason_and_makes_a_linked_order_that_must_be_closed_anew(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    house.do("wang", close, order_id, answers(), conditions=cleared())
    assert house.do("chen", reopen, order_id, reason=" ").code == "NEEDS_REASON"
    again = house.do("chen", reopen, order_id, reason="the bank reversed it")
    new = house.order(again.new_order)
    assert (new.reopened_from, new.state) == (order_id, State.OPEN)
    assert house.order(order_id).state is State.CLOSED
    house.do("chen", resolve, new.id)
    assert house.do("wang", close, new.id, Closing(), conditions=cleared()).code == (
        "NEEDS_DISPOSITION"
    )


def test_a_viewer_cannot_write_and_the_attempt_is_on_record(house: House):
    order_id = house.ingest(exposure()).order_id
    for person in ("tmp", "zhao", "nobody"):
        assert house.do(person, acknowledge, order_id).code == "FORBIDDEN"
    assert house.order(order_id).state is State.OPEN
    assert len([r for r in house.trail(outcome="refused") if r.reason == "FORBIDDEN"]) == 3


def test_the_same_match_delivered_twice_counts_once(house: House):
    first = house.ingest(exposure())
    second = house.ingest(exposure())
    assert (second.duplicate, second.order_id) == (True, first.order_id)
    assert house.order(first.order_id).count == 1


def test_after_closing_a_refire_waits_for_the_cool_down_and_then_opens_a_new_order(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    house.pass_time(minutes=10)
    house.do("wang", close, order_id, answers(), conditions=cleared())
    cooling = house.ingest(exposure(after=1_200))
    assert (cooling.cooling, cooling.opened, cooling.order_id) == (True, False, order_id)
    heavier = house.ingest(exposure(Level.RED, after=1_260))
    assert heavier.opened
    later = house.ingest(exposure(after=7_200))
    assert later.order_id == heavier.order_id


def test_after_the_cool_down_the_same_trouble_is_a_new_order(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    house.do("wang", close, order_id, answers(), conditions=cleared())
    later = house.ingest(exposure(after=1_801))
    assert later.opened
    assert later.order_id != order_id


def test_a_late_match_does_not_overwrite_newer_figures(house: House):
    order_id = house.ingest(exposure(after=100, net="-7500")).order_id
    house.ingest(exposure(after=50, net="-6000"))
    order = house.order(order_id)
    assert order.value == -7500
    assert (order.last_seen - order.first_seen) == timedelta(seconds=50)
