"""The five incidents, as they stand and told differently; what did not happen is not found."""

import json
from pathlib import Path
from typing import Any

import pytest

from directory.calendar import TradingCalendar
from service.demo.incidents import shipped
from tests.flow.incident_runs import run
from tests.flow.incident_transform import copy_of, elsewhere, transform, without

INCIDENTS: list[dict[str, Any]] = json.loads(shipped().read_text(encoding="utf-8"))
BY_ID = {incident["id"]: incident for incident in INCIDENTS}
SEEDS = range(4)


def detections(incident: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """(incident, rule, ids to leave out): each needed event alone; all of them for `needs_any`."""
    found = []
    for detection in incident["expected"]["detections"]:
        name = detection["rule"] + (f":{detection['alert']}" if "alert" in detection else "")
        if "needs_any" in detection:
            found.append((incident["id"], name, detection["needs_any"]))
        else:
            found += [(incident["id"], name, [one]) for one in detection["needs"]]
    return found


def check(line: dict[str, Any], incident: dict[str, Any]) -> None:
    expected = incident["expected"]
    for rule, seconds in line["detections"].items():
        every = seconds if isinstance(seconds, list) else [seconds]
        assert all(one is not None and 0 <= one <= 60 for one in every), (rule, seconds)
    for decision in expected["decisions"]:
        assert decision in line["decisions"]
    assert line["level"] == expected["level"] == line["expected_level"]
    assert line["assignees"] == sorted(expected["assignees"])
    assert line["seconds_to_alert"] is not None
    assert 0 <= line["seconds_to_alert"] <= 60
    assert line["detected"] is True


@pytest.mark.parametrize("name", list(BY_ID))
def test_an_incident_is_detected_with_its_evidence_decisions_and_people(
    name: str, tmp_path: Path
) -> None:
    told = run(tmp_path, [BY_ID[name]], child=True)
    check(told["incidents"][0], BY_ID[name])
    assert told["unexpected_orders"] == []
    assert told["trail"]["ok"] is True


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", list(BY_ID))
def test_an_incident_told_differently_is_detected_the_same(
    name: str, seed: int, tmp_path: Path
) -> None:
    (incident,) = transform([BY_ID[name]], seed * 1000 + int(name[-1]), TradingCalendar())
    told = run(tmp_path, [incident])
    check(told["incidents"][0], incident)
    assert told["unexpected_orders"] == []


@pytest.mark.parametrize("name", list(BY_ID))
def test_two_companies_have_the_same_incident_at_the_same_time(name: str, tmp_path: Path) -> None:
    chosen = [elsewhere(BY_ID[name], "乙 公司"), BY_ID[name]]
    told = run(tmp_path, chosen)
    for line, incident in zip(told["incidents"], chosen, strict=True):
        check(line, incident)
    assert told["unexpected_orders"] == []


@pytest.mark.parametrize(
    ("name", "rule", "left_out"),
    [case for incident in INCIDENTS for case in detections(incident)],
    ids=lambda value: "+".join(value) if isinstance(value, list) else value,
)
def test_what_did_not_happen_is_not_detected(
    name: str, rule: str, left_out: list[str], tmp_path: Path
) -> None:
    (incident,) = copy_of([BY_ID[name]])
    told = run(tmp_path, [without(incident, set(left_out))])
    code, _, alert = rule.partition(":")
    seconds = told["incidents"][0]["detections"][code]
    if alert:
        named = [one["alert"] for one in incident["expected"]["detections"] if "alert" in one]
        seconds = seconds[named.index(alert)]
    assert seconds is None


def test_no_name_or_number_of_an_incident_stands_outside_the_data() -> None:
    words = {
        person["id"] for incident in INCIDENTS for person in incident["setup"]["people"]
    } | {
        str(event[key])
        for incident in INCIDENTS
        for event in incident["events"]
        for key in ("event_id", "order", "voucher", "receipt")
        if key in event
    } | {incident["id"] for incident in INCIDENTS}  # fmt: skip
    root = Path(__file__).parents[2]
    rooms = ("agents", "approvals", "auditlog", "book", "detectors", "directory", "integrations",
             "rulebook", "rules", "service", "store", "trail", "workorders", "main.py")  # fmt: skip
    found = []
    for room in rooms:
        start = root / room
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.suffix not in {".py", ".yaml", ".html", ".po", ".js"} or "build" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            found += [f"{path.relative_to(root)}: {word}" for word in words if f'"{word}"' in text]
    assert found == []
