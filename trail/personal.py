"""Personal data beside the trail: the record holds a commitment, a side table the value.

A commitment is SHA-256(salt || field || 0x00 || value) with 32 random bytes of salt. Erasing salt
and value leaves the record, its hash and every proof as they are, and nothing to guess from.
"""

import secrets
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection, select, update

from store import UnitOfWork
from trail.records import record
from trail.tables import PERSONAL

_SALT_BYTES = 32
_C = PERSONAL.c


def commitment(salt: bytes, field: str, value: str) -> str:
    """The commitment to a value, in hexadecimal."""
    return sha256(salt + field.encode() + b"\x00" + value.encode()).hexdigest()


def commit_personal(uow: UnitOfWork, *, subject: str, field: str, value: str) -> str:
    """Keep a personal value beside the trail; returns what goes into the record's body.

    Args:
        uow: must also leave the record that carries the commitment.
        subject: whose value it is, for `erase_personal`.
        field: what it is (``mail_address``).
        value: the value itself.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    name = commitment(salt, field, value)
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
    erased = uow.execute(
        update(PERSONAL)
        .where(_C.subject == subject, _C.erased_at.is_(None))
        .values(salt=None, value=None, erased_at=uow.now)
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
            body={"values": erased},
        )
    return int(erased)
