"""Passwords: argon2id with the library's current parameters (RFC 9106, low-memory profile)."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, select

import trail
from service.security.errors import WeakPassword
from service.security.tables import CredentialRow
from store import UnitOfWork
from store.schema import table
from store.upsert import insert_or_replace

LEAST = 10
MOST = 512
"""Longer passwords are refused unread: hashing a megabyte is a cheap attack."""

CREDENTIALS = table(str(CredentialRow.__tablename__))

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters.

    Raises:
        WeakPassword: when the password is shorter than `LEAST` characters.
    """
    if len(password) < LEAST:
        raise WeakPassword(LEAST)
    return _HASHER.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`.

    Without a stored hash the same work is done on another one, so that the answer's time does not
    tell whether a login exists.
    """
    if len(password) > MOST:
        return False
    try:
        matches = _HASHER.verify(stored or _nobody(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def with_password(connection: Connection) -> frozenset[str]:
    """The ids of those who have a password; nobody else signs in at the console."""
    return frozenset(connection.scalars(select(CREDENTIALS.c.person)))


def set_password(uow: UnitOfWork, person: str, password: str) -> None:
    """Store a new password; the change, not the password, goes into the trail.

    Raises:
        WeakPassword: when the password is too short.
    """
    values = {
        "person": person,
        "password_hash": hash_password(password),
        "changed_at": uow.now,
    }
    insert_or_replace(uow.connection, CREDENTIALS, values, ("person",))
    trail.record(uow, kind="access", action="password.set", object_type="person", object_id=person)


def read_hash(connection: Connection, person: str) -> str | None:
    """The stored hash of `person`, or None."""
    statement = select(CREDENTIALS.c.password_hash).where(CREDENTIALS.c.person == person)
    found: str | None = connection.execute(statement).scalar_one_or_none()
    return found


def _normal(password: str) -> str:
    # The same characters typed on two keyboards must be the same password.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
