"""The way to the log from any process: over the owner's socket, or in-process when there is none.

`open_log` decides; callers hold a `LogPort` either way, and what they can do is the same.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
import pyarrow as pa

from auditlog import errors
from auditlog.arrow_rows import STORED
from auditlog.errors import (
    LogBusyError,
    LogClosedError,
    LogError,
    LogFailedError,
    LogUnavailableError,
    LogVersionError,
)
from auditlog.events import Event
from auditlog.lateness import DEFAULT_LATENESS
from auditlog.owner import own_log
from auditlog.port import (
    PAGE_LIMIT,
    Bucket,
    FactReceipt,
    FactRow,
    Group,
    LogPort,
    LogStats,
    Page,
    QuarantinedRow,
    Query,
    Receipt,
    Reject,
    RejectState,
    Scope,
    SqlResult,
    StoredEvent,
    StoredFact,
)
from auditlog.socket_path import reachable
from auditlog.wire import HISTORY, OPERATIONS, SOCKET, VERSION, Operation
from store.clock import Clock, system_clock
from store.problems import Problem

_PAUSE: Final = 0.05
_ANSWER_SECONDS: Final = 120.0
# what an owner of version 1 answers to a call that it does not know
_OLD_RELEASE: Final = "LOG_OPERATION_UNKNOWN"
_BROKEN: Final = (OSError, http.client.HTTPException)
_ERRORS: Final[Mapping[str, type[LogError]]] = {
    found.code: found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, LogError)
}


def open_log(
    data_dir: Path,
    *,
    role: str,
    wait: float = 5.0,
    clock: Clock = system_clock,
    lateness: Mapping[str, int] = DEFAULT_LATENESS,
) -> LogPort:
    """The log of a data folder: the owner's socket when one answers, else the file itself.

    Args:
        data_dir: the data folder; made when absent.
        role: who asks, for the message that others get while we hold the file.
        wait: seconds to wait while another process holds the file without answering yet.
        clock: as for `own_log`; the owner's clock counts when there is one.
        lateness: as for `own_log`; the owner's table counts when there is one.

    Raises:
        LogBusyError: when another process still holds the file and does not answer.
        LogVersionError: when an owner of another release answers.
    """
    deadline = time.monotonic() + wait
    while True:
        remote = SocketLog(data_dir)
        if remote.answers():
            return remote
        try:
            return own_log(data_dir, role=role, clock=clock, lateness=lateness)
        except LogBusyError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


class _Connection(http.client.HTTPConnection):
    def __init__(self, data_dir: Path) -> None:
        super().__init__("log", timeout=_ANSWER_SECONDS)
        self._folder = data_dir

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with reachable(self._folder, SOCKET) as path:
            self.sock.connect(path)


class SocketLog:
    """The log over the owner's socket; one kept connection a thread.

    A call whose connection breaks is repeated for `patience` seconds when repeating is harmless
    (reads, and writes that are idempotent); then `LogUnavailableError`. A repeated `append` may
    report as duplicates what the first try had stored.
    """

    def __init__(self, data_dir: Path, *, patience: float = 10.0) -> None:
        self._folder = data_dir
        self._patience = patience
        self._local = threading.local()
        self._mutex = threading.Lock()
        self._connections: set[_Connection] = set()
        self._open = True

    def answers(self) -> bool:
        """Whether an owner is there.

        Raises:
            LogVersionError: when it is one of another release.
        """
        try:
            status, answer = self._once("ping", OPERATIONS["ping"].call(()))
        except _BROKEN:
            return False
        if status != HTTPStatus.OK:
            _raise(answer)
        return True

    # -- the way

    def _call(self, name: str, *arguments: Any, carried: Sequence[Sequence[Any]] = ()) -> Any:
        operation = OPERATIONS[name]
        body = operation.call(arguments, carried)
        deadline = time.monotonic() + self._patience
        while True:
            if not self._open:
                raise LogClosedError("the log is closed")
            try:
                status, answer = self._once(name, body)
                break
            except _BROKEN as error:
                if not operation.again or time.monotonic() >= deadline:
                    raise LogUnavailableError("the owner of the log does not answer") from error
            time.sleep(_PAUSE)
        if status != HTTPStatus.OK:
            _raise(answer)
        return _read(operation, answer)

    def _once(self, name: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request("POST", VERSION + name, body)
            response = connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self._forget(connection)
            raise

    def _connection(self) -> _Connection:
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _Connection(self._folder)
            with self._mutex:
                self._connections.add(connection)
        return connection

    def _forget(self, connection: _Connection) -> None:
        self._local.connection = None
        with self._mutex:
            self._connections.discard(connection)
        connection.close()

    # -- the port

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> Receipt:
        """See `LogPort.append`."""
        receipt: Receipt = self._call("append", carried=(events, rejects))
        return receipt

    def read_after(self, position: int, limit: int = 1000) -> list[StoredEvent]:
        """See `LogPort.read_after`."""
        rows: list[StoredEvent] = self._call("read_after", position, limit)
        return rows

    def get(self, uid: str) -> StoredEvent | None:
        """See `LogPort.get`."""
        row: StoredEvent | None = self._call("get", uid)
        return row

    def search(self, query: Query) -> Page:
        """See `LogPort.search`."""
        page: Page = self._call("search", query)
        return page

    def timeline(self, number: str, *, orgs: Scope = None, limit: int = 1000) -> list[StoredEvent]:
        """See `LogPort.timeline`."""
        rows: list[StoredEvent] = self._call("timeline", number, orgs, limit)
        return rows

    def history(self, query: Query) -> Iterator[StoredEvent]:
        """See `LogPort.history`."""
        if not self._open:
            raise LogClosedError("the log is closed")
        body = OPERATIONS[HISTORY].call((query,))
        connection = _Connection(self._folder)
        try:
            connection.request("POST", VERSION + HISTORY, body)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                _raise(response.read())
        except _BROKEN as error:
            connection.close()
            raise LogUnavailableError("the owner of the log does not answer") from error
        except LogError:
            connection.close()
            raise
        return _stream(connection, response)

    def count(self, query: Query) -> int:
        """See `LogPort.count`."""
        events: int = self._call("count", query)
        return events

    def histogram(self, query: Query, buckets: int = 60) -> list[Bucket]:
        """See `LogPort.histogram`."""
        found: list[Bucket] = self._call("histogram", query, buckets)
        return found

    def group_by(self, query: Query, field: str, limit: int = 50) -> list[Group]:
        """See `LogPort.group_by`."""
        groups: list[Group] = self._call("group_by", query, field, limit)
        return groups

    def quarantine(
        self,
        *,
        state: RejectState | None = "open",
        orgs: Scope = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[QuarantinedRow]:
        """See `LogPort.quarantine`."""
        rows: list[QuarantinedRow] = self._call("quarantine", state, orgs, after, limit)
        return rows

    def quarantine_read(self, number: int) -> QuarantinedRow | None:
        """See `LogPort.quarantine_read`."""
        row: QuarantinedRow | None = self._call("quarantine_read", number)
        return row

    def quarantine_replay(
        self, number: int, fields: Mapping[str, Any], *, by: str, now: datetime
    ) -> Receipt | list[Problem]:
        """See `LogPort.quarantine_replay`."""
        found: Receipt | list[Problem] = self._call(
            "quarantine_replay", number, dict(fields), by, now
        )
        return found

    def quarantine_dismiss(self, number: int, *, by: str, reason: str, now: datetime) -> None:
        """See `LogPort.quarantine_dismiss`."""
        self._call("quarantine_dismiss", number, by, reason, now)

    def append_facts(
        self, kind: str, rows: Sequence[FactRow], *, recorded_at: datetime
    ) -> FactReceipt:
        """See `LogPort.append_facts`."""
        receipt: FactReceipt = self._call("append_facts", kind, recorded_at, carried=(rows,))
        return receipt

    def facts(
        self,
        kind: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        hashes: Sequence[str] | None = None,
        orgs: Scope = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[StoredFact]:
        """See `LogPort.facts`."""
        chosen = None if hashes is None else list(hashes)
        rows: list[StoredFact] = self._call("facts", kind, since, until, chosen, orgs, after, limit)
        return rows

    def stats(self) -> LogStats:
        """See `LogPort.stats`."""
        found: LogStats = self._call("stats")
        return found

    def sql(
        self, text: str, *, orgs: Scope = None, seconds: float = 10.0, limit: int = PAGE_LIMIT
    ) -> SqlResult:
        """See `LogPort.sql`."""
        result: SqlResult = self._call("sql", text, orgs, seconds, limit)
        return result

    def close(self) -> None:
        """See `LogPort.close`."""
        self._open = False
        with self._mutex:
            for connection in self._connections:
                connection.close()
            self._connections.clear()


def _read(operation: Operation, answer: bytes) -> Any:
    """The result that an answer holds."""
    try:
        if operation.rows is None:
            return operation.result.validate_json(answer)
        line, _, rest = answer.partition(b"\n")
        rows = chain.from_iterable(operation.rows.batches(pa.BufferReader(rest)))
        return operation.join(operation.result.validate_json(line), list(rows))
    except ValueError as error:
        raise LogFailedError("the owner's answer cannot be read") from error


def _stream(connection: _Connection, response: http.client.HTTPResponse) -> Iterator[StoredEvent]:
    with contextlib.closing(connection):
        try:
            response.readline()  # the JSON part holds nothing
            for rows in STORED.batches(response):
                yield from rows
            if response.read():
                raise LogFailedError("the owner's answer cannot be read")
        except (*_BROKEN, ValueError) as error:
            raise LogUnavailableError("the history broke off") from error


def _raise(answer: bytes) -> NoReturn:
    try:
        refusal = orjson.loads(answer)
        code, message = str(refusal["code"]), str(refusal["message"])
    except (ValueError, TypeError, KeyError) as error:
        raise LogFailedError("the owner's answer cannot be read") from error
    if code == _OLD_RELEASE:
        raise LogVersionError(f"the owner does not know {message}")
    raise _ERRORS.get(code, LogError)(message)
