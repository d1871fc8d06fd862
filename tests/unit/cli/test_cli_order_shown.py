"""`orders show`: the evidence, the clocks and what can be done, in words and as JSON."""

from typing import Any

import pytest

PEOPLE = """\
organisations:
  - {path: 华东钢铁, routing: {"*": [chen]}}
  - {path: 华东钢铁/铜贸易部}
people:
  - {id: chen, name: 陈芳, roles: [risk_officer], unit: 华东钢铁}
"""
LIMITS = "org,product,amount\n华东钢铁,cu,800\n"
CONTRACT = "contract_id,org,product,side,quantity\nP-1,华东钢铁/铜贸易部,cu,buy,1000\n"
#: What the command has always told.
KEPT = {"id", "state", "level", "value", "limit", "acknowledge_due", "matches", "stream"}
ADDED = {"broke", "since", "back", "clocks", "acts", "events"}


@pytest.fixture
def order(house: Any) -> str:
    file = house.file("c.csv", CONTRACT)
    return str(house("import", "contracts", file, "--json").json["orders"][0])


def acts(told: Any) -> dict[str, Any]:
    return {one["verb"]: one for one in told["acts"]}


def test_what_broke_and_why_is_told(house: Any, order: str) -> None:
    told = house("orders", "show", order, "--json").json
    assert set(told) >= KEPT | ADDED
    assert "1,000" in told["broke"]["message"]
    assert "800" in told["broke"]["message"]
    assert "explain." not in str([told["broke"], told["since"], told["back"]]).replace(
        told["broke"]["code"], ""
    ).replace(told["since"]["code"], "")
    assert told["matches"]
    for match in told["matches"]:
        assert match["why"] not in {"", match["rule"]}
        assert match["leaves"]
    assert told["events"] == []  # what a file brought is no event of the log


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh_CN.UTF-8", ["时限", "须在", "现在可做的操作", "可做：确认收到、", "命中", "相关事件",
                         "✓ 限额使用率: 125\xa0% ≥ 120\xa0%", "不可做：", "处置记录"]),
        ("en_GB.UTF-8", ["Clocks", "To be acknowledged by", "What can be done now",
                         "Possible: Acknowledge, ", "Matches", "Events behind them",
                         "✓ limit use: 125\xa0% ≥ 120\xa0%", "Not possible: ", "Stream"]),
    ],
)  # fmt: skip
def test_it_is_told_in_the_readers_words(
    house: Any, order: str, lang: str, words: list[str]
) -> None:
    shown = house("orders", "show", order, lang=lang).out
    assert [one for one in words if one not in shown] == [], shown
    for key in ("cli.", "explain.", "button.", "reason.", "None"):
        assert key not in shown


def test_the_clocks_follow_the_order(house: Any, order: str) -> None:
    before = house("orders", "show", order, "--json").json["clocks"]
    assert [one["clock"] for one in before] == ["acknowledge"]
    assert before[0]["overdue"] is False
    assert before[0]["left"] > 0
    chen = house.token("chen")
    assert house("orders", "ack", order, "--as", "chen", token=chen).code == 0
    after = house("orders", "show", order, "--json").json["clocks"]
    assert [one["clock"] for one in after] == ["resolve"]
    shown = house("orders", "show", order, lang="en_GB.UTF-8").out
    assert "by chen" in shown
    assert "To be resolved by" in shown


def test_what_can_be_done_is_what_the_commands_do(house: Any, order: str) -> None:
    told = acts(house("orders", "show", order, "--json").json)
    assert (told["acknowledge"]["possible"], told["acknowledge"]["why"]) == (True, "")
    assert (told["close"]["possible"], told["close"]["why"]) == (False, "MOVE_NOT_ALLOWED")
    # a real order is no drill that could be ended
    assert not told["end_drill"]["possible"]
    chen, wang = house.token("chen"), house.token("wang")
    for act in ("ack", "resolve"):
        assert house("orders", act, order, "--as", "chen", token=chen).code == 0
    mine = acts(house("orders", "show", order, "--as", "chen", "--json", token=chen).json)
    assert mine["close"]["why"] == "NEEDS_SECOND_PERSON"
    theirs = acts(house("orders", "show", order, "--as", "wang", "--json", token=wang).json)
    assert theirs["close"]["why"] == "CONDITION_HOLDS"
    assert "1,000" in theirs["close"]["message"]
    text = "org,account,contract,lots\n华东钢铁/铜贸易部,1,cu2407,-100\n"
    house("import", "positions", house.file("p.csv", text))
    now = acts(house("orders", "show", order, "--as", "wang", "--json", token=wang).json)
    assert (now["close"]["possible"], now["close"]["message"]) == (True, "")


