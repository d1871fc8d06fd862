"""Every route that changes something, broken before each of its statements: all of it, or nothing.

A new route that takes a POST must be named here: with a request that it carries out, or among those
that change nothing but what they leave on record.
"""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, START, House, house, plain_assets, slack_user
from sqlalchemy import update
from sqlmodel import SQLModel
from structlog.testing import capture_logs

import workorders
from integrations.files import quarantined
from service.assembly import make_app, make_pages
from store import Store
from store.clock import rfc3339
from tests.breaking import Breaking
from trail import TrailKeeper
from workorders import drills, probes, silencing
from workorders.handing_over import list_handovers, withdraw
from workorders.handover import HandoverState, digest_of_moves
from workorders.rows import ORDERS

MOST = 600
JSON = "/api/v1"
#: Routes that read, write to the audit log alone, or take a checkpoint of what stands; some leave a
#: record that somebody did.
READING = {
    f"{JSON}/events", f"{JSON}/precheck", f"{JSON}/rules/check", f"{JSON}/rules/test",
    f"{JSON}/silences/preview",
    f"{JSON}/trail/records/{{seq}}/replay", f"{JSON}/trail/verify", "/alerts/dismiss",
    "/log/quarantine/{number}/dismiss", "/log/quarantine/{number}/replay", "/login", "/logout",
    "/preferences", "/rules/check", "/trail/anchor", "/trail/checkpoint",
    "/trail/export", "/trail/records/{seq}/proof",
    "/trail/records/{seq}/replay", "/trail/verify",
}  # fmt: skip
#: Broken at every statement in `test_failpoints_jobs`, with what follows from them.
CHANNELS = {
    "/integrations/dingtalk/callback",
    "/integrations/feishu/callback", "/integrations/slack/commands",
    "/integrations/slack/interactivity", "/integrations/sms/receipt",
    "/integrations/voice/receipt", "/integrations/wecom/callback",
    "/link/{channel}/{token}", "/m/{token}",
}  # fmt: skip

Request = Callable[[], httpx.Response]


@dataclass
class World:
    """A town whose web application can be broken."""

    town: House
    breaking: Breaking
    web: Any
    numbers: Iterator[int]

    def api(self, person: str) -> TestClient:
        client = TestClient(self.web, raise_server_exceptions=False, follow_redirects=False)
        if person not in self.town.tokens:
            self.town.tokens[person] = self.town.token(person)
        client.headers["Authorization"] = f"Bearer {self.town.tokens[person]}"
        return client

    def page(self, person: str) -> TestClient:
        """A browser in which the person is signed in."""
        signed = self.town.signed_in(person)
        client = TestClient(self.web, raise_server_exceptions=False, follow_redirects=False)
        client.headers["Origin"] = "http://testserver"
        client.cookies = signed.cookies
        return client

    def raised(self, level: str) -> str:
        """The id of a fresh alert of a robot."""
        number = next(self.numbers)
        mapping = {
            "event_id": f"F-{number}", "org": EAST, "event_time": START.isoformat(), "kind": "risk",
            "type": "alert.raised", "actor": "robot", "alert": f"R{number}", "level": level,
        }  # fmt: skip
        known = {one.id for one in self.alerts()}
        answer = self.town.client("chen").post(f"{JSON}/events", json=mapping)
        assert answer.status_code == 200, answer.text
        self.town.app.watcher.run_once(self.town.clock())
        (found,) = {one.id for one in self.alerts()} - known
        return str(found)

    def alerts(self) -> tuple[Any, ...]:
        with self.town.app.store.reader() as connection:
            return tuple(workorders.reads.list_alerts(connection, ["Group"], limit=500).items)

    def order(self, *acts: tuple[str, str]) -> str:
        """A fresh red order on which people have done `acts` (person, command)."""
        alert = self.raised("red")
        number = next(one.order_id for one in self.alerts() if one.id == alert)
        app = self.town.app
        for person, command in acts:
            with app.store.unit_of_work(person) as uow:
                named = {"text": "done"} if command == "resolve" else {}
                assert getattr(workorders, command)(uow, app.context(), number, **named).ok
        return str(number)

    def holding(self, order: str) -> str:
        """The order with a condition that may hold, so that there is something to override."""
        clears = [["EXPOSURE_TIERS", f"{EAST}||cu||net"]]
        with self.town.app.store.engine.begin() as connection:
            connection.execute(update(ORDERS).where(ORDERS.c.id == order).values(clears=clears))
        return order

    def approval(self) -> tuple[str, int]:
        """A request that waits for a signature, and its version."""
        path = f"{JSON}/orders/{self.holding(self.order())}/request-approval"
        asked = self.town.client("chen").post(path, json={"kind": "override"})
        number = str(asked.json()["approval"])
        found = self.town.client("wang").get(f"{JSON}/approvals/{number}").json()
        return number, int(found["version"])

    def contents(self) -> dict[str, list[Any]]:
        path = self.town.app.settings.data / "hedgewarden.db"
        with closing(sqlite3.connect(path)) as connection:
            return {
                name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
                for name, table in SQLModel.metadata.tables.items()
                if not table.info.get("plumbing")
            }


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with capture_logs(), house(tmp_path_factory.mktemp("routes")) as town:
        breaking = Breaking()
        store = Store(
            town.app.store.engine,
            clock=town.clock,
            before_commit=[TrailKeeper(town.app.keys.trail)],
            failpoint=breaking,
        )
        fragile = replace(town.app, store=store)
        web = make_app(fragile, pages=make_pages(fragile, plain_assets()))
        yield World(town, breaking, web, itertools.count(1))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


