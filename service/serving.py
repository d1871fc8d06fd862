"""`serve`: the processes of the service, with their locks, until a signal asks them to end.

Without a role one process does everything: it owns the log, runs the agents and serves the console,
the API and the channels. Roles split that up on one machine; the log is then reached by its socket.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import NamedTuple

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from agents.briefing import Briefing
from agents.scheduler import MORE, Job, Scheduler, stop_together
from agents.shift_change import ShiftChange
from auditlog.owner import OwnedLog, own_log, serve_log
from service import weekly
from service.application import Application
from service.approval_deadlines import run_due
from service.assembly import make_app
from service.errors import UnsafeAddress, WrongFolder
from service.inbound.clicks import work_off
from service.inbound.returned_mail import mail_listener, mailbox_reader
from service.inbound.slack_socket import slack_listener
from service.settings import Settings
from service.settling_rows import finish
from service.telling import tell_on_stderr
from store import UnitOfWork, locks, outbox
from store.clock import system_clock

__all__ = ["make_app", "serve"]

DEMO_MARK = "DEMO"
ROLES = ("web", "agents", "log")
GRACE_S = 10
SWITCH_S = 0.001
ROUND_S = 0.05
MAILBOX_EVERY = timedelta(seconds=30)
_WAIT_FOR_LOG_S = 10.0

_log = structlog.get_logger(__name__)

Compose = Callable[..., Application]


def serve(
    compose: Compose,
    settings: Settings,
    *,
    role: str | None = None,
    demo: bool = False,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        compose: wires an application (`main.compose`).
        settings: of the data folder.
        role: ``web``, ``agents`` or ``log``; None does everything in this process.
        demo: serve a demo's folder, which is refused otherwise.
        stop: ends it like a signal; for callers in the same process.

    Raises:
        store.errors.FolderHeld: another process holds the folder in a role that excludes this one.
        auditlog.errors.LogBusyError: another process has the log open.
        WrongFolder: a demo's folder without `demo`, or a live one with it.
        UnsafeAddress: the address needs TLS or a proxy in front.
        ValueError: for an unknown role.
        OSError: the address is taken.
    """
    if role is not None and role not in ROLES:
        raise ValueError(f"unknown role {role!r}; one of {', '.join(ROLES)}")
    tell_on_stderr()
    check_folder(settings, demo=demo)
    ended = stop or threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_signals(ended))
        listening = None
        if role in {None, "web"}:
            check_address(settings)
        # before the port: a second service is told who holds the folder, not that a port is taken
        stack.enter_context(locks.hold(settings.data, role or "serve"))
        if role in {None, "web"}:
            listening = stack.enter_context(_listen(settings))
            settings = _addressed(settings, listening)
        if role == "log":
            _own_log(stack, settings)
            _say(f"log: {settings.data}")
            ended.wait()
            return
        app = _application(stack, compose, settings, role, demo=demo)
        if role in {None, "agents"}:
            holder = locks.lease_holder(settings.data)
            gone = partial(locks.is_gone, settings.data)
            schedulers = schedulers_of(app, holder=holder, gone=gone)
            schedulers.hear(app)
            steady()
            # at the end everything is let go: what stays frozen is never torn down, and the log's
            # library says of each of its objects that it leaked
            stack.callback(gc.unfreeze)
            stack.callback(stop_together, schedulers)
            for scheduler in schedulers:
                scheduler.start()
            listener = slack_listener(app, holder=holder, gone=gone)
            if listener is not None:
                listener.start()
                stack.callback(listener.stop)
            returning = mail_listener(app)
            if returning is not None:
                returning.start()
                stack.callback(returning.stop)
        if listening is None:
            _say(f"agents: {settings.data}")
            ended.wait()
            return
        _run_web(make_app(app), settings, listening, ended)


def check_folder(settings: Settings, *, demo: bool) -> None:
    """Refuse a demo's folder where a live one is meant, and the other way round.

    Raises:
        WrongFolder: with the catalogue key of the sentence.
    """
    marked = (settings.data / DEMO_MARK).exists()
    if marked and not demo:
        raise WrongFolder("folder.demo")
    if demo and not marked and (settings.data / "hedgewarden.db").exists():
        raise WrongFolder("folder.live")


def check_address(settings: Settings) -> None:
    """Passwords and figures do not cross a network in the clear.

    Raises:
        UnsafeAddress: for an address beyond this machine without TLS or a proxy that has it.
    """
    protected = settings.behind_proxy or settings.tls_certificate is not None
    if not protected and not _is_loopback(settings.host):
        raise UnsafeAddress(settings.host)


