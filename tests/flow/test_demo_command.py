"""The command `demo` as processes: one JSON object, exit codes, and a folder that is in use."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.demo.incidents import shipped

ROOT = Path(__file__).parents[2]
INCIDENTS: list[dict[str, Any]] = json.loads(shipped().read_text(encoding="utf-8"))
PATIENCE_S = 300
#: The keys that others rely on.
PINNED = {
    "events", "facts", "decisions", "alerts", "work_orders", "notifications", "incidents",
    "unexpected_orders", "trail", "elapsed_s",
}  # fmt: skip


def command(folder: Path, *args: str, **environment: str) -> list[Any]:
    """What `subprocess` is called with."""
    return [
        [sys.executable, "-c", "import main; main.run()", "--data", str(folder / "data"),
         "demo", *args],
        {
            "cwd": folder, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
            "env": {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
                    "LANG": "en_US.UTF-8", **environment},
        },
    ]  # fmt: skip


def called(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line, options = command(folder, *args, **environment)
    return subprocess.run(line, check=False, timeout=PATIENCE_S, **options)


@contextmanager
def served(folder: Path, *args: str) -> Iterator[str]:
    """A demo that serves, and its address."""
    line, options = command(folder, "--json", *args)
    child = subprocess.Popen(line, **options)
    try:
        assert child.stdout is not None
        text, decoder = "", json.JSONDecoder()
        while True:
            read = child.stdout.readline()
            assert read, child.communicate(timeout=PATIENCE_S)[1]
            text += read
            try:
                said, _ = decoder.raw_decode(text)
            except ValueError:
                continue
            text = ""
            if said["said"] == "demo.address":
                yield str(said["address"])
                break
    finally:
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in told


def own(folder: Path, document: Any) -> str:
    (folder / "own.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return "own.json"


def test_a_second_demo_leaves_a_running_one_unharmed(tmp_path: Path) -> None:
    chosen = own(tmp_path, [INCIDENTS[4]])
    data = tmp_path / "data"
    with served(tmp_path, "--incidents", chosen) as address:
        database = (data / "hedgewarden.db").stat()
        for args in (("--once", "--json"), ("--json",)):
            second = called(tmp_path, *args, "--incidents", chosen)
            assert second.returncode == 2
            assert json.loads(second.stdout)["error"]["code"] == "FOLDER_HELD"
            assert "Traceback" not in second.stderr
            assert re.search(r"is in use: serve, process \d+, since 20", second.stderr)
        assert (data / "hedgewarden.db").stat().st_ino == database.st_ino
        assert (data / "keys" / "trail.key").is_file()
        with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net:
            assert net.get("/healthz").status_code == 200
            assert net.get("/readyz").json()["ready"] is True
    left = sorted(path.name for path in data.iterdir())
    spoilt = called(tmp_path, "--once", "--json", "--incidents", own(tmp_path, {"id": "INC-1"}))
    assert spoilt.returncode == 2
    assert sorted(path.name for path in data.iterdir()) == left


def test_what_cannot_be_played_is_told_and_the_rest_played(tmp_path: Path) -> None:
    chosen = json.loads(json.dumps([INCIDENTS[0], INCIDENTS[4]]))
    chosen[0]["setup"]["limits"]["net_t"] = "-500"
    chosen[1]["events"][0]["loss_est"] = -1
    live = tmp_path / "live"
    found = called(
        tmp_path, "--once", "--json", "--incidents", own(tmp_path, chosen),
        HEDGEWARDEN_DATABASE=f"sqlite:///{live}", HEDGEWARDEN_KEYS=str(live),
    )  # fmt: skip
    assert found.returncode == 1
    told = json.loads(found.stdout)
    assert set(told) == PINNED | {"problems"}
    assert [one["field"] for one in told["problems"]] == [
        "setup.limits.net_t", "", "events[0].loss_est",
    ]  # fmt: skip
    for one in told["problems"]:
        assert one["file"] == "own.json"
        assert one["params"]["incident"] in one["message"]
        assert one["message"] in found.stderr
    assert [(one["id"], one["detected"]) for one in told["incidents"]] == [("INC-5", True)]
    check_types(told)
    # a live installation's database and keys, named in the environment, are never a demo's
    assert not live.exists()
    assert not [path.name for path in tmp_path.iterdir() if path.name not in {"data", "own.json"}]


def check_types(told: dict[str, Any]) -> None:
    """Every pinned field has its type and form."""
    for name in ("events", "facts", "decisions", "alerts"):
        assert type(told[name]) is int
    assert set(told["work_orders"]) == {"red", "orange", "yellow", "blue"}
    assert {"slack", "email"} <= set(told["notifications"])
    counts = [*told["work_orders"].values(), *told["notifications"].values()]
    assert all(type(one) is int for one in counts)
    for one in told["incidents"]:
        assert list(one) == ["id", "detected", "detections", "level", "expected_level",
                             "decisions", "assignees", "seconds_to_alert"]  # fmt: skip
        assert type(one["detected"]) is bool
        assert one["level"] in {"red", "orange", "yellow", "blue", None}
        seconds = [one["seconds_to_alert"]]
        for found in one["detections"].values():
            seconds += found if isinstance(found, list) else [found]
        assert all(each is None or round(each, 3) == each for each in seconds)
        assert all(set(each) == {"object", "outcome", "reason"} for each in one["decisions"])
        assert all(isinstance(each, str) for each in one["assignees"])
    root = told["trail"]["root"]
    assert len(root) == 64
    assert set(root) <= set("0123456789abcdef")
    assert told["trail"]["ok"] is True
    assert type(told["trail"]["size"]) is int
    assert type(told["trail"]["anchored"]) is bool
    assert round(told["elapsed_s"], 3) == told["elapsed_s"]


def test_a_file_of_which_nothing_can_be_played_still_gives_one_object(tmp_path: Path) -> None:
    for document, code in (([], 1), ([{"id": None}], 1), ({}, 2), (None, 2), ("x", 2)):
        found = called(tmp_path, "--once", "--json", "--incidents", own(tmp_path, document))
        told = json.loads(found.stdout)
        assert found.returncode == code
        assert set(told) == (PINNED | {"problems"} if code == 1 else {"error"})
        told = told.get("error", told)
        assert all(one["message"] in found.stderr for one in told["problems"])
        assert told["problems"]
        assert "Traceback" not in found.stderr
        assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("language", "steps"),
    [
        ("en", ["Preparing the folder {}/data …", "Replaying 1 incident …",
                "100 % of the events are replayed; the demo's clock says {}.",
                "Comparing with what was expected, verifying the trail …"]),
        ("zh", ["正在准备目录 {}/data……", "正在重放 1 起事故……",
                "已重放 100% 的事件，演示时间 {}。",
                "正在与预期结果比对并校验留痕……"]),
    ],
)  # fmt: skip
def test_a_person_is_told_how_far_it_is(tmp_path: Path, language: str, steps: list[str]) -> None:
    chosen = own(tmp_path, [INCIDENTS[4]])
    found = called(tmp_path, "--once", "--incidents", chosen, HEDGEWARDEN_LANG=language)
    lines = found.stderr.splitlines()
    told = [place for step in steps for place, line in enumerate(lines) if said(step, line)]
    assert len(told) == len(steps), lines
    assert told == sorted(told)
    # the answer stands alone on standard output
    assert not any(said(step, line) for step in steps for line in found.stdout.splitlines())


def said(step: str, line: str) -> bool:
    before, _, after = step.partition("{}")
    return line.startswith(before) and line.endswith(after)


def test_a_program_is_told_nothing_beside_the_answer(tmp_path: Path) -> None:
    chosen = own(tmp_path, [INCIDENTS[4]])
    found = called(tmp_path, "--once", "--json", "--incidents", chosen)
    assert json.loads(found.stdout)["incidents"]
    assert "Preparing" not in found.stderr
    assert "%" not in found.stderr
