"""The brief before an open: when, for whom, what it says, and once only."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

import trail
from agents.briefing import LEAD, Briefing, due_open
from directory import Directory
from directory.loading import directory_from_mapping
from service.i18n import load_words
from store import Store, open_engine, outbox
from workorders import (
    Card,
    Clear,
    Context,
    Level,
    Match,
    OrderKind,
    Policy,
    card_from_json,
    ingest_match,
    snooze,
)
from workorders.silences import Matchers, Wish
from workorders.silencing import create_silence

ORG = "Group/East"
CHINA = ZoneInfo("Asia/Shanghai")
PEOPLE = {
    "organisations": [{"path": "Group", "routing": ["boss"]}, {"path": ORG, "routing": ["chen"]}],
    "people": [
        {"id": "boss", "role": "manager", "unit": "Group", "grants": []},
        {"id": "chen", "role": "risk_officer", "unit": ORG, "grants": []},
    ],
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


class Office:
    """A store with a directory, a clock, and the agent."""

    def __init__(self, folder: Path) -> None:
        directory, problems = directory_from_mapping(PEOPLE)
        assert not problems
        self.directory: Directory = directory
        self.now = at("2024-05-14 10:00")
        engine = open_engine(f"sqlite:///{folder}/office.db")
        SQLModel.metadata.create_all(engine)
        keeper = trail.TrailKeeper(trail.open_keys(folder / "keys").trail)
        self.store = Store(engine, clock=lambda: self.now, before_commit=[keeper])
        self.ctx = Context(directory, directory.calendar, Policy(), ("chat", "mail"))
        self.agent = Briefing(
            self.store, directory=lambda: self.directory, context=lambda: self.ctx
        )

    def breach(self, product: str = "cu", level: Level = Level.ORANGE) -> str:
        match = Match(
            rule="EXPOSURE",
            code="EXPOSURE_EXCESS",
            version="1",
            level=level,
            org=ORG,
            event_time=self.now,
            product=product,
            month="2406",
            measure="exposure.net",
            facts_hash=f"{product}{self.now}",
            clears=Clear("EXPOSURE", f"{ORG}|{product}"),
            kind=OrderKind.RISK,
        )
        with self.store.unit_of_work("system:assessor") as uow:
            return ingest_match(uow, match, self.ctx).order_id

    def look(self, text: str) -> tuple[str, ...]:
        self.now = at(text)
        return self.agent.run_once(self.now).people

    def cards(self) -> list[Card]:
        with self.store.reader() as connection:
            rows = outbox.pending(connection, 1_000)
        return [card_from_json(row.payload) for row in rows if row.key.startswith("BR/")]


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_brief_comes_half_an_hour_before_each_open_and_once(office: Office):
    office.breach()
    seen = {
        moment: office.look(f"2024-05-14 {moment}")
        for moment in (
            "10:05",
            "10:20",
            "12:59",
            "13:29",
            "20:29",
            "20:30",
            "20:31",
            "20:59",
            "21:00",
        )
    }
    # Neither the break at 10:15 nor lunch is an open; 20:30 is.
    assert {moment for moment, people in seen.items() if people} == {"20:30"}
    assert seen["20:30"] == ("chen",)
    assert office.look("2024-05-15 08:29") == ()
    assert office.look("2024-05-15 08:30") == ("chen",)
    assert office.look("2024-05-15 08:30") == ()
    assert len(office.cards()) == 4  # two opens, two channels
    assert len({card.notice_id for card in office.cards()}) == 4
    with office.store.reader() as connection:
        records = trail.find(connection, action="brief.queue")
    assert [record.actor for record in records] == ["system:briefing"] * 2


def test_no_night_session_no_brief_for_it(office: Office):
    office.now = at("2024-09-30 10:00")  # the eve of the National Day holiday
    office.breach()
    assert office.look("2024-09-30 20:35") == ()
    assert office.look("2024-10-07 08:35") == ()
    assert office.look("2024-10-08 08:35") == ("chen",)


def test_a_round_that_comes_late_still_briefs_before_the_open(office: Office):
    office.breach()
    assert office.look("2024-05-14 20:58") == ("chen",)


def test_it_says_what_waits_and_what_was_kept_back(office: Office):
    red = office.breach(level=Level.RED)
    quiet = office.breach("al")
    with office.store.unit_of_work("chen") as uow:
        until = office.now + timedelta(hours=1)
        assert snooze(uow, office.ctx, quiet, until=until, reason="known").ok
        ends = office.now + timedelta(hours=20)
        wish = Wish(Matchers(ORG, product="zn"), office.now, ends, "roll")
        assert create_silence(uow, office.ctx, wish).ok
    office.breach("zn")
    office.look("2024-05-14 20:30")
    card = office.cards()[0]
    said = {line.code: line.params for line in card.lines}
    assert card.level is Level.RED
    assert red in said["brief.acknowledge.red"]["what"]
    assert said["brief.snoozed"] == {"which": [quiet]}
    assert said["brief.kept.silenced"] == {"count": 1}
    assert card.buttons == ()
    for language in ("zh", "en"):
        words = load_words(language)
        for line in (card.title, *card.lines):
            assert line.code not in words.text(line.code, **line.params)


def test_who_has_nothing_gets_no_brief(office: Office):
    assert office.look("2024-05-14 20:30") == ()
    assert office.cards() == []


@given(st.integers(0, 60 * 24 * 14))
@settings(deadline=None, max_examples=60)
def test_a_brief_is_due_only_within_the_half_hour_before_an_open(minutes: int):
    directory = directory_from_mapping(PEOPLE)[0]
    now = at("2024-05-06 00:00") + timedelta(minutes=minutes)
    opens_at = due_open(directory, ORG, ["cu"], now)
    if opens_at is not None:
        assert opens_at - LEAD <= now < opens_at
        assert f"{opens_at.astimezone(CHINA):%H:%M}" in {"09:00", "21:00"}


def test_every_open_of_a_week_is_briefed_once():
    directory = directory_from_mapping(PEOPLE)[0]
    start = at("2024-05-13 00:00")
    moments = [start + timedelta(minutes=10 * step) for step in range(6 * 24 * 5)]
    due = [due_open(directory, ORG, ["cu"], moment) for moment in moments]
    opens = [one for before, one in pairwise([None, *due]) if one is not None and one != before]
    assert [f"{one.astimezone(CHINA):%a %H:%M}" for one in opens] == [
        f"{day} {hour}"
        for day in ("Mon", "Tue", "Wed", "Thu", "Fri")
        for hour in ("09:00", "21:00")
    ]
