"""What the kills of `test_agents_killed` meet by chance, brought about on purpose.

A process dies right after the commit of what it fired; a leader sleeps between reading and writing
until another one leads. Each timer's effect is there once, and the mark that it fired with it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

import main
import trail
from agents.scheduler import LEASE, LEASE_S
from auditlog.owner import own_log, serve_log
from service.application import Application
from store import leases
from store.leases import Lease
from tests.contract.agents_child import policy, settings_of
from tests.contract.leader_child import NO_MAIL, time_in
from tests.contract.test_agents_killed import (
    PATIENCE_S,
    ROOT,
    fired,
    make_due,
    red_orders,
    until,
)

COUNT = 3
LOOKS = 3


class Leader:
    """One process; what it said after each look."""

    def __init__(self, arguments: list[str], said: Path, switch: str) -> None:
        self._said = said
        with said.open("wb") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.leader_child", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **({switch: "1"} if switch else {})},
                stdout=out,
                stderr=out,
            )

    @property
    def looks(self) -> list[str]:
        """Its words; a fault's last lines are among them."""
        return self._said.read_text("utf-8").splitlines()

    @property
    def holder(self) -> str:
        return f"leader:{self.child.pid}"

    def stopped(self) -> bool:
        assert self.child.poll() is None, self.looks
        found = os.waitid(
            os.P_PID, self.child.pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
        )
        return found is not None and found.si_code == os.CLD_STOPPED

    def go_on(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.child.kill()
        self.child.wait(PATIENCE_S)


class Town:
    """A folder with red orders whose timers are due, a clock, and processes that lead."""

    def __init__(self, stack: ExitStack, database: Engine, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._clock = folder / "clock.txt"
        self._address = database.url.render_as_string(hide_password=False)
        self._clock.write_text(datetime.now(UTC).isoformat(), "ascii")
        self._started = 0
        log = own_log(folder, role="log")
        stack.callback(log.close)
        stack.callback(serve_log(folder, log).stop)
        self.app: Application = main.compose(
            settings_of(str(folder), self._address, NO_MAIL),
            clock=partial(time_in, self._clock),
            log=log,
            policy=policy(),
        )
        stack.callback(self.app.close)
        self.orders = red_orders(self.app, COUNT)
        make_due(self.app, self.orders, self.app.clock() - timedelta(seconds=COUNT))

    def start(self, switch: str = "") -> Leader:
        self._started += 1
        said = self._folder / f"leader-{self._started}.txt"
        arguments = [str(self._folder), self._address, str(self._clock)]
        leader = Leader(arguments, said, switch)
        self._stack.callback(leader.end)
        return leader

    def pass_time(self, seconds: float) -> None:
        later = self.app.clock() + timedelta(seconds=seconds)
        moved = self._clock.with_suffix(".new")
        moved.write_text(later.isoformat(), "ascii")
        moved.replace(self._clock)

    def lease(self) -> Lease | None:
        with self.app.store.reader() as connection:
            return leases.holder(connection, LEASE, self.app.clock())

    def climbs(self) -> list[str]:
        """The orders that were escalated, the first one first."""
        with self.app.store.reader() as connection:
            found = trail.find(connection, action="order.escalate", limit=10 * COUNT)
        return [record.object_id for record in reversed(found)]


@pytest.fixture(name="town")
def _town(database: Engine, tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(stack, database, tmp_path)


def test_who_dies_right_after_a_commit_has_fired_one_timer_whole(town: Town):
    for number in range(1, COUNT + 1):
        leader = town.start("DIE_AFTER_COMMIT")
        assert leader.child.wait(PATIENCE_S) == -signal.SIGKILL, leader.looks
        assert town.climbs() == town.orders[:number]
        assert fired(town.app.store) == number
        town.pass_time(LEASE_S + 1)


def test_a_leader_that_slept_between_reading_and_writing_fires_nothing_twice(town: Town):
    sleeper = town.start("STOP_AFTER_READING")
    until(sleeper.stopped, "it reads no timers")
    asleep = town.lease()
    assert asleep is not None
    assert asleep.holder == sleeper.holder

    other = town.start()
    until(lambda: len(other.looks) >= LOOKS, "the other one does not look")
    assert set(other.looks) == {"waits"}, "the lease is in force"
    assert town.lease() == asleep
    assert town.climbs() == []

    town.pass_time(LEASE_S + 1)
    until(lambda: fired(town.app.store) == COUNT, "the other one does not take over")
    taken = town.lease()
    assert taken is not None
    assert (taken.holder, taken.token) == (other.holder, asleep.token + 1)
    assert town.climbs() == town.orders

    sleeper.go_on()
    until(lambda: sleeper.looks[-1:] == ["waits"], "it does not notice that it was overtaken")
    assert town.climbs() == town.orders, "each once"
    assert town.lease() == taken
