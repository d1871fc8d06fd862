"""`policy`: the company's own times, in force for what opens afterwards, on record."""

from datetime import datetime, timedelta
from typing import Any

import pytest

import trail
from service.cli import doctor
from service.cli.desk import Desk
from service.cli.findings import OK, RED, Finding
from service.settings import Settings
from store import timers
from store.clock import parse_rfc3339
from workorders.flapping import Crossing, record_crossing
from workorders.opening import REVIEW
from workorders.policy import Policy

QUICK = "levels:\n  red: {step_minutes: 2, rungs: 1, resolve_minutes: 11}\nlast_resort: [wang]\n"


def bring(house: Any, text: str, *more: str) -> Any:
    return house("policy", "import", house.file("policy.yaml", text), *more, "--json")


def until_acknowledged(order: Any) -> timedelta:
    return at(order["acknowledge_by"]) - at(order["opened_at"])


def at(text: str) -> datetime:
    found = parse_rfc3339(text)
    assert found is not None
    return found


@pytest.fixture
def two_units(house: Any) -> Any:
    """Two groups, so that each breach is a case of its own."""
    text = """\
organisations:
  - {path: 华南铜业, routing: {"*": [nan]}}
  - {path: 华北铜业, routing: {"*": [bei]}}
people:
  - {id: nan, roles: [risk_officer], unit: 华南铜业}
  - {id: bei, roles: [risk_officer], unit: 华北铜业}
"""
    assert house("directory", "import", house.file("two.yaml", text)).code == 0
    limits = "org,product,amount\n华南铜业,cu,800\n华北铜业,cu,800\n"
    assert house("import", "limits", house.file("two.csv", limits)).code == 0
    return house


def red_of(house: Any, org: str, name: str) -> Any:
    text = f"contract_id,org,product,side,quantity,price\n{name},{org},cu,buy,1000,71250\n"
    assert house("import", "contracts", house.file(f"{name}.csv", text)).code == 0
    (order,) = [one for one in house("orders", "list", "--json").json["rows"] if one["org"] == org]
    return house("orders", "show", order["id"], "--json").json


def test_an_order_keeps_the_policy_with_which_it_opened(two_units: Any) -> None:
    house = two_units
    before = red_of(house, "华南铜业", "S-1")
    assert bring(house, QUICK).code == 0
    after = red_of(house, "华北铜业", "N-1")
    again = house("orders", "show", before["id"], "--json").json
    assert until_acknowledged(before) == timedelta(minutes=5)
    assert until_acknowledged(after) == timedelta(minutes=2)
    assert again["acknowledge_by"] == before["acknowledge_by"]
    for order, person in ((before, "nan"), (after, "bei")):
        ack = ("orders", "ack", order["id"], "--as", person)
        assert house(*ack, token=house.token(person)).code == 0
    times = [
        at(shown["resolve_due"]) - at(shown["acknowledged_at"])
        for one in (before, after)
        for shown in [house("orders", "show", one["id"], "--json").json]
    ]
    assert times == [timedelta(minutes=30), timedelta(minutes=11)]


def test_a_second_person_closes_red_until_the_time_of_the_policy(two_units: Any) -> None:
    """The one that was open keeps ten o'clock; 3 June 2024 is a Monday."""
    house = two_units
    before = red_of(house, "华南铜业", "S-1")
    assert bring(house, 'review_time: "09:30"').code == 0
    after = red_of(house, "华北铜业", "N-1")
    for order, person in ((before, "nan"), (after, "bei")):
        token = house.token(person)
        for words in (("ack",), ("resolve", "--text", "posted")):
            act = ("orders", words[0], order["id"], "--as", person, *words[1:])
            assert house(*act, token=token).code == 0
    app = house.compose(Settings(data=house.data))
    with app.store.reader() as connection:
        due = [
            timer.due_at
            for order in (before, after)
            for timer in timers.find(connection, order["id"])
            if timer.kind == REVIEW
        ]
    app.close()
    assert due == [at("2024-06-04T02:00:00Z"), at("2024-06-04T01:30:00Z")]


def test_a_change_is_on_record_with_its_actor_and_each_value(house: Any) -> None:
    answer = bring(house, QUICK)
    changed = {
        "levels.red.step_minutes": [5, 2],
        "levels.red.rungs": [3, 1],
        "levels.red.resolve_minutes": [30, 11],
        "last_resort": [[], ["wang"]],
    }
    assert answer.json == {"saved": True, "changes": changed, "errors": []}
    assert bring(house, QUICK).json == {"saved": False, "changes": {}, "errors": []}
    app = house.compose(Settings(data=house.data))
    with app.store.reader() as connection:
        (record,) = trail.find(connection, action="policy.set")
    app.close()
    assert record.actor.startswith("cli:")
    assert (record.kind, record.body["changes"]) == ("change", changed)
    shown = house("policy", "show", "--json").json
    assert (shown["number"], shown["set_by"]) == (1, record.actor)
    assert shown["differs"] == changed


def test_a_faulty_file_changes_nothing(house: Any) -> None:
    assert bring(house, QUICK).code == 0
    answer = bring(house, "lead_minutes: 10\nlevels:\n  red: {step_minuts: 1}\n")
    assert answer.code == 1
    (error,) = answer.json["errors"]
    assert (error["file"], error["line"], error["hint"]) == ("policy.yaml", 3, "step_minutes")
    assert answer.json["saved"] is False
    assert house("policy", "show", "--json").json["number"] == 1
    told = house("policy", "import", house.file("x.yaml", "cards_per_hour: 0"))
    assert told.code == 1
    assert "x.yaml" in told.err
    assert "1 – 1000" in told.err


