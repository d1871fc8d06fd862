"""The audit log's ingest beside DuckDB's own insert of the same rows, in the same run."""

import contextlib
import http.client
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa

from auditlog.duckdb_log import DuckDbLog
from auditlog.duckdb_schema import COLUMNS, EVENTS_DDL, events_table, placed
from auditlog.events import Event
from auditlog.port import Query
from auditlog.reader_json import read_line
from auditlog.reading import Reading
from tests.bench.table import BenchRow

ROWS = 60_000
PRESENT = int(os.environ.get("HEDGEWARDEN_BENCH_ROWS", "2000000"))
"""Rows that the table holds already; 20,000,000 take some minutes and 2 GB."""
ROUNDS = 5
_UNIT = "events/s"
_START = datetime(2024, 5, 14, tzinfo=UTC)
_PEER = f"duckdb {duckdb.__version__}"


def run() -> list[BenchRow]:
    """Events per second of CPU time, all threads counted; durable commits on both sides.

    By CPU time, since the machine is shared; medians of `ROUNDS`, ours and the peer's in turn.
    """
    lines = [_line(place) for place in range(ROWS)]
    reading = Reading("bench", now=_START + timedelta(days=400))
    events = [_event(line, reading) for line in lines]
    return [
        _objects(events, 1_000, "≥ 0.35"),
        _objects(events, 10_000, "≥ 0.35"),
        _lines(lines, reading),
        _loopback("voucher.post", "NDJSON to the API over loopback", ROWS),
        _loopback("order.create", "the same, orders that the book checks at the door", ROWS // 10),
        *_beside_many(events),
    ]


def _objects(events: list[Event], size: int, goal: str) -> BenchRow:
    tables = _tables(events, size, 0)

    def insert(_: DuckDbLog, folder: Path) -> None:
        with duckdb.connect(str(folder / "raw.duckdb")) as con:
            con.execute(EVENTS_DDL)
            for table in tables:
                con.register("batch", table)
                con.execute("INSERT INTO log_events SELECT * FROM batch").fetchall()

    def append(log: DuckDbLog, _: Path) -> None:
        for part in _parts(events, size):
            log.append(part)

    ours, peer = _in_turn(append, insert)
    name = f"log: ingest of event objects, {size:,} a batch, dedupe and fsync in"
    return BenchRow(name, ours, _UNIT, f"{_PEER} insert of ready tables", peer, ours / peer, goal)


def _in_turn(*works: Callable[[DuckDbLog, Path], None]) -> list[int]:
    """The median rate of each on a fresh log, round by round."""
    rates: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, found in zip(works, rates, strict=True):
            with tempfile.TemporaryDirectory() as name:
                log = DuckDbLog(Path(name) / "log.duckdb")
                with _measured(found):
                    work(log, Path(name))
                log.close()
    return [round(median(found)) for found in rates]


@contextlib.contextmanager
def _measured(rates: list[float]) -> Iterator[None]:
    """Notes `ROWS` over the CPU seconds of the block, all threads of this process."""
    began = time.process_time()
    yield
    rates.append(ROWS / (time.process_time() - began))


def _tables(events: list[Event], size: int, last: int) -> list[pa.Table]:
    return [
        placed(events_table(part), last + place * size + 1)
        for place, part in enumerate(_parts(events, size))
    ]


def _lines(lines: list[str], reading: Reading) -> BenchRow:
    def ingest(log: DuckDbLog, _: Path) -> None:
        for place in range(0, ROWS, 1_000):
            rows = [read_line(line, place, reading) for line in lines[place : place + 1_000]]
            log.append([row for row in rows if isinstance(row, Event)])

    def load(_: DuckDbLog, __: Path) -> None:
        for line in lines:
            json.loads(line)

    ours, peer = _in_turn(ingest, load)
    return BenchRow(
        "log: NDJSON, validation, dedupe and fsync in, 1,000 a batch",
        ours,
        _UNIT,
        "json.loads alone",
        peer,
        ours / peer,
        "≥ 30,000/s",
    )


def _loopback(what: str, name: str, rows: int) -> BenchRow:
    """The whole way in: HTTP, sign-in, scope, validation, dedupe, fsync; two senders."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    child.start()
    rates = []
    try:
        host, token = ours.recv()
        for turn in range(ROUNDS):
            began = _cpu_of(ours)
            lines = [_line(at, "Group/East", f"{turn}-", units=0, what=what) for at in range(rows)]
            _send(host, token, lines)
            rates.append(rows / (_cpu_of(ours) - began))
    finally:
        ours.send("end")
        child.join(60)
    return BenchRow(
        f"log: {name}, 1,000 a batch, two senders, the service's CPU",
        round(median(rates)),
        _UNIT,
        goal="≥ 30,000/s",
    )


def _cpu_of(child: Connection) -> float:
    child.send("cpu")
    seconds: float = child.recv()
    return seconds


def _serve(pipe: Connection) -> None:
    from tests.browser.chromium import serving
    from tests.flow.flow_house import house

    with (
        tempfile.TemporaryDirectory() as folder,
        house(Path(folder) / "data") as company,
        serving(company.web) as address,
    ):
        pipe.send((address.removeprefix("http://"), company.token("chen")))
        while pipe.recv() == "cpu":
            pipe.send(time.process_time())


def _send(host: str, token: str, lines: list[str]) -> None:
    """One turn, from the first byte to the last answer."""
    parts = [lines[at : at + 1_000] for at in range(0, len(lines), 1_000)]
    bodies = [("\n".join(part).encode(), len(part)) for part in parts]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}

    def post(own: list[tuple[bytes, int]]) -> None:
        connection = http.client.HTTPConnection(host)
        for body, size in own:
            connection.request("POST", "/api/v1/events", body, headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert found.get("accepted") == size, found
        connection.close()

    with ThreadPoolExecutor(2) as senders:
        list(senders.map(post, (bodies[::2], bodies[1::2])))


def _beside_many(events: list[Event]) -> list[BenchRow]:
    """Ingest and acknowledgement beside `PRESENT` rows, a reader running."""
    with tempfile.TemporaryDirectory() as name:
        log = DuckDbLog(Path(name) / "log.duckdb")
        _fill(log, PRESENT)
        rates: tuple[list[float], list[float]] = [], []
        for turn in range(ROUNDS):
            own = [replace(one, event_id=f"{one.event_id}-{turn}") for one in events]
            with _measured(rates[0]):
                for part in _parts(own, 10_000):
                    log.append(part)
            _raw(log, events, rates[1])
        alone, peer = median(rates[0]), median(rates[1])
        times = _timed(log, [replace(one, event_id=f"{one.event_id}b") for one in events])
        log.close()
    return [
        BenchRow(
            f"log: ingest of event objects, 10,000 a batch, {PRESENT:,} rows present",
            round(alone),
            _UNIT,
            f"{_PEER} insert of ready tables",
            round(peer),
            alone / peer,
            "≥ 0.35",
        ),
        BenchRow(
            f"log: acknowledgement of 1,000 events, p99, {PRESENT:,} rows, a reader running",
            round(times[int(len(times) * 0.99)] * 1000, 1),
            "ms",
            goal="< 250",
        ),
    ]


def _timed(log: DuckDbLog, events: list[Event]) -> list[float]:
    """Seconds of each acknowledgement, in order, while a reader searches without a pause."""
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            log.search(Query(actors=("u_7",), since=_START, limit=100))

    reader = threading.Thread(target=read)
    reader.start()
    times = []
    for part in _parts(events, 1_000):
        began = time.perf_counter()
        log.append(part)
        times.append(time.perf_counter() - began)
    done.set()
    reader.join()
    return sorted(times)


def _fill(log: DuckDbLog, rows: int) -> None:
    """Rows of the days before, 33 ms apart, written by DuckDB itself."""
    values = {
        "source": "'erp' || i % 7",
        "event_id": "'P-' || i",
        "event_time": f"TIMESTAMP '{_START:%Y-%m-%d}' - to_milliseconds(33 * (i + 1))",
        "kind": "'business'",
        "type": "'order.create'",
        "seq": "i",
        "org": "'集团/子公司' || i % 11",
        "actor": "'u_' || i % 97",
        "product": "'cu'",
        "order": "'SO-P' || i",
        "amount": "i + 0.25",
        "message": "'新建套保订单'",
        "attributes": """'{"side":"sell"}'""",
    }
    values["arrival_time"] = values["event_time"]
    empty = {"latency_ms": "NULL", "qty": "NULL"}
    columns = ", ".join(values.get(name, empty.get(name, "''")) for name in COLUMNS)
    with log._writing() as con:
        con.execute(
            "INSERT INTO log_events SELECT i + 1, "
            f"({values['event_time']})::DATE, (hash(i) >> 1)::BIGINT, {columns} "
            f"FROM range({rows}) r(i)"
        )
        log._last = rows


def _raw(log: DuckDbLog, events: list[Event], rates: list[float]) -> None:
    """DuckDB's own insert of the same rows into the same table."""
    beyond = PRESENT + 10 * ROUNDS * ROWS
    tables = _tables(events, 10_000, beyond)
    with _measured(rates):
        for table in tables:
            with log._writing() as con:
                con.register("batch", table)
                con.execute("INSERT INTO log_events SELECT * FROM batch").fetchall()
                con.unregister("batch")
    with log._writing() as con:
        con.execute(f"DELETE FROM log_events WHERE position > {beyond}")


def _parts(events: list[Event], size: int) -> list[list[Event]]:
    return [events[place : place + size] for place in range(0, len(events), size)]


def _line(
    place: int, org: str = "集团", mark: str = "", units: int = 11, what: str = "order.create"
) -> str:
    """An order; of one of the units below `org`, or with `units` 0 of `org` itself."""
    at = _START + timedelta(milliseconds=33 * place)
    return json.dumps(
        {
            "event_id": f"E-{mark}{place}",
            "source": f"erp{place % 7}",
            "ts": at.isoformat(),
            "arrival_ts": at.isoformat(),
            "seq": place + 1,
            "log_class": "business",
            "type": what,
            "org": f"{org}/子公司{place % units}" if units else org,
            "actor": f"u_{place % 97}",
            "product": "cu",
            "order": f"SO-{place}",
            "amount": f"{place}.25",
            "qty": f"{place % 40 + 1}",
            "unit": "t",
            "side": "sell",
            "message": "新建套保订单",
        },
        ensure_ascii=False,
    )


def _event(line: str, reading: Reading) -> Event:
    event = read_line(line, 1, reading)
    assert isinstance(event, Event)
    return event


if __name__ == "__main__":
    for row in run():
        print(row)  # noqa: T201 (a bench prints its table)
