"""Delegations from the API to the card: asked for, agreed to, told, used, ended."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, House, house, slack_user

from service import approval_deadlines
from store.clock import rfc3339

API = "/api/v1/delegations"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def body(town: House, **more: Any) -> dict[str, Any]:
    ends = rfc3339(town.clock() + timedelta(days=2))
    return {"delegate": "boss", "scope": EAST, "ends_at": ends, "reason": "on leave", **more}


def give(town: House, person: str = "wang", **more: Any) -> str:
    answer = town.client(person).post(API, json=body(town, **more))
    assert answer.status_code == 201, answer.text
    assert answer.json()["delegation"]["state"] == "waiting"
    return str(answer.json()["delegation"]["number"])


def agents(town: House) -> None:
    approval_deadlines.run_due(town.app, town.clock())
    town.run_agents()
    approval_deadlines.run_due(town.app, town.clock())


def request(town: House) -> str:
    asked = town.client("chen").post(
        f"/api/v1/orders/{town.breach().id}/request-approval", json={"kind": "override"}
    )
    return str(asked.json()["approval"])


def test_the_delegate_is_told_of_what_waits_once_it_counts_and_signs_in_the_others_place(
    town: House,
):
    approval = request(town)
    agents(town)
    number = give(town)
    agents(town)
    with pytest.raises(AssertionError, match="no card for boss"):
        town.card("boss", about=approval)
    own = town.client("wang").post(f"{API}/{number}/confirm")
    assert (own.status_code, own.json()["code"]) == (403, "DELEGATION_OWN")
    agreed = town.client("boss").post(f"{API}/{number}/confirm")
    assert agreed.json()["delegation"]["state"] == "active"
    agents(town)
    card = town.card("boss", "approve", about=approval)
    assert "You sign for Wang Qiang" in card.body["text"]
    assert town.press("boss", "approve", about=approval).status_code == 200
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert [(one["seat"], one["by"]) for one in shown["signatures"]] == [("wang", "boss")]


def test_the_delegate_is_told_when_a_later_one_begins_and_only_then(town: House):
    approval = request(town)
    number = give(town, starts_at=rfc3339(town.clock() + timedelta(hours=1)))
    assert town.client("boss").post(f"{API}/{number}/confirm").status_code == 200
    agents(town)
    with pytest.raises(AssertionError, match="no card for boss"):
        town.card("boss", about=approval)
    town.pass_time(hours=1)
    agents(town)
    assert town.card("boss", "approve", about=approval)


def test_what_is_ended_takes_the_buttons_with_it_at_once(town: House):
    approval = request(town)
    number = give(town)
    town.client("boss").post(f"{API}/{number}/confirm")
    agents(town)
    card = town.card("boss", "approve", about=approval)
    refused = town.client("chen").post(f"{API}/{number}/end", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "DELEGATION_NOT_YOURS")
    ended = town.client("wang").post(f"{API}/{number}/end", json={"reason": "back early"})
    assert ended.json()["delegation"]["ended_by"] == "wang"
    agents(town)
    assert card.buttons == []
    answer = town.client("boss").post(
        f"/api/v1/approvals/{approval}/acts", json={"verb": "approve", "version": 1}
    )
    assert answer.status_code in {403, 409}
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert shown["signatures"] == []


def test_refusals_tell_what_stands_in_the_way_in_both_languages(town: House):
    number = give(town)
    rival = town.client("wang").post(API, json=body(town, delegate="chen"))
    assert (rival.status_code, rival.json()["code"]) == (409, "DELEGATION_OVERLAPS")
    assert all(number in words for words in rival.json()["titles"].values()), rival.json()
    ring = town.client("boss").post(API, json=body(town, delegate="wang"))
    assert ring.json()["code"] == "DELEGATION_CYCLE"
    assert "boss → wang → boss" in ring.json()["titles"]["zh"]
    again = town.client("wang").post(API, json=body(town))
    assert (again.status_code, again.json()["code"]) == (201, "ALREADY_LENT")
    other = town.client("chen").post(API, json=body(town, delegate="zhao"))
    assert (other.status_code, other.json()["code"]) == (422, "DELEGATE_MAY_NOT_SIGN")
    assert town.client("chen").post(API, json=body(town, scope="Group/West")).status_code == 404


def test_a_sibling_sees_none_and_a_narrow_token_makes_none(town: House):
    number = give(town)
    assert [one["number"] for one in town.client("lin").get(API).json()["items"]] == [number]
    assert town.client("zhao").get(API).json()["items"] == []
    assert town.client("zhao").post(f"{API}/{number}/confirm").status_code == 404
    assert town.client("zhao").post(f"{API}/{number}/end", json={}).status_code == 404
    narrow = town.client()
    narrow.headers["Authorization"] = f"Bearer {town.token('lin', 'view')}"
    assert narrow.get(API).status_code == 200
    assert narrow.post(API, json=body(town)).status_code == 403
    assert narrow.post(f"{API}/{number}/confirm").status_code == 403


# --- the second person is asked ------------------------------------------------------------------


def standing(town: House, number: str) -> dict[str, Any]:
    items = town.client("wang").get(API).json()["items"]
    return next(one for one in items if one["number"] == number)


def test_the_second_person_agrees_in_the_chat_and_the_principal_is_told(town: House):
    number = give(town, cap="5000000", currency="CNY")
    agents(town)
    card = town.card("boss", "agree", about=number)
    for words in ("Wang Qiang → Boss", "East", "Up to 5,000,000 CNY", "on leave", "second person"):
        assert words in card.body["text"]
    assert standing(town, number)["state"] == "waiting"
    assert town.press("boss", "agree", about=number).status_code == 200
    found = standing(town, number)
    assert (found["state"], found["confirmed_by"]) == ("active", "boss")
    agents(town)
    assert card.buttons == []
    assert "Boss has agreed." in card.body["text"]
    assert "Boss has agreed." in town.card("wang", about=number).body["text"]


def test_the_second_person_refuses_and_an_old_button_does_nothing_more(town: House):
    number = give(town)
    agents(town)
    card = town.card("boss", "agree", about=number)
    value = f"{number}/1/agree"
    assert town.press("boss", "refuse", about=number).status_code == 200
    assert standing(town, number)["state"] == "ended"
    agents(town)
    assert card.buttons == []
    assert "has refused" in town.card("wang", about=number).body["text"]
    late = town.send(town.slack.press_value(card, "agree", slack_user("boss"), value))
    assert late.status_code == 200
    assert standing(town, number)["confirmed_by"] == ""


@pytest.mark.parametrize("person", ["wang", "shen", "zhao", "tmp", "liu"])
def test_a_forwarded_button_agrees_for_nobody_who_may_not(town: House, person: str):
    """Checked at the click: the principal, an auditor, another unit, who cannot delegate."""
    number = give(town)
    agents(town)
    card = town.card("boss", "agree", about=number)
    for verb in ("agree", "refuse") if person != "wang" else ("agree",):
        pressed = town.slack.press_value(card, verb, slack_user(person), f"{number}/1/{verb}")
        assert town.send(pressed).status_code == 200
    assert standing(town, number)["state"] == "waiting"


def test_the_mail_of_the_second_person_leads_to_the_page_and_acts_on_nothing(town: House):
    number = give(town)
    agents(town)
    mails = [one for one in town.mail.mails if number in str(one.message["Subject"])]
    assert [list(one.recipients) for one in mails] == [["boss@here.invalid"]]
    assert "/approvals" in mails[0].text
    assert "/m/" not in mails[0].text


def test_one_given_twice_asks_once_and_one_taken_back_asks_nobody(town: House):
    number = give(town)
    assert town.client("wang").post(API, json=body(town)).json()["code"] == "ALREADY_LENT"
    taken = town.client("wang").post(f"{API}/{number}/end", json={})
    assert taken.json()["delegation"]["state"] == "ended"
    agents(town)
    with pytest.raises(AssertionError, match="no card for boss"):
        town.card("boss", about=number)
