"""A feed that falls silent: a fact, an alert, and figures that say so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.assessor import Scope, Trigger, assess_scope
from agents.feed_states import known_fact, late_orgs, states
from agents.feeds import Feeds
from book.read import read_state
from directory.writing import save_directory
from tests.unit.agents.agents_house import (
    EAST,
    PEOPLE,
    House,
    a_house,
    context_of,
    directory,
    event,
    opening_book,
    rulebook,
    surroundings,
)
from workorders import OrderKind

FEED = "feed:smm"
EVERY = 600


def with_feed() -> dict[str, Any]:
    """East expects a quote every ten minutes while the market is open."""
    group, east, west = PEOPLE["organisations"]
    settings = {**east["settings"], "feed_every_s": {FEED: EVERY}}
    return {**PEOPLE, "organisations": [group, {**east, "settings": settings}, west]}


@pytest.fixture(name="desk")
def _desk(made: Path, tmp_path: Path) -> Iterator[House]:
    with capture_logs(), a_house(made, tmp_path / "house", opening_book(net="300")) as found:
        with found.store.unit_of_work("cli:setup") as uow:
            save_directory(uow, directory(with_feed()))
        yield found


def feeds(house: House) -> Feeds:
    """A fresh agent each time: what it knows stands in the database."""
    return Feeds(
        house.store,
        house.log,
        rulebook=rulebook,
        context=lambda around: context_of(around, house.policy),
    )


def tick(house: House, after: float) -> None:
    house.arrive(event("spot.quote", after, kind="market", source=FEED, price="70000"))


def look(house: House, after: float) -> list[tuple[str, str]]:
    return [(one.source, one.state) for one in feeds(house).run_once(house.at(after))]


def data_states(house: House) -> list[str]:
    found = house.log.facts("exposure", limit=100)
    return [str(one.body["data_state"]) for one in found]


def test_silence_in_open_market_makes_a_fact_an_alert_and_late_figures_once(desk: House):
    tick(desk, 0)
    assert look(desk, EVERY) == []
    assert look(desk, EVERY + 1) == [(FEED, "late")]
    assert look(desk, EVERY + 2) == []  # told once
    (alert,) = [one for one in desk.alerts() if one.rule == "FEED_LATE"]
    assert (alert.code, alert.level.value, alert.org) == ("FEED_LATE", "yellow", EAST)
    assert desk.orders() == []
    (fact,) = desk.log.facts("feed", limit=10)
    assert (fact.body["source"], fact.body["state"]) == (FEED, "late")
    assert data_states(desk)[-1] == "late"
    assert [one.outcome for one in desk.records(action="feed.state")] == ["late"]


def test_a_feed_that_comes_back_makes_the_figures_current_again(desk: House):
    tick(desk, 0)
    look(desk, EVERY + 1)
    tick(desk, EVERY + 60)
    assert look(desk, EVERY + 61) == [(FEED, "current")]
    assert data_states(desk)[-1] == "current"
    with desk.store.reader() as connection:
        assert late_orgs(connection) == ()
        assert states(connection) == {(EAST, FEED): "current"}


def test_a_dead_feed_opens_a_data_order_that_clears_only_when_it_speaks_again(desk: House):
    tick(desk, -3600)  # the market opened an hour before the start
    dead = 2 * 3600 + 6 * 3600
    assert look(desk, dead)[0][1] in {"late", "dead"}
    while not desk.orders():
        dead += 24 * 3600
        look(desk, dead)
    (order,) = desk.orders()
    assert (order.kind, order.level.value) == (OrderKind.DATA, "orange")
    (clear,) = order.clears
    with desk.store.reader() as connection:
        fact = known_fact(connection, clear.fact_key)
    assert fact is not None
    assert rulebook().still_holds(clear.rule, fact) is True
    tick(desk, dead + 60)
    look(desk, dead + 61)
    with desk.store.reader() as connection:
        fact = known_fact(connection, clear.fact_key)
    assert rulebook().still_holds(clear.rule, fact or {}) is False


def test_what_is_assessed_while_a_feed_is_late_is_late_and_the_record_says_so(desk: House):
    tick(desk, 0)
    look(desk, EVERY + 1)
    desk.put(opening_book(net="350"))
    with desk.store.unit_of_work("system:assessor") as uow:
        around = surroundings()
        book = read_state(uow.connection, as_of=uow.now, known_at=uow.now, orgs=["Group"])
        assess_scope(
            uow,
            Scope(EAST, "cu"),
            Trigger(uow.now),
            book=book,
            around=around,
            rulebook=rulebook(),
        )
    newest = desk.records(action="assessment.run")[-1]
    assert newest.body["late"] == [EAST]


def test_a_source_that_promises_no_cadence_is_never_late(empty: House):
    tick(empty, 0)
    assert look(empty, 20 * 24 * 3600) == []
