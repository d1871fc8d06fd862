"""Faults of peers in the chat: replays, repetitions, double clicks, clicks on what is over.

Over the real endpoints with requests that are signed as Slack signs them.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_guards import fails_with, gives
from flow_house import House, house, slack_user
from test_slack_flow import CLOSING

import integrations.slack
import workorders.fire
import workorders.states
from service.inbound import clicks
from workorders import State
from workorders.states import MOVES, Verb


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


@pytest.fixture(name="forgetful")
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inbox that takes every request for a new one."""
    real = clicks.keep

    def keep(uow: Any, inbound: Any) -> bool:
        return real(uow, replace(inbound, event_id=uuid.uuid4().hex))

    monkeypatch.setattr(clicks, "keep", keep)


def pressed(town: House, verb: str) -> Any:
    return town.slack.press(town.card("chen", verb), verb, slack_user("chen"))


def count(town: House, action: str) -> int:
    return town.actions().count(action)


# --- replayed Slack request ---------------------------------------------------------------------


def replayed_slack_request(town: House) -> None:
    """An escalation has an effect each time it is done: the replay must not have one."""
    town.breach()
    asked = pressed(town, "escalate")
    assert town.send(asked).status_code == 200
    town.pass_time(seconds=60)  # inside the window, and no double click any more
    again = town.send(asked)
    assert count(town, "order.escalate") == 1, "replayed"
    assert (again.status_code, again.json()["code"]) == (409, "REPLAYED")


def replayed_when_the_window_is_over(town: House) -> None:
    """A request that was caught on its way and never arrived is of no use five minutes later."""
    town.breach()
    asked = pressed(town, "escalate")
    town.pass_time(seconds=301)
    late = town.send(asked)
    assert count(town, "order.escalate") == 0, "replayed"
    assert (late.status_code, late.json()["code"]) == (401, "STALE_TIMESTAMP")


def test_fault_replayed_slack_request(town: House) -> None:
    replayed_slack_request(town)


def test_fault_replayed_slack_request_when_the_window_is_over(town: House) -> None:
    replayed_when_the_window_is_over(town)


@pytest.mark.usefixtures("forgetful")
def test_the_guard_against_replayed_slack_request_is_what_holds(town: House) -> None:
    fails_with("replayed", replayed_slack_request, town)


def test_the_guard_against_replayed_slack_request_when_the_window_is_over_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrations.slack, "FRESH_S", 10**9)
    fails_with("replayed", replayed_when_the_window_is_over, town)


# --- Slack retry header -------------------------------------------------------------------------


def slack_retry_header(town: House) -> None:
    """Slack sends again what it thinks lost: each time it is thanked, once it is done."""
    town.breach()
    asked = pressed(town, "escalate")
    for headers in ({}, {"X-Slack-Retry-Num": "1"}, {"X-Slack-Retry-Num": "2"}):
        sent = town.send(asked, **headers)
        assert sent.status_code == 200, sent.text
        town.pass_time(seconds=60)
    assert count(town, "order.escalate") == 1, "done again"


def test_fault_slack_retry_header(town: House) -> None:
    slack_retry_header(town)


@pytest.mark.usefixtures("forgetful")
def test_the_guard_against_slack_retry_header_is_what_holds(town: House) -> None:
    fails_with("done again", slack_retry_header, town)


# --- double click -------------------------------------------------------------------------------


def clicked_twice(town: House, verb: str) -> None:
    """Two requests of their own, a moment apart: no signature tells that one was meant."""
    town.breach()
    button = next(b for b in town.card("chen", verb).buttons if b["action_id"] == verb)
    for _ in range(2):
        message = town.card("chen")
        click = town.slack.press_value(message, verb, slack_user("chen"), button["value"])
        assert town.send(click).status_code == 200
        town.pass_time(seconds=1)
    assert count(town, f"order.{verb}") == 1, "recorded twice"


def test_fault_double_click(town: House) -> None:
    clicked_twice(town, "acknowledge")
    (said,) = town.whispers(slack_user("chen"))
    assert "Chen Fang" in said


def test_fault_double_click_on_an_act_that_leaves_the_state_alone(town: House) -> None:
    """One escalation climbs one rung, and wakes one more person, not two."""
    clicked_twice(town, "escalate")


def test_the_guard_against_double_click_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.states, "_is_repeat", gives(False))
    fails_with("recorded twice", clicked_twice, town, "acknowledge")


def test_the_guard_against_double_click_on_an_act_that_leaves_the_state_alone_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.fire, "_climbed_just_now", gives(False))
    fails_with("recorded twice", clicked_twice, town, "escalate")


# --- acknowledging and acting on a closed order -------------------------------------------------


def acting_on_a_closed_order(town: House) -> None:
    """Every act of the API and every button of an old card is told what is on record."""
    order = town.breach()
    message = town.card("lin", "acknowledge")
    old = {b["action_id"]: b["value"] for b in message.buttons}
    api = f"/api/v1/orders/{order.id}"
    assert town.client("chen").post(f"{api}/resolve", json={}).status_code == 200
    town.pass_time(minutes=5)
    assert town.buy(500).status_code == 200
    closed = town.client("lin").post(f"{api}/close", json=CLOSING)
    assert closed.status_code == 200, closed.text
    before = town.order(order.id)
    acts = {
        "acknowledge": {}, "take-over": {}, "note": {"text": "x"}, "escalate": {"reason": "x"},
        "hold": {"objects": ["O1"], "reason": "x"}, "resolve": {}, "wake": {},
        "snooze": {"until": "2024-05-14T05:00:00Z", "reason": "x"},
        "request-approval": {"kind": "override"},
    }  # fmt: skip
    for verb, body in acts.items():
        answer = town.client("chen").post(f"{api}/{verb}", json=body)
        assert town.order(order.id) == before, "a closed order moved"
        assert (answer.status_code, answer.json()["code"]) == (409, "ORDER_CLOSED"), verb
        assert answer.json()["params"]["actor"] == "lin"
    for verb in ("acknowledge", "take_over", "escalate"):
        town.pass_time(seconds=1)
        value = old["acknowledge"].replace("acknowledge", verb)
        click = town.slack.press_value(message, verb, slack_user("lin"), value)
        assert town.send(click).status_code == 200
        assert town.order(order.id) == before, "a closed order moved"
    assert all("Lin Hao" in said for said in town.whispers(slack_user("lin")))


def test_fault_acting_on_a_closed_order(town: House) -> None:
    acting_on_a_closed_order(town)


def test_the_guard_against_acting_on_a_closed_order_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = {(State.CLOSED, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED}
    monkeypatch.setattr(workorders.states, "MOVES", {**MOVES, **opened})
    fails_with("a closed order moved", acting_on_a_closed_order, town)
