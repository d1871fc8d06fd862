"""The command as a process of its own, alone and beside another that holds the folder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from auditlog.owner import own_log, serve_log
from store import locks

ROOT = Path(__file__).parents[2]
CONTRACTS = "contract_id,org,product,side,quantity\nP-{},集团,cu,buy,1000\n"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def __call__(self, *args: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"], "LANG": "en_US.UTF-8", "HEDGEWARDEN_DATA": str(self.data),
            "PYTHONPATH": str(ROOT), "HOME": str(self.folder),
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-c", "import main; main.run()", *args],
            env=environment, cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip

    def json(self, *args: str) -> Any:
        return json.loads(self(*args, "--json").stdout)

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    @contextmanager
    def served(self) -> Iterator[None]:
        """What `serve` holds: the folder's lock, and the log, which it offers on its socket."""
        with locks.hold(self.data, "serve"):
            log = own_log(self.data, role="serve", wait=10)
            server = serve_log(self.data, log)
            try:
                yield
            finally:
                server.stop()
                log.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_first_import_from_an_empty_folder_to_an_order(shell: Shell) -> None:
    limits = shell.file("l.csv", "org,product,amount\n集团,cu,800\n")
    assert shell.json("import", "limits", limits)["accepted"] == 1
    found = shell("import", "contracts", shell.file("c.csv", CONTRACTS.format(1)))
    assert (found.returncode, found.stderr) == (0, "")
    assert [one["level"] for one in shell.json("orders", "list")["rows"]] == ["red"]
    assert shell("trail", "verify").returncode == 0
    # nothing is written beside the data folder and what the caller made
    assert {path.name for path in shell.folder.iterdir()} == {"data", "l.csv", "c.csv"}


def test_exit_codes_tell_problems_from_wrong_calls(shell: Shell) -> None:
    bad = shell("import", "contracts", shell.file("b.csv", "contract_id\nP-1\n"))
    assert bad.returncode == 1
    told = "The column org / Organisation is missing (the header should say org)."
    assert f"b.csv line 1: {told}" in bad.stderr.splitlines()
    wrong = shell("orders", "ack", "WO-1")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


def test_commands_work_while_the_service_holds_the_folder(shell: Shell) -> None:
    shell("init")
    with shell.served():
        event = {
            "event_id": "E-1", "org": "集团", "ts": "2024-05-14T10:00:00Z", "type": "login",
            "log_class": "system", "actor": "li",
        }  # fmt: skip
        events = shell.file("e.ndjson", json.dumps(event, ensure_ascii=False))
        assert shell.json("events", "import", events)["accepted"] == 1
        contracts = shell.file("c.csv", CONTRACTS.format(1))
        assert shell.json("import", "contracts", contracts)["accepted"] == 1
        assert [row["net"] for row in shell.json("exposure")["rows"]] == ["1000"]
        assert len(shell.json("events", "search")["rows"]) == 1
        assert shell("assess").returncode == 0
        running = next(one for one in shell.json("doctor")["checks"] if one["name"] == "running")
        assert "serve" in running["message"]


def test_imports_at_the_same_time_lose_nothing(shell: Shell) -> None:
    shell("init")
    files = [shell.file(f"c{n}.csv", CONTRACTS.format(n)) for n in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda file: shell.json("import", "contracts", file), files))
    assert [one["accepted"] for one in answers] == [1, 1, 1]
    assert [row["net"] for row in shell.json("exposure")["rows"]] == ["3000"]
    assert shell("trail", "verify").returncode == 0


def test_output_that_nobody_reads_to_the_end_is_no_error(shell: Shell) -> None:
    shell("init")
    command = f"'{sys.executable}' -c 'import main; main.run()' user list --json | head -c 1"
    found = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "HEDGEWARDEN_DATA": str(shell.data),
        "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in found.stderr
