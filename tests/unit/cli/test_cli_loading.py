"""What a command loads: nobody waits for the detectors to read a list of work orders."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.application import Later
from service.cli.root import MODULES, commands_of
from service.i18n import load_words
from service.settings import Settings

ROOT = Path(__file__).parents[3]
#: What costs a tenth of a second or more to load, and belongs to other commands.
HEAVY = (
    "apscheduler", "detectors", "drain3", "duckdb", "durable", "fastapi", "httpx", "jinja2",
    "numpy", "openpyxl", "pandas", "pyarrow", "scipy", "sklearn", "slack_sdk", "starlette",
    "uvicorn", "xlsxwriter",
)  # fmt: skip
#: The rooms and the database: what only tells the version needs none of them.
ROOMS = (
    "agents", "alembic", "approvals", "auditlog", "babel", "book", "directory", "integrations",
    "pydantic", "rules", "service.i18n", "service.settings", "sqlalchemy", "sqlmodel", "store",
    "structlog", "trail", "workorders",
)  # fmt: skip
_RUN = """
import json, sys
import main
sys.argv[0] = "hedgewarden"
try:
    main.run()
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded(data: Path, *args: str) -> tuple[int, set[str]]:
    """The exit code of a command in a process of its own, and the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "--data", str(data), *args],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "HEDGEWARDEN_LANG": "en"},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code or 0, set(modules)


@pytest.mark.parametrize("args", [
    ("--help",), ("orders", "--help"), ("orders", "list", "--help"), ("orders", "list"),
    ("orders", "list", "--state", "open", "--json"), ("alerts", "list"), ("trail", "verify"),
    ("directory", "export"), ("policy", "show"), ("silence", "list"),
    ("approvals", "list"), ("delegation", "list"), ("handover", "list"), ("drill", "list"),
])  # fmt: skip
def test_reading_loads_nothing_heavy(tmp_path: Path, args: tuple[str, ...]) -> None:
    assert loaded(tmp_path / "data", "init")[0] == 0
    code, modules = loaded(tmp_path / "data", *args)
    assert code == 0
    assert modules & set(HEAVY) == set()


def test_the_version_needs_no_room_and_no_database(tmp_path: Path) -> None:
    code, modules = loaded(tmp_path / "data", "--version")
    assert code == 0
    assert modules & {*HEAVY, *ROOMS} == set()


def test_the_help_loads_no_command(tmp_path: Path) -> None:
    _, modules = loaded(tmp_path / "data", "--help")
    assert modules & {f"service.cli.{name}" for name in MODULES.values()} == set()


def test_what_a_command_needs_is_loaded_all_the_same(tmp_path: Path) -> None:
    # else the two tests above could pass because nothing is ever loaded
    assert loaded(tmp_path / "data", "init")[0] == 0
    code, modules = loaded(tmp_path / "data", "events", "search")
    assert code == 0
    assert {"duckdb", "pyarrow"} <= modules


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_the_list_of_commands_is_what_the_modules_add(module: str) -> None:
    added = commands_of(module)
    assert sorted(added) == sorted(name for name, place in MODULES.items() if place == module)
    for name, command in added.items():
        assert command.help == f"cli.help.{name}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_help_shows_each_command_with_its_sentence(terminal: Any, language: str) -> None:
    words = load_words(language)
    told = " ".join(terminal("--help", "--lang", language).out.split())
    for name in MODULES:
        first = words.text(f"cli.help.{name}")[:20]
        assert f"{name} {first}" in told


def test_a_slip_in_a_name_is_told_with_the_nearest(terminal: Any) -> None:
    answer = terminal("ordrs", "list", lang="en_GB.UTF-8")
    assert (answer.code, "orders" in answer.err) == (2, True)


def test_a_command_that_breaks_a_rule_file_is_told_when_it_wants_the_rules(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service import composition
    from service.errors import BrokenRulebook

    def broken(_settings: object) -> None:
        raise BrokenRulebook([])

    assert terminal("init").code == 0
    monkeypatch.setattr(composition, "rules_in_force", broken)
    assert terminal("alerts", "list").code == 0
    assert terminal("assess").code == 1
    with pytest.raises(BrokenRulebook):
        terminal.compose(Settings(data=terminal.data), role="serve")


def test_a_port_is_made_once_for_all_threads_and_copies(terminal: Any) -> None:
    app = terminal.compose(Settings(data=terminal.data))
    try:
        with ThreadPoolExecutor(8) as pool:
            logs = list(pool.map(lambda _: app.log, range(64)))
        assert {id(one) for one in logs} == {id(app.log)}
        assert replace(app, demo=True).log is app.log
    finally:
        app.close()


def test_what_fails_to_be_made_is_tried_again() -> None:
    answers = iter([ZeroDivisionError(), None])

    def make() -> int:
        if (fault := next(answers)) is not None:
            raise fault
        return 7

    port = Later(make)
    with pytest.raises(ZeroDivisionError):
        port()
    assert not port.made
    assert (port(), port(), port.made) == (7, 7, True)
