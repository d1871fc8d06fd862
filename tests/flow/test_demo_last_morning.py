"""The demo's last morning: alerts that wait for a person, and nothing graver; only in our story."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, create_engine, select

from main import compose
from service.demo.command import DemoOptions, load, run_once
from service.demo.group import GROUP, REFINING, TRADING
from service.demo.incidents import shipped
from service.demo.last_morning import last_morning
from service.settings import Settings
from workorders.levels import Level
from workorders.model import Alert, AlertState
from workorders.rows import ALERTS, STREAM, alert_from

FINANCE = "华东钢铁/财务部"
CHOSEN = ("INC-5", "INC-2")


class Played(NamedTuple):
    """What a run reports, and the alerts that it leaves."""

    told: dict[str, Any]
    alerts: tuple[Alert, ...]
    overdue: tuple[str, ...] = ()

    @property
    def waiting(self) -> list[Alert]:
        return [one for one in self.alerts if one.state is AlertState.NEW]


def played(folder: Path, incidents: Path | None) -> Played:
    """The incident of the visitor, and one before which the detectors learn."""
    options = DemoOptions(once=True, incidents=incidents)
    chosen = [one for one in load(options).incidents if one.id in CHOSEN]
    told = run_once(compose, Settings(data=folder / "data"), options, chosen)
    engine = create_engine(f"sqlite:///{folder / 'data' / 'hedgewarden.db'}")
    with engine.connect() as connection:
        found = alerts_of(connection)
        reminded = select(STREAM.c.order_id).where(STREAM.c.code == "order.corrective_overdue")
        overdue = tuple(connection.scalars(reminded))
    engine.dispose()
    return Played(told, found, overdue)


def alerts_of(connection: Connection) -> tuple[Alert, ...]:
    rows = connection.execute(select(ALERTS).order_by(ALERTS.c.id)).mappings()
    return tuple(alert_from(row) for row in rows)


@pytest.fixture(name="ours", scope="module")
def _ours(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played(tmp_path_factory.mktemp("ours"), None)


def test_who_closed_an_order_months_ago_has_done_what_was_to_be_done(ours: Played) -> None:
    assert ours.overdue == ()


def test_every_risk_officer_of_the_story_finds_alerts_that_wait(ours: Played) -> None:
    found = {
        (one.org, one.level, one.code, str(one.evidence.get("cause", ""))) for one in ours.waiting
    }
    assert found >= {
        (FINANCE, Level.YELLOW, "ANOMALY_STRONG", "SAME_PERSON"),
        (FINANCE, Level.YELLOW, "ANOMALY_STRONG", "DUPLICATE"),
        (REFINING, Level.YELLOW, "ANOMALY_STRONG", "SAME_PERSON"),
        (TRADING, Level.YELLOW, "ANOMALY_STRONG", "AFTER_HOURS"),
        (TRADING, Level.BLUE, "ANOMALY", "outcome"),
        (TRADING, Level.YELLOW, "BASIS_JUMP", ""),
    }
    # what is known is told with its explanation, and waits for somebody, within a time
    for one in ours.waiting:
        assert one.level < Level.ORANGE
        assert one.due_at is not None
        assert set(one.assignees) == (
            {"u_finhead", "u_rk2"} if one.org == FINANCE else {"oe_chen", "oe_wang"}
        )
        assert one.rule != "ANOMALY" or one.evidence["explanation"]["code"]


def test_the_incident_stays_what_it_is(ours: Played) -> None:
    lines = {one["id"]: one for one in ours.told["incidents"]}
    assert {one["detected"] for one in lines.values()} == {True}
    assert lines["INC-2"]["assignees"] == ["u_finhead", "u_rk2"]
    assert ours.told["unexpected_orders"] == []
    assert ours.told["work_orders"] == {"red": 2, "orange": 1, "yellow": 0, "blue": 0}
    assert ours.told["trail"]["ok"] is True


def test_a_file_of_somebody_else_is_played_without_our_morning(
    ours: Played, tmp_path: Path
) -> None:
    mine = [one for one in json.loads(shipped().read_text(encoding="utf-8")) if one["id"] in CHOSEN]
    own = tmp_path / "own.json"
    own.write_text(json.dumps(mine, ensure_ascii=False), encoding="utf-8")
    theirs = played(tmp_path, own)
    assert theirs.waiting == []
    assert not any(one.org.startswith(GROUP) for one in theirs.alerts)
    assert ours.told["events"] - theirs.told["events"] == len(last_morning())
    assert ours.told["incidents"] == theirs.told["incidents"]


def test_the_morning_is_over_before_the_incident_and_touches_nobody_elses_units() -> None:
    (incident,) = [one for one in load(DemoOptions()).incidents if one.id == "INC-2"]
    events = last_morning()
    assert all(one.arrival_time < incident.last_arrival for one in events)
    assert {one.org for one in events} == {FINANCE, TRADING, REFINING}
    assert all(one.org == FINANCE or one.org.startswith(f"{GROUP}/") for one in events)
    assert len({one.uid for one in events}) == len(events)
