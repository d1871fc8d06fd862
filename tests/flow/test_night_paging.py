"""Nights, lunches and holidays: who is paged when, by the real agents on a clock that we move.

The channels are the chat and mail servers of the tests; only time is ours.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs
from test_agents_delivery import Office, opened

from agents.scheduler import Job, Scheduler
from store import timers
from tests.unit.agents.agents_house import START, alert, template
from workorders import Policy, acknowledge, confirm_alert, resolve

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


def seconds(text: str) -> float:
    """From the start of the house to a time in Shanghai."""
    return (datetime.fromisoformat(f"{text}+08:00") - START).total_seconds()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("night"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Iterator[Office]:
    policy = replace(Policy(), last_resort=("zhao",))
    with opened(made, tmp_path, policy) as found:
        yield found


def pages(office: Office, start: str, end: str, every: timedelta = MINUTE) -> list[str]:
    """Run the escalator from `start` to `end`; the local times at which cards went out."""
    found = []
    at = seconds(start)
    while at <= seconds(end):
        if office.work(at).delivered.sent:
            found.append(f"{office.house.now.astimezone(SHANGHAI):%m-%d %H:%M}")
        at += every.total_seconds()
    return found


def confirmed(office: Office, level: str, at: str, product: str = "cu") -> str:
    """A work order of that colour, opened by an officer who confirms an alert at `at`."""
    office.house.at(seconds(at))
    office.house.arrive(alert("N1", level, seconds(at), product=product))
    office.act("chen", confirm_alert, office.house.alerts()[0].id)
    return office.house.orders()[0].id


def test_red_at_night_with_the_product_closed_pages_on_wall_clock(office: Office) -> None:
    # rebar trades until 23:00; nothing opens before 09:00
    night = "2024-05-14T23:18:00"
    office.house.at(seconds(night))
    office.house.arrive(alert("A1", "red", seconds(night), product="rb"))
    (order,) = office.house.orders()
    assert (order.product, order.level.value) == ("rb", "red")
    assert pages(office, night, "2024-05-14T23:45:00") == [
        "05-14 23:18", "05-14 23:23", "05-14 23:28", "05-14 23:33", "05-14 23:38",
    ]  # fmt: skip
    told = [who for who, channel, _ in office.notices("notice.sent") if channel == "slack"]
    assert told[:2] == ["chen", "wang"]
    assert told[-1] == "zhao", "the last rung is the last resort"


def test_yellow_before_lunch_waits_over_it(office: Office) -> None:
    order = confirmed(office, "yellow", "2024-05-14T11:29:00")
    first = pages(office, "2024-05-14T11:29:00", "2024-05-14T11:31:00", timedelta(seconds=30))
    assert first == ["05-14 11:29"], "its first notice waits half a minute for company, no more"
    assert office.house.orders()[0].id == order
    lunch = pages(office, "2024-05-14T11:32:00", "2024-05-14T13:58:00")
    assert lunch == []
    assert pages(office, "2024-05-14T13:59:00", "2024-05-14T14:05:00") == ["05-14 13:59"]


def test_orange_on_the_eve_of_a_holiday_waits_for_the_half_hour_before_the_open(
    office: Office,
) -> None:
    # Friday before the Dragon Boat festival: no night session; the next open is Tuesday 09:00
    confirmed(office, "orange", "2024-06-07T14:55:00")
    first = pages(office, "2024-06-07T14:55:00", "2024-06-07T15:05:00")
    assert first in (["06-07 14:55"], ["06-07 14:56"])
    over = pages(office, "2024-06-07T15:06:00", "2024-06-11T08:39:00", timedelta(minutes=30))
    assert over == []
    assert pages(office, "2024-06-11T08:40:00", "2024-06-11T08:41:00") == ["06-11 08:40"]


@pytest.mark.parametrize(
    ("night", "review"),
    [
        ("2024-05-15T02:00:00", "2024-05-16T10:00:00"),
        ("2024-05-18T02:00:00", "2024-05-20T10:00:00"),  # a Saturday
        ("2024-06-08T02:00:00", "2024-06-11T10:00:00"),  # into the festival
    ],
)
def test_red_resolved_at_two_stops_paging_and_asks_for_its_second_person_at_ten(
    office: Office, night: str, review: str
) -> None:
    before = (datetime.fromisoformat(night) - 30 * MINUTE).isoformat()
    office.house.at(seconds(before))
    office.house.arrive(alert("A1", "red", seconds(before), product="rb"))
    office.work(seconds(before))
    order = office.house.orders()[0].id
    assert office.act("chen", acknowledge, order).ok
    office.house.at(seconds(night))
    assert office.act("chen", resolve, order).ok
    quiet = (datetime.fromisoformat(review) - MINUTE).isoformat()
    assert pages(office, night, quiet, timedelta(minutes=29)) == []
    with office.house.store.reader() as connection:
        (timer,) = timers.find(connection, f"{order}/")
    assert timer.due_at == START + timedelta(seconds=seconds(review))
    sent = len(office.posts())
    office.work(seconds(review))
    assert len(office.posts()) > sent
    assert ("order.overdue", "REVIEW_OVERDUE") in {
        (one.action, one.reason) for one in office.house.records(kind="decision", object_id=order)
    }


# --- the peers' faults that concern paging ------------------------------------------------------


def test_fault_of_oncall_4654_notices_after_the_acknowledgement(office: Office) -> None:
    """Who acknowledges is left in peace: what is queued is cancelled, and no rung is climbed."""
    order = office.red()
    assert office.act("chen", acknowledge, order).ok
    assert office.work().delivered.sent == 0
    assert len(office.messages("cancelled")) == 4
    assert pages(office, "2024-05-14T10:01:00", "2024-05-14T10:29:00") == []


def test_fault_of_ladders_that_end_a_red_that_nobody_takes_is_never_silent(office: Office) -> None:
    """Peers stop after five or nine rounds; here the last resort is told without an end.

    Every four hours until six calls went unanswered, from then on once a day.
    """
    office.red()
    told = pages(office, "2024-05-14T10:00:00", "2024-05-18T10:00:00", timedelta(minutes=5))
    hours = [one for one in told if one > "05-14 10:30"]
    assert hours == [
        "05-14 14:20", "05-14 18:20", "05-14 22:20", "05-15 02:20", "05-15 06:20",
        "05-16 06:20", "05-17 06:20", "05-18 06:20",
    ]  # fmt: skip
    armed = _armed(office)
    assert len(armed) == 1
    assert armed[0].payload["last_resort"] is True


def test_fault_of_missed_timers_they_fire_once_in_order_and_name_their_due_times(
    office: Office,
) -> None:
    """A night without the service: each rung once, none twice, the true due time on record."""
    order = office.red()
    office.work(12 * 3600)
    office.work(12 * 3600 + 1)
    found = [
        one.body for one in office.house.records(kind="decision", action="order.escalate")
        if one.object_id == order
    ]  # fmt: skip
    assert [one["rung"] for one in found] == [1, 2, 3, 4]
    assert [one["due_at"] for one in found] == [
        f"2024-05-14T02:{minute:02}:00Z" for minute in (5, 10, 15, 20)
    ]
    assert {one["fired_at"] for one in found} == {"2024-05-14T14:00:00Z"}


def test_fault_of_two_pagers_only_the_leader_fires(office: Office) -> None:
    """Two processes on one database: the second stands by, and takes over when the first ends."""
    office.red()
    fired: dict[str, int] = {"a": 0, "b": 0}

    def job(name: str) -> Job:
        def run(now: datetime) -> None:
            fired[name] += office.escalator.run_once(now).fired

        return Job("escalator", run, timedelta(0))

    first = Scheduler(office.house.store, [job("a")], holder="a")
    second = Scheduler(office.house.store, [job("b")], holder="b")
    office.house.at(301)
    assert [first.run_once(), second.run_once()] == [True, False]
    assert fired == {"a": 1, "b": 0}
    office.house.at(601)  # the first is gone: its lease has run out
    assert second.run_once()
    assert fired == {"a": 1, "b": 1}


def _armed(office: Office) -> list[Any]:
    with office.house.store.reader() as connection:
        return timers.find(connection, f"{office.house.orders()[0].id}/ladder/")
