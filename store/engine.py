"""Opening the database: SQLite in WAL mode for one machine, PostgreSQL for production."""

import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 10_000
"""How long a SQLite writer waits for the one before it."""

BEGIN_OPTION = "hedgewarden_begin"
"""Execution option: the statement that starts a SQLite transaction."""


def open_engine(url: str) -> Engine:
    """An engine for `url`: ``sqlite:///path`` or ``postgresql://…`` (psycopg is used).

    A SQLite file is set to WAL, synchronous FULL and foreign keys; its folder is made when absent.
    ``sqlite://`` (memory) holds one connection per thread and serves tests that need no reader
    beside a writer.
    """
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database not in {None, "", ":memory:"}:
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "factory": _Connection}
        return _sqlite(create_engine(parsed, connect_args=arguments))
    return create_engine(parsed, pool_pre_ping=True)


def is_sqlite(bind: Engine | Connection) -> bool:
    """True when `bind` speaks to SQLite."""
    return bind.dialect.name == "sqlite"


class _Connection(sqlite3.Connection):
    """A connection that knows its cursors.

    One that was not read to its end and is still held by somebody (a generator, the traceback of an
    exception) keeps its snapshot open. The next unit of work on the same connection would then fail
    at once with "database is locked", however long the busy timeout, and reads would see what was.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, *args: Any, **options: Any) -> Any:
        """A cursor that `end_reads` can end."""
        made = super().cursor(*args, **options)
        self._cursors.add(made)
        return made

    def end_reads(self) -> None:
        """Close every cursor that is still held, and with them their snapshot."""
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()


def _sqlite(engine: Engine) -> Engine:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "reset", _end_reads)
    return engine


def _end_reads(connection: _Connection, _record: Any, _state: Any) -> None:
    connection.end_reads()


def _prepare(connection: Any, _record: Any) -> None:
    # Without this the driver begins by itself, late and DEFERRED, and a writer that upgrades its
    # lock at the end fails with BUSY_SNAPSHOT.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Else REPLACE would delete a row without its insert-only trigger being asked.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(BEGIN_OPTION, "BEGIN")
    # Straight to the driver: it is no statement of anybody's, and runs for every unit of work.
    driver: Any = connection.connection.dbapi_connection
    driver.execute(statement)
