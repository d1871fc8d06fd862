"""Test calls on both databases: their way through the tables, and two starts at one instant."""

from datetime import timedelta
from pathlib import Path

import pytest
from same_instant import ON_POSTGRES, Desk, Doing
from sqlalchemy import Engine

from directory import directory_from_mapping
from store import UnitOfWork, outbox
from workorders import Context
from workorders.probe import ProbeOutcome
from workorders.probes import (
    confirm,
    find_probe,
    reaches,
    record_attempt,
    start_probes,
)

ORG = "Group/East"
HOUSE, _ = directory_from_mapping(
    {
        "organisations": [{"path": ORG}],
        "people": [
            {"id": "chen", "role": "risk_officer", "unit": ORG},
            {"id": "wang", "role": "manager", "unit": ORG},
            {"id": "boss", "role": "manager", "unit": ORG},
        ],
    }
)
CONTEXT = Context(people=HOUSE, calendar=HOUSE.calendar)
ADDRESSES = {"voice": "+8613800000001", "email": "chen@here.invalid"}


@pytest.fixture(name="desk")
def _desk(database: Engine, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def starting(by: str, channel: str = "") -> Doing[ProbeOutcome]:
    def start(uow: UnitOfWork) -> ProbeOutcome:
        return start_probes(uow, CONTEXT, "chen", ORG, ADDRESSES, asked=channel)

    return by, start


def test_a_test_call_goes_through_every_state(desk: Desk):
    voice, email = desk.do(starting("wang")).probes
    assert [one.channel for one in (voice, email)] == ["voice", "email"]

    def attempted(uow: UnitOfWork) -> None:
        assert record_attempt(uow, voice.id, "sent")
        assert record_attempt(uow, email.id, "failed", "MAIL_REFUSED")
        assert not record_attempt(uow, "WO-20240514-001/1", "sent")

    desk.do(("system:escalator", attempted))
    done = desk.do(("chen", lambda uow: confirm(uow, voice.id, "voice")))
    assert (done.ok, done.code) == (True, "TEST_CONFIRMED")
    with desk.store.reader() as connection:
        known = reaches(connection, ["chen", "boss"])
        assert set(known) == {("chen", "voice"), ("chen", "email")}
        assert known["chen", "voice"].confirmed == known["chen", "voice"].last
        assert known["chen", "voice"].last.went_to(ADDRESSES["voice"])
        assert known["chen", "email"].last.state == "failed"
        found = find_probe(connection, voice.id)
        (message,) = outbox.find(connection, voice.id)
    assert found is not None
    assert found.ends_at - found.started_at == timedelta(hours=24)
    assert ADDRESSES["voice"] not in str(message.payload) + str(found)


@ON_POSTGRES
def test_two_starts_at_one_instant_call_once(desk: Desk):
    """The second waits for the first, and finds its call on the way."""
    first, second = desk.together(starting("wang", "voice"), starting("boss", "voice"))
    assert (first.code, second.code) == ("DONE", "TEST_RUNNING")
    with desk.store.reader() as connection:
        assert len(outbox.pending(connection)) == 1


@ON_POSTGRES
def test_of_two_starts_at_one_instant_the_second_does_what_is_left(desk: Desk):
    first, second = desk.together(starting("wang", "voice"), starting("boss"))
    assert [one.channel for one in first.probes] == ["voice"]
    assert [one.channel for one in second.probes] == ["email"]


@ON_POSTGRES
def test_a_key_that_comes_twice_at_one_instant_confirms_once(desk: Desk):
    (one,) = desk.do(starting("wang", "voice")).probes
    press: Doing[ProbeOutcome] = ("chen", lambda uow: confirm(uow, one.id, "voice"))
    first, second = desk.together(press, press)
    assert (first.code, second.code) == ("TEST_CONFIRMED", "ALREADY_DONE")
