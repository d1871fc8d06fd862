"""The approvals inbox on the console: several signed, each told; delegations, form to end."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, START, WEST, House, house
from sqlalchemy import select

from store import schema

API = "/api/v1"


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("approvals")) as made:
        yield made


def words(html: str) -> str:
    main = html[html.index("<main") : html.index("</main")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def shown(client: TestClient, path: str = "/approvals") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return words(answer.text)


def picks(client: TestClient) -> list[str]:
    return re.findall(r'name="pick" value="([^"]+)"', client.get("/approvals").text)


def ask(home: House, name: str, who: str = "chen", level: str = "orange") -> str:
    event = {
        "event_id": f"F-{name}", "org": EAST, "event_time": START.isoformat(), "kind": "risk",
        "type": "alert.raised", "actor": "robot", "alert": name, "level": level,
    }  # fmt: skip
    client = home.client("chen")
    assert client.post(f"{API}/events", json=event).status_code == 200
    known = {one["id"] for one in client.get(f"{API}/alerts?limit=200").json()["items"]}
    home.app.watcher.run_once(home.clock())
    found = {one["id"]: one for one in client.get(f"{API}/alerts?limit=200").json()["items"]}
    (alert,) = found.keys() - known
    if not found[alert]["order_id"]:
        assert client.post(f"{API}/alerts/{alert}/confirm", json={}).status_code == 200
    order = client.get(f"{API}/alerts/{alert}").json()["order_id"]
    home.holds(order)
    answer = home.client(who).post(
        f"{API}/orders/{order}/request-approval",
        json={"kind": "override", "amount": "4000", "currency": "CNY"},
    )
    return str(answer.json()["approval"])


def form(home: House, **changed: Any) -> dict[str, Any]:
    until = home.clock() + timedelta(days=2, hours=8)  # on Shanghai's clock
    return {"to": "boss", "scope": EAST, "until": f"{until:%Y-%m-%dT%H:%M}", "reason": "on leave",
            **changed}  # fmt: skip


def test_several_are_signed_and_the_page_tells_what_came_of_each(home: House) -> None:
    good, also, own = ask(home, "A1"), ask(home, "A2"), ask(home, "A3", who="wang")
    red = ask(home, "A4", level="red")
    wang = home.signed_in("wang")
    text = shown(wang)
    assert "Waiting for your signature" in text
    offered = picks(wang)
    assert sorted(one.partition(":")[0] for one in offered) == sorted([good, also])
    assert "signed by itself" in text, "why the red one has no tick"
    answer = wang.post("/approvals/sign", data={"pick": [*offered, f"{own}:1", f"{red}:1"]})
    assert answer.status_code == 200
    told = words(answer.text)
    assert "2 signed, 2 not signed" in told
    assert told.count("Approved.") >= 2
    assert "Nobody approves the own request." in told
    assert picks(wang) == []
    again = words(wang.post("/approvals/sign", data={"pick": offered}).text)
    assert "2 signed, 0 not signed" in again, "sent again, the same is told"
    state = home.client("boss").get(f"{API}/approvals/{good}").json()
    assert [one["by"] for one in state["signatures"]] == ["wang"]


def test_nothing_ticked_signs_nothing_and_says_so(home: House) -> None:
    request = ask(home, "A1")
    wang = home.signed_in("wang")
    for sent in ({}, {"pick": "AP-1"}, {"pick": f"{request}:x"}, {"pick": f"{request}:٣"}):
        answer = wang.post("/approvals/sign", data=sent)
        assert answer.status_code == 303
        assert "nothing was ticked" in shown(wang, answer.headers["location"])
    too_many = wang.post("/approvals/sign", data={"pick": [f"AP-{n:016x}:1" for n in range(51)]})
    assert too_many.status_code == 422
    stranger = home.signed_in("zhao")
    told = words(stranger.post("/approvals/sign", data={"pick": [f"{request}:1"]}).text)
    assert "There is no such request." in told
    assert "Override" not in told[: told.index("Waiting for")], "neither its kind nor its place"


def test_a_delegation_from_the_form_to_its_end(home: House) -> None:
    request = ask(home, "A1")
    wang, boss = home.signed_in("wang"), home.signed_in("boss")
    assert "Nobody signs in another's place." in shown(wang)
    answer = wang.post("/delegations", data=form(home, cap="5000", currency="CNY"))
    assert answer.status_code == 303, answer.text
    text = shown(wang, answer.headers["location"])
    assert "DG-1: Put down; it counts once a second person has agreed." in text
    assert "Wang Qiang → Boss waits for the second person" in text
    assert "/delegations/DG-1/confirm" not in wang.get("/approvals").text
    assert request not in shown(boss)
    assert f'"{request}:1"' not in boss.get("/approvals").text
    answer = boss.post("/delegations/DG-1/confirm")
    assert "Agreed" in shown(boss, answer.headers["location"])
    assert "in the place of Wang Qiang" in shown(boss)
    assert picks(boss) == [f"{request}:1"]
    answer = wang.post("/delegations/DG-1/end", data={"reason": "back"})
    assert "The delegation is ended." in shown(wang, answer.headers["location"])
    assert picks(boss) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"to": "wang"}, "Nobody delegates to oneself."),
        ({"to": "liu"}, "may not sign in that unit"),
        ({"reason": " "}, "needs a reason"),
        ({"until": "soon"}, "time"),
        ({"until": "2024-05-13T10:00"}, "lasts 92 days at most"),
        ({"cap": "much"}, "A cap is an amount"),
        ({"cap": "NaN"}, "A cap is an amount"),
        ({"kind": "holiday"}, "no such kind of request"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(
    home: House, changed: dict[str, str], said: str
) -> None:
    wang = home.signed_in("wang")
    given = form(home, **{"reason": "my very reason", **changed})
    answer = wang.post("/delegations", data=given)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert 'class="ask" id="ask-delegation-lend" open' in answer.text
    assert given["until"] in answer.text
    assert "my very reason" in answer.text or "reason" in changed
    assert home.client("wang").get(f"{API}/delegations").json()["items"] == []


def test_others_do_not_reach_it(home: House) -> None:
    home.signed_in("wang").post("/delegations", data=form(home))
    zhao = home.signed_in("zhao")
    assert zhao.post("/delegations/DG-1/confirm").status_code == 404
    assert zhao.post("/delegations/DG-1/end", data={}).status_code == 404
    assert zhao.post("/delegations/DG-9/end", data={}).status_code == 404
    assert zhao.post("/delegations", data=form(home)).status_code == 404
    assert "Wang" not in shown(zhao)
    chen = home.signed_in("chen")
    answer = chen.post("/delegations/DG-1/end", data={})
    assert "Only the principal and the delegate" in shown(chen, answer.headers["location"])
    assert zhao.post("/delegations", data=form(home, scope=WEST, to="zhao")).status_code == 422


def test_a_decided_request_shows_the_card_as_the_signers_had_it(home: House) -> None:
    request = ask(home, "A1")
    wang = home.signed_in("wang")
    wang.post("/approvals/sign", data={"pick": picks(wang)})
    text = shown(wang, f"/approvals/{request}")
    assert "The card as the signers had it" in text
    kept = text[text.index("The card as the signers had it") :]
    assert "1 more" in kept or "Wang Qiang" in kept, "it still waits for its signer there"
    (name,) = re.findall(r"SHA-256 of the card: ([0-9a-f]{64})", text)
    table = schema.table("trail_blob")
    with home.app.store.reader() as connection:
        content = connection.scalar(select(table.c.content).where(table.c.hash == name))
    assert sha256(bytes(content)).hexdigest() == name
    path = home.app.settings.data / "hedgewarden.db"
    with sqlite3.connect(path) as breaking:
        for (trigger,) in breaking.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'trail_blob'"
        ).fetchall():
            breaking.execute(f'DROP TRIGGER "{trigger}"')
        breaking.execute("UPDATE trail_blob SET content = ? WHERE hash = ?", (b"{}", name))
    text = shown(wang, f"/approvals/{request}")
    assert "is gone or has been changed" in text
    assert name in text


def test_a_request_that_waits_shows_no_card_of_the_past(home: House) -> None:
    request = ask(home, "A1")
    assert "The card as the signers had it" not in shown(
        home.signed_in("wang"), f"/approvals/{request}"
    )
