"""Minimum dwell from the book to the inbox and the close: a touch of orange opens nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flow_house import EAST, START, House, house
from test_console_orders import after, text_of

from workorders import Alert, Level, Policy, reads
from workorders.company_policy import set_policy

CLOSING = {
    "disposition": "fixed",
    "root_cause": "LIMIT_TOO_LOW",
    "corrective": {"text": "hedge earlier", "owner": "chen", "due": "2024-06-01T02:00:00Z"},
}


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        with made.app.store.unit_of_work("cli:test") as uow:
            assert set_policy(uow, Policy(open_dwell_s=300, clear_dwell_s=600), "policy.yaml")
        assert made.limit(1000).status_code == 200
        yield made


def holds(home: House, quantity: int) -> None:
    """The exposure stands at so many tonnes of its limit of 1,000."""
    answer = home.buy(quantity)
    assert answer.status_code == 200, answer.text
    home.run_agents()


def orange(home: House) -> Alert:
    with home.app.store.reader() as connection:
        found = reads.list_alerts(connection, [EAST]).items
    (alert,) = (one for one in found if one.level is Level.ORANGE)
    return alert


def test_a_touch_opens_nothing_and_stands_in_the_inbox(home: House) -> None:
    holds(home, 1050)
    alert = orange(home)
    answer = home.client("chen").get(f"/api/v1/alerts/{alert.id}").json()
    assert answer["dwell_until"] == "2024-05-14T02:05:00Z"
    page = text_of(home.signed_in("chen"), f"/alerts?alert={alert.id}")
    assert "minimum dwell: an order opens at 10:05:00 if orange still holds" in page
    home.pass_time(minutes=2)
    holds(home, 500)
    home.pass_time(hours=1)
    home.run_agents()
    assert home.orders() == ()
    assert home.slack.messages == []
    assert home.client("chen").get(f"/api/v1/alerts/{alert.id}").json()["dwell_until"] is None
    told = [one for one in home.actions() if one.startswith("alert.dwell")]
    assert told == ["alert.dwell", "alert.dwell_fell"]


def test_what_holds_opens_its_order_at_the_minute_and_closes_no_sooner(home: House) -> None:
    holds(home, 1050)
    home.pass_time(minutes=4, seconds=59)
    home.run_agents()
    assert home.orders() == ()
    home.pass_time(seconds=1)
    home.run_agents()
    (order,) = home.orders()
    assert order.opened_at == START + timedelta(minutes=5)
    home.pass_time(seconds=10)  # the group wait of orange
    home.run_agents()
    assert home.card("chen", "acknowledge", order.id)
    chen, api = home.client("chen"), f"/api/v1/orders/{order.id}"
    assert chen.post(f"{api}/acknowledge", json={}).status_code == 200
    holds(home, 500)
    assert chen.post(f"{api}/resolve", json={"text": "hedged"}).status_code == 200
    home.pass_time(minutes=9, seconds=59)
    page = text_of(home.signed_in("chen"), f"/orders/{order.id}")
    assert "closing from 10:15:10" in page
    refused = chen.post(f"{api}/close", json=CLOSING)
    assert (refused.status_code, refused.json()["code"]) == (409, "CLEAR_DWELL")
    assert "2024-05-14T02:15:10Z" in refused.text
    form = {**CLOSING, "corrective": "hedge earlier", "owner": "chen", "due": "2024-06-01"}
    said = after(home.signed_in("chen"), f"/orders/{order.id}/close", **form)
    assert "it may be closed from 05-14 10:15." in said
    home.pass_time(seconds=1)
    assert chen.post(f"{api}/close", json=CLOSING).status_code == 200


def test_red_opens_at_once(home: House) -> None:
    holds(home, 1300)
    (order,) = home.orders()
    assert order.level is Level.RED
