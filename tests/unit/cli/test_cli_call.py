"""The command as such: common options, languages, faults, the log, rules, the doctor."""

import ast
import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import service.cli
from service.cli.root import hoisted
from service.i18n import load_words
from service.settings import Settings

ROOM = Path(service.cli.__file__).parent
EVENTS = [
    {
        "event_id": f"E-{number}", "org": "华东钢铁", "ts": f"2024-05-14T10:56:{number:02d}+08:00",
        "log_class": "exception", "type": "inbound.timeout", "actor": "wms", "product": "cu",
        "receipt": f"R-{number}", "qty_t": 10,
    }
    for number in range(1, 7)
]  # fmt: skip


def test_common_options_may_stand_anywhere() -> None:
    assert hoisted(["exposure", "--json", "--data", "d", "--org", "x"]) == [
        "--json", "--data", "d", "exposure", "--org", "x",
    ]  # fmt: skip
    assert hoisted(["orders", "note", "--", "--json"]) == ["orders", "note", "--", "--json"]
    assert hoisted(["--data=d", "assess"]) == ["--data=d", "assess"]


def test_everything_is_kept_in_the_data_folder(terminal: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other"
    assert terminal("init", "--data", str(elsewhere)).code == 0
    assert terminal("exposure", "--data", str(elsewhere), "--json").code == 0
    assert (elsewhere / "hedgewarden.db").exists()
    assert not terminal.data.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"other"}


@pytest.mark.parametrize(
    ("lang", "word"), [("zh_CN.UTF-8", "没有文件"), ("en_US.UTF-8", "no file")]
)
def test_answers_come_in_the_readers_language(terminal: Any, lang: str, word: str) -> None:
    assert word in terminal("rules", "check", "nowhere.yaml", lang=lang).err
    assert "There is no file" in terminal("rules", "check", "nowhere.yaml", "--lang", "en").err


def test_help_is_in_the_readers_language(terminal: Any) -> None:
    assert "审计日志" in terminal("--help").out
    assert "audit log" in terminal("--help", lang="en_GB.UTF-8").out
    assert "cli." not in terminal("import", "--help").out


