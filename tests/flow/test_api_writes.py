"""The API's writing requests: done once, refused with the reason, in both languages."""

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from flow_house import EAST, WEST, House, house

from auditlog.errors import LogBusyError, LogError, LogUnavailableError, LogVersionError
from workorders import State

EVENT = {
    "event_id": "E-1",
    "event_time": "2024-05-14T01:59:00Z",
    "type": "order.note",
    "kind": "business",
    "source": "erp",
    "org": EAST,
    "actor": "liu",
}


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def test_the_same_key_is_carried_out_once(town: House):
    order = town.breach()
    path = f"/api/v1/orders/{order.id}/note"
    chen = town.client("chen")
    key = {"Idempotency-Key": "a-key"}
    first = chen.post(path, json={"text": "seen"}, headers=key)
    again = chen.post(path, json={"text": "seen"}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert town.actions().count("order.note") == 1
    other = chen.post(path, json={"text": "something else"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    lin = town.client("lin").post(path, json={"text": "seen"}, headers=key)
    assert "idempotent-replayed" not in lin.headers
    assert town.actions().count("order.note") == 2


def test_a_refusal_is_remembered_under_its_key_and_recorded_once(town: House):
    order = town.breach()
    path = f"/api/v1/orders/{order.id}/close"
    body = {"disposition": "fixed", "root_cause": "X"}
    key = {"Idempotency-Key": "k"}
    answers = [town.client("chen").post(path, json=body, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [409, 409]
    assert answers[0].json()["code"] == "MOVE_NOT_ALLOWED"
    assert answers[1].headers["content-type"] == "application/problem+json"
    assert town.actions().count("order.close") == 1


def test_a_fault_speaks_both_languages_and_the_caller_s_first(town: House):
    town.breach()
    path = "/api/v1/orders/WO-20240514-999"
    chinese = town.client("chen").get(path, headers={"Accept-Language": "zh-CN,en;q=0.5"}).json()
    english = town.client("chen").get(path).json()
    assert chinese["titles"] == english["titles"]
    assert chinese["title"] == chinese["titles"]["zh"] != english["title"]
    wrong = town.client("chen").post(
        f"/api/v1/orders/{town.orders()[0].id}/note", json={"txet": "x", "text": 7}
    )
    assert wrong.status_code == 422
    problems = {one["field"]: one for one in wrong.json()["problems"]}
    assert problems["txet"]["code"] == "FIELD_UNKNOWN"
    assert all(set(one["titles"]) == {"en", "zh"} for one in problems.values())
    broken = town.client("chen").post(
        "/api/v1/precheck", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 422


def test_an_act_on_an_overtaken_version_is_told_who_was_first(town: House):
    order = town.breach()
    path = f"/api/v1/orders/{order.id}/take-over"
    assert town.client("chen").post(path, json={"version": order.version}).status_code == 200
    late = town.client("lin").post(path, json={"version": order.version})
    assert (late.status_code, late.json()["code"]) == (409, "STALE_VERSION")
    assert late.json()["params"]["actor"] == "chen"


def test_events_are_stored_once_and_bad_ones_are_kept_aside(town: House):
    chen = town.client("chen")
    first = chen.post("/api/v1/events", json=EVENT).json()
    assert (first["accepted"], first["duplicates"], first["quarantined"]) == (1, 0, 0)
    lines = "\n".join(
        json.dumps(one)
        for one in (
            EVENT,
            {**EVENT, "event_id": "E-2"},
            {**EVENT, "event_id": "E-3", "event_time": "yesterday"},
        )
    )
    receipt = chen.post("/api/v1/events", content=lines + "\n{broken\n").json()
    assert (receipt["accepted"], receipt["duplicates"], receipt["quarantined"]) == (1, 1, 2)
    assert [one["line"] for one in receipt["rejects"]] == [3, 4]
    assert receipt["rejects"][0]["problems"][0]["titles"]["zh"]
    array = chen.post("/api/v1/events", json=[{**EVENT, "event_id": "E-4"}])
    assert array.json()["accepted"] == 1
    page = chen.get("/api/v1/events?limit=2&order=oldest").json()
    assert [one["event_id"] for one in page["items"]] == ["E-1", "E-2"]
    rest = chen.get(f"/api/v1/events?limit=2&order=oldest&cursor={page['cursor']}").json()
    assert [one["event_id"] for one in rest["items"]] == ["E-4"]
    own = chen.post("/api/v1/events", json={**EVENT, "event_id": "E-5", "org": ""}).json()
    assert own["accepted"] == 1
    kept = chen.get("/api/v1/events?limit=1").json()["items"]
    assert {one["org"] for one in kept} == {EAST}


@pytest.mark.parametrize("org", ["Gruppe", f"{EAST}n", 5, "Nowhere/At/All"])
def test_an_event_of_a_unit_that_nobody_knows_is_kept_aside_by_itself(town: House, org: object):
    good, bad = {**EVENT, "event_id": "E-8"}, {**EVENT, "event_id": "E-9", "org": org}
    chen = town.client("chen")
    answer = chen.post("/api/v1/events", json=[bad, good])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], told["quarantined"]) == (1, 1)
    (reject,) = told["rejects"]
    (problem,) = reject["problems"]
    assert (reject["line"], problem["field"]) == (1, "org")
    assert problem["allowed"]
    (kept,) = town.app.log.quarantine()
    assert kept.reject.org == EAST  # where its sender finds it


def test_a_whole_batch_under_one_key(town: House):
    chen = town.client("chen")
    key = {"Idempotency-Key": "batch-1"}
    answers = [chen.post("/api/v1/events", json=[EVENT], headers=key) for _ in range(2)]
    assert [one.json()["accepted"] for one in answers] == [1, 1]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert town.app.log.stats().events == 1


NO_EVENTS = {
    b"": (400, "FIELD_MISSING"),
    b"  \n ": (400, "FIELD_MISSING"),
    b"\xff\xfe\x00": (400, "INPUT_JSON"),
    b"notjson": (422, "EVENT_NONE"),
    b"a=1&b=2": (422, "EVENT_NONE"),
    b"one\ntwo\n\nthree": (422, "EVENT_NONE"),
    b'{"event_id": "E-9", ': (422, "EVENT_NONE"),
    b"null": (422, "EVENT_NONE"),
    b"[[[[": (422, "EVENT_NONE"),
    b"[": (422, "EVENT_NONE"),
    b"[null, 7]": (422, "EVENT_NONE"),
    b"1": (422, "EVENT_NONE"),
    b'"x"': (422, "EVENT_NONE"),
}


@pytest.mark.parametrize("body", NO_EVENTS)
def test_a_body_without_any_object_is_refused_and_nothing_is_kept(town: House, body: bytes):
    answer = town.client("chen").post("/api/v1/events", content=body)
    problem = answer.json()["problems"][0]
    assert (answer.status_code, problem["code"]) == NO_EVENTS[body], answer.text
    assert (problem["field"], bool(problem["allowed"])) == ("body", True)
    assert all(not words.startswith("problem.") for words in problem["titles"].values())
    assert town.app.log.stats().events == 0
    assert town.app.log.quarantine() == []


@pytest.mark.parametrize("body", [b'notjson\n{"event_id": "E-9"}\n', b'[7, {"a": 1, "a": 2}]'])
def test_a_bad_row_is_kept_aside_as_soon_as_one_is_an_object(town: House, body: bytes):
    answer = town.client("chen").post("/api/v1/events", content=body)
    assert (answer.status_code, answer.json()["quarantined"]) == (200, 2), answer.text
    assert [one["line"] for one in answer.json()["rejects"]] == [1, 2]


def test_an_id_that_is_used_again_is_named_by_its_row(town: House):
    chen = town.client("chen")
    assert chen.post("/api/v1/events", json=EVENT).json()["accepted"] == 1
    other = {**EVENT, "object": "another"}
    bad = {**EVENT, "event_id": "E-3", "event_time": "yesterday"}
    for counted in ((1, 2, 0), (0, 0, 2)):  # quarantine holds the row the second time
        told = chen.post("/api/v1/events", json=[{**EVENT, "event_id": "E-2"}, other, bad]).json()
        assert (told["accepted"], told["quarantined"], told["already_quarantined"]) == counted
        assert [one["line"] for one in told["rejects"]] == [2, 3]
        (problem,) = told["rejects"][0]["problems"]
        assert (problem["code"], problem["field"]) == ("EVENT_ID_REUSED", "event_id")
        assert (problem["found"], problem["allowed"]) == ("E-1", "≠ E-1")
        assert "E-1" in problem["titles"]["zh"]


def test_rows_of_the_book_are_read_as_those_of_files(town: House):
    chen = town.client("chen")
    good = {"org": EAST, "product": "cu", "amount": "1000", "limit_id": "L-1"}
    rows = [good, {**good, "limit_id": "L-2", "amount": "-1"}, {**good, "colour": "red"}]
    answer = chen.post("/api/v1/book/limits", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["rows"], found["accepted"], found["quarantined"]) == (3, 1, 2)
    codes = {problem["code"]: problem for problem in found["problems"]}
    assert codes["FIELD_UNKNOWN"]["field"] == "colour"
    assert codes["FIELD_UNKNOWN"]["line"] == 3
    again = chen.post("/api/v1/book/limits", json={"rows": [good]}).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert chen.post("/api/v1/book/nothing", json={"rows": [good]}).status_code == 422
    assert chen.post("/api/v1/book/limits", json={"rows": []}).status_code == 422


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"amount": 1.5}, "amount", "IMPORT_BINARY_FRACTION"),
        ({"amount": [1]}, "amount", "INPUT_TEXT"),
        ({"limit_id": {"a": 1}}, "limit_id", "INPUT_TEXT"),
        ({"limit_id": "x" * 2_001}, "limit_id", "IMPORT_TEXT_TOO_LONG"),
        ({"org": ""}, "org", "IMPORT_VALUE_MISSING"),
        ({"org": "x"}, "org", "ORG_UNKNOWN"),
        ({"org": 5}, "org", "ORG_UNKNOWN"),
        (5, "row", "INPUT_OBJECT"),
        (None, "row", "INPUT_OBJECT"),
        ([], "row", "INPUT_OBJECT"),
    ],
)
def test_a_faulty_row_is_kept_out_by_itself(town: House, given: Any, field: str, code: str):
    good = {"org": EAST, "product": "cu", "amount": "1000", "limit_id": "L-1"}
    faulty = {**good, "limit_id": "L-2", **given} if isinstance(given, dict) else given
    rows = [good, faulty, {**good, "limit_id": "L-3"}]
    answer = town.client("chen").post("/api/v1/book/limits", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["accepted"], found["quarantined"]) == (2, 1)
    (problem,) = found["problems"]
    assert (problem["line"], problem["field"], problem["code"]) == (2, field, code)
    assert problem["allowed"]
    assert {"en", "zh"} <= problem["titles"].keys()


