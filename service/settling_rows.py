"""Settling a row of the audit log's quarantine: the log and the trail stand in two databases.

What a person wishes is kept in the inbox first, in a transaction of its own. Then the log is
changed, and last the trail records what came of it, in the transaction that takes the wish out of
the inbox. A process that dies on the way leaves the wish: `finish` carries it to its end, and a row
that this very wish has settled already is only recorded. So the log never holds what the trail
does not tell, for longer than until the next round of the job.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any, Final

import trail
from auditlog.errors import UnknownRowError
from auditlog.port import QuarantinedRow, Receipt
from service.application import Application
from store import UnitOfWork, inbox
from store.clock import parse_rfc3339, rfc3339
from store.inbox import InboxRow
from store.problems import Problem

SOURCE: Final = "quarantine"
OBJECT: Final = "quarantine"
REPLAY, DISMISS = "replay", "dismiss"
_OUTCOMES: Final[Mapping[str, str]] = {REPLAY: "replayed", DISMISS: "dismissed"}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done with a row.

    Attributes:
        number: the row.
        verb: ``replay`` or ``dismiss``.
        by: the person.
        at: when; with `by` it tells this wish from another about the same row.
        row: the key of the row's content, for the trail.
        org: the unit of the row as mended.
        fields: what is laid over the row.
        reason: why it is dismissed.
    """

    number: int
    verb: str
    by: str
    at: datetime
    row: str
    org: str
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the inbox keeps it."""
        return asdict(self) | {"at": rfc3339(self.at), "fields": dict(self.fields)}


def wish_from(payload: Mapping[str, Any]) -> Wish:
    """The wish that the inbox kept."""
    return Wish(**{**payload, "at": parse_rfc3339(payload["at"])})


#: What the log answered; None when this wish had settled the row before and the answer was lost.
Answered = Receipt | list[Problem] | None


def settle(app: Application, wish: Wish) -> Answered:
    """Do what is wished, and record it.

    Raises:
        UnknownRowError: when somebody else settled the row.
        LogError: when the log does not answer; the wish is kept and carried out by `finish`.
    """
    with app.store.unit_of_work(wish.by) as uow:
        key = f"{wish.number}:{token_hex(8)}"
        inbox.accept(uow, SOURCE, key, wish.as_json())
    with app.store.reader() as connection:
        row = next(one for one in inbox.pending(connection, source=SOURCE) if one.key == key)
    return _carry_out(app, row, wish)


def finish(app: Application) -> int:
    """Carry to its end what a process left behind; how many wishes that were."""
    with app.store.reader() as connection:
        left = inbox.pending(connection, source=SOURCE)
    done = 0
    for row in left:
        try:
            _carry_out(app, row, wish_from(row.payload))
        except UnknownRowError:
            pass  # settled by somebody else: the wish was taken out of the inbox
        except Exception:  # noqa: BLE001 - one wish must not hold back the others
            _LOG.warning("a row of the quarantine is not settled yet", exc_info=True)
            continue
        done += 1
    return done


def _carry_out(app: Application, row: InboxRow, wish: Wish) -> Answered:
    try:
        found = _in_the_log(app, wish)
    except UnknownRowError:
        with app.store.unit_of_work(wish.by) as uow:
            inbox.consume(uow, row.id, {"outcome": "settled_before"})
        raise
    outcome = "refused" if isinstance(found, list) else _OUTCOMES[wish.verb]
    with app.store.unit_of_work(wish.by) as uow:
        # False: another process recorded the same wish in between
        if inbox.consume(uow, row.id, {"outcome": outcome}):
            _record(uow, wish, outcome, found[0].code if isinstance(found, list) else "", found)
    return found


def record_refused(app: Application, wish: Wish, reason: str) -> None:
    """Record that the row stays as it is: what would be stored is wrong still."""
    with app.store.unit_of_work(wish.by) as uow:
        _record(uow, wish, "refused", reason, None)


def _record(uow: UnitOfWork, wish: Wish, outcome: str, reason: str, found: Answered) -> None:
    trail.record(
        uow,
        kind="decision",
        action=f"quarantine.{wish.verb}",
        object_type=OBJECT,
        object_id=str(wish.number),
        org=wish.org,
        outcome=outcome,
        reason=reason,
        body=_body(wish, found),
    )


def _in_the_log(app: Application, wish: Wish) -> Answered:
    try:
        if wish.verb == REPLAY:
            return app.log.quarantine_replay(
                wish.number, dict(wish.fields), by=wish.by, now=wish.at
            )
        app.log.quarantine_dismiss(wish.number, by=wish.by, reason=wish.reason, now=wish.at)
    except UnknownRowError:
        kept = app.log.quarantine_read(wish.number)
        if kept is None or not _settled_by(kept, wish):
            raise
    return None


def _settled_by(row: QuarantinedRow, wish: Wish) -> bool:
    """Whether it was this wish that settled the row."""
    return (row.state, row.settled_by, row.settled_at) == (
        _OUTCOMES[wish.verb], wish.by, wish.at,
    )  # fmt: skip


def _body(wish: Wish, found: Answered) -> dict[str, Any]:
    if wish.verb == DISMISS:
        return {"row": wish.row, "text": wish.reason}
    known = {"accepted": found.accepted} if isinstance(found, Receipt) else {}
    return {"row": wish.row, "fields": dict(wish.fields)} | known
