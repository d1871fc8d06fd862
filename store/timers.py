"""Occasions in the future, each of which happens exactly once.

A timer's key names one occasion. Setting an armed key moves it, setting a cancelled one arms it
again, and setting a fired one does nothing: what has happened does not happen twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from store.engine import is_sqlite
from store.schema import table
from store.tables import TimerRow as _Row
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new

_TIMER = table(str(_Row.__tablename__))
_C = _TIMER.c
#: After every key that begins with the same prefix.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Timer:
    """One armed timer."""

    id: int
    key: str
    kind: str
    due_at: datetime
    payload: dict[str, Any]
    set_at: datetime


def set_timer(
    uow: UnitOfWork,
    *,
    key: str,
    kind: str,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
    first: bool = False,
) -> bool:
    """Arm, move or re-arm a timer; False when this key has fired already.

    With `first` the caller knows that the key cannot have been used: the timer goes in together
    with the unit's others, and a key that was used all the same makes the unit fail.
    """
    values: dict[str, Any] = {
        "kind": kind,
        "due_at": due_at,
        "payload": payload or {},
        "state": "armed",
        "set_at": uow.now,
        "settled_at": None,
    }
    if first:
        uow.add(_TIMER, {"timer_key": key, **values})
        return True
    if insert_new(uow.connection, _TIMER, {"timer_key": key, **values}):
        return True
    result = uow.connection.execute(
        update(_TIMER).where(_C.timer_key == key, _C.state != "fired").values(**values)
    )
    return bool(result.rowcount == 1)


def cancel(uow: UnitOfWork, *, key: str | None = None, prefix: str | None = None) -> int:
    """Disarm the timer of that key, or all whose key starts with `prefix`; returns how many.

    Raises:
        ValueError: unless exactly one of the two is given; an empty prefix would disarm all.
    """
    if (key is None) == (prefix is None) or prefix == "":
        raise ValueError("cancel takes either a key or a prefix that is not empty")
    if key is not None:
        chosen: ColumnElement[bool] = and_(_C.timer_key == key, _C.state == "armed")
    else:
        chosen = _armed_under(uow.connection, str(prefix))
    result = uow.connection.execute(
        update(_TIMER).where(chosen).values(state="cancelled", settled_at=uow.now)
    )
    return int(result.rowcount)


def _armed_under(connection: Connection, prefix: str) -> ColumnElement[bool]:
    """Armed timers whose key begins with `prefix`.

    A range finds them by an index of the key; a LIKE alone would look at every armed timer.
    SQLite compares text by bytes. PostgreSQL's order is the collation's; its operators with a tilde
    compare by bytes and have an index of their own.
    """
    key = _C.timer_key
    like = key.startswith(prefix, autoescape=True)
    if is_sqlite(connection):
        first, last = key >= prefix, key < prefix + _LAST
    else:
        first = key.bool_op("~>=~")(prefix)
        last = key.bool_op("~<~")(prefix + _LAST)
    # An expression in the place of the state keeps the planner from the index of the states.
    armed = _C.state.concat("") == "armed"
    return and_(first, last, like, armed)


def due(connection: Connection, now: datetime, limit: int = 100) -> list[Timer]:
    """Armed timers due at `now`, in the order (due time, id)."""
    return _armed(connection, now, limit)


def fire(uow: UnitOfWork, timer_id: int, *, now: datetime | None = None) -> bool:
    """Mark a due timer as fired, in the commit that does its work.

    False when it was fired or cancelled by another, or moved beyond `now` (default: the unit's
    time); then the caller must not do the work.
    """
    result = uow.connection.execute(
        update(_TIMER)
        .where(_C.id == timer_id, _C.state == "armed", _C.due_at <= (now or uow.now))
        .values(state="fired", settled_at=uow.now)
    )
    return bool(result.rowcount == 1)


def next_due(connection: Connection) -> datetime | None:
    """When the next armed timer is due; None when there is none."""
    statement = select(_C.due_at).where(_C.state == "armed").order_by(_C.due_at, _C.id).limit(1)
    return connection.scalar(statement)


def find(connection: Connection, prefix: str) -> list[Timer]:
    """Armed timers whose key starts with `prefix`, earliest first."""
    rows = connection.execute(
        select(_TIMER).where(_armed_under(connection, prefix)).order_by(_C.due_at, _C.id)
    )
    return [_timer(row) for row in rows]


def overdue(
    connection: Connection, now: datetime, *, by: timedelta, limit: int = 100
) -> list[Timer]:
    """Armed timers that should have fired more than `by` ago: someone is not running."""
    return _armed(connection, now - by - timedelta(microseconds=1), limit)


def _armed(connection: Connection, until: datetime, limit: int) -> list[Timer]:
    rows = connection.execute(
        select(_TIMER)
        .where(_C.state == "armed", _C.due_at <= until)
        .order_by(_C.due_at, _C.id)
        .limit(limit)
    )
    return [_timer(row) for row in rows]


def _timer(row: Row[Any]) -> Timer:
    return Timer(row.id, row.timer_key, row.kind, row.due_at, row.payload, row.set_at)
