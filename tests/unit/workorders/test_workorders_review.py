"""The review centre: what ended and why, what was to be done afterwards, and who follows it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from workorders_house import ORG, START, House, answers, cleared, exposure, happened

from workorders import (
    Corrective,
    Level,
    State,
    WorkOrder,
    acknowledge,
    close,
    dismiss_alert,
    reads,
    reopen,
    resolve,
)
from workorders.correctives import (
    AGAIN,
    find_corrective,
    finish,
    open_correctives,
    put_off,
)
from workorders.drills import DrillWish, start_drill
from workorders.review import Review, Wanted, causes_of, review

AWEEK = timedelta(days=7)
DUE = START + AWEEK
SPAN = Wanted(START - timedelta(days=1), START + timedelta(days=400))


def closed(house: House, **changed: object) -> WorkOrder:
    """An order that chen resolved and wang closed; the action is chen's, due in a week."""
    order_id = house.ingest(exposure(after=(house.now[0] - START).total_seconds())).order_id
    house.pass_time(minutes=3)
    house.do("chen", acknowledge, order_id)
    house.pass_time(minutes=7)
    house.do("chen", resolve, order_id)
    house.pass_time(minutes=20)
    outcome = house.do("wang", close, order_id, answers(**changed), conditions=cleared())
    assert outcome.ok, outcome.code
    return house.order(order_id)


def looked(house: House, wanted: Wanted = SPAN, scopes: tuple[str, ...] = ("Group",)) -> Review:
    return house.read(review, scopes, wanted, now=house.now[0])


# --- the list -------------------------------------------------------------------------------------


def test_a_closed_order_is_listed_with_why_and_how_fast(house: House):
    order = closed(house)
    (one,) = looked(house).items
    assert (one.matter.id, one.is_order, one.ended_by) == (order.id, True, "wang")
    assert (one.disposition, one.root_cause) == ("fixed", "ROLE_MISSING_PERMISSION")
    assert (one.acknowledged_s, one.resolved_s, one.closed_s) == (180, 600, 1800)
    assert one.told_s is None  # nothing was delivered in this house
    assert (one.rule, one.code, one.earlier) == ("EXPOSURE", "EXPOSURE_EXCESS", 0)


def test_the_first_card_that_was_taken_counts_as_told(house: House):
    order_id = house.ingest(exposure()).order_id
    house.pass_time(seconds=20)
    house.deliver()
    house.do("chen", acknowledge, order_id)
    house.do("chen", resolve, order_id)
    house.do("wang", close, order_id, answers(), conditions=cleared())
    (one,) = looked(house).items
    assert one.told_s == 20


def test_a_dismissed_alert_is_listed_with_its_reason(house: House):
    house.ingest(exposure(Level.YELLOW))
    (alert,) = house.alerts()
    house.pass_time(seconds=90)
    house.do("chen", dismiss_alert, alert.id, reasons=["known_benign"])
    (one,) = looked(house).items
    assert (one.matter.id, one.is_order, one.disposition) == (alert.id, False, "known_benign")
    assert (one.ended_by, one.closed_s, one.rule) == ("chen", 90, "EXPOSURE")


def test_what_is_open_a_drill_and_another_unit_are_not_listed(house: House):
    house.ingest(exposure(org="Group/West"))
    with house.as_person("wang") as uow:
        drill = start_drill(uow, house.ctx, DrillWish(ORG, Level.RED, timedelta(minutes=5)))
    assert drill.ok
    house.pass_time(hours=1)
    house.fire_due()
    assert house.order(drill.order.id).state is State.CLOSED
    assert looked(house).items == ()
    closed(house)
    assert len(looked(house).items) == 1
    assert looked(house, scopes=("Group/West",)).items == ()
    assert looked(house, scopes=()).items == ()


@pytest.mark.parametrize(
    ("changed", "listed"),
    [
        ({"what": "order"}, 1),
        ({"what": "alert"}, 0),
        ({"org": ORG}, 1),
        ({"org": "Group/West"}, 0),
        ({"rule": "EXPOSURE"}, 1),
        ({"rule": "OTHER"}, 0),
        ({"levels": (Level.ORANGE,)}, 1),
        ({"levels": (Level.RED,)}, 0),
        ({"disposition": "fixed"}, 1),
        ({"disposition": "accepted"}, 0),
        ({"root_cause": "ROLE_MISSING_PERMISSION"}, 1),
        ({"root_cause": "DATA_FAULT"}, 0),
        ({"corrective": "open"}, 1),
        ({"corrective": "overdue"}, 0),
        ({"corrective": "done"}, 0),
        ({"until": START}, 0),
    ],
)
def test_each_filter_narrows(house: House, changed: dict, listed: int):
    closed(house)
    assert len(looked(house, replace(SPAN, **changed)).items) == listed


def test_the_same_matter_again_counts_what_came_before(house: House):
    first = closed(house)
    house.pass_time(days=3)
    second = closed(house)
    house.pass_time(days=95)
    third = closed(house, corrective=Corrective("look again", "chen", house.now[0] + AWEEK))
    earlier = {one.matter.id: one.earlier for one in looked(house).items}
    assert earlier == {first.id: 0, second.id: 1, third.id: 0}
    (cause,) = causes_of(looked(house).items, house.now[0])
    assert (cause.code, cause.orders, cause.again, cause.overdue) == (
        "ROLE_MISSING_PERMISSION", 3, 1, 2,
    )  # fmt: skip


def test_root_causes_come_with_the_most_frequent_first(house: House):
    closed(house, root_cause="DATA_FAULT")
    house.pass_time(days=1)
    closed(house, root_cause="MARKET_MOVE")
    house.pass_time(days=1)
    closed(house, root_cause="MARKET_MOVE")
    found = causes_of(looked(house).items, house.now[0])
    assert [(one.code, one.orders) for one in found] == [("MARKET_MOVE", 2), ("DATA_FAULT", 1)]


