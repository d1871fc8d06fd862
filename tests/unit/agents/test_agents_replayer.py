"""Every day the reference replays the day: what it misses in the trail opens a work order."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from agents.correlating import Correlations
from agents.replayer import Replayed, Replayer
from tests.unit.agents.agents_house import (
    START,
    House,
    context_of,
    order,
    rulebook,
)
from workorders import OrderKind, WorkOrder

DAY = 24 * 3600
RULE = "EXPOSURE_SPIKE"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


def replayer(house: House, rules: object = rulebook) -> Replayer:
    return Replayer(
        house.store,
        house.log,
        rulebook=rules,  # type: ignore[arg-type]
        context=lambda around: context_of(around, house.policy),
    )


def a_day(house: House, after: float = 0) -> None:
    """Four sales in a row, as they arrive; then the log is read to a later time."""
    house.arrive(*(order(f"O-{after:.0f}-{n}", after + n * 60, qty=10) for n in range(4)))


def the_next(house: House, days: float = 2) -> None:
    """A day and more has passed, and the watcher has read up to then."""
    house.at(days * DAY)
    house.append(order("O-later", days * DAY, qty=1))
    house.look()


def system_orders(house: House) -> list[WorkOrder]:
    return [one for one in house.orders() if one.kind is OrderKind.SYSTEM]


def replays(house: House) -> list[tuple[str, str]]:
    return [(one.object_id, one.outcome) for one in house.records(action="correlation.replay")]


def test_a_day_on_which_all_was_told_is_equal_and_opens_nothing(house: House):
    a_day(house)
    the_next(house)
    done = replayer(house).run_once(house.now)
    assert [(one.day, one.outcome) for one in done][:1] == [(START.date(), "equal")]
    assert ("2024-05-14", "equal") in replays(house)
    (seen,) = house.records(action="correlation.replay")
    assert (seen.body["found"], seen.body["told"]) == (2, 2)  # and the missing entry in the ERP
    assert system_orders(house) == []


def test_a_missed_candidate_opens_one_system_order_that_names_rule_and_events(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as broken:  # the live path loses what it should have told
        broken.setattr(Correlations, "feed", lambda _self, _facts: [])
        a_day(house)
    house.restart()
    the_next(house)
    (done,) = replayer(house).run_once(house.now)
    assert (done.outcome, len(done.missed), done.extra) == ("different", 1, ())
    (opened,) = system_orders(house)
    assert (opened.id, opened.title_params["code"]) == (done.order, "REPLAY_DIFFERS")
    (note,) = house.records(action="order.note")
    (seen,) = house.records(action="correlation.replay")
    (missed,) = seen.body["missed"]
    assert missed["rule"] == RULE
    assert len(missed["events"]) == 4
    assert note.object_id == opened.id


def test_a_day_is_replayed_once(house: House):
    a_day(house)
    the_next(house)
    assert len(replayer(house).run_once(house.now)) == 1
    before = house.dump(plumbing=True)
    assert replayer(house).run_once(house.now) == ()
    assert house.dump(plumbing=True) == before


def test_a_day_waits_until_what_belongs_to_it_is_read(house: House):
    a_day(house)
    house.at(DAY)  # the clock went on, the log was not read
    assert all(one.day < START.date() for one in replayer(house).run_once(house.now))
    assert replays(house) == []


def test_what_was_told_without_cause_is_a_difference_too(house: House):
    a_day(house)
    the_next(house)
    fewer = replayer(house)
    fewer._log = Emptied()  # type: ignore[assignment]
    (done,) = fewer.run_once(house.now)
    assert (done.outcome, done.missed, len(done.extra)) == ("different", (), 2)
    assert len(system_orders(house)) == 1


class Emptied:
    """A log from which the day's events are gone."""

    def history(self, _query: object) -> Iterator[object]:
        return iter(())


def test_what_was_taken_back_by_a_late_event_is_no_difference(house: House):
    # An order without its ERP entry is told, then the entry comes, late but in time.
    house.arrive(order("O-1", 0, qty=10))
    house.wait_for_absences()
    the_next(house)
    done = replayer(house).run_once(house.now)
    assert {one.outcome for one in done} <= {"equal"}
    assert system_orders(house) == []


def test_days_are_made_up_for_after_an_outage(house: House):
    a_day(house)
    the_next(house)
    assert len(replayer(house).run_once(house.now)) == 1
    a_day(house, 2 * DAY + 3600)
    a_day(house, 3 * DAY + 3600)
    the_next(house, 6)
    done = replayer(house).run_once(house.now)
    assert [one.day for one in done] == [START.date() + timedelta(days=n) for n in (1, 2, 3, 4)]
    assert all(isinstance(one, Replayed) and one.outcome == "equal" for one in done)
