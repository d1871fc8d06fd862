"""演练: a drill runs the real ladder, touches nothing, is scored, and ends."""

from datetime import timedelta

import pytest
from workorders_house import ORG, House, exposure

from workorders import (
    Level,
    State,
    acknowledge,
    close,
    hold_instruction,
    request_approval,
    resolve,
    take_over,
)
from workorders.drills import DrillWish, end_drill, list_drills, score_of, start_drill
from workorders.model import Closing, WorkOrder

ACTS = {"acknowledge": acknowledge, "take_over": take_over, "resolve": resolve}


def drill(house: House, level: Level = Level.RED, **changed: object) -> WorkOrder:
    wish = DrillWish(**{"org": ORG, "level": level, "lasts": timedelta(hours=1), **changed})
    outcome = house.do("wang", start_drill, wish)
    assert outcome.ok, outcome
    return house.order(outcome.order.id)


def score(house: House, order: WorkOrder):
    return house.read(score_of, house.order(order.id), house.now[0])


def test_a_drill_pages_whom_a_real_one_would_and_says_what_it_is(house: House):
    order = drill(house, text="The warehouse is on fire")
    assert order.drill
    assert order.title_params["code"] == "DRILL"
    cards = house.messages(order.id)
    assert {row.target for row in cards} == {"chen", "wang"}
    assert all(row.payload["drill"] for row in cards)
    (record,) = house.trail(action="drill.start")
    assert (record.actor, record.outcome, record.body["level"]) == ("wang", "running", "red")


def test_its_ladder_is_climbed_and_scored(house: House):
    order = drill(house)
    house.deliver()
    house.pass_time(minutes=6)
    house.fire_due()
    house.deliver()
    found = score(house, order)
    assert [number for number, _ in found.rungs] == [1]
    assert found.in_time is False
    assert {one.person for one in found.reached} >= {"chen", "wang"}
    assert all(one.sent_at is not None for one in found.reached)
    house.do("chen", acknowledge, order.id)
    assert score(house, order).in_time is False


def test_who_answers_before_the_first_deadline_is_in_time(house: House):
    order = drill(house)
    assert score(house, order).in_time is None
    house.pass_time(minutes=2)
    house.do("chen", acknowledge, order.id)
    assert score(house, order).in_time is True


def test_it_ends_by_itself_and_pages_nobody_afterwards(house: House):
    order = drill(house, lasts=timedelta(minutes=30))
    house.deliver()
    house.pass_time(minutes=30)
    assert "DRILL_OVER" in house.fire_due()
    ended = house.order(order.id)
    assert (ended.state, ended.closed_by, ended.answered_at) == (
        State.CLOSED, "system:escalator", None,
    )  # fmt: skip
    assert score(house, order).by_itself
    told = [row for row in house.messages(order.id) if row.payload["drill"]]
    assert {row.payload["lines"][0]["code"].rpartition(".")[2] for row in told} == {"closed"}
    house.pass_time(hours=10)
    assert house.fire_due() == []


@pytest.mark.parametrize("acts", [(), ("acknowledge",), ("take_over",), ("resolve",)])
def test_who_plans_drills_ends_one_in_any_state(house: House, acts: tuple[str, ...]):
    order = drill(house)
    for act in acts:
        house.do("chen", ACTS[act], order.id)
    assert house.do("lin", end_drill, order.id).code == "FORBIDDEN"
    assert house.do("wang", end_drill, order.id).code == "DONE"
    assert house.do("wang", end_drill, order.id).code == "ALREADY_DONE"
    assert not score(house, order).by_itself
    house.pass_time(hours=10)
    assert house.fire_due() == []


def test_only_a_drill_can_be_ended_so(house: House):
    real = house.ingest(exposure(Level.RED)).order_id
    assert house.do("wang", end_drill, real).code == "MOVE_NOT_ALLOWED"
    assert house.order(real).state is State.OPEN


def test_a_drill_touches_nothing(house: House):
    order = drill(house)
    held = house.do("chen", hold_instruction, order.id, objects=["H-1"], reason="practice")
    assert held.code == "DRILL_TOUCHES_NOTHING"
    assert house.trail(action="object.hold") == []
    asked = house.do("chen", request_approval, order.id, subject="GRANT", approval_id="A")
    assert asked.code == "DRILL_TOUCHES_NOTHING"
    assert house.order(order.id).state is State.OPEN


def test_a_real_breach_meanwhile_opens_its_own_order_and_is_not_kept_quiet(house: House):
    order = drill(house, product="cu")
    real = house.ingest(exposure(product="cu")).order_id
    assert real != order.id
    assert not house.order(real).drill
    assert house.messages(real) != []


def test_it_goes_through_the_closed_loop_with_two_people(house: House):
    order = drill(house)
    for act in (acknowledge, resolve):
        house.do("chen", act, order.id)
    closing = Closing("fixed", "PRACTICE")
    assert not house.do("chen", close, order.id, closing, conditions=[]).ok
    house.do("wang", close, order.id, closing, conditions=[])
    assert house.order(order.id).state in {State.CLOSED, State.RESOLVED}


def test_what_cannot_be_a_drill_is_refused_on_record(house: House):
    def refused(person: str, **changed: object) -> str:
        wish = DrillWish(**{"org": ORG, "level": Level.RED, "lasts": timedelta(hours=1), **changed})
        return house.do(person, start_drill, wish).code

    assert refused("chen") == "FORBIDDEN"
    assert refused("wang", level=Level.YELLOW) == "DRILL_LEVEL"
    assert refused("wang", lasts=timedelta(minutes=4)) == "DRILL_LENGTH"
    assert refused("wang", lasts=timedelta(hours=9)) == "DRILL_LENGTH"
    assert house.orders() == ()
    drill(house)
    assert refused("wang") == "DRILL_RUNNING"
    reasons = {record.reason for record in house.trail(action="drill.start")}
    assert reasons == {"", "FORBIDDEN", "DRILL_LEVEL", "DRILL_LENGTH", "DRILL_RUNNING"}


def test_drills_are_listed_and_others_are_not(house: House):
    house.ingest(exposure())
    order = drill(house)
    assert [one.id for one in house.read(list_drills, ["Group"])] == [order.id]
    assert house.read(list_drills, ["Group/West"]) == []
    house.do("wang", end_drill, order.id)
    assert house.read(list_drills, ["Group"], running=True) == []
