"""The examples in the help of each command: shown in both languages, parsed, run where cheap."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import main
from service.cli.examples import EXAMPLES, typed
from service.cli.root import make_app
from service.starting import directory_example
from store.clock import parse_rfc3339

ROOT = Path(__file__).parents[3]
HEADS = {"zh_CN.UTF-8": "示例：", "en_GB.UTF-8": "Examples:"}
#: What is run on a new installation and ends with 0.
RUN = {
    "init", "doctor", "directory import", "directory export", "assess", "exposure",
    "quarantine list", "events search", "events timeline", "alerts list", "oncall who",
    "oncall calendar", "oncall tests", "orders list",
    "metrics", "delegation list", "approvals list",
    "policy show", "policy export", "handover list", "handover now", "drill list", "drill start",
    "rules check", "silence list", "silence preview", "exemption list",
    "review list", "review open", "trail verify",
    "user create", "user token",
    "user revoke", "user list",
}  # fmt: skip
#: These ask for what a new installation has not, and say so in words; none is a wrong call.
REFUSED = {
    "quarantine replay", "quarantine dismiss", "alerts confirm", "alerts dismiss", "oncall agree",
    "oncall test",
    "oncall withdraw", "orders show", "orders ack", "orders note", "orders resolve",
    "orders tag", "orders untag", "orders merge", "orders attach", "orders files",
    "orders snooze", "orders wake",
    "orders close", "orders case", "delegation confirm", "delegation end", "approvals show",
    "approvals approve",
    "approvals reject", "approvals return", "approvals reassign", "approvals invite",
    "approvals nudge", "approvals withdraw", "handover show", "handover take",
    "handover withdraw", "review finish", "review postpone", "drill show", "drill end",
    "silence confirm", "silence end", "exemption show", "exemption renew", "exemption revoke",
}  # fmt: skip


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    if path and not inner:
        yield " ".join(path)
    for name in inner:
        yield from _commands(inner[name], (*path, name))


def _root() -> Any:
    return get_command(make_app(main.compose, "en"))


def _parsed(line: str) -> str:
    """The path of the command that an example calls; the parser refuses a wrong one."""
    command, path = _root(), []
    context = command.make_context("hedgewarden", typed(line))
    while getattr(command, "commands", {}):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        path.append(str(name))
        context = command.make_context(name, rest, parent=context)
    return " ".join(path)


def test_every_command_has_an_example_and_there_is_no_other() -> None:
    assert set(EXAMPLES) == set(_commands(_root()))
    assert all(EXAMPLES.values())


@pytest.mark.parametrize("path", sorted(EXAMPLES))
def test_an_example_calls_its_command(path: str) -> None:
    assert [_parsed(line) for line in EXAMPLES[path]] == [path] * len(EXAMPLES[path])


@pytest.mark.parametrize("lang", sorted(HEADS))
def test_the_help_shows_them_in_the_readers_language(terminal: Any, lang: str) -> None:
    for path, lines in EXAMPLES.items():
        told = terminal(*path.split(), "--help", lang=lang).out
        below = told.partition(f"\n{HEADS[lang]}\n")[2]
        assert below.splitlines() == [f"  hedgewarden {line}" for line in lines], path
    assert HEADS[lang] not in terminal("orders", "--help", lang=lang).out  # a group has none


@pytest.fixture(name="installed")
def _installed(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `init` gives, with its example of people, and one more that the examples name."""
    monkeypatch.chdir(terminal.folder)
    assert terminal("init").code == 0
    Path("directory.yaml").write_text(directory_example(), encoding="utf-8")
    assert terminal("directory", "import", "directory.yaml").code == 0
    lin = ["lin2", "--role", "risk_officer", "--unit", "示例集团", "--login", "lin-2"]
    assert terminal("user", "create", *lin).code == 0
    Path("invoice.pdf").write_bytes(b"%PDF-1.7")
    shutil.copytree(ROOT / "rulebook", terminal.folder / "rulebook")
    return terminal


def _run(terminal: Any, line: str) -> Any:
    words = [one.replace("/srv", str(terminal.folder)) for one in typed(line)]
    words = [one.replace("/mnt/anchors", str(terminal.folder)) for one in words]
    person = words[words.index("--as") + 1] if "--as" in words else ""
    return terminal(*words, token=terminal.token(person) if person and person != "lin" else "")


def test_the_examples_that_a_new_installation_can_run_end_well(installed: Any) -> None:
    installed.now[0] = parse_rfc3339("2024-06-03T02:00:00Z")
    for path in sorted(RUN, key=list(EXAMPLES).index):
        for line in EXAMPLES[path]:
            answer = _run(installed, line)
            assert answer.code == 0, (line, answer.out, answer.err)


def test_the_others_are_refused_in_words_for_what_is_not_there(installed: Any) -> None:
    for path in sorted(REFUSED):
        for line in EXAMPLES[path]:
            answer = _run(installed, line)
            assert answer.code in {1, 2}, line
            told = answer.err + answer.out
            assert told.strip(), line
            assert "--help" not in told, (line, told)  # what a wrong call is sent to


def test_each_example_is_run_or_known_to_need_more() -> None:
    need = {"serve", "demo", "import", "events import", "oncall override", "oncall absence",
            "oncall swap", "delegation add", "policy import", "handover give", "rules test",
            "silence add", "exemption ask", "trail replay", "user password"}  # fmt: skip
    assert set(EXAMPLES) == RUN | REFUSED | need
