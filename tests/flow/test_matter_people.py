"""Who answers for a matter: never whom it is about, and only people who can act on it."""

import json
from collections.abc import Iterator

import pytest
from flow_house import EAST, House, house, slack_user
from test_matter_subjects import about

from workorders import Level, WorkOrder


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("people")) as made:
        yield made


def told(home: House, person: str, order: WorkOrder) -> int:
    """How many cards and mails about the order went to the person."""
    chat = f"D{slack_user(person)}"
    cards = [one for one in home.slack.messages if one.channel == chat]
    mails = [one for one in home.mail.mails if f"{person}@here.invalid" in one.recipients]
    return sum(order.id in json.dumps(one.body) for one in cards) + sum(
        order.id in one.text for one in mails
    )


def test_an_officer_is_not_paged_about_himself(home: House) -> None:
    about(home, "A-1", "lin", Level.RED)
    home.run_agents()
    (order,) = home.orders()
    assert order.assignees == ("chen",)
    for _ in range(6):  # up the whole ladder, and round again
        home.pass_time(minutes=10)
        home.run_agents()
    assert "lin" not in home.order(order.id).assignees
    assert told(home, "lin", order) == 0
    assert told(home, "chen", order) > 0
    assert told(home, "boss", order) > 0


def test_when_all_of_a_unit_are_meant_it_goes_up(home: House) -> None:
    about(home, "A-1", "lin", Level.RED)
    home.run_agents()
    about(home, "A-2", "chen", Level.RED)
    home.run_agents()
    (order,) = home.orders()
    assert order.assignees == ("boss",)
    before = told(home, "chen", order)
    home.pass_time(minutes=20)
    home.run_agents()
    assert told(home, "chen", order) == before
    assert told(home, "boss", order) > 0
    assert "no longer answer for it" in home.signed_in("boss").get(f"/orders/{order.id}").text


def test_who_has_taken_it_over_is_relieved(home: House) -> None:
    about(home, "A-1", "liu", Level.RED)
    (order,) = home.orders()
    assert home.client("chen").post(f"/api/v1/orders/{order.id}/acknowledge", json={}).is_success
    about(home, "A-2", "chen", Level.RED)
    home.run_agents()
    left = home.order(order.id)
    assert (left.assignees, left.owner) == (("lin",), "")


@pytest.mark.parametrize(
    ("person", "why"),
    [("lin", "about Lin Hao"), ("liu", "liu may not"), ("tmp", "tmp may not"),
     ("zhao", "Zhao Min may not")],
)  # fmt: skip
def test_an_order_is_given_only_to_who_can_act_on_it(home: House, person: str, why: str) -> None:
    about(home, "A-1", "lin", Level.RED)
    (order,) = home.orders()
    chen = home.signed_in("chen")
    path = f"/orders/{order.id}/reassign"
    answer = chen.post(path, data={"person": person, "reason": "take it"})
    assert answer.status_code == 303
    assert why in chen.get(f"/orders/{order.id}").text
    home.run_agents()
    assert home.order(order.id).assignees == ("chen",)
    assert told(home, person, order) == 0


def test_an_order_that_follows_is_about_the_same_person(home: House) -> None:
    about(home, "A-1", "lin", Level.ORANGE)
    (order,) = home.orders()
    chen, wang = home.client("chen"), home.signed_in("wang")
    place = f"/api/v1/orders/{order.id}"
    assert chen.post(f"{place}/resolve", json={}).is_success
    closing = {
        "disposition": "fixed", "root_cause": "LATE_HEDGE",
        "corrective": {"text": "look", "owner": "chen", "due": "2024-06-01T00:00:00Z"},
    }  # fmt: skip
    assert home.client("wang").post(f"{place}/close", json=closing).is_success
    assert wang.post(f"/orders/{order.id}/reopen", data={"reason": "again"}).status_code == 303
    assert order.id in home.signed_in("chen").get("/reviews").text
    assert order.id not in home.signed_in("lin").get("/reviews").text
    new = next(one for one in home.orders() if one.id != order.id)
    assert new.reopened_from == order.id
    assert "lin" not in new.assignees
    lin = home.client("lin")
    assert lin.get(f"/api/v1/orders/{new.id}").status_code == 404
    assert new.id not in lin.get("/api/v1/orders").text


@pytest.mark.parametrize(
    ("owner", "due", "code"),
    [
        ("zhao", "2024-06-01T00:00:00Z", "CORRECTIVE_OWNER"),
        ("nobody", "2024-06-01T00:00:00Z", "CORRECTIVE_OWNER"),
        ("tmp", "2024-06-01T00:00:00Z", "CORRECTIVE_OWNER"),
        ("chen", "1990-01-01T00:00:00Z", "CORRECTIVE_DUE"),
        ("chen", "2199-01-01T00:00:00Z", "CORRECTIVE_DUE"),
    ],
)
def test_a_corrective_action_has_an_owner_who_sees_it_and_a_day_to_come(
    home: House, owner: str, due: str, code: str
) -> None:
    about(home, "A-1", "liu", Level.ORANGE)
    (order,) = home.orders()
    assert order.org == EAST
    place = f"/api/v1/orders/{order.id}"
    assert home.client("chen").post(f"{place}/resolve", json={}).is_success
    body = {
        "disposition": "fixed", "root_cause": "LATE_HEDGE",
        "corrective": {"text": "look first", "owner": owner, "due": due},
    }  # fmt: skip
    answer = home.client("wang").post(f"{place}/close", json=body)
    status = 422 if code == "CORRECTIVE_OWNER" else 409
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert home.order(order.id).state == "resolved"
