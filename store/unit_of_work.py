"""The one way to a transaction, and the rule that every change leaves a record."""

import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, event, insert, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from store.clock import Clock
from store.engine import BEGIN_OPTION, is_sqlite
from store.errors import DiskFull, MissingActor, NestedUnit, ReadOnly, UnitClosed, UnrecordedChange
from store.failures import DISK_FULL, failure_of
from store.schema import dml_table, is_plumbing, written_tables

_UNIT = "hedgewarden_unit"

Failpoint = Callable[[str], None]
"""Called with ``statement <sql>`` before each statement, ``commit`` before and ``committed`` after
the commit. A test raises, or kills the process, in it."""


class BeforeCommit(Protocol):
    """A hook that runs last in the transaction and writes what must go with it."""

    def __call__(self, uow: "UnitOfWork", /) -> int:
        """Write, and return how many records of the change were left in the trail."""


class UnitOfWork:
    """One transaction of one actor. Rooms take it as an argument and never commit.

    Attributes:
        actor: who acts: a person's id, ``system:<job>``, ``cli:<login>``, ``channel:<name>``.
        now: the clock's time when the unit began; on SQLite never earlier than the unit before.
        connection: the SQLAlchemy connection inside the transaction.
        buffers: what hooks gather until the commit, by the hook's own name.
    """

    __slots__ = (
        "_after",
        "_at_end",
        "_failpoint",
        "_session",
        "_waiting",
        "actor",
        "buffers",
        "changed",
        "connection",
        "now",
    )

    def __init__(
        self, actor: str, now: datetime, connection: Connection, failpoint: Failpoint | None
    ) -> None:
        self.actor = actor
        self.now = now
        self.connection = connection
        self.buffers: dict[str, Any] = {}
        self.changed: set[str] = set()
        self._after: list[Callable[[], None]] = []
        self._at_end: list[Callable[[], None]] = []
        self._failpoint = failpoint
        self._session: Session | None = None
        self._waiting: dict[Table, list[dict[str, Any]]] = {}

    @property
    def session(self) -> Session:
        """An ORM session on the same connection; flushed before the hooks run."""
        if self.connection.closed:
            raise UnitClosed
        if self._session is None:
            self._session = Session(bind=self.connection, expire_on_commit=False)
        return self._session

    def execute(
        self,
        statement: Executable | str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run a Core statement, or SQL text with ``:name`` parameters, in this transaction."""
        if self.connection.closed:
            raise UnitClosed
        if isinstance(statement, str):
            statement = text(statement)
        return self.connection.execute(statement, params)

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """Insert `row` into `table` together with others, in one statement.

        It is written at the latest before the next statement of this unit that names the table,
        and before the commit; so every read of the unit sees it. All rows of a table give the same
        columns.
        """
        if self.connection.closed:
            raise UnitClosed
        self._waiting.setdefault(table, []).append(row)

    def amend(self, table: Table, key: str, changes: Mapping[str, Any]) -> bool:
        """Change the row with the primary key `key` while it waits to be written.

        Returns:
            False when no such row waits: it was written already, or is not of this unit.
        """
        name = next(iter(table.primary_key.columns)).name
        for row in reversed(self._waiting.get(table, ())):
            if row[name] == key:
                row.update(changes)
                return True
        return False

    def at_end(self, call: Callable[[], None]) -> None:
        """Have `call` write what stands in memory until the unit's end, before the hooks run."""
        self._at_end.append(call)

    def reach(self, statement: str) -> None:
        """For a hook that goes past SQLAlchemy: let a test's failpoint act before `statement`."""
        if self._failpoint is not None:
            self._failpoint(f"statement {statement}")

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call` run once the commit is durable; never when the unit fails."""
        self._after.append(call)

    def _flush(self) -> None:
        for call in self._at_end:
            call()
        if self._session is not None:
            self._session.flush()
        for table in tuple(self._waiting):
            self._write(table)

    def _write_named(self, statement: str) -> None:
        for table in [one for one in self._waiting if one.name in statement]:
            self._write(table)

    def _write(self, table: Table) -> None:
        # Taken out first: the statement names the table itself.
        rows = self._waiting.pop(table, None)
        if rows:
            self.connection.execute(_insert_into(table), rows)

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()


class Store:
    """The database with its clock and its hooks. `agents/` and `service/` open its units.

    Args:
        engine: from `store.open_engine`.
        clock: returns an aware UTC time.
        before_commit: hooks, run in order; together they must leave a record when a table that is
            not plumbing changed.
        failpoint: for tests; see `Failpoint`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        before_commit: Sequence[BeforeCommit] = (),
        failpoint: Failpoint | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self._hooks = tuple(before_commit)
        self._failpoint = failpoint
        self._open: dict[int, str] = {}  # thread: actor
        self._listeners: list[Callable[[UnitOfWork], None]] = []
        # SQLite's own waiting is by random sleeps; a lock in front lets the threads of one
        # process in without them.
        self._turn = threading.Lock() if is_sqlite(engine) else None
        self._writing = engine.execution_options(**{BEGIN_OPTION: "BEGIN IMMEDIATE"})
        event.listen(self._writing, "before_cursor_execute", _write_what_waits)
        event.listen(self._writing, "after_cursor_execute", _note_change)
        if failpoint is not None:
            event.listen(self._writing, "before_cursor_execute", _reach_failpoint)
        # A reader sees one moment, however many statements it runs.
        options: dict[str, Any] = (
            {}
            if is_sqlite(engine)
            else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        self._reading = engine.execution_options(hedgewarden_reader=True, **options)
        event.listen(self._reading, "before_cursor_execute", _refuse_writing)

    def listen(self, call: Callable[[UnitOfWork], None]) -> None:
        """Have `call` run after every commit of this process, with the unit that was committed.

        It must neither fail nor take long, and may not use the unit's connection any more.
        """
        self._listeners.append(call)

    @contextmanager
    def unit_of_work(self, actor: str) -> Iterator[UnitOfWork]:
        """Open a transaction; leaving the block commits, an exception rolls back.

        Raises:
            MissingActor: when `actor` is empty.
            NestedUnit: when this thread already has a unit open.
            UnrecordedChange: at the end, when something changed and no hook left a record.
            DiskFull: when the database has no room; nothing of the unit is kept.
        """
        if not actor or actor.isspace():
            raise MissingActor
        thread = threading.get_ident()
        if thread in self._open:
            raise NestedUnit(self._open[thread], actor)
        self._open[thread] = actor
        if self._turn is not None:
            self._turn.acquire()
        try:
            uow = yield from self._run(actor)
        except (DBAPIError, sqlite3.Error) as error:
            # a hook may go past SQLAlchemy, so the driver's own error comes here too
            if failure_of(error) == DISK_FULL:
                raise DiskFull from error
            raise
        finally:
            if self._turn is not None:
                self._turn.release()
            # The thread that opened it, even if a framework closes it in another.
            del self._open[thread]
        for call in self._listeners:
            call(uow)
        _run_all(uow._after)  # noqa: SLF001 - the store is the unit's other half

    def _run(self, actor: str) -> Generator[UnitOfWork, None, UnitOfWork]:
        with self._writing.connect() as connection, connection.begin() as transaction:
            uow = UnitOfWork(actor, self.clock(), connection, self._failpoint)
            unit = connection.info  # of the pooled connection: cleared before it goes back
            unit[_UNIT] = uow
            try:
                yield uow
                uow._flush()  # noqa: SLF001
                self._check_and_hook(uow)
                if self._failpoint is not None:
                    self._failpoint("commit")
                transaction.commit()
            finally:
                unit.pop(_UNIT, None)
                uow._close()  # noqa: SLF001
        if self._failpoint is not None:
            self._failpoint("committed")
        return uow

    def _check_and_hook(self, uow: UnitOfWork) -> None:
        changed = tuple(sorted(uow.changed))  # before the hooks add their own tables
        records = sum(hook(uow) for hook in self._hooks)
        if changed and not records:
            raise UnrecordedChange(changed)

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database and refuses to write."""
        with self._reading.connect() as connection, connection.begin():
            yield connection


def _run_all(calls: list[Callable[[], None]]) -> None:
    """Run every call; the change is durable, so one that fails must not keep others from it."""
    failure: Exception | None = None
    for call in calls:
        try:
            call()
        except Exception as fault:  # noqa: BLE001 - raised below
            failure = failure or fault
    if failure is not None:
        raise failure


@cache
def _insert_into(table: Table) -> Any:
    return insert(table).inline()


def _write_what_waits(
    connection: Connection,
    _cursor: Any,
    statement: str,
    _parameters: Any,
    _context: Any,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> None:
    uow = connection.info.get(_UNIT)
    if uow is not None and uow._waiting:  # noqa: SLF001 - the unit's other half
        uow._write_named(statement)  # noqa: SLF001


def _note_change(
    connection: Connection,
    cursor: Any,
    statement: str,
    _parameters: Any,
    context: Any,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> None:
    # Rows given back (RETURNING) leave the count open until they are read; then it counts.
    if cursor.rowcount == 0 and cursor.description is None:
        return
    uow = connection.info.get(_UNIT)
    if uow is None:
        return
    name = dml_table(context)
    for table in (name,) if name is not None else written_tables(statement):
        if not is_plumbing(table):
            uow.changed.add(table)


def _reach_failpoint(
    connection: Connection,
    _cursor: Any,
    statement: str,
    _parameters: Any,
    _context: Any,
    _many: bool,  # noqa: FBT001
) -> None:
    uow = connection.info.get(_UNIT)
    if uow is not None:
        uow.reach(statement)


def _refuse_writing(
    _connection: Connection,
    _cursor: Any,
    statement: str,
    _parameters: Any,
    context: Any,
    _many: bool,  # noqa: FBT001
) -> None:
    if dml_table(context) is not None or written_tables(statement):
        raise ReadOnly(statement)
