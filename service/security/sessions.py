"""Server-side sessions: a random value in the cookie, its hash in the database.

A session ends 12 hours after it began and after 2 hours without a request, whichever is first, and
at once when the person signs out or is no longer active.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, select, update

from service.security.tables import SessionRow
from store import UnitOfWork
from store.schema import table

COOKIE = "hedgewarden_session"
LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH_EVERY = timedelta(minutes=5)
"""`seen_at` is written at most this often; a page view must not cost a commit."""

_SESSIONS = table(str(SessionRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session.

    Attributes:
        token_hash: its key in the database.
        person: who signed in.
        began_at: when; `seen_at` is the last request that was noted.
    """

    token_hash: str
    person: str
    began_at: datetime
    seen_at: datetime

    def stale(self, now: datetime) -> bool:
        """Whether `seen_at` should be written anew."""
        return now - self.seen_at >= TOUCH_EVERY


def begin(uow: UnitOfWork, person: str, address: str) -> str:
    """A new session for `person`; returns the cookie's value, which is shown once."""
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": _hash(token),
        "person": person,
        "began_at": uow.now,
        "seen_at": uow.now,
        "expires_at": uow.now + LONGEST,
        "address": address[:64],
    }
    uow.execute(_SESSIONS.insert(), row)
    uow.execute(delete(_SESSIONS).where(_SESSIONS.c.expires_at <= uow.now))
    return token


def find(connection: Connection, token: str, now: datetime) -> Session | None:
    """The session behind a cookie's value, or None when there is none or it is over."""
    statement = select(_SESSIONS).where(
        _SESSIONS.c.token_hash == _hash(token),
        _SESSIONS.c.expires_at > now,
        _SESSIONS.c.seen_at > now - IDLE,
    )
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    return Session(row["token_hash"], row["person"], row["began_at"], row["seen_at"])


def touch(uow: UnitOfWork, session: Session) -> None:
    """Note that the session was used."""
    uow.execute(
        update(_SESSIONS)
        .where(_SESSIONS.c.token_hash == session.token_hash)
        .values(seen_at=uow.now)
    )


def end(uow: UnitOfWork, token: str) -> None:
    """End one session."""
    uow.execute(delete(_SESSIONS).where(_SESSIONS.c.token_hash == _hash(token)))


def end_all(uow: UnitOfWork, person: str) -> None:
    """End every session of a person, for example after a change of password."""
    uow.execute(delete(_SESSIONS).where(_SESSIONS.c.person == person))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