def test_a_reader_without_the_right_is_told_so(house: Any) -> None:
    limits = house.file("l.csv", "org,product,amount\n华东钢铁/铜贸易部,cu,500\n")
    assert house("import", "limits", limits).code == 0
    file = house.file("c.csv", CONTRACT)
    opened = house("import", "contracts", file, "--json").json["orders"]
    zhao = house.token("zhaoyi")
    rows = house("orders", "list", "--as", "zhaoyi", "--json", token=zhao).json["rows"]
    number = rows[0]["id"]
    assert number in opened
    told = acts(house("orders", "show", number, "--as", "zhaoyi", "--json", token=zhao).json)
    act = told["resolve"]
    assert (act["possible"], act["why"]) == (False, "NOT_GRANTED")
    assert act["message"] not in {"", act["why"]}
    assert acts(house("orders", "show", number, "--json").json)["resolve"]["possible"]


def test_an_order_that_nobody_knows_is_told_with_a_near_one(house: Any, order: str) -> None:
    wrong = order[:-1] + "7"
    told = house("orders", "show", wrong, lang="en_GB.UTF-8")
    assert told.code == 2
    assert order in told.err
    assert "hedgewarden orders list" in told.err


@pytest.fixture
def judged_late(terminal: Any) -> str:
    """An order whose case begins with what could not be judged: the limit came after the buy."""
    assert terminal("directory", "import", terminal.file("d.yaml", PEOPLE)).code == 0
    assert terminal("import", "contracts", terminal.file("c.csv", CONTRACT)).code == 0
    terminal("import", "limits", terminal.file("l.csv", LIMITS.replace(",cu", "/铜贸易部,cu")))
    (row,) = terminal("orders", "list", "--json").json["rows"]
    return str(row["id"])


@pytest.mark.parametrize(
    ("lang", "in_order"),
    [
        ("zh_CN.UTF-8", ["净敞口 1,000 t，限额 800 t", "账面净敞口: 1,000 t", "无法判定",
                         "缺少限额使用率", "账面净敞口: 1,000 t"]),
        ("en_GB.UTF-8", ["net 1,000 t of limit 800 t", "net exposure on record: 1,000 t",
                         "Could not be judged", "cannot be said without limit use",
                         "net exposure on record: 1,000 t"]),
    ],
)  # fmt: skip
def test_what_is_wrong_comes_first_and_what_could_not_be_judged_last(
    terminal: Any, judged_late: str, lang: str, in_order: list[str]
) -> None:
    told = terminal("orders", "show", judged_late, "--json").json
    assert "DATA_ISSUE" in [one["code"] for one in told["matches"]]
    shown = terminal("orders", "show", judged_late, lang=lang).out.replace("\u00a0", " ")
    assert "DATA_ISSUE" not in shown
    assert "✗" not in shown
    assert "end_drill" not in shown
    assert in_order[0] in shown.splitlines()[2]
    place = 0
    for words in in_order:
        place = shown.index(words, place) + len(words)


def test_a_match_that_came_again_is_told_once_with_its_number(house: Any, order: str) -> None:
    for number in (2, 3):
        more = CONTRACT.replace("P-1", f"P-{number}")
        assert house("import", "contracts", house.file("more.csv", more)).code == 0
    shown = house("orders", "show", order, lang="en_GB.UTF-8").out.replace("\u00a0", " ")
    assert shown.count("Rule EXPOSURE_TIERS: ") == 1
    assert "(the last of 3)" in shown
    assert "net 3,000 t of limit 800 t" in shown.splitlines()[2]
