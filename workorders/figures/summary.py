"""The figures of loaded rows. Pure: rows and a zone in, figures out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from workorders.figures import verdicts
from workorders.figures.reading import Loaded, Period
from workorders.figures.rows import FigureRow
from workorders.figures.totals import Metrics, per_day, rate, spread
from workorders.figures.verdicts import AlertTimes, NoticeTimes, OrderTimes
from workorders.levels import Level


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of one week of the trend; `start` is its Monday in the reader's zone."""

    start: date
    orders: int
    alerts: int
    arrival_rate: Decimal | None
    response_rate: Decimal | None
    closed_loop_rate: Decimal | None


def metrics_of(loaded: Loaded, period: Period, zone: tzinfo) -> Metrics:
    """The figures of the period; `zone` names the months of `breaches_by`."""
    at, orders = period.at, loaded.orders
    arrived = [verdicts.arrival(one, at) for one in loaded.notices]
    responded = _rows(verdicts.response, orders, at)
    acknowledged = _rows(verdicts.acknowledge, orders, at)
    resolved = _rows(verdicts.resolve, orders, at)
    return Metrics(
        since=period.since,
        until=period.until,
        as_of=at,
        orders=len(orders),
        merged=sum(one.state == "merged" for one in orders),
        carried=len(loaded.carried),
        notices=sum(row.counts for row in arrived),
        withheld=sum(row.verdict == "WITHHELD" for row in arrived),
        alerts=len(loaded.alerts),
        arrival_rate=rate(arrived),
        response_rate=rate(responded),
        closed_loop_rate=rate(_rows(verdicts.closed_loop, orders, at)),
        override_rate=rate(_rows(verdicts.override, orders, at)),
        confirmed_share=rate(verdicts.confirmed(one, at) for one in loaded.alerts),
        alerts_per_day=per_day(len(loaded.alerts), period.since, period.until, at),
        breaches=sum(verdicts.breach(one, at).hit for one in loaded.alerts),
        time_to_notify=spread(_rows(verdicts.notify, orders, at)),
        time_to_acknowledge=spread(acknowledged),
        time_to_resolve=spread(resolved),
        per_level=_per_level(orders, responded, acknowledged, resolved),
        breaches_by=breaches_by(loaded.alerts, at, zone),
        approvals_by_pair=pairs(loaded.approvals),
    )


def _rows(
    judge: Callable[[OrderTimes, datetime], FigureRow], orders: Sequence[OrderTimes], at: datetime
) -> list[FigureRow]:
    return [judge(one, at) for one in orders]


def _per_level(
    orders: Sequence[OrderTimes],
    responded: Sequence[FigureRow],
    acknowledged: Sequence[FigureRow],
    resolved: Sequence[FigureRow],
) -> dict[str, dict[str, Any]]:
    """Per colour that an order has now; a colour only rises."""
    return {
        level.value: {
            "orders": sum(one.level == level for one in orders),
            "response_rate": rate(row for row in responded if row.level == level),
            "time_to_acknowledge": spread(row for row in acknowledged if row.level == level),
            "time_to_resolve": spread(row for row in resolved if row.level == level),
        }
        for level in Level
    }


def breaches_by(
    alerts: Sequence[AlertTimes], at: datetime, zone: tzinfo
) -> tuple[dict[str, Any], ...]:
    """Breaches per month and unit, apart for each version of each rule.

    A new version of a rule is a publication: its lines before and after stand under each other.
    """
    counted = Counter(
        (f"{one.raised_at.astimezone(zone):%Y-%m}", one.org, one.rule, one.version)
        for one in alerts
        if verdicts.breach(one, at).hit
    )
    return tuple(
        {"month": month, "org": org, "rule": rule, "version": version, "breaches": number}
        for (month, org, rule, version), number in sorted(counted.items())
    )


def pairs(approvals: Sequence[FigureRow]) -> tuple[dict[str, Any], ...]:
    """How often the same person signed for the same person, most often first."""
    counted = Counter((row.org, *row.label.split(" → ", 1)) for row in approvals)
    return tuple(
        {"org": org, "requester": requester, "signer": signer, "approvals": number}
        for (org, requester, signer), number in sorted(
            counted.items(), key=lambda item: (-item[1], item[0])
        )
    )


def trend_of(loaded: Loaded, period: Period, zone: tzinfo) -> tuple[Week, ...]:
    """The figures per week, from the week of `since` to that of `until` or of now.

    The first and the last week hold what of the period lies in them.
    """
    last = min(period.until - timedelta(microseconds=1), period.at)
    weeks: dict[date, tuple[list[OrderTimes], list[NoticeTimes], list[AlertTimes]]] = {}
    day = _monday(period.since, zone)
    while day <= _monday(last, zone):
        weeks[day] = ([], [], [])
        day += timedelta(days=7)
    opened = {one.order_id: _monday(one.opened_at, zone) for one in loaded.orders}
    for order in loaded.orders:
        weeks[opened[order.order_id]][0].append(order)
    for notice in loaded.notices:
        weeks[opened[notice.order_id]][1].append(notice)
    for alert in loaded.alerts:
        weeks[_monday(alert.raised_at, zone)][2].append(alert)
    at = period.at
    return tuple(
        Week(
            start,
            len(orders),
            len(alerts),
            rate(verdicts.arrival(one, at) for one in notices),
            rate(_rows(verdicts.response, orders, at)),
            rate(_rows(verdicts.closed_loop, orders, at)),
        )
        for start, (orders, notices, alerts) in weeks.items()
    )


def _monday(at: datetime, zone: tzinfo) -> date:
    local = at.astimezone(zone).date()
    return local - timedelta(days=local.weekday())