# --- a request for each route -------------------------------------------------------------------

RED = (("lin", "acknowledge"),)
RESOLVED = (("lin", "acknowledge"), ("lin", "resolve"))
CLOSING = {
    "disposition": "fixed",
    "root_cause": "ROLE_MISSING_PERMISSION",
}


def order_act(verb: str, body: dict[str, Any], *acts: tuple[str, str], who: str = "chen") -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/orders/{world.order(*acts)}/{verb}"
        client = world.api(who)
        return lambda: client.post(path, json=body)

    return make


def order_page(verb: str, form: dict[str, Any], *acts: tuple[str, str], who: str = "chen") -> Any:
    def make(world: World) -> Request:
        path = f"/orders/{world.order(*acts)}/{verb}"
        client = world.page(who)
        return lambda: client.post(path, data=form)

    return make


def merged_order(base: str, *, page: bool) -> Any:
    """A fresh order that ends in another fresh one."""

    def make(world: World) -> Request:
        path, named = f"{base}{world.order()}/merge", {"into": world.order()}
        if page:
            client = world.page("chen")
            return lambda: client.post(path, data=named)
        api = world.api("chen")
        return lambda: api.post(path, json=named)

    return make


def quiet_order(base: str, verb: str, *, page: bool) -> Any:
    """An orange order that Chen opened, to snooze; red cannot be snoozed."""

    def make(world: World) -> Request:
        app = world.town.app
        with app.store.unit_of_work("chen") as uow:
            text = f"{next(world.numbers)}"
            wanted = workorders.ManualOrder("BY_HAND", workorders.Level.ORANGE, EAST, text=text)
            number = workorders.open_by_hand(uow, app.context(), wanted).new_order
            if verb == "wake":
                until = world.town.clock() + timedelta(minutes=30)
                assert workorders.snooze(uow, app.context(), number, until=until, reason="x").ok
        until = world.town.clock() + timedelta(minutes=30)
        body = {"until": until.isoformat(), "reason": "noon"} if verb == "snooze" else {}
        client = world.page("chen") if page else world.api("chen")
        path = f"{base}{number}/{verb}"
        return lambda: client.post(path, **{"data" if page else "json": body})

    return make


def order_file(base: str, *, page: bool) -> Any:
    def make(world: World) -> Request:
        path = f"{base}{world.order()}/files"
        client = world.page("chen") if page else world.api("chen")
        return lambda: client.post(path, files={"file": ("invoice.pdf", b"%PDF-1.7 paid")})

    return make


def alert_act(verb: str, body: dict[str, Any]) -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/alerts/{world.raised('orange')}/{verb}"
        client = world.api("chen")
        return lambda: client.post(path, json=body)

    return make


def silence_body(world: World) -> dict[str, Any]:
    """A silence over red, so that making, agreeing and ending it all take their whole way."""
    ends = world.town.app.clock() + timedelta(hours=4)
    matchers = {"org": EAST, "product": "cu", "levels": ["red", "orange"]}
    return {"matchers": matchers, "ends_at": rfc3339(ends), "reason": "known roll"}


def silenced(world: World) -> str:
    answer = world.town.client("chen").post(f"{JSON}/silences", json=silence_body(world))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["silence"]["id"])


