"""Reading the trail's rows as they lie there, whatever somebody made of them.

The typed columns of SQLAlchemy expect what was written through them, and a text that is no UTF-8
stops the driver. A verification must name such a row and go on. On the hot path it also costs more
to make row objects than to hash the rows.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from store import is_sqlite

BATCH: Final = 2_000
COLUMNS: Final = (
    "seq",
    "at",
    "actor",
    "kind",
    "action",
    "object_type",
    "object_id",
    "org",
    "outcome",
    "reason",
    "uid",
)
_RECORDS = f"SELECT {', '.join(COLUMNS)}, leaf_hash, nodes, body FROM trail_record"  # noqa: S608 - our own columns


def rows_of(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """All rows of a statement without parameters, as plain tuples of the driver's values.

    A text that is no UTF-8 comes with its odd bytes as lone surrogates, so that it equals nothing
    that was ever written.

    Raises:
        sqlite3.DatabaseError: when the file itself is damaged there.
    """
    driver: Any = connection.connection
    cursor = driver.cursor()
    try:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    except sqlite3.OperationalError:
        if not is_sqlite(connection):
            raise
        return _leniently(driver.driver_connection, statement)
    finally:
        cursor.close()
    return found


def record_batches(
    connection: Connection, after: int | None = None, until: int | None = None
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The records behind `after`, by number, up to and with `until`, `BATCH` at a time."""
    while True:
        conditions = []
        if after is not None:
            conditions.append(f"seq > {int(after)}")
        if until is not None:
            conditions.append(f"seq <= {int(until)}")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = rows_of(connection, f"{_RECORDS}{where} ORDER BY seq LIMIT {BATCH}")
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def as_bytes(value: Any) -> bytes | None:
    """A column of bytes; None when it holds something else."""
    if isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, memoryview) else None


def _leniently(driver: sqlite3.Connection, statement: str) -> list[tuple[Any, ...]]:
    usual = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return driver.execute(statement).fetchall()
    finally:
        driver.text_factory = usual
