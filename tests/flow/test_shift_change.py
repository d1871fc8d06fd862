"""At a change of shift the hand-over sheet reaches who ends and who begins, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from flow_house import EAST, House, house, people
from sqlalchemy import update
from test_console_roster import ROSTER

import trail
from agents import shift_change
from directory import directory_from_mapping, save_directory
from service import serving
from service.i18n import load_words
from store import outbox
from workorders import Card, card_from_json
from workorders.rows import ALERTS

#: Chen has the day until 20:00 on the wall, Lin the night.
EVENING = datetime(2024, 5, 14, 12, tzinfo=UTC)


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("shifts")) as made:
        known, problems = directory_from_mapping({**people(), "roster": ROSTER})
        assert problems == []
        with made.app.store.unit_of_work("cli:test") as uow:
            save_directory(uow, known)
        yield made


def at(home: House, moment: datetime) -> int:
    home.clock.set(moment)
    (job,) = [
        job for one in serving.schedulers_of(home.app) for job in one._jobs if job.name == "shifts"
    ]
    told = job.run(moment)
    assert isinstance(told, int)
    return told


def cards(home: House) -> list[Card]:
    with home.app.store.reader() as connection:
        rows = outbox.pending(connection, 1_000)
    return [card_from_json(row.payload) for row in rows if row.key.startswith("HS/")]


def test_both_get_what_stands_and_get_it_once(home: House) -> None:
    order = home.breach()
    assert at(home, EVENING - timedelta(seconds=1)) == 0
    assert at(home, EVENING) == 2
    assert at(home, EVENING + timedelta(minutes=5)) == 0
    sent = cards(home)
    assert {one.person for one in sent} == {"chen", "lin"}
    assert len({one.notice_id for one in sent}) == len(sent) == 2 * len(home.app.channel_names)
    for language, of in (("en", "Hands over: Chen Fang"), ("zh", "交班：Chen Fang")):
        words = home.app.catalogues.words(language)
        for card in sent:
            lines = [words.text(one.code, **one.params) for one in (card.title, *card.lines)]
            assert any(order.id in line for line in lines), lines
            assert of in lines
            assert all("{" not in line for line in lines)
            assert card.buttons == ()
            known = load_words(language)
            assert all(one.code in known for one in (card.title, *card.lines))
    with home.app.store.reader() as connection:
        records = trail.find(connection, action="handover.sheet")
    assert {one.object_id for one in records} == {"chen", "lin"}
    assert {one.actor for one in records} == {shift_change.ACTOR}
    # nothing is signed by sending it
    assert "handover.give" not in home.actions()


def test_an_empty_desk_sends_nothing(home: House) -> None:
    assert at(home, EVENING) == 0
    assert cards(home) == []


def test_after_downtime_the_last_change_is_still_told_for_some_hours(home: House) -> None:
    home.breach()
    late = EVENING + shift_change.LATE
    assert at(home, late - timedelta(seconds=1)) == 2
    assert at(home, late + timedelta(minutes=1)) == 0


def test_who_is_the_subject_of_an_order_does_not_read_it_on_the_sheet(home: House) -> None:
    order = home.breach()
    about = update(ALERTS).where(ALERTS.c.order_id == order.id).values(actor="lin")
    with home.app.store.engine.begin() as connection:
        connection.execute(about)
    at(home, EVENING)
    assert {one.person for one in cards(home)} == {"chen"}


def test_each_change_of_a_week_is_found_at_its_moment() -> None:
    known, problems = directory_from_mapping({**people(), "roster": ROSTER})
    assert problems == []
    start = datetime(2024, 5, 13, tzinfo=UTC)
    moments = [start + timedelta(minutes=10 * step) for step in range(6 * 24 * 3)]
    found = [
        next((one for one in shift_change.changes(known, moment) if one.org == EAST), None)
        for moment in moments
    ]
    fresh = [
        (one, moment)
        for (before, one), moment in zip(pairwise([None, *found]), moments, strict=True)
        if one is not None and (before is None or one.at != before.at)
    ]
    assert fresh
    for one, moment in fresh[1:]:
        assert one.at == moment
        assert not set(one.leaving) & set(one.coming)
