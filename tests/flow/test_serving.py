"""The service as processes: locks, roles, the log's socket, an orderly end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flow_house import EAST, PATIENCE_S, START, people

import main
from agents.watcher import POSITION
from auditlog.client import open_log
from auditlog.port import Query
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from service.errors import UnsafeAddress, WrongFolder
from service.security import tokens
from service.serving import check_address, check_folder, serve
from service.settings import Settings
from store import positions

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, main
from pathlib import Path
from service.serving import serve
from service.settings import Settings
serve(main.compose, Settings(data=Path(sys.argv[1]), port=0), role=sys.argv[2] or None)
"""


@contextmanager
def process(folder: Path, role: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A serving process and what it says when it is up."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), role],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        assert line, child.communicate(timeout=PATIENCE_S)[1]
        yield child, line
    finally:
        if child.poll() is None:
            child.terminate()
        child.communicate(timeout=PATIENCE_S)


def end(child: subprocess.Popen[str]) -> int:
    child.send_signal(signal.SIGTERM)
    return child.wait(timeout=PATIENCE_S)


def furnish(folder: Path) -> str:
    """People in the folder, and a token of one of them."""
    app = main.compose(Settings(data=folder), role="test")
    known, problems = directory_from_mapping(people())
    assert problems == []
    with app.store.unit_of_work("system:test") as uow:
        save_directory(uow, known)
        token = tokens.issue(uow, "chen", name="test")
    app.close()
    return token


def until(holds: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def posted(address: str, token: str, number: int) -> httpx.Response:
    event = {
        "event_id": f"E-{number}",
        "event_time": START.isoformat(),
        "type": "login",
        "kind": "system",
        "org": EAST,
        "actor": "liu",
    }
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net:
        return net.post("/api/v1/events", json=event, headers=headers)


def judged(folder: Path) -> int:
    """How far the watcher has read."""
    app = main.compose(Settings(data=folder), role="test")
    try:
        with app.store.reader() as connection:
            return int(positions.read(connection, POSITION) or 0)
    finally:
        app.close()


def test_one_process_does_everything_and_ends_in_order(tmp_path: Path):
    token = furnish(tmp_path)
    with process(tmp_path) as (child, address):
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net:
            assert net.get("/healthz").status_code == 200
            assert net.get("/readyz").json()["ready"] is True
            assert net.get("/", headers={"Accept": "text/html"}).status_code in {200, 303, 404}
        assert posted(address, token, 1).json()["accepted"] == 1
        until(lambda: judged(tmp_path) == 1, "the watcher reads what came in")
        log = open_log(tmp_path, role="command", wait=0)
        assert log.count(Query()) == 1
        log.close()
        second = subprocess.run(
            [sys.executable, "-c", CHILD, str(tmp_path), ""],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert second.returncode != 0
        assert "FolderHeld" in second.stderr
        assert end(child) == 0
    assert not (tmp_path / "log.sock").exists()
    with process(tmp_path) as (child, address):
        assert posted(address, token, 1).json()["duplicates"] == 1
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=PATIENCE_S) == 0


def test_the_roles_work_side_by_side(tmp_path: Path):
    token = furnish(tmp_path)
    with (
        process(tmp_path, "log"),
        process(tmp_path, "web") as (web, address),
        process(tmp_path, "agents") as (agents, _),
        process(tmp_path, "web") as (other, second_address),
    ):
        assert posted(address, token, 1).json()["accepted"] == 1
        assert posted(second_address, token, 2).json()["accepted"] == 1
        until(lambda: judged(tmp_path) == 2, "the agents read what came in")
        for child in (agents, other, web):
            assert end(child) == 0


def test_a_demo_s_folder_and_a_live_one_are_never_mixed(tmp_path: Path):
    demo, live = tmp_path / "demo", tmp_path / "live"
    for folder in (demo, live):
        folder.mkdir()
    (demo / "DEMO").write_text("demo\n")
    (live / "hedgewarden.db").touch()
    with pytest.raises(WrongFolder) as refused:
        serve(main.compose, Settings(data=demo))
    assert refused.value.code == "folder.demo"
    with pytest.raises(WrongFolder):
        check_folder(Settings(data=live), demo=True)
    check_folder(Settings(data=live), demo=False)
    check_folder(Settings(data=demo), demo=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "console.example"])
def test_another_address_needs_protection(tmp_path: Path, host: str):
    with pytest.raises(UnsafeAddress):
        serve(main.compose, Settings(data=tmp_path, host=host, port=0))
    check_address(Settings(data=tmp_path, host=host, behind_proxy=True))
    check_address(Settings(data=tmp_path, host=host, tls_certificate=tmp_path / "c.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_this_machine_needs_none(tmp_path: Path, host: str):
    check_address(Settings(data=tmp_path, host=host))


def test_an_unknown_role_is_a_wrong_call(tmp_path: Path):
    with pytest.raises(ValueError, match="nothing"):
        serve(main.compose, Settings(data=tmp_path), role="nothing")
