"""The service figures as one document, the same on the command line, over HTTP and on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from detectors.protocol import Family
from directory.scopes import of_reader
from integrations.files.values import parse_time
from rules.model import AnyRule, CorrelationRule
from rules.rulebook import Rulebook
from service.moments import in_utc
from store.clock import rfc3339
from store.types import decimal_text
from workorders import figures
from workorders.figures import FigureRow, Loaded, Metrics, Period, Week

DAYS = 28


class NoPeriod(Exception):  # noqa: N818 - what it is
    """The bounds name no period.

    Attributes:
        code: ``TIME_INVALID``, ``TIME_OUT_OF_RANGE`` or ``PERIOD_EMPTY``.
        bound: ``from`` or ``to``.
        found: what was given.
    """

    def __init__(self, code: str, bound: str, found: str) -> None:
        super().__init__(code)
        self.code, self.bound, self.found = code, bound, found


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a period, per week too, and the detectors that said nothing."""

    metrics: Metrics
    weeks: Sequence[Week]
    silent: Sequence[str]


def period_of(
    since: str, until: str, *, scopes: Sequence[str], zone: ZoneInfo, now: datetime
) -> Period:
    """The half-open period [since, until) that two texts name.

    Args:
        since: a day or a time; empty for `DAYS` days before the end.
        until: the same; empty for the end of today. A day is its beginning in `zone`, so that the
            day of `until` itself lies outside.
        scopes: whose rows.
        zone: of the organisation; also of times without an offset.
        now: when it is asked.

    Raises:
        NoPeriod: for text that is no time, a time that cannot be meant, an end not after its start.
    """
    today = datetime.combine(now.astimezone(zone).date(), time(), zone)
    end = _bound(until, "to", zone) or (today + timedelta(days=1)).astimezone(now.tzinfo)
    start = _bound(since, "from", zone)
    if start is None:
        start = (end.astimezone(zone) - timedelta(days=DAYS)).astimezone(now.tzinfo)
    if start >= end:
        raise NoPeriod("PERIOD_EMPTY", "to", until or rfc3339(end))
    return Period(scopes, start, end, now)


def _bound(text: str, name: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    found = parse_time(text)
    if found is None:
        raise NoPeriod("TIME_INVALID", name, text)
    given = found if isinstance(found, datetime) else datetime.combine(found, time())
    at = in_utc(given if given.tzinfo is not None else given.replace(tzinfo=zone))
    if at is None:
        raise NoPeriod("TIME_OUT_OF_RANGE", name, text)
    return at


def narrowed(scopes: Sequence[str], org: str) -> tuple[str, ...]:
    """`scopes` within `org`; all of them when it is empty, none when they do not meet.

    The reader whom the scopes carry stays with them.
    """
    if not org:
        return of_reader(scopes, scopes)
    if org in scopes or any(org.startswith(f"{scope}/") for scope in scopes):
        return of_reader(scopes, (org,))
    return of_reader(scopes, [scope for scope in scopes if scope.startswith(f"{org}/")])


def measure(connection: Connection, period: Period, rulebook: Rulebook, zone: ZoneInfo) -> Measured:
    """The figures of the period; `zone` bounds its months and weeks."""
    loaded = figures.load(connection, period)
    return Measured(
        figures.metrics_of(loaded, period, zone),
        figures.trend_of(loaded, period, zone),
        silent_detectors(loaded, rulebook),
    )


def silent_detectors(loaded: Loaded, rulebook: Rulebook) -> tuple[str, ...]:
    """What could have raised an alert in the period and raised none at the units in question.

    Rules in force that have a colour (those that only observe are asked for nothing), by their id,
    and the model families, as ``model:<family>``.
    """
    heard = {one.rule for one in loaded.alerts} | {
        f"model:{one.family}" for one in loaded.alerts if one.family
    }
    rules: tuple[AnyRule, ...] = (*rulebook.rules, *rulebook.correlations)
    expected = [rule.id for rule in rules if _has_colour(rule) and not rule.heading.observe]
    models = [f"model:{family.value}" for family in Family]
    return tuple(sorted(one for one in (*expected, *models) if one not in heard))


def _has_colour(rule: AnyRule) -> bool:
    if isinstance(rule, CorrelationRule):
        return bool(rule.level)
    return any(row.level for row in rule.rows)


def document_of(measured: Measured) -> dict[str, Any]:
    """The answer: rates as decimal strings, seconds as numbers of three digits, else null."""
    found = measured.metrics
    return {
        "from": rfc3339(found.since),
        "to": rfc3339(found.until),
        "as_of": rfc3339(found.as_of),
        "orders": found.orders,
        "merged": found.merged,
        "closed_from_before": found.carried,
        "notices": found.notices,
        "notices_withheld": found.withheld,
        "alerts": found.alerts,
        "arrival_rate": _rate(found.arrival_rate),
        "response_rate": _rate(found.response_rate),
        "time_to_notify_p50_s": _seconds(found.time_to_notify.p50_s),
        "time_to_notify_p99_s": _seconds(found.time_to_notify.p99_s),
        "time_to_acknowledge_p50_s": _seconds(found.time_to_acknowledge.p50_s),
        "time_to_resolve_p50_s": _seconds(found.time_to_resolve.p50_s),
        "closed_loop_rate": _rate(found.closed_loop_rate),
        "override_rate": _rate(found.override_rate),
        "alerts_per_day": _rate(found.alerts_per_day),
        "confirmed_share": _rate(found.confirmed_share),
        "breaches": found.breaches,
        "breaches_by": [dict(line) for line in found.breaches_by],
        "per_level": {
            level: {
                "orders": line["orders"],
                "response_rate": _rate(line["response_rate"]),
                "time_to_acknowledge_p50_s": _seconds(line["time_to_acknowledge"].p50_s),
                "time_to_acknowledge_p99_s": _seconds(line["time_to_acknowledge"].p99_s),
                "time_to_resolve_p50_s": _seconds(line["time_to_resolve"].p50_s),
                "time_to_resolve_p99_s": _seconds(line["time_to_resolve"].p99_s),
            }
            for level, line in found.per_level.items()
        },
        "approvals_by_pair": [dict(line) for line in found.approvals_by_pair],
        "silent_detectors": list(measured.silent),
        "weeks": [
            {
                "week": week.start.isoformat(),
                "orders": week.orders,
                "alerts": week.alerts,
                "arrival_rate": _rate(week.arrival_rate),
                "response_rate": _rate(week.response_rate),
                "closed_loop_rate": _rate(week.closed_loop_rate),
            }
            for week in measured.weeks
        ],
    }


def row_document(row: FigureRow) -> dict[str, Any]:
    """One row behind a figure."""
    return {
        "id": row.id,
        "object_id": row.object_id,
        "org": row.org,
        "level": row.level,
        "label": row.label,
        "started_at": rfc3339(row.started_at),
        "due_at": None if row.due_at is None else rfc3339(row.due_at),
        "ended_at": None if row.ended_at is None else rfc3339(row.ended_at),
        "seconds": _seconds(row.seconds),
        "verdict": row.verdict,
        "counts": row.counts,
        "hit": row.hit,
    }


def _rate(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _seconds(value: Decimal | None) -> float | None:
    # milliseconds, which a double says exactly as they were written
    return None if value is None else float(value)
