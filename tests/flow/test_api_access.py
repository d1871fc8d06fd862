"""Every route as every role; nobody sees a sibling's rows; tokens are no wider than they say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, ROLES, WEST, House, house

from directory.roles import Role, permissions_of

NOTHING = "WO-20240514-999"
ALERT = "AL-20240514-999"
ORDERS = "/orders/{order_id}"
CLOSING = {"disposition": "fixed", "root_cause": "X", "corrective": None}
WINDOW = {"start": "2024-05-14T01:00:00Z", "end": "2024-05-13T01:00:00Z"}
EXEMPTION = {
    "org": "nowhere",
    "product": "cu",
    "rule": "EXPOSURE_TIERS",
    "cap": "5",
    "ends_at": "2024-05-20T00:00:00Z",
    "reason": "x",
    "clause": "4",
}
SILENCE = {"matchers": {"org": "nowhere"}, "ends_at": "2024-05-14T01:00:00Z", "reason": "x"}
DELEGATION = {
    "delegate": "x",
    "scope": "nowhere",
    "ends_at": "2024-05-14T01:00:00Z",
    "reason": "x",
}
#: Route → the permission that it needs, and a body. "" needs a caller and no permission.
ROUTES: dict[tuple[str, str], tuple[str, Any]] = {
    ("post", "/events"): (
        "import.write",
        {"event_id": "E1", "event_time": "2024-05-14T01:00:00Z", "type": "login", "kind": "system"},
    ),
    ("get", "/events"): ("log.read", None),
    ("post", "/book/{kind}"): ("import.write", {"rows": [{"org": EAST}]}),
    ("get", "/exposure"): ("book.read", None),
    ("post", "/precheck"): ("book.read", {"org": EAST, "side": "buy", "lots": 1, "product": "cu"}),
    ("get", "/alerts"): ("view", None),
    ("get", "/alerts/{alert_id}"): ("view", None),
    ("post", "/alerts/{alert_id}/confirm"): ("view", {}),
    ("post", "/alerts/{alert_id}/dismiss"): ("view", {"reasons": ["false"]}),
    ("post", "/alerts/dismiss"): ("view", {"reasons": ["false"], "alerts": [ALERT]}),
    ("get", "/orders"): ("view", None),
    ("get", ORDERS): ("view", None),
    ("get", f"{ORDERS}/rule-test"): ("rules.read", None),
    ("post", f"{ORDERS}/acknowledge"): ("view", {}),
    ("post", f"{ORDERS}/take-over"): ("view", {}),
    ("post", f"{ORDERS}/note"): ("view", {"text": "x"}),
    ("post", f"{ORDERS}/tag"): ("view", {"add": ["x"]}),
    ("post", f"{ORDERS}/merge"): ("view", {"into": "WO-20240514-998"}),
    ("post", f"{ORDERS}/hold"): ("view", {"objects": ["O1"], "reason": "x"}),
    ("post", f"{ORDERS}/escalate"): ("view", {}),
    ("post", f"{ORDERS}/snooze"): ("view", {"until": "2024-05-14T05:00:00Z", "reason": "x"}),
    ("post", f"{ORDERS}/wake"): ("view", None),
    ("post", f"{ORDERS}/resolve"): ("view", {}),
    ("post", f"{ORDERS}/close"): ("view", CLOSING),
    ("post", f"{ORDERS}/request-approval"): ("view", {"kind": "override"}),
    ("get", "/silences"): ("view", None),
    ("post", "/silences"): ("view", SILENCE),
    ("post", "/silences/preview"): ("view", {"matchers": {"org": EAST}}),
    ("post", "/silences/{silence_id}/change"): ("view", {**SILENCE, "version": 1}),
    ("post", "/silences/{silence_id}/confirm"): ("view", {}),
    ("post", "/silences/{silence_id}/end"): ("view", {}),
    ("get", "/exemptions"): ("view", None),
    ("get", "/exemptions/{exemption_id}"): ("view", None),
    ("post", "/exemptions"): ("view", EXEMPTION),
    ("post", "/exemptions/{exemption_id}/renew"): (
        "view",
        {"ends_at": "2024-05-20T00:00:00Z", "reason": "x"},
    ),
    ("post", "/exemptions/{exemption_id}/revoke"): ("view", {"reason": "x"}),
    ("get", "/handovers"): ("view", None),
    ("get", "/handovers/now"): ("view", None),
    ("get", "/handovers/{handover_id}"): ("view", None),
    ("post", "/handovers"): ("view", {"org": "nowhere"}),
    ("post", "/handovers/{handover_id}/take"): ("view", {}),
    ("post", "/handovers/{handover_id}/withdraw"): ("view", {}),
    ("get", f"{ORDERS}/files"): ("view", None),
    ("get", f"{ORDERS}/files/{{digest}}"): ("view", None),
    ("post", f"{ORDERS}/files"): ("view", None),
    ("get", "/drills"): ("view", None),
    ("get", "/drills/{order_id}"): ("view", None),
    ("post", "/drills"): ("view", {"org": "nowhere", "level": "red", "minutes": 30}),
    ("post", "/drills/{order_id}/end"): ("view", None),
    ("get", "/reviews"): ("view", None),
    ("get", "/correctives"): ("view", None),
    ("post", "/correctives/{order_id}/finish"): ("view", {"text": "x"}),
    ("post", "/correctives/{order_id}/put-off"): (
        "view",
        {"due": "2024-07-01T00:00:00Z", "reason": "x"},
    ),
    ("get", "/approvals"): ("view", None),
    ("get", "/approvals/{request_id}"): ("view", None),
    ("post", "/approvals/sign"): (
        "view",
        {"requests": [{"id": "AP-0123456789abcdef", "version": 1}]},
    ),
    ("post", "/approvals/{request_id}/acts"): ("view", {"verb": "approve", "version": 1}),
    ("get", "/delegations"): ("view", None),
    ("post", "/delegations"): ("view", DELEGATION),
    ("post", "/delegations/{number}/confirm"): ("view", None),
    ("post", "/delegations/{number}/end"): ("view", {}),
    ("get", "/trail"): ("trail.read", None),
    ("get", "/trail/records"): ("trail.read", None),
    ("get", "/trail/records/{seq}"): ("trail.read", None),
    ("get", "/trail/records/{seq}/proof"): ("trail.read", None),
    ("post", "/trail/records/{seq}/replay"): ("trail.read", None),
    ("post", "/trail/verify"): ("trail.read", None),
    ("get", "/trail/verify"): ("trail.read", None),
    ("get", "/metrics"): ("view", None),
    ("get", "/metrics/{figure}/rows"): ("view", None),
    ("get", "/rules"): ("rules.read", None),
    ("get", "/rules/{rule_id}"): ("rules.read", None),
    ("post", "/rules/check"): ("rules.read", {"text": "x"}),
    ("post", "/rules/test"): ("rules.read", None),
    ("get", "/me"): ("", None),
    ("get", "/people"): ("view", None),
    ("get", "/organisations"): ("view", None),
    ("get", "/on-call"): ("view", None),
    ("get", "/roster"): ("view", None),
    ("get", "/test-calls"): ("view", None),
    ("post", "/test-calls"): ("view", {"person": "nobody"}),
    ("post", "/roster/overrides"): (
        "roster.write",
        {**WINDOW, "org": EAST, "person": "x", "reason": "x"},
    ),
    ("post", "/roster/absences"): ("view", WINDOW),
    ("post", "/roster/swaps"): (
        "roster.write",
        {"org": EAST, "first": {**WINDOW, "person": "x"}, "second": {**WINDOW, "person": "y"}},
    ),
    ("post", "/roster/swaps/{change_id}/agree"): ("view", None),
    ("post", "/roster/changes/{change_id}/withdraw"): ("view", None),
}
PLACES = {
    "kind": "contracts",
    "digest": "0" * 64,
    "figure": "response_rate",
    "alert_id": ALERT,
    "order_id": NOTHING,
    "request_id": "AP-0123456789abcdef",
    "seq": "999999",
    "silence_id": "SL-20240514-999",
    "exemption_id": "EX-20240514-999",
    "handover_id": "HO-20240514-999",
    "rule_id": "NO_SUCH_RULE",
    "change_id": "OV-0000000000",
    "number": "DG-999999",
}
#: What each act on an order or alert needs when it exists, in the words of the directory.
ACTS: dict[str, tuple[str, Any]] = {
    "note": ("order.note", {"text": "seen"}),
    "tag": ("order.note", {"add": ["seen"]}),
    "merge": ("alert.triage", {"into": "WO-20240514-998"}),
    "acknowledge": ("order.acknowledge", {}),
    "hold": ("order.resolve", {"objects": ["O1"], "reason": "look first"}),
    "escalate": ("order.acknowledge", {}),
    "snooze": ("order.snooze", {"until": "2024-05-14T05:00:00Z", "reason": "noon"}),
    "wake": ("order.snooze", {}),
    "request-approval": ("approval.request", {"kind": "override"}),
    "resolve": ("order.resolve", {}),
    "close": ("order.close", {**CLOSING, "root_cause": "LATE_HEDGE"}),
}


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def call(town: House, person: str, route: tuple[str, str]) -> Any:
    method, path = route
    filled = "/api/v1" + re.sub(r"{(\w+)}", lambda name: PLACES[name[1]], path)
    return town.client(person).request(method, filled, json=ROUTES[route][1])


def test_every_route_as_every_role(town: House):
    routes = {
        (method, path)
        for path, methods in town.client().get("/api/v1/openapi.json").json()["paths"].items()
        for method in methods
    }
    assert routes == set(ROUTES), "a route without a line in this test"
    wrong = []
    for route, (permission, _) in ROUTES.items():
        assert call(town, "", route).status_code == 401
        for role, person in ROLES.items():
            allowed = not permission or permission in permissions_of([Role(role)])
            answer = call(town, person, route)
            refused = answer.status_code == 403 and answer.json()["code"] == "FORBIDDEN"
            if refused == allowed or answer.status_code >= 500:
                wrong.append((role, route, permission, answer.status_code))
    assert wrong == []


def test_every_act_on_an_order_as_every_role(town: House):
    wrong = []
    for verb, (permission, body) in ACTS.items():
        for role, person in ROLES.items():
            town.pass_time(minutes=30)
            order = town.breach() if not town.orders() else town.orders()[0]
            answer = town.client(person).post(f"/api/v1/orders/{order.id}/{verb}", json=body)
            sees = "view" in permissions_of([Role(role)]) and role != "administrator"
            may = permission in permissions_of([Role(role)])
            expected = {404, 403} if not sees else {200, 409, 422} if may else {403}
            if answer.status_code not in expected:
                wrong.append((role, verb, answer.status_code, answer.json().get("code")))
    assert wrong == []


def test_a_sibling_subsidiary_sees_no_row(town: House):
    order = town.breach(EAST)
    zhao = town.client("zhao")
    for path in ("orders", "alerts", "approvals", "events", "people", "organisations"):
        rows = zhao.get(f"/api/v1/{path}").json()["items"]
        assert EAST not in str(rows), path
    records = zhao.get("/api/v1/trail/records?limit=500").json()["items"]
    assert {record["org"] for record in records} <= {WEST}
    table = zhao.get("/api/v1/exposure").json()
    assert (table["rows"], table["limits"], table["totals"]) == ([], [], [])
    missing = zhao.get(f"/api/v1/orders/{NOTHING}").json()
    hidden = zhao.get(f"/api/v1/orders/{order.id}").json()
    assert hidden == missing, "an answer must not tell whether there is one"
    for verb, (_, body) in ACTS.items():
        assert zhao.post(f"/api/v1/orders/{order.id}/{verb}", json=body).status_code == 404
    seq = next(
        record["seq"]
        for record in town.client("chen").get("/api/v1/trail/records").json()["items"]
        if record["org"] == EAST
    )
    for end in ("", "/proof"):
        assert zhao.get(f"/api/v1/trail/records/{seq}{end}").status_code == 404
    assert zhao.post(f"/api/v1/trail/records/{seq}/replay").status_code == 404
    asked = {"org": EAST, "side": "buy", "lots": 1, "product": "cu"}
    assert zhao.post("/api/v1/precheck", json=asked).status_code == 404
    assert zhao.get(f"/api/v1/on-call?org={EAST}").json()["people"] == []


def test_nobody_writes_into_a_sibling(town: House):
    zhao = town.client("zhao")
    event = {"event_id": "E1", "event_time": "2024-05-14T01:00:00Z", "type": "x", "org": EAST}
    refused = zhao.post("/api/v1/events", json=[event])
    assert (refused.status_code, refused.json()["params"]["orgs"]) == (403, [EAST])
    bad = {**event, "event_time": "yesterday"}
    assert zhao.post("/api/v1/events", json=[bad]).status_code == 403
    mine = {**event, "event_id": "E2", "org": WEST}
    mixed = zhao.post("/api/v1/events", json=[mine, event])
    assert (mixed.status_code, mixed.json()["params"]["rows"]) == (403, [2])
    row = {"org": EAST, "product": "cu", "amount": "1"}
    assert zhao.post("/api/v1/book/limits", json={"rows": [row]}).status_code == 403
    wrong = {"rows": [{**row, "amount": "x"}]}
    assert zhao.post("/api/v1/book/limits", json=wrong).status_code == 403
    price = {"kind": "spot", "product": "cu", "price": "71000", "at": "2024-05-14T09:00:00+08:00"}
    assert zhao.post("/api/v1/book/prices", json={"rows": [price]}).status_code == 403
    assert town.app.log.stats().events == 0
    assert town.app.log.stats().quarantined == 0
    assert town.client("chen").get("/api/v1/exposure").json()["limits"] == []


def test_the_house_above_sees_both(town: House):
    town.breach(EAST)
    town.breach(WEST)
    seen = {row["org"] for row in town.client("boss").get("/api/v1/orders").json()["items"]}
    assert seen == {EAST, WEST}


def test_a_token_is_no_wider_than_its_scopes(town: House):
    order = town.breach()
    reader = town.client()
    reader.headers["Authorization"] = f"Bearer {town.token('chen', 'view')}"
    assert reader.get(f"/api/v1/orders/{order.id}").status_code == 200
    refused = reader.post(f"/api/v1/orders/{order.id}/acknowledge", json={})
    assert (refused.status_code, refused.json()["params"]["why"]) == (403, "TOKEN_SCOPE")
    assert reader.get("/api/v1/exposure").status_code == 403
    assert "order.acknowledge" not in town.actions()


def test_a_token_ends_with_its_person_and_its_time(town: House):
    from datetime import timedelta

    from directory import set_active

    chen = town.client("chen")
    assert chen.get("/api/v1/me").status_code == 200
    with town.app.store.unit_of_work("cli:test") as uow:
        set_active(uow, "chen", active=False)
    assert chen.get("/api/v1/me").status_code == 401
    lin = town.client("lin")
    assert lin.get("/api/v1/me").status_code == 200
    town.clock.set(town.clock() + timedelta(days=400))
    assert lin.get("/api/v1/me").status_code == 401
    for value in ("", "hw_", "hw_x", "Basic x"):
        odd = town.client()
        odd.headers["Authorization"] = f"Bearer {value}"
        answer = odd.get("/api/v1/me")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_acts_from_our_own_pages_only(town: House):
    order = town.breach()
    officer = town.signed_in("chen")
    path = f"/api/v1/orders/{order.id}/acknowledge"
    assert officer.get("/api/v1/me").json()["person"]["id"] == "chen"
    foreign = officer.post(path, json={}, headers={"Origin": "http://elsewhere.invalid"})
    assert foreign.status_code == 403
    assert foreign.headers["content-type"] == "application/problem+json"
    assert officer.post(path, json={}).status_code == 200


def test_the_counters_are_for_those_who_operate_the_system(town: House):
    town.breach()
    assert town.client().get("/metrics").status_code == 401
    assert town.client("liu").get("/metrics").status_code == 403
    text = town.client("ops").get("/metrics").text
    assert 'hedgewarden_work_orders{level="red",state="open"} 1' in text
    assert re.search(r"^hedgewarden_trail_records_total \d+$", text, re.MULTILINE)
    assert town.client().get("/healthz").text == "ok\n"
    assert town.client().get("/readyz").json() == {"ready": True, "database": "ok", "log": "ok"}
    town.app.log.close()
    down = town.client().get("/readyz")
    assert (down.status_code, down.json()["log"]) == (503, "down")
