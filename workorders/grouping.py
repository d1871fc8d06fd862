"""The rhythm of one order's notices: first notice, group ticks, repeats. Pure.

One order is one group. Its first notice leaves after the group wait; from there on the clock ticks
once a group interval. New evidence is told at the next tick; the same matches again at the first
tick at which the repeat interval has passed, so that the repeat is rounded up to whole ticks.
"""

from datetime import datetime, timedelta

from workorders.model import WorkOrder
from workorders.policy import Policy


def first_notice(order: WorkOrder, policy: Policy) -> datetime:
    """When the group's first notice leaves; matches until then are told with it."""
    return order.opened_at + timedelta(seconds=policy.levels[order.level].group_wait_s)


def tick_after(start: datetime, at: datetime, policy: Policy) -> tuple[int, datetime]:
    """The first tick later than `at`: its number, from 1 on, and its time.

    Args:
        start: the group's first notice.
        at: a time.
        policy: for the group interval.
    """
    every = timedelta(seconds=policy.group_interval_s)
    number = max((at - start) // every + 1, 1)
    return number, start + number * every


def repeat_tick(
    start: datetime, last: datetime, at: datetime, policy: Policy
) -> tuple[int, datetime]:
    """The first tick later than `at` by which the repeat interval has passed since `last`."""
    due = last + timedelta(seconds=policy.repeat_interval_s)
    # "Later than" an instant before `due` lets a tick at `due` itself count.
    return tick_after(start, max(at, due - timedelta(microseconds=1)), policy)
