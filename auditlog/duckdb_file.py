"""The open DuckDB file: one connection that writes, a cursor for each read, and what fails.

A commit that the disk has no room for is undone and said as `DiskFullError`; the next one may
succeed. When the room ends while DuckDB writes its log into the file (a checkpoint), DuckDB gives
the open database up for good: it is then closed and opened again by the next call, which finds
every acknowledged row in DuckDB's own log.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import duckdb

from auditlog.errors import DiskFullError, LogClosedError, LogFailedError

#: What the system says when there is no room: no space, over the quota, over the file's limit.
_NO_ROOM: Final = ("No space left on device", "Disk quota exceeded", "File too large")


class DuckDbFile:
    """The file, open in this process. Safe to use from several threads.

    Args:
        path: the file; made when absent, readable by its owner alone.
        memory: DuckDB's memory limit.
        prepare: run on the connection whenever the file has been opened or a transaction undone.
    """

    def __init__(
        self, path: Path, *, memory: str, prepare: Callable[[duckdb.DuckDBPyConnection], None]
    ) -> None:
        self._path = path
        self._memory = memory
        self._prepare = prepare
        self._lock = threading.Lock()
        self._given_up = False
        self._closed = False
        self._con = self._opened()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        try:
            con = duckdb.connect(
                str(self._path),
                config={
                    # queries of users must not reach files, the network or the caller's variables
                    "enable_external_access": "false",
                    "python_enable_replacements": "false",
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "memory_limit": self._memory,
                    "lock_configuration": "true",
                },
            )
        except duckdb.Error as error:
            raise _failure(error) from error
        try:
            self._path.chmod(0o600)
            self._prepare(con)
        except duckdb.Error as error:
            con.close()
            raise _failure(error) from error
        return con

    @contextlib.contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction on the one connection that writes; the block's end is the commit.

        Raises:
            LogClosedError: after `close`.
            DiskFullError: when the disk has no room; nothing of the block is kept.
            LogFailedError: for every other failure of the store.
        """
        with self._lock:
            con = self._usable()
            try:
                con.execute("BEGIN TRANSACTION")
                yield con
                con.execute("COMMIT")
            except BaseException as error:
                self._undo(con)
                if isinstance(error, duckdb.Error):
                    raise self._failed(error) from error
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own, which sees the last commit.

        Raises:
            LogClosedError: after `close`.
            LogFailedError: when the store fails.
        """
        if self._closed or self._given_up:
            with self._lock:
                self._usable()
        cursor = self._con.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            raise self._failed(error) from error
        finally:
            cursor.close()

    def _undo(self, con: duckdb.DuckDBPyConnection) -> None:
        # a commit that failed has ended its transaction already
        with contextlib.suppress(duckdb.Error):
            con.execute("ROLLBACK")
        try:
            self._prepare(con)
        except duckdb.Error:
            self._given_up = True

    def _usable(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened again when the database was given up; the lock is held."""
        if self._closed:
            raise LogClosedError("the log is closed")
        if self._given_up:
            with contextlib.suppress(duckdb.Error):
                self._con.close()
            self._con = self._opened()
            self._given_up = False
        return self._con

    def _failed(self, error: duckdb.Error) -> LogFailedError:
        # a cursor that was open when another call gave the database up fails in the same way
        if isinstance(error, duckdb.FatalException) or "has been invalidated" in str(error):
            self._given_up = True
        return _failure(error)

    def close(self) -> None:
        """Let the file go; later calls raise `LogClosedError`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._con.close()


def _failure(error: duckdb.Error) -> LogFailedError:
    text = str(error)
    full = any(sign in text for sign in _NO_ROOM)
    return DiskFullError(text) if full else LogFailedError(text)
