"""A forward proxy on this machine: CONNECT and plain requests, names resolved by itself."""

import contextlib
import socket
import threading
from base64 import b64encode
from collections.abc import Mapping
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self
from urllib.parse import urlsplit

LIMIT_S = 30


class ForwardProxy:
    """Knows the hosts that it is told of, and nothing else.

    Args:
        names: host → port on this machine.
        user: ``name:password`` that it asks for; empty for nobody.
    """

    def __init__(self, names: Mapping[str, int], user: str = "") -> None:
        self.names = names
        self.wanted = f"Basic {b64encode(user.encode()).decode()}" if user else ""
        self.asked: list[tuple[str, str]] = []
        self.status = 0
        self.silent = False
        self.early = b""  # comes with the answer to CONNECT, as a far end that speaks first
        self.tunnels = True
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    proxy: ForwardProxy


class _Handler(StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        proxy: ForwardProxy = self.server.proxy
        method, target, _ = self.rfile.readline().decode().split(" ", 2)
        headers = {}
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        proxy.asked.append((method, target))
        if proxy.silent:
            return
        if proxy.wanted and headers.pop("proxy-authorization", "") != proxy.wanted:
            self._say("407 Proxy Authentication Required")
            return
        if method == "CONNECT" and not proxy.tunnels:
            self._say("403 No tunnels")
            return
        if proxy.status:
            self._say(f"{proxy.status} By order")
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = proxy.names.get(parts.hostname or "")
        if port is None:
            self._say("502 Bad Gateway")
            return
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as other:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n" + proxy.early)
                back = threading.Thread(target=_pump, args=(other, self.connection), daemon=True)
                back.start()
                _pump(self.connection, other)
                back.join(LIMIT_S)
                return
            body = self.rfile.read(int(headers.get("content-length", "0")))
            kept = {**headers, "connection": "close"}
            lines = [f"{method} {parts.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in kept.items()]
            other.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            _pump(other, self.connection)

    def _say(self, status: str) -> None:
        self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Everything from one to the other, until either ends."""
    try:
        while content := source.recv(65536):
            sink.sendall(content)
    except OSError:
        pass
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
