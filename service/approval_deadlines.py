"""What time does to requests for approval: deadlines take effect, each request for itself."""

from datetime import datetime, timedelta

import structlog

import approvals
import trail
from agents.delivery import back_off
from agents.reading import PASSING
from approvals import State
from approvals.state import Verb
from service.application import Application
from service.approval_refresh import ACTOR, refresh
from service.approving import act
from service.delegating import tell_begun
from store import UnitOfWork, inbox
from store.inbox import InboxRow
from store.problems import shorten

#: Requests whose deadline could not take effect stand in the inbox under this source.
SOURCE = "approval_deadline"
#: After so many failures it is told in the trail, once.
TOLD_AFTER = 8
FAILED = "DEADLINE_FAILED"
_MOST = 10_000
_HOUSE_WAIT = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


def run_due(app: Application, now: datetime) -> int:
    """Let what time brings take effect, and show cards anew; returns how many there were.

    Deadlines that have passed; delegations that have begun.

    A request that fails is put off, tried again at longer and longer intervals (a quarter of an
    hour at most), and holds no other back. Its fault stands in the service's log, with the messages
    that wait, and after `TOLD_AFTER` failures in the trail.
    """
    with app.store.reader() as connection:
        due = approvals.due(connection, now)
        waiting = {one.key: one for one in inbox.pending(connection, _MOST, source=SOURCE)}
        ready = {one.key for one in inbox.pending(connection, _MOST, source=SOURCE, now=now)}
    keys = {_key(state) for state in due}
    moved_on = [row for key, row in waiting.items() if key not in keys]
    if moved_on:
        with app.store.unit_of_work(ACTOR) as uow:
            for row in moved_on:
                inbox.consume(uow, row.id, {"code": "ALREADY_DONE"})
    ready |= keys - waiting.keys()
    done = sum(_run_one(app, one, waiting.get(_key(one))) for one in due if _key(one) in ready)
    return done + tell_begun(app, now) + refresh(app)


def _run_one(app: Application, state: State, row: InboxRow | None) -> bool:
    try:
        with app.store.unit_of_work(ACTOR) as uow:
            act(uow, app, app.context(), state.id, Verb.TIMEOUT, state.version)
            if row is not None:
                inbox.consume(uow, row.id, {"code": "DONE"})
    except Exception as fault:  # noqa: BLE001 - one request must not hold back the others
        tries = (row.tries if row is not None else 0) + 1
        error = f"{type(fault).__name__}: {shorten(str(fault))}"
        _log.error("a deadline had no effect", request=state.id, tries=tries, fault=error)
        with app.store.unit_of_work(ACTOR) as uow:
            _put_off(uow, state, tries, error, passing=isinstance(fault, PASSING))
        return False
    return True


def _key(state: State) -> str:
    return f"{state.id}/{state.version}"


def _put_off(uow: UnitOfWork, state: State, tries: int, error: str, *, passing: bool) -> None:
    """A fault of the house passes and lengthens no wait."""
    inbox.accept(uow, SOURCE, _key(state), {"request": state.id, "version": state.version})
    known = inbox.pending(uow.connection, _MOST, source=SOURCE)
    row = next(one for one in known if one.key == _key(state))
    wait = _HOUSE_WAIT if passing else back_off(tries, 0)
    inbox.put_off(uow, row.id, error, uow.now + wait, count=not passing)
    if tries == TOLD_AFTER and not passing:
        trail.record(
            uow,
            kind="decision",
            action="approval.timeout",
            object_type="approval",
            object_id=state.id,
            org=state.subject.org,
            outcome="failed",
            reason=FAILED,
            body={"fault": error, "tries": tries, "version": state.version},
        )
