"""Messages that came in: accepted once by the sender's own key, consumed once with an outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from store.schema import table
from store.tables import InboxRow as _Row
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new

_INBOX = table(str(_Row.__tablename__))
_C = _INBOX.c


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One accepted message, not yet consumed."""

    id: int
    source: str
    key: str
    payload: dict[str, Any]
    accepted_at: datetime


def accept(uow: UnitOfWork, source: str, key: str, payload: dict[str, Any]) -> bool:
    """Keep a message for consumption; False when this source sent `key` before."""
    row = {
        "source": source,
        "message_key": key,
        "payload": payload,
        "state": "pending",
        "accepted_at": uow.now,
        "consumed_at": None,
        "outcome": None,
    }
    return insert_new(uow.connection, _INBOX, row)


def pending(connection: Connection, limit: int = 100) -> list[InboxRow]:
    """Messages that nobody has consumed, in the order of acceptance."""
    rows = connection.execute(
        select(_INBOX).where(_C.state == "pending").order_by(_C.id).limit(limit)
    )
    return [
        InboxRow(row.id, row.source, row.message_key, row.payload, row.accepted_at) for row in rows
    ]


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
