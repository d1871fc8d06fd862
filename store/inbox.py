"""Messages that came in: accepted once by the sender's own key, consumed once with an outcome.

What cannot be carried out is put off, and in the end given up: a dead letter that people see.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from store.schema import table
from store.tables import InboxRow as _Row
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new

_INBOX = table(str(_Row.__tablename__))
_C = _INBOX.c


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One accepted message, not yet consumed; `tries` counts the attempts that failed."""

    id: int
    source: str
    key: str
    payload: dict[str, Any]
    accepted_at: datetime
    tries: int = 0
    error: str = ""


def accept(uow: UnitOfWork, source: str, key: str, payload: dict[str, Any]) -> bool:
    """Keep a message for consumption; False when this source sent `key` before."""
    return insert_new(uow.connection, _INBOX, _new(uow, source, key, payload))


def settle(
    uow: UnitOfWork, source: str, key: str, payload: dict[str, Any], outcome: dict[str, Any]
) -> bool:
    """Keep a message that this very transaction carries out, with what came of it.

    False when this source sent `key` before.
    """
    row = _new(uow, source, key, payload)
    row |= {"state": "consumed", "consumed_at": uow.now, "outcome": outcome}
    return insert_new(uow.connection, _INBOX, row)


def _new(uow: UnitOfWork, source: str, key: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": source,
        "message_key": key,
        "payload": payload,
        "state": "pending",
        "accepted_at": uow.now,
        "consumed_at": None,
        "outcome": None,
        "tries": 0,
        "due_at": uow.now,
        "error": "",
    }


def pending(
    connection: Connection,
    limit: int = 100,
    *,
    source: str | None = None,
    now: datetime | None = None,
) -> list[InboxRow]:
    """Messages that nobody has consumed, in the order of acceptance.

    Args:
        connection: to read from.
        limit: how many at most.
        source: only those of this source.
        now: leave out those that were put off beyond it.
    """
    query = select(_INBOX).where(_C.state == "pending")
    if source is not None:
        query = query.where(_C.source == source)
    if now is not None:
        query = query.where(_C.due_at <= now)
    return _rows(connection, query.order_by(_C.id).limit(limit))


def payload(connection: Connection, source: str, key: str) -> dict[str, Any] | None:
    """What this source sent under `key`; None when it never did."""
    found: dict[str, Any] | None = connection.scalar(
        select(_C.payload).where(_C.source == source, _C.message_key == key)
    )
    return found


def dead_letters(connection: Connection, limit: int = 100) -> list[InboxRow]:
    """Messages that were given up, in the order of acceptance."""
    return _rows(connection, select(_INBOX).where(_C.state == "dead").order_by(_C.id).limit(limit))


def _rows(connection: Connection, query: Select[Any]) -> list[InboxRow]:
    return [
        InboxRow(
            row.id, row.source, row.message_key, row.payload, row.accepted_at, row.tries, row.error
        )
        for row in connection.execute(query)
    ]


def put_off(uow: UnitOfWork, message_id: int, error: str, at: datetime, *, count: bool) -> bool:
    """Leave a message for later; False when it is not pending any more.

    Args:
        uow: the transaction.
        message_id: the row's id.
        error: why the attempt failed.
        at: when to try again.
        count: whether this counts as one of the message's own failures.
    """
    put = update(_INBOX).where(_C.id == message_id, _C.state == "pending")
    values = put.values(due_at=at, error=error, tries=_C.tries + int(count))
    return bool(uow.connection.execute(values).rowcount == 1)


def dead(uow: UnitOfWork, message_id: int, error: str, outcome: dict[str, Any]) -> bool:
    """Give a message up, with what its sender is told; False when it is not pending any more."""
    result = uow.connection.execute(
        update(_INBOX)
        .where(_C.id == message_id, _C.state == "pending")
        .values(state="dead", consumed_at=uow.now, outcome=outcome, error=error, tries=_C.tries + 1)
    )
    return bool(result.rowcount == 1)


def consume(uow: UnitOfWork, message_id: int, outcome: dict[str, Any]) -> bool:
    """Mark a message as done, with what came of it; False when it already was."""
    result = uow.connection.execute(
        update(_INBOX)
        .where(_C.id == message_id, _C.state == "pending")
        .values(state="consumed", consumed_at=uow.now, outcome=outcome)
    )
    return bool(result.rowcount == 1)


def outcome(connection: Connection, source: str, key: str) -> dict[str, Any] | None:
    """What came of a message; None when it is unknown or not consumed yet."""
    found: dict[str, Any] | None = connection.scalar(
        select(_C.outcome).where(_C.source == source, _C.message_key == key)
    )
    return found
