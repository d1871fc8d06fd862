"""What the trail costs beside a plain insert of the same bytes, and how fast it is verified."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import trail
from store import Store, open_engine, outbox, system_clock, timers
from tests.bench.table import BenchRow
from trail.notes import Signer

ROUNDS = 5
RECORDS = {1: 1_000, 50: 10_000}
HASHED, DECIDED = 20_000, 2_000
_BODY = {"note": "x" * 560, "leaves": [{"field": "use", "op": ">=", "value": "1.02"}]}
_ORDERS = count(1)  # orders come one after the other, each with some eight records
_SIGNER = Signer("bench.example/trail", bytes(32))


@contextmanager
def _database() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEDGEWARDEN_BENCH_DIR")) as folder:
        engine = open_engine(f"sqlite:///{Path(folder)}/bench.db")
        SQLModel.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE plain (seq INTEGER PRIMARY KEY, body BLOB)"))
        yield engine
        engine.dispose()


def _store(engine: Engine) -> tuple[Store, trail.TrailKeeper]:
    keeper = trail.TrailKeeper(_SIGNER)
    return Store(engine, clock=system_clock, before_commit=[keeper]), keeper


def _append(store: Store, records: int, per_commit: int) -> float:
    start = perf_counter()
    for _ in range(records // per_commit):
        with store.unit_of_work("system:bench") as uow:
            for _ in range(per_commit):
                trail.record(
                    uow,
                    kind="decision",
                    action="order.acknowledge",
                    object_type="work_order",
                    object_id=f"WO-{next(_ORDERS) // 8:08d}",
                    org="集团/铜业",
                    outcome="acknowledged",
                    body=_BODY,
                )
    return records / (perf_counter() - start)


def _plain(engine: Engine, records: int, per_commit: int, body: bytes) -> float:
    """The same bytes with the bare driver: one prepared statement, same commit size."""
    connection = engine.raw_connection()
    driver = connection.driver_connection
    assert driver is not None
    cursor = driver.cursor()
    start = perf_counter()
    for _ in range(records // per_commit):
        cursor.execute("BEGIN IMMEDIATE")
        for _ in range(per_commit):
            cursor.execute("INSERT INTO plain (body) VALUES (?)", (body,))
        driver.commit()
    rate = records / (perf_counter() - start)
    connection.close()
    return rate


def _through_the_store(store: Store, records: int, per_commit: int, body: bytes) -> float:
    """The same bytes with one prepared statement through a unit of work, without a record."""
    statement = "INSERT INTO plain (body) VALUES (?)"
    start = perf_counter()
    for _ in range(records // per_commit):
        with store.unit_of_work("system:bench") as uow:
            for _ in range(per_commit):
                uow.connection.exec_driver_sql(statement, (body,))
            uow.changed.clear()
    return records / (perf_counter() - start)


def _decide(store: Store, commits: int) -> float:
    """A decision, a timer and a message in one commit: what an act costs."""
    start = perf_counter()
    for number in range(commits):
        with store.unit_of_work("system:bench") as uow:
            trail.record(
                uow,
                kind="decision",
                action="order.open",
                object_type="work_order",
                object_id=str(number),
                body=_BODY,
            )
            key = f"{number}"
            timers.set_timer(uow, key=key, kind="k", due_at=uow.now)
            outbox.put(uow, channel="mail", target="t", payload={"n": number}, key=key)
    return commits / (perf_counter() - start)


def _turns(*measures: Callable[[], float]) -> list[float]:
    """Medians of measures taken in turn, so that a busy moment hits all alike."""
    taken = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [median(column) for column in zip(*taken, strict=True)]


def run() -> list[BenchRow]:
    """Measure."""
    rows = []
    with _database() as engine:
        store, keeper = _store(engine)
        _append(store, 100, 1)
        with store.reader() as connection:
            body = trail.read(connection, 1).raw
        for per_commit, goal in ((1, 0.6), (50, 0.45)):
            size = RECORDS[per_commit]
            ours, bare, through = _turns(
                lambda c=size, p=per_commit: _append(store, c, p),
                lambda c=size, p=per_commit: _plain(engine, c, p, body),
                lambda c=size, p=per_commit: _through_the_store(store, c, p, body),
            )
            name = f"trail append, {per_commit} a commit, {len(body)} bytes"
            rows.append(
                _row(name, ours, "records/s", "plain insert, same unit of work", through, goal)
            )
            rows.append(_row(name, ours, "records/s", "plain insert, bare sqlite3", bare))
        bodies = [body] * HASHED

        def verified() -> float:
            start = perf_counter()
            with store.reader() as connection:
                report = trail.verify(connection, verifiers=keeper.verifiers)
            assert report.ok
            return report.size / (perf_counter() - start)

        def hashed() -> float:
            start = perf_counter()
            for one in bodies:
                sha256(b"\x00" + one).digest()
            return len(bodies) / (perf_counter() - start)

        ours, peer = _turns(verified, hashed)
        rows.append(_row("trail verify", ours, "records/s", "hashlib leaf rate", peer, 0.25))
    with _database() as engine:
        store, _ = _store(engine)
        rows.append(_decisions(store))
    return rows


def _decisions(store: Store) -> BenchRow:
    rate = _decide(store, DECIDED)
    return BenchRow("decision, timer and message in a commit", rate, "commits/s", goal=">= 1000/s")


def _row(  # noqa: PLR0917 - a row of a table
    name: str, ours: float, unit: str, peer: str, theirs: float, goal: float = 0.0
) -> BenchRow:
    return BenchRow(name, ours, unit, peer, theirs, ours / theirs, f">= {goal:.2f}" if goal else "")


if __name__ == "__main__":
    for line in run():
        print(line)  # noqa: T201 - a bench prints its table
