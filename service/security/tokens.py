"""Tokens by which a command or a program acts for a person.

A token is shown once, when it is made; the database keeps its hash. Making and revoking one is
recorded. What a token may do is what its person may do, at the time of the act.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, insert, select, update

import trail
from service.security.tables import TokenRow
from store import UnitOfWork
from store.schema import table

PREFIX: Final = "hw_"
LIFE: Final = timedelta(days=90)
LONGEST: Final = timedelta(days=366)

_TOKENS = table(str(TokenRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is valid.

    Attributes:
        person: for whom it acts.
        name: what it is for, in the words of whoever made it.
        scopes: what it is limited to; empty for all that the person may do.
        expires_at: its end.
    """

    person: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime


def issue(
    uow: UnitOfWork,
    person: str,
    *,
    name: str = "",
    scopes: tuple[str, ...] = (),
    life: timedelta = LIFE,
    org: str = "",
) -> str:
    """A new token for `person`; returns it, the one time that it can be seen.

    Raises:
        ValueError: when `life` is not above zero or longer than `LONGEST`.
    """
    if not timedelta() < life <= LONGEST:
        raise ValueError("a token lives between a moment and a year")
    token = PREFIX + secrets.token_urlsafe(32)
    row = {
        "token_hash": _hash(token),
        "person": person,
        "name": name,
        "scopes": " ".join(scopes),
        "made_at": uow.now,
        "made_by": uow.actor,
        "expires_at": uow.now + life,
        "revoked_at": None,
    }
    uow.execute(insert(_TOKENS), row)
    trail.record(
        uow,
        kind="access",
        action="token.issue",
        object_type="person",
        object_id=person,
        org=org,
        body={
            "token": row["token_hash"],
            "name": name,
            "scopes": list(scopes),
            "expires_at": row["expires_at"],
        },
    )
    return token


def find(connection: Connection, token: str, now: datetime) -> Token | None:
    """The token, or None when it is unknown, over or revoked."""
    c = _TOKENS.c
    statement = select(_TOKENS).where(
        c.token_hash == _hash(token), c.expires_at > now, c.revoked_at.is_(None)
    )
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    return Token(row["person"], row["name"], tuple(row["scopes"].split()), row["expires_at"])


def revoke_all(uow: UnitOfWork, person: str) -> int:
    """End every token of a person; returns how many were valid."""
    c = _TOKENS.c
    ended = uow.execute(
        update(_TOKENS)
        .where(c.person == person, c.revoked_at.is_(None), c.expires_at > uow.now)
        .values(revoked_at=uow.now)
    ).rowcount
    if ended:
        trail.record(
            uow,
            kind="access",
            action="token.revoke",
            object_type="person",
            object_id=person,
            body={"tokens": ended},
        )
    return ended


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
