"""Every command that changes something, broken before each statement: all of it, or nothing.

A new command must be named here: with a call that it carries out, or among those that change
nothing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import typer
from sqlmodel import SQLModel
from structlog.testing import capture_logs

import main
from service import composition
from service.cli.root import make_app
from store import Store
from tests.breaking import Breaking

MOST = 400
PASSWORD = "correct horse battery"
#: They read, or what they write stands in files or in the audit log.
READING = {
    "alerts list", "approvals list", "approvals show", "delegation list", "demo",
    "directory export", "doctor", "events import", "events search",
    "events timeline", "exposure", "drill list", "drill show",
    "exemption list", "exemption show",
    "handover list", "handover now",
    "handover show", "init", "orders case", "orders list", "orders show", "quarantine list",
    "orders files", "metrics", "silence list", "silence preview", "oncall calendar", "oncall who",
    "oncall tests", "policy export", "policy show",
    "review list", "review open",
    "rules check", "rules test", "serve", "trail replay", "trail verify", "user list",
}  # fmt: skip
CONTRACTS = "contract_id,org,product,side,quantity,price\n{},华东钢铁/铜贸易部,cu,{},{},71250\n"
PEOPLE = """\
organisations: [{path: 华北钢铁}]
people: [{id: new, name: 新人, roles: [auditor], unit: 华北钢铁}]
"""


@pytest.fixture(name="breaking")
def _breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    breaking = Breaking()
    monkeypatch.setattr(composition, "Store", partial(Store, failpoint=breaking))
    return breaking


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


def contents(house: Any) -> dict[str, list[Any]]:
    with sqlite3.connect(house.data / "hedgewarden.db") as connection:
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for name, table in SQLModel.metadata.tables.items()
            if not table.info.get("plumbing")
        }


# --- a call for each command --------------------------------------------------------------------

Call = tuple[str, ...]


def contract(house: Any, quantity: str = "1000") -> Call:
    side = "buy" if quantity != "-5" else "sell"
    return ("import", "contracts", house.file("c.csv", CONTRACTS.format("P-1", side, quantity)))


def order(house: Any, *before: str) -> str:
    """The number of a red order on which Chen has done what `before` names."""
    house(*contract(house))
    (found,) = house("orders", "list", "--json").json["rows"]
    number = str(found["id"])
    for verb in before:
        assert house("orders", verb, number, "--as", "chen", token=house.token("chen")).code == 0
    return number


def alert(house: Any, told_as: str = "R1") -> str:
    """The number of an alert of a robot that waits for triage."""
    told = (
        f'{{"source": "robot", "event_id": "E-{told_as}", "kind": "risk", "type": "alert.raised",'
        ' "event_time": "2024-06-03T10:00:00+08:00", "actor": "robot", "level": "orange",'
        f' "org": "华东钢铁/铜贸易部", "alert": "{told_as}"}}\n'
    )
    assert house("events", "import", house.file("e.ndjson", told)).code == 0
    found, *_ = house("alerts", "list", "--json").json["rows"]
    return str(found["id"])


def quiet(house: Any, told_as: str = "R1") -> str:
    """The number of an orange order; red cannot be snoozed."""
    number = alert(house, told_as)
    chen = house.token("chen")
    assert house("alerts", "confirm", number, "--as", "chen", token=chen).code == 0
    found, *_ = house("orders", "list", "--json").json["rows"]
    assert found["level"] == "orange"
    return str(found["id"])


def woken(house: Any) -> tuple[str, ...]:
    number = quiet(house)
    until = ("--until", "2024-06-03T11:00:00+08:00", "--reason", "noon")
    chen = house.token("chen")
    assert house("orders", "snooze", number, "--as", "chen", *until, token=chen).code == 0
    return ("orders", "wake", number, "--as", "chen")


def untagged(house: Any) -> tuple[str, ...]:
    number = order(house)
    chen = house.token("chen")
    assert house("orders", "tag", number, "night", "--as", "chen", token=chen).code == 0
    return ("orders", "untag", number, "night", "--as", "chen")


def merged(house: Any) -> tuple[str, ...]:
    first, second = quiet(house), quiet(house, "R2")
    return ("orders", "merge", second, "--into", first, "--as", "chen")


def quarantined(house: Any) -> str:
    house(*contract(house, "-5"))
    (found,) = house("quarantine", "list", "--json").json
    return str(found["number"])


def drilling(_house: Any) -> Call:
    return "drill", "start", "--org", "华东钢铁", "--level", "red", "--text", "fire", "--as", "wang"


def drilled(house: Any) -> str:
    made = house(*drilling(house), "--json", token=house.token("wang"))
    return str(made.json["drill"]["id"])


def handing(_house: Any) -> Call:
    return "handover", "give", "--org", "华东钢铁", "--note", "quiet", "--as", "chen"


def handed(house: Any) -> str:
    made = house(*handing(house), "--json", token=house.token("chen"))
    return str(made.json["handover"]["id"])


def silence(_house: Any) -> Call:
    return (
        *("silence", "add", "--org", "华东钢铁", "--product", "cu", "--level", "red"),
        *("--until", "2024-06-05", "--reason", "known roll", "--as", "chen"),
    )


def silenced(house: Any) -> str:
    made = house(*silence(house), "--json", token=house.token("chen"))
    return str(made.json["silence"]["id"])


def exemption(_house: Any) -> Call:
    return (
        *("exemption", "ask", "--org", "华东钢铁/铜贸易部", "--product", "cu"),
        *("--rule", "EXPOSURE_TIERS", "--cap", "650", "--until", "2024-06-10", "--clause", "4"),
        *("--reason", "late", "--as", "zhao"),
    )


def exempted(house: Any) -> str:
    """Zhao's, signed by the officer and the manager."""
    one = house(*exemption(house), "--json", token=house.token("zhao")).json["exemption"]
    for seen, person in (("1", "chen"), ("2", "wang")):
        signing = ("approvals", "approve", one["request"], "--seen", seen, "--as", person)
        assert house(*signing, token=house.token(person)).code == 0
    return str(one["id"])


