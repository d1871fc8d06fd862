"""`doctor` on a real folder that is broken in each way: what it says, how grave, what helps."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

import trail
from service.cli import doctor
from service.cli.desk import Desk
from service.cli.findings import OK, RED, YELLOW, Finding, worst
from service.cli.recorded_states import differences
from service.i18n import load_words
from service.settings import Settings
from store import locks, open_engine, outbox, timers
from store.types import to_microseconds
from trail.keys import PURPOSES
from workorders import ManualOrder, close, merge, open_by_hand, reopen, resolve
from workorders.context import Context
from workorders.levels import Level
from workorders.model import Closing

CONTRACTS = "contract_id,org,product,side,quantity\nP-1,华东钢铁/铜贸易部,cu,buy,850\n"


@pytest.fixture
def broken_limit(house: Any) -> Any:
    """A house with a work order and its alert."""
    answer = house("import", "contracts", house.file("c.csv", CONTRACTS), "--json")
    assert len(answer.json["orders"]) == 1
    return house


def _found(terminal: Any, now: datetime | None = None, **settings: Any) -> dict[str, Finding]:
    desk = Desk(terminal.compose, terminal.data)
    if settings:
        desk.__dict__["settings"] = Settings(data=terminal.data, **settings)
    return {one.check: one for one in doctor.examine(desk, now or terminal.now[0])}


def _write(terminal: Any, statement: str, *values: Any) -> None:
    """Past the product, as one does who has the file."""
    connection = sqlite3.connect(terminal.data / "hedgewarden.db")
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


@contextmanager
def _reading(terminal: Any) -> Iterator[Connection]:
    engine = open_engine(f"sqlite:///{terminal.data / 'hedgewarden.db'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _act(terminal: Any, act: Callable[[Any], Any]) -> Any:
    app = terminal.compose(Settings(data=terminal.data))
    try:
        with app.store.unit_of_work("cli:test") as uow:
            return act(uow)
    finally:
        app.close()


def test_a_whole_house_is_told_what_proof_it_lacks_and_whom_it_cannot_tell(
    broken_limit: Any,
) -> None:
    found = _found(broken_limit)
    assert {one.code: one.severity for one in found.values() if not one.ok} == {
        "CUSTODY_SHARED": YELLOW,
        "ANCHOR_NONE": YELLOW,
        "PEOPLE_NO_ADMINISTRATOR": YELLOW,
        "ROSTER_NONE": YELLOW,
        "REACH_UNTESTED": YELLOW,
        "CHANNELS_NONE": YELLOW,
    }


def test_json_has_code_severity_and_remedy_and_only_red_ends_with_1(house: Any) -> None:
    yellow = house("doctor", "--json")
    assert (yellow.code, yellow.json["ok"], yellow.json["severity"]) == (0, True, "yellow")
    by_name = {one["name"]: one for one in yellow.json["checks"]}
    assert set(by_name["custody"]) == {
        "name", "code", "ok", "severity", "result", "message", "remedy"
    }  # fmt: skip
    assert "remedy" not in by_name["keys"]
    (house.data / "keys" / "models.key").chmod(0o644)
    red = house("doctor", "--json")
    assert (red.code, red.json["ok"], red.json["severity"]) == (1, False, "red")
    shown = house("doctor", lang="en_US.UTF-8")
    assert "✗ Others may read or replace these keys: models.key." in shown.out
    assert "  → Set the mode of the files to 0600" in shown.out
    assert "→ 将文件权限设为 0600" in house("doctor").out


def test_all_well_ends_with_nought() -> None:
    assert worst([Finding("keys"), Finding("running", "none")]) == OK
    assert worst([Finding("keys"), Finding("space", "little")]) == YELLOW
    assert worst([Finding("space", "little"), Finding("space", "none"), Finding("keys")]) == RED


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_result_has_words_and_what_is_wrong_has_a_remedy(language: str) -> None:
    keys = load_words(language).entries
    said = {key for key in keys if key.startswith("cli.doctor.")}
    helps = {key for key in keys if key.startswith("cli.remedy.")}
    results = [Finding(check, result) for _, _, check, result in (key.split(".") for key in said)]
    wanted = {f"cli.remedy.{one.check}.{one.result}" for one in results if not one.ok}
    assert wanted == helps


# --- states against the trail -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "object_type"),
    [
        ("UPDATE workorders_order SET state = 'resolved'", "work_order"),
        ("UPDATE workorders_order SET state = 'closed'", "work_order"),
        ("UPDATE workorders_order SET version = version + 1", "work_order"),
        ("DELETE FROM workorders_order", "work_order"),
        ("UPDATE workorders_order SET id = 'WO-2'", "both"),
        ("UPDATE workorders_alert SET state = 'dismissed'", "alert"),
        ("DELETE FROM workorders_alert", "alert"),
    ],
)
def test_a_table_that_says_otherwise_than_the_trail_is_red(
    broken_limit: Any, statement: str, object_type: str
) -> None:
    assert _found(broken_limit)["states"].ok
    _write(broken_limit, statement)
    found = _found(broken_limit)["states"]
    assert (found.code, found.severity) == ("STATES_DIFFER", RED)
    assert found.params["count"] == ("2" if object_type == "both" else "1")


def test_what_people_do_leaves_tables_and_trail_as_one(broken_limit: Any) -> None:
    order = broken_limit("orders", "list", "--json").json["rows"][0]["id"]
    token = broken_limit.token("chen")
    chen = ("--as", "chen")
    acts = (
        ("ack", order, *chen),
        ("ack", order, *chen),
        ("note", order, "ok", *chen),
        ("resolve", order, *chen),
    )
    for act in acts:
        broken_limit("orders", *act, token=token)
        assert _found(broken_limit)["states"].ok, act
    _write(broken_limit, "UPDATE workorders_order SET state = 'open'")
    found = _found(broken_limit)["states"]
    assert f"{order} (open ≠ " in found.params["names"]


def test_a_larger_breach_opens_an_acknowledged_order_anew_and_the_states_agree(
    broken_limit: Any,
) -> None:
    order = broken_limit("orders", "list", "--json").json["rows"][0]["id"]
    token = broken_limit.token("chen")
    assert broken_limit("orders", "ack", order, "--as", "chen", token=token).code == 0
    more = "contract_id,org,product,side,quantity\nP-9,华东钢铁/铜贸易部,cu,buy,9000\n"
    assert broken_limit("import", "contracts", broken_limit.file("m.csv", more)).code == 0
    with _reading(broken_limit) as connection:
        assert trail.find(connection, action="order.level") != []
        assert differences(connection) == []


def test_merged_and_reopened_orders_agree_with_their_records(broken_limit: Any) -> None:
    wanted = ManualOrder(code="AUDIT_FINDING", level=Level.YELLOW, org="华东钢铁")
    closing = Closing(disposition="false_alarm", root_cause="DATA_ENTRY")

    def merging(uow: Any, ctx: Context) -> str:
        first, second = (open_by_hand(uow, ctx, wanted, system=True).new_order for _ in range(2))
        assert merge(uow, ctx, first, into=second).ok
        return second

    def reopening(uow: Any, ctx: Context) -> None:
        assert resolve(uow, ctx, order).ok
        assert close(uow, ctx, order, closing, conditions=[]).ok
        assert reopen(uow, ctx, order, reason="again").ok

    app = broken_limit.compose(Settings(data=broken_limit.data))
    with app.store.unit_of_work("chen") as uow:
        order = merging(uow, app.context(app.directories.around(uow.connection)))
    with app.store.reader() as connection:
        assert differences(connection) == []  # the order that took the other in is still open
    with app.store.unit_of_work("chen") as uow:
        reopening(uow, app.context(app.directories.around(uow.connection)))
    app.close()
    with _reading(broken_limit) as connection:
        assert {"order.merged_in", "order.reopen"} <= {
            one.action for one in trail.find(connection, kind="decision", limit=100)
        }
        assert differences(connection) == []


# --- keys, custody, anchors ---------------------------------------------------------------------


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_key_that_is_gone_is_told_and_not_made_anew(house: Any, purpose: str) -> None:
    key = house.data / "keys" / f"{purpose}.key"
    key.unlink()
    found = _found(house)["keys"]
    assert (found.code, found.params["names"]) == ("KEYS_LOST", key.name)
    assert not key.exists()


def test_keys_that_others_may_read_or_replace_are_red(house: Any) -> None:
    keys = house.data / "keys"
    keys.chmod(0o770)
    assert _found(house)["keys"].params["names"] == "keys/"
    keys.chmod(0o700)
    assert _found(house)["keys"].ok
    (keys / "mail.key").chmod(0o640)
    assert _found(house)["keys"].code == "KEYS_OPEN"


def test_a_key_that_is_none_is_red(house: Any) -> None:
    (house.data / "keys" / "mail.key").write_bytes(b"\xff\xfe nothing")
    assert _found(house)["keys"].code == "KEYS_WRONG"
    shutil.rmtree(house.data / "keys")
    assert _found(house)["keys"].code == "KEYS_MISSING"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives a file away")
def test_owners_of_keys_and_database(house: Any) -> None:
    keys, database = house.data / "keys", house.data / "hedgewarden.db"
    os.chown(keys / "mail.key", 12345, -1)
    assert _found(house)["keys"].params["owners"] == f"{os.geteuid()}, 12345"
    os.chown(keys / "mail.key", os.geteuid(), -1)
    assert _found(house)["custody"].code == "CUSTODY_SHARED"
    os.chown(database, 12345, -1)
    assert _found(house)["custody"].ok


def test_an_anchor_is_good_for_a_day_and_must_still_stand_outside(
    house: Any, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"

    def take(uow: Any) -> None:
        taken = trail.anchor(uow.connection, outside)
        assert taken is not None
        trail.record_anchor(uow, taken)

    def fill(uow: Any) -> None:  # a checkpoint is written after a hundred records
        for number in range(100):
            trail.record(
                uow, kind="access", action="test", object_type="test", object_id=str(number)
            )

    _act(house, fill)
    _act(house, take)
    at = house.now[0]
    assert _found(house, at, anchors=outside)["anchor"].ok
    later = at + timedelta(hours=23, minutes=59)
    assert _found(house, later, anchors=outside)["anchor"].ok
    old = _found(house, at + timedelta(days=1), anchors=outside)["anchor"]
    assert (old.code, old.severity) == ("ANCHOR_OLD", YELLOW)
    (note,) = outside.iterdir()
    text = note.read_text(encoding="utf-8")
    lines = text.split("\n")
    lines[2] = "A" * 43 + "="
    note.write_text("\n".join(lines), encoding="utf-8")
    assert _found(house, at, anchors=outside)["anchor"].code == "ANCHOR_FALSE"
    note.unlink()
    lost = _found(house, at, anchors=outside)["anchor"]
    assert (lost.code, lost.severity) == ("ANCHOR_LOST", RED)


# --- the machine --------------------------------------------------------------------------------


def test_disk_space_has_two_steps() -> None:
    megabyte = 1024**2
    assert [doctor.space(n * megabyte).code for n in (99, 100, 1023, 1024)] == [
        "SPACE_NONE",
        "SPACE_LITTLE",
        "SPACE_LITTLE",
        "SPACE_GOOD",
    ]


def test_a_front_end_that_is_not_whole_is_red(tmp_path: Path) -> None:
    assert doctor.front(tmp_path).code == "FRONT_MISSING"
    (tmp_path / "manifest.json").write_text('{"app.js": "app-1.js", "app.css": "app-1.css"}')
    (tmp_path / "app-1.js").write_text("")
    assert doctor.front(tmp_path).params["names"] == "app-1.css"
    (tmp_path / "app-1.css").write_text("")
    assert doctor.front(tmp_path).ok


def test_no_database_is_told_and_not_made(house: Any) -> None:
    database = house.data / "hedgewarden.db"
    kept = database.read_bytes()
    for part in house.data.glob("hedgewarden.db*"):
        part.unlink()
    found = _found(house)
    assert (found["database"].code, found["database"].severity) == ("DATABASE_EMPTY", RED)
    assert not database.exists()
    assert "trail" not in found  # what rests on it is not told over and over
    database.write_bytes(b"no database" * 100)
    assert _found(house)["database"].code == "DATABASE_UNREACHABLE"
    database.write_bytes(kept)
    assert _found(house)["database"].ok
    _write(house, "UPDATE alembic_version SET version_num = 'older'")
    old = _found(house)["database"]
    assert (old.code, old.severity) == ("DATABASE_OLD", YELLOW)


def test_tables_that_are_gone_are_unreadable_each_for_itself(house: Any) -> None:
    connection = sqlite3.connect(house.data / "hedgewarden.db")
    connection.execute("PRAGMA foreign_keys = OFF")
    for name in ("workorders_order", "store_timer", "store_lease", "store_outbox"):
        connection.execute(f"DROP TABLE {name}")
    connection.commit()
    connection.close()
    codes = {one.code for one in _found(house).values() if one.severity == RED}
    assert codes == {
        "STATES_UNREADABLE",
        "TIMERS_UNREADABLE",
        "LEASES_UNREADABLE",
        "LETTERS_UNREADABLE",
    }


# --- timers, letters, leases --------------------------------------------------------------------


def test_a_timer_is_overdue_after_a_minute(broken_limit: Any) -> None:
    due = broken_limit.now[0] + timedelta(seconds=30)
    _act(broken_limit, lambda uow: timers.set_timer(uow, key="t/1", kind="test", due_at=due))
    assert _found(broken_limit, due + timedelta(seconds=60))["timers"].ok
    late = _found(broken_limit, due + timedelta(seconds=61))["timers"]
    assert (late.code, late.params["names"]) == ("TIMERS_OVERDUE", "t/1")


def test_a_message_that_was_given_up_is_told(broken_limit: Any) -> None:
    assert _found(broken_limit)["letters"].ok
    message: dict[str, Any] = {"channel": "mail", "target": "chen", "payload": {}, "key": "m"}
    _act(broken_limit, lambda uow: outbox.put(uow, **message))
    _write(broken_limit, "UPDATE store_outbox SET state = 'dead', error = 'refused by the server'")
    found = _found(broken_limit)["letters"]
    assert (found.code, found.severity) == ("LETTERS_DEAD", YELLOW)
    assert found.params["newest"] == "refused by the server"


def test_leases_of_processes_that_are_gone(house: Any) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    now = house.now[0]

    def hold(holder: str, seconds: float) -> Finding:
        connection = sqlite3.connect(house.data / "hedgewarden.db")
        with connection:
            connection.execute("DELETE FROM store_lease")
            until = to_microseconds(now + timedelta(seconds=seconds))
            connection.execute(
                "INSERT INTO store_lease VALUES (?, ?, ?, ?)", ("agents", holder, 1, until)
            )
        connection.close()
        return _found(house, now)["leases"]

    here = socket.gethostname()
    assert hold(f"{here}:{os.getpid()}", 20).ok
    assert hold(f"another-machine:{gone.pid}", 20).ok
    assert hold(f"{here}:{gone.pid}", 0).ok
    dead = hold(f"{here}:{gone.pid}", 20)
    assert (dead.code, dead.severity) == ("LEASES_DEAD", YELLOW)
    assert hold(f"{here}:{gone.pid}:command", 20).code == "LEASES_DEAD"
    endless = hold(f"{here}:{gone.pid}", 3600)
    assert (endless.code, endless.severity) == ("LEASES_ENDLESS", RED)


# --- the log ------------------------------------------------------------------------------------

_OWNER = """
import sys, time
from pathlib import Path
from auditlog.owner import own_log
from store.locks import hold
from contextlib import nullcontext
folder, role = Path(sys.argv[1]), sys.argv[2]
with hold(folder, role) if role else nullcontext():
    log = own_log(folder, role=role or "command", wait=10)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("role", "code", "severity"), [("log", "LOG_SILENT", RED), ("", "LOG_BUSY", YELLOW)]
)
def test_a_log_that_is_held_without_an_answer(
    house: Any, role: str, code: str, severity: str
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(house.data), role],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        found = _found(house)["log"]
    finally:
        holder.communicate()
    assert (found.code, found.severity) == (code, severity)
    assert _found(house)["log"].ok


