"""The one owner of the log's file: the lock, and the server on ``log.sock``.

DuckDB lets one process open its file, even to read; so one process owns it and answers the others
over HTTP on a Unix socket that only its user can open.
"""

import contextlib
import fcntl
import io
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any, Final, Self, cast

import orjson
from pydantic import ValidationError

from auditlog.arrow_rows import RowsRefusedError
from auditlog.duckdb_log import DuckDbLog
from auditlog.errors import LogBusyError, LogError, LogFailedError, LogVersionError
from auditlog.events import Event
from auditlog.lateness import DEFAULT_LATENESS
from auditlog.port import LogPort, Receipt, Reject
from auditlog.socket_path import reachable
from auditlog.wire import (
    BODY_MOST,
    CONTROL_TYPE,
    OPERATIONS,
    ROWS_TYPE,
    SOCKET,
    VERSION,
    Operation,
)
from store.clock import Clock, system_clock

FILE: Final = "log.duckdb"
LOCK: Final = "log.lock"
_BACKLOG: Final = 128
_STOP_SECONDS: Final = 30.0
_PAUSE: Final = 0.05
_CHUNK: Final = 256 * 1024


class OwnedLog(DuckDbLog):
    """The log in this process, with the lock that keeps every other process from opening it."""

    def __init__(
        self, data_dir: Path, lock: IO[bytes], clock: Clock, lateness: Mapping[str, int]
    ) -> None:
        super().__init__(data_dir / FILE, clock=clock, lateness=lateness)
        self._lock_file = lock
        self._listeners: list[Callable[[], None]] = []

    def listen(self, call: Callable[[], None]) -> None:
        """Have `call` run after every append that brought something new, in its thread.

        It must neither fail nor take long: the sender waits for it.
        """
        self._listeners.append(call)

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> Receipt:
        """See `LogPort.append`; who listens is told once it is on disk."""
        receipt = super().append(events, rejects)
        if receipt.accepted:
            for call in self._listeners:
                call()
        return receipt

    def close(self) -> None:
        """Close the file, then let the lock go."""
        super().close()
        self._lock_file.close()


def own_log(
    data_dir: Path,
    *,
    role: str,
    wait: float = 0.0,
    clock: Clock = system_clock,
    lateness: Mapping[str, int] = DEFAULT_LATENESS,
) -> OwnedLog:
    """Open the log in this process and keep all others out of its file.

    Args:
        data_dir: the data folder; made when absent, for this user alone.
        role: who opens it, for the message that others get.
        wait: seconds to wait for a short-lived holder, such as a command that runs.
        clock: stamps quarantined rows.
        lateness: seconds an event may arrive late, by source or first word of its type.

    Raises:
        LogBusyError: when another process has it open.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + wait
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context((data_dir / LOCK).open("a+b"))
        while not _locked(lock):
            if time.monotonic() >= deadline:
                lock.seek(0)
                holder = lock.read(80).decode("utf-8", "replace").strip()
                raise LogBusyError(f"the log is in use by {holder or 'another process'}")
            time.sleep(_PAUSE)
        lock.truncate(0)
        lock.write(f"{role} (process {os.getpid()})\n".encode())
        lock.flush()
        log = OwnedLog(data_dir, lock, clock, lateness)
        stack.pop_all()
    return log


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class LogServer:
    """The running server; `stop` lets the calls in progress finish."""

    def __init__(self, data_dir: Path, log: LogPort) -> None:
        self._path = data_dir / SOCKET
        # only who holds the file's lock comes here, so a socket that stands is a dead owner's
        self._path.unlink(missing_ok=True)
        self._server = _Server(data_dir, log)
        self._inode = self._path.stat().st_ino
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="log-owner", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer what has been asked, then close the socket and remove its file."""
        self._server.shutdown()
        self._thread.join()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._server.drain()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def serve_log(data_dir: Path, log: LogPort) -> LogServer:
    """Answer other processes on ``DATA/log.sock`` (mode 0600) until `LogServer.stop`."""
    return LogServer(data_dir, log)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = _BACKLOG
    # a process that ends without `stop` must not wait for its idle clients
    daemon_threads = True

    def __init__(self, data_dir: Path, log: LogPort) -> None:
        self.log = log
        self._folder = data_dir
        self._mutex = threading.Condition()
        self._connections: set[socket.socket] = set()
        super().__init__(SOCKET, _Handler)

    def server_bind(self) -> None:
        # the mode is set before there is a file, so at no moment can another user connect
        os.fchmod(self.socket.fileno(), 0o600)
        with reachable(self._folder, SOCKET) as path:
            self.socket.bind(path)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._mutex:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._mutex:
            self._connections.discard(request)
            self._mutex.notify_all()
        super().shutdown_request(request)

    def drain(self) -> None:
        """End the reading side of every connection: idle ones close, busy ones answer first."""
        with self._mutex:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
            self._mutex.wait_for(lambda: not self._connections, _STOP_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no fault of ours; the connection is closed either way."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    _began = False

    def do_POST(self) -> None:
        """Run one operation."""
        self._began = False
        body = self._body()
        if body is None:
            return
        try:
            operation = _operation(self.path)
            arguments, carried = operation.read_call(body)
            self._answer_with(operation, operation.run(self.server.log, arguments, carried))
        except LogVersionError as error:
            self._refuse(HTTPStatus.NOT_FOUND, error.code, str(error))
        except LogError as error:
            self._refuse(HTTPStatus.CONFLICT, error.code, str(error))
        except (ValidationError, RowsRefusedError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "LOG_CALL_WRONG", str(error))
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 (the client must hear of it, whatever it is)
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, LogFailedError.code, str(error))

    def _body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_MOST:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "LOG_CALL_WRONG", "length")
            return None
        body = self.rfile.read(length)
        if len(body) < length:  # the client died in the middle: nothing is stored of it
            self.close_connection = True
            return None
        return body

    def _answer_with(self, operation: Operation, result: Any) -> None:
        control, rows = operation.split(result)
        head = operation.head(control)
        if operation.rows is None:
            self._answer(HTTPStatus.OK, head)
            return
        self._began = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", ROWS_TYPE)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunks = _Chunks(self.wfile)
        chunks.write(head)
        operation.rows.write(cast("IO[bytes]", chunks), iter(rows))
        chunks.end()

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        if self._began:
            # half an answer is out: without its end the client knows that it broke off
            self.close_connection = True
            return
        self._answer(status, orjson.dumps({"code": code, "message": message[:1000]}))

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTROL_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Unix sockets have no address."""
        return "local"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Requests are not logged one by one."""


def _operation(path: str) -> Operation:
    """The call of an address.

    Raises:
        LogVersionError: when this release has no such call.
    """
    found = OPERATIONS.get(path.removeprefix(VERSION)) if path.startswith(VERSION) else None
    if found is None:
        raise LogVersionError(f"the owner speaks {VERSION} and does not know {path[:100]}")
    return found


class _Chunks(io.RawIOBase):
    """The body of an answer in HTTP chunks of about `_CHUNK` bytes."""

    def __init__(self, sink: Any) -> None:
        super().__init__()
        self._sink = sink
        self._held = bytearray()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Hold small parts back; send what is long enough."""
        self._held += data
        if len(self._held) >= _CHUNK:
            self._send()
        return len(data)

    def end(self) -> None:
        """Send the rest, and that this is all."""
        if self._held:
            self._send()
        self._sink.write(b"0\r\n\r\n")

    def _send(self) -> None:
        self._sink.write(b"%x\r\n%b\r\n" % (len(self._held), bytes(self._held)))
        self._held.clear()
