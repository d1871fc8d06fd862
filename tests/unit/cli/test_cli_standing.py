"""Who holds a folder, which key is open to others, where an alert stands: told in words."""

import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from store import locks

SPOT = "contract_id,org,product,side,quantity,price\nP-1,华东钢铁,cu,buy,1000,71250\n"


@pytest.mark.parametrize(
    ("lang", "since"), [("en_GB.UTF-8", "process {}, since"), ("zh_CN.UTF-8", "进程 {}，自")]
)
def test_a_second_service_is_told_who_holds_the_folder(
    terminal: Any, monkeypatch: pytest.MonkeyPatch, lang: str, since: str
) -> None:
    terminal.data.mkdir()
    with locks.hold(terminal.data, "serve"), socket.create_server(("127.0.0.1", 0)) as taken:
        # the first one has the port as well: the folder is what matters
        monkeypatch.setenv("HEDGEWARDEN_PORT", str(taken.getsockname()[1]))
        answer = terminal("serve", lang=lang)
        assert answer.code == 2
        assert since.format(os.getpid()) in answer.err
        assert re.search(r"\d\d:\d\d", answer.err)
        assert str(terminal.data)[:40] in answer.err
        assert terminal("serve", "--json", lang=lang).json["error"]["code"] == "FOLDER_HELD"
    assert not locks.holders(terminal.data)


def test_a_port_that_another_program_has_is_told_as_that(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HEDGEWARDEN_PORT", str(taken.getsockname()[1]))
        answer = terminal("serve", "--json", lang="en_GB.UTF-8")
    assert (answer.code, answer.json["error"]["code"]) == (2, "SYSTEM")
    assert not locks.holders(terminal.data)


def _open_to_others(path: Path) -> None:
    path.chmod(0o644)


def _empty(path: Path) -> None:
    path.write_text("")


def _of_another(path: Path) -> None:
    path.write_text(path.with_name("mail.key").read_text())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_open_to_others, "KEY_OPEN_TO_OTHERS"),
        (_empty, "KEY_DAMAGED"),
        (_of_another, "KEY_OF_ANOTHER_PURPOSE"),
    ],
)
def test_what_is_wrong_with_a_key_is_told_in_the_readers_words(
    terminal: Any, spoil: Any, code: str
) -> None:
    assert terminal("init").code == 0
    spoil(terminal.data / "keys" / "trail.key")
    told = terminal("orders", "list", "--json")
    assert (told.code, told.json["error"]["code"]) == (2, code)
    zh = terminal("orders", "list")
    assert "trail.key" in zh.err
    assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", zh.err.replace("chmod 600 trail.key", ""))
    assert "trail.key" in terminal("orders", "list", lang="en_GB.UTF-8").err


@pytest.mark.parametrize("lost", ["trail.key", "sessions.key", "all"])
def test_keys_that_are_gone_are_not_made_anew_under_a_trail(terminal: Any, lost: str) -> None:
    keys, kept = terminal.data / "keys", terminal.folder / "kept"
    assert terminal("user", "create", "admin", "--role", "administrator").code == 0
    shutil.copytree(keys, kept)
    gone = list(keys.glob("*.key")) if lost == "all" else [keys / lost]
    for one in gone:
        one.unlink()
    if lost == "all":
        shutil.rmtree(keys)
    database = terminal.data / "hedgewarden.db"
    before = database.read_bytes()
    for call in (["trail", "verify"], ["user", "list"], ["init"]):
        told = terminal(*call, "--json")
        assert (told.code, told.json["error"]["code"]) == (2, "KEY_LOST")
    assert gone[0].name in terminal("trail", "verify").err
    assert database.read_bytes() == before
    assert not any(one.exists() for one in gone)
    shutil.copytree(kept, keys, dirs_exist_ok=True)
    assert terminal("trail", "verify").code == 0


def test_an_alert_in_an_order_has_not_to_be_triaged(house: Any) -> None:
    assert house("import", "contracts", house.file("c.csv", SPOT)).code == 0
    row = house("alerts", "list", "--json").json["rows"][0]
    assert row["state"] == "new"
    assert row["order_id"]
    zh = house("alerts", "list").out
    assert f"已归入工单 {row['order_id']}" in zh
    assert "待分诊" not in zh
    assert f"in order {row['order_id']}" in house("alerts", "list", lang="en_GB.UTF-8").out