def test_a_fault_is_json_when_json_is_asked_for(terminal: Any) -> None:
    answer = terminal("import", "contracts", "nowhere.csv", "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "cli.no_such_file"


def test_no_traceback_reaches_a_user(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inside")

    assert terminal("init").code == 0
    monkeypatch.setattr(type(terminal), "compose", broken)
    answer = terminal("exposure")
    assert (answer.code, len(answer.err.splitlines())) == (1, 1)
    assert "ZeroDivisionError" in answer.err
    assert "Traceback" in terminal("exposure", "--debug").err


def test_wrong_settings_are_told_by_name(terminal: Any) -> None:
    terminal.data.mkdir()
    (terminal.data / "hedgewarden.toml").write_text("prot = 1\n")
    answer = terminal("exposure")
    assert answer.code == 2
    assert "prot" in answer.err
    assert "Traceback" not in answer.err


def test_events_are_stored_judged_and_found(terminal: Any) -> None:
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in EVENTS) + "\n{broken\n"
    file = terminal.file("e.ndjson", lines)
    answer = terminal("events", "import", file, "--json")
    assert answer.code == 1
    assert (answer.json["accepted"], answer.json["quarantined"]) == (6, 1)
    assert answer.json["errors"][0]["line"] == 7
    # the bad row is no event, so no duplicate of one: quarantine holds it already
    again = terminal("events", "import", file, "--json")
    counts = ("rows", "accepted", "duplicates", "quarantined", "already_quarantined")
    assert [again.json[name] for name in counts] == [7, 0, 6, 0, 1]
    assert again.code == 1
    assert "already in quarantine" in terminal("events", "import", file, "--lang", "en").out
    codes = {one["code"] for one in terminal("alerts", "list", "--json").json["rows"]}
    assert "INBOUND_TIMEOUT_CLUSTER" in codes
    found = terminal("events", "search", "--object", "R-3", "--json").json["rows"]
    assert [one["event_id"] for one in found] == ["E-3"]
    page = terminal("events", "search", "--type", "inbound.*", "--limit", "4", "--json").json
    rest = terminal("events", "search", "--type", "inbound.*", "--limit", "4", "--cursor",
                    page["cursor"], "--json").json  # fmt: skip
    assert (len(page["rows"]), len(rest["rows"]), rest["cursor"]) == (4, 2, "")
    assert len(terminal("events", "timeline", "R-3", "--json").json["rows"]) == 1
    assert terminal("events", "search", "--kind", "busines").code == 2


RULE = """\
rule: LIMIT_BREACH
version: 1
title: {zh: 测试, en: test}
kind: exposure
when: use >= 1.0x
"""


def test_a_rule_file_with_a_fault_is_told_with_its_place(terminal: Any) -> None:
    file = terminal.file("bad.yaml", RULE)
    answer = terminal("rules", "check", file, "--json")
    assert answer.code == 1
    assert all(
        {"file", "line", "column", "code", "message", "hint"} <= one.keys() for one in answer.json
    )
    assert {one["file"] for one in answer.json} == {"bad.yaml"}


def test_what_a_rule_may_say_is_told_in_the_language_asked_for(terminal: Any) -> None:
    text = RULE.replace("kind: exposure", "on: exposure").replace("use >= 1.0x", 'use >= "1"')
    file = terminal.file("bad.yaml", text)

    def told(language: str) -> tuple[str, str]:
        answer = terminal("rules", "check", file, "--json", "--lang", language)
        one = next(one for one in answer.json if one["code"] == "TYPE_MISMATCH")
        return one["allowed"], one["hint"]

    assert told("zh") == ("小数", "数字不加引号")
    assert told("en") == ("decimal", "no quotes around a number")


def test_the_shipped_rules_pass_their_own_check_and_tests(terminal: Any) -> None:
    checked = terminal("rules", "check", "--json")
    assert checked.code == 0
    assert [one for one in checked.json if one["severity"] == "error"] == []
    tested = terminal("rules", "test", "--json")
    assert (tested.code, tested.json["failures"]) == (0, [])
    assert tested.json["passed"] > 20
    assert not terminal.data.exists()


def test_the_doctor_looks_without_making_anything(terminal: Any) -> None:
    answer = terminal("doctor", "--json")
    assert (answer.code, answer.json["ok"], answer.json["severity"]) == (1, False, "red")
    assert not terminal.data.exists()


def test_init_makes_a_folder_that_only_lacks_people(terminal: Any) -> None:
    assert terminal("init").code == 0
    assert (terminal.data / "hedgewarden.toml").exists()
    bad = [one["name"] for one in terminal("doctor", "--json").json["checks"] if not one["ok"]]
    assert bad == ["custody", "anchor", "people", "roster", "channels"]
    terminal("user", "create", "admin", "--role", "administrator")
    answer = terminal("doctor", "--json")
    bad = [one["name"] for one in answer.json["checks"] if not one["ok"]]
    # nobody is on duty yet, nobody would be told, nobody has tried: a fresh installation says so
    assert (answer.code, bad) == (0, ["custody", "anchor", "roster", "channels"])
    kept = (terminal.data / "hedgewarden.toml").read_text()
    assert terminal("init").code == 0
    assert (terminal.data / "hedgewarden.toml").read_text() == kept
    example = terminal("directory", "import", str(terminal.data / "directory.yaml"), "--json")
    assert (example.code, example.json["errors"]) == (0, [])


def test_a_changed_trail_is_not_verified(house: Any) -> None:
    assert house("trail", "verify", "--json").json["ok"]
    with sqlite3.connect(house.data / "hedgewarden.db") as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE trail_record SET actor = 'nobody' WHERE seq = 2")
    answer = house("trail", "verify", "--json")
    assert answer.code == 1
    assert [(one["seq"], one["code"]) for one in answer.json["faults"]] == [(2, "COLUMN")]


def test_verification_compares_with_the_folder_that_the_setting_names(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, other = tmp_path / "outside", tmp_path / "other"
    house.now[0] += timedelta(minutes=2)
    house.token("chen")  # the next record after a minute brings a checkpoint
    assert not house("trail", "verify", "--json").json["anchored"]
    monkeypatch.setenv("HEDGEWARDEN_ANCHORS", str(outside))
    assert not house("trail", "verify", "--json").json["anchored"]  # not there yet
    with closing(sqlite3.connect(house.data / "hedgewarden.db")) as connection:
        rows = connection.execute("SELECT size, note FROM trail_checkpoint").fetchall()
    outside.mkdir()
    other.mkdir()
    size, note = rows[-1]
    (outside / f"{size:012d}.checkpoint").write_text(note)
    found = house("trail", "verify", "--json").json
    assert (found["ok"], found["anchored"], found["anchor_size"]) == (True, True, size)
    assert not house("trail", "verify", "--anchors", str(other), "--json").json["anchored"]
    (outside / f"{size + 1:012d}.checkpoint").mkdir()  # cannot be read, and ends nothing
    answer = house("trail", "verify", "--json")
    assert (answer.code, [one["code"] for one in answer.json["faults"]]) == (1, ["ANCHOR"])
    assert "{seq}" not in house("trail", "verify", "--lang", "en").err
    monkeypatch.setenv("HEDGEWARDEN_ANCHORS", "")
    assert not house("trail", "verify", "--json").json["anchored"]


def test_every_key_that_the_command_names_has_words_in_both_languages() -> None:
    keys: set[str] = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                keys |= {node.value} if re.fullmatch(r"cli\.[a-z_.]+[a-z]", node.value) else set()
    assert len(keys) > 100
    for language in ("zh", "en"):
        words = load_words(language)
        numbered = {"cli.init.step"}  # step1, step2 …
        assert {key for key in keys - numbered if key not in words} == set()
        settings = {f"settings.{name}" for name in Settings.model_fields if name != "data"}
        assert {key for key in settings if key not in words} == set()


def test_an_answer_says_on_whose_clock_its_times_are(house: Any) -> None:
    assert "2024-06-03 10:00:03 UTC+8" in house("exposure").out
