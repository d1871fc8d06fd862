"""The weekly report: once per week and person, on the person's Monday morning, by mail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flow_house import EAST, House, house

import trail
from service.weekly import READERS, run_due

FIRST = datetime(2024, 5, 20, 0, 0, tzinfo=UTC)  # Monday, 08:00 in Shanghai
WEEK = timedelta(days=7)


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def at(town: House, moment: datetime) -> int:
    town.clock.set(moment)
    return run_due(town.app, moment)


def readers(town: House) -> set[str]:
    return {one.id for one in town.app.directory.people if one.active and READERS & set(one.roles)}


def reports(town: House) -> list[tuple[str, str]]:
    """Address and subject of every report that has arrived, in order."""
    for _ in range(5):
        town.app.escalator.run_once(town.clock())
    found = [(str(one.message["To"]), str(one.message["Subject"])) for one in town.mail.mails]
    return [one for one in found if "Weekly report" in one[1]]


def test_on_monday_at_eight_each_manager_and_officer_gets_one(town: House) -> None:
    assert at(town, town.clock()) == 0  # installed: the first is due next Monday
    town.breach(EAST)
    assert at(town, FIRST - timedelta(seconds=1)) == 0
    assert at(town, FIRST) == len(readers(town)) > 3
    arrived = reports(town)
    assert {address.partition("@")[0] for address, _ in arrived} == readers(town)
    assert len(arrived) == len(readers(town))
    assert "2024-05-13" in arrived[0][1]
    assert "2024-05-19" in arrived[0][1]
    for later in (timedelta(minutes=1), timedelta(days=3), WEEK - timedelta(seconds=1)):
        assert at(town, FIRST + later) == 0
    assert at(town, FIRST + WEEK) == len(readers(town))


def test_after_downtime_the_last_due_report_comes_once(town: House) -> None:
    at(town, town.clock())
    assert at(town, FIRST + 3 * WEEK + timedelta(days=2)) == len(readers(town))
    assert {subject for _, subject in reports(town)} == {"Weekly report, 2024-06-03 to 2024-06-09"}
    assert at(town, FIRST + 3 * WEEK + timedelta(days=3)) == 0


def test_each_report_holds_the_figures_of_the_units_that_its_reader_sees(town: House) -> None:
    at(town, town.clock())
    town.breach(EAST)
    at(town, FIRST)
    assert reports(town)
    text = {
        str(one.message["To"]).partition("@")[0]: one.text
        for one in town.mail.mails
        if "Weekly report" in str(one.message["Subject"])
    }
    assert "1 work order opened" in text["chen"]
    assert "0 work orders opened" in text["zhao"]
    assert "Closed-loop rate — → 0.00 %" in text["chen"]
    assert "/figures?from=2024-05-13&to=2024-05-20" in text["chen"]


def test_a_report_is_on_record_with_what_it_said(town: House) -> None:
    at(town, town.clock())
    at(town, FIRST)
    with town.app.store.reader() as connection:
        found = list(trail.find(connection, action="report.weekly"))
    assert {one.object_id for one in found} == readers(town)
    assert all(one.body["week"] == "2024-05-13" for one in found)


def test_without_mail_nothing_is_queued(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(town.app.__dict__, "channel_names", ("slack",))
    assert at(town, town.clock()) == 0
    assert at(town, FIRST) == 0
