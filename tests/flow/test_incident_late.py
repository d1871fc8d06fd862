"""The incidents with their events as late as their sources may be: detected, and no order more."""

import copy
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flow.incident_runs import run
from tests.flow.incident_transform import lateness_of
from tests.flow.test_demo_command import called
from tests.flow.test_incidents import BY_ID, check


def delayed(incident: dict[str, Any], late: set[str]) -> dict[str, Any]:
    """The events of `late` arrive as late as their source's lateness lets them."""
    told = copy.deepcopy(incident)
    for event in told["events"]:
        if event["event_id"] in late:
            happened = datetime.fromisoformat(event["ts"])
            at = happened + timedelta(seconds=lateness_of(event, told["setup"]))
            before = datetime.fromisoformat(event.get("arrival_ts", event["ts"]))
            event["arrival_ts"] = max(at, before).isoformat()
    return told


@pytest.mark.parametrize("name", list(BY_ID))
def test_however_late_its_events_are_allowed_to_be(name: str, tmp_path: Path) -> None:
    told = BY_ID[name]
    incident = delayed(told, {event["event_id"] for event in told["events"]})
    found = run(tmp_path, [incident])
    check(found["incidents"][0], incident)
    assert found["unexpected_orders"] == []


def test_what_comes_after_its_order_was_closed_opens_no_other(tmp_path: Path) -> None:
    """The demo's officers close within a quarter of an hour; a replica may lag for longer."""
    incident = delayed(BY_ID["INC-4"], {"INC-4-003"})
    file = tmp_path / "late.json"
    file.write_text(json.dumps([incident]), encoding="utf-8")
    done = called(tmp_path, "--once", "--json", "--incidents", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check(found["incidents"][0], incident)
    assert found["unexpected_orders"] == []
