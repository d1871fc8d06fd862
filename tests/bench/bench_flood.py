"""A flood: 10,000 alerts within a minute of simulated time, on one store.

They are 100 troubles, each told a hundred times. Measured: how long it takes to take them in, from
a trouble's first match to its first card on the mail server (p99, on the machine's clock), and how
much memory grows. Nothing may be lost: every match has its row, every trouble its one order.
"""

import os
import statistics
import tempfile
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from sqlalchemy import func, select

from directory.loading import directory_from_mapping
from directory.writing import save_directory
from main import compose
from service.demo.mail_server import MailServer
from service.settings import Settings
from tests.bench.table import BenchRow
from workorders import Clear, Level, LevelPolicy, Match, Policy, ingest_match
from workorders.rows import MATCHES, NOTICES, ORDERS

ALERTS, TROUBLES, BATCH = 10_000, 100, 50
_GOAL_MS = 2_000
_PEOPLE = {
    "organisations": [
        {"path": "bench", "routing": ["officer"]},
        *({"path": f"bench/{number}"} for number in range(TROUBLES)),
    ],
    "people": [
        {"id": "officer", "name": "Officer", "role": "risk_officer", "unit": "bench",
         "email": "officer@demo.invalid"},
    ],
}  # fmt: skip


def _match(number: int, at: timedelta, start: SimpleNamespace) -> Match:
    trouble = number % TROUBLES
    return Match(
        rule="EXPOSURE",
        code="EXPOSURE_CRITICAL",
        version="1",
        level=Level.RED,
        org=f"bench/{trouble}",
        event_time=start.at + at,
        product="cu",
        month="2406",
        measure="exposure.net",
        value=Decimal(number),
        limit=Decimal(500),
        unit="t",
        facts_hash=str(number),
        clears=Clear("EXPOSURE", f"bench/{trouble}|cu"),
    )


def _resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def run() -> list[BenchRow]:
    """Matches a second, time to the first notice at the 99th percentile, growth of memory."""
    levels = {Level.RED: LevelPolicy(step_minutes=600)}
    with tempfile.TemporaryDirectory() as folder, MailServer() as mail:
        settings = Settings(
            data=Path(folder), smtp_host="127.0.0.1", smtp_port=mail.port, public_url="http://bench"
        )
        app = compose(settings)
        try:
            directory, problems = directory_from_mapping(_PEOPLE)
            assert not problems, problems
            with app.store.unit_of_work("system:bench") as uow:
                save_directory(uow, directory)
            ctx = app.context(app.directories.now())
            ctx = type(ctx)(ctx.people, ctx.calendar, Policy(levels=levels), ctx.channels)
            start = SimpleNamespace(at=app.clock())
            first: list[float] = []
            half = 0
            began = time.perf_counter()
            for base in range(0, ALERTS, BATCH):
                came = time.perf_counter()
                with app.store.unit_of_work("system:bench") as uow:
                    for number in range(base, base + BATCH):
                        at = timedelta(minutes=number / ALERTS)
                        ingest_match(uow, _match(number, at, start), ctx)
                if base < TROUBLES:
                    before = len(mail.mails)
                    app.escalator.run_once(app.clock())
                    assert len(mail.mails) == before + BATCH
                    first += [(time.perf_counter() - came) * 1000] * BATCH
                if base == ALERTS // 2:
                    half = _resident()
            took = time.perf_counter() - began
            grown = _resident() - half
            with app.store.reader() as connection:
                kept = [
                    connection.scalar(select(func.count()).select_from(table))
                    for table in (MATCHES, ORDERS, NOTICES)
                ]
                counted = connection.scalar(select(func.sum(ORDERS.c.count)))
            assert kept[:2] == [ALERTS, TROUBLES], kept
            assert counted == ALERTS, counted
            assert kept[2] == TROUBLES, kept
        finally:
            app.close()
    p99 = statistics.quantiles(first, n=100, method="inclusive")[98]
    return [
        BenchRow(
            "flood of 10,000 alerts, matches taken in",
            ALERTS / took,
            "/s",
            "",
            0,
            0,
            "≥ 167/s, none lost",
        ),
        BenchRow(
            "flood, first match to first notice, p99", p99, "ms", "", 0, 0, f"< {_GOAL_MS} ms"
        ),
        BenchRow(
            "flood, memory grown over the second half", grown / 2**20, "MiB", "", 0, 0, "bounded"
        ),
    ]
