"""The chat server is down for an hour of the house's time: mail takes over, the chat catches up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_house import House, house, slack_user

from service.demo.slack_server import Fault
from service.inbound import clicks
from workorders import State

STEP_S = 300


class Down:
    """Every call fails while it lasts."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Any:
        self.met += 1
        return self.fault


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def break_chat(town: House, fault: Fault) -> Down:
    town.slack.faults = down = Down(fault)  # type: ignore[assignment]
    return down


def mend_chat(town: House) -> None:
    from collections import deque

    town.slack.faults = deque()


def an_hour(town: House) -> None:
    for _ in range(3600 // STEP_S):
        town.pass_time(seconds=STEP_S)
        town.run_agents()
        clicks.show_anew(town.app)


def cards(town: House, person: str) -> list[Any]:
    channel = f"D{slack_user(person)}"
    return [one for one in town.slack.messages if one.channel == channel and not one.ephemeral_for]


def mailed(town: House, person: str) -> list[str]:
    return [
        str(mail.message["Subject"])
        for mail in town.mail.mails
        if mail.message["To"] == f"{person}@here.invalid"
    ]


def act(town: House, order: str, verb: str) -> None:
    answer = town.client("chen").post(f"/api/v1/orders/{order}/{verb}", json={})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(status=429, retry_after=30)])
def test_cards_delivered_before_the_outage_tell_the_truth_after_it(town: House, fault: Fault):
    order = town.breach()
    card = town.card("lin", "acknowledge")
    old = next(one["value"] for one in card.buttons if one["action_id"] == "take_over")
    before = card.body["text"]
    down = break_chat(town, fault)
    act(town, order.id, "acknowledge")
    an_hour(town)
    assert down.met > 0
    assert card.body["text"] == before
    mend_chat(town)
    town.pass_time(minutes=15)
    town.run_agents()
    clicks.show_anew(town.app)
    assert "to be acknowledged" in before
    assert "to be acknowledged" not in card.body["text"]
    # Who pressed the old card is told what stands, and changes nothing.
    version = town.order(order.id).version
    late = town.slack.press_value(card, "take_over", slack_user("lin"), old)
    assert town.send(late).status_code == 200
    assert len(town.whispers(slack_user("lin"))) == 1
    assert town.order(order.id).version == version
    assert town.order(order.id).acknowledged_by == "chen"
    assert town.actions().count("order.acknowledge") == 1


def test_an_order_of_the_outage_goes_by_mail_at_once_and_is_shown_once_afterwards(town: House):
    down = break_chat(town, Fault(status=503))
    order = town.breach()
    assert down.met > 0
    for person in ("chen", "lin"):
        assert len(mailed(town, person)) == 1
        assert order.id in mailed(town, person)[0] or "cu" in mailed(town, person)[0]
    assert town.slack.messages == []
    mend_chat(town)
    for _ in range(20):
        town.pass_time(seconds=5)
        town.run_agents()
    assert len(cards(town, "chen")) == 1
    assert town.press("chen", "acknowledge").status_code == 200
    assert town.order(order.id).state is State.ACKNOWLEDGED


def test_what_was_acknowledged_during_the_outage_is_not_asked_for_after_it(town: House):
    break_chat(town, Fault(status=503))
    order = town.breach()
    act(town, order.id, "acknowledge")
    mend_chat(town)
    an_hour(town)
    asked = [
        one
        for person in ("chen", "lin")
        for one in cards(town, person)
        if any(button["action_id"] == "acknowledge" for button in one.buttons)
    ]
    assert asked == []
    assert town.actions().count("order.acknowledge") == 1
