"""A company is rung up only when nobody has answered before: its policy file, and the clock."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from phone_town import Town, phone_town
from sqlalchemy import select

import trail
from workorders import WorkOrder, acknowledge, reassign
from workorders.company_policy import company_policy, set_policy
from workorders.policy_file import Known, load_policy
from workorders.rows import NOTICES

POLICY = """\
levels:
  red:
    channels: [slack, email]
    rungs: 2
    step_minutes: 5
    resolve_minutes: 30
    rung_channels:
      1: [slack, sms]
      2: [sms]
      last_resort: [voice]
last_resort: [lin]
"""


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    with phone_town(tmp_path) as town:
        town.change("boss", phone="+8613800000003")
        yield town


def bring_in(town: Town, text: str) -> None:
    """The policy file as `policy import` brings it into force."""
    app = town.house.app
    known = Known([one.id for one in app.directory.people], app.channel_names)
    policy, problems = load_policy(text, "policy.yaml", known)
    assert problems == []
    assert policy is not None
    with app.store.unit_of_work("cli:test") as uow:
        assert set_policy(uow, policy, "policy.yaml")


def told(town: Town, object_id: str) -> dict[int, Counter[str]]:
    """The channels of the notices about one matter, by the rung that they carry."""
    wanted = select(NOTICES.c.rung, NOTICES.c.channel).where(NOTICES.c.object_id == object_id)
    found: dict[int, Counter[str]] = {}
    with town.house.app.store.reader() as connection:
        for row in connection.execute(wanted):
            found.setdefault(row.rung, Counter())[row.channel] += 1
    return found


def minutes(town: Town, count: int) -> None:
    """So many minutes, the agents at work in each."""
    for _ in range(count):
        town.house.pass_time(minutes=1)
        town.house.run_agents()


def test_each_rung_goes_by_its_own_channels(town: Town):
    bring_in(town, POLICY)
    order = town.house.breach()
    assert {rung: set(used) for rung, used in told(town, order.id).items()} == {
        0: {"slack", "email"}
    }
    assert town.gateway.messages == []
    minutes(town, 5)
    assert set(told(town, order.id)[1]) == {"slack", "sms"}
    assert {one.body["kind"] for one in town.gateway.messages} == {"sms"}
    minutes(town, 5)
    assert set(told(town, order.id)[2]) == {"sms"}
    minutes(town, 5)
    assert set(told(town, order.id)[3]) == {"voice"}
    (call,) = town.calls("lin")
    assert town.send(town.gateway.press(call)).json()["code"] == "DONE"
    assert town.house.order(order.id).acknowledged_by == "lin"


def test_nobody_is_rung_up_when_somebody_answers_before(town: Town):
    bring_in(town, POLICY)
    order = town.house.breach()
    minutes(town, 4)
    with town.house.app.store.unit_of_work("chen") as uow:
        assert acknowledge(uow, town.house.app.context(), order.id).ok
    minutes(town, 20)
    assert town.gateway.messages == []


def test_the_last_resort_is_rung_up_every_time(town: Town):
    bring_in(town, POLICY)
    order = town.house.breach()
    minutes(town, 15)
    town.house.pass_time(hours=4)
    town.house.run_agents()
    assert len(town.calls("lin")) == 2
    assert told(town, order.id)[4] == {"voice": 1}


def test_the_rungs_are_frozen_into_the_order(town: Town):
    bring_in(town, POLICY)
    order = town.house.breach()
    frozen = town.house.order(order.id).policy["levels"]["red"]
    assert frozen["rung_channels"] == {
        "1": ["slack", "sms"], "2": ["sms"], "last_resort": ["voice"],
    }  # fmt: skip
    bring_in(town, "{}")
    minutes(town, 5)
    assert set(told(town, order.id)[1]) == {"slack", "sms"}


def test_without_rungs_in_the_file_all_is_as_ever(town: Town):
    bring_in(town, "levels: {red: {channels: [slack], rungs: 1}}")
    order = town.house.breach()
    minutes(town, 10)
    assert {name for used in told(town, order.id).values() for name in used} == {"slack"}


def test_a_resolve_deadline_that_passes_climbs_the_same_rungs(town: Town):
    bring_in(town, POLICY)
    order = town.house.breach()
    with town.house.app.store.unit_of_work("chen") as uow:
        assert acknowledge(uow, town.house.app.context(), order.id).ok
    minutes(town, 31)
    assert set(told(town, order.id)[1]) == {"slack", "sms"}
    assert {one.body["kind"] for one in town.gateway.messages} == {"sms"}


def test_new_evidence_goes_as_the_first_notice_even_on_the_last_rung(town: Town):
    bring_in(town, POLICY.replace("      1:", "      0: [email]\n      1:"))
    order = town.house.breach()
    assert told(town, order.id) == {0: Counter({"email": 2})}
    minutes(town, 15)
    before = told(town, order.id)[0]
    calls = len(town.calls("lin"))
    hand_on(town, order)
    assert told(town, order.id)[0] - before == Counter({"email": 1})
    assert len(town.calls("lin")) == calls


def hand_on(town: Town, order: WorkOrder) -> None:
    with town.house.app.store.unit_of_work("wang") as uow:
        outcome = reassign(uow, town.house.app.context(), order.id, people=["new"])
        assert outcome.ok, outcome
    town.house.run_agents()


def test_taking_the_rungs_back_is_told_value_by_value(town: Town):
    bring_in(town, POLICY)
    bring_in(town, "{}")
    with town.house.app.store.reader() as connection:
        assert company_policy(connection).number == 2
        newest, _ = trail.find(connection, action="policy.set", limit=2)
    changes = newest.body["changes"]
    assert changes["levels.red.rung_channels.last_resort"] == [["voice"], None]
    assert changes["levels.red.rungs"] == [2, 3]
