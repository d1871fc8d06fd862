"""Corrective actions (整改) after closing: followed until somebody says what was done.

Closing an order writes its corrective action down here and sets a timer at the due time. What is
still open then is told to its owner and to who closed the order, and again every week.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from store import timers
from store.schema import table
from store.timers import Timer
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import about_reader
from workorders.context import Context
from workorders.model import Corrective, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify
from workorders.reads import within
from workorders.states import PERMISSIONS, Verb
from workorders.tables import CorrectiveRow

CORRECTIVE = "workorders.corrective"
#: Who may say that another's action is done, and give it more time.
PERMISSION = PERMISSIONS[Verb.CLOSE]
AGAIN = timedelta(days=7)
#: The furthest that an action may be due.
LONGEST = timedelta(days=366)
_TEXT_LIMIT = 4_000
_ROWS = table(str(CorrectiveRow.__tablename__))


def in_time(now: datetime, due: datetime) -> bool:
    """Whether an action may be due then: after now, and not so far off that nobody follows it."""
    return now < due <= now + LONGEST


@dataclass(frozen=True, slots=True)
class Followed:
    """One corrective action.

    Attributes:
        order_id: the closed order that asked for it.
        owner: who answers for it.
        done_at: None while it is open.
        note: what was done.
        moved: how often it was given more time.
    """

    order_id: str
    org: str
    text: str
    owner: str
    due_at: datetime
    closed_by: str
    done_at: datetime | None = None
    done_by: str = ""
    note: str = ""
    moved: int = 0

    def state(self, now: datetime) -> str:
        """``done``, ``overdue`` or ``open``."""
        if self.done_at is not None:
            return "done"
        return "overdue" if now >= self.due_at else "open"


@dataclass(frozen=True, slots=True)
class CorrectiveOutcome:
    """What became of an act.

    Attributes:
        code: ``DONE``, ``ALREADY_DONE``, or the reason of the refusal: ``UNKNOWN_CORRECTIVE``,
            ``FORBIDDEN``, ``NEEDS_TEXT``, ``NEEDS_REASON``, ``CORRECTIVE_DONE``,
            ``CORRECTIVE_OWN`` (nobody gives themselves more time), ``CORRECTIVE_DUE`` (the new
            time is past, or too far off).
    """

    ok: bool
    code: str
    corrective: Followed | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def follow(uow: UnitOfWork, order: WorkOrder, corrective: Corrective) -> None:
    """Begin to follow what closing `order` asked for; the closing itself is on record."""
    one = Followed(
        order.id, order.org, corrective.text, corrective.owner, corrective.due, uow.actor
    )
    uow.execute(insert(_ROWS), _values(one))
    _arm(uow, one, corrective.due, 0)


def finish(uow: UnitOfWork, ctx: Context, order_id: str, note: str) -> CorrectiveOutcome:
    """The action is done: by its owner, or by who may close orders there; says what was done."""
    one = _lock(uow, order_id)
    if one is None:
        return CorrectiveOutcome(False, "UNKNOWN_CORRECTIVE")
    if one.done_at is not None:
        told = {"by": one.done_by, "at": one.done_at}
        return CorrectiveOutcome(True, "ALREADY_DONE", one, told)
    refused = ""
    if uow.actor != one.owner and not _may(uow, ctx, one):
        refused = "FORBIDDEN"
    elif not note.strip():
        refused = "NEEDS_TEXT"
    if refused:
        return _refuse(uow, "order.corrective_done", one, refused)
    done = replace(one, done_at=uow.now, done_by=uow.actor, note=note.strip()[:_TEXT_LIMIT])
    _save(uow, done)
    timers.cancel(uow, prefix=f"corrective/{order_id}/")
    late = {"due_at": one.due_at, "owner": one.owner}
    _tell(uow, "order.corrective_done", one, params=late, text=done.note)
    return CorrectiveOutcome(True, "DONE", done)


def put_off(
    uow: UnitOfWork, ctx: Context, order_id: str, due: datetime, reason: str
) -> CorrectiveOutcome:
    """More time, with a reason: by who may close orders there, never by the owner."""
    one = _lock(uow, order_id)
    if one is None:
        return CorrectiveOutcome(False, "UNKNOWN_CORRECTIVE")
    refused = ""
    if not _may(uow, ctx, one):
        refused = "FORBIDDEN"
    elif one.done_at is not None:
        refused = "CORRECTIVE_DONE"
    elif uow.actor == one.owner:
        refused = "CORRECTIVE_OWN"
    elif not reason.strip():
        refused = "NEEDS_REASON"
    elif not in_time(uow.now, due):
        refused = "CORRECTIVE_DUE"
    if refused:
        return _refuse(uow, "order.corrective_moved", one, refused)
    moved = replace(one, due_at=due, moved=one.moved + 1)
    _save(uow, moved)
    timers.cancel(uow, prefix=f"corrective/{order_id}/")
    _arm(uow, moved, due, 0)
    params = {"due_at": one.due_at, "until": due, "owner": one.owner}
    _tell(uow, "order.corrective_moved", one, params=params, text=reason.strip()[:_TEXT_LIMIT])
    return CorrectiveOutcome(True, "DONE", moved)


def overdue(uow: UnitOfWork, ctx: Context, timer: Timer) -> tuple[str, ...]:
    """The timer is due: who is told; nobody, when it is done or was given more time."""
    one = _lock(uow, str(timer.payload["order"]))
    order = rows.lock_order(uow, str(timer.payload["order"]))
    if one is None or order is None or one.state(uow.now) != "overdue":
        return ()
    people = tuple(dict.fromkeys((one.owner, one.closed_by)))
    params = {
        "due_at": one.due_at,
        "fired_at": uow.now,
        "owner": one.owner,
        "people": list(people),
    }
    _tell(uow, "order.corrective_overdue", one, params=params)
    count = int(timer.payload["count"]) + 1
    _arm(uow, one, max(uow.now, timer.due_at) + AGAIN, count)
    return notify(uow, ctx, order, people, Trigger.CORRECTIVE_OVERDUE, rung=count).people


def find_corrective(connection: Connection, order_id: str) -> Followed | None:
    """The action that an order asked for, if any."""
    found = connection.execute(select(_ROWS).where(_ROWS.c.order_id == order_id))
    row = found.mappings().first()
    return None if row is None else _from(row)


def correctives_of(connection: Connection, order_ids: Sequence[str]) -> dict[str, Followed]:
    """The actions of these orders, by order."""
    wanted = select(_ROWS).where(_ROWS.c.order_id.in_(list(order_ids)))
    return {row["order_id"]: _from(row) for row in connection.execute(wanted).mappings()}


def open_correctives(
    connection: Connection, scopes: Sequence[str], *, owner: str = "", limit: int = 200
) -> list[Followed]:
    """What is still to be done inside `scopes`, the first due first.

    Nothing on an order that is about the reader whom the scopes carry.
    """
    c = _ROWS.c
    own = about_reader(connection, scopes)
    wanted = select(_ROWS).where(c.done_at.is_(None), within(c.org, scopes), c.order_id.not_in(own))
    if owner:
        wanted = wanted.where(c.owner == owner)
    found = connection.execute(wanted.order_by(c.due_at, c.order_id).limit(limit))
    return [_from(row) for row in found.mappings()]


def _may(uow: UnitOfWork, ctx: Context, one: Followed) -> bool:
    return ctx.may(uow.actor, PERMISSION, one.org, uow.now).allowed


def _lock(uow: UnitOfWork, order_id: str) -> Followed | None:
    wanted = select(_ROWS).where(_ROWS.c.order_id == order_id).with_for_update()
    row = uow.execute(wanted).mappings().first()
    return None if row is None else _from(row)


def _save(uow: UnitOfWork, one: Followed) -> None:
    uow.execute(update(_ROWS).where(_ROWS.c.order_id == one.order_id).values(**_values(one)))


def _values(one: Followed) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Followed.__slots__}


def _from(row: RowMapping) -> Followed:
    return Followed(**{name: row[name] for name in Followed.__slots__})


def _arm(uow: UnitOfWork, one: Followed, due_at: datetime, count: int) -> None:
    timers.set_timer(
        uow,
        key=f"corrective/{one.order_id}/{one.moved}/{count}",
        kind=CORRECTIVE,
        due_at=due_at,
        payload={"order": one.order_id, "count": count},
    )


def _refuse(uow: UnitOfWork, action: str, one: Followed, code: str) -> CorrectiveOutcome:
    params = {"permission": PERMISSION} if code == "FORBIDDEN" else {}
    journal.record(
        uow,
        "decision",
        action,
        object_type="work_order",
        object_id=one.order_id,
        org=one.org,
        outcome="refused",
        reason=code,
        body=params,
    )
    return CorrectiveOutcome(False, code, one, params)


def _tell(
    uow: UnitOfWork, action: str, one: Followed, *, params: Mapping[str, Any], text: str = ""
) -> None:
    journal.decision(
        uow,
        action,
        org=one.org,
        outcome="closed",
        params=params,
        text=text,
        order_id=one.order_id,
    )
