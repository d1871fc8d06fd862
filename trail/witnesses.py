"""What the other tables know of the trail.

Every change of a table that is no plumbing is committed with its record, at the record's time. So a
table with rows beside a trail without records, rows later than the last record, and a row that
names a record which is not there are traces of records that were taken away, also when head and
checkpoints were set back with them. Who takes the rows away too leaves no such trace.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Table, func, inspect, select, type_coerce
from sqlalchemy.types import BigInteger

from store import schema
from trail.tables import RECORD

_OWN = "trail_"
#: Columns that hold the time of the transaction that wrote the row.
_WRITTEN_AT = frozenset({
    "acknowledged_at", "at", "changed_at", "closed_at", "created_at", "decided_at", "done_at",
    "ended_at", "given_at", "made_at", "opened_at", "queued_at", "raised_at", "received_at",
    "recorded_at", "resolved_at", "revoked_at", "sent_at", "settled_at", "started_at",
})  # fmt: skip
#: A snapshot is written for the end of a day, which need not have come.
_OTHER_TIMES = frozenset({("book_snapshot", "recorded_at")})
#: Columns that hold the uid of a record.
_NAMES_RECORD = frozenset({("agents_hedge_order", "decision"), ("agents_batch_run", "decision")})
#: Tables that have no such column, and why. Their rows are missed only in an empty trail.
SILENT: Final[Mapping[str, str]] = {
    "book_snapshot": "written for the end of a day, which need not have come",
    "directory_account": "part of the directory's file; a tie made later has its record",
    "directory_grant": "part of the directory's file, which its record names by hash",
    "directory_organisation": "part of the directory's file",
    "directory_person": "part of the directory's file",
    "directory_roster": "part of the directory's file",
    "directory_setting": "part of the directory's file",
    "workorders_assignment": "who an order or alert is for; the order and the alert have times",
    "workorders_exemption_subject": "whom an exemption is about; the exemption has times",
    "workorders_case": "times of its events alone; its alerts have those of their transactions",
}


def witnesses(table: Table) -> tuple[list[Any], list[Any]]:
    """The columns of a table that speak of records: times of transactions, and uids."""
    times = [
        one
        for one in table.columns
        if one.name in _WRITTEN_AT and (table.name, one.name) not in _OTHER_TIMES
    ]
    return times, [one for one in table.columns if (table.name, one.name) in _NAMES_RECORD]


def is_witness(name: str) -> bool:
    """Whether the rows of this table must stand beside a trail with records."""
    return not (name.startswith(_OWN) or schema.is_plumbing(name))


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
        if name not in there or not is_witness(name):
            continue
        if not size:
            if connection.execute(select(1).select_from(table).limit(1)).first():
                yield f"{name} holds rows, and there is no record at all"
            continue
        times, uids = witnesses(table)
        for column in times:
            yield from _later(connection, table, column, latest)
        for column in uids:
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