@pytest.mark.parametrize("name", ["\N{CJK UNIFIED IDEOGRAPH-989C}", "\ud800", "x" * 500])
def test_a_made_up_column_keeps_its_row_out(town: House, name: str):
    row = json.dumps({"org": EAST, "product": "cu", "amount": "1", "limit_id": "L", name: "x"})
    answer = town.client("chen").post(
        "/api/v1/book/limits",
        content=f'{{"rows": [{row}]}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["quarantined"] == 1
    (problem,) = answer.json()["problems"]
    assert problem["code"] == "FIELD_UNKNOWN"
    assert "limit_id" in problem["allowed"]


def test_a_fraction_of_json_stays_out_of_the_book(town: House):
    row = {"org": EAST, "product": "cu", "amount": 1000.5, "limit_id": "L-1"}
    found = town.client("chen").post("/api/v1/book/limits", json={"rows": [row]}).json()
    assert (found["accepted"], found["quarantined"]) == (0, 1)
    assert town.client("chen").get("/api/v1/exposure").json()["limits"] == []


@pytest.mark.parametrize("month", ["9999", "2513", "abc", "0"])
def test_a_precheck_of_no_month_is_refused(town: House, month: str):
    asked = {"org": EAST, "side": "buy", "lots": 1, "product": "cu", "month": month}
    answer = town.client("chen").post("/api/v1/precheck", json=asked)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["problems"]
    assert (problem["field"], problem["found"]) == ("month", month)
    assert "2406" in problem["allowed"]


def test_rows_of_a_foreign_unit_are_named(town: House):
    mine = {"org": WEST, "product": "cu", "amount": "1", "limit_id": "L-1"}
    rows = [mine, {**mine, "org": EAST}, {**mine, "org": EAST, "amount": "x"}, {**mine, "org": ""}]
    refused = town.client("zhao").post("/api/v1/book/limits", json={"rows": rows})
    assert refused.status_code == 403, refused.text
    assert refused.json()["params"]["orgs"] == [EAST]
    assert refused.json()["params"]["rows"] == [2, 3]


def test_what_the_book_brings_is_assessed_and_shown(town: House):
    order = town.breach()
    chen = town.client("chen")
    table = chen.get("/api/v1/exposure").json()
    (row,) = table["rows"]
    assert (row["org"], row["product"], row["month"], row["net"]) == (EAST, "cu", "2406", "1300")
    assert (row["limit"], row["use"], row["level"]) == ("1000", "1.3", "red")
    (limit,) = table["limits"]
    assert (limit["value"], limit["tier"]) == ("1300", "critical")
    assert table["totals"][0]["net"] == "1300"
    assert chen.get("/api/v1/exposure?product=al").json()["rows"] == []
    shown = chen.get(f"/api/v1/orders/{order.id}").json()
    assert shown["order"]["code"] == "EXPOSURE_CRITICAL"
    assert "1,300" in shown["broke"]["titles"]["en"]
    assert shown["matches"]
    before = chen.get("/api/v1/exposure?as_of=2024-05-13T00:00:00%2B08:00").json()
    assert before["rows"] == []
    assert chen.get("/api/v1/exposure?as_of=yesterday").status_code == 422


def test_an_order_is_checked_before_it_is_given(town: House):
    town.breach()
    chen = town.client("chen")
    asked = {"org": EAST, "side": "sell", "lots": 100, "contract": "CU2406"}
    answer = chen.post("/api/v1/precheck", json=asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["outcome"] == "allow"
    assert (found["net_before"], found["net_after"]) == ("1300", "800")
    assert (found["use_before"], found["use_after"]) == ("1.3", "0.8")
    assert found["reduces_risk"] is True
    more = chen.post("/api/v1/precheck", json={**asked, "side": "buy"}).json()
    assert more["outcome"] != "allow"
    assert more["rules"]
    assert more["rules"][0]["leaves"]
    unknown = chen.post("/api/v1/precheck", json={**asked, "contract": "ZZ9999"})
    assert unknown.status_code == 422
    assert unknown.json()["problems"]
    zero = chen.post("/api/v1/precheck", json={**asked, "lots": 0})
    assert zero.status_code == 422


def test_pages_of_orders_follow_each_other(town: House):
    town.breach(EAST)
    town.breach(WEST)
    boss = town.client("boss")
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page = boss.get(f"/api/v1/orders?limit=1&cursor={cursor}").json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 2
    assert boss.get("/api/v1/orders?cursor=%21%21").status_code == 422
    assert boss.get("/api/v1/orders?level=purple").status_code == 422
    red = boss.get("/api/v1/orders?level=red&state=open").json()["items"]
    assert len(red) == 2


def test_alerts_are_put_aside_in_bulk_each_by_itself(town: House):
    assert town.limit(1000).status_code == 200
    assert town.buy(850).status_code == 200
    chen = town.client("chen")
    alerts = chen.get("/api/v1/alerts?state=new").json()["items"]
    assert [one["level"] for one in alerts] == ["yellow"]
    number = alerts[0]["id"]
    body = {"alerts": [number], "reasons": ["限额内波动"]}
    zhao = town.client("zhao").post("/api/v1/alerts/dismiss", json=body)
    assert zhao.status_code == 404
    done = chen.post("/api/v1/alerts/dismiss", json=body).json()["results"]
    assert [(one["ok"], one["alert"]["state"]) for one in done] == [(True, "dismissed")]
    assert done[0]["alert"]["reason"] == "within_limits"
    late = chen.post(f"/api/v1/alerts/{number}/confirm", json={})
    assert (late.status_code, late.json()["code"]) == (409, "ALREADY_DECIDED")
    again = chen.post(f"/api/v1/alerts/{number}/dismiss", json={"reasons": ["false"]})
    assert again.json()["code"] == "ALREADY_DONE"


def test_a_confirmed_alert_opens_an_order(town: House):
    town.limit(1000)
    town.buy(850)
    chen = town.client("chen")
    number = chen.get("/api/v1/alerts").json()["items"][0]["id"]
    done = chen.post(f"/api/v1/alerts/{number}/confirm", json={"text": "real"}).json()
    assert town.order(done["order"]).state is State.OPEN


def test_closing_refuses_what_cannot_be_assessed_and_what_is_stale(town: House):
    order = town.breach()
    assert town.client("chen").post(
        f"/api/v1/orders/{order.id}/resolve", json={}
    ).status_code == 200  # fmt: skip
    body = {
        "disposition": "fixed",
        "root_cause": "LATE_HEDGE",
        "corrective": {"text": "x", "owner": "chen", "due": "2024-06-01T00:00:00Z"},
    }
    path = f"/api/v1/orders/{order.id}/close"
    assert town.client("chen").post("/api/v1/events", json=EVENT).status_code == 200
    town.pass_time(minutes=2)
    stale = town.client("lin").post(path, json=body)
    assert (stale.status_code, stale.json()["code"]) == (409, "STALE_INPUTS")
    town.run_agents()
    holds = town.client("lin").post(path, json=body)
    assert holds.json()["code"] == "CONDITION_HOLDS"
    override = town.client("lin").post(path, json={**body, "override": "accepted by the board"})
    assert override.json()["code"] == "OVERRIDE_NOT_ALLOWED"
    above = town.client("boss").post(path, json={**body, "override": "accepted by the board"})
    assert above.status_code == 200, above.text
    assert town.order(order.id).state is State.CLOSED


def test_an_approved_grant_is_given(town: House):
    order = town.breach()
    at = town.clock()
    assert not town.app.directory.may("liu", "fund.transfer.cross_dept", EAST, at).allowed
    material = {"person": "liu", "grant": "fund.transfer.cross_dept"}
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "grant", "material": material}
    )
    assert asked.status_code == 200, asked.text
    number = asked.json()["approval"]
    waiting = town.client("wang").get("/api/v1/approvals?waiting_for_me=true").json()["items"]
    assert [one["id"] for one in waiting] == [number]
    act = {"verb": "approve", "version": waiting[0]["version"]}
    path = f"/api/v1/approvals/{number}/acts"
    own = town.client("chen").post(path, json=act)
    assert own.status_code == 403
    done = town.client("wang").post(path, json=act)
    assert (done.status_code, done.json()["code"]) == (200, "APPROVED")
    again = town.client("wang").post(path, json=act).json()
    assert again["code"] in {"APPROVED", "ALREADY_SIGNED"}
    late = town.client("boss").post(path, json=act)
    assert late.status_code in {403, 409}
    assert town.app.directory.may("liu", "fund.transfer.cross_dept", EAST, at).allowed
    unknown = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval",
        json={"kind": "grant", "material": {"person": "nobody", "grant": "view"}},
    )
    assert (unknown.status_code, unknown.json()["code"]) == (422, "UNKNOWN_PERSON")


