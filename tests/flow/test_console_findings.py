"""A finding of the detectors in triage: its sentence, usual beside seen, the odds, its state."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, START, House, house

from auditlog.events import parse_event
from workorders import Level, Match, SourceKind, ingest_match

EVENT = datetime(2024, 5, 14, 1, 30, tzinfo=UTC)
ROW = {
    "event_id": "P-2", "source": "treasury", "actor": "zhou", "kind": "business",
    "event_time": "2024-05-14T01:30:00Z", "type": "payment.post", "org": EAST,
    "object_type": "payment", "object_id": "FK-77", "order": "PO-9", "amount": "10.00",
}  # fmt: skip
CELL = {
    "actor": "zhou", "at": "2024-05-14T01:30:00Z", "type": "payment.post", "role": "settlement",
    "field": "hour_band", "seen": "00-04", "context": f"role=settlement, org={EAST}, actor=zhou",
    "usual": "08-12 90%, — 10%", "count": "0", "support": "40", "elsewhere": "2", "needed": "3",
    "first_seen": "2024-03-01T02:00:00Z", "peers": "1%", "instead": "08-12", "excess": "17.1",
}  # fmt: skip


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("findings")) as made:
        yield made


def found(home: House, cause: str, explanation: dict[str, Any], surprise: str) -> str:
    """The alert that the finding becomes."""
    match = Match(
        "ANOMALY", "ANOMALY_STRONG", "1", Level.YELLOW, EAST, EVENT,
        actor="zhou", cause=f"conformance|{cause}|zhou", measure="anomaly",
        source_kind=SourceKind.MODEL, value=Decimal(surprise),
        evidence={
            "surprise": surprise, "family": "conformance", "detector": "conformance",
            "cause": cause, "explanation": explanation,
        },
    )  # fmt: skip
    with home.app.store.unit_of_work("system:watcher") as uow:
        return str(ingest_match(uow, match, home.app.context()).alert_id)


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") : answer.text.index("</main")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def keep(home: House, **changed: Any) -> str:
    event = parse_event({**ROW, **changed}, default_arrival=START, now=START)
    assert not isinstance(event, list), event
    home.app.log.append([event])
    return event.uid


def test_a_broken_rule_is_told_in_words_and_needs_no_odds(home: House) -> None:
    earlier = keep(home, event_id="P-1", event_time="2024-05-14T01:00:00Z")
    keep(home)
    params = {"actor": "zhou", "at": ROW["event_time"], "seen": "payment.post", "earlier": earlier}
    given = {"code": "DUPLICATE", "params": {**params, "type": "payment.post"}, "parts": []}
    found(home, "DUPLICATE", given, "99")
    page = text_of(home.signed_in("chen"), "/alerts")
    # the earlier document is named by its number and time, never by the hash of its event
    assert "booked the same twice: " in page
    assert " has the order, amount and accounts of event FK-77 · 09:00." in page
    assert earlier not in page
    assert "Same document" not in page
    assert "a document is booked once" in page
    assert "no matter of chance" in page
    assert "Document FK-77" in page
    assert "{" not in page
    assert "explanation" not in page


def test_a_rare_act_is_told_beside_the_usual_with_its_odds(home: House) -> None:
    keep(home)
    weak = {**CELL, "field": "weekday", "seen": "2", "excess": "0.2"}
    strong = {**CELL, "field": "region", "seen": "NL", "excess": "4.0"}
    parts = [
        {"code": "CELL_RARE", "params": weak, "parts": []},
        {"code": "CELL_NEW", "params": strong, "parts": []},
    ]
    given = {"code": "CELL_NEW", "params": CELL, "parts": parts}
    found(home, "hour_band", given, "4.2906")
    page = text_of(home.signed_in("chen"), "/alerts")
    assert 'hours "00-04" was never seen' in page
    assert 'region "NL" was never seen' in page
    assert "weekday" not in page  # what does not stand out is not told
    assert "Normal 08-12 90%, (none) 10%" in page
    assert "Now 00-04" in page
    assert "one time in 19,000 (p = 0.000051)" in page
    assert "Settlement" in page
    assert "first 03-01" in page


def test_where_it_stands_is_said(home: House) -> None:
    given = {"code": "SAME_PERSON", "params": {"actor": "zhou", "seen": "order.approve"}}
    number = found(home, "SAME_PERSON", given, "99")
    chen = home.signed_in("chen")
    assert "· New" in text_of(chen, "/alerts")
    answer = chen.post(
        f"/alerts/{number}/dismiss", data={"reason": "known_benign", "text": "agreed before"}
    )
    assert answer.status_code == 303
    told = text_of(chen, f"/alerts?pile=dismissed&alert={number}")
    assert "Dismissed · Known and benign · Chen Fang ·" in told
    other = found(home, "AFTER_HOURS", {**given, "code": "AFTER_HOURS"}, "99")
    chen.post(f"/alerts/{other}/confirm")
    assert "Confirmed · Chen Fang ·" in text_of(chen, f"/alerts?pile=confirmed&alert={other}")


def test_today_names_the_cause_and_the_person(home: House) -> None:
    given = {"code": "SAME_PERSON", "params": {"actor": "zhou", "seen": "order.approve"}}
    found(home, "SAME_PERSON", given, "99")
    page = text_of(home.signed_in("chen"), "/")
    assert "Entered and approved by one person · zhou" in page
    assert " 99 " not in page