def steady() -> None:
    """Keep the threads of this process from stopping each other.

    A thread that waits for the network or the disk gets its turn after a millisecond; the default
    of five made a message wait while the watcher computed. What is loaded by now stays for the
    life of the process: the collector, which stops every thread, need not look at it again.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()


def _read(app: Application, now: datetime) -> object:
    """A short round of the watcher; another follows at once while events wait."""
    return MORE if app.watcher.run_once(now, within_s=ROUND_S).more else None


class Schedulers(NamedTuple):
    """The threads of the agents, all under the one lease of this process.

    Attributes:
        slow: what may take long: paging never waits for a training.
        rounds: what looks every second or minute.
        reading: the watcher, woken when events arrive, and the settler, which shares its book.
        delivering: woken when a commit has put messages into the outbox.
        returning: reads the mailbox of mail that came back, whose server may be slow.
    """

    slow: Scheduler
    rounds: Scheduler
    reading: Scheduler
    delivering: Scheduler
    returning: Scheduler

    def hear(self, app: Application) -> None:
        """Have commits and arriving events of this process wake who waits for them."""
        app.store.listen(self._committed)
        if isinstance(app.log, OwnedLog):
            app.log.listen(self.reading.wake)

    def _committed(self, uow: UnitOfWork) -> None:
        if outbox.PUT in uow.buffers:
            self.delivering.wake()


def schedulers_of(
    app: Application, *, holder: str = "", gone: Callable[[str], bool] = lambda _holder: False
) -> Schedulers:
    """What the agents do, and how often.

    Args:
        app: whose agents they are.
        holder: names this process in the lease; default: machine and process.
        gone: whether a holder of the lease is known to have died.
    """
    slow = [
        Job("trainer", app.trainer.run_once, timedelta(minutes=10)),
        Job("replayer", app.agents.replayer.run_once, timedelta(minutes=10)),
    ]
    rounds = [
        Job("escalator", app.escalator.fire_once, timedelta(seconds=0.5)),
        Job("clicks", lambda _now: work_off(app), timedelta(seconds=1)),
        Job("approvals", lambda now: run_due(app, now), timedelta(seconds=1)),
        Job("quarantine", lambda _now: finish(app), timedelta(seconds=5)),
        Job("feeds", app.agents.feeds.run_once, timedelta(seconds=30)),
        Job("briefs", _briefing(app).run_once, timedelta(seconds=30)),
        Job("shifts", _shift_change(app).run_once, timedelta(seconds=30)),
        Job("sentinel", app.sentinel.run_once, timedelta(seconds=60)),
        Job("weekly", lambda now: weekly.run_due(app, now), timedelta(seconds=60)),
    ]
    reading = [
        Job("watcher", partial(_read, app), timedelta(0)),
        Job("settler", app.settler.run_once, timedelta(seconds=60)),
    ]
    delivering = [Job("delivery", app.escalator.deliver_once, timedelta(0))]
    read_mailbox = mailbox_reader(app)
    returning = [] if read_mailbox is None else [Job("returned_mail", read_mailbox, MAILBOX_EVERY)]
    scheduler = partial(
        Scheduler,
        app.store,
        holder=holder or f"{socket.gethostname()}:{os.getpid()}",
        gone=gone,
    )
    return Schedulers(
        scheduler(slow, period_s=5),
        scheduler(rounds),
        scheduler(reading),
        scheduler(delivering),
        scheduler(returning, period_s=5),
    )


def _briefing(app: Application) -> Briefing:
    return Briefing(
        app.store,
        directory=lambda: app.directory,
        context=lambda: app.context(app.directories.now()),
    )


def _shift_change(app: Application) -> ShiftChange:
    return ShiftChange(
        app.store,
        directory=lambda: app.directory,
        context=lambda: app.context(app.directories.now()),
    )


def _application(
    stack: ExitStack, compose: Compose, settings: Settings, role: str | None, *, demo: bool
) -> Application:
    if role is not None:
        app = compose(settings, demo=demo, role=role)
        stack.callback(app.close)
        return app
    log = own_log(settings.data, role="serve", wait=_WAIT_FOR_LOG_S)
    stack.callback(log.close)
    app = compose(settings, log=log, demo=demo, role="serve")
    stack.callback(app.close)
    # Ended first: who asks the log over its socket is answered before the file is closed.
    stack.callback(serve_log(settings.data, log).stop)
    return app


def _own_log(stack: ExitStack, settings: Settings) -> None:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = own_log(settings.data, role="log", wait=_WAIT_FOR_LOG_S, clock=system_clock)
    stack.callback(log.close)
    stack.callback(serve_log(settings.data, log).stop)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=2048)


def _addressed(settings: Settings, listening: socket.socket) -> Settings:
    """The settings with the port that was given, and the address that people use."""
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.tls_certificate is not None else "http"
    public = settings.public_url or f"{scheme}://{host}:{port}"
    return settings.model_copy(update={"port": port, "public_url": public})


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: ours end the whole process in order."""

    address = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _say(self.address)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _run_web(
    web: FastAPI, settings: Settings, listening: socket.socket, ended: threading.Event
) -> None:
    config = uvicorn.Config(
        web,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    # Streams that pages hold open end with the service, not when its patience does.
    web.state.ending = ended
    server = _Server(config)
    server.address = settings.public_url

    def end() -> None:
        ended.wait()
        server.should_exit = True

    waiting = threading.Thread(target=end, name="end-of-service", daemon=True)
    waiting.start()
    try:
        server.run(sockets=[listening])
    finally:
        ended.set()
        waiting.join()


@contextlib.contextmanager
def _signals(ended: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `ended`; only a main thread may listen to signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _say(line: str) -> None:
    typer.echo(line)
