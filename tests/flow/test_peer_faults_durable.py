"""Jube answers and writes afterwards: a crash between the two loses a decision that was given.

Here the process is killed in the very commit, and what was answered is looked for in the database.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fault_child import ANSWERED
from fault_guards import fails_with
from flow_house import PATIENCE_S

HERE = Path(__file__).parent


def answered_before_durable(folder: Path, place: str, manner: str = "as it is") -> None:
    child = subprocess.Popen(
        [sys.executable, str(HERE / "fault_child.py"), str(folder), place, manner],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        address, order, token = child.stdout.readline().split()
        answered = acknowledged(f"{address}/api/v1/orders/{order}/acknowledge", token)
        (folder / ANSWERED).touch()
        assert child.wait(PATIENCE_S) == -signal.SIGKILL, "it was to die in the act"
    finally:
        child.kill()
        child.communicate()
    with sqlite3.connect(folder / "data" / "hedgewarden.db") as connection:
        ((state,),) = connection.execute("SELECT state FROM workorders_order").fetchall()
        recorded = connection.execute(
            "SELECT count(*) FROM trail_record WHERE action = 'order.acknowledge'"
        ).fetchone()
    durable = (state, recorded) == ("acknowledged", (1,))
    assert durable or (state, recorded) == ("open", (0,)), "half an act"
    assert durable == (place == "committed")
    assert durable or not answered, "answered before it was durable"


def acknowledged(url: str, token: str) -> bool:
    """Whether an answer came that says so; a connection that broke is none."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
            return client.post(url, json={}, headers=headers).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("place", ["commit", "committed"])
def test_fault_decision_answered_before_it_is_durable(tmp_path: Path, place: str) -> None:
    answered_before_durable(tmp_path, place)


def test_the_guard_against_decision_answered_before_it_is_durable_is_what_holds(
    tmp_path: Path,
) -> None:
    fails_with(
        "answered before it was durable", answered_before_durable, tmp_path, "commit", "eager"
    )
