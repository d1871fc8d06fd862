"""After downtime: two thousand unread events are decided as they would have been live."""

import random
from collections import Counter
from itertools import count, groupby
from typing import Any

from auditlog.events import Event
from tests.unit.agents.agents_house import (
    House,
    alert,
    event,
    order,
    queued,
    quote,
    timeout,
)

COUNT = 2_000


def busy_hours(seed: int) -> list[Event]:
    """Ordinary traffic with something of everything in it, handed over every two minutes."""
    rng = random.Random(seed)
    found: list[Event] = []
    for number in range(COUNT):
        after = 4 * number + rng.randrange(4)
        late = 120 - after % 120 + 60 * rng.choice([0, 0, 0, 2])
        what = rng.random()
        if what < 0.86:
            one = event("login", after, late=late, kind="system", actor=f"u{number % 9}")
        elif what < 0.90:
            side, size = rng.choice(["buy", "sell"]), rng.randrange(1, 120)
            one = order(
                f"SO-{number}", after, late=late, side=side, qty=size, actor=f"u{number % 3}"
            )
        elif what < 0.92:
            one = event("erp.sync", after, late=0, order=f"SO-{number - 1}")
        elif what < 0.94:
            one = timeout(f"R{number % 7}", after, late=late, qty=rng.randrange(1, 40))
        elif what < 0.96:
            one = event("inbound.post", after, late=late, receipt=f"R{number % 7}", qty=5)
        elif what < 0.975:
            one = quote(str(70_000 + rng.randrange(-400, 400)), after, late=late)
        elif what < 0.985:
            one = queued(after, late=late, order=f"H{number}", lots=rng.randrange(1, 80))
        else:
            one = alert(f"A{number}", rng.choice(["red", "orange", "yellow", "blue"]), after)
        found.append(one)
    return sorted(found, key=lambda one: one.arrival_time)


def outcome(house: House) -> dict[str, Any]:
    return {
        "matches": Counter(
            (one.body["code"], one.body["event_time"], one.body["level"], str(one.body["objects"]))
            for one in house.records(kind="match")
        ),
        "orders": Counter((one.level, one.value, one.count) for one in house.orders()),
        "alerts": Counter((one.code, one.level, one.state) for one in house.alerts()),
        "hedges": house.decisions("hedge_order.decide"),
        "superseded": Counter(house.decisions("correlation.supersede")),
    }


def facts(house: House) -> set[str]:
    return {
        row.hash
        for kind in ("event", "exposure", "basis")
        for row in house.log.facts(kind, limit=10_000)
    }


def test_two_thousand_unread_events_give_what_they_gave_live(house: House, twin: House):
    story = busy_hours(7)
    for _, together in groupby(story, key=lambda one: one.arrival_time):
        house.append(*together)
        house.look()
    twin.append(*story)
    twin.look()
    for one in (house, twin):
        one.wait_for_absences()
    live, late = outcome(house), outcome(twin)
    assert sum(live["matches"].values()) > 50
    assert len(live["hedges"]) > 10
    for part, found in live.items():
        assert late[part] == found, part
    # A batch may end between two events that arrived together: one more look, nothing else.
    assert facts(house) <= facts(twin)
    assert len(facts(twin) - facts(house)) <= COUNT // 500


def test_a_round_that_takes_long_ends_after_a_lot_and_leaves_the_rest_to_the_next(
    house: House, twin: House
):
    """What was decided goes out meanwhile; in the end the same is decided."""
    story = [alert(f"A{number}", "red", 60 * number) for number in range(6)]
    last = 600
    twin.at(last)
    twin.log.append(story)
    house.at(last)
    house.log.append(story)
    ticks = count()
    for one in (house, twin):  # a machine on which everything takes a second
        one.watcher._ticks = lambda: float(next(ticks))
    whole = twin.watcher.run_once(twin.now)
    assert (whole.events, whole.more) == (6, False), "a call without a bound reads all"
    seen = []
    while (looked := house.watcher.run_once(house.now, within_s=0.5)).more:
        seen.append(looked.events)
    assert [*seen, looked.events] == [1] * 6
    assert outcome(house) == outcome(twin)
    assert len(house.orders()) == 6