def delegation_body(world: World) -> dict[str, Any]:
    ends = world.town.app.clock() + timedelta(days=1)
    unlike = f"{next(world.numbers)}"
    return {
        "delegate": "boss",
        "scope": EAST,
        "starts_at": rfc3339(ends - timedelta(minutes=1)),
        "ends_at": rfc3339(ends),
        "reason": unlike,
    }


def delegated(world: World) -> str:
    client = world.town.client("lin")
    for one in client.get(f"{JSON}/delegations?live=true").json()["items"]:
        if one["principal"] == "lin":
            client.post(f"{JSON}/delegations/{one['number']}/end", json={})
    answer = client.post(f"{JSON}/delegations", json=delegation_body(world))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["delegation"]["number"])


def delegation(world: World) -> Request:
    client, body = world.api("new"), delegation_body(world)
    return lambda: client.post(f"{JSON}/delegations", json=body)


def delegation_act(verb: str, who: str, body: dict[str, Any] | None) -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/delegations/{delegated(world)}/{verb}"
        client = world.api(who)
        return lambda: client.post(path, json=body)

    return make


def silence(world: World) -> Request:
    client, body = world.api("chen"), silence_body(world)
    return lambda: client.post(f"{JSON}/silences", json=body)


def silence_act(verb: str, body: dict[str, Any]) -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/silences/{silenced(world)}/{verb}"
        client = world.api("wang")
        given = {**silence_body(world), **body} if verb == "change" else body
        return lambda: client.post(path, json=given)

    return make


def exemption_body(world: World) -> dict[str, Any]:
    ends = world.town.app.clock() + timedelta(days=2)
    terms = {"org": EAST, "product": "cu", "rule": "EXPOSURE_TIERS", "cap": "1500"}
    place = {"account": f"EX-{next(world.numbers)}"}  # of one limit one waits at a time
    return {**terms, **place, "ends_at": rfc3339(ends), "reason": "late", "clause": "4"}


def exempted(world: World) -> str:
    """An exemption that both its signers agreed to."""
    asked = world.town.client("lin").post(f"{JSON}/exemptions", json=exemption_body(world))
    assert asked.status_code == 201, asked.text
    one = asked.json()["exemption"]
    for person, version in (("chen", 1), ("wang", 2)):
        act = {"verb": "approve", "version": version}
        path = f"{JSON}/approvals/{one['request']}/acts"
        assert world.town.client(person).post(path, json=act).status_code == 200
    return str(one["id"])


def exemption(world: World) -> Request:
    client, body = world.api("lin"), exemption_body(world)
    return lambda: client.post(f"{JSON}/exemptions", json=body)


def exemption_act(verb: str) -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/exemptions/{exempted(world)}/{verb}"
        ends = rfc3339(world.town.app.clock() + timedelta(days=5))
        body = {"reason": "x", **({"ends_at": ends} if verb == "renew" else {})}
        client = world.api("lin")
        return lambda: client.post(path, json=body)

    return make


def exemption_page(world: World) -> Request:
    client, body = world.page("lin"), exemption_body(world)
    form = {**body, "upto": body["cap"], "until": "2024-05-16T18:00"}
    return lambda: client.post("/exemptions", data=form)


def exemption_page_revoke(world: World) -> Request:
    path = f"/exemptions/{exempted(world)}/revoke"
    client = world.page("wang")
    return lambda: client.post(path, data={"reason": "vessel in"})


def no_drill(world: World) -> None:
    """The drills that other tests left behind end."""
    app = world.town.app
    with app.store.unit_of_work("wang") as uow:
        for one in drills.list_drills(uow.connection, ["Group"], running=True):
            assert drills.end_drill(uow, app.context(), one.id).ok


def drill(world: World) -> Request:
    no_drill(world)
    client, body = world.api("wang"), {"org": EAST, "level": "red", "minutes": 30, "text": "fire"}
    return lambda: client.post(f"{JSON}/drills", json=body)


def drilled(world: World) -> str:
    no_drill(world)
    body = {"org": EAST, "level": "red", "minutes": 30}
    answer = world.town.client("wang").post(f"{JSON}/drills", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["drill"]["id"])


def untested(world: World) -> None:
    """The test calls that stand in the way of another one are confirmed."""
    app = world.town.app
    with app.store.unit_of_work("chen") as uow:
        for one in probes.reaches(uow.connection, ["chen"]).values():
            assert probes.confirm(uow, one.last.id, one.last.channel).ok


