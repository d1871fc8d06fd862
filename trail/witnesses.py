"""What the other tables know of the trail.

Every change of a table that is no plumbing is committed with its record, at the record's time. So a
table with rows beside a trail without records, rows later than the last record, and a row that
names a record which is not there are traces of records that were taken away, also when head and
checkpoints were set back with them. Who takes the rows away too leaves no such trace.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select, type_coerce
from sqlalchemy.types import BigInteger

from store import schema
from trail.tables import RECORD

_OWN = "trail_"
#: Columns that hold the time of the transaction that wrote the row.
_WRITTEN_AT = frozenset({
    "acknowledged_at", "at", "closed_at", "created_at", "decided_at", "opened_at", "queued_at",
    "raised_at", "recorded_at", "resolved_at", "sent_at", "started_at",
})  # fmt: skip
#: A snapshot is written for the end of a day, which need not have come.
_OTHER_TIMES = frozenset({("book_snapshot", "recorded_at")})
#: Columns that hold the uid of a record.
_NAMES_RECORD = frozenset({("agents_hedge_order", "decision"), ("agents_batch_run", "decision")})


def traces(connection: Connection, size: int, latest: int) -> Iterator[str]:
    """What stands in other tables and should have a record behind the last one.

    Args:
        connection: sees the moment that was verified.
        size: records found.
        latest: the latest time of them, in microseconds.
    """
    there = set(inspect(connection).get_table_names())
    for table in schema.metadata.sorted_tables:
        name = table.name
        if name not in there or name.startswith(_OWN) or schema.is_plumbing(name):
            continue
        if not size:
            if connection.execute(select(1).select_from(table).limit(1)).first():
                yield f"{name} holds rows, and there is no record at all"
            continue
        for column in table.columns:
            if column.name in _WRITTEN_AT and (name, column.name) not in _OTHER_TIMES:
                yield from _later(connection, table, column, latest)
            if (name, column.name) in _NAMES_RECORD:
                yield from _nameless(connection, table, column)


def _later(connection: Connection, table: Table, column: Any, latest: int) -> Iterator[str]:
    # The plain number: what somebody wrote there need not be a time that can be shown.
    last = connection.scalar(select(type_coerce(func.max(column), BigInteger)))
    if isinstance(last, int) and last > latest:
        yield f"{table.name}.{column.name} is later than the last record"


def _nameless(connection: Connection, table: Table, column: Any) -> Iterator[str]:
    known = select(RECORD.c.uid).where(RECORD.c.uid == column).exists()
    lost = connection.scalar(select(func.count()).select_from(table).where(column != "", ~known))
    if lost:
        yield f"{lost} rows of {table.name} name a record that is not there"
