"""Slack as Socket Mode shows it: `apps.connections.open` over HTTP, and a WebSocket beside it."""

import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs

from service.demo.slack_server import SlackServer

PATIENCE_S = 60.0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Client:
    """One WebSocket as the server sees it."""

    def __init__(self, way: socket.socket) -> None:
        self.way = way
        self.acks: list[dict[str, Any]] = []
        self.pings = 0
        self.gone = threading.Event()
        self._sending = threading.Lock()

    def frame(self, kind: int, content: bytes) -> None:
        size = len(content)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([size])
        elif size < 65536:
            head += b"\x7e" + struct.pack("!H", size)
        else:
            head += b"\x7f" + struct.pack("!Q", size)
        with self._sending:
            self.way.sendall(head + content)

    def say(self, **message: Any) -> None:
        self.frame(TEXT, json.dumps(message).encode())

    def hang_up(self) -> None:
        try:
            socket.socket.shutdown(self.way, socket.SHUT_RDWR)
        except OSError:
            return


class SocketServer(SlackServer):
    """A `SlackServer` with Socket Mode; `greets` and `pongs` can be turned off.

    `on_ack` is called with every acknowledgement, before anything else is read.
    """

    def __init__(
        self,
        signing_secret: str = "secret",
        unix_time: Callable[[], int] = lambda: 0,
        *,
        tls: ssl.SSLContext | None = None,
        address: str = "",
    ) -> None:
        super().__init__(signing_secret, unix_time)
        self.on_ack: Callable[[dict[str, Any]], object] = lambda _said: None
        self.clients: list[Client] = []
        self.greets = True
        self.pongs = True
        self.opened = 0
        self.address = address
        self._tls = tls
        self._tickets: set[str] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def socket_port(self) -> int:
        return int(self._listening.getsockname()[1])

    @property
    def live(self) -> list[Client]:
        return [one for one in self.clients if not one.gone.is_set()]

    def __enter__(self) -> Self:
        self._accepting.start()
        return super().__enter__()

    def __exit__(self, *given: object) -> None:
        socket.socket.shutdown(self._listening, socket.SHUT_RDWR)
        self._listening.close()
        for client in self.clients:
            client.hang_up()
        super().__exit__(*given)

    def answer(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method != "apps.connections.open":
            return super().answer(method, arguments)
        self.opened += 1
        ticket = f"ticket-{self.opened}"
        self._tickets.add(ticket)
        host = self.address or f"ws://127.0.0.1:{self.socket_port}"
        return {"ok": True, "url": f"{host}/link/?ticket={ticket}&app_id=A1"}

    def deliver(self, number: int, kind: str, payload: Any, client: Client | None = None) -> str:
        """Send an envelope on the newest connection; gives its id."""
        envelope = f"env-{number}"
        self._to(client).say(
            envelope_id=envelope, type=kind, payload=payload, accepts_response_payload=True
        )
        return envelope

    def pressed(self, *given: Any, **named: Any) -> Any:
        """What `press` signs for HTTP, as the socket carries it."""
        return json.loads(parse_qs(self.press(*given, **named).body.decode())["payload"][0])

    def command_payload(self, user: str, text: str) -> dict[str, str]:
        fields = parse_qs(self.command(user, text).body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}

    def _to(self, client: Client | None) -> Client:
        if client is None:
            until(lambda: self.live, "nobody is connected")
        return client or self.live[-1]

    def _accept(self) -> None:
        while True:
            try:
                way, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(way,), daemon=True).start()

    def _serve(self, way: socket.socket) -> None:
        client = None
        try:
            if self._tls is not None:
                way = self._tls.wrap_socket(way, server_side=True)
            if not self._shake_hands(way):
                way.close()
                return
            client = Client(way)
            self.clients.append(client)
            if self.greets:
                client.say(type="hello", num_connections=1, connection_info={"app_id": "A1"})
            self._read(client)
        except (OSError, EOFError):
            pass
        finally:
            if client is not None:
                client.gone.set()
            way.close()

    def _shake_hands(self, way: socket.socket) -> bool:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += exactly(way, 1)
        first, *rest = request.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
        original = dict(line.split(": ", 1) for line in rest if ": " in line)
        ticket = parse_qs(first.split(" ")[1].partition("?")[2]).get("ticket", [""])[0]
        if ticket not in self._tickets or headers.get("upgrade") != "websocket":
            way.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return False
        self._tickets.discard(ticket)  # a ticket opens one connection
        key = original["Sec-WebSocket-Key"].encode()
        accept = b64encode(hashlib.sha1(key + _MAGIC).digest()).decode()
        way.sendall(
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ).encode()
        )
        return True

    def _read(self, client: Client) -> None:
        while True:
            kind, content = _frame(client.way)
            if kind == PING:
                client.pings += 1
                if self.pongs:
                    client.frame(PONG, content)
            elif kind == TEXT:
                said = json.loads(content)
                self.on_ack(said)
                client.acks.append(said)
            elif kind == CLOSE:
                return


def _frame(way: socket.socket) -> tuple[int, bytes]:
    first, second = exactly(way, 2)
    size = second & 0x7F
    assert second & 0x80, "a client masks what it sends"
    if size == 126:
        (size,) = struct.unpack("!H", exactly(way, 2))
    elif size == 127:
        (size,) = struct.unpack("!Q", exactly(way, 8))
    mask = exactly(way, 4)
    content = exactly(way, size)
    return first & 0x0F, bytes(one ^ mask[place % 4] for place, one in enumerate(content))


def exactly(way: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        more = way.recv(size - len(content))
        if not more:
            raise EOFError
        content += more
    return content