def a_test_call(world: World) -> Request:
    untested(world)
    client, body = world.api("wang"), {"person": "chen"}
    return lambda: client.post(f"{JSON}/test-calls", json=body)


def a_test_call_page(world: World) -> Request:
    untested(world)
    client, form = world.page("wang"), {"person": "chen", "channel": "email"}
    return lambda: client.post("/roster/tests", data=form)


def end_of_drill(world: World) -> Request:
    path, client = f"{JSON}/drills/{drilled(world)}/end", world.api("wang")
    return lambda: client.post(path)


def drill_page(world: World) -> Request:
    no_drill(world)
    client, form = world.page("wang"), {"org": EAST, "level": "orange", "minutes": "30"}
    return lambda: client.post("/drills", data=form)


def end_of_drill_page(world: World) -> Request:
    path, client = f"/drills/{drilled(world)}/end", world.page("wang")
    return lambda: client.post(path)


def nothing_handed(world: World) -> None:
    """The sheets that other tests left behind are taken back."""
    app = world.town.app
    with app.store.reader() as connection:
        left = list_handovers(connection, ["Group"], state=HandoverState.GIVEN)
    for one in left:
        with app.store.unit_of_work(one.given_by) as uow:
            assert withdraw(uow, app.context(), one.id).ok


def handed(world: World) -> str:
    """A sheet of chen's, with an order that chen has in hand."""
    nothing_handed(world)
    world.order(("chen", "take_over"))
    answer = world.town.client("chen").post(f"{JSON}/handovers", json={"org": EAST})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["handover"]["id"])


def hand_over(world: World) -> Request:
    nothing_handed(world)
    world.order()
    client = world.api("chen")
    return lambda: client.post(f"{JSON}/handovers", json={"org": EAST, "note": "quiet"})


def handover_act(verb: str, who: str, body: dict[str, Any]) -> Any:
    def make(world: World) -> Request:
        path = f"{JSON}/handovers/{handed(world)}/{verb}"
        client = world.api(who)
        return lambda: client.post(path, json=body)

    return make


def hand_over_page(world: World) -> Request:
    nothing_handed(world)
    client = world.page("chen")
    return lambda: client.post("/handover", data={"org": EAST, "note": "quiet"})


def handover_page_act(verb: str, who: str, form: dict[str, str]) -> Any:
    def make(world: World) -> Request:
        path = f"/handover/{handed(world)}/{verb}"
        client = world.page(who)
        return lambda: client.post(path, data=form)

    return make


def day_after(world: World, days: int) -> dict[str, str]:
    start = world.town.clock().replace(microsecond=0) + timedelta(days=days)
    return {"start": rfc3339(start), "end": rfc3339(start + timedelta(hours=8))}


def on_call_body(world: World, person: str, days: int = 1) -> dict[str, Any]:
    return {"org": EAST, "person": person, "reason": "stocktaking", **day_after(world, days)}


def swap_body(world: World) -> dict[str, Any]:
    """Two periods that each of the two has by an override."""
    for person, days in (("chen", 1), ("lin", 2)):
        put_in_roster(world, "overrides", on_call_body(world, person, days))
    sides = (("first", "chen", 1), ("second", "lin", 2))
    return {
        "org": EAST,
        **{side: {"person": who, **day_after(world, days)} for side, who, days in sides},
    }