# --- corrective actions ---------------------------------------------------------------------------


def test_closing_writes_the_action_down_and_its_owner_ends_it(house: House):
    order = closed(house)
    one = house.read(find_corrective, order.id)
    assert (one.owner, one.due_at, one.closed_by) == ("chen", DUE, "wang")
    assert one.state(DUE - timedelta(seconds=1)) == "open"
    assert one.state(DUE) == "overdue"
    done = house.do("chen", finish, order.id, "hedged earlier")
    assert (done.ok, done.code, done.corrective.note) == (True, "DONE", "hedged earlier")
    assert house.read(open_correctives, ["Group"]) == []
    house.pass_time(days=30)
    assert house.fire_due() == []
    (line,) = [e for e in house.read(reads.stream, order.id) if e.code == "order.corrective_done"]
    assert (line.actor, line.text) == ("chen", "hedged earlier")
    assert house.do("chen", finish, order.id, "again").code == "ALREADY_DONE"


def test_what_is_late_is_told_and_told_again_every_week(house: House):
    order = closed(house)
    house.now[0] = DUE
    assert house.fire_due() == ["CORRECTIVE_OVERDUE"]
    told = [
        (row.target, row.payload["lines"][0]["code"])
        for row in house.messages(order.id)
        if row.channel == "chat"
    ]
    reason = "card.reason.corrective_overdue"
    assert {one for one in told if one[1] == reason} == {("chen", reason), ("wang", reason)}
    house.pass_time(days=6)
    assert house.fire_due() == []
    house.pass_time(days=1)
    assert house.fire_due() == ["CORRECTIVE_OVERDUE"]
    assert len(house.trail(action="order.corrective_overdue")) == 2
    late = replace(SPAN, corrective="overdue")
    assert [one.matter.id for one in looked(house, late).items] == [order.id]


def test_more_time_needs_a_reason_and_another_person(house: House):
    order = closed(house)
    later = DUE + timedelta(days=14)
    assert house.do("chen", put_off, order.id, later, "busy").code == "CORRECTIVE_OWN"
    assert house.do("wang", put_off, order.id, later, " ").code == "NEEDS_REASON"
    assert house.do("wang", put_off, order.id, house.now[0], "x").code == "CORRECTIVE_DUE"
    far = house.now[0] + timedelta(days=367)
    assert house.do("wang", put_off, order.id, far, "x").code == "CORRECTIVE_DUE"
    assert house.do("tmp", put_off, order.id, later, "x").code == "FORBIDDEN"
    moved = house.do("wang", put_off, order.id, later, "the vendor is late")
    assert (moved.ok, moved.corrective.due_at, moved.corrective.moved) == (True, later, 1)
    house.now[0] = later - timedelta(seconds=1)
    assert house.fire_due() == []
    house.pass_time(seconds=1)
    assert house.fire_due() == ["CORRECTIVE_OVERDUE"]
    refused = [one.reason for one in house.trail(action="order.corrective_moved")]
    assert sorted(refused) == [
        "", "CORRECTIVE_DUE", "CORRECTIVE_DUE", "CORRECTIVE_OWN", "FORBIDDEN", "NEEDS_REASON",
    ]  # fmt: skip


def test_more_time_after_the_due_time_is_told_at_the_new_one(house: House):
    order = closed(house)
    house.now[0] = DUE
    house.fire_due()
    later = DUE + timedelta(days=2)
    assert house.do("wang", put_off, order.id, later, "x").ok
    house.now[0] = later
    assert house.fire_due() == ["CORRECTIVE_OVERDUE"]
    house.pass_time(days=AGAIN.days)
    assert house.fire_due() == ["CORRECTIVE_OVERDUE"]


def test_another_person_needs_the_permission_and_says_what_was_done(house: House):
    order = closed(house)
    assert house.do("tmp", finish, order.id, "x").code == "FORBIDDEN"
    assert house.do("zhao", finish, order.id, "x").code == "FORBIDDEN"
    assert house.do("chen", finish, order.id, " ").code == "NEEDS_TEXT"
    assert house.do("wang", finish, order.id, "checked").ok
    assert house.do("wang", put_off, order.id, DUE + AGAIN, "x").code == "CORRECTIVE_DONE"
    assert house.do("chen", finish, "WO-20240514-999", "x").code == "UNKNOWN_CORRECTIVE"


def test_an_order_without_an_action_is_not_followed(house: House):
    found = house.ingest(happened("GATE", Level.ORANGE))
    house.do("chen", acknowledge, found.order_id)
    house.do("chen", resolve, found.order_id)
    empty = Corrective("close the gap", "chen", DUE)
    outcome = house.do("wang", close, found.order_id, answers(corrective=empty), conditions=[])
    assert outcome.ok
    assert house.read(find_corrective, found.order_id) is not None
    other = house.ingest(exposure(Level.YELLOW, after=9_000, org="Group/West"))
    assert other.order_id == ""
    assert house.read(find_corrective, "WO-1") is None


def test_the_owner_sees_his_own_across_units(house: House):
    order = closed(house)
    mine = house.read(open_correctives, ["Group"], owner="chen")
    assert [one.order_id for one in mine] == [order.id]
    assert house.read(open_correctives, ["Group"], owner="wang") == []
    assert house.read(open_correctives, ["Group/West"]) == []


def test_a_reopened_order_leaves_the_action_of_the_first_one(house: House):
    order = closed(house)
    house.do("wang", reopen, order.id, reason="it came back")
    assert house.read(find_corrective, order.id).done_at is None
