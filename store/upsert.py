"""INSERT that gives way on a conflict, in the words of either database."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from store.engine import is_sqlite


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert `row` unless a unique key is taken; True when it went in."""
    if is_sqlite(connection):
        return connection.execute(_quiet_sqlite(table), row).rowcount == 1
    return connection.execute(_quiet_postgresql(table), row).first() is not None


# A statement is built once a table: building takes longer than running it.
@cache
def _quiet_sqlite(table: Table) -> sqlite.Insert:
    # inline: no RETURNING, which would leave the row count open
    return sqlite.insert(table).on_conflict_do_nothing().inline()


@cache
def _quiet_postgresql(table: Table) -> ReturningInsert[Any]:
    key = next(iter(table.primary_key.columns))
    return postgresql.insert(table).on_conflict_do_nothing().returning(key)


def insert_or_replace(
    connection: Connection, table: Table, row: dict[str, Any], key: tuple[str, ...]
) -> None:
    """Insert `row`, or give the row of the same `key` all its other values."""
    insert = sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)
    changes = {name: value for name, value in row.items() if name not in key}
    statement = insert.values(**row).on_conflict_do_update(index_elements=key, set_=changes)
    connection.execute(statement.inline())
