"""The watcher: what it reads is decided once, together with the position, whatever happens."""

from collections import Counter
from typing import Any

import pytest

from auditlog.events import Event
from store import positions
from tests.unit.agents.agents_house import (
    Crash,
    House,
    alert,
    event,
    order,
    queued,
    quote,
    timeout,
)


def five_timeouts() -> list[Event]:
    return [timeout(f"RK{number}", 8 * number) for number in range(5)]


def a_story() -> list[Event]:
    """Something of everything that the watcher keeps a state for."""
    return [
        quote("70120", 0),
        quote("70720", 20),
        *(timeout(f"RK{number}", 30 + 8 * number) for number in range(5)),
        event("fund.transfer.request", 80, order="19532", amount="5300000", actor="lin"),
        event("fund.transfer.failed", 81, kind="exception", order="19532"),
        queued(90),
        *(order(f"SO-{number}", 100 + 30 * number) for number in range(4)),
        event("position.update", 300, site="CN", key="cu2406/8", version=41, qty=120),
        event("exposure.calc", 305, kind="risk", site="DE", key="cu2406/8", version_seen=40, qty=9),
        event("replica.apply", 350, kind="system", site="DE", key="cu2406/8", version=41),
        alert("A1", "red", 400),
    ]


FOUND = {
    "BASIS_JUMP",
    "INBOUND_TIMEOUT_CLUSTER",
    "EXPOSURE_CRITICAL",
    "FUND_TRANSFER_FAILED",
    "EXPOSURE_SPIKE",
    "ERP_UNSYNCED",
    "STALE_READ_DECISION",
    "REPLICA_LAG",
    "ROBOT_ALERT_RED",
}


def position(house: House) -> int:
    with house.store.reader() as connection:
        return int(positions.read(connection, "watcher") or 0)


def told(house: House) -> dict[str, Any]:
    """What was decided, without the times and numbers at which it was."""
    return {
        "matches": Counter(
            (one.body["code"], one.body["event_time"], one.body["level"])
            for one in house.records(kind="match")
        ),
        "orders": Counter(
            (one.level, one.title_params.get("code"), one.clears) for one in house.orders()
        ),
        "hedges": house.decisions("hedge_order.decide"),
    }


def test_events_become_matches_one_order_and_a_new_position(house: House):
    house.arrive(*five_timeouts())
    assert set(house.codes()) == {"EXPOSURE_CRITICAL", "INBOUND_TIMEOUT_CLUSTER"}
    (opened,) = house.orders()
    assert opened.level == "red"
    assert position(house) == 5


def test_everything_in_the_story_is_found(house: House):
    house.arrive(*a_story())
    house.at(700)
    house.look()
    assert set(house.codes()) >= FOUND


def test_a_second_look_at_the_same_log_does_nothing(house: House):
    house.arrive(*five_timeouts())
    before = house.dump(plumbing=True)
    assert house.look().events == 0
    assert house.dump(plumbing=True) == before


def test_a_round_that_fails_leaves_nothing_and_the_next_one_finds_the_same(
    house: House, twin: House
):
    story = a_story()
    for one in (house, twin):
        one.arrive(*story[:9])
        one.append(*story[9:])
    before = house.dump(plumbing=True)
    house.failing.at = house.failing.count + 60
    with pytest.raises(Crash):
        house.look()
    assert house.dump(plumbing=True) == before
    for one in (house, twin):
        one.look()
        one.at(700)
        one.look()
    assert told(house) == told(twin)


def test_a_restart_after_every_event_loses_and_doubles_nothing(house: House, twin: House):
    story = a_story()
    twin.arrive(*story)
    for one in story:
        house.arrive(one)
        house.restart()
    for one in (house, twin):
        one.at(700)
        one.look()
    assert told(house) == told(twin)
    assert set(house.codes()) >= FOUND


def test_an_absence_is_decided_after_a_restart_though_nothing_more_arrives(house: House):
    house.arrive(*(order(f"SO-{number}", 30 * number) for number in range(4)))
    assert "ERP_UNSYNCED" not in house.codes()
    house.restart()
    house.at(100)
    house.look()
    house.wait_for_absences()
    assert house.codes().count("ERP_UNSYNCED") == 1


def test_an_absence_whose_round_failed_is_decided_at_the_next(house: House):
    house.arrive(*(order(f"SO-{number}", 30 * number) for number in range(4)))
    house.at(200)
    house.failing.at = house.failing.count + 20
    with pytest.raises(Crash):
        house.look()
    house.look()
    assert house.codes().count("ERP_UNSYNCED") == 1


def test_watchers_that_lead_in_turn_see_what_the_other_one_did(house: House, twin: House):
    story = a_story()
    twin.arrive(*story)
    watchers = [house.watcher, house.beside()]
    for number, one in enumerate(story):
        house.watcher = watchers[number % 3 == 1]
        house.append(one)
        house.look()
    for one in (house, twin):
        one.at(700)
        one.look()
    for one in watchers:
        one.close()
    assert told(house) == told(twin)


def test_a_watcher_that_was_overtaken_while_it_read_decides_nothing_twice(
    house: House, twin: House
):
    """It still holds what it read when the other process has committed the same events."""
    story = five_timeouts()
    twin.arrive(*story)
    other = house.beside()
    for one in story:
        house.append(one)
        read = house.log.read_after
        house.log.read_after = lambda *asked, read=read: _after(read(*asked), other, house)  # type: ignore[method-assign]
        house.watcher.run_once(house.now)
        house.log.read_after = read  # type: ignore[method-assign]
    house.look()
    other.close()
    assert told(house) == told(twin)
    assert position(house) == 5


def _after(read: Any, other: Any, house: House) -> Any:
    del house.log.read_after  # the other process reads undisturbed
    other.run_once(house.now)
    return read
