"""From an accepted alert to its delivered webhook, beside Prometheus Alertmanager.

Both get the same alerts at the same pace, each alert a group of its own (group_wait 0,
group_interval 1 s), and deliver to one receiver on 127.0.0.1. Then both are killed with SIGKILL
while the receiver is away, started again, and asked for the alerts that they had accepted.
"""

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import select

from auditlog.client import open_log
from auditlog.events import Event, parse_event
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from main import compose
from service.settings import Settings
from store import open_engine
from tests.bench.table import BenchRow
from workorders.rows import ALERTS

GROUPS = 1_000
PER_SECOND = 200
BATCH = 10
KILLED = 300
PATIENCE_S = 150.0
#: What Alertmanager has not delivered so long after it is ready again is lost: it keeps no alerts.
PEER_PATIENCE_S = 15.0
_PEOPLE = {
    "organisations": [{"path": "bench", "routing": ["officer"]}],
    "people": [
        {"id": "officer", "name": "Officer", "role": "risk_officer", "unit": "bench",
         "email": "officer@demo.invalid"},
    ],
}  # fmt: skip


class Receiver:
    """Notes when each key first arrived; while `away` it answers 503."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.away = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not receiver.away:
                    receiver.note(body)
                self.send_response(503 if receiver.away else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A sender that was killed leaves its connection broken."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def note(self, body: dict[str, Any]) -> None:
        """Keep the time of what is seen for the first time."""
        now = time.perf_counter()
        keys = [body["order"]] if "order" in body else [a["labels"]["key"] for a in body["alerts"]]
        for key in keys:
            self.first.setdefault(key, now)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Ours:
    """A folder of ours with its process."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        app = compose(Settings(data=folder))
        directory, problems = directory_from_mapping(_PEOPLE)
        assert not problems, problems
        with app.store.unit_of_work("system:bench") as uow:
            save_directory(uow, directory)
        app.close()
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        command = [sys.executable, "-m", "tests.bench.webhook_child", str(self._folder), self._url]
        with (self._folder / "bench.log").open("a") as kept:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=kept, text=True
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self._folder
        self._log = open_log(self._folder, role="bench")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._log.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    def accept(self, keys: list[str]) -> None:
        """Hand alerts over; on return they are accepted."""
        receipt = self._log.append([_event(key) for key in keys])
        assert receipt.accepted == len(keys), receipt

    def keys(self) -> dict[str, str]:
        """Order → key."""
        engine = open_engine(Settings(data=self._folder).database_url)
        with engine.connect() as connection:
            found = connection.execute(select(ALERTS.c.order_id, ALERTS.c.cause)).all()
        engine.dispose()
        return {order: cause.rpartition(":")[2] for order, cause in found}