def test_a_file_that_is_not_text_is_told(house: Any) -> None:
    (house.folder / "gbk.yaml").write_bytes("# 策略\nlead_minutes: 5\n".encode("gbk"))
    answer = house("policy", "import", str(house.folder / "gbk.yaml"), "--json")
    assert (answer.code, answer.json["errors"][0]["code"]) == (1, "NOT_UTF8")
    assert house("policy", "import", str(house.folder / "none.yaml")).code == 2


def test_a_dry_run_tells_and_keeps_nothing(house: Any) -> None:
    answer = bring(house, QUICK, "--dry-run")
    assert (answer.code, answer.json["saved"]) == (0, False)
    assert answer.json["changes"]["last_resort"] == [[], ["wang"]]
    assert house("policy", "show", "--json").json["policy"] == Policy().as_json()


def test_what_is_exported_comes_back(house: Any) -> None:
    bring(house, QUICK)
    exported = house("policy", "export").out
    assert bring(house, exported).json == {"saved": False, "changes": {}, "errors": []}
    assert bring(house, "{}").json["saved"] is True
    assert house("policy", "show", "--json").json["differs"] == {}
    assert bring(house, exported).json["saved"] is True


@pytest.mark.parametrize(
    ("lang", "built_in", "own", "saved"),
    [
        ("zh_CN.UTF-8", "适用内置策略", "第 1 版策略", "已对此后开立的工单生效"),
        ("en_GB.UTF-8", "The built-in policy holds", "Policy 1, set by", "In force for orders"),
    ],
)
def test_it_speaks_the_readers_language(
    house: Any, lang: str, built_in: str, own: str, saved: str
) -> None:
    assert built_in in house("policy", "show", lang=lang).out
    told = house("policy", "import", house.file("p.yaml", QUICK), lang=lang).out
    assert saved in told
    assert "levels.red.rungs" in told
    shown = house("policy", "show", lang=lang).out
    assert own in shown
    assert "levels.red.rungs" in shown


def test_a_process_that_is_at_work_follows(house: Any) -> None:
    app = house.compose(Settings(data=house.data))
    agents = app.context()
    bring(house, QUICK)
    now = app.context()
    with app.store.reader() as connection:
        world = app.directories.around(connection)
    app.close()
    assert (agents.policy.last_resort, now.policy.last_resort) == ((), ("wang",))
    assert world.policy == now.policy


def found(house: Any, **settings: Any) -> Finding:
    desk = Desk(house.compose, house.data)
    if settings:
        desk.__dict__["settings"] = Settings(data=house.data, **settings)
    (one,) = [one for one in doctor.examine(desk, house.now[0]) if one.check == "policy"]
    return one


def test_doctor_says_whose_policy_holds_and_who_is_gone(house: Any) -> None:
    assert (found(house).result, found(house).severity) == ("built_in", OK)
    bring(house, QUICK)
    good = found(house)
    assert (good.code, good.severity, good.params["number"]) == ("POLICY_GOOD", OK, "1")
    gone = """\
organisations: [{path: 华东钢铁}]
people: [{id: wang, roles: [manager], unit: 华东钢铁, active: false}]
"""
    assert house("directory", "import", house.file("gone.yaml", gone)).code == 0
    lost = found(house)
    assert (lost.code, lost.severity, lost.params) == ("POLICY_LOST", RED, {"names": "wang"})


def test_doctor_names_a_channel_that_is_not_set_up_any_more(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = "levels: {red: {channels: [email]}}"
    refused = bring(house, mail)
    assert (refused.code, refused.json["errors"][0]["code"]) == (1, "POLICY_CHANNEL")
    monkeypatch.setenv("HEDGEWARDEN_SMTP_HOST", "mail.example")
    assert bring(house, mail).code == 0
    assert found(house, smtp_host="mail.example").ok
    monkeypatch.delenv("HEDGEWARDEN_SMTP_HOST")
    assert found(house).params == {"names": "email"}


def test_a_dry_run_says_what_a_dwell_would_have_changed(house: Any) -> None:
    app = house.compose(Settings(data=house.data))
    for number, (before, after) in enumerate((("", "orange"), ("orange", ""), ("", "orange"))):
        moment = house.now[0] - timedelta(days=1) + timedelta(minutes=number)
        with app.store.unit_of_work("system:assessor") as uow:
            record_crossing(uow, Crossing("华东|*|cu|2407|net", "华东", before, after, moment))
    app.close()
    text = "open_dwell_s: 120\nclear_dwell_s: 90"
    found = bring(house, text, "--dry-run").json["dwell"]
    (short,) = found.pop("latest")
    assert found == {"days": 30, "episodes": 2, "unopened": 1, "later": 1, "gaps": 1}
    assert (at(short["end"]) - at(short["start"])) == timedelta(minutes=1)
    shown = house("policy", "import", house.file("dwell.yaml", text), "--dry-run").out
    assert "达到橙色及以上 2 次，其中 1 次不会开立工单，1 次会推迟开立" in shown
    assert "华东 · cu · 2407 · net" in shown
    assert "dwell" not in bring(house, QUICK, "--dry-run").json