@pytest.mark.parametrize("fault", [LogBusyError, LogUnavailableError, LogVersionError])
def test_a_log_that_cannot_be_asked_now_is_no_fault_of_the_caller(
    town: House, monkeypatch: pytest.MonkeyPatch, fault: type[LogError]
):
    def refuses(*_: object, **__: object) -> None:
        raise fault("not now")

    monkeypatch.setattr(town.app.log, "search", refuses)
    answer = town.client("chen").get("/api/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "UNAVAILABLE"


def test_the_trail_proves_and_replays_what_was_done(town: House):
    town.breach()
    chen = town.client("chen")
    records = chen.get("/api/v1/trail/records?limit=500").json()["items"]
    assert records
    run = next(one for one in records if one["action"] == "assessment.run")
    proof = chen.get(f"/api/v1/trail/records/{run['seq']}/proof").json()
    assert proof["holds"]
    assert proof["leaf_hash"] == run["leaf_hash"]
    replayed = chen.post(f"/api/v1/trail/records/{run['seq']}/replay").json()
    assert replayed["identical"], replayed
    begun = chen.post("/api/v1/trail/verify")
    assert begun.status_code == 202, begun.text
    until = monotonic() + 60
    while (found := chen.get("/api/v1/trail/verify").json())["running"]:
        assert monotonic() < until
        sleep(0.05)
    verified = found["last"]
    assert (verified["ok"], verified["anchored"], verified["faults"]) == (True, False, [])
    assert (verified["actor"], found["broke_off"]) == ("chen", False)
    whole = town.client("boss").get("/api/v1/trail/records?action=directory.save").json()["items"]
    assert len(whole) == 1
    assert chen.get("/api/v1/trail/records?action=directory.save").json()["items"] == []


def test_rules_are_shown_as_sentences_and_texts_are_checked(town: House):
    gui = town.client("gui")
    rules = gui.get("/api/v1/rules").json()["items"]
    one = gui.get(f"/api/v1/rules/{rules[0]['id']}").json()
    assert one == rules[0]
    assert set(one["sentences"]) == {"en", "zh"}
    assert gui.get("/api/v1/rules/NOPE").status_code == 404
    bad = gui.post("/api/v1/rules/check", json={"text": "rule: X\nwhen: colour > 3\n"}).json()
    assert bad["ok"] is False
    assert bad["problems"][0]["line"] >= 1
    tests = gui.post("/api/v1/rules/test").json()
    assert (tests["ok"], tests["failures"]) == (True, [])


def test_a_body_that_is_too_large_is_refused_unread(town: House):
    chen = town.client("chen")
    large = chen.post("/api/v1/events", content=b"[" + b" " * (16 * 1024 * 1024) + b"]")
    assert large.status_code == 413
    assert large.json()["code"] == "BODY_TOO_LARGE"
