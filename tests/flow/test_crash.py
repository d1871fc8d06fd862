"""kill -9 at random moments: nothing acknowledged is lost, nothing happens twice.

A failing seed is in the test's name. The page cache survives kill -9; a power cut is not tested.
"""

import multiprocessing
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlmodel import SQLModel

import trail
from store import Store, positions
from store.tables import OutboxRow, TimerRow
from tests.flow import crash_child

# Children are forked from a server that has imported everything: hundreds fit into seconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tests.flow.crash_child"])
Said = list[tuple[str, Any]]
ROUNDS = 2  # each round continues on what the killed one left


def run_and_kill(act: str, folder: Path, seed: int) -> Said:
    """What a child said before it was killed at a moment that `seed` gives."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=crash_child.run, args=(act, folder, seed, theirs))
    child.start()
    theirs.close()
    assert ours.recv() == ("ready", 0)
    time.sleep(Random(seed).uniform(0.005, 0.12))
    child.kill()
    said: Said = []
    try:
        while True:
            said.append(ours.recv())
    except (EOFError, OSError):  # a message cut in half was not said
        child.join()
    return said


def opened(folder: Path) -> Store:
    return crash_child.open_store(folder)


def prepare(folder: Path) -> None:
    SQLModel.metadata.create_all(opened(folder).engine)


def check_trail(store: Store) -> int:
    with store.reader() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
        report = trail.verify(connection, verifiers=[crash_child.SIGNER.verifier])
        assert report.faults == ()
        return report.size


def append(folder: Path, seed: int) -> None:
    prepare(folder)
    for turn in range(ROUNDS):
        said = run_and_kill("append", folder, seed * 10 + turn)
        acknowledged = max((number for _, number in said), default=0)
        assert check_trail(opened(folder)) >= acknowledged


def decide(folder: Path, seed: int) -> None:
    prepare(folder)
    for turn in range(ROUNDS):
        said = run_and_kill("decide", folder, seed * 10 + turn)
        acknowledged = max((number for _, number in said), default=0)
        store = opened(folder)
        size = check_trail(store)
        with store.reader() as connection:
            assert size == int(positions.read(connection, "decided") or 0) >= acknowledged
            assert connection.scalar(select(func.count()).select_from(TimerRow)) == size
            assert connection.scalar(select(func.count()).select_from(OutboxRow)) == size


def send(folder: Path, seed: int) -> None:
    prepare(folder)
    said: Said = []
    for turn in range(ROUNDS):
        said += run_and_kill("send", folder, seed * 10 + turn)
    sent = Counter(key for verb, key in said if verb == "sent")
    settled = Counter(key for verb, key in said if verb == "settled")
    with opened(folder).reader() as connection:
        rows = connection.execute(select(OutboxRow.message_key, OutboxRow.state)).all()
    states: dict[str, str] = {row[0]: row[1] for row in rows}
    assert set(sent) <= set(states)  # nothing was sent that was not written first
    assert all(states[key] == "delivered" for key in settled)
    assert max(settled.values(), default=1) == 1
    # At least once, as documented: twice only what a kill caught between sending and settling,
    # and a kill catches one at a time.
    again = [times for times in sent.values() if times > 1]
    assert len(again) <= ROUNDS - 1
    assert max(again, default=2) == 2


ACTS = {"append": append, "decide": decide, "send": send}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("act", ["append", "send"])
def test_killed_at_any_moment(act: str, seed: int, tmp_path: Path) -> None:
    ACTS[act](tmp_path, seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_decision_with_its_effects_is_whole_or_absent(seed: int, tmp_path: Path) -> None:
    decide(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
@pytest.mark.parametrize("act", list(ACTS))
def test_killed_at_very_many_moments(act: str, seed: int, tmp_path: Path) -> None:
    ACTS[act](tmp_path, seed)
