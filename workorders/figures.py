"""The service figures, computed from rows that a reader can open.

Definitions:
    arrival rate: notices that a channel took, over notices due.
    time to notify: from the order's opening to the first notice that a channel took.
    response rate: orders acknowledged by their first deadline, over orders whose deadline passed or
        that were acknowledged.
    time to acknowledge, time to resolve: from opening, per level.
    closed-loop rate: orders closed, over orders opened.
Percentiles are nearest-rank: the smallest value with at least that share of all at or below it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from workorders.levels import Level

_SCALE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """What the figures need of one order. `acknowledge_by` is the first deadline, as frozen."""

    order_id: str
    level: Level
    opened_at: datetime
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeTimes:
    """What the figures need of one notice; `sent_at` is None while no channel took it."""

    order_id: str
    due_at: datetime
    sent_at: datetime | None
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 99th percentile in seconds, and over how many; None when there were none."""

    n: int
    p50_s: Decimal | None
    p99_s: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one period. Rates lie in 0..1, None when nothing counts."""

    orders: int
    notices: int
    arrival_rate: Decimal | None
    response_rate: Decimal | None
    closed_loop_rate: Decimal | None
    time_to_notify: Spread
    time_to_acknowledge: dict[Level, Spread]
    time_to_resolve: dict[Level, Spread]


def _rate(part: int, whole: int) -> Decimal | None:
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(_SCALE, rounding=ROUND_HALF_EVEN)


def _seconds(duration: timedelta) -> Decimal:
    return (Decimal(duration // timedelta(milliseconds=1)) / 1000).normalize()


def _rank(ordered: Sequence[timedelta], percent: int) -> Decimal | None:
    if not ordered:
        return None
    position = -(-len(ordered) * percent // 100)  # rounded up
    return _seconds(ordered[position - 1])


def spread(durations: Iterable[timedelta]) -> Spread:
    """Nearest-rank median and 99th percentile."""
    ordered = sorted(durations)
    return Spread(len(ordered), _rank(ordered, 50), _rank(ordered, 99))


def compute(
    orders: Sequence[OrderTimes], notices: Sequence[NoticeTimes], *, at: datetime
) -> Figures:
    """The figures over `orders` and `notices` as known at `at`.

    A notice that was cancelled before it went out (somebody acknowledged first) was not due and
    counts nowhere; one that is not yet due neither.
    """
    due = [n for n in notices if not (n.cancelled and n.sent_at is None) and n.due_at <= at]
    first: dict[str, datetime] = {}
    for notice in notices:
        if notice.sent_at is not None:
            known = first.get(notice.order_id)
            first[notice.order_id] = notice.sent_at if known is None else min(known, notice.sent_at)
    judged = [
        order
        for order in orders
        if order.acknowledged_at is not None
        or (order.acknowledge_by is not None and order.acknowledge_by <= at)
    ]
    answered = sum(
        order.acknowledged_at is not None
        and (order.acknowledge_by is None or order.acknowledged_at <= order.acknowledge_by)
        for order in judged
    )
    return Figures(
        orders=len(orders),
        notices=len(due),
        arrival_rate=_rate(sum(n.sent_at is not None for n in due), len(due)),
        response_rate=_rate(answered, len(judged)),
        closed_loop_rate=_rate(sum(o.closed_at is not None for o in orders), len(orders)),
        time_to_notify=spread(
            first[order.order_id] - order.opened_at for order in orders if order.order_id in first
        ),
        time_to_acknowledge=_per_level(orders, "acknowledged_at"),
        time_to_resolve=_per_level(orders, "resolved_at"),
    )


def _per_level(orders: Sequence[OrderTimes], name: str) -> dict[Level, Spread]:
    durations: dict[Level, list[timedelta]] = {}
    for order in orders:
        moment: datetime | None = getattr(order, name)
        if moment is not None:
            durations.setdefault(order.level, []).append(moment - order.opened_at)
    return {level: spread(values) for level, values in durations.items()}
