"""Personal data beside the trail: the record holds a commitment, a side table the value.

A commitment is SHA-256(salt || [field, subject, time, value] as canonical JSON) with 32 random
bytes of salt. Erasing salt and value leaves the record, its hash and every proof as they are, and
nothing to guess from; the record of the erasure holds a digest of what it left behind.
"""

import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select, update

from store import UnitOfWork
from store.types import to_microseconds
from trail.canonical import canonical
from trail.records import record
from trail.tables import PERSONAL

_SALT_BYTES = 32
_C = PERSONAL.c


def commitment(salt: bytes, field: str, subject: str, at: int, value: str) -> str:
    """The commitment to a value, in hexadecimal; `at` in microseconds since 1970."""
    return sha256(salt + canonical([field, subject, at, value])).hexdigest()


def erasure_digest(subject: str, at: int, rows: Iterable[tuple[Any, ...]]) -> str:
    """What an erasure left behind: (commitment, field, time) of each row, in hexadecimal."""
    left = "".join(f"{row!r}\n" for row in sorted(map(tuple, rows), key=repr))
    return sha256(f"{subject!r} {at}\n{left}".encode("utf-8", "backslashreplace")).hexdigest()


def commit_personal(uow: UnitOfWork, *, subject: str, field: str, value: str) -> str:
    """Keep a personal value beside the trail; returns what goes into the record's body.

    Args:
        uow: must also leave the record that carries the commitment, under
            ``body["personal"]``, a mapping of name to commitment.
        subject: whose value it is, for `erase_personal`.
        field: what it is (``mail_address``).
        value: the value itself.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    name = commitment(salt, field, subject, to_microseconds(uow.now), value)
    uow.execute(
        PERSONAL.insert().values(
            commitment=name,
            field=field,
            subject=subject,
            salt=salt,
            value=value,
            committed_at=uow.now,
            erased_at=None,
        )
    )
    return name


def personal_values(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """The values behind commitments, without those that were erased."""
    rows = connection.execute(
        select(_C.commitment, _C.value).where(_C.commitment.in_(list(names)), _C.value.is_not(None))
    )
    return {row.commitment: row.value for row in rows}


def erase_personal(uow: UnitOfWork, *, subject: str, reason: str) -> int:
    """Empty all values of a subject and leave a record of it; returns how many there were."""
    theirs = (_C.subject == subject, _C.erased_at.is_(None))
    rows = [
        (row.commitment, row.field, to_microseconds(row.committed_at))
        for row in uow.execute(select(_C.commitment, _C.field, _C.committed_at).where(*theirs))
    ]
    erased = uow.execute(
        update(PERSONAL).where(*theirs).values(salt=None, value=None, erased_at=uow.now)
    ).rowcount
    if erased:
        record(
            uow,
            kind="change",
            action="personal.erase",
            object_type="subject",
            object_id=sha256(subject.encode()).hexdigest()[:16],
            outcome="erased",
            reason=reason,
            body={
                "values": erased,
                "rows": erasure_digest(subject, to_microseconds(uow.now), rows),
            },
        )
    return int(erased)
