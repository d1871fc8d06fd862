"""Failed sign-ins are counted per login and per address; too many close the door for a while."""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, select

from service.security.tables import AttemptRow
from store import UnitOfWork
from store.schema import table
from store.upsert import insert_or_replace

WINDOW = timedelta(minutes=15)
PER_LOGIN = 5
PER_ADDRESS = 30

_ATTEMPTS = table(str(AttemptRow.__tablename__))


def closed(connection: Connection, login: str, address: str, now: datetime) -> bool:
    """Whether this login or this address failed too often within the window."""
    limits = {_key("login", login): PER_LOGIN, _key("address", address): PER_ADDRESS}
    statement = select(_ATTEMPTS.c.attempt_key, _ATTEMPTS.c.failures).where(
        _ATTEMPTS.c.attempt_key.in_(limits), _ATTEMPTS.c.since > now - WINDOW
    )
    return any(failures >= limits[key] for key, failures in connection.execute(statement))


def failed(uow: UnitOfWork, login: str, address: str) -> None:
    """Count one more failure; a window that is over begins anew."""
    uow.execute(delete(_ATTEMPTS).where(_ATTEMPTS.c.since <= uow.now - WINDOW))
    for key in (_key("login", login), _key("address", address)):
        statement = select(_ATTEMPTS).where(_ATTEMPTS.c.attempt_key == key)
        row = uow.execute(statement).mappings().one_or_none()
        values = {
            "attempt_key": key,
            "failures": row["failures"] + 1 if row else 1,
            "since": row["since"] if row else uow.now,
        }
        insert_or_replace(uow.connection, _ATTEMPTS, values, ("attempt_key",))


def succeeded(uow: UnitOfWork, login: str) -> None:
    """Forget the failures of a login that now got it right."""
    uow.execute(delete(_ATTEMPTS).where(_ATTEMPTS.c.attempt_key == _key("login", login)))


def _key(kind: str, value: str) -> str:
    # Hashed: people type passwords into the login field, and those must not lie in a table.
    return sha256(f"{kind}:{value.casefold()}".encode()).hexdigest()
