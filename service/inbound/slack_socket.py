"""Slack's clicks and commands by Socket Mode: the same inbox and the same hands as over HTTP.

Of several processes one holds the connection, under a lease; when it dies, another takes over as
soon as the lease has run out, and Slack sends it what was never acknowledged.
"""

import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from queue import SimpleQueue
from time import monotonic
from typing import Any

import structlog

from agents.house_faults import HouseFault, tell_once
from agents.world import book_orgs
from integrations.slack_forms import Submission
from integrations.slack_inbound import MALFORMED, asked
from integrations.slack_socket import Envelope, SlackSocket
from integrations.slack_web import SlackWeb
from service.application import Application
from service.channels import outbound_of
from service.inbound import clicks, slack_forms
from service.inbound.slack import CHANNEL, typed
from store import leases
from workorders.channel import Inbound, Refusal

LEASE = "slack-socket"
#: Longer than one look takes at worst: a call, a handshake and a greeting that all time out.
LEASE_S = 30.0
RENEW_S = 3.0
PERIOD_S = 0.5
#: Without a connection for so long, people are told: clicks on cards come to nothing meanwhile.
TELL_AFTER_S = 300.0
_TELL_AGAIN_S = 60.0
DISCONNECTED = "SLACK_DISCONNECTED"
_STOP_S = 60.0
_HOUSE = "system:slack"

_log = structlog.get_logger(__name__)


class SlackDoor:
    """What comes by the socket is put into the inbox, and worked off.

    Args:
        app: the application.
        work: tells that something waits in the inbox.
    """

    def __init__(self, app: Application, work: Callable[[], None]) -> None:
        self._app = app
        self._work = work
        self._said: SimpleQueue[tuple[Inbound, str]] = SimpleQueue()

    def tell(self) -> None:
        """Say privately what came of the forms: not in the thread that acknowledges."""
        while not self._said.empty():
            clicks.whisper(self._app, *self._said.get())

    def take(self, envelope: Envelope) -> Mapping[str, Any] | None:
        """Take one envelope durably; what it cannot use is taken too, so that it never comes again.

        Raises:
            Exception: the database cannot be written; Slack then sends the envelope again.
        """
        found = self._asked(envelope, _event_id(envelope))
        if isinstance(found, str):
            return {"response_type": "ephemeral", "text": found}
        if isinstance(found, Refusal):
            _log.info("an envelope was passed over", kind=envelope.kind[:40], code=found.code)
            return None
        if isinstance(found, Submission):
            return self._submitted(found)
        if clicks.accept(self._app, found):
            self._work()
        return None

    def _submitted(self, sent: Submission) -> Mapping[str, Any] | None:
        answered = slack_forms.submit(self._app, sent)
        if answered.say:
            self._said.put((sent.inbound, answered.say))
            self._work()
        return answered.body or None

    def _asked(self, envelope: Envelope, event_id: str) -> Inbound | Submission | Refusal | str:
        match envelope.kind:
            case "interactive":
                return asked(envelope.payload, event_id)
            case "slash_commands":
                fields = _fields(envelope.payload)
                return typed(self._app, fields, event_id) if fields else MALFORMED
            case _:
                return Refusal("UNKNOWN_KIND", 200)


