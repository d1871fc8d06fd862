"""The audit log's ingest beside DuckDB's own insert of the same rows, in the same run."""

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from auditlog.duckdb_log import DuckDbLog
from auditlog.duckdb_schema import EVENTS_DDL, event_key, events_table
from auditlog.events import Event
from auditlog.reader_json import read_line
from auditlog.reading import Reading
from tests.bench.table import BenchRow

ROWS = 60_000
_START = datetime(2024, 5, 14, tzinfo=UTC)
_PEER = f"duckdb {duckdb.__version__}"


def run() -> list[BenchRow]:
    """Rows per second, ours and the peer's, best of three, durable commits in both."""
    lines = [_line(place) for place in range(ROWS)]
    reading = Reading("bench", now=_START + timedelta(days=400))
    events = [_event(line, reading) for line in lines]
    return [
        _objects(events, 1_000, "≥ 0.35"),
        _objects(events, 10_000, "≥ 0.35"),
        _lines(lines, reading),
        _acknowledgement(events),
    ]


def _objects(events: list[Event], size: int, goal: str) -> BenchRow:
    ours = _best(lambda log, _: [log.append(part) for part in _parts(events, size)])
    tables = [
        events_table(part, [event_key(event) for event in part], place * size + 1)
        for place, part in enumerate(_parts(events, size))
    ]

    def insert(_: DuckDbLog, folder: Path) -> object:
        with duckdb.connect(str(folder / "raw.duckdb")) as con:
            con.execute(EVENTS_DDL)
            for table in tables:
                con.register("batch", table)
                con.execute("INSERT INTO log_events SELECT * FROM batch").fetchall()
        return None

    peer = _best(insert)
    name = f"log: ingest of event objects, {size:,} a batch, dedupe and fsync in"
    return BenchRow(
        name, ours, "events/s", f"{_PEER} insert of ready Arrow tables", peer, ours / peer, goal
    )


def _lines(lines: list[str], reading: Reading) -> BenchRow:
    def ingest(log: DuckDbLog, _: Path) -> object:
        for place in range(0, ROWS, 1_000):
            rows = [read_line(line, place, reading) for line in lines[place : place + 1_000]]
            log.append([row for row in rows if isinstance(row, Event)])
        return None

    def load(_: DuckDbLog, __: Path) -> object:
        return [json.loads(line) for line in lines]

    ours, peer = _best(ingest), _best(load)
    return BenchRow(
        "log: NDJSON, validation, dedupe and fsync in, 1,000 a batch",
        ours,
        "events/s",
        "json.loads alone",
        peer,
        ours / peer,
        "≥ 30,000/s",
    )


def _acknowledgement(events: list[Event]) -> BenchRow:
    times: list[float] = []

    def ingest(log: DuckDbLog, _: Path) -> object:
        for part in _parts(events, 1_000):
            began = time.perf_counter()
            log.append(part)
            times.append(time.perf_counter() - began)
        return None

    _best(ingest)
    times.sort()
    return BenchRow(
        "log: acknowledgement of 1,000 events, 99th percentile",
        round(times[int(len(times) * 0.99)] * 1000, 1),
        "ms",
        goal="< 250",
    )


def _best(work: Callable[[DuckDbLog, Path], object]) -> float:
    rates = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            log = DuckDbLog(Path(name) / "log.duckdb")
            began = time.perf_counter()
            work(log, Path(name))
            rates.append(ROWS / (time.perf_counter() - began))
            log.close()
    return round(max(rates))


def _parts(events: list[Event], size: int) -> list[list[Event]]:
    return [events[place : place + size] for place in range(0, len(events), size)]


def _line(place: int) -> str:
    at = _START + timedelta(milliseconds=33 * place)
    return json.dumps(
        {
            "event_id": f"E-{place}",
            "source": f"erp{place % 7}",
            "ts": at.isoformat(),
            "arrival_ts": at.isoformat(),
            "seq": place + 1,
            "log_class": "business",
            "type": "order.create",
            "org": f"集团/子公司{place % 11}",
            "actor": f"u_{place % 97}",
            "product": "cu",
            "order": f"SO-{place}",
            "amount": f"{place}.25",
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
