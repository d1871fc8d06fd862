"""The heartbeat: a ping to a monitor outside, which raises the alarm when it stays away.

A ping goes out in a thread of its own: a monitor that does not answer never holds up the agents.
"""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import orjson

from integrations.outbound import Outbound
from integrations.signing import SIGNATURE, signature
from store.clock import rfc3339

METHODS = ("GET", "POST")
_GOOD = range(200, 300)


class Heartbeat:
    """Pings one address.

    Args:
        url: of the monitor; never shown, because such addresses hold a token.
        outbound: the way out.
        method: ``GET``, or ``POST`` with what was found as JSON.
        secret: signs each ping (`signature`); empty for none.
        timeout_s: patience with the monitor.
    """

    def __init__(
        self,
        url: str,
        outbound: Outbound,
        *,
        method: str = "GET",
        secret: str = "",
        timeout_s: float = 10.0,
    ) -> None:
        self._url = url
        self._outbound = outbound
        self._method = method
        self._secret = secret
        self._timeout_s = timeout_s
        self._running: threading.Thread | None = None
        self._result: str | None = None

    @property
    def result(self) -> str | None:
        """What became of the last ping: empty for well, else a code; None before the first ends.

        ``HEARTBEAT_TIMEOUT``, ``HEARTBEAT_UNREACHABLE``, ``HEARTBEAT_REFUSED`` (any answer but a
        2xx: a redirect is not followed).
        """
        return self._result

    def beat(self, at: datetime, document: Mapping[str, Any]) -> None:
        """Ping, without waiting; a ping that is still under way is not doubled."""
        if self._running is not None and self._running.is_alive():
            return
        body = orjson.dumps(dict(document) | {"at": rfc3339(at)}) if self._method == "POST" else b""
        self._running = threading.Thread(
            target=self._ping, args=(at, body), name="heartbeat", daemon=True
        )
        self._running.start()

    def wait(self, timeout_s: float) -> None:
        """Until the ping that is under way has ended."""
        if self._running is not None:
            self._running.join(timeout_s)

    def _ping(self, at: datetime, body: bytes) -> None:
        headers = {"User-Agent": "hedgewarden"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, at, body)
        try:
            with self._outbound.client(
                self._url, timeout_s=self._timeout_s, headers=headers
            ) as client:
                answer = client.request(self._method, self._url, content=body or None)
            self._result = "" if answer.status_code in _GOOD else "HEARTBEAT_REFUSED"
        except httpx.TimeoutException:
            self._result = "HEARTBEAT_TIMEOUT"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            self._result = "HEARTBEAT_UNREACHABLE"
