"""`oncall` from the command line: the pinned answer, changes, refusals."""

from typing import Any

import pytest

from service.cli.doctor_database import database_findings
from service.settings import Settings

DIRECTORY = """\
organisations:
  - path: 集团
  - path: 集团/铜
  - path: 集团/铝
people:
  - {id: chen, name: 陈芳, roles: [risk_officer], unit: 集团/铜}
  - {id: zhou, name: 周敏, roles: [risk_officer], unit: 集团/铜}
  - {id: wang, name: 王强, roles: [manager], unit: 集团}
  - {id: alu, name: 吕一, roles: [risk_officer], unit: 集团/铝}
roster:
  - {org: 集团/铜, people: [chen], deputies: [zhou], shift: "08:00-20:00"}
"""
BEFORE_END = "2024-06-03T19:59:59.999999+08:00"
END = "2024-06-03T20:00:00+08:00"


@pytest.fixture
def desk(terminal: Any) -> Any:
    assert terminal("directory", "import", terminal.file("d.yaml", DIRECTORY)).code == 0
    return terminal


def test_the_pinned_answer(desk: Any) -> None:
    shown = desk("oncall", "who", "--at", BEFORE_END, "--json").json
    assert {name: shown[name] for name in ("at", "org", "role", "people", "next_change")} == {
        "at": "2024-06-03T11:59:59.999999Z",
        "org": "集团/铜",
        "role": "risk_officer",
        "people": [{"id": "chen", "name": "陈芳", "reason": "ON_CALL"}],
        "next_change": "2024-06-03T12:00:00Z",
    }
    assert shown["gaps"][0]["from"] == "2024-06-03T12:00:00Z"
    night = desk("oncall", "who", "--at", END, "--json").json
    # nobody of the roster is left at night: the holders of the role answer for it
    assert [one["reason"] for one in night["people"]] == ["ROLE_HOLDERS", "ROLE_HOLDERS"]
    assert night["next_change"] == "2024-06-04T00:00:00Z"
    words = desk("oncall", "who", "--at", BEFORE_END).out
    assert "陈芳 (chen)" in words
    assert "空缺" in words


def test_a_person_asks_about_units_in_scope_only(desk: Any) -> None:
    token = desk.token("alu")
    asked = ("oncall", "who", "--as", "alu", "--json")
    assert desk(*asked, token=token).json["org"] == "集团/铝"
    for org in ("集团/铜", "集团", "集团/锌"):
        assert desk(*asked, "--org", org, token=token).code == 2
    shown = desk("oncall", "calendar", "--as", "alu", "--json", token=token).json
    assert (shown["rosters"], shown["conflicts"]) == ([], [])


def test_an_absence_an_override_and_a_swap(desk: Any) -> None:
    chen, wang = desk.token("chen"), desk.token("wang")
    away = ("--from", "2024-06-05", "--to", "2024-06-05", "--deputy", "zhou", "--reason", "休假")
    absent = desk("oncall", "absence", *away, "--as", "chen", "--json", token=chen).json
    assert (absent["code"], absent["warnings"]) == ("DONE", [])
    at = ("oncall", "who", "--at", "2024-06-05T10:00:00+08:00", "--json")
    assert desk(*at).json["people"] == [
        {"id": "zhou", "name": "周敏", "reason": "DEPUTY", "deputy_for": "chen"}
    ]
    given = ("oncall", "override", "--org", "集团/铜", "--person", "wang", "--from", "2024-06-05",
             "--to", "2024-06-05", "--reason", "盘库")  # fmt: skip
    refused = desk(*given, "--as", "chen", "--json", token=chen)
    assert (refused.code, refused.json["code"]) == (1, "FORBIDDEN")
    done = desk(*given, "--as", "wang", "--json", token=wang).json
    assert desk(*at).json["people"][0]["reason"] == "OVERRIDE"
    shown = desk("oncall", "calendar", "--json").json
    assert [one["id"] for one in shown["overrides"]] == [done["id"]]
    assert shown["absences"][0]["to"] == "2024-06-05T16:00:00Z"
    assert {one["code"] for one in shown["conflicts"]} == {"ROSTER_GAP"}
    taken = desk("oncall", "withdraw", done["id"], "--as", "wang", "--json", token=wang)
    assert taken.json["ok"]
    assert desk(*at).json["people"][0]["reason"] == "DEPUTY"


def test_a_swap_waits_for_the_second_person(desk: Any) -> None:
    chen, wang = desk.token("chen"), desk.token("wang")
    zhou = desk.token("zhou")
    nights = DIRECTORY + '  - {org: 集团/铜, people: [zhou], shift: "20:00-08:00"}\n'
    assert desk("directory", "import", desk.file("n.yaml", nights)).code == 0
    given = (
        "oncall", "swap", "--org", "集团/铜", "--first", "chen",
        "--first-from", "2024-06-05T08:00:00+08:00", "--first-to", "2024-06-05T20:00:00+08:00",
        "--second", "zhou", "--second-from", "2024-06-05T20:00:00+08:00",
        "--second-to", "2024-06-06T08:00:00+08:00",
    )  # fmt: skip
    proposed = desk(*given, "--as", "chen", "--json", token=chen).json
    assert (proposed["code"], proposed["warnings"][0]["code"]) == ("SWAP_PROPOSED", "SWAP_OPEN")
    alone = desk("oncall", "agree", proposed["id"], "--as", "chen", "--json", token=chen).json
    assert alone["code"] == "NEEDS_SECOND_PERSON"
    assert desk("oncall", "agree", proposed["id"], "--as", "zhou", "--json", token=zhou).json["ok"]
    at = ("oncall", "who", "--at", "2024-06-05T09:00:00+08:00", "--json")
    assert desk(*at).json["people"][0] == {
        "id": "zhou", "name": "周敏", "reason": "SWAP", "deputy_for": "chen"
    }  # fmt: skip
    gone = desk("oncall", "withdraw", proposed["id"], "--as", "zhou", "--json", token=zhou).json
    assert gone["code"] == "FORBIDDEN"
    assert desk("oncall", "withdraw", proposed["id"], "--as", "wang", token=wang).code == 0


def test_doctor_names_gaps_and_swaps_that_nobody_agreed_to(desk: Any) -> None:
    chen = desk.token("chen")
    start, end = "2024-06-05T08:00:00+08:00", "2024-06-05T20:00:00+08:00"
    gaps = _roster_finding(desk)
    assert (gaps.result, gaps.severity, gaps.params["gaps"]) == ("conflicts", "yellow", "14")
    assert "集团/铜 2024-06-03 20:00" in gaps.params["names"]
    nights = DIRECTORY + '  - {org: 集团/铜, people: [zhou], shift: "20:00-08:00"}\n'
    assert desk("directory", "import", desk.file("n.yaml", nights)).code == 0
    assert _roster_finding(desk).ok
    proposed = desk(
        "oncall", "swap", "--org", "集团/铜", "--first", "chen", "--first-from", start,
        "--first-to", end, "--second", "zhou", "--second-from", "2024-06-05T20:00:00+08:00",
        "--second-to", "2024-06-06T08:00:00+08:00", "--as", "chen", token=chen,
    )  # fmt: skip
    assert proposed.code == 0
    found = _roster_finding(desk)
    assert (found.params["gaps"], found.params["swaps"], found.params["away"]) == ("0", "1", "0")


def _roster_finding(desk: Any) -> Any:
    found = database_findings(Settings(data=desk.data), desk.now[0])
    return next(one for one in found if one.check == "roster")
