"""Rows added up. Pure.

Percentiles are nearest-rank: the smallest value with at least that share of all at or below it.
Rates are rounded half-even to four digits. Nothing that counts gives None, never 0 or 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from workorders.figures.rows import FigureRow

_SCALE = Decimal("0.0001")
_DAY_S = Decimal(86_400)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 99th percentile in seconds, and over how many; None when there were none."""

    n: int
    p50_s: Decimal | None
    p99_s: Decimal | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one period.

    Attributes:
        since, until: the period, half-open; `as_of` when it was computed.
        orders: opened in it, without drills; `merged` of them were taken in by another.
        notices: that counted for the arrival rate; `withheld` did not.
        carried: orders from before that were closed in it.
        per_level: per colour the orders, their response rate and the two spreads.
        alerts: raised in it.
    """

    since: datetime
    until: datetime
    as_of: datetime
    orders: int
    merged: int
    carried: int
    notices: int
    withheld: int
    alerts: int
    arrival_rate: Decimal | None
    response_rate: Decimal | None
    closed_loop_rate: Decimal | None
    override_rate: Decimal | None
    confirmed_share: Decimal | None
    alerts_per_day: Decimal | None
    breaches: int
    time_to_notify: Spread
    time_to_acknowledge: Spread
    time_to_resolve: Spread
    per_level: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    breaches_by: Sequence[Mapping[str, Any]] = ()
    approvals_by_pair: Sequence[Mapping[str, Any]] = ()


def ratio(part: int, whole: int) -> Decimal | None:
    """`part` over `whole` with four digits; None when nothing counts."""
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(_SCALE, rounding=ROUND_HALF_EVEN)


def rate(rows: Iterable[FigureRow]) -> Decimal | None:
    """The rows that hit over the rows that count."""
    hits = whole = 0
    for row in rows:
        whole += row.counts
        hits += row.hit
    return ratio(hits, whole)


def _rank(ordered: Sequence[Decimal], percent: int) -> Decimal | None:
    if not ordered:
        return None
    position = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[position - 1]


def spread(rows: Iterable[FigureRow]) -> Spread:
    """Nearest-rank median and 99th percentile of the seconds of the rows that count."""
    found = [(row, row.seconds) for row in rows if row.counts]
    ordered = sorted(value for _, value in found if value is not None)
    return Spread(len(ordered), _rank(ordered, 50), _rank(ordered, 99))


def per_day(number: int, since: datetime, until: datetime, at: datetime) -> Decimal | None:
    """`number` over the days of the period that have passed by `at`; None when none have."""
    passed = min(until, at) - since
    days = Decimal(passed.days * 86_400 + passed.seconds) / _DAY_S
    if days <= 0:
        return None
    return (number / days).quantize(_SCALE, rounding=ROUND_HALF_EVEN)
