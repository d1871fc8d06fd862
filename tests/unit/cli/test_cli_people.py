"""Acting as a person from the command line; users, tokens, the directory."""

from typing import Any

import pytest

from service.security import sessions
from service.settings import Settings

CONTRACT = "contract_id,org,product,side,quantity\nP-1,华东钢铁/铜贸易部,cu,buy,1000\n"
CLOSING = (
    "--disposition", "fixed", "--root-cause", "OVER_HEDGED", "--corrective", "补卖出套保",
    "--owner", "zhao", "--due", "2024-06-10",
)  # fmt: skip


@pytest.fixture
def order(house: Any) -> str:
    file = house.file("c.csv", CONTRACT)
    return str(house("import", "contracts", file, "--json").json["orders"][0])


def test_acting_needs_a_person_and_that_persons_token(house: Any, order: str) -> None:
    chen = house.token("chen")
    for args, token in (
        (("orders", "ack", order), chen),
        (("orders", "ack", order, "--as", "chen"), ""),
        (("orders", "ack", order, "--as", "chen"), "hw_invented"),
        (("orders", "ack", order, "--as", "wang"), chen),
        (("orders", "ack", order, "--as", "chn"), chen),
    ):
        assert house(*args, token=token).code == 2, args
    (shown,) = house("orders", "list", "--json").json["rows"]
    assert shown["state"] == "open"


def test_an_order_is_worked_on_from_the_command_line(house: Any, order: str) -> None:
    chen, wang = house.token("chen"), house.token("wang")
    assert house("orders", "ack", order, "--as", "chen", token=chen).code == 0
    assert house("orders", "note", order, "核对库存", "--as", "chen", token=chen).code == 0
    assert house("orders", "resolve", order, "--as", "chen", token=chen).code == 0
    same = house("orders", "close", order, "--as", "chen", *CLOSING, "--json", token=chen)
    assert (same.code, same.json["code"]) == (1, "NEEDS_SECOND_PERSON")
    holds = house("orders", "close", order, "--as", "wang", *CLOSING, "--json", token=wang)
    assert (holds.code, holds.json["code"]) == (1, "CONDITION_HOLDS")
    assert (holds.json["params"]["value"], holds.json["params"]["limit"]) == ("1000", "800")
    text = "org,account,contract,lots\n华东钢铁/铜贸易部,1,cu2407,-100\n"
    house("import", "positions", house.file("p.csv", text))
    closed = house("orders", "close", order, "--as", "wang", *CLOSING, "--json", token=wang)
    assert (closed.code, closed.json["order"]["state"]) == (0, "closed")
    shown = house("orders", "show", order, "--json").json
    assert "核对库存" in [entry["text"] for entry in shown["stream"]]
    acted = {entry["actor"] for entry in shown["stream"] if entry["code"].startswith("order.")}
    assert {"chen", "wang"} <= acted


def test_somebody_without_the_right_is_refused_and_that_is_recorded(house: Any, order: str) -> None:
    token = house.token("zhaoyi")
    answer = house("orders", "close", order, "--as", "zhaoyi", *CLOSING, "--json", token=token)
    assert (answer.code, answer.json["code"]) == (1, "FORBIDDEN")


def test_a_person_sees_their_own_scope_only(house: Any, order: str) -> None:
    # the order stands at the group, above the trader's unit
    seen = house("orders", "list", "--as", "zhao", "--json", token=house.token("zhao"))
    assert seen.json["rows"] == []
    assert house("orders", "show", order, "--as", "zhao", token=house.token("zhao")).code == 2
    assert len(house("orders", "list", "--json").json["rows"]) == 1


