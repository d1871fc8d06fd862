"""Slack's Socket Mode: clicks and commands come down a WebSocket that this side opens.

No address of ours needs to be reachable from outside. An envelope is acknowledged after it was
taken, never before: what is not acknowledged, Slack sends again. Slack ends every connection after
some hours and says so beforehand; the next one is then open before the old one is closed.

The SDK's own connection speaks the protocol; when to open, replace and give up is decided here.
"""

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin.connection import Connection, ConnectionState

from integrations.callbacks import can_be_kept
from integrations.outbound import Outbound
from integrations.slack_web import SlackWeb
from workorders.errors import ChannelError, ChannelFailed, ChannelRetry

HELLO_S = 8.0
PING_S = 10.0
#: Every ping is answered: who is silent for so long is gone, whatever TCP believes.
SILENT_S = 30.0
LONGEST_WAIT_S = 60.0
#: A connection that ends sooner counts as a failed try, so that a flapping one is not hammered.
SHORT_LIVED_S = 10.0
_READ_BYTES = 65_536
_TLS_PORT = 443

_log = structlog.get_logger(__name__)
#: The SDK writes addresses with tickets and proxy passwords; it has nobody to write to.
_NOBODY = logging.getLogger("hedgewarden.slack_sdk")
_NOBODY.disabled = True
# A logging configuration that is read later enables loggers again; a filter stays.
_NOBODY.addFilter(lambda _record: False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message that wants to be acknowledged.

    Attributes:
        id: what the acknowledgement names.
        kind: ``interactive``, ``slash_commands``, ``events_api``.
        payload: as the HTTP way would have carried it; nothing in it is checked yet.
    """

    id: str
    kind: str
    payload: Any


Take = Callable[[Envelope], Mapping[str, Any] | None]
"""Takes an envelope durably and gives the answer that goes with the acknowledgement, if any. An
exception means that it was not taken: it is then not acknowledged."""


class SlackSocket:
    """Keeps one connection to Slack.

    Attributes:
        fault: why the last try to connect failed, as a code; empty after one that did not.

    Args:
        web: the Web API under the *app's* token.
        outbound: the way out, for the socket as for the call that opens it.
        take: called in the connection's thread, one envelope after the other.
        wake: set whenever `keep` has something to do before its next turn.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        *,
        web: SlackWeb,
        outbound: Outbound,
        take: Take,
        wake: threading.Event | None = None,
        ticks: Callable[[], float] = monotonic,
        silent_s: float = SILENT_S,
        secure: bool = True,
    ) -> None:
        self._web = web
        self._outbound = outbound
        self._take = take
        self._wake = wake or threading.Event()
        self._ticks = ticks
        self._silent_s = silent_s
        self._secure = secure
        self._session: _Session | None = None
        self.fault = ""
        self._failures = 0
        self._next_try = ticks()
        self._ping_at = 0.0

    @property
    def connected(self) -> bool:
        """Whether Slack has greeted on a connection that still stands."""
        return self._session is not None and self._session.alive

    @property
    def next_try_s(self) -> float:
        """Seconds until it may try to connect again; 0 when nothing holds it back."""
        return max(0.0, self._next_try - self._ticks())

    def keep(self) -> None:
        """One look: open, replace or prove the connection. Faults are told and tried again."""
        now = self._ticks()
        current = self._session
        if current is not None and not current.alive:
            self._session = None
            if not current.told:
                self._ended(current, now, "lost")
        if self._session is None or self._session.leaving:
            if now >= self._next_try:
                self._open(now)
        elif now >= self._ping_at:
            self._ping_at = now + PING_S
            self._session.ping()

    def close(self) -> None:
        """End the connection, if there is one; what is not acknowledged comes again."""
        current, self._session = self._session, None
        if current is not None:
            current.close()

    def _open(self, now: float) -> None:
        leaving = self._session
        if leaving is not None and not leaving.told:
            leaving.told = True
            self._ended(leaving, now, leaving.reason)
            if now < self._next_try:
                return
        try:
            fresh = self._connect()
        except ChannelError as fault:
            self._failed(fault)
            return
        except Exception as fault:  # noqa: BLE001 - an address that is none, say: tried again
            self._failed(ChannelRetry(1, type(fault).__name__))
            return
        self._session, self.fault = fresh, ""
        self._ping_at = self._ticks() + PING_S
        _log.info("connected to Slack", tries=self._failures + 1)
        if leaving is not None:
            leaving.close()

    def _connect(self) -> "_Session":
        url = str(self._web.call("apps.connections.open").get("url", ""))
        parts = urlsplit(url)
        if self._secure and (parts.scheme != "wss" or parts.port not in {None, _TLS_PORT}):
            # Anywhere else the SDK would speak in the clear, with the ticket in its first line.
            raise ChannelFailed("SOCKET_ADDRESS_UNSAFE")
        session = _Session(self._take, self._wake, self._ticks, self._silent_s)
        session.open(url, self._outbound.proxy_for(url))
        return session

    def _ended(self, session: "_Session", now: float, why: str) -> None:
        """A connection is over, or about to be: at once the next one, unless it was a short one."""
        if now - session.since >= SHORT_LIVED_S:
            self._failures, self._next_try = 0, now
        else:
            self._failures += 1
            self._next_try = now + _back_off(self._failures)
        _log.info("Slack's connection ends", why=why, seconds=round(now - session.since))

    def _failed(self, fault: ChannelError) -> None:
        self._failures += 1
        asked = fault.after_s if isinstance(fault, ChannelRetry) else LONGEST_WAIT_S
        wait = max(asked, _back_off(self._failures))
        self._next_try = self._ticks() + wait
        self.fault = fault.code if isinstance(fault, ChannelFailed) else str(fault)
        _log.warning("not connected to Slack", fault=self.fault, tries=self._failures, next_s=wait)


