"""Several approvals signed at once: one answer each, nobody's fault is another's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, START, WEST, House, house

API = "/api/v1"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def asked(town: House, name: str, who: str = "chen", level: str = "orange", org: str = EAST) -> str:
    """A request for an approval under an order of its own."""
    event = {
        "event_id": f"F-{name}", "org": org, "event_time": START.isoformat(), "kind": "risk",
        "type": "alert.raised", "actor": "robot", "alert": name, "level": level,
    }  # fmt: skip
    client = town.client("zhao" if org == WEST else "chen")
    assert client.post(f"{API}/events", json=event).status_code == 200
    known = {one["id"] for one in client.get(f"{API}/alerts?limit=200").json()["items"]}
    town.app.watcher.run_once(town.clock())
    now = {one["id"]: one for one in client.get(f"{API}/alerts?limit=200").json()["items"]}
    (alert,) = now.keys() - known
    order = now[alert]["order_id"]
    if not order:
        assert client.post(f"{API}/alerts/{alert}/confirm", json={}).status_code == 200
        order = client.get(f"{API}/alerts/{alert}").json()["order_id"]
    town.holds(order)
    path = f"{API}/orders/{order}/request-approval"
    answer = town.client(who).post(path, json={"kind": "override"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["approval"])


def sign(town: House, who: str, *requests: str, version: int = 1) -> Any:
    body = {"requests": [{"id": one, "version": version} for one in requests]}
    return town.client(who).post(f"{API}/approvals/sign", json=body)


def signatures(town: House, request: str) -> list[str]:
    shown = town.client("boss").get(f"{API}/approvals/{request}").json()
    return [one["by"] for one in shown["signatures"]]


def test_each_is_judged_on_its_own_and_the_refused_hold_none_back(town: House):
    good, also = asked(town, "A1"), asked(town, "A2")
    own = asked(town, "A3", who="wang")
    red = asked(town, "A4", level="red")
    withdrawn = asked(town, "A5")
    acts = f"{API}/approvals/{withdrawn}/acts"
    town.client("chen").post(acts, json={"verb": "withdraw", "version": 1})
    nothing = "AP-0000000000000000"
    answer = sign(town, "wang", own, good, red, withdrawn, nothing, also, good)
    assert answer.status_code == 200
    found = answer.json()
    assert [(one["id"], one["ok"], one["code"]) for one in found["items"]] == [
        (own, False, "SELF_APPROVAL"),
        (good, True, "APPROVED"),
        (red, False, "RED_SIGNED_ALONE"),
        (withdrawn, False, "APPROVAL_DECIDED"),
        (nothing, False, "NOT_FOUND"),
        (also, True, "APPROVED"),
    ]
    assert (found["signed"], found["refused"]) == (2, 4)
    assert all(set(one["titles"]) == {"en", "zh"} for one in found["items"])
    assert [signatures(town, one) for one in (good, also, own, red)] == [["wang"], ["wang"], [], []]


def test_the_same_again_signs_nothing_twice(town: House):
    request = asked(town, "A1")
    for _ in range(2):
        (one,) = sign(town, "wang", request).json()["items"]
        assert (one["ok"], one["code"]) == (True, "APPROVED")
    assert signatures(town, request) == ["wang"]


def test_a_version_that_is_no_longer_true_is_not_signed(town: House):
    request = asked(town, "A1")
    (one,) = sign(town, "wang", request, version=0).json()["items"]
    assert (one["ok"], one["code"]) == (False, "APPROVAL_CHANGED")
    assert signatures(town, request) == []


def test_permission_is_found_out_at_the_click_and_a_stranger_learns_nothing(town: House):
    request, other = asked(town, "A1"), asked(town, "A2", who="zhao", org=WEST)
    (one,) = sign(town, "liu", request).json()["items"]
    assert (one["ok"], one["code"]) == (False, "NOT_GRANTED")
    (hidden,) = sign(town, "wang", other).json()["items"]
    assert (hidden["code"], hidden["approval"]) == ("NOT_FOUND", None)
    narrow = town.client()
    narrow.headers["Authorization"] = f"Bearer {town.token('wang', 'view')}"
    body = {"requests": [{"id": request, "version": 1}]}
    (told,) = narrow.post(f"{API}/approvals/sign", json=body).json()["items"]
    assert (told["ok"], told["code"]) == (False, "TOKEN_SCOPE")
    assert signatures(town, request) == []
