"""Which sources the bar tells as late or interrupted: those of which a time is agreed, no other."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, House, house

from auditlog.events import Event, parse_event
from directory import Directory, directory_from_mapping
from service.web.frame import SourceChip
from service.web.rooms.framing import complete_until, source_chips


@pytest.fixture(name="company")
def _company(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def chips(company: House, **settings: Any) -> list[tuple[SourceChip, datetime]]:
    """The chips of a reader of the whole group, where the eastern unit agreed `settings`."""
    east = {"path": EAST, "settings": {"product": "cu", **settings}}
    directory, problems = directory_from_mapping({"organisations": [east]})
    assert problems == []
    return _chips(company, directory)


def _chips(company: House, directory: Directory) -> list[tuple[SourceChip, datetime]]:
    return source_chips(
        company.app, directory, directory.calendar, scopes=(EAST,), org=EAST,
        now=company.app.clock(),
    )  # fmt: skip


@pytest.fixture(name="imported")
def _imported(company: House) -> datetime:
    """One file of events from days ago, as somebody tries the import out."""
    at = company.app.clock() - timedelta(days=5)
    told = {
        "source": "erp", "event_id": "E-1", "event_time": at.isoformat(), "kind": "system",
        "type": "login", "org": EAST,
    }  # fmt: skip
    event = parse_event(told, default_arrival=at, now=company.app.clock())
    assert isinstance(event, Event)
    company.app.log.append([event])
    return company.app.log.read_after(0, 10)[-1].event.arrival_time


def test_a_file_that_was_imported_once_is_no_interrupted_feed(
    company: House, imported: datetime
) -> None:
    found = {chip.name: chip.state for chip, _ in chips(company)}
    assert found["erp"] == "heard"
    page = company.signed_in("chen").get("/exposure")
    assert page.status_code == 200
    assert "source=erp" in page.text
    assert ">ERP · 5\u00a0d ago<" in page.text
    assert "chip-dead" not in page.text
    assert "chip-late" not in page.text
    assert "interrupted" not in page.text.replace("not counted as an interruption", "")
    assert imported


@pytest.mark.parametrize("agreed", ["feed_every_s", "lateness_s"])
def test_a_feed_of_which_a_time_is_agreed_is_told_as_interrupted(
    company: House, imported: datetime, agreed: str
) -> None:
    found = chips(company, **{agreed: {"erp": 60}})
    assert {chip.name: chip.state for chip, _ in found}["erp"] == "dead"
    assert {chip.name: chip.state for chip, _ in chips(company, **{agreed: {"erp": 10**6}})}[
        "erp"
    ] == "current"
    assert imported


def test_what_is_not_expected_does_not_hold_back_the_time_of_the_data(
    company: House, imported: datetime
) -> None:
    now = company.app.clock()
    current = (SourceChip("smm", "current"), now)
    assert complete_until([*chips(company), current]) == now
    assert complete_until(chips(company)) == max(at for _, at in chips(company))
    assert imported <= now