def test_alerts_are_listed_and_triaged(house: Any, order: str) -> None:
    (alert,) = house("alerts", "list", "--json").json["rows"]
    assert (alert["level"], alert["order_id"], alert["state"]) == ("red", order, "new")
    chen = house.token("chen")
    refused = house(
        "alerts", "dismiss", alert["id"], "--as", "chen", "--reason", "false", "--json", token=chen
    )
    assert (refused.code, refused.json["code"]) == (1, "ORDER_ACTIVE")
    confirmed = house("alerts", "confirm", alert["id"], "--as", "chen", "--json", token=chen)
    assert (confirmed.code, confirmed.json["alert"]["state"]) == (0, "confirmed")
    assert house("alerts", "list", "--state", "new", "--json").json["rows"] == []


def test_a_revoked_token_is_worth_nothing(house: Any, order: str) -> None:
    chen = house.token("chen")
    assert house("user", "revoke", "chen", "--json").json["revoked"] == 1
    assert house("orders", "ack", order, "--as", "chen", token=chen).code == 2


def test_the_token_itself_is_nowhere_in_the_data_folder(house: Any) -> None:
    token = house.token("chen")
    found = [p for p in house.data.rglob("*") if p.is_file() and token.encode() in p.read_bytes()]
    assert found == []


def test_the_first_administrator_is_made_without_a_default_password(terminal: Any) -> None:
    weak = terminal("user", "create", "admin", "--role", "administrator", "--password-stdin",
                    input="short\n")  # fmt: skip
    assert weak.code == 2
    made = terminal("user", "create", "admin", "--role", "administrator", "--password-stdin",
                    "--json", input="correct horse battery\n")  # fmt: skip
    assert (made.code, made.json["created"]) == (0, True)
    again = terminal("user", "create", "admin", "--role", "administrator")
    assert again.code == 1
    assert terminal("user", "password", "admin").code == 2
    changed = terminal("user", "password", "admin", "--password-stdin", input="another one here\n")
    assert changed.code == 0
    assert [one["id"] for one in terminal("user", "list", "--json").json] == ["admin"]


def test_a_new_password_signs_out_whoever_is_in_with_the_old_one(house: Any) -> None:
    app = house.compose(Settings(data=house.data))
    try:
        with app.store.unit_of_work("chen") as uow:
            theirs = sessions.begin(uow, "chen", "192.0.2.1")
            other = sessions.begin(uow, "wang", "192.0.2.2")
    finally:
        app.close()
    secret = "a new long password\n"
    assert house("user", "password", "chen", "--password-stdin", input=secret).code == 0
    app = house.compose(Settings(data=house.data))
    try:
        with app.store.reader() as connection:
            assert sessions.find(connection, theirs, house.now[0]) is None
            assert sessions.find(connection, other, house.now[0]) is not None
    finally:
        app.close()


@pytest.mark.parametrize(
    "roles", [("trader", "risk_officer"), ("administrator", "manager"), ("trdaer",)]
)
def test_roles_that_may_not_meet_or_do_not_exist_are_refused(
    terminal: Any, roles: tuple[str, ...]
) -> None:
    named = [word for role in roles for word in ("--role", role)]
    assert terminal("user", "create", "x", *named).code == 2


def test_a_directory_file_adds_to_what_is_there_and_tells_its_faults(house: Any) -> None:
    text = (
        "organisations:\n  - path: 华南公司\n"
        "people:\n  - {id: li, roles: [manager], unit: 华南公司}\n"
        "  - {id: bad, roles: [magician], unit: 华南公司}\n"
    )
    answer = house("directory", "import", house.file("more.yaml", text), "--json")
    assert answer.code == 1
    assert [one["line"] for one in answer.json["errors"]] == [5]
    ids = {one["id"] for one in house("user", "list", "--json").json}
    assert {"chen", "wang", "zhao", "li"} <= ids
    broken = house("directory", "import", house.file("x.yaml", "organisations: ["), "--replace")
    assert broken.code == 1
    assert {one["id"] for one in house("user", "list", "--json").json} == ids


def test_what_is_exported_can_be_imported_again(house: Any, terminal: Any) -> None:
    exported = house("directory", "export").out
    file = house.file("again.yaml", exported)
    answer = house("directory", "import", file, "--replace", "--json")
    assert (answer.code, answer.json["saved"]) == (0, False)