class _Session:
    """One WebSocket, from its greeting to its end."""

    def __init__(
        self,
        take: Take,
        wake: threading.Event,
        ticks: Callable[[], float],
        silent_s: float,
    ) -> None:
        self._take = take
        self._wake = wake
        self._silent_s = silent_s
        self._ticks = ticks
        self._state: Any = ConnectionState()  # type: ignore[no-untyped-call]
        self._greeted = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._line: _Line | None = None
        self._fault = ""
        self.since = ticks()
        self.reason = ""
        self.told = False

    @property
    def alive(self) -> bool:
        return not self._state.terminated and self._thread is not None and self._thread.is_alive()

    @property
    def leaving(self) -> bool:
        """Slack has said that it will end this connection."""
        return bool(self.reason)

    def open(self, url: str, proxy: str) -> None:
        """Connect, and wait for the greeting.

        Raises:
            ChannelRetry: it did not come about.
        """
        self._connection = Connection(
            url=url,
            logger=_NOBODY,
            proxy=proxy or None,
            receive_buffer_size=_READ_BYTES,
            on_message_listener=self._on_text,
            on_error_listener=self._on_error,
        )
        self._connection.connect()
        if self._connection.sock is None:
            raise ChannelRetry(1, self._fault or "no WebSocket")
        self._line = self._connection.sock = _Line(self._connection.sock, self._silent_s)
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)
        self._thread.start()
        if not self._greeted.wait(HELLO_S) or not self.alive:
            self.close()
            raise ChannelRetry(1, self._fault or "no greeting")
        self.since = self._ticks()

    def ping(self) -> None:
        try:
            self._connection.ping("hedgewarden")
        except OSError:
            self.close()

    def close(self) -> None:
        """End it now; the reading thread is woken and waited for, unless it is the caller."""
        self._state.terminated = True
        if self._line is not None:
            self._line.end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(SILENT_S)
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        try:
            self._connection.run_until_completion(self._state)
        finally:
            self._state.terminated = True
            self._greeted.set()
            self._wake.set()

    def _on_error(self, fault: Exception) -> None:
        # Its name alone: the SDK's words hold the proxy's address with its password.
        self._fault = type(fault).__name__

    def _on_text(self, text: str) -> None:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            _log.warning("Slack's socket said something that cannot be read")
            return
        match said.get("type"):
            case "hello":
                self._greeted.set()
            case "disconnect":
                self.reason = str(said.get("reason") or "disconnect")
                self._wake.set()
            case kind if said.get("envelope_id"):
                # Acknowledged whatever it says, so that it never comes again.
                payload = said.get("payload") if can_be_kept(said) else None
                self._handle(Envelope(str(said["envelope_id"]), str(kind), payload))

    def _handle(self, envelope: Envelope) -> None:
        try:
            answer = self._take(envelope)
        except Exception as fault:  # noqa: BLE001 - not taken, not acknowledged: it comes again
            _log.error("an envelope was not taken", kind=envelope.kind, fault=type(fault).__name__)
            return
        said: dict[str, Any] = {"envelope_id": envelope.id}
        if answer is not None:
            said["payload"] = dict(answer)
        try:
            self._connection.send(json.dumps(said))
        except (SlackClientError, OSError):
            _log.info("an acknowledgement was lost; Slack sends the envelope again")


class _Line:
    """The socket as the SDK's connection should have it.

    The SDK takes the end of the stream for silence, a stall in the middle of a frame for a chance
    to start with the next one, and a partly sent frame for a sent one.
    """

    def __init__(self, way: socket.socket, silent_s: float) -> None:
        self._way = way
        way.settimeout(silent_s)

    def recv(self, size: int) -> bytes:
        try:
            content = self._way.recv(size)
        except TimeoutError as fault:
            raise ConnectionAbortedError("silent for too long") from fault
        if not content:
            raise ConnectionResetError("ended by the other side")
        return content

    def send(self, content: bytes) -> int:
        self._way.sendall(content)
        return len(content)

    def end(self) -> None:
        """Wake whoever reads; under TLS too, whose own state is left alone."""
        try:
            socket.socket.shutdown(self._way, socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        self._way.close()


def _back_off(failures: int) -> float:
    return min(2.0 ** (failures - 1), LONGEST_WAIT_S) if failures < 10 else LONGEST_WAIT_S  # noqa: PLR2004
