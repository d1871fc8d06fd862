"""Faults of peers in paging: notices after an answer, storms of retries, ladders and rosters.

By the real escalator over a real chat and mail server, on a clock that we move.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_guards import fails_with, gives
from structlog.testing import capture_logs
from test_agents_delivery import Office, escalations, only, opened

import agents.delivery
import agents.escalator
import directory.directory
import workorders.context
import workorders.opening
from directory.loading import directory_from_mapping
from service.demo.slack_server import Fault
from tests.unit.agents.agents_house import EAST, PEOPLE, START, context_of, surroundings, template
from workorders import Policy, acknowledge
from workorders.channel import Channel
from workorders.errors import ChannelRetry
from workorders.levels import Level
from workorders.policy import LevelPolicy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("faults"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(name="office")
def _office(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, Policy()) as found:
        yield found


@pytest.fixture(name="chat_first")
def _chat_first(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, only("slack", step_minutes=600)) as found:
        yield found


# --- notices going on after the acknowledgement -------------------------------------------------


class _Undone(Exception):  # noqa: N818 - it ends a transaction
    """Rolls an acknowledgement back."""


def notices_after_the_acknowledgement(office: Office) -> None:
    """What is queued is cancelled by the acknowledgement's own transaction, or not at all."""
    order = office.red()
    context = context_of(surroundings(), office.house.policy, tuple(office.channels))

    def undone() -> None:
        with office.house.store.unit_of_work("chen") as uow:
            assert acknowledge(uow, context, order).ok
            raise _Undone

    with pytest.raises(_Undone):
        undone()
    assert len(office.messages("pending")) == 4, "cancelled without an acknowledgement"
    assert office.act("chen", acknowledge, order).ok
    after = [one.state for one in office.messages("pending")]
    assert after == [], "still queued"
    for minute in range(30):
        assert office.work(60 * minute).delivered.sent == 0, "told after it was answered"


def test_fault_notices_after_acknowledgement(office: Office) -> None:
    notices_after_the_acknowledgement(office)


def test_the_guard_against_notices_after_acknowledgement_is_what_holds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.opening, "withdraw", gives(0))
    fails_with("still queued", notices_after_the_acknowledgement, office)


def tried_again_after_the_acknowledgement(office: Office, patch: pytest.MonkeyPatch) -> None:
    """A card that is on its way when somebody answers, and fails, is not sent a second time."""
    order = office.red()
    channel = type(office.channels["slack"])
    answered: list[str] = []

    def busy(_channel: Channel, *_: Any) -> None:
        if not answered:
            office.house.at(1)
            assert office.act("chen", acknowledge, order).ok
            answered.append(order)
        raise ChannelRetry(30, "rate limited")

    with patch.context() as meanwhile:
        meanwhile.setattr(channel, "send", busy)
        assert office.work(0).delivered.sent == 0
    assert answered == [order]
    for minute in range(1, 20):
        assert office.work(60 * minute).delivered.sent == 0, "told after it was answered"
    assert office.messages("pending") == []