class SlackListener:
    """Holds the connection while this process has the lease, in threads of its own.

    Args:
        app: the application, with an app-level token among its settings.
        holder: names this process in the lease.
        gone: whether a holder of the lease is known to have died; else its lease must run out.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        app: Application,
        *,
        holder: str,
        gone: Callable[[str], bool] = lambda _holder: False,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._app = app
        self._holder = holder
        self._gone = gone
        self._ticks = ticks
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._waiting = threading.Event()
        self._held_until = 0.0
        self._renew_at = 0.0
        self._down_since: float | None = None
        self._tell_at = 0.0
        self._threads: list[threading.Thread] = []
        settings = app.settings
        outbound = outbound_of(settings)
        self.door = SlackDoor(app, self._waiting.set)
        self.socket = SlackSocket(
            web=SlackWeb(
                base_url=settings.slack_url,
                token=settings.slack_app_token.get_secret_value(),
                outbound=outbound,
                timeout_s=5,
            ),
            outbound=outbound,
            take=self.door.take,
            wake=self._wake,
            ticks=ticks,
            secure=settings.slack_url.startswith("https:"),
        )

    def start(self) -> None:
        """Begin to look, and to work off what comes."""
        for name, run in (("slack-listener", self._listen), ("slack-clicks", self._work_off)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Close the connection, finish the click that is being carried out, give the lease back."""
        self._ended.set()
        self._wake.set()
        self._waiting.set()
        for thread in self._threads:
            thread.join(_STOP_S)
        self.socket.close()
        if self._held_until:
            with self._app.store.unit_of_work(clicks.actor_of(CHANNEL)) as uow:
                leases.release(uow, LEASE, self._holder)
            self._held_until = 0.0

    def look(self) -> bool:
        """One look: keep the connection under the lease, or none; whether this process holds it."""
        if self._leads():
            self.socket.keep()
            self._tell_when_down()
            return True
        self.socket.close()
        self._down_since = None
        return False

    def _tell_when_down(self) -> None:
        """A connection that does not come about opens one order a day, of kind `system`."""
        now = self._ticks()
        if self.socket.connected:
            self._down_since = None
            return
        if self._down_since is None:
            self._down_since, self._tell_at = now, now + TELL_AFTER_S
        if now < self._tell_at:
            return
        self._tell_at = now + _TELL_AGAIN_S
        around = self._app.directories.now()
        roots = book_orgs(around)
        if not roots:
            return  # nobody could be told
        with self._app.store.unit_of_work(_HOUSE) as uow:
            fault = HouseFault(
                code=DISCONNECTED,
                key=f"{LEASE}/{uow.now.date()}",
                org=roots[0],
                text=self.socket.fault,
                body={"fault": self.socket.fault, "seconds": round(now - self._down_since)},
            )
            tell_once(uow, self._app.context(around), fault)

    def _leads(self) -> bool:
        now = self._ticks()
        if now >= self._renew_at:
            self._renew_at = now + RENEW_S
            try:
                with self._app.store.unit_of_work(clicks.actor_of(CHANNEL)) as uow:
                    held = leases.acquire(uow, LEASE, self._holder, LEASE_S, gone=self._gone)
            except Exception as fault:  # noqa: BLE001 - a busy database does not end the lease
                _log.warning("the lease was not renewed", fault=type(fault).__name__)
            else:
                # Counted from before the question: ours ends no later than the database's.
                self._held_until = now + LEASE_S if held is not None else 0.0
        return self._ticks() < self._held_until

    def _listen(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                self.look()
            except Exception:  # noqa: BLE001 - one look must not end the listening
                _log.exception("Slack's connection was not looked after")
            if not self._ended.is_set():
                self._wake.wait(PERIOD_S)

    def _work_off(self) -> None:
        while True:
            self._waiting.wait()
            if self._ended.is_set():
                return
            self._waiting.clear()
            try:
                clicks.work_off(self._app)
                self.door.tell()
            except Exception as fault:  # noqa: BLE001 - they stay in the inbox, a job comes by
                _log.error("clicks were not worked off", fault=type(fault).__name__)


def slack_listener(
    app: Application, *, holder: str, gone: Callable[[str], bool] = lambda _holder: False
) -> SlackListener | None:
    """The listener of an application that has an app-level token; else None."""
    token = app.settings.slack_app_token.get_secret_value()
    return SlackListener(app, holder=holder, gone=gone) if token else None


def _event_id(envelope: Envelope) -> str:
    """The same for the same click or command, in whichever envelope it comes."""
    trigger = envelope.payload.get("trigger_id") if isinstance(envelope.payload, dict) else None
    known = trigger if isinstance(trigger, str) and trigger else envelope.id
    said = f"{envelope.kind} {known}".encode(errors="replace")
    return f"socket:{sha256(said).hexdigest()}"


def _fields(payload: Any) -> dict[str, str] | None:
    if not isinstance(payload, dict):
        return None
    fields = {name: one for name, one in payload.items() if isinstance(one, str)}
    return fields if fields.get("team_id") and fields.get("user_id") else None
