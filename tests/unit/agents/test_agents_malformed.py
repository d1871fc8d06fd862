"""What cannot be read is recorded and set aside; it never blinds the watcher."""

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agents.taking_in
from auditlog.errors import LogFailedError
from auditlog.events import Event, parse_event
from store import positions
from tests.unit.agents.agents_house import (
    EAST,
    START,
    House,
    a_house,
    basis_history,
    event,
    in_transit,
    opening_book,
    timeout,
)

TYPES = [
    "order.create", "order.submit", "order.draft", "order.cancel", "erp.sync", "inbound.start",
    "inbound.timeout", "inbound.post", "position.update", "exposure.calc", "replica.apply",
    "spot.quote", "futures.settle", "hedge.order.queued", "hedge.order.created",
    "fund.transfer.request", "fund.transfer.failed", "alert.raised", "alert.review",
    "alert.bulk_review", "voucher.post", "recon.run", "login", "permission.denied",
]  # fmt: skip
USUAL = {
    "order": "O1", "side": "buy", "qty": 10, "lots": 3, "contract": "cu2406", "receipt": "R1",
    "key": "cu2406/8", "version": 3, "version_seen": 2, "site": "CN", "price": "70000",
    "alert": "A1", "alerts": ["A1"], "level": "red", "verdict": "confirmed", "voucher": "V1",
    "debit": "1122", "credit": "6001", "amount": "1.00", "as_of": "2024-05-13", "reason": "x",
    "product": "cu", "month": "2406", "account": "8", "actor": "lin", "unit": "t", "org": EAST,
    "price_type": "fixed", "loss_est": "1.00", "location": "SH", "grade": "A", "currency": "CNY",
}  # fmt: skip
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=40),
    st.sampled_from(["NaN", "Infinity", "1e5", "1" * 70, "0.000000001", "cu9999", "zz2406", "BUY",
                     "2024-02-30", "a|b", "\u001f", "cu2406/8", 2**53, 2**63, 10**9 - 1, "集团"]),
    st.lists(st.text(max_size=3), max_size=3), st.dictionaries(st.text(max_size=3), st.integers()),
)  # fmt: skip


@st.composite
def strange_events(draw: st.DrawFn) -> list[Event]:
    """Up to eight events, each usual but for one or two of its fields."""
    found = []
    for number in range(draw(st.integers(1, 8))):
        at = START + timedelta(seconds=5 * number)
        fields: dict[str, Any] = dict(USUAL)
        for name in draw(st.lists(st.sampled_from(sorted(USUAL)), max_size=2)):
            fields[name] = draw(STRANGE)
        for name in draw(st.lists(st.sampled_from(sorted(USUAL)), max_size=3)):
            fields.pop(name, None)
        mapping = {
            "source": "somewhere",
            **fields,
            "event_id": f"S{number}",
            "event_time": at.isoformat(),
            "kind": draw(st.sampled_from(["business", "risk", "exception", "market", "system"])),
            "type": draw(st.sampled_from(TYPES)),
        }
        parsed = parse_event(mapping, default_arrival=None, now=at)
        if isinstance(parsed, Event):
            found.append(parsed)
    return found


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=strange_events())
def test_no_event_that_the_log_takes_stops_a_round(
    made: Path, tmp_path_factory: pytest.TempPathFactory, events: list[Event]
):
    folder = tmp_path_factory.mktemp("strange")
    facts = [*opening_book(net="-7500"), in_transit("7500"), *basis_history()]
    with a_house(made, folder, facts) as house:
        if events:
            house.append(*events)
        house.look()
        house.arrive(timeout("RK1", 60))
        assert "EXPOSURE_CRITICAL" in house.codes()
        with house.store.reader() as connection:
            read = int(positions.read(connection, "watcher") or 0)
        assert read == house.log.stats().last_position
        reasons = {one.reason for one in house.records(action="event.unreadable")}
        assert "EVENT_FAILED" not in reasons


@pytest.mark.parametrize(
    ("what", "fields", "code"),
    [
        ("order.create", {"order": "O1", "side": "buy", "qty": -1}, "IMPORT_NEGATIVE"),
        ("order.create", {"order": "O1", "qty": 5}, "ORDER_INCOMPLETE"),
        ("order.create", {"side": "buy", "qty": 5}, "ORDER_MISSING"),
        ("order.create", {"order": "O1", "side": "buy", "qty": 10**16}, "QUANTITY_RANGE"),
        ("inbound.timeout", {"qty": 5}, "RECEIPT_MISSING"),
        ("inbound.post", {"receipt": "R"}, "RECEIPT_UNKNOWN"),
        ("position.update", {"key": "k", "qty": 1}, "POSITION_VERSION_MISSING"),
        ("position.update", {"key": "k", "version": 1, "qty": "1.5"}, "LOTS_INVALID"),
        ("spot.quote", {"price": "dear", "kind": "market"}, "PRICE_INVALID"),
    ],
)
def test_an_event_of_the_book_that_cannot_be_read_is_a_data_issue_on_record(
    house: House, what: str, fields: dict[str, Any], code: str
):
    one = event(what, 0, **fields)
    house.arrive(one, timeout("RK1", 10))
    (found,) = house.records(action="event.unreadable")
    assert (found.object_id, found.outcome, found.reason) == (one.event_id, "data_issue", code)
    assert found.org == EAST
    assert "EXPOSURE_CRITICAL" in house.codes()


# --- an event that nothing can be done with -----------------------------------------------------


class Trap:
    """Makes every event with one number fail, wherever the watcher meets it."""

    def __init__(self, number: str, fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        real = agents.taking_in.event_fact

        def fails(one: Event, *more: Any) -> Any:
            if one.order == number:
                raise fault
            return real(one, *more)

        monkeypatch.setattr(agents.taking_in, "event_fact", fails)


def rounds(house: House, most: int) -> int:
    """Rounds until the log is read, failing ones among them."""
    for number in range(1, most + 1):
        try:
            if not house.watcher.run_once(house.now).events:
                return number
        except ArithmeticError:
            continue
    return math.inf  # type: ignore[return-value]


def test_an_event_that_fails_again_and_again_is_set_aside_on_record(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    Trap("BAD", ArithmeticError("no"), monkeypatch)
    bad = event("login", 20, order="BAD")
    house.append(timeout("RK1", 0), event("login", 5), bad, timeout("RK2", 30))
    assert rounds(house, 20) < 20
    (found,) = house.records(action="event.unreadable")
    assert (found.object_id, found.reason) == (bad.event_id, "EVENT_FAILED")
    assert house.codes().count("EXPOSURE_CRITICAL") == 2
    house.restart()  # the bad event stands in the log from which the correlations are made again
    house.arrive(*(timeout(f"R{number}", 40 + number) for number in range(4)))
    assert "INBOUND_TIMEOUT_CLUSTER" in house.codes()


def test_a_fault_of_the_house_sets_no_event_aside(house: House, monkeypatch: pytest.MonkeyPatch):
    house.append(timeout("RK1", 0))
    with monkeypatch.context() as patch:

        def full(*_: Any, **__: Any) -> None:
            raise LogFailedError("the disk is full")

        patch.setattr(type(house.log), "append_facts", full)
        for _ in range(10):
            with pytest.raises(LogFailedError):
                house.watcher.run_once(house.now)
    assert house.records(action="event.unreadable") == []
    house.look()
    assert house.codes() == ["EXPOSURE_CRITICAL"]