class Peer:
    """An Alertmanager with a folder of its own."""

    def __init__(self, program: str, folder: Path, url: str) -> None:
        self._program, self._folder = program, folder
        self._port = _free_port()
        route = {"receiver": "hook", "group_by": ["key"], "group_wait": "0s",
                 "group_interval": "1s", "repeat_interval": "1h"}  # fmt: skip
        config = {"route": route, "receivers": [
            {"name": "hook", "webhook_configs": [{"url": url, "send_resolved": False}]}
        ]}  # fmt: skip
        (folder / "am.yml").write_text(json.dumps(config))
        self._client = httpx.Client(timeout=10, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        with (self._folder / "am.log").open("a") as kept:
            self._process = subprocess.Popen(
                [self._program, f"--config.file={self._folder}/am.yml",
                 f"--storage.path={self._folder}/am", "--cluster.listen-address=",
                 f"--web.listen-address=127.0.0.1:{self._port}"],
                stdout=kept, stderr=kept,
            )  # fmt: skip
        _until(self._ready, 30)

    def _ready(self) -> bool:
        try:
            return self._client.get(f"http://127.0.0.1:{self._port}/-/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def accept(self, keys: list[str]) -> None:
        """Hand alerts over; on return they are accepted."""
        alerts = [{"labels": {"alertname": "bench", "key": key}} for key in keys]
        url = f"http://127.0.0.1:{self._port}/api/v2/alerts"
        self._client.post(url, json=alerts).raise_for_status()

    @staticmethod
    def keys() -> None:
        """What arrives names its key."""


class Measured(NamedTuple):
    """Latencies in milliseconds, alerts that never came, and how long the last one took."""

    latencies: list[float]
    missing: int
    lost: int


def run() -> list[BenchRow]:
    """Latencies at 200 alerts/s, then what a SIGKILL loses."""
    ours = _measure(Ours)
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        sys.stdout.write(
            "alert to webhook: the peer is left out, there is no prometheus-alertmanager here\n"
        )
        peer = None
    else:
        peer = _measure(lambda folder, url: Peer(program, folder, url))
    name = "" if peer is None else f"Alertmanager {_version(program)}"
    rows = []
    for label, at, goal in (("p50", 0.50, ""), ("p99", 0.99, "ratio ≤ 2")):
        mine = _quantile(ours.latencies, at)
        theirs = 0.0 if peer is None else _quantile(peer.latencies, at)
        ratio = mine / theirs if theirs else 0.0
        rows.append(
            BenchRow(
                f"alert to webhook, {label}, {GROUPS:,} groups at {PER_SECOND}/s",
                mine, "ms", name, theirs, ratio, goal,
            )
        )  # fmt: skip
    for label, mine, theirs in (
        (f"alerts of {GROUPS:,} never delivered", ours.missing, peer and peer.missing),
        (f"accepted alerts of {KILLED} lost by kill -9", ours.lost, peer and peer.lost),
    ):
        rows.append(BenchRow(label, mine, "alerts", name, float(theirs or 0), 0.0, "0"))
    return rows


def _measure(make: Callable[[Path, str], Ours | Peer]) -> Measured:
    with _running(make) as (system, receiver):
        # Both are asked as they run, not as they start: ours loads its rules with the first event.
        system.accept(["warm"])
        assert _until(lambda: bool(receiver.first), PATIENCE_S), "the first alert never came"
        receiver.first.clear()
        handed = _feed(system, [f"B{number}" for number in range(GROUPS)])
        _until(lambda: len(receiver.first) >= GROUPS, PATIENCE_S)
        names = system.keys()
        came = {names[one] if names else one: at for one, at in receiver.first.items()}
        latencies = [(came[key] - at) * 1000 for key, at in handed.items() if key in came]
        missing = len(handed) - len(latencies)
    with _running(make) as (system, receiver):
        receiver.away = True
        handed = _feed(system, [f"K{number}" for number in range(KILLED)])
        system.kill()
        receiver.away = False
        system.start()
        _until(lambda: len(receiver.first) >= KILLED, PATIENCE_S if names else PEER_PATIENCE_S)
        lost = KILLED - len(receiver.first)
    return Measured(latencies, missing, lost)


@contextmanager
def _running(make: Callable[[Path, str], Ours | Peer]) -> Iterator[tuple[Ours | Peer, Receiver]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        receiver = Receiver()
        stack.callback(receiver.close)
        system = make(Path(folder), receiver.url)
        stack.callback(system.kill)
        yield system, receiver


def _feed(system: Ours | Peer, keys: list[str]) -> dict[str, float]:
    """Hand the alerts over at the pace; when each was handed over."""
    handed: dict[str, float] = {}
    begun = time.perf_counter()
    for start in range(0, len(keys), BATCH):
        wait = begun + start / PER_SECOND - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        part = keys[start : start + BATCH]
        handed |= dict.fromkeys(part, time.perf_counter())
        system.accept(part)
    return handed


def _event(key: str) -> Event:
    now = datetime.now(UTC)
    parsed = parse_event(
        {
            "event_id": key, "org": "bench", "ts": now.isoformat(), "log_class": "risk",
            "type": "alert.raised", "actor": "robot", "alert": key, "level": "red",
        },
        default_arrival=now,
        now=now + timedelta(seconds=1),
    )  # fmt: skip
    assert isinstance(parsed, Event), parsed
    return parsed


def _until(holds: Callable[[], bool], patience_s: float) -> bool:
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        if holds():
            return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _version(program: str | None) -> str:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).split("version ")[-1].split(" ")[0]


def _quantile(values: list[float], at: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[int(at * 1000) - 1]
