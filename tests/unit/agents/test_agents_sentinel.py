"""The sentinel's orders, and its heartbeat against a monitor that listens on this machine."""

import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from agents.escalator import Escalator
from agents.sentinel import GRACE, Health, Sentinel
from directory import directory_from_mapping
from integrations.addresses import valid_heartbeat
from integrations.heartbeat import Heartbeat
from integrations.outbound import Outbound
from integrations.signing import SIGNATURE
from store import timers
from tests.unit.agents.agents_house import (
    EAST,
    GROUP,
    PEOPLE,
    START,
    House,
    alert,
    context_of,
    surroundings,
)
from workorders.model import OrderKind

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


def sentinel_of(house: House, known: Any = None, **more: Any) -> Sentinel:
    around = surroundings(known)
    return Sentinel(
        house.store,
        house.log,
        around=lambda: around,
        context=lambda one: context_of(one, house.policy),
        **more,
    )


def escalator_of(house: House) -> Escalator:
    return Escalator(
        house.store,
        channels={},
        address=lambda _who, _channel: "",
        context=lambda: context_of(surroundings(), house.policy),
        holder="test",
    )


def system_orders(house: House, code: str) -> list[Any]:
    return [
        one
        for one in house.orders()
        if one.kind is OrderKind.SYSTEM and one.title_params.get("code") == code
    ]


def late_timer(house: House, key: str, after: float) -> None:
    with house.store.unit_of_work("system:test") as uow:
        timers.set_timer(uow, key=key, kind="nobody's", due_at=START + timedelta(seconds=after))


def test_a_timer_that_did_not_fire_within_its_grace_is_one_order(house: House) -> None:
    sentinel, escalator = sentinel_of(house), escalator_of(house)
    for number in range(7):
        late_timer(house, f"T{number}", number)
    for after in (0, 30, 60):
        escalator.run_once(house.at(after))
        sentinel.run_once(house.now)
        assert system_orders(house, "TIMER_OVERDUE") == []
    for after in (120, 180, 240):
        escalator.run_once(house.at(after))
        assert sentinel.run_once(house.now).overdue_timers >= 7
    (order,) = system_orders(house, "TIMER_OVERDUE")
    assert order.org == GROUP
    (record,) = house.records(action="system.fault")
    assert record.body["count"] == 7
    assert record.body["timers"][0] == {"key": "T0", "due_at": "2024-05-14T02:00:00Z"}


def test_another_standstill_is_another_order(house: House) -> None:
    sentinel, escalator = sentinel_of(house), escalator_of(house)
    late_timer(house, "T1", 0)
    for after in (0, 60, 120):
        escalator.run_once(house.at(after))
        sentinel.run_once(house.now)
    with house.store.unit_of_work("system:test") as uow:
        timers.cancel(uow, key="T1")
    sentinel.run_once(house.at(180))
    late_timer(house, "T2", 190)
    for after in (240, 300, 360):
        sentinel.run_once(house.at(after))
    codes = [one.reason for one in house.records(action="system.fault")]
    assert codes.count("TIMER_OVERDUE") == 2


def test_after_a_pause_the_agents_get_their_grace_to_catch_up(house: House) -> None:
    sentinel, escalator = sentinel_of(house), escalator_of(house)
    escalator.run_once(house.at(0))
    sentinel.run_once(house.now)
    late_timer(house, "T1", 10)
    hours = 8 * 3600
    assert sentinel.run_once(house.at(hours)).overdue_timers == 1
    assert system_orders(house, "TIMER_OVERDUE") == []
    sentinel.run_once(house.at(hours + 60))
    assert len(system_orders(house, "TIMER_OVERDUE")) == 1


def test_the_heart_stands_still_when_the_escalator_does(house: House) -> None:
    beats: list[Health] = []
    sentinel = sentinel_of(house, beat=beats.append)
    escalator = escalator_of(house)
    for after in range(0, 301, 60):
        escalator.run_once(house.at(after))
        sentinel.run_once(house.now)
    assert len(beats) == 6
    for after in range(360, 601, 60):  # the escalator is gone; the sentinel goes on
        sentinel.run_once(house.at(after))
    assert [one.at for one in beats][-1] == START + timedelta(seconds=360)
    assert len(beats) == 7
    assert len(system_orders(house, "ESCALATOR_SILENT")) == 1
    escalator.run_once(house.at(601))
    # what the fault itself queued has no channel here and is given up, not stuck
    assert not sentinel.look(house.at(602)).escalator_silent


