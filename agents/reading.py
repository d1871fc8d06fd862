"""How far the watcher has read, and what it does about an event that makes its round fail.

A round that fails is read again event by event; an event that alone fails again and again, and not
because the house is down, is set aside on record, so that one bad event never blinds the watcher.
"""

from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import trail
from auditlog.errors import (
    LogBusyError,
    LogClosedError,
    LogFailedError,
    LogUnavailableError,
)
from auditlog.events import Event
from auditlog.port import StoredEvent
from store import DiskFull, UnitOfWork, positions
from store.clock import parse_rfc3339, rfc3339
from store.problems import Problem, shorten
from store.schema import table

POSITION = "watcher"
WATERMARK = "watcher.watermark"
BATCH = 500
TRIES = 3

#: Faults of the house, not of an event: they pass, and nothing is given up for them.
PASSING = (
    DiskFull,
    InterfaceError,
    LogBusyError,
    LogClosedError,
    LogFailedError,
    LogUnavailableError,
    MemoryError,
    OSError,
    OperationalError,
    PoolTimeout,
)

_POSITION = table("store_position")
_log = structlog.get_logger(__name__)


class Stand(NamedTuple):
    """The position of the last event read, and the time up to which the log was judged."""

    position: int = 0
    mark: datetime | None = None


def stand_of(connection: Connection, *, lock: bool = False) -> Stand:
    """How far the log has been read; `lock` keeps others from reading on until the commit."""
    c = _POSITION.c
    query = select(c.name, c.value).where(c.name.in_([POSITION, WATERMARK]))
    # In one order, so that two processes never wait for each other. SQLite has locked already.
    found = connection.execute(query.order_by(c.name).with_for_update() if lock else query)
    values = {row.name: row.value for row in found}
    mark = values.get(WATERMARK)
    return Stand(int(values.get(POSITION) or 0), parse_rfc3339(mark) if mark else None)


def write_stand(uow: UnitOfWork, old: Stand, position: int | None, mark: datetime) -> Stand:
    """Remember how far the log has been read; the time up to which it was judged never goes back.

    Args:
        uow: the round's transaction.
        old: the stand before it.
        position: of the last event read; None when none was.
        mark: the time up to which the log was judged.
    """
    new = Stand(
        old.position if position is None else position,
        mark if old.mark is None else max(mark, old.mark),
    )
    if new.position != old.position:
        positions.write(uow, POSITION, str(new.position))
    if new.mark is not None and new.mark != old.mark:
        positions.write(uow, WATERMARK, rfc3339(new.mark))
    return new


class Patience:
    """How many events the next round takes, and which event is given up."""

    def __init__(self) -> None:
        self._until = 0
        self._at = 0
        self._tries = 0

    def most(self, position: int) -> int:
        """How many events to read after `position`: one while a failed round is read again."""
        return 1 if position < self._until else BATCH

    def failed(self, first: int, last: int, fault: Exception) -> bool:
        """Note that a round over these positions failed; whether its one event is given up."""
        if isinstance(fault, PASSING):
            return False
        self._until = max(self._until, last)
        if first != last:
            return False
        self._tries = self._tries + 1 if self._at == first else 1
        self._at = first
        return self._tries >= TRIES


def set_aside(uow: UnitOfWork, stored: StoredEvent, fault: Exception) -> None:
    """Leave an event behind for a person to look at."""
    _log.error("event set aside", event_id=stored.event.event_id, fault=repr(fault))
    problem = Problem(
        "EVENT_FAILED", found=shorten(stored.event.event_id), params={"fault": type(fault).__name__}
    )
    unreadable(uow, stored.event, problem)
    positions.write(uow, POSITION, str(stored.position))


def unreadable(uow: UnitOfWork, event: Event, problem: Problem) -> None:
    """An event that concerns the book and cannot be read: recorded, so that nothing is lost."""
    trail.record(
        uow,
        kind="decision",
        action="event.unreadable",
        object_type="event",
        object_id=event.event_id,
        org=event.org,
        outcome="data_issue",
        reason=problem.code,
        body={"problem": problem.as_dict(), "type": event.type},
    )
