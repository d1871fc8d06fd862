"""INSERT that gives way on a conflict, in the words of either database."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from store.engine import is_sqlite


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert `row` unless a unique key is taken; True when it went in."""
    if is_sqlite(connection):
        # inline: no RETURNING, which would leave the row count open
        quiet = sqlite.insert(table).values(**row).on_conflict_do_nothing().inline()
        return connection.execute(quiet).rowcount == 1
    key = next(iter(table.primary_key.columns))
    told = postgresql.insert(table).values(**row).on_conflict_do_nothing().returning(key)
    return connection.execute(told).first() is not None


def insert_or_replace(
    connection: Connection, table: Table, row: dict[str, Any], key: tuple[str, ...]
) -> None:
    """Insert `row`, or give the row of the same `key` all its other values."""
    insert = sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)
    changes = {name: value for name, value in row.items() if name not in key}
    statement = insert.values(**row).on_conflict_do_update(index_elements=key, set_=changes)
    connection.execute(statement.inline())
