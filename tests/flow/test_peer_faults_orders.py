"""Faults of peers around the work order itself: re-fires, closing, re-opening, flaps, the log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_guards import fails_with, gives
from flow_house import EAST, House, house
from sqlalchemy import select, update
from structlog.testing import capture_logs
from test_api_writes import EVENT
from test_slack_flow import CLOSING

import agents.assessor
import service.closing
import store.unit_of_work
import workorders.ending
import workorders.guard
import workorders.ingest
from auditlog.port import Receipt
from store.errors import MissingActor, UnrecordedChange
from workorders import State, reads
from workorders.rows import ORDERS

JSON = "/api/v1"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with capture_logs(), house(tmp_path) as made:
        yield made


def resolved(town: House) -> Any:
    order = town.breach()
    answer = town.client("chen").post(f"{JSON}/orders/{order.id}/resolve", json={"text": "hedged"})
    assert answer.status_code == 200, answer.text
    return order


def stream(town: House, order_id: str) -> list[Any]:
    with town.app.store.reader() as connection:
        return list(reads.stream(connection, order_id))


# --- notes lost on re-fire ----------------------------------------------------------------------


def notes_lost_on_refire(town: House) -> None:
    """Keep 2292: what people did stays when the alert comes again."""
    order = town.breach()
    api = f"{JSON}/orders/{order.id}"
    assert town.client("chen").post(f"{api}/take-over", json={}).status_code == 200
    spoken = town.client("chen").post(f"{api}/note", json={"text": "spoke to the bank"})
    assert spoken.status_code == 200
    before = town.order(order.id)
    town.pass_time(minutes=5)
    assert town.buy(1400).status_code == 200
    town.run_agents()
    (after,) = town.orders()
    assert after.count > before.count
    for kept in ("owner", "state", "acknowledged_by", "acknowledged_at", "tags", "version"):
        assert getattr(after, kept) == getattr(before, kept), f"lost on re-fire: {kept}"
    assert "spoke to the bank" in [one.text for one in stream(town, order.id)]


def test_fault_notes_lost_on_refire(town: House) -> None:
    notes_lost_on_refire(town)


def test_the_guard_against_notes_lost_on_refire_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A re-fire that writes the order anew instead of counting on it."""
    real = workorders.ingest.rows.save_order

    def anew(uow: Any, order: Any, *, was: int) -> None:
        fresh = replace(order, owner="", state=State.OPEN, acknowledged_at=None, acknowledged_by="")
        real(uow, fresh if uow.actor.startswith("system:") or order.count > 1 else order, was=was)

    monkeypatch.setattr(workorders.ingest.rows, "save_order", anew)
    fails_with("lost on re-fire", notes_lost_on_refire, town)


# --- closing while firing, closing on a dead feed -----------------------------------------------


def closing_while_firing(town: House) -> None:
    """OnCall 5392: the live value refuses, whoever closes and whatever the answers."""
    order = resolved(town)
    answer = town.client("lin").post(f"{JSON}/orders/{order.id}/close", json=CLOSING)
    assert town.order(order.id).state is State.RESOLVED, "closed while it holds"
    assert (answer.status_code, answer.json()["code"]) == (409, "CONDITION_HOLDS")
    assert answer.json()["params"]["value"] == "1300"


def closing_on_a_dead_feed(town: House) -> None:
    """The last figures look well, but something has arrived since that nobody has read."""
    order = resolved(town)
    town.pass_time(minutes=5)
    assert town.buy(500).status_code == 200
    assert town.client("chen").post(f"{JSON}/events", json=EVENT).status_code == 200
    town.pass_time(minutes=2)
    answer = town.client("lin").post(f"{JSON}/orders/{order.id}/close", json=CLOSING)
    assert town.order(order.id).state is State.RESOLVED, "closed on figures that are not live"
    assert (answer.status_code, answer.json()["code"]) == (409, "STALE_INPUTS")


def test_fault_closing_while_firing(town: House) -> None:
    closing_while_firing(town)


def test_fault_closing_on_a_dead_feed(town: House) -> None:
    closing_on_a_dead_feed(town)


def test_the_guard_against_closing_while_firing_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.guard, "_live", gives(("", {})))
    fails_with("closed while it holds", closing_while_firing, town)


def test_the_guard_against_closing_on_a_dead_feed_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.closing, "_behind", gives(False))
    fails_with("closed on figures that are not live", closing_on_a_dead_feed, town)


# --- re-open, then close without a new reason ---------------------------------------------------


