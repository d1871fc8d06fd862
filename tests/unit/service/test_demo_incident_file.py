"""A file of incidents: whatever is wrong in it is told by name, and the rest is played."""

import codecs
import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.demo.incidents import Loaded, load_incidents, shipped
from service.i18n import load_words, problem_text
from store.problems import Problem

INCIDENTS: list[dict[str, Any]] = json.loads(shipped().read_text(encoding="utf-8"))
WRONG = (None, True, "x", -1, [], [[]], ["x", 1], {"a": {"b": []}}, math.nan, 10**60, "\u202e")


def loaded(folder: Path, document: Any, name: str = "own.json") -> Loaded:
    file = folder / name
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return load_incidents(file)


def two(number: int) -> list[dict[str, Any]]:
    """The incident that a test spoils, and a good one behind it."""
    return copy.deepcopy([INCIDENTS[number], INCIDENTS[(number + 1) % len(INCIDENTS)]])


def told(found: Loaded) -> list[str]:
    """Every sentence in both languages; a missing word raises."""
    return [
        problem_text(load_words(language, strict=True), one)
        for one in found.problems
        for language in ("en", "zh")
    ]


def errors(found: Loaded) -> list[Problem]:
    return [one for one in found.problems if one.severity == "error"]


def by_code(found: Loaded, code: str) -> Problem:
    (one,) = [one for one in found.problems if one.code == code]
    return one


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below a value, itself among them."""
    yield prefix
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*prefix, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:3]):
            yield from paths(inner, (*prefix, index))


PLACES = [
    (number, path)
    for number, incident in enumerate(INCIDENTS)
    for path in paths({key: incident[key] for key in ("id", "title", "setup", "expected")})
    if path
] + [
    (number, ("events", index, *path))
    for number, incident in enumerate(INCIDENTS)
    for index in {e["type"]: i for i, e in enumerate(incident["events"])}.values()
    for path in paths(incident["events"][index])
]


@pytest.mark.parametrize(("number", "path"), PLACES, ids=lambda x: str(x).replace(" ", ""))
def test_a_wrong_type_anywhere_is_told_or_harmless(
    number: int, path: tuple[Any, ...], tmp_path: Path
) -> None:
    for wrong in WRONG:
        spoilt = two(number)
        place: Any = spoilt[0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        found = loaded(tmp_path, spoilt)
        assert found.usable
        assert spoilt[1]["id"] in [one.id for one in found.incidents]
        assert len(found.incidents) == 2 or errors(found)
        for one in found.problems:
            assert one.file == "own.json"
            assert one.params["incident"] in {str(spoilt[0]["id"]), "#1"}
            assert one.line == 1
            assert len(one.found) <= 80
        for sentence in told(found):
            assert "Error" not in sentence
            assert "Traceback" not in sentence
        if isinstance(wrong, float) or wrong in ([[]], "\u202e", 10**60):
            meant = path[0] in {"id", "title", "setup", "events"} or path[1:2] in {
                ("level",), ("assignees",), ("detections",), ("decisions",), ("also",),
            }  # fmt: skip
            free = path[-1] in {"note", "evidence"} or "evidence" in path
            assert errors(found) or not meant or free, wrong


REFUSED: list[tuple[int, tuple[Any, ...], Any, str, str]] = [
    (0, ("setup", "limits", "net_t"), -500, "INCIDENT_NUMBER_RANGE", "setup.limits.net_t"),
    (0, ("setup", "limits"), [], "INCIDENT_NOT_AN_OBJECT", "setup.limits"),
    (0, ("setup", "product"), "cuu", "INCIDENT_PRODUCT_UNKNOWN", "setup.product"),
    (0, ("setup", "month"), "2413", "INCIDENT_NOT_A_MONTH", "setup.month"),
    (0, ("setup", "multiplier"), 0, "INCIDENT_NUMBER_RANGE", "setup.multiplier"),
    (0, ("setup", "basis_history", "sd"), "-60", "INCIDENT_NUMBER_RANGE",
     "setup.basis_history.sd"),
    (0, ("setup", "sessions"), ["09:00"], "INCIDENT_NOT_SESSIONS", "setup.sessions[0]"),
    (0, ("setup", "sessions"), ["09:00-11:00", "10:00-12:00"], "INCIDENT_NOT_SESSIONS",
     "setup.sessions"),
    (0, ("setup", "org"), "A//B", "INCIDENT_NOT_A_PATH", "setup.org"),
    (0, ("setup", "people", 1, "role"), "risk_oficer", "UNKNOWN_ROLE", "setup.people[1].role"),
    (0, ("setup", "people", 1, "grants"), "order.acknowledge", "INCIDENT_NOT_A_LIST",
     "setup.people[1].grants"),
    (0, ("setup", "people", 1), "u_chen", "INCIDENT_NOT_AN_OBJECT", "setup.people[1]"),
    (0, ("setup", "assign"), ["u_nobody"], "INCIDENT_PERSON_UNKNOWN", "setup.assign[0]"),
    (0, ("setup", "missing_grant", "grant"), "fund.transfr", "UNKNOWN_PERMISSION",
     "setup.missing_grant.grant"),
    (1, ("setup", "hedges", "HEDGE-33", "type"), "cashflow", "INCIDENT_NOT_A_CHOICE",
     "setup.hedges.HEDGE-33.type"),
    (1, ("setup", "hedges", "HEDGE-33", "effective"), "false", "INCIDENT_NOT_A_CHOICE",
     "setup.hedges.HEDGE-33.effective"),
    (1, ("setup", "documents", "SO-7781", "order"), math.inf, "INCIDENT_NOT_A_NUMBER",
     "setup.documents.SO-7781.order"),
    (1, ("setup", "accounts", "1122"), "recievable", "INCIDENT_NOT_A_CHOICE",
     "setup.accounts.1122"),
    (2, ("setup", "status_map", "order.create"), "committed", "INCIDENT_NOT_A_CHOICE",
     "setup.status_map.order.create"),
    (2, ("setup", "submit_limit_t"), "x", "INCIDENT_NOT_A_NUMBER", "setup.submit_limit_t"),
    (2, ("setup", "people", 0, "shift"), "22-06", "BAD_SHIFT", "setup.people[0].shift"),
    (2, ("setup", "units"), 5, "INCIDENT_NOT_A_LIST", "setup.units"),
    (3, ("setup", "sites"), "x", "INCIDENT_NOT_A_LIST", "setup.sites"),
    (3, ("setup", "max_lag_s"), "20s", "INCIDENT_NOT_WHOLE", "setup.max_lag_s"),
    (3, ("setup", "lateness_s", "replica"), -1, "INCIDENT_NUMBER_RANGE",
     "setup.lateness_s.replica"),
    (0, ("setup", "note"), "x" * 10_000_000, "INCIDENT_TEXT_TOO_LONG", "setup.note"),
    (0, ("setup", "org"), "x" * 10_000_000, "INCIDENT_TEXT_TOO_LONG", "setup.org"),
    (0, ("title",), "x" * 10_000_000, "INCIDENT_TEXT_TOO_LONG", "title"),
    (0, ("events", 3, "qty_t"), -1500, "INCIDENT_NUMBER_RANGE", "events[3].qty_t"),
    (0, ("events", 3, "qty_t"), math.nan, "EVENT_NUMBER_NOT_FINITE", "events[3].qty_t"),
    (0, ("events", 3, "timeout_ms"), -1, "INCIDENT_NUMBER_RANGE", "events[3].timeout_ms"),
    (0, ("events", 3, "receipt"), None, "INCIDENT_FIELD_MISSING", "events[3].receipt"),
    (0, ("events", 2, "price"), "Infinity", "INCIDENT_NOT_A_NUMBER", "events[2].price"),
    (0, ("events", 2, "product"), "cuu", "INCIDENT_PRODUCT_UNKNOWN", "events[2].product"),
    (0, ("events", 2, "ts"), "2027-05-13T18:00:00+08:00", "INCIDENT_YEAR_UNKNOWN",
     "events[2].ts"),
    (0, ("events", 2, "ts"), "2999-12-31T23:00:00+08:00", "INCIDENT_YEAR_UNKNOWN",
     "events[2].ts"),
    (0, ("events", 2, "ts"), "2024-05-14T18:00:00", "EVENT_TIME_NAIVE", "events[2].ts"),
    (0, ("events", 2, "log_class"), "markt", "EVENT_KIND_UNKNOWN", "events[2].log_class"),
    (0, ("events", 8, "amount"), "5300000.00 CNY", "EVENT_NUMBER", "events[8].amount"),
    (0, ("events", 8, "amount"), -5300000, "INCIDENT_NUMBER_RANGE", "events[8].amount"),
    (0, ("events", 11, "lots"), 1.5, "INCIDENT_NOT_WHOLE", "events[11].lots"),
    (0, ("events", 11, "side"), "bye", "INCIDENT_NOT_A_CHOICE", "events[11].side"),
    (0, ("events", 4), "INC-1-005", "INCIDENT_NOT_AN_OBJECT", "events[4]"),
    (1, ("events", 3, "as_of"), "29.12.2024", "INCIDENT_NOT_A_DAY", "events[3].as_of"),
    (1, ("events", 0, "amount"), "x" * 10_000_000, "EVENT_NUMBER", "events[0].amount"),
    (1, ("events", 0, "debit"), "x" * 10_000_000, "EVENT_TEXT_TOO_LONG", "events[0].debit"),
    (3, ("events", 0, "version"), "v41", "INCIDENT_NOT_WHOLE", "events[0].version"),
    (4, ("events", 0, "level"), "purple", "INCIDENT_NOT_A_CHOICE", "events[0].level"),
    (4, ("events", 14, "alerts"), "A01", "INCIDENT_NOT_A_LIST", "events[14].alerts"),
    (0, ("expected", "level"), "purple", "INCIDENT_NOT_A_CHOICE", "expected.level"),
    (0, ("expected", "detections"), {}, "INCIDENT_NOT_A_LIST", "expected.detections"),
    (0, ("expected", "detections", 0, "needs"), "INC-1-002", "INCIDENT_NOT_A_LIST",
     "expected.detections[0].needs"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "path", "wrong", "code", "field"), REFUSED,
    ids=[f"{case[4]}-{case[3]}-{str(case[2])[:20]}" for case in REFUSED],
)  # fmt: skip
def test_each_fault_is_named_with_its_place_and_the_rest_is_played(  # noqa: PLR0917 - one case
    number: int, path: tuple[Any, ...], wrong: Any, code: str, field: str, tmp_path: Path
) -> None:
    spoilt = two(number)
    place: Any = spoilt[0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    found = loaded(tmp_path, spoilt)
    one = by_code(found, code)
    assert (one.file, one.field, one.line) == ("own.json", field, 1)
    assert one.params["incident"] == spoilt[0]["id"]
    assert one.found or wrong is None
    assert all(field in sentence for sentence in told(Loaded((), (one,), usable=True)))
    ids = [incident.id for incident in found.incidents]
    if path[0] in {"events", "expected", "title"} or path[1] == "note":
        assert ids == [spoilt[0]["id"], spoilt[1]["id"]]
        kept = len(spoilt[0]["events"]) - (path[0] == "events")
        assert len(found.incidents[0].events) == kept
        assert found.incidents[0].doubtful == (path[0] == "expected")
    else:
        assert ids == [spoilt[1]["id"]]
        assert by_code(found, "INCIDENT_LEFT_OUT").found == spoilt[0]["id"]


def test_the_shipped_file_is_without_fault() -> None:
    found = load_incidents(shipped())
    assert found.problems == ()
    assert [one.id for one in found.incidents] == [one["id"] for one in INCIDENTS]
    assert [len(one.events) for one in found.incidents] == [len(i["events"]) for i in INCIDENTS]


def test_lines_are_those_of_the_part(tmp_path: Path) -> None:
    spoilt = two(0)
    spoilt[0]["events"][3]["qty_t"] = -1
    spoilt[0]["setup"]["period"] = "x"
    text = json.dumps(spoilt, ensure_ascii=False, indent=1)
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    for one in load_incidents(file).problems:
        if one.field == "setup.period":
            assert '"period"' in lines[one.line - 1]
        elif one.field.startswith("events[3]"):
            rest = "\n".join(lines[one.line - 1 :])
            assert rest.index('"INC-1-004"') < rest.index('"INC-1-005"')
            assert '"INC-1-004"' not in "\n".join(lines[one.line + 1 :])


@pytest.mark.parametrize(
    "text", ["{}", "null", '"x"', "7", "", " \n", "NaN", '{"id": "INC-1"}', "tru", "﻿", "\0\0"],
)  # fmt: skip
def test_no_list_at_all_is_said_with_what_is_allowed(text: str, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8")
    found = load_incidents(file)
    assert not found.usable
    assert found.incidents == ()
    assert told(found)
    assert found.problems[0].code in {"INCIDENTS_NOT_A_LIST", "JSON_INVALID", "INCIDENT_FILE_CUT"}
    if text[:1] in set('{n"7'):
        assert found.problems[0].allowed == "[{id, setup, events, expected}, …]"


def test_an_empty_list_is_a_list_without_an_incident(tmp_path: Path) -> None:
    found = loaded(tmp_path, [])
    assert (found.usable, found.incidents) == (True, ())
    assert [one.code for one in found.problems] == ["INCIDENTS_NONE"]


@pytest.mark.parametrize("element", [None, 5, "x", [], {}, {"id": None}, {"id": "A"}])
def test_an_element_that_is_no_incident_is_left_out(element: Any, tmp_path: Path) -> None:
    found = loaded(tmp_path, [element, INCIDENTS[1]])
    assert [one.id for one in found.incidents] == ["INC-2"]
    assert errors(found)
    assert all("None" not in sentence for sentence in told(found))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "utf-16-le"])
def test_files_of_other_systems_are_read_as_imports_are(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    text = json.dumps(INCIDENTS, ensure_ascii=False)
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else b""
    file.write_bytes(mark + text.encode(encoding))
    found = load_incidents(file)
    assert found.problems == ()
    assert [one.org for one in found.incidents] == [one["setup"]["org"] for one in INCIDENTS]


def test_a_file_cut_off_keeps_the_incidents_before(tmp_path: Path) -> None:
    text = json.dumps(INCIDENTS, ensure_ascii=False)
    starts = [text.index(f'"{one["id"]}"') for one in INCIDENTS]
    file = tmp_path / "own.json"
    for at in range(0, len(text) - 1, 997):
        file.write_text(text[:at], encoding="utf-8")
        found = load_incidents(file)
        whole = sum(start <= at for start in starts[1:])
        assert len(found.incidents) in {whole, whole + 1}
        assert len(errors(found)) == 1
        assert found.usable == bool(found.incidents)
        assert told(found)


def test_what_follows_a_fault_of_the_text_is_told(tmp_path: Path) -> None:
    text = json.dumps(INCIDENTS, ensure_ascii=False, indent=1)
    file = tmp_path / "own.json"
    file.write_text(text.replace('"INC-3",', '"INC-3"', 1), encoding="utf-8")
    found = load_incidents(file)
    assert [one.id for one in found.incidents] == ["INC-1", "INC-2"]
    fault = by_code(found, "JSON_INVALID")
    assert fault.line == 1 + text[: text.index('"INC-3"')].count("\n") + 1
    file.write_text(text + " x", encoding="utf-8")
    assert len(load_incidents(file).incidents) == len(INCIDENTS)
    assert [one.code for one in load_incidents(file).problems] == ["JSON_INVALID"]
    file.write_text("[" * 100_000, encoding="utf-8")
    assert not load_incidents(file).usable
    assert told(load_incidents(file))


def test_two_of_one_name_place_or_person_are_told_once(tmp_path: Path) -> None:
    again = copy.deepcopy(INCIDENTS[0])
    found = loaded(tmp_path, [INCIDENTS[0], again, INCIDENTS[1]])
    assert [one.code for one in found.problems] == ["INCIDENT_ID_REPEATED", "INCIDENT_LEFT_OUT"]
    again["id"] = "INC-9"
    found = loaded(tmp_path, [INCIDENTS[0], again, INCIDENTS[1]])
    assert [one.id for one in found.incidents] == ["INC-1", "INC-2"]
    assert by_code(found, "INCIDENT_ORG_TAKEN").allowed == "INC-1"
    assert len(told(found)) == len({*told(found)})
    again["setup"]["org"] = "恒信贸易/华南业务部"
    found = loaded(tmp_path, [INCIDENTS[0], again])
    assert {one.code for one in found.problems} == {"INCIDENT_PERSON_TAKEN", "INCIDENT_LEFT_OUT"}
    for person in again["setup"]["people"]:
        person["id"] += "2"
    again["setup"] |= {"assign": ["u_chen2"], "missing_grant": None}
    found = loaded(tmp_path, [INCIDENTS[0], again])
    assert {one.code for one in found.problems} == {"INCIDENT_EVENT_REPEATED", "INCIDENT_NO_EVENTS",
                                                    "INCIDENT_LEFT_OUT"}  # fmt: skip
    assert next(iter(found.problems)).allowed == "INC-1 events[0]"


def test_an_event_id_that_stands_twice_is_told_and_the_first_kept(tmp_path: Path) -> None:
    spoilt = two(0)
    spoilt[0]["events"].append(dict(spoilt[0]["events"][0]))
    found = loaded(tmp_path, spoilt)
    assert by_code(found, "INCIDENT_EVENT_REPEATED").field == "events[12].event_id"
    assert len(found.incidents[0].events) == len(INCIDENTS[0]["events"])


def test_a_name_that_stands_twice_in_one_object_is_refused(tmp_path: Path) -> None:
    text = json.dumps(two(0), ensure_ascii=False).replace(
        '"qty_t": 1500', '"qty_t": 1, "qty_t": 2', 1
    )
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8")
    found = load_incidents(file)
    assert by_code(found, "INCIDENT_FIELD_REPEATED").field == "events[3].qty_t"
    assert len(found.incidents[0].events) == len(INCIDENTS[0]["events"]) - 1


def test_a_name_that_nothing_reads_is_a_warning_with_the_nearest(tmp_path: Path) -> None:
    spoilt = two(0)
    spoilt[0]["setup"]["limit"] = spoilt[0]["setup"]["limits"]
    found = loaded(tmp_path, spoilt)
    assert len(found.incidents) == 2
    one = by_code(found, "INCIDENT_FIELD_UNKNOWN")
    assert (one.severity, one.hint, one.field) == ("warning", "limits", "setup.limit")


def test_bytes_that_are_no_text_are_refused_where_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    raw = json.dumps(two(0), ensure_ascii=False).encode().replace(b'"RK88001"', b'"RK\xff88001"')
    file.write_bytes(raw)
    found = load_incidents(file)
    assert {one.code for one in found.problems} == {
        "INCIDENT_FILE_ENCODING", "EVENT_CONTROL_CHARACTER",
    }  # fmt: skip
    assert len(found.incidents[0].events) == len(INCIDENTS[0]["events"]) - 1
    assert told(found)
