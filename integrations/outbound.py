"""The way out: through the company's forward proxy, or directly.

One setting holds for everything that goes out over HTTP. The environment's `HTTPS_PROXY` and
`NO_PROXY` are not read: what an operator's shell happens to carry must not decide where cards go.
"""

import logging
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from socket import create_connection, socket
from ssl import create_default_context
from urllib.parse import unquote, urlsplit

import httpx

from integrations.addresses import LOOPBACK

_OK = 200
# It writes whole addresses, and some hold a token or a secret. A filter stays when a logging
# configuration that is read later enables loggers again.
logging.getLogger("httpx").addFilter(lambda _record: False)
_ANSWER_LIMIT = 16_384


class ProxyRefused(OSError):  # noqa: N818 - the condition itself
    """The proxy would not open the way; the message names neither its address nor a password."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """Which way a request leaves.

    Attributes:
        proxy: ``http://[user:password@]host:port``; empty for none. Never shown: it may hold a
            password.
        direct: hosts that are reached without it: a name, ``.domain`` with all names below it, an
            address, or a network (``10.0.0.0/8``).
    """

    proxy: str = field(default="", repr=False)
    direct: tuple[str, ...] = LOOPBACK

    def proxy_for(self, url: str) -> str:
        """The proxy for this address; empty when it is reached directly."""
        host = urlsplit(url).hostname or ""
        return "" if any(_covers(one, host) for one in self.direct) else self.proxy

    def client(self, base_url: str, *, timeout_s: float, headers: dict[str, str]) -> httpx.Client:
        """A client for one service; it knows no proxy but this one, and follows no redirect."""
        return httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=timeout_s,
            proxy=self.proxy_for(base_url) or None,
            trust_env=False,
            # The system's own certificates: a proxy that opens TLS has its company's among them.
            verify=create_default_context(),
        )

    def connect(self, host: str, port: int, timeout_s: float) -> socket:
        """A connection for another protocol, through the proxy by CONNECT.

        Raises:
            ProxyRefused: the proxy answers with something else than 200.
            OSError: it, or the host, cannot be reached.
        """
        shown = f"[{host}]" if ":" in host else host
        proxy = urlsplit(self.proxy_for(f"tcp://{shown}"))
        if not proxy.hostname:
            return create_connection((host, port), timeout_s)
        way = create_connection((proxy.hostname, proxy.port or 80), timeout_s)
        try:
            _ask(way, f"{shown}:{port}", proxy.username, proxy.password)
        except BaseException:
            way.close()
            raise
        return way


def _covers(entry: str, host: str) -> bool:
    wanted, host = entry.lower().rstrip("."), host.lower().rstrip(".")
    if wanted.startswith("."):
        return host.endswith(wanted) or host == wanted[1:]
    try:
        return ip_address(host) in ip_network(wanted)
    except ValueError:
        return host == wanted


def _ask(way: socket, target: str, user: str | None, password: str | None) -> None:
    """Open the tunnel; what the other end says afterwards is not read here."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if user is not None:
        known = f"{unquote(user)}:{unquote(password or '')}"
        lines.append(f"Proxy-Authorization: Basic {b64encode(known.encode()).decode()}")
    way.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        # Byte by byte: a mail server speaks first, and its greeting belongs to the caller.
        more = way.recv(1)
        if not more or len(answer) > _ANSWER_LIMIT:
            raise ProxyRefused("the proxy broke off")
        answer += more
    words = answer.split(None, 2)
    status = words[1].decode(errors="replace") if len(words) > 1 else ""
    if status != str(_OK):
        raise ProxyRefused(f"the proxy answered {status[:3]}")
