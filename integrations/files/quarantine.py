"""Bad rows: kept with what is wrong, listed, mended and taken in again, or dismissed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

import trail
from book.write import put_dated
from integrations.errors import UnknownQuarantineRow
from integrations.files.dating import date_entries
from integrations.files.entry import Entry
from integrations.files.facts import FactReader
from integrations.files.kinds import Kind, header
from integrations.files.reading import Batch, raw_of
from integrations.files.statements import ended_later
from integrations.files.terms import Terms
from integrations.tables import QuarantineRow
from store import UnitOfWork
from store.problems import Problem, did_you_mean
from store.schema import table

_ROWS: Final = table(str(QuarantineRow.__tablename__))
_CHUNK: Final = 500
_NUMBERS: Final = frozenset({"IMPORT_NOT_A_NUMBER", "IMPORT_NUMBER_TWO_WAYS"})


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One bad row as it is kept.

    Attributes:
        number: its number, by which it is named.
        raw: our field → what stood there.
        original: the whole row in its order: header of the file → what stood there.
        state: ``open``, ``replayed`` or ``dismissed``.
    """

    number: int
    kind: Kind
    source: str
    file: str
    line: int
    org: str
    raw: Mapping[str, str]
    original: Mapping[str, str]
    problems: tuple[Problem, ...]
    state: str
    received_at: datetime
    settled_by: str
    settled_at: datetime | None
    reason: str


def keep(uow: UnitOfWork, batch: Batch) -> int:
    """Keep the batch's bad rows; returns how many were not kept already.

    The caller leaves the record of the import.
    """
    rows = {row["row_key"]: row for row in _documents(batch, uow.now)}
    known = known_keys(uow.connection, list(rows))
    fresh = [row for key, row in rows.items() if key not in known]
    if fresh:
        uow.execute(insert(_ROWS), fresh)
    return len(fresh)


def count_kept(connection: Connection, batch: Batch) -> int:
    """How many of the batch's bad rows are kept already, settled or not."""
    keys = {_row_key(batch, row.line, row.raw) for row in batch.bad}
    return len(known_keys(connection, list(keys)))


def known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that are kept already."""
    found: set[str] = set()
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        found.update(
            connection.execute(select(_ROWS.c.row_key).where(_ROWS.c.row_key.in_(chunk))).scalars()
        )
    return found


def _documents(batch: Batch, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "row_key": _row_key(batch, row.line, row.raw),
            "kind": batch.kind.value,
            "source": batch.source,
            "file": batch.file,
            "line": row.line,
            "org": row.raw.get("org", "").strip().strip("/"),
            "raw": dict(row.raw),
            # pairs, so that the columns keep the order that they have in the file
            "original": [[name, text] for name, text in row.original.items()],
            "problems": [problem.as_dict() for problem in row.problems],
            "state": "open",
            "received_at": now,
            "settled_at": None,
            "settled_by": "",
            "reason": "",
        }
        for row in batch.bad
    ]


def _row_key(batch: Batch, line: int, raw: Mapping[str, str]) -> str:
    # a made-up column may be named in any letters; the canonical form has ASCII names alone
    said = dict(raw) if all(map(str.isascii, raw)) else sorted(map(list, raw.items()))
    content = [batch.kind.value, batch.source, batch.file, line, said]
    return sha256(trail.canonical({"row": content})).hexdigest()


def quarantined(
    connection: Connection,
    *,
    state: str | None = "open",
    kind: Kind | None = None,
    orgs: Sequence[str] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Quarantined]:
    """Rows in quarantine by number, those after `after`; `orgs` None is everything."""
    c = _ROWS.c
    query = select(_ROWS).where(c.id > after)
    if state is not None:
        query = query.where(c.state == state)
    if kind is not None:
        query = query.where(c.kind == kind.value)
    if orgs is not None:
        if not orgs:
            return []
        query = query.where(
            or_(*((c.org == org) | c.org.startswith(f"{org}/", autoescape=True) for org in orgs))
        )
    rows = connection.execute(query.order_by(c.id).limit(limit)).mappings()
    return [_quarantined(row) for row in rows]


def _quarantined(row: Mapping[Any, Any]) -> Quarantined:
    return Quarantined(
        number=row["id"],
        kind=Kind(row["kind"]),
        source=row["source"],
        file=row["file"],
        line=row["line"],
        org=row["org"],
        raw=row["raw"],
        original=dict(row["original"]),
        problems=tuple(Problem(**problem) for problem in row["problems"]),
        state=row["state"],
        received_at=row["received_at"],
        settled_by=row["settled_by"],
        settled_at=row["settled_at"],
        reason=row["reason"],
    )


def _open_row(uow: UnitOfWork, number: int) -> Quarantined:
    # two who settle a row at the same instant take turns, and the second finds it settled
    query = select(_ROWS).where(_ROWS.c.id == number, _ROWS.c.state == "open").with_for_update()
    row = uow.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownQuarantineRow(number)
    return _quarantined(row)


def replay(
    uow: UnitOfWork, number: int, fields: Mapping[str, str], terms: Terms
) -> Entry | list[Problem]:
    """Lay `fields` over a bad row and take it in, or say what is still wrong.

    Raises:
        UnknownQuarantineRow: when no open row has this number.
    """
    row = _open_row(uow, number)
    names = header(row.kind)
    wrong = [
        Problem("FIELD_UNKNOWN", field=name, found=name, hint=did_you_mean(name, names))
        for name in fields
        if name not in names
    ]
    if wrong:
        return wrong
    values = {**row.raw, **fields}
    # the file's decimal sign is not known any more, so what was no number then is none now
    still = [one for one in row.problems if one.code in _NUMBERS and one.field not in fields]
    if still:
        return still
    headers = {one.field: one.params["column"] for one in row.problems if "column" in one.params}
    reader = FactReader(row.kind, terms)
    read = reader.read(values, file=row.file, line=row.line, headers=headers)
    if not isinstance(read, Entry):
        return read
    dating = date_entries(uow.connection, [read], uow.now)
    fresh = [dated for _, dated in dating.fresh]
    ends = ended_later(uow.connection, row.kind, fresh)
    put_dated(uow, fresh, source=row.source)
    put_dated(uow, ends, source=row.source, action="book.retire")
    _settle(uow, row, "replayed", "", {"fields": raw_of(fields)})
    return read


def dismiss(uow: UnitOfWork, number: int, reason: str) -> None:
    """Close a row without taking it in; it stays readable.

    Raises:
        UnknownQuarantineRow: when no open row has this number.
    """
    _settle(uow, _open_row(uow, number), "dismissed", reason, {})


def _settle(
    uow: UnitOfWork, row: Quarantined, state: str, reason: str, body: Mapping[str, Any]
) -> None:
    uow.execute(
        update(_ROWS)
        .where(_ROWS.c.id == row.number)
        .values(state=state, settled_by=uow.actor, settled_at=uow.now, reason=reason)
    )
    trail.record(
        uow,
        kind="change",
        action="import.row",
        object_type="import_row",
        object_id=str(row.number),
        org=row.org,
        outcome=state,
        body={"file": row.file, "line": row.line, "text": reason, **body},
    )
