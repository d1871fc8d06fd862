from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directory import TradingCalendar
from workorders import BadPolicy, Level, LevelPolicy, OrderKind, Policy, policy_from_json
from workorders.clocks import OrderClock
from workorders.ladder import Rung, next_repeat, plan, repeat_every, rung_after, whom
from workorders.policy import ClockKind

CALENDAR = TradingCalendar()
SHANGHAI = timedelta(hours=8)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def clock(level: Level, product: str = "cu", kind: OrderKind = OrderKind.RISK) -> OrderClock:
    return OrderClock(CALENDAR, Policy(), level, kind, product)


def test_yellow_raised_before_lunch_is_due_after_lunch():
    # 11:29 + 30 minutes of trading; closed from 11:30 to 13:30.
    assert clock(Level.YELLOW).step_due(shanghai("2024-05-14T11:29:00")) == shanghai(
        "2024-05-14T13:59:00"
    )


def test_red_pierces_every_pause():
    at = shanghai("2024-05-14T18:56:00")
    assert clock(Level.RED).step_due(at) == at + timedelta(minutes=5)
    assert clock(Level.RED).resolve_due(at) == at + timedelta(minutes=30)


def test_a_data_fault_runs_on_wall_clock_whatever_its_colour():
    at = shanghai("2024-05-14T18:56:00")
    fault = clock(Level.YELLOW, kind=OrderKind.DATA)
    assert fault.step_due(at) == at + timedelta(minutes=30)
    assert fault.resolve_due(at) == at + timedelta(hours=8)


def test_orange_begins_half_an_hour_before_the_next_open():
    # Copper opens at 21:00; the clock runs from 20:30.
    assert clock(Level.ORANGE).step_due(shanghai("2024-05-14T18:57:00")) == shanghai(
        "2024-05-14T20:45:00"
    )


def test_blue_waits_for_the_end_of_the_next_session():
    yellow = clock(Level.YELLOW).resolve_due(shanghai("2024-05-14T10:00:00"))
    blue = clock(Level.BLUE).resolve_due(shanghai("2024-05-14T10:00:00"))
    assert yellow == shanghai("2024-05-14T15:00:00")
    assert blue == shanghai("2024-05-15T01:00:00")


def test_a_holiday_is_no_time_to_work():
    # 2024-04-30 is the last trading day before the holiday of 1 to 5 May; no night session.
    due = clock(Level.YELLOW).step_due(shanghai("2024-04-30T14:50:00"))
    assert due == shanghai("2024-05-06T09:20:00")


def test_without_a_product_or_in_an_unknown_year_wall_clock_counts():
    at = shanghai("2024-05-14T18:57:00")
    assert clock(Level.ORANGE, product="").step_due(at) == at + timedelta(minutes=15)
    far = shanghai("2049-05-14T18:57:00")
    assert clock(Level.ORANGE).step_due(far) == far + timedelta(minutes=15)


def test_the_ladder_climbs_step_by_step_to_the_last_resort():
    at = shanghai("2024-05-14T10:00:00")
    rungs = plan(clock(Level.RED), at)
    assert [rung.due_at - at for rung in rungs] == [timedelta(minutes=5 * n) for n in range(5)]
    assert [rung.last_resort for rung in rungs] == [False, False, False, False, True]


def test_the_ladder_never_ends_in_silence():
    last = plan(clock(Level.RED), shanghai("2024-05-14T10:00:00"))[-1]
    again = rung_after(clock(Level.RED), last.number, last.due_at)
    assert again.last_resort
    assert again.due_at == last.due_at + timedelta(hours=4)


def test_a_matter_that_nobody_answers_is_told_at_the_interval_and_then_once_a_day_for_ever():
    rung = plan(clock(Level.RED), shanghai("2024-05-14T10:00:00"))[-1]
    gaps = []
    for _ in range(60):
        after = rung_after(clock(Level.RED), rung.number, rung.due_at)
        assert after.last_resort
        gaps.append(after.due_at - rung.due_at)
        rung = after
    assert gaps == [timedelta(hours=4)] * 5 + [timedelta(days=1)] * 55


def test_a_repeat_that_is_rarer_than_a_day_never_grows_more_frequent():
    rare = Policy(repeat_interval_s=3 * 86_400)
    assert {repeat_every(rare, told) for told in range(1, 20)} == {timedelta(days=3)}


def test_a_missed_repeat_is_made_up_for_once():
    every = timedelta(hours=4)
    rung = Rung(5, shanghai("2024-05-14T10:00:00"), last_resort=True)
    assert next_repeat(rung, rung.due_at, every) == rung.due_at + every
    assert next_repeat(rung, rung.due_at + timedelta(hours=9), every) == (
        rung.due_at + timedelta(hours=12)
    )


def roster(table: dict[str, tuple[str, ...]]):
    return lambda org: table.get(org, ())


def test_who_did_not_answer_is_skipped_upward():
    reached = whom(
        Rung(1, datetime(2024, 5, 14, tzinfo=UTC), last_resort=False),
        "Group/East/Desk",
        roster=roster({"Group/East/Desk": ("chen",), "Group/East": ("chen", "wang")}),
        told=("chen",),
        last_resort=("boss",),
    )
    assert (reached.people, reached.org, reached.reason) == (
        ("wang",),
        "Group/East",
        "EMPTY_ROSTER",
    )


def test_an_empty_house_reaches_the_last_resort_and_without_one_everybody_again():
    rung = Rung(1, datetime(2024, 5, 14, tzinfo=UTC), last_resort=False)
    empty = roster({})
    named = whom(rung, "Group", roster=empty, told=("chen",), last_resort=("boss",))
    assert (named.people, named.reason) == (("boss",), "LAST_RESORT")
    nobody = whom(rung, "Group", roster=empty, told=("chen",), last_resort=())
    assert (nobody.people, nobody.reason) == (("chen",), "NO_LAST_RESORT")


@given(
    st.sampled_from(Level),
    st.sampled_from(["", "cu", "MA", "lc"]),
    st.datetimes(datetime(2024, 1, 2), datetime(2024, 12, 1)),  # noqa: DTZ001 - zone follows
)
@settings(deadline=None, max_examples=60)
def test_a_deadline_lies_ahead_and_never_before_wall_clock(
    level: Level, product: str, start: datetime
):
    start = start.replace(tzinfo=UTC)
    watched = clock(level, product)
    step = timedelta(minutes=watched.policy.levels[level].step_minutes)
    assert watched.step_due(start) >= start + step
    assert watched.resolve_due(start) > start
    rungs = plan(watched, start)
    assert all(a.due_at < b.due_at for a, b in pairwise(rungs))


def test_a_policy_survives_its_freezing():
    policy = Policy(
        levels={
            **Policy().levels,
            Level.RED: LevelPolicy(step_minutes=3, channels=("phone",), clock=ClockKind.WALL),
        },
        last_resort=("boss",),
        cards_per_hour=3,
    )
    assert policy_from_json(policy.as_json()) == policy
    assert policy_from_json({}) == Policy()


@pytest.mark.parametrize(
    "fault",
    [
        {"levels": {"red": {"step_minutes": 0}}},
        {"levels": {"purple": {"step_minutes": 1}}},
        {"levels": {"red": {"step_minutes": 1, "clock": "sundial"}}},
        {"speed": 9},
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(fault: dict):
    with pytest.raises(BadPolicy):
        policy_from_json(fault)
