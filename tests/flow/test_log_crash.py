"""The log under kill -9: what was acknowledged is there, and nothing is there twice."""

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditlog.events import Event, EventKind
from auditlog.owner import own_log

BATCH = 500
_START = datetime(2024, 5, 14, tzinfo=UTC)


def batch(number: int) -> list[Event]:
    """Batch `number` of an endless, fixed stream."""
    first = number * BATCH
    return [
        Event(
            source="erp",
            event_id=f"E-{place}",
            event_time=_START + timedelta(milliseconds=33 * place),
            arrival_time=_START + timedelta(milliseconds=33 * place),
            kind=EventKind.BUSINESS,
            type="order.create",
            seq=place + 1,
            org="恒信贸易/华东业务部",
            actor=f"u_{place % 97}",
            order=f"SO-{place}",
        )
        for place in range(first, first + BATCH)
    ]


def feed(folder: str, number: str) -> None:
    """In the child: append batch after batch, each acknowledged by one line."""
    log = own_log(Path(folder), role="feed")
    for place in range(int(number), sys.maxsize):
        log.append(batch(place))
        os.write(1, b"%d\n" % place)


def run_until_killed(folder: Path, first: int, seconds: float) -> int:
    """Start a child at batch `first`, kill it, and give the last batch it acknowledged."""
    code = "import sys, test_log_crash; test_log_crash.feed(sys.argv[1], sys.argv[2])"
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(first)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert child.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        assert ready.select(60), "the child never started to acknowledge"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    lines = child.stdout.read().split(b"\n")
    child.wait()
    child.stdout.close()
    # a line without its end was being written when the process died
    return max((int(line) for line in lines[:-1]), default=first - 1)


def kill_and_check(folder: Path, rounds: int, random_source: random.Random) -> None:
    """Each round resends from the last acknowledged batch on, as a client must."""
    acknowledged = -1
    for _ in range(rounds):
        resend = max(0, acknowledged)
        last = run_until_killed(folder, resend, random_source.uniform(0.0, 0.4))
        acknowledged = max(acknowledged, last)
        log = own_log(folder, role="check", wait=10)
        try:
            rows = log.sql("SELECT count(*), count(DISTINCT event_id), max(position) FROM events")
            total, distinct, position = rows.rows[0]
            positions: Counter[int] = Counter()
            held: set[str] = set()
            place = 0
            while found := log.read_after(place, 10_000):
                positions.update(row.position for row in found)
                held.update(row.event.event_id for row in found)
                place = found[-1].position
        finally:
            log.close()
        expected = {f"E-{number}" for number in range((acknowledged + 1) * BATCH)}
        assert expected <= held, "an acknowledged event is lost"
        assert total == distinct == len(held), "an event is there twice"
        assert max(positions.values()) == 1
        assert position == total
        assert total % BATCH == 0, "half a batch was stored"
    assert acknowledged >= 0


@pytest.mark.parametrize("seed", [1, 2])
def test_no_acknowledged_event_is_lost_and_none_is_there_twice(tmp_path: Path, seed: int):
    kill_and_check(tmp_path, 3, random.Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_two_hundred_kills(tmp_path: Path, seed: int):
    kill_and_check(tmp_path, 10, random.Random(1000 + seed))