def test_a_round_that_breaks_leaves_no_sign_of_life(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    import agents.escalator

    sentinel, escalator = sentinel_of(house), escalator_of(house)
    escalator.run_once(house.at(0))
    sentinel.run_once(house.now)

    def breaks(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(agents.escalator, "refresh", breaks)
    for after in range(60, 181, 60):
        house.at(after)
        with pytest.raises(OSError, match="disk"):
            escalator.run_once(house.now)
        health = sentinel.run_once(house.now)
    assert health.escalator_silent


# --- an empty roster ----------------------------------------------------------------------------


def roster(shift: str) -> Any:
    organisations = [{**PEOPLE["organisations"][1], "routing": []}, PEOPLE["organisations"][2]]
    found, problems = directory_from_mapping(
        {
            **PEOPLE,
            "organisations": [{"path": GROUP}, *organisations],
            "roster": [{"org": EAST, "people": ["chen"], "shift": shift}],
        }
    )
    assert problems == []
    return found


def test_an_empty_roster_reports_itself_once_and_not_for_each_alert(house: House) -> None:
    sentinel = sentinel_of(house, roster("20:00-08:00"))  # it is ten in the morning
    sentinel.run_once(house.at(0))
    assert system_orders(house, "ROSTER_EMPTY") == [], "nobody was needed"
    for number in range(4):
        house.arrive(alert(f"A{number}", "red", number))
        sentinel.run_once(house.at(60 * (number + 1)))
    (order,) = system_orders(house, "ROSTER_EMPTY")
    assert order.org == EAST
    told = house.records(action="system.fault")
    (record,) = [one for one in told if one.reason == "ROSTER_EMPTY"]
    assert record.object_id == f"roster/{EAST}/2024-05-14T00:00:00Z"
    assert record.body["routing"] == "ROLE_HOLDERS"
    sentinel.run_once(house.at(24 * 3600))  # the next day's gap is a fault of its own
    assert len(system_orders(house, "ROSTER_EMPTY")) == 2


def test_a_roster_with_somebody_on_it_reports_nothing(house: House) -> None:
    house.arrive(alert("A1", "red", 0))
    sentinel_of(house, roster("08:00-20:00")).run_once(house.at(60))
    assert system_orders(house, "ROSTER_EMPTY") == []


# --- the ping -----------------------------------------------------------------------------------


@dataclass
class Monitor:
    """A monitor's server; `status` is what it answers, `hold` makes it wait."""

    status: int = 200
    hold: threading.Event = field(default_factory=threading.Event)
    heard: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/token-of-this-test"


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor()
    made.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.heard.append((self.command, self.path, body, dict(self.headers)))
            made.hold.wait(PATIENCE)
            self.send_response(made.status)
            if made.status == 302:
                self.send_header("Location", made.url)
            self.end_headers()

        do_GET = do_POST = _answer  # noqa: N815 - the server's names

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.hold.set()
    server.shutdown()
    server.server_close()
    thread.join(PATIENCE)


def beating(heart: Heartbeat) -> dict[str, Any]:
    def beat(health: Health) -> None:
        heart.beat(health.at, {"dead_letters": health.dead_letters})

    return {"beat": beat, "beaten": lambda: heart.result}


def test_a_plain_get_tells_the_monitor_that_all_is_well(house: House, monitor: Monitor) -> None:
    heart = Heartbeat(monitor.url, Outbound())
    sentinel_of(house, **beating(heart)).run_once(house.at(0))
    heart.wait(PATIENCE)
    ((method, path, body, headers),) = monitor.heard
    assert (method, path, body) == ("GET", "/ping/token-of-this-test", b"")
    assert SIGNATURE not in headers
    assert heart.result == ""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_ping_can_be_verified(monitor: Monitor, method: str) -> None:
    heart = Heartbeat(monitor.url, Outbound(), method=method, secret="shared")
    heart.beat(START, {"dead_letters": 0})
    heart.wait(PATIENCE)
    ((_, _, body, headers),) = monitor.heard
    moment, given = (part.partition("=")[2] for part in headers[SIGNATURE].split(","))
    assert datetime.fromtimestamp(int(moment), START.tzinfo) == START
    expected = hmac.new(b"shared", f"{moment}.".encode() + body, sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    if method == "POST":
        assert orjson.loads(body) == {"at": "2024-05-14T02:00:00Z", "dead_letters": 0}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_monitor_that_refuses_is_on_record_once_and_so_is_its_return(
    house: House, monitor: Monitor, status: int
) -> None:
    heart = Heartbeat(monitor.url, Outbound())
    sentinel = sentinel_of(house, **beating(heart))
    escalator = escalator_of(house)
    monitor.status = status
    for after in range(0, 241, 60):
        if after == 180:
            monitor.status = 200
        escalator.run_once(house.at(after))
        assert sentinel.run_once(house.now).well
        heart.wait(PATIENCE)
    sentinel.run_once(house.at(300))
    heart.wait(PATIENCE)
    found = [(one.action, one.reason) for one in house.records(object_type="heartbeat")]
    assert found == [("heartbeat.failed", "HEARTBEAT_REFUSED"), ("heartbeat.recovered", "")]


def test_a_monitor_that_does_not_answer_holds_nobody_up(house: House, monitor: Monitor) -> None:
    monitor.hold.clear()
    heart = Heartbeat(monitor.url, Outbound(), timeout_s=PATIENCE)
    sentinel, escalator = sentinel_of(house, **beating(heart)), escalator_of(house)
    for after in (0, 60, 120):  # all three return while the first ping still waits
        escalator.run_once(house.at(after))
        assert sentinel.run_once(house.now).well
    assert beating(heart)["beaten"]() is None
    monitor.hold.set()
    heart.wait(PATIENCE)
    assert (heart.result, len(monitor.heard)) == ("", 1)


def test_a_monitor_that_is_not_there_and_one_that_is_slow_are_told_apart(monitor: Monitor) -> None:
    gone = Heartbeat("http://127.0.0.1:9/x", Outbound())
    gone.beat(START, {})
    gone.wait(PATIENCE)
    assert gone.result == "HEARTBEAT_UNREACHABLE"
    monitor.hold.clear()
    slow = Heartbeat(monitor.url, Outbound(), timeout_s=0.2)
    slow.beat(START, {})
    slow.wait(PATIENCE)
    assert slow.result == "HEARTBEAT_TIMEOUT"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://hc.example/uuid", True),
        ("http://127.0.0.1:8080/x?y=1", True),
        ("ftp://host/x", False),
        ("https:///x", False),
        ("https://host:99999/x", False),
        ("file:///etc/passwd", False),
        ("https://ho st/", False),
    ],
)
def test_only_an_address_that_can_be_pinged_is_taken(url: str, good: bool) -> None:
    assert valid_heartbeat(url) is good


def test_the_grace_is_a_minute() -> None:
    assert timedelta(minutes=1) == GRACE
