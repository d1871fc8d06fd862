"""Snoozing an order and waking it, on the page and over the API, as people do it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, House, house
from test_console_orders import after, text_of

from store.clock import rfc3339
from workorders import Level, State, WorkOrder


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("snooze")) as made:
        yield made


@pytest.fixture(name="order")
def _order(home: House) -> WorkOrder:
    """An orange order: 110 % of the limit."""
    order = home.breach(quantity=1100)
    assert order.level is Level.ORANGE
    return order


def test_it_is_quiet_until_then_and_calls_again(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    assert "End the snooze" not in text_of(chen, f"/orders/{order.id}")
    said = after(
        chen, f"/orders/{order.id}/snooze", until="2024-05-14T10:30", reason="the ship is late"
    )
    assert f"{order.id} is snoozed." in said
    assert "no reminders until 10:30" in said
    assert "the ship is late" in said
    assert home.order(order.id).state is State.SNOOZED
    told = len(home.slack.messages)
    home.pass_time(minutes=29)
    home.run_agents()
    assert len(home.slack.messages) == told, "reminded while snoozed"
    home.pass_time(minutes=2)
    home.run_agents()
    assert home.order(order.id).state is State.OPEN
    assert len(home.slack.messages) > told


def test_it_is_woken_by_hand(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    after(chen, f"/orders/{order.id}/snooze", until="2024-05-14T10:30", reason="x")
    page = text_of(chen, f"/orders/{order.id}")
    assert "End the snooze" in page
    assert f"{order.id} is awake again." in after(chen, f"/orders/{order.id}/wake")
    assert home.order(order.id).state is State.OPEN
    assert home.order(order.id).acknowledge_due is not None


def test_what_cannot_be_is_refused_and_keeps_the_form(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    url = f"/orders/{order.id}/snooze"
    bad = chen.post(url, data={"until": "soon", "reason": "the ship is late"})
    assert bad.status_code == 422
    assert "the ship is late" in bad.text
    assert "Give a time that can be meant" in bad.text
    late = after(chen, url, until="2025-05-14T10:30", reason="x")
    assert "A snooze may last until 05-14 14:00 at the latest." in late
    past = after(chen, url, until="2024-05-14T09:30", reason="x")
    assert "That time is past; a snooze may last until 05-14 14:00." in past
    assert "Refused: Give a reason." in after(chen, url, until="2024-05-14T10:30", reason=" ")
    assert home.order(order.id).state is State.OPEN


def test_work_goes_on_with_a_snoozed_order_from_where_it_stood(
    home: House, order: WorkOrder
) -> None:
    chen = home.signed_in("chen")
    url = f"/orders/{order.id}"
    after(chen, f"{url}/take_over")
    in_work = acts(chen, url)
    after(chen, f"{url}/snooze", until="2024-05-14T10:30", reason="the bank opens at 10:30")
    assert acts(chen, url) == in_work - {"snooze"} | {"wake"}
    # a late click on a card that still offers it: nothing is acknowledged a second time
    assert home.client("chen").post(f"/api/v1{url}/acknowledge", json={}).json()["code"] == (
        "ALREADY_DONE"
    )
    assert home.order(order.id).state is State.SNOOZED
    after(chen, f"{url}/hold", objects="H-1", reason="wait for the bank")
    held = home.order(order.id)
    assert (held.state, held.owner, held.snoozed_until) == (State.IN_WORK, "chen", None)
    assert held.resolve_due is not None
    home.pass_time(minutes=31)
    home.run_agents()
    assert home.order(order.id).state is State.IN_WORK, "the old timer woke it again"
    assert "order.wake" not in home.actions(), "the old timer fired"


def acts(client: TestClient, url: str) -> set[str]:
    """The buttons of the order page."""
    page = client.get(url).text
    return set(re.findall(rf'action="{url}/(\w+)"', page)) - {"note", "files"}


def test_red_offers_none_and_takes_none(home: House) -> None:
    red = home.breach()
    chen = home.signed_in("chen")
    assert f"/orders/{red.id}/snooze" not in chen.get(f"/orders/{red.id}").text
    said = after(chen, f"/orders/{red.id}/snooze", until="2024-05-14T10:30", reason="x")
    assert "A red order cannot be snoozed." in said


def test_the_api_does_the_same_and_asks_for_the_permission(home: House, order: WorkOrder) -> None:
    api = f"/api/v1/orders/{order.id}"
    until = rfc3339(home.clock() + timedelta(minutes=20))
    body = {"until": until, "reason": "noon"}
    assert home.client("shen").post(f"{api}/snooze", json=body).status_code == 403
    done = home.client("chen").post(f"{api}/snooze", json=body)
    assert done.status_code == 200, done.text
    assert home.order(order.id).state is State.SNOOZED
    assert home.client("chen").post(f"{api}/wake").status_code == 200
    assert home.order(order.id).state is State.OPEN
    wrong = home.client("chen").post(f"{api}/snooze", json={**body, "until": "noon"})
    assert wrong.status_code == 422
    assert order.org == EAST
