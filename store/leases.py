"""Leases: one holder at a time, until a time.

The token grows with every change of holder. Who writes to the outside under a lease sends it
along, so that a holder that slept through its end can be refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from store.schema import table
from store.tables import LeaseRow as _Row
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new

_LEASE = table(str(_Row.__tablename__))
_C = _LEASE.c


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands; `token` is the fencing token."""

    name: str
    holder: str
    token: int
    expires_at: datetime


def _nobody(_holder: str) -> bool:
    return False


def acquire(
    uow: UnitOfWork,
    name: str,
    holder: str,
    ttl_s: float,
    *,
    gone: Callable[[str], bool] = _nobody,
) -> Lease | None:
    """Take the lease when it is free, run out, or already ours; None when another holds it.

    Args:
        uow: of the change.
        name: of the lease.
        holder: who takes it.
        ttl_s: for how many seconds.
        gone: whether a holder is known to have died: its lease need not run out.
    """
    expires_at = uow.now + timedelta(seconds=ttl_s)
    fresh = {"name": name, "holder": holder, "token": 1, "expires_at": expires_at}
    if insert_new(uow.connection, _LEASE, fresh):
        return Lease(name, holder, 1, expires_at)
    if renew(uow, name, holder, ttl_s):
        return _read(uow.connection, name)
    taken = uow.connection.execute(
        update(_LEASE)
        .where(_C.name == name, or_(_C.expires_at <= uow.now, _C.holder == ""))
        .values(holder=holder, token=_C.token + 1, expires_at=expires_at)
    )
    if taken.rowcount != 1:
        there = _read(uow.connection, name)
        if there is None or not gone(there.holder):
            return None
        taken = uow.connection.execute(
            update(_LEASE)
            .where(_C.name == name, _C.holder == there.holder, _C.token == there.token)
            .values(holder=holder, token=_C.token + 1, expires_at=expires_at)
        )
    return _read(uow.connection, name) if taken.rowcount == 1 else None


def renew(uow: UnitOfWork, name: str, holder: str, ttl_s: float) -> bool:
    """Prolong a lease that `holder` still has; False when it ran out or was lost."""
    result = uow.connection.execute(
        update(_LEASE)
        .where(_C.name == name, _C.holder == holder, _C.expires_at > uow.now)
        .values(expires_at=uow.now + timedelta(seconds=ttl_s))
    )
    return bool(result.rowcount == 1)


def release(uow: UnitOfWork, name: str, holder: str) -> bool:
    """Give a lease back; the token stays, so that the next holder's is greater."""
    result = uow.connection.execute(
        update(_LEASE)
        .where(_C.name == name, _C.holder == holder)
        .values(holder="", expires_at=uow.now)
    )
    return bool(result.rowcount == 1)


def holder(connection: Connection, name: str, now: datetime) -> Lease | None:
    """The lease that is in force at `now`; None when it is free."""
    lease = _read(connection, name)
    return lease if lease is not None and lease.holder and lease.expires_at > now else None


def _read(connection: Connection, name: str) -> Lease | None:
    row = connection.execute(select(_LEASE).where(_C.name == name)).one_or_none()
    return None if row is None else Lease(row.name, row.holder, row.token, row.expires_at)