def delegation(_house: Any) -> Call:
    return (
        *("delegation", "add", "--to", "wang", "--org", "华东钢铁", "--until", "2024-06-10"),
        *("--reason", "on leave", "--cap", "5000", "--currency", "CNY", "--as", "chen"),
    )


def delegated(house: Any) -> str:
    made = house(*delegation(house), "--json", token=house.token("chen"))
    return str(made.json["delegation"]["number"])


MANAGER = "people: [{id: qian, name: 钱多, roles: [manager], unit: 华东钢铁}]\n"


def approval(verb: str, person: str, *more: str) -> Callable[[Any], Call]:
    """An act on a request of Chen's; Wang is the manager who signs."""

    def prepared(house: Any) -> Call:
        number = order(house)
        request = house.asks("chen", number)
        people = f"organisations: [{{path: 华东钢铁}}]\n{MANAGER}"
        assert house("directory", "import", house.file("q.yaml", people)).code == 0
        return ("approvals", verb, request, "--seen", "1", "--as", person, *more)

    return prepared


DAY = ("--from", "2024-06-05", "--to", "2024-06-05")


def on_call(_house: Any, person: str = "chen", day: Call = DAY) -> Call:
    return (
        *("oncall", "override", "--org", "华东钢铁", "--person", person, *day),
        *("--reason", "stocktaking", "--as", "wang"),
    )


def put_on_call(house: Any, *who: Any) -> str:
    made = house(*on_call(house, *who), "--json", token=house.token("wang"))
    return str(made.json["id"])


def swap(house: Any) -> Call:
    put_on_call(house)
    put_on_call(house, "wang", ("--from", "2024-06-06", "--to", "2024-06-06"))
    return (
        *("oncall", "swap", "--org", "华东钢铁", "--first", "chen", "--first-from", "2024-06-05"),
        *("--first-to", "2024-06-05", "--second", "wang", "--second-from", "2024-06-06"),
        *("--second-to", "2024-06-06", "--as", "chen"),
    )


def reached(house: Any) -> Call:
    """A test call by mail; a person with an address, and a mail server in the settings."""
    addressed = PEOPLE.replace("unit: 华北钢铁", "unit: 华北钢铁, email: new@here.invalid")
    assert house("directory", "import", house.file("reached.yaml", addressed)).code == 0
    (house.data / "hedgewarden.toml").write_text('smtp_host = "127.0.0.1"\n', encoding="utf-8")
    return ("oncall", "test", "--person", "new", "--as", "new")


def closed(house: Any) -> Call:
    number = order(house, "ack", "resolve")
    back = CONTRACTS.format("P-2", "sell", "900")
    assert house("import", "contracts", house.file("back.csv", back)).code == 0
    return (
        *("orders", "close", number, "--as", "wang", "--disposition", "fixed"),
        *("--root-cause", "OVER_HEDGED", "--corrective", "close the gap"),
        *("--owner", "chen", "--due", "2024-07-01"),
    )


def reviewed(house: Any) -> str:
    """The number of a closed order whose corrective action is Chen's."""
    call = closed(house)
    assert house(*call, token=house.token("wang")).code == 0
    return call[2]


def with_token(house: Any) -> Call:
    house.token("chen")
    return ("user", "revoke", "chen")


