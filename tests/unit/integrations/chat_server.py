"""What the local servers of the chats have in common: messages, faults, an HTTP door."""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next call gets instead of an answer; `lost` and `hang` take effect all the same."""

    status: int = 200
    retry_after: int = 0
    errcode: int | str = 0
    lost: bool = False
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Callback:
    """A request as the chat sends it, and what is sealed in it."""

    body: bytes
    event: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """One message in somebody's chat as it is shown now.

    Attributes:
        user: whose chat.
        body: as it was sent.
        versions: all that it showed, the newest last.
        keys: ids of its buttons now.
        said: the text of one that is no card; else empty.
    """

    user: str
    body: dict[str, Any]
    versions: list[dict[str, Any]]
    keys: list[str]
    said: str = ""

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


class ChatServer:
    """A server on this machine; a subclass answers the calls.

    Args:
        unix_time: the clock in whole seconds.
    """

    root = "/"
    """path before the methods"""
    code_field = "errcode"
    """where an answer holds its number"""
    reset_header = "Retry-After"
    """where a rate limit tells how long"""
    token_header = "Authorization"
    """where a call carries its token"""

    def __init__(self, unix_time: Callable[[], int]) -> None:
        self.unix_time = unix_time
        self.unknown: set[str] = set()
        self.messages: list[Message] = []
        self.calls: list[str] = []
        self.faults: deque[Fault] = deque()
        self.lasting: Fault | None = None
        self.tokens: set[str] = set()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._count = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.root}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        self.faults.extend(faults)

    def next_number(self) -> int:
        self._count += 1
        return self._count

    def is_token_call(self, method: str) -> bool:
        """Whether a call only fetches a token; single faults wait for the call after it."""
        raise NotImplementedError

    def answer(
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """What the chat answers."""
        raise NotImplementedError

    def status_of(self, said: dict[str, Any]) -> int:
        """The HTTP status of an answer."""
        return 200

    def fault_for(self, method: str) -> Fault | None:
        if self.lasting is not None or self.is_token_call(method) or not self.faults:
            return self.lasting
        return self.faults.popleft()


def _handler(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body after its headers would wait 40 ms for an answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: the messages are the record."""

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length) or b"{}")
            parts = urlsplit(self.path)
            method = parts.path.removeprefix(server.root)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = server.fault_for(method)
            if fault is not None and not fault.lost and not fault.hang:
                self._reply(fault.status, {server.code_field: fault.errcode}, fault.retry_after)
                return
            bearer = self.headers.get(server.token_header, "").removeprefix("Bearer ")
            with server.lock:
                server.calls.append(method)
                said = server.answer(method, query, bearer, body)
            if fault is None:
                self._reply(server.status_of(said), said, 0)
                return
            if fault.hang:
                server.closing.wait()
            self.close_connection = True
            self.connection.close()

        do_GET = do_PATCH = do_PUT = do_POST  # noqa: N815 - the names that http.server calls

        def _reply(self, status: int, said: dict[str, Any], retry_after: int) -> None:
            body = b"<html>" if status >= 500 else json.dumps(said).encode()
            waits = {server.reset_header: str(retry_after)} if retry_after else {}
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **waits}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

    return Handler