def test_the_time_of_a_demo_is_its_own(broken_limit: Any) -> None:
    desk = Desk(broken_limit.compose, broken_limit.data)

    def overdue() -> bool:
        return not {one.check: one for one in doctor.examine(desk)}["timers"].ok

    assert datetime.now(UTC).year > broken_limit.now[0].year
    assert overdue()
    (broken_limit.data / "DEMO").write_text("demo\n")
    assert not overdue()


# --- what stands around the folder --------------------------------------------------------------


def test_a_port_that_another_program_has_is_red_and_free_again_when_it_ends(house: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = _found(house, port=port)["port"]
        assert (taken.code, taken.severity) == ("PORT_TAKEN", RED)
        assert taken.params["address"] == f"127.0.0.1:{port}"
        with locks.hold(house.data, "serve"):  # then it is our own service that listens
            assert _found(house, port=port)["port"].ok
    assert _found(house, port=0)["port"].ok


def test_an_address_that_is_not_this_machines_is_red(house: Any) -> None:
    found = _found(house, host="192.0.2.1", port=0)["port"]  # kept free for documentation
    assert (found.code, found.severity) == ("PORT_REFUSED", RED)


def test_a_clock_that_stands_before_the_newest_record_is_red(house: Any) -> None:
    with _reading(house) as connection:
        last = trail.summary(connection).until
    assert last is not None
    for late, code in ((timedelta(), "CLOCK_GOOD"), (timedelta(minutes=1), "CLOCK_GOOD"),
                       (timedelta(hours=8), "CLOCK_BEHIND")):  # fmt: skip
        assert _found(house, last - late)["clock"].code == code
    told = _found(house, last - timedelta(hours=8))["clock"]
    assert told.severity == RED
    assert set(told.params) == {"now", "last"}


def test_without_a_roster_it_asks_for_those_whom_a_red_order_would_be_sent_to(house: Any) -> None:
    """It once said that somebody on the rosters had confirmed a test, where no roster stood."""
    found = {one["name"]: one for one in house("doctor", "--json").json["checks"]}
    assert found["roster"]["code"] == "ROSTER_NONE"
    assert (found["reach"]["code"], found["reach"]["severity"]) == ("REACH_UNTESTED", "yellow")
    assert "华东钢铁" in found["reach"]["message"]
    assert found["channels"]["code"] == "CHANNELS_NONE"


def test_rows_of_imported_files_that_wait_are_counted(house: Any) -> None:
    rows = CONTRACTS + "P-2,华东钢铁/铜贸易部,cu,sell,-5\n"
    assert house("import", "contracts", house.file("c.csv", rows)).code == 1
    checks = house("doctor", "--json").json["checks"]
    (found,) = (one for one in checks if one["name"] == "quarantine")
    assert (found["code"], found["severity"]) == ("QUARANTINE_WAITING", "yellow")
    assert "1 行" in found["message"]