ACTS: dict[str, Callable[[Any], Call]] = {
    "import": contract,
    "assess": lambda house: (house(*contract(house), "--no-assess"), ("assess",))[1],
    "quarantine replay": lambda house: (
        "quarantine", "replay", quarantined(house), "--set", "quantity=5",
    ),
    "quarantine dismiss": lambda house: (
        "quarantine", "dismiss", quarantined(house), "--reason", "twice",
    ),
    "alerts confirm": lambda house: ("alerts", "confirm", alert(house), "--as", "chen"),
    "alerts dismiss": lambda house: (
        "alerts", "dismiss", alert(house), "--as", "chen", "--reason", "false",
    ),
    "orders ack": lambda house: ("orders", "ack", order(house), "--as", "chen"),
    "orders attach": lambda house: (
        "orders", "attach", order(house), house.file("a.txt", "paid"), "--as", "chen",
    ),
    "orders note": lambda house: ("orders", "note", order(house), "seen", "--as", "chen"),
    "orders tag": lambda house: ("orders", "tag", order(house), "night", "--as", "chen"),
    "orders untag": untagged,
    "orders merge": merged,
    "orders snooze": lambda house: (
        "orders", "snooze", quiet(house), "--as", "chen", "--until", "2024-06-03T11:00:00+08:00",
        "--reason", "noon",
    ),
    "orders wake": woken,
    "orders resolve": lambda house: (
        "orders", "resolve", order(house, "ack"), "--as", "chen", "--text", "posted",
    ),
    "orders close": closed,
    "review finish": lambda house: (
        "review", "finish", reviewed(house), "--as", "chen", "--text", "posted",
    ),
    "review postpone": lambda house: (
        "review", "postpone", reviewed(house), "--as", "wang", "--due", "2024-08-01",
        "--reason", "vendor",
    ),
    "oncall override": on_call,
    "oncall absence": lambda _house: ("oncall", "absence", *DAY, "--as", "chen"),
    "oncall withdraw": lambda house: ("oncall", "withdraw", put_on_call(house), "--as", "wang"),
    "oncall swap": swap,
    "oncall test": reached,
    "oncall agree": lambda house: (
        "oncall", "agree",
        house(*swap(house), "--json", token=house.token("chen")).json["id"], "--as", "wang",
    ),
    "approvals approve": approval("approve", "wang"),
    "approvals reject": approval("reject", "wang", "--reason", "PRICE"),
    "approvals return": approval("return", "wang", "--reason", "PAPERS_MISSING"),
    "approvals reassign": approval("reassign", "wang", "--to", "qian"),
    "approvals invite": approval("invite", "wang", "--to", "qian"),
    "approvals nudge": approval("nudge", "chen"),
    "approvals withdraw": approval("withdraw", "chen"),
    "delegation add": delegation,
    "delegation confirm": lambda house: (
        "delegation", "confirm", delegated(house), "--as", "wang",
    ),
    "delegation end": lambda house: ("delegation", "end", delegated(house), "--as", "chen"),
    "drill start": drilling,
    "drill end": lambda house: ("drill", "end", drilled(house), "--as", "wang"),
    "handover give": handing,
    "handover take": lambda house: ("handover", "take", handed(house), "--as", "wang"),
    "handover withdraw": lambda house: ("handover", "withdraw", handed(house), "--as", "chen"),
    "silence add": silence,
    "silence confirm": lambda house: ("silence", "confirm", silenced(house), "--as", "wang"),
    "silence end": lambda house: ("silence", "end", silenced(house), "--as", "chen"),
    "exemption ask": exemption,
    "exemption renew": lambda house: (
        "exemption", "renew", exempted(house), "--until", "2024-06-20", "--reason", "x",
        "--as", "zhao",
    ),
    "exemption revoke": lambda house: (
        "exemption", "revoke", exempted(house), "--reason", "x", "--as", "chen",
    ),
    "directory import": lambda house: ("directory", "import", house.file("n.yaml", PEOPLE)),
    "policy import": lambda house: (
        "policy", "import", house.file("p.yaml", "levels: {red: {rungs: 4}}"),
    ),
    "user create": lambda _house: (
        "user", "create", "li", "--role", "auditor", "--unit", "华东钢铁", "--password-stdin",
    ),
    "user password": lambda _house: ("user", "password", "chen", "--password-stdin"),
    "user token": lambda _house: ("user", "token", "chen"),
    "user revoke": with_token,
}  # fmt: skip


def commands(found: Any, prefix: str = "") -> Iterator[str]:
    for name, one in found.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_every_command_is_named_here() -> None:
    app = typer.main.get_command(make_app(main.compose, "en"))
    assert set(commands(app)) == set(ACTS) | READING


@pytest.mark.parametrize("name", list(ACTS))
def test_a_command_does_all_or_nothing(
    house: Any, breaking: Breaking, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    call = ACTS[name](house)
    token = house.token(call[call.index("--as") + 1]) if "--as" in call else ""
    before = contents(house)
    # The schema is there; looking again at each of hundreds of calls is most of their time.
    monkeypatch.setattr(composition, "upgrade", lambda _engine: None)
    for place in range(1, MOST):
        breaking.at, breaking.count = place, 0
        answer = house(*call, token=token, input=f"{PASSWORD}\n")
        if breaking.count < place:
            assert answer.code == 0, answer.err
            changed = [table for table, rows in contents(house).items() if rows != before[table]]
            assert "trail_record" in changed, "it did nothing"
            assert place > 3
            return
        if "not sealed" in answer.err:  # all of it is done; only its checkpoint waits for the next
            assert answer.code == 0
            assert "trail_record" in {one for one in before if before[one] != contents(house)[one]}
            assert place > 3
            return
        assert answer.code == 1, f"statement {place}: {answer.err}"
        assert "Traceback" not in answer.err
        after = contents(house)
        assert [one for one in before if before[one] != after[one]] == [], f"statement {place}"
    raise AssertionError("it never ends")
