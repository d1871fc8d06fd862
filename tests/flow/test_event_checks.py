"""Events at the ways in and at the watcher: what concerns the book is checked before it counts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, START, House, house
from sqlalchemy import select

from auditlog.events import Event, parse_event
from book.read import read_state
from service.event_checks import EventChecks, replay_faults
from store.schema import table
from trail.tables import RECORD

GROUP = "Group"
AT = "2024-05-14T01:30:00Z"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


def row(number: int, what: str, **fields: Any) -> dict[str, Any]:
    base = {"source": "erp", "event_id": f"E{number}", "event_time": AT, "kind": "business"}
    return {**base, "type": what, "org": EAST, "actor": "erp-bot", **fields}


def order(number: int, **fields: Any) -> dict[str, Any]:
    return row(
        number, "order.create", **{"order": f"SO-{number}", "side": "buy", "qty": "5", **fields}
    )


def hedge(number: int, **fields: Any) -> dict[str, Any]:
    base = {"kind": "business", "side": "buy", "lots": 5, "contract": "cu2406"}
    return row(number, "hedge.order.queued", **{**base, **fields})


def alarm(number: int, **fields: Any) -> dict[str, Any]:
    return row(number, "alert.raised", **{"kind": "risk", "alert": f"A{number}", **fields})


BAD = [
    (order(1, product="zz"), "PRODUCT_UNKNOWN", "product", "zz"),
    (order(2, org=f"{EAST}n"), "ORG_UNKNOWN", "org", f"{EAST}n"),
    (order(3, event_time="1999-05-14T01:30:00Z"), "CALENDAR_YEAR_UNKNOWN", "event_time", "1999"),
    # a Saturday: no calendar is asked about the day itself
    (order(4, event_time="1999-05-15T01:30:00Z"), "CALENDAR_YEAR_UNKNOWN", "event_time", "1999"),
    (order(5, qty="-5"), "IMPORT_NEGATIVE", "qty", "-5"),
    (order(6, side="up"), "ORDER_INCOMPLETE", "side", "up"),
    (order(7, qty=None), "ORDER_INCOMPLETE", "qty", ""),
    (row(8, "inbound.timeout", receipt="R8"), "RECEIPT_UNKNOWN", "receipt", "R8"),
    (alarm(9, level="紫"), "LEVEL_UNKNOWN", "level", "紫"),
    (alarm(10), "LEVEL_UNKNOWN", "level", ""),
    (alarm(11, level="red", product="zz"), "PRODUCT_UNKNOWN", "product", "zz"),
    (order(12, org=GROUP), "PRODUCT_MISSING", "product", ""),
    (order(13, product="铜"), "PRODUCT_UNKNOWN", "product", "铜"),
    (hedge(28, org=GROUP, contract=None), "PRODUCT_MISSING", "product", ""),
    (hedge(14, side="up"), "SIDE_UNKNOWN", "side", "up"),
    (hedge(15, lots=0), "LOTS_INVALID", "lots", "0"),
    (hedge(16, lots="ten"), "LOTS_INVALID", "lots", "ten"),
    (hedge(17, contract="zz2406"), "PRODUCT_UNKNOWN", "contract", "zz"),
    (hedge(18, org=f"{EAST}n"), "ORG_UNKNOWN", "org", f"{EAST}n"),
    (hedge(19, product="zz"), "PRODUCT_UNKNOWN", "product", "zz"),
    (hedge(20, contract="cu2499"), "CONTRACT_CODE_INVALID", "contract", "cu2499"),
]
GOOD = [
    order(20),
    order(21, product="CU"),
    row(22, "order.submit", order="SO-20"),  # leans on what the same batch tells before it
    alarm(23, level="红"),
    row(24, "login", org="Nobody/Knows", product="zz", event_time="1999-05-14T01:30:00Z"),
    # what ends an order takes it out of the book, whatever product it had
    row(28, "order.cancel", order="SO-28", org=GROUP, side="buy", qty="5"),
    hedge(26),
    hedge(27, contract=None, product="CU", month="2406"),
    alarm(25, actor="chen"),  # a person's note raises no alert
]


def stored(company: House) -> set[str]:
    return {one.event.event_id for one in company.app.log.read_after(0, 1000)}


@pytest.mark.parametrize(("sent", "code", "field", "found"), BAD)
def test_a_faulty_event_goes_to_quarantine_and_the_good_ones_are_kept(
    company: House, sent: dict[str, Any], code: str, field: str, found: str
) -> None:
    parsed = [parse(one) for one in (GOOD[0], sent)]
    checks = EventChecks(company.app, company.app.clock(), "f.ndjson")
    for line, one in enumerate(parsed, 1):
        checks.told(one, line)
    kept, rejects = checks.sort(parsed)
    assert kept == parsed[:1]
    (problem,) = rejects[0].problems
    assert (problem.code, problem.field, problem.file, problem.line) == (code, field, "f.ndjson", 2)
    assert found in problem.found
    if code == "ORG_UNKNOWN":
        assert problem.hint == EAST
    if code == "CALENDAR_YEAR_UNKNOWN":
        assert problem.allowed.startswith("20")


def parse(mapping: dict[str, Any]) -> Event:
    at = "2024-05-14T02:00:00Z"
    found = parse_event({"arrival_time": at, **mapping}, default_arrival=None, now=START)
    assert isinstance(found, Event), found
    return found


def test_good_events_and_those_of_the_audit_alone_pass(company: House) -> None:
    events = [parse(one) for one in GOOD]
    kept, rejects = EventChecks(company.app, company.app.clock(), "f").sort(events)
    assert (kept, rejects) == (events, [])


def test_an_order_that_the_log_knows_needs_no_quantity_again(company: House) -> None:
    company.app.log.append([parse(order(30))])
    later = parse(row(31, "order.submit", order="SO-30"))
    assert EventChecks(company.app, company.app.clock(), "f").sort([later]).events == [later]


def test_the_api_answers_what_was_refused(company: House) -> None:
    client = company.client("chen")
    answer = client.post("/api/v1/events", json=[GOOD[0], BAD[0][0], BAD[5][0], BAD[8][0]])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], told["quarantined"]) == (1, 3)
    codes = [one["problems"][0]["code"] for one in told["rejects"]]
    assert codes == ["PRODUCT_UNKNOWN", "ORDER_INCOMPLETE", "LEVEL_UNKNOWN"]
    again = client.post("/api/v1/events", json=[GOOD[0], BAD[0][0], BAD[5][0], BAD[8][0]]).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert (again["quarantined"], again["already_quarantined"]) == (0, 3)
    assert [one["line"] for one in again["rejects"]] == [2, 3, 4]
    assert len(company.app.log.quarantine()) == 3


def test_a_row_is_taken_from_quarantine_once_it_is_mended(company: House) -> None:
    events = [parse(BAD[number][0]) for number in (0, 5, 8)]
    company.app.log.append(*EventChecks(company.app, company.app.clock(), "f").sort(events))
    mended = [{"product": "cu"}, {"side": "buy"}, {"level": "red"}]
    for held, fields in zip(company.app.log.quarantine(), mended, strict=True):
        assert replay_faults(company.app, held, {})
        assert replay_faults(company.app, held, fields) == []
        done = company.app.log.quarantine_replay(
            held.number, fields, by="chen", now=company.app.clock()
        )
        assert not isinstance(done, list), done
        assert done.accepted == 1


def test_what_comes_another_way_is_on_record_and_never_in_the_book(company: House) -> None:
    app = company.app
    app.log.append([parse(BAD[number][0]) for number in (0, 1, 2, 4, 5)] + [parse(order(40))])
    while app.watcher.run_once(app.clock()).events:
        pass
    with app.store.reader() as connection:
        now = app.clock()
        book = read_state(connection, as_of=now, known_at=now)
        c = RECORD.c
        query = select(c.reason).where(c.action == "event.unreadable")
        reasons = set(connection.scalars(query))
    assert [one.order_id for one in book.commitments] == ["SO-40"]
    assert reasons == {
        "PRODUCT_UNKNOWN", "ORG_UNKNOWN", "CALENDAR_YEAR_UNKNOWN", "IMPORT_NEGATIVE",
        "ORDER_INCOMPLETE",
    }  # fmt: skip


@pytest.mark.parametrize("level", [{"level": "紫"}, {}])
def test_an_alert_without_a_readable_level_waits_for_triage(
    company: House, level: dict[str, str]
) -> None:
    app = company.app
    app.log.append([parse(alarm(50, product="cu", arrival_time="2024-05-14T01:30:05Z", **level))])
    app.watcher.run_once(app.clock())
    with app.store.reader() as connection:
        (found,) = connection.execute(select(table("workorders_alert"))).all()
    assert found.level == "orange"
    assert found.evidence["reason"] == "LEVEL_UNKNOWN"
    assert found.order_id in {"", None}


@pytest.mark.parametrize("form", ["lines", "array"])
def test_a_row_of_a_body_in_another_encoding_or_broken_costs_itself_alone(
    company: House, form: str
) -> None:
    good = [json.dumps(one, ensure_ascii=False).encode() for one in (GOOD[0], GOOD[1])]
    strange = json.dumps({**GOOD[0], "event_id": "G-1", "message": "铜贸易部"}, ensure_ascii=False)
    rows = [good[0], strange.encode("gbk"), b'{"event_id": "G-2", nope}', good[1]]
    body = b"\n".join(rows) if form == "lines" else b"[" + b", ".join(rows) + b"]"
    kind = "application/x-ndjson" if form == "lines" else "application/json"
    client = company.client("chen")
    answer = client.post("/api/v1/events", content=body, headers={"content-type": kind})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], told["quarantined"]) == (2, 2)
    found = [(one["line"], one["problems"][0]["code"]) for one in told["rejects"]]
    assert found == [(2, "EVENT_ENCODING"), (3, "EVENT_JSON")]
    assert all(one["problems"][0]["allowed"] for one in told["rejects"])
    assert strange in {row.reject.raw for row in company.app.log.quarantine()}


def test_a_body_that_is_no_text_at_all_is_refused_as_a_whole(company: House) -> None:
    body = "敞口".encode("gbk")
    answer = company.client("chen").post("/api/v1/events", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "NOT_UTF8")
    assert company.app.log.quarantine() == []
