"""Leaving a record: it is checked and written out at once, and numbered at the commit."""

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from store import UnitOfWork
from store.clock import rfc3339
from store.types import to_microseconds
from store.upsert import insert_new
from trail.canonical import canonical
from trail.errors import RecordTooLarge, TrailError
from trail.tables import BLOB

KINDS: Final = frozenset({"decision", "match", "notification", "change", "access", "key"})
RECORD_LIMIT: Final = 64_000
VERSION: Final = 1

_BUFFER: Final = "trail"
_TIME: Final = "trail.time"
_SEQ_DIGITS: Final = 16  # sequence numbers stay below 2^53


@dataclass(slots=True, eq=False)
class RecordRef:
    """Names a record before it has a number.

    Attributes:
        uid: 128 bits in hexadecimal, known at once; other rows may point to it. The first 48 are
            the time in milliseconds, so that the index grows at its end; the others are random.
        seq: the record's number, from 1; None until the commit.
    """

    uid: str
    seq: int | None = None


class _Time(NamedTuple):
    """The unit's time in both of its forms, made once a unit."""

    text: str
    microseconds: int


class Draft(NamedTuple):
    """A record that waits for its number: the bytes before and after it, and its columns."""

    before: bytes
    after: bytes
    columns: tuple[Any, ...]
    ref: RecordRef


def record(
    uow: UnitOfWork,
    *,
    kind: str,
    action: str,
    object_type: str,
    object_id: str,
    org: str = "",
    outcome: str = "",
    reason: str = "",
    body: dict[str, Any] | None = None,
) -> RecordRef:
    """Leave a record of what this unit of work does; it is committed with it or not at all.

    Args:
        uow: gives the actor and the time.
        kind: one of `KINDS`.
        action: what was done, a dotted verb (``order.acknowledge``).
        object_type: what it was done to; `object_id` names it.
        object_id: may be empty when there is only one such object.
        org: organisation path that may see the record.
        outcome: what came of it, a short code.
        reason: why, a code; words are made at the edge.
        body: JSON with ASCII keys and without floats; decimals and times become strings. What
            is stored as a blob is named in ``body["blobs"]``, a mapping of name to hash.

    Raises:
        TrailError: when the body has no canonical form or the kind is unknown.
        RecordTooLarge: when the whole record would be over 64,000 bytes.
    """
    if kind not in KINDS:
        raise TrailError(f"unknown kind {kind!r}; one of {', '.join(sorted(KINDS))}")
    if not action or not object_type:
        raise TrailError("a record needs an action and the type of the object it was done to")
    at = uow.buffers.get(_TIME)
    if at is None:
        at = uow.buffers[_TIME] = _Time(rfc3339(uow.now), to_microseconds(uow.now))
    uid = f"{at.microseconds // 1000:012x}{os.urandom(10).hex()}"
    texts = (uow.actor, kind, action, object_type, object_id, org, outcome, reason)
    if any("\x00" in text for text in texts):
        raise TrailError("a NUL character cannot be kept in a record")
    before, after = write_out(at.text, uid, texts, body or {})
    if (size := len(before) + len(after) + _SEQ_DIGITS) > RECORD_LIMIT:
        raise RecordTooLarge(size, RECORD_LIMIT)
    ref = RecordRef(uid)
    columns = (at.microseconds, *texts, uid)
    uow.buffers.setdefault(_BUFFER, []).append(Draft(before, after, columns, ref))
    return ref


def write_out(
    at: str, uid: str, texts: tuple[str, ...], body: dict[str, Any]
) -> tuple[bytes, bytes]:
    """The canonical bytes of a record, around the place of its number.

    Keys sort as action … reason, **seq**, uid, v: so everything but the number can be written,
    and refused, before the commit.
    """
    actor, kind, action, object_type, object_id, org, outcome, reason = texts
    head = canonical(
        {
            "at": at,
            "actor": actor,
            "kind": kind,
            "action": action,
            "object": {"type": object_type, "id": object_id},
            "org": org,
            "outcome": outcome,
            "reason": reason,
            "body": body,
        }
    )
    return head[:-1] + b',"seq":', b',"uid":"%b","v":%d}' % (uid.encode(), VERSION)


def drafts(uow: UnitOfWork) -> list[Draft]:
    """The records that this unit of work has left so far."""
    found: list[Draft] = uow.buffers.get(_BUFFER, [])
    return found


def put_blob(uow: UnitOfWork, content: bytes) -> str:
    """Keep a part that is too large for a record; returns its SHA-256 in hexadecimal.

    The same content is kept once. The record that belongs to it names the hash in
    ``body["blobs"]``.
    """
    name = sha256(content).hexdigest()
    insert_new(uow.connection, BLOB, {"hash": name, "content": content})
    return name


def read_blob(connection: Connection, name: str) -> bytes | None:
    """The content that `put_blob` kept under a hash; None when there is none."""
    content = connection.scalar(select(BLOB.c.content).where(BLOB.c.hash == name))
    return None if content is None else bytes(content)
