"""Reading the trail back: one record, a search, a summary."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, func, inspect, not_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from store.json_search import needle, stands_in
from trail.errors import UnknownRecord
from trail.merkle import Frontier
from trail.tables import CHECKPOINT, HEAD, RECORD

_C = RECORD.c


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the trail.

    Attributes:
        seq: its number, from 1, without gaps.
        body: what the writer handed in; decimals and times are strings.
        raw: the canonical bytes of the whole record, which the tree is made of.
        leaf_hash: their hash as a leaf of the tree.
    """

    seq: int
    at: datetime
    actor: str
    kind: str
    action: str
    object_type: str
    object_id: str
    org: str
    outcome: str
    reason: str
    uid: str
    body: dict[str, Any]
    raw: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """The trail in a few figures.

    Attributes:
        size: number of records.
        since: time of the first record; None when there is none.
        until: time of the last record.
        root: the tree's root in hexadecimal.
        checkpoint_size: records covered by the last checkpoint; 0 before the first.
        checkpoint_at: time of the last record that it covers.
        anchor_size: records covered by the last checkpoint taken outside; 0 before the first.
        anchor_at: when it was taken there.
    """

    size: int
    since: datetime | None
    until: datetime | None
    root: str
    checkpoint_size: int
    checkpoint_at: datetime | None
    anchor_size: int
    anchor_at: datetime | None


def read(connection: Connection, seq: int) -> Record:
    """The record of that number.

    Raises:
        UnknownRecord: when there is none.
    """
    row = connection.execute(select(RECORD).where(_C.seq == seq)).one_or_none()
    if row is None:
        raise UnknownRecord(seq)
    return _record(row)


def read_uid(connection: Connection, uid: str) -> Record | None:
    """The record that `RecordRef.uid` names; None when it was never committed."""
    row = connection.execute(select(RECORD).where(_C.uid == uid)).one_or_none()
    return None if row is None else _record(row)


def find(  # noqa: C901 - one branch per condition
    connection: Connection,
    *,
    kind: str | Iterable[str] | None = None,
    action: str | None = None,
    object_type: str | None = None,
    object_id: str | None = None,
    actor: str | None = None,
    org: str | Iterable[str] | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str | None = None,
    without: Collection[str] = (),
    before_seq: int | None = None,
    after_seq: int | None = None,
    limit: int = 100,
) -> list[Record]:
    """Records that fit all conditions, newest first; oldest first when `after_seq` is given.

    Args:
        connection: any; a reader will do.
        kind: one kind, or several of which one must fit.
        action: an action, or a prefix that ends in a dot (``order.``).
        object_type: type of the object.
        object_id: the object's name.
        actor: who acted.
        org: a path, or several: records of these organisations and of those below them.
        outcome: the outcome's code.
        since: at or after this time.
        until: before this time.
        text: stands somewhere in the record, letter for letter.
        without: names of objects; no record in which one of them stands.
        before_seq: only records before this number: the page after it.
        after_seq: only records after this number: the page before it.
        limit: at most so many.
    """
    conditions: list[ColumnElement[bool]] = []
    if kind is not None:
        conditions.append(_C.kind.in_([kind] if isinstance(kind, str) else list(kind)))
    if action is not None:
        conditions.append(
            _C.action.startswith(action, autoescape=True)
            if action.endswith(".")
            else _C.action == action
        )
    for column, value in (
        (_C.object_type, object_type),
        (_C.object_id, object_id),
        (_C.actor, actor),
        (_C.outcome, outcome),
    ):
        if value is not None:
            conditions.append(column == value)
    if org is not None:
        conditions.append(_under([org] if isinstance(org, str) else list(org)))
    if since is not None:
        conditions.append(_C.at >= since)
    if until is not None:
        conditions.append(_C.at < until)
    if text:
        conditions.append(stands_in(_C.body, text))
    conditions += [not_(stands_in(_C.body, one)) for one in sorted(without)]
    if before_seq is not None:
        conditions.append(_C.seq < before_seq)
    if after_seq is not None:
        conditions.append(_C.seq > after_seq)
    order = _C.seq.asc() if after_seq is not None else _C.seq.desc()
    statement = select(RECORD).where(*conditions).order_by(order).limit(limit)
    return [_record(row) for row in connection.execute(statement)]


def names(record: Record, objects: Iterable[str]) -> bool:
    """Whether one of `objects` stands in the record; what `find` leaves out as `without`."""
    return any(needle(one) in record.raw for one in objects)


def summary(connection: Connection) -> Summary:
    """Size, period, root, last checkpoint and last outside copy."""
    head = connection.execute(select(HEAD)).one_or_none()
    size = 0 if head is None else head.size
    frontier = Frontier() if head is None else Frontier.from_bytes(size, bytes(head.frontier))
    sealed = connection.scalar(select(func.max(CHECKPOINT.c.size))) or 0
    anchors = find(connection, kind="key", action="trail.anchor", limit=1)
    return Summary(
        size=size,
        since=_time_of(connection, 1),
        until=_time_of(connection, size),
        root=frontier.root().hex(),
        checkpoint_size=sealed,
        checkpoint_at=_time_of(connection, sealed),
        anchor_size=int(anchors[0].body["size"]) if anchors else 0,
        anchor_at=anchors[0].at if anchors else None,
    )


def _time_of(connection: Connection, seq: int) -> datetime | None:
    return connection.scalar(select(_C.at).where(_C.seq == seq))


def _under(paths: list[str]) -> ColumnElement[bool]:
    # No path at all is nobody's view: an empty list must not become "no condition".
    return or_(
        *(
            (_C.org == path) | _C.org.startswith(f"{path}/", autoescape=True)
            for path in paths
            if path
        ),
        _C.seq < 0,
    )


def _record(row: Row[Any]) -> Record:
    raw = bytes(row.body)
    return Record(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        kind=row.kind,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        org=row.org,
        outcome=row.outcome,
        reason=row.reason,
        uid=row.uid,
        body=_body(raw),
        raw=raw,
        leaf_hash=bytes(row.leaf_hash),
    )


def _body(raw: bytes) -> dict[str, Any]:
    """What the writer handed in; empty when somebody made the bytes into something else.

    Such a record must stay visible: `verify` names it, and whoever follows it there wants to see.
    """
    try:
        found = orjson.loads(raw)["body"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def has_records(engine: Engine) -> bool:
    """Whether the database holds a trail that was begun; False for one without the tables."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(HEAD.name):
            return False
        return bool(connection.scalar(select(HEAD.c.size)))
