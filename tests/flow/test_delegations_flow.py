"""Delegations from the API to the card: asked for, agreed to, told, used, ended."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, House, house

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
