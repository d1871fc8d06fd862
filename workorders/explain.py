"""An order explains itself in three lines: what broke, since when, what would bring it back.

Each line is a code with parameters; the catalogue makes the sentence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from store.clock import rfc3339
from store.types import decimal_text
from workorders.card import Line
from workorders.plain import plain

POINTS = 20
_TIMES = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Explanation:
    """The three lines.

    Attributes:
        broke: what broke: value, limit, margin.
        since: since when and how fast, over at most `POINTS` points.
        series: those points (time as RFC 3339, value as text), oldest first.
        back: what would bring it back, each with whether it is possible now.
    """

    broke: Line
    since: Line
    series: tuple[tuple[str, str], ...] = ()
    back: tuple[Line, ...] = field(default_factory=tuple)


def explain(
    *,
    code: str,
    value: Decimal | None,
    limit: Decimal | None,
    unit: str,
    first_seen: datetime,
    evidence: Mapping[str, Any],
    series: Sequence[tuple[datetime, Decimal]] = (),
    remedies: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> Explanation:
    """The three lines of one match.

    Args:
        code: the rule's outcome code.
        value: the figure that broke; None for something that has happened.
        limit: its limit, if it has one.
        unit: the unit of both.
        first_seen: event time of the first match.
        evidence: figures of the match, for rules without a limit.
        series: (time, value), oldest first; the last `POINTS` are shown.
        remedies: (code, parameters) of what would bring it back; `possible` (bool) and `why` (a
            code) stand in the parameters.
    """
    points = tuple(series[-POINTS:])
    shown = tuple((rfc3339(at), decimal_text(amount)) for at, amount in points)
    return Explanation(
        broke=_broke(code, value, limit, unit, evidence),
        since=_since(first_seen, points, unit),
        series=shown,
        back=tuple(Line(f"remedy.{name}", plain(params)) for name, params in remedies)
        or (Line("remedy.none_known"),),
    )


def _broke(
    code: str,
    value: Decimal | None,
    limit: Decimal | None,
    unit: str,
    evidence: Mapping[str, Any],
) -> Line:
    params: dict[str, Any] = {"code": code, "unit": unit}
    if value is None:
        return Line("explain.happened", {**params, "evidence": plain(evidence)})
    params["value"] = decimal_text(value)
    if limit is None or limit <= 0:
        return Line("explain.value", params)
    with localcontext() as context:
        context.prec = 38
        use = abs(value) / limit
        times = use.quantize(_TIMES, rounding=ROUND_HALF_EVEN)
        margin = abs(value) - limit
    params |= {
        "limit": decimal_text(limit),
        "times": str(times),
        "use": f"{use * 100:,.0f}",
        "margin": decimal_text(margin),
    }
    return Line("explain.over_limit" if margin > 0 else "explain.near_limit", params)


def _since(first_seen: datetime, points: Sequence[tuple[datetime, Decimal]], unit: str) -> Line:
    params: dict[str, Any] = {"since": rfc3339(first_seen), "unit": unit}
    if not points or points[0][0] == points[-1][0]:
        return Line("explain.since", params)
    minutes = int((points[-1][0] - points[0][0]).total_seconds() // 60)
    moved = {
        **params,
        "change": decimal_text(points[-1][1] - points[0][1]),
        "points": len(points),
    }
    if minutes == 0:
        return Line("explain.since_moved_at_once", moved)
    return Line("explain.since_moved", {**moved, "minutes": minutes})
