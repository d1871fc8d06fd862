"""Messages that must leave the house: written with the change that causes them, sent later.

Delivery is at least once: a sender that dies between sending and `delivered` leaves a lease that
runs out, and the row is claimed again. The key goes out with the message, so that a receiver can
drop the second copy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, or_, select, update

from store.engine import is_sqlite
from store.schema import table
from store.tables import OutboxRow as _Row
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new

_OUTBOX = table(str(_Row.__tablename__))
_C = _OUTBOX.c
_ERROR_LIMIT = 2_000
#: In the buffers of a unit that put or revived a message: there is something to send.
PUT = "store.outbox"

# Built once: making a statement anew costs more than running it.
_FREE = or_(
    and_(_C.state == "pending", _C.due_at <= bindparam("now")),
    and_(_C.state == "claimed", _C.lease_until <= bindparam("now")),
)
_CHOOSE = select(_C.id).where(_FREE).order_by(_C.due_at, _C.id).limit(bindparam("most"))
_CLAIM = (
    update(_OUTBOX)
    .where(_C.id.in_(bindparam("ids", expanding=True)))
    .values(
        state="claimed",
        holder=bindparam("_holder"),
        lease_until=bindparam("_until"),
        attempts=_C.attempts + 1,
    )
)
_READ = (
    select(_OUTBOX).where(_C.id.in_(bindparam("ids", expanding=True))).order_by(_C.due_at, _C.id)
)
_STILL_CLAIMED = (
    select(_C.id)
    .where(_C.id.in_(bindparam("ids", expanding=True)), _C.state == "claimed")
    .order_by(_C.id)
    .with_for_update()
)
_DELIVERED = (
    update(_OUTBOX)
    .where(_C.id == bindparam("_id"))
    .values(
        state="delivered",
        settled_at=bindparam("_at"),
        handle=bindparam("_handle"),
        holder="",
        lease_until=None,
    )
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message.

    Attributes:
        key: idempotency key, unique for ever; hand it to the receiver.
        group: what the message is about (a work order's id), for `cancel` and `find`.
        state: pending, claimed, delivered, dead or cancelled.
        attempts: how often it was claimed.
        handle: what the channel called the delivered message.
        error: the last failure's text.
    """

    id: int
    key: str
    group: str
    channel: str
    target: str
    payload: dict[str, Any]
    state: str
    due_at: datetime
    put_at: datetime
    settled_at: datetime | None
    lease_until: datetime | None
    holder: str
    attempts: int
    handle: str
    error: str


def put(
    uow: UnitOfWork,
    *,
    channel: str,
    target: str,
    payload: dict[str, Any],
    key: str,
    due_at: datetime | None = None,
    group: str = "",
    first: bool = False,
) -> bool:
    """Have a message sent at `due_at` (default: now); False when `key` was used before.

    With `first` the caller knows that it cannot have been used: the message goes in together with
    the unit's others, and a key that was used all the same makes the unit fail.
    """
    uow.buffers[PUT] = True
    row = {
        "message_key": key,
        "message_group": group,
        "channel": channel,
        "target": target,
        "payload": payload,
        "state": "pending",
        "due_at": due_at or uow.now,
        "put_at": uow.now,
        "settled_at": None,
        "lease_until": None,
        "holder": "",
        "attempts": 0,
        "handle": "",
        "error": "",
    }
    if first:
        uow.add(_OUTBOX, row)
        return True
    return insert_new(uow.connection, _OUTBOX, row)


def redraw(uow: UnitOfWork, key: str, payload: dict[str, Any]) -> bool:
    """Give a message that nobody has claimed yet another content; False when it is under way."""
    result = uow.connection.execute(
        update(_OUTBOX)
        .where(_C.message_key == key, _C.state == "pending", _C.attempts == 0)
        .values(payload=payload)
    )
    return bool(result.rowcount == 1)


def claim(
    uow: UnitOfWork,
    *,
    channels: Sequence[str] | None = None,
    limit: int,
    lease_s: float,
    holder: str,
) -> list[OutboxRow]:
    """Take up to `limit` due messages for `lease_s` seconds, oldest due first.

    A message whose lease ran out is due again. Two claimers never get the same row.
    """
    chosen = _CHOOSE if channels is None else _CHOOSE.where(_C.channel.in_(channels))
    if not is_sqlite(uow.connection):
        chosen = chosen.with_for_update(skip_locked=True)
    ids = list(uow.connection.scalars(chosen, {"now": uow.now, "most": limit}))
    if not ids:
        return []
    until = uow.now + timedelta(seconds=lease_s)
    uow.connection.execute(_CLAIM, {"ids": ids, "_holder": holder, "_until": until})
    rows = uow.connection.execute(_READ, {"ids": ids})
    return [_message(row) for row in rows]


def delivered(uow: UnitOfWork, message_id: int, handle: str = "") -> bool:
    """Settle a claimed message as sent; False when it is not claimed any more."""
    return bool(delivered_all(uow, {message_id: handle}))