def test_fault_notices_after_acknowledgement_by_a_retry(
    chat_first: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried_again_after_the_acknowledgement(chat_first, monkeypatch)


def test_the_guard_against_notices_after_acknowledgement_by_a_retry_is_what_holds(
    chat_first: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents.delivery.deliveries, "overtaken", gives(False))
    fails_with(
        "told after it was answered",
        tried_again_after_the_acknowledgement,
        chat_first,
        monkeypatch,
    )


# --- duplicate notice after a retry storm -------------------------------------------------------


def retry_storm(office: Office) -> None:
    """Answers lost, refused and late: whatever arrives twice carries one id, and is told once."""
    office.red()
    office.work(0)  # opens the two conversations as well
    order = office.red("A2", 10)
    before = len(office.slack.messages)
    storm = [Fault(lost=True), Fault(500), Fault(429, retry_after=20), Fault(lost=True)]
    for minute in range(10):
        if minute < 4:
            office.slack.fail(storm[minute], storm[minute])
        office.work(60 * (minute + 1))
        office.slack.faults.clear()
    new = office.slack.messages[before:]
    seen = [one.body["metadata"]["event_payload"]["notice_id"] for one in new]
    assert len(seen) > 2, "the storm brought nothing twice"
    assert len(set(seen)) == 2, "a duplicate under another id"
    assert len(office.notices("notice.sent")) == 4, "told twice on record"
    assert order in {one.id for one in office.house.orders()}


def test_fault_duplicate_notice_after_a_retry_storm(chat_first: Office) -> None:
    retry_storm(chat_first)


def test_the_guard_against_duplicate_notice_after_a_retry_storm_is_what_holds(
    chat_first: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id for each attempt instead of one for each notice."""
    real, numbers = agents.delivery.card_from_json, iter(range(1_000))

    def anew(payload: Any) -> Any:
        card = real(payload)
        return replace(card, notice_id=f"{card.notice_id}/{next(numbers)}")

    monkeypatch.setattr(agents.delivery, "card_from_json", anew)
    fails_with("a duplicate under another id", retry_storm, chat_first)


# --- an empty roster that skips silently --------------------------------------------------------


def empty_roster() -> Any:
    """East has nobody on call now and names nobody; the group stands above it."""
    organisations = [
        {**PEOPLE["organisations"][0], "routing": ["zhao"]},
        {**PEOPLE["organisations"][1], "routing": []},
        *PEOPLE["organisations"][2:],
    ]
    roster = [{"org": EAST, "people": ["chen"], "shift": "20:00-08:00"}]
    found, problems = directory_from_mapping(
        {**PEOPLE, "organisations": organisations, "roster": roster}
    )
    assert problems == []
    return found


def skipped_by_an_empty_roster() -> None:
    found = empty_roster()
    routing = found.assignees(EAST, "red", START)
    assert routing.people, "skipped silently"
    assert "ROSTER_EMPTY" in routing.reports, "skipped silently"


def test_fault_empty_roster_that_skips_silently() -> None:
    skipped_by_an_empty_roster()


def test_the_guard_against_empty_roster_that_skips_silently_is_what_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directory.directory, "ROSTER_EMPTY", "", raising=True)
    fails_with("skipped silently", skipped_by_an_empty_roster)


# --- policy changed mid-flight ------------------------------------------------------------------


SLOW = replace(Policy(), levels={**Policy().levels, Level.RED: LevelPolicy(step_minutes=600)})


def policy_changed_mid_flight(office: Office, patch: pytest.MonkeyPatch) -> None:
    """An open order climbs by the policy under which it began, whatever is in force by then."""
    first = office.red()
    context = context_of(surroundings(), SLOW, ("slack", "email"))
    patch.setattr(office.escalator, "_context", lambda: context)
    for after in (0, 301, 602):
        office.work(after)
    climbed = [number for number, _ in escalations(office)]
    assert climbed == [first, first], "the new policy was taken"


def test_fault_policy_changed_mid_flight(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    policy_changed_mid_flight(office, monkeypatch)


def test_the_guard_against_policy_changed_mid_flight_is_what_holds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that asks what is in force and not what was frozen into the order."""
    monkeypatch.setattr(workorders.context, "policy_from_json", gives(SLOW))
    fails_with("the new policy was taken", policy_changed_mid_flight, office, monkeypatch)


# --- missed timers ------------------------------------------------------------------------------


def missed_timers(office: Office) -> None:
    """Two ladders stood still while the house was down: each rung once, in its order."""
    office.red("A1", 0)
    office.red("A2", 120)
    office.work(16 * 60)
    office.work(16 * 60)
    told = escalations(office)
    assert len(told) == len(set(told)) == 5, "not once"
    assert [due for _, due in told] == sorted(due for _, due in told), "out of order"


def test_fault_missed_timers_out_of_order(office: Office) -> None:
    missed_timers(office)


def test_the_guard_against_missed_timers_out_of_order_is_what_holds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = agents.escalator.timers.due

    def last_first(connection: Any, now: Any, limit: int = 100) -> Any:
        return real(connection, now, 100)[::-1][:limit]

    monkeypatch.setattr(agents.escalator.timers, "due", last_first)
    fails_with("out of order", missed_timers, office)
