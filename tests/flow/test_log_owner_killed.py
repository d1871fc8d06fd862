"""The owner of the log under kill -9 while others write: what was acknowledged is there, once."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditlog.client import SocketLog
from auditlog.events import Event, EventKind
from auditlog.owner import own_log, serve_log

CLIENTS = 3
BATCH = 60
PATIENCE = 120.0
_START = datetime(2024, 5, 14, tzinfo=UTC)


def batch(client: int, number: int) -> list[Event]:
    """Batch `number` of a client's fixed stream."""
    return [
        Event(
            source=f"client{client}",
            event_id=f"E-{place}",
            event_time=_START + timedelta(milliseconds=33 * place),
            arrival_time=_START + timedelta(milliseconds=33 * place),
            kind=EventKind.BUSINESS,
            type="order.create",
            seq=place + 1,
            order=f"SO-{client}-{place}",
        )
        for place in range(number * BATCH, (number + 1) * BATCH)
    ]


def own(folder: str) -> None:
    """In a child: own the log and answer until killed."""
    log = own_log(Path(folder), role="log", wait=PATIENCE)
    serve_log(Path(folder), log)
    os.write(1, b"ready\n")
    threading.Event().wait()


def write(folder: str, client: str, batches: str) -> None:
    """In a child: write batch after batch; one line each that was acknowledged."""
    log = SocketLog(Path(folder), patience=PATIENCE)
    for number in range(int(batches)):
        log.append(batch(int(client), number))
        os.write(1, b"%d\n" % number)


def started(call: str, *arguments: object) -> subprocess.Popen[bytes]:
    code = f"import sys, test_log_owner_killed as t; t.{call}(*sys.argv[1:])"
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )


class Acknowledged:
    """The batches that each client was told are on disk, as they come."""

    def __init__(self) -> None:
        self.last = dict.fromkeys(range(CLIENTS), -1)
        self._changed = threading.Condition()

    def listen(self, client: int, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            with self._changed:
                self.last[client] = int(line)
                self._changed.notify_all()

    def more(self, batches: int) -> None:
        """Wait until that many more are acknowledged."""
        with self._changed:
            wanted = sum(self.last.values()) + batches
            assert self._changed.wait_for(lambda: sum(self.last.values()) >= wanted, PATIENCE)


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    child = started("own", folder)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def kill_while_they_write(folder: Path, kills: int, source: random.Random) -> None:
    batches = 12 * kills
    acknowledged = Acknowledged()
    clients = [started("write", folder, client, batches) for client in range(CLIENTS)]
    ears = [
        threading.Thread(target=acknowledged.listen, args=(client, child))
        for client, child in enumerate(clients)
    ]
    try:
        for ear in ears:
            ear.start()
        for _ in range(kills):
            with owner(folder):
                # each round leaves work for the next: 3 clients have 36 batches for every kill
                acknowledged.more(source.randint(1, 20))
        with owner(folder):
            for child in clients:
                assert child.wait(PATIENCE) == 0
    finally:
        for child in clients:
            child.kill()
            child.wait()
        for ear in ears:
            ear.join(PATIENCE)
    assert acknowledged.last == dict.fromkeys(range(CLIENTS), batches - 1)
    check(folder, batches)


def check(folder: Path, batches: int) -> None:
    log = own_log(folder, role="check", wait=PATIENCE)
    try:
        counts = log.sql(
            "SELECT source, count(*), count(DISTINCT event_id), min(seq), max(seq) "
            "FROM events GROUP BY 1 ORDER BY 1"
        )
        positions = log.sql("SELECT count(*), count(DISTINCT position), max(position) FROM events")
        assert log.quarantine() == []
    finally:
        log.close()
    events = batches * BATCH
    assert counts.rows == tuple(
        (f"client{client}", events, events, 1, events) for client in range(CLIENTS)
    ), "an acknowledged event is lost, or one is there twice"
    assert positions.rows == ((CLIENTS * events,) * 3,)


def test_an_owner_killed_under_three_writers_loses_and_doubles_nothing(tmp_path: Path):
    kill_while_they_write(tmp_path, 3, random.Random(7))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_of_the_owner(tmp_path: Path, seed: int):
    kill_while_they_write(tmp_path, 20, random.Random(2000 + seed))