def delivered_all(uow: UnitOfWork, handles: Mapping[int, str]) -> frozenset[int]:
    """Settle claimed messages as sent: id → handle; gives the ids that were still claimed."""
    claimed = sorted(uow.connection.scalars(_STILL_CLAIMED, {"ids": list(handles)}))
    if claimed:
        uow.connection.execute(
            _DELIVERED, [{"_id": one, "_at": uow.now, "_handle": handles[one]} for one in claimed]
        )
    return frozenset(claimed)


def retry(uow: UnitOfWork, message_id: int, error: str, at: datetime) -> bool:
    """Give a claimed message back, to be tried again at `at`; False when it is not claimed."""
    return _settle(uow, message_id, state="pending", due_at=at, error=error[:_ERROR_LIMIT])


def give_back(uow: UnitOfWork, message_ids: Sequence[int], holder: str) -> int:
    """Claimed messages that were not tried go back as they were; how many still were `holder`'s.

    The claim counts as no attempt.
    """
    result = uow.connection.execute(
        update(_OUTBOX)
        .where(_C.id.in_(message_ids), _C.state == "claimed", _C.holder == holder)
        .values(state="pending", attempts=_C.attempts - 1, holder="", lease_until=None)
    )
    return result.rowcount


def take_back(uow: UnitOfWork, gone: Callable[[str], bool]) -> int:
    """Messages that died with their sender are due again at once; how many.

    They may have been sent: the claim counts as an attempt.
    """
    claimed = select(_C.holder).where(_C.state == "claimed").distinct()
    dead = [one for one in uow.connection.scalars(claimed) if gone(one)]
    if not dead:
        return 0
    uow.buffers[PUT] = True
    result = uow.connection.execute(
        update(_OUTBOX)
        .where(_C.state == "claimed", _C.holder.in_(dead))
        .values(state="pending", holder="", lease_until=None)
    )
    return int(result.rowcount)


def dead(uow: UnitOfWork, message_id: int, error: str) -> bool:
    """Give a claimed message up, for a person to look at; False when it is not claimed."""
    return _settle(uow, message_id, state="dead", settled_at=uow.now, error=error[:_ERROR_LIMIT])


def call_off(uow: UnitOfWork, message_id: int, error: str) -> bool:
    """Give a claimed message back that is not wanted any more; False when it is not claimed."""
    return _settle(
        uow, message_id, state="cancelled", settled_at=uow.now, error=error[:_ERROR_LIMIT]
    )


def revive(uow: UnitOfWork, message_id: int) -> bool:
    """Have a dead message tried again now; False when it is not dead."""
    uow.buffers[PUT] = True
    return _settle(uow, message_id, was="dead", state="pending", due_at=uow.now, settled_at=None)


def cancel(uow: UnitOfWork, *, group: str) -> int:
    """Withdraw the group's messages that nobody has claimed; returns how many."""
    result = uow.connection.execute(
        update(_OUTBOX)
        .where(_C.message_group == group, _C.state == "pending")
        .values(state="cancelled", settled_at=uow.now)
    )
    return int(result.rowcount)


def pending(connection: Connection, limit: int = 100) -> list[OutboxRow]:
    """Messages still to be sent, claimed ones among them, earliest due first."""
    return _list(connection, _C.state.in_(["pending", "claimed"]), limit)


def dead_letters(connection: Connection, limit: int = 100) -> list[OutboxRow]:
    """Messages that were given up."""
    return _list(connection, _C.state == "dead", limit)


def find(connection: Connection, group: str) -> list[OutboxRow]:
    """All messages of one group, in the order in which they were put."""
    rows = connection.execute(select(_OUTBOX).where(_C.message_group == group).order_by(_C.id))
    return [_message(row) for row in rows]


def next_due(connection: Connection) -> datetime | None:
    """When the next message becomes due; None when none waits."""
    statement = select(_C.due_at).where(_C.state == "pending").order_by(_C.due_at, _C.id).limit(1)
    return connection.scalar(statement)


def _settle(uow: UnitOfWork, message_id: int, *, was: str = "claimed", **values: Any) -> bool:
    result = uow.connection.execute(
        update(_OUTBOX)
        .where(_C.id == message_id, _C.state == was)
        .values(holder="", lease_until=None, **values)
    )
    return bool(result.rowcount == 1)


def _list(connection: Connection, condition: Any, limit: int) -> list[OutboxRow]:
    statement = select(_OUTBOX).where(condition).order_by(_C.due_at, _C.id).limit(limit)
    return [_message(row) for row in connection.execute(statement)]


def _message(row: Row[Any]) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        key=row.message_key,
        group=row.message_group,
        channel=row.channel,
        target=row.target,
        payload=row.payload,
        state=row.state,
        due_at=row.due_at,
        put_at=row.put_at,
        settled_at=row.settled_at,
        lease_until=row.lease_until,
        holder=row.holder,
        attempts=row.attempts,
        handle=row.handle,
        error=row.error,
    )
