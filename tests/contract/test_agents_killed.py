"""Two agents' processes on one folder, killed again and again while hundreds of timers are due.

Each timer's effect on the database is committed exactly once and in the order of the due times;
each card leaves at least once, always under its one id.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

import main
import trail
from agents.scheduler import LEASE
from auditlog.owner import own_log, serve_log
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from service.application import Application
from service.demo.mail_server import MailServer
from store import Store, leases, open_engine, outbox, timers
from store.schema import table
from tests.contract.agents_child import fast, policy, settings_of
from workorders import Level, Match, ingest_match
from workorders.opening import LADDER

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
PEOPLE = {
    "organisations": [{"path": "east", "routing": ["officer"]}],
    "people": [
        {"id": "officer", "name": "Officer", "role": "risk_officer", "unit": "east",
         "email": "officer@demo.invalid"},
    ],
}  # fmt: skip


def until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.01)


class Processes:
    """Processes of one folder; they are killed by their id."""

    def __init__(self, arguments: list[str], said: Path) -> None:
        self._arguments, self._said = arguments, said
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._started = 0
        self.killed = 0

    def ready(self) -> bool:
        """Whether every process that was started has come up."""
        said = self._said.read_text("utf-8")
        assert all(one.poll() is None for one in self._children.values()), said
        return said.count("agents: ") == self._started

    def start(self) -> None:
        with self._said.open("ab") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.agents_child", *self._arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=said,
                stderr=said,
            )
        self._children[child.pid] = child
        self._started += 1

    def kill(self, pid: int) -> None:
        child = self._children.pop(pid)
        child.send_signal(signal.SIGKILL)
        assert child.wait(PATIENCE_S) == -signal.SIGKILL

    def kill_leader(self, store: Store) -> bool:
        """Kill the process of ours that holds the lease now; False when none does."""
        with store.reader() as connection:
            held = leases.holder(connection, LEASE, store.clock())
        pid = int(held.holder.split(":")[1]) if held is not None and held.holder else 0
        if pid in self._children:
            self.kill(pid)
            self.killed += 1
            return True
        return False

    def close(self) -> None:
        for pid in list(self._children):
            self.kill(pid)


@contextmanager
def served(database: Engine, folder: Path) -> Iterator[tuple[Application, MailServer, Processes]]:
    """A folder with a log, a mail server and an application of this process beside the killed."""
    start, since = datetime.now(UTC), time.monotonic()
    address = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        mail = stack.enter_context(MailServer())
        log = own_log(folder, role="log")
        stack.callback(log.close)
        stack.callback(serve_log(folder, log).stop)
        app = main.compose(
            settings_of(str(folder), address, mail.port),
            clock=fast(start, since),
            log=log,
            policy=policy(),
        )
        stack.callback(app.close)
        arguments = [str(folder), address, str(mail.port), start.isoformat(), str(since)]
        processes = Processes(arguments, folder / "agents.txt")
        stack.callback(processes.close)
        yield app, mail, processes


def red_orders(app: Application, count: int) -> list[str]:
    """So many red orders whose first rung lies far ahead; not in the order of their numbers."""
    known, problems = directory_from_mapping(PEOPLE)
    assert not problems
    with app.store.unit_of_work("system:test") as uow:
        save_directory(uow, known)
    ctx, orders = app.context(), []
    for number in range(count):
        match = Match(
            rule="ALERT", code="ALERT", version="1", level=Level.RED, org="east",
            event_time=app.clock(), measure="count", objects=(f"object-{number}",),
            facts_hash=str(number), account=str(number),
        )  # fmt: skip
        with app.store.unit_of_work("system:test") as uow:
            orders.append(ingest_match(uow, match, ctx).order_id)
    assert len(set(orders)) == count
    return [*orders[1::2], *orders[::2]]


def make_due(app: Application, orders: list[str], first: datetime) -> None:
    """Have the first rung of these orders due, each a second after the one before."""
    with app.store.unit_of_work("system:test") as uow:
        for place, order in enumerate(orders):
            (armed,) = timers.find(uow.connection, f"{order}/ladder/")
            due_at = first + timedelta(seconds=place)
            timers.set_timer(uow, key=armed.key, kind=LADDER, due_at=due_at, payload=armed.payload)


def fired(store: Store) -> int:
    rows = table("store_timer")
    query = select(func.count()).where(rows.c.kind == LADDER, rows.c.state == "fired")
    with store.reader() as connection:
        return int(connection.scalar(query) or 0)


def kill_and_look(database: Engine, folder: Path, count: int, kills: int) -> None:
    engine = open_engine(database.url.render_as_string(hide_password=False))
    with served(database, folder) as (app, mail, processes):
        orders = red_orders(app, count)
        first = app.clock() - timedelta(seconds=2 * count)
        watching = Store(engine, clock=app.clock)
        processes.start()
        part = -(-count // (kills + 1))
        for begin in range(0, count, part):
            processes.start()
            until(processes.ready, "two processes do not come up")
            make_due(app, orders[begin : begin + part], first + timedelta(seconds=begin))
            if begin + part < count:
                until(lambda: fired(watching) > begin, "nothing fires")  # noqa: B023
                until(lambda: processes.kill_leader(watching), "nobody leads")
        assert processes.killed == kills
        until(lambda: fired(watching) == count, "not all timers fired")

        def messages() -> list[outbox.OutboxRow]:
            with watching.reader() as connection:
                return [row for order in orders for row in outbox.find(connection, order)]

        until(lambda: {row.state for row in messages()} == {"delivered"}, "not all delivered")
        processes.close()
        with watching.reader() as connection:
            climbs = [
                record.object_id
                for record in trail.find(connection, action="order.escalate", limit=10 * count)
            ]
        ours = [order for order in reversed(climbs) if order in set(orders)]
        assert ours == orders, "each once, in the order of the due times"
        keys = {row.key for row in messages()}
        assert len(keys) == 2 * count
        ids = {hashlib.sha256(key.encode()).hexdigest()[:32]: key for key in keys}
        came = Counter(
            str(one.message["Message-ID"]).strip("<>").partition("@")[0] for one in mail.mails
        )
        assert ids.keys() <= came.keys(), "each card left at least once"
        per_order = Counter(ids[one].partition("/")[0] for one in came if one in ids)
        assert set(per_order.values()) == {2}, "and always under its one id"
    engine.dispose()


def test_timers_fire_once_and_in_order_through_kills(database: Engine, tmp_path: Path):
    kill_and_look(database, tmp_path, 100, 4)


@pytest.mark.soak
def test_five_hundred_timers_fire_once_and_in_order_through_twenty_kills(
    database: Engine, tmp_path: Path
):
    kill_and_look(database, tmp_path, 500, 20)
