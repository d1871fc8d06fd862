"""Since when each fact of a batch is true, and which the book holds already.

A row that says nothing is true from the import on, unless the book says the same already: then the
same file brought twice changes nothing. A row with a time corrects what the book holds for that
time; what was said before and said again after a correction is heard again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from book.codec import to_document
from book.state import field_of, key_of
from book.tables import TABLES
from book.write import KEY_SEPARATOR, Dated
from integrations.files.entry import Entry

_CHUNK: Final = 500


class Dating(NamedTuple):
    """What is new, and what the book holds already."""

    fresh: tuple[tuple[Entry, Dated], ...]
    known: tuple[Entry, ...]


class _Held(NamedTuple):
    """A row of the book."""

    valid_from: datetime
    version: int
    recorded_at: datetime
    content_hash: str
    retired: bool
    body: Mapping[str, Any]


def date_entries(connection: Connection, entries: Sequence[Entry], now: datetime) -> Dating:
    """Compare a batch with the book as it stands at `now`."""
    held = _held(connection, entries)
    fresh: list[tuple[Entry, Dated]] = []
    known: list[Entry] = []
    for entry in entries:
        rows = held.get((field_of(entry.fact), _key(entry)), [])
        dated = _dated(entry, rows, now)
        if dated is None:
            known.append(entry)
        else:
            fresh.append((entry, dated))
    return Dating(tuple(fresh), tuple(known))


def _dated(entry: Entry, rows: Sequence[_Held], now: datetime) -> Dated | None:
    """The fact with its time and version; None when the book says just that."""
    document = to_document(entry.fact)
    if entry.valid_from is None:
        in_force = [row for row in rows if row.valid_from <= now]
        if in_force and _says(max(in_force), document):
            return None
        valid_from = now
    else:
        valid_from = entry.valid_from
    same_time = [row for row in rows if row.valid_from == valid_from]
    if not same_time:
        return Dated(entry.fact, valid_from)
    latest = max(same_time)
    if _says(latest, document):
        return None
    return Dated(entry.fact, valid_from, latest.version + 1)


def _says(row: _Held, document: Mapping[str, Any]) -> bool:
    return not row.retired and row.body == document


def _key(entry: Entry) -> str:
    return KEY_SEPARATOR.join(key_of(entry.fact))


def _held(connection: Connection, entries: Iterable[Entry]) -> dict[tuple[str, str], list[_Held]]:
    keys: dict[str, list[str]] = {}
    for entry in entries:
        keys.setdefault(field_of(entry.fact), []).append(_key(entry))
    held: dict[tuple[str, str], list[_Held]] = {}
    for name, wanted in keys.items():
        c = TABLES[name].c
        for start in range(0, len(wanted), _CHUNK):
            query = select(
                c.fact_key,
                c.valid_from,
                c.version,
                c.recorded_at,
                c.content_hash,
                c.retired,
                c.body,
            ).where(c.fact_key.in_(wanted[start : start + _CHUNK]))
            for row in connection.execute(query):
                held.setdefault((name, row.fact_key), []).append(_Held(*row[1:]))
    return held
