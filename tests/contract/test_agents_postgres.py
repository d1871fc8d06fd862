"""The agents on PostgreSQL decide what they decide on SQLite, and take turns there as well."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import main
import trail
from agents.scheduler import Job, Scheduler
from auditlog.owner import own_log
from book.write import put_dated
from directory.writing import save_directory
from service.application import Application
from service.demo.comparison import records
from service.demo.incidents import read_incidents, shipped
from service.demo.simulation import SimulatedClock, Simulation
from service.demo.stage import all_events, furnish
from service.settings import Settings
from store import Store, open_engine
from tests.unit.agents.agents_house import (
    SIGNER,
    START,
    a_watcher,
    basis_history,
    directory,
    in_transit,
    opening_book,
    queued,
    timeout,
)
from trail.keeper import TrailKeeper
from workorders import Policy, reads

ON_POSTGRES = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def told(app: Application) -> dict[str, Any]:
    """What was found and decided, without the ids that are made at random."""
    with app.store.reader() as connection:
        roots = sorted({path.partition("/")[0] for path in app.directory.nodes})
        orders = reads.list_orders(connection, roots, limit=100).items
        alerts = reads.list_alerts(connection, roots, limit=100).items
        found = [
            one
            for root in roots
            for kind in ("decision", "match")
            for one in records(connection, kind, root)
        ]
        whole = trail.verify(connection, verifiers=[app.keys.trail.verifier])
    assert whole.faults == ()
    return {
        "decisions": Counter(
            (one.action, one.outcome, one.reason, one.actor, one.org)
            for one in found
            if one.kind == "decision"
        ),
        "matches": sorted(
            (
                str(one.body["code"]),
                str(one.body["event_time"]),
                json.dumps(one.body["evidence"], sort_keys=True),
            )
            for one in found
            if one.kind == "match"
        ),
        "orders": sorted(
            (one.level, one.state, one.org, one.count, str(one.value), sorted(one.assignees))
            for one in orders
        ),
        "alerts": Counter((one.code, one.level, one.state, one.count) for one in alerts),
    }


def run(folder: Path, names: tuple[str, ...], url: str = "") -> dict[str, Any]:
    """Incidents from set-up to the end, in one furnished application."""
    chosen = [one for one in read_incidents(shipped())[0] if one.id in names]
    events = all_events(chosen, None)
    clock = SimulatedClock(min(one.arrival_time for one in events) - timedelta(hours=1))
    settings = Settings(data=folder, database=url)
    app = main.compose(settings, clock=clock, role="test", channels={}, use_child=False)
    try:
        furnish(app, chosen)
        Simulation(app, clock, events).run()
        return told(app)
    finally:
        app.close()


@ON_POSTGRES
@pytest.mark.parametrize(
    "names", [("INC-1",), ("INC-2",), ("INC-3", "INC-4"), ("INC-5",)], ids="+".join
)
def test_incidents_are_found_and_decided_as_on_sqlite(
    database: Engine, tmp_path: Path, names: tuple[str, ...]
):
    there = run(tmp_path / "there", names, address(database))
    here = run(tmp_path / "here", names)
    assert len(here["matches"]) > 1
    assert here["orders"]
    for part, found in here.items():
        assert there[part] == found, part


class Process:
    """A watcher with a store of its own, as in another process."""

    def __init__(self, url: str, log: Any, clock: list[datetime]) -> None:
        self.engine = open_engine(url)
        keeper = TrailKeeper(SIGNER)
        self.store = Store(self.engine, clock=lambda: clock[0], before_commit=[keeper])
        self.watcher = a_watcher(self.store, log, Policy())
        self.faults: list[Exception] = []
        self._clock = clock

    def work(self) -> None:
        for _ in range(30):
            try:
                self.watcher.run_once(self._clock[0])
            except Exception as fault:  # noqa: BLE001 - looked at below
                self.faults.append(fault)

    def close(self) -> None:
        self.watcher.close()
        self.engine.dispose()


@ON_POSTGRES
def test_two_processes_that_read_the_same_log_decide_everything_once(
    database: Engine, tmp_path: Path
):
    """Both believe that they lead; every event is decided by one of them."""
    clock = [START]
    log = own_log(tmp_path, role="test", clock=lambda: clock[0])
    both = [Process(address(database), log, clock) for _ in range(2)]
    with both[0].store.unit_of_work("cli:setup") as uow:
        save_directory(uow, directory())
        facts = [*opening_book(net="-7500"), in_transit("7500"), *basis_history()]
        put_dated(uow, facts, source="setup")
    clock[0] = START + timedelta(seconds=120)
    try:
        for one in [*(timeout(f"RK{n}", 8 * n) for n in range(5)),
                    *(queued(50 + n, order=f"H-{n}") for n in range(5))]:  # fmt: skip
            log.append([one])
            together([process.work for process in both])
        with both[0].store.reader() as connection:
            found = list(trail.find(connection, limit=1000))
    finally:
        for process in both:
            process.close()
        log.close()
    hedges = [one.object_id for one in found if one.action == "hedge_order.decide"]
    assert sorted(hedges) == [f"H-{n}" for n in range(5)]
    codes = Counter(str(one.body["code"]) for one in found if one.kind == "match")
    assert (codes["INBOUND_TIMEOUT_CLUSTER"], codes["EXPOSURE_CRITICAL"]) == (1, 5)
    assert all(_serialised(fault) for process in both for fault in process.faults)


def together(work: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _serialised(fault: Exception) -> bool:
    """Refused by the database because the other one was first; the next round succeeds."""
    return "concurrent" in str(fault) or "deadlock" in str(fault) or "duplicate key" in str(fault)


@ON_POSTGRES
def test_one_of_two_schedulers_leads(database: Engine):
    clock = [START]
    rounds = {"a": 0, "b": 0}
    schedulers = []
    engines = [open_engine(address(database)) for _ in rounds]
    for holder, engine in zip(rounds, engines, strict=True):
        store = Store(engine, clock=lambda: clock[0], before_commit=[TrailKeeper(SIGNER)])

        def count(_now: Any, holder: str = holder) -> None:
            rounds[holder] += 1

        schedulers.append(Scheduler(store, [Job("j", count, timedelta())], holder=holder))
    for second in range(20):
        clock[0] = START + timedelta(seconds=second)
        together([one.run_once for one in schedulers])
    assert sorted(rounds.values()) == [0, 20]
    for engine in engines:
        engine.dispose()