def closed_again_without_a_reason(town: House) -> None:
    """What was answered at the first closing does not answer for the second."""
    order = resolved(town)
    town.pass_time(minutes=5)
    assert town.buy(500).status_code == 200
    api = f"{JSON}/orders"
    assert town.client("lin").post(f"{api}/{order.id}/close", json=CLOSING).status_code == 200
    officer = town.signed_in("chen")
    officer.post(f"/orders/{order.id}/reopen", data={"reason": " "})
    assert len(town.orders()) == 1, "re-opened without a reason"
    officer.post(f"/orders/{order.id}/reopen", data={"reason": "the bank reversed it"})
    (new,) = [one for one in town.orders() if one.reopened_from == order.id]
    assert town.order(order.id).state is State.CLOSED
    assert town.client("chen").post(f"{api}/{new.id}/resolve", json={}).status_code == 200
    town.signed_in("lin").post(f"/orders/{new.id}/close", data={})
    for left_out in ({"disposition": "x"}, {"root_cause": "-"}, {"corrective": None}):
        body = {**CLOSING, **left_out}
        again = town.client("lin").post(f"{api}/{new.id}/close", json=body)
        assert town.order(new.id).state is State.RESOLVED, "closed without a new reason"
        assert again.status_code in {409, 422}


def test_fault_reopened_and_closed_without_a_new_reason(town: House) -> None:
    closed_again_without_a_reason(town)


def test_the_guard_against_reopened_and_closed_without_a_new_reason_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.guard, "_missing_answer", gives(""))
    fails_with("closed without a new reason", closed_again_without_a_reason, town)


# --- a background job with no actor -------------------------------------------------------------


def job_without_an_actor(town: House) -> None:
    """Marble's trigger writes nothing for a job: here a job has a name and leaves a record."""
    order = town.breach()
    named = {actor for actor in _actors(town) if actor.startswith("system:")}
    assert named >= {"system:escalator"}
    for nobody in ("", " "):
        with pytest.raises(MissingActor), town.app.store.unit_of_work(nobody):
            pass
    change = update(ORDERS).where(ORDERS.c.id == order.id).values(owner="nobody")
    with suppress(UnrecordedChange), town.app.store.unit_of_work("system:job") as uow:
        uow.execute(change)
    assert town.order(order.id).owner == "", "changed without a record"


def _actors(town: House) -> set[str]:
    from trail.tables import RECORD

    with town.app.store.reader() as connection:
        return set(connection.scalars(select(RECORD.c.actor)))


def test_fault_background_job_without_an_actor(town: House) -> None:
    job_without_an_actor(town)


def test_the_guard_against_background_job_without_an_actor_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.unit_of_work, "is_plumbing", gives(True))
    fails_with("changed without a record", job_without_an_actor, town)


# --- a flap inside group_wait -------------------------------------------------------------------


def flap_without_a_trace(town: House) -> None:
    """Above the limit and back within the group wait: nobody is told, and all is on record."""
    assert town.limit(1000).status_code == 200
    assert town.buy(1050).status_code == 200
    town.pass_time(seconds=5)
    assert town.buy(500).status_code == 200
    assert town.slack.messages == []
    with town.app.store.reader() as connection:
        alerts = reads.list_alerts(connection, [EAST]).items
        lines = [one.code for alert in alerts for one in reads.alert_stream(connection, alert.id)]
    assert {"alert.raise", "match.record"} <= set(lines)
    assert "condition.cross" in lines, "a crossing left no trace"
    assert town.actions().count("condition.cross") == 2, "a crossing left no trace"


def test_fault_flap_inside_group_wait_leaves_no_trace(town: House) -> None:
    flap_without_a_trace(town)


def test_the_guard_against_flap_inside_group_wait_leaves_no_trace_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents.assessor, "record_crossing", gives(0))
    fails_with("a crossing left no trace", flap_without_a_trace, town)


# --- the log under load -------------------------------------------------------------------------


def log_dropped_under_load(town: House) -> None:
    """What was answered 200 is in the log, from many callers at once, each event once."""
    town.client("chen")  # the token is made once, before the threads

    def feed(number: int) -> int:
        batch = [{**EVENT, "event_id": f"L-{number}-{place}"} for place in range(50)]
        answer = town.client("chen").post(f"{JSON}/events", json=batch)
        return len(batch) if answer.status_code == 200 else 0

    with ThreadPoolExecutor(8) as callers:
        answered = sum(callers.map(feed, range(40)))
    assert answered > 0
    assert town.app.log.stats().events == answered, "answered and dropped"


def test_fault_log_dropped_under_load(town: House) -> None:
    log_dropped_under_load(town)


def test_the_guard_against_log_dropped_under_load_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log with a queue that drops a batch when another is being written."""
    log = town.app.log
    real, taken = log.append, []

    def append(events: Any, *more: Any, **named: Any) -> Any:
        taken.append(0)
        if len(taken) % 2:
            return real(events, *more, **named)
        return Receipt(accepted=len(list(events)), duplicates=0, quarantined=0, last_position=0)

    monkeypatch.setattr(type(log), "append", lambda _self, *given, **named: append(*given, **named))
    fails_with("answered and dropped", log_dropped_under_load, town)