def put_in_roster(world: World, kind: str, body: dict[str, Any]) -> str:
    answer = world.town.client("wang").post(f"{JSON}/roster/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def stands_before(world: World, first: str) -> str:
    """The id of a change of kind `first`, made now; empty for no kind."""
    if not first:
        return ""
    body = swap_body(world) if first == "swaps" else on_call_body(world, "chen")
    return put_in_roster(world, first, body)


def roster_act(path: str, body: Any, first: str = "") -> Any:
    """A change of the roster by its manager; with `first` one that stands before it."""

    def make(world: World) -> Request:
        change = stands_before(world, first)
        given = None if body is None else body(world)
        client = world.api("chen" if first == "swaps" else "wang")
        return lambda: client.post(f"{JSON}/roster/{path.format(change)}", json=given)

    return make


def silence_page(world: World) -> Request:
    client, body = world.page("chen"), silence_body(world)
    form = {"org": EAST, "level": ["red", "orange"], "until": body["ends_at"], "reason": "roll"}
    return lambda: client.post("/silences", data=form)


def silence_page_act(verb: str, form: dict[str, Any]) -> Any:
    def make(world: World) -> Request:
        path = f"/silences/{silenced(world)}/{verb}"
        client = world.page("wang")
        return lambda: client.post(path, data=form)

    return make


def roster_page(path: str, form: Any, first: str = "") -> Any:
    """As `roster_act`, on the console."""

    def make(world: World) -> Request:
        change = stands_before(world, first)
        given = form(world)
        client = world.page("chen" if first == "swaps" else "wang")
        return lambda: client.post(f"/roster/{path.format(change)}", data=given)

    return make


def swap_form(world: World) -> dict[str, str]:
    body = swap_body(world)
    form = {"org": EAST, "first": body["first"]["person"], "second": body["second"]["person"]}
    for side in ("first", "second"):
        form |= {f"{side}_{end}": body[side][end] for end in ("start", "end")}
    return form


def alert_page(verb: str, form: dict[str, Any]) -> Any:
    def make(world: World) -> Request:
        path = f"/alerts/{world.raised('orange')}/{verb}"
        client = world.page("chen")
        given = {name: world.raised(value) if name == "into" else value
                 for name, value in form.items()}  # fmt: skip
        return lambda: client.post(path, data=given)

    return make


def many_alerts(world: World) -> Request:
    body = {"alerts": [world.raised("blue"), world.raised("blue")], "reasons": ["handled"]}
    client = world.api("chen")
    return lambda: client.post(f"{JSON}/alerts/dismiss", json=body)


def many_alerts_page(world: World) -> Request:
    alerts = [world.raised("blue"), world.raised("blue")]
    form = {"alert": alerts, "reason": "handled", "text": "all of them"}
    client = world.page("chen")
    return lambda: client.post("/alerts/dismiss/all", data=form)


def sign(world: World) -> Request:
    number, version = world.approval()
    client = world.api("wang")
    body = {"verb": "approve", "version": version}
    return lambda: client.post(f"{JSON}/approvals/{number}/acts", json=body)


def ticked(world: World) -> list[tuple[str, int]]:
    """Two requests under orange orders that wait for a signature, and their versions."""
    found = []
    for _ in range(2):
        alert = world.raised("orange")
        client = world.town.client("chen")
        assert client.post(f"{JSON}/alerts/{alert}/confirm", json={}).status_code == 200
        order = client.get(f"{JSON}/alerts/{alert}").json()["order_id"]
        path = f"{JSON}/orders/{world.holding(order)}/request-approval"
        number = str(client.post(path, json={"kind": "override"}).json()["approval"])
        version = world.town.client("wang").get(f"{JSON}/approvals/{number}").json()["version"]
        found.append((number, int(version)))
    return found


def sign_several(world: World) -> Request:
    body = {"requests": [{"id": one, "version": version} for one, version in ticked(world)]}
    client = world.api("wang")
    return lambda: client.post(f"{JSON}/approvals/sign", json=body)


def sign_several_page(world: World) -> Request:
    picks = [f"{one}:{version}" for one, version in ticked(world)]
    client = world.page("wang")
    return lambda: client.post("/approvals/sign", data={"pick": picks})


def delegation_page(world: World) -> Request:
    body = delegation_body(world)
    form = {"to": "boss", "scope": EAST, "since": body["starts_at"], "until": body["ends_at"],
            "reason": body["reason"]}  # fmt: skip
    client = world.page("chen")
    return lambda: client.post("/delegations", data=form)


def delegation_page_act(verb: str, who: str) -> Any:
    def make(world: World) -> Request:
        path = f"/delegations/{delegated(world)}/{verb}"
        client = world.page(who)
        return lambda: client.post(path, data={})

    return make


def sign_page(world: World) -> Request:
    number, version = world.approval()
    client = world.page("wang")
    return lambda: client.post(f"/approvals/{number}/approve", data={"version": version})


def bring(world: World) -> Request:
    row = {"org": EAST, "product": "cu", "amount": "1000", "limit_id": "L-9"}
    client = world.api("chen")
    return lambda: client.post(f"{JSON}/book/limits", json={"rows": [row]})


def row_in_quarantine(world: World) -> int:
    """The number of a row of the book that could not be taken in."""
    row = {"org": EAST, "product": "cu", "amount": "-1", "limit_id": f"L-{next(world.numbers)}"}
    path = f"{JSON}/book/limits"
    answer = world.town.client("chen").post(path, json={"rows": [row]})
    assert answer.json()["quarantined"] == 1, answer.text
    with world.town.app.store.reader() as connection:
        return max(one.number for one in quarantined(connection, limit=500))


def mend(world: World) -> Request:
    path = f"/log/quarantine/book/{row_in_quarantine(world)}/replay"
    client = world.page("chen")
    return lambda: client.post(path, data={"field.amount": "2000"})


def put_aside(world: World) -> Request:
    path = f"/log/quarantine/book/{row_in_quarantine(world)}/dismiss"
    client = world.page("chen")
    return lambda: client.post(path, data={"reason": "twice"})


def by_hand(world: World) -> Request:
    client = world.page("chen")
    form = {"org": EAST, "level": "orange", "text": "seen by hand"}
    return lambda: client.post("/orders/new", data=form)


def take_back(world: World) -> Request:
    number = world.order(("wang", "take_over"))
    client = world.page("wang")
    return lambda: client.post(f"/orders/{number}/undo")


def begin_anew(world: World) -> Request:
    number = world.order(*RESOLVED)
    due = "2024-06-01T00:00:00Z"
    body = {**CLOSING, "corrective": {"text": "close the gap", "owner": "chen", "due": due}}
    path = f"{JSON}/orders/{number}/close"
    assert world.town.client("wang").post(path, json=body).status_code == 200
    client = world.page("chen")
    return lambda: client.post(f"/orders/{number}/reopen", data={"reason": "it came back"})


CORRECTIVE = {"text": "close the gap", "owner": "chen", "due": "2024-06-01T00:00:00Z"}


def corrective_act(form: str, verb: str, who: str, body: dict[str, Any]) -> Any:
    """An act on the corrective action of an order that wang has closed; chen answers for it."""

    def make(world: World) -> Request:
        number = world.order(*RESOLVED)
        closed = {**CLOSING, "corrective": CORRECTIVE}
        answer = world.town.client("wang").post(f"{JSON}/orders/{number}/close", json=closed)
        assert answer.status_code == 200, answer.text
        if form == "page":
            page = world.page(who)
            return lambda: page.post(f"/reviews/{number}/{verb}", data=body)
        client = world.api(who)
        return lambda: client.post(f"{JSON}/correctives/{number}/{verb}", json=body)

    return make


ACTS: dict[str, Callable[[World], Request]] = {
    f"{JSON}/orders/{{order_id}}/acknowledge": order_act("acknowledge", {}),
    f"{JSON}/orders/{{order_id}}/take-over": order_act("take-over", {}),
    f"{JSON}/orders/{{order_id}}/files": order_file(f"{JSON}/orders/", page=False),
    f"{JSON}/orders/{{order_id}}/note": order_act("note", {"text": "seen"}),
    f"{JSON}/orders/{{order_id}}/tag": order_act("tag", {"add": ["night"]}),
    f"{JSON}/orders/{{order_id}}/merge": merged_order(f"{JSON}/orders/", page=False),
    f"{JSON}/orders/{{order_id}}/hold": order_act("hold", {"objects": ["H-1"], "reason": "wait"}),
    f"{JSON}/orders/{{order_id}}/escalate": order_act("escalate", {"reason": "now"}),
    f"{JSON}/orders/{{order_id}}/snooze": quiet_order(f"{JSON}/orders/", "snooze", page=False),
    f"{JSON}/orders/{{order_id}}/wake": quiet_order(f"{JSON}/orders/", "wake", page=False),
    f"{JSON}/orders/{{order_id}}/resolve": order_act("resolve", {"text": "posted"}, *RED),
    f"{JSON}/orders/{{order_id}}/request-approval": order_act(
        "request-approval", {"kind": "limit_change"}
    ),
    f"{JSON}/orders/{{order_id}}/close": order_act(
        "close", {**CLOSING, "corrective": CORRECTIVE}, *RESOLVED, who="wang"
    ),
    f"{JSON}/alerts/{{alert_id}}/confirm": alert_act("confirm", {"text": "real"}),
    f"{JSON}/alerts/{{alert_id}}/dismiss": alert_act("dismiss", {"reasons": ["false"]}),
    f"{JSON}/alerts/dismiss": many_alerts,
    f"{JSON}/roster/overrides": roster_act("overrides", lambda world: on_call_body(world, "chen")),
    f"{JSON}/test-calls": a_test_call,
    "/roster/tests": a_test_call_page,
    f"{JSON}/roster/absences": roster_act("absences", lambda world: day_after(world, 1)),
    f"{JSON}/roster/swaps": roster_act("swaps", swap_body),
    f"{JSON}/roster/swaps/{{change_id}}/agree": roster_act("swaps/{}/agree", None, "swaps"),
    f"{JSON}/roster/changes/{{change_id}}/withdraw": roster_act(
        "changes/{}/withdraw", None, "overrides"
    ),
    f"{JSON}/silences": silence,
    f"{JSON}/silences/{{silence_id}}/change": silence_act("change", {"version": 1}),
    f"{JSON}/silences/{{silence_id}}/confirm": silence_act("confirm", {"version": 1}),
    f"{JSON}/silences/{{silence_id}}/end": silence_act("end", {"reason": "over"}),
    f"{JSON}/exemptions": exemption,
    f"{JSON}/exemptions/{{exemption_id}}/renew": exemption_act("renew"),
    f"{JSON}/exemptions/{{exemption_id}}/revoke": exemption_act("revoke"),
    f"{JSON}/drills": drill,
    f"{JSON}/drills/{{order_id}}/end": end_of_drill,
    "/drills": drill_page,
    "/drills/{number}/end": end_of_drill_page,
    f"{JSON}/correctives/{{order_id}}/finish": corrective_act(
        "api", "finish", "chen", {"text": "posted earlier"}
    ),
    f"{JSON}/correctives/{{order_id}}/put-off": corrective_act(
        "api", "put-off", "wang", {"due": "2024-07-01T00:00:00Z", "reason": "vendor"}
    ),
    "/reviews/{number}/finish": corrective_act("page", "finish", "chen", {"text": "posted"}),
    "/reviews/{number}/put-off": corrective_act(
        "page", "put-off", "wang", {"due": "2024-07-01", "reason": "vendor"}
    ),
    f"{JSON}/handovers": hand_over,
    f"{JSON}/handovers/{{handover_id}}/take": handover_act("take", "lin", {"own": True}),
    f"{JSON}/handovers/{{handover_id}}/withdraw": handover_act("withdraw", "chen", {"note": "x"}),
    f"{JSON}/approvals/{{request_id}}/acts": sign,
    f"{JSON}/approvals/sign": sign_several,
    f"{JSON}/delegations": delegation,
    f"{JSON}/delegations/{{number}}/confirm": delegation_act("confirm", "boss", None),
    f"{JSON}/delegations/{{number}}/end": delegation_act("end", "lin", {}),
    f"{JSON}/book/{{kind}}": bring,
    "/orders/{number}/acknowledge": order_page("acknowledge", {}),
    "/orders/{number}/take_over": order_page("take_over", {}),
    "/orders/{number}/files": order_file("/orders/", page=True),
    "/orders/{number}/tag": order_page("tag", {"add": "night"}),
    "/orders/{number}/merge": merged_order("/orders/", page=True),
    "/orders/{number}/note": order_page("note", {"text": "seen"}),
    "/orders/{number}/hold": order_page("hold", {"objects": "H-1", "reason": "wait"}),
    "/orders/{number}/escalate": order_page("escalate", {"reason": "now"}),
    "/orders/{number}/snooze": quiet_order("/orders/", "snooze", page=True),
    "/orders/{number}/wake": quiet_order("/orders/", "wake", page=True),
    "/orders/{number}/resolve": order_page("resolve", {"text": "posted"}, *RED),
    "/orders/{number}/resume": order_page("resume", {"reason": "not all of it"}, *RESOLVED),
    "/orders/{number}/reassign": order_page(
        "reassign", {"person": "lin", "reason": "shift"}, who="wang"
    ),
    "/orders/{number}/request_approval": order_page("request_approval", {"kind": "limit_change"}),
    "/orders/{number}/close": order_page(
        "close",
        {**CLOSING, "corrective": "close it", "owner": "chen", "due": "2024-06-01"},
        *RESOLVED,
        who="wang",
    ),
    "/orders/{number}/reopen": begin_anew,
    "/orders/{number}/undo": take_back,
    "/orders/new": by_hand,
    "/alerts/{number}/confirm": alert_page("confirm", {}),
    "/alerts/{number}/dismiss": alert_page("dismiss", {"reason": "false"}),
    "/alerts/{number}/merge": alert_page("merge", {"into": "orange"}),
    "/alerts/dismiss/all": many_alerts_page,
    "/roster/overrides": roster_page("overrides", lambda world: on_call_body(world, "chen")),
    "/roster/absences": roster_page(
        "absences", lambda world: {"person": "wang", **day_after(world, 1)}
    ),
    "/roster/swaps": roster_page("swaps", swap_form),
    "/roster/swaps/{change_id}/agree": roster_page("swaps/{}/agree", lambda _: {}, "swaps"),
    "/roster/changes/{change_id}/withdraw": roster_page(
        "changes/{}/withdraw", lambda _: {}, "overrides"
    ),
    "/silences": silence_page,
    "/silences/{silence_id}/confirm": silence_page_act("confirm", {"version": "1"}),
    "/silences/{silence_id}/end": silence_page_act("end", {"reason": "over"}),
    "/exemptions": exemption_page,
    "/exemptions/{exemption_id}/revoke": exemption_page_revoke,
    "/handover": hand_over_page,
    "/handover/{handover_id}/take": handover_page_act(
        "take", "lin", {"seen": digest_of_moves(()), "own": "1"}
    ),
    "/handover/{handover_id}/withdraw": handover_page_act("withdraw", "chen", {"note": "x"}),
    "/log/quarantine/book/{number}/replay": mend,
    "/log/quarantine/book/{number}/dismiss": put_aside,
    "/approvals/{number}/{verb}": sign_page,
    "/approvals/sign": sign_several_page,
    "/delegations": delegation_page,
    "/delegations/{number}/confirm": delegation_page_act("confirm", "boss"),
    "/delegations/{number}/end": delegation_page_act("end", "lin"),
}


def ways(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of everything that a web application answers to."""
    for one in found:
        if methods := getattr(one, "methods", None):
            yield from ((method, prefix + one.path) for method in methods)
            continue
        for name in ("routes", "original_router", "router", "app"):
            inner = getattr(one, name, None)
            inner = inner if name == "routes" else getattr(inner, "routes", None)
            if inner:
                yield from ways(inner, prefix + getattr(one, "path", ""))
                break


def routes(found: Any) -> Iterator[str]:
    """The paths of everything that takes a POST, PUT, PATCH or DELETE."""
    return (path for method, path in ways(found) if method in {"POST", "PUT", "PATCH", "DELETE"})


def test_every_route_that_takes_something_is_named_here(world: World):
    assert set(routes(world.web.routes)) == set(ACTS) | READING | CHANNELS


@pytest.mark.parametrize("path", list(ACTS))
def test_a_route_does_all_or_nothing(world: World, path: str):
    ask = ACTS[path](world)
    breaking = world.breaking
    before = world.contents()
    for place in range(1, MOST):
        breaking.at, breaking.count = place, 0
        answer = ask()
        if breaking.count < place:
            breaking.at = 0
            assert answer.status_code in {200, 201, 303}, answer.text
            changed = [name for name, rows in world.contents().items() if before[name] != rows]
            assert "trail_record" in changed, "it did nothing"
            assert place > 3
            return
        assert answer.status_code == 500, f"statement {place}: {answer.text}"
        after = world.contents()
        assert [name for name in before if before[name] != after[name]] == [], f"statement {place}"
    raise AssertionError("it never ends")


def test_a_click_is_kept_whole_or_not_at_all(world: World):
    """What happens to it afterwards is the person's command, broken in its own test."""
    app = world.town.app
    with app.store.unit_of_work("wang") as uow:  # the silences that other tests left behind
        for one in silencing.list_silences(uow.connection, ["Group"], live_only=True, now=uow.now):
            silencing.end_silence(uow, app.context(), one.id)
    world.town.breach()
    button = world.town.card("chen", "acknowledge")
    breaking = world.breaking
    before = world.contents()
    for place in range(1, MOST):
        pressed = world.town.slack.press(button, "acknowledge", slack_user("chen"))
        breaking.at, breaking.count = place, 0
        client = TestClient(world.web, raise_server_exceptions=False)
        answer = client.post(
            "/integrations/slack/interactivity", content=pressed.body, headers=pressed.headers
        )
        if breaking.count < place:
            break
        if answer.status_code == 500:
            assert world.contents() == before, f"statement {place}"
        else:
            break  # kept: from here on the click is carried out, now or later
    breaking.at = 0
    assert answer.status_code == 200
