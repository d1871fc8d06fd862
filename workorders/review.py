"""The review centre (复盘): what was closed or put aside, why, how fast, how often it came back."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from workorders import rows
from workorders.correctives import Followed, correctives_of
from workorders.levels import Level
from workorders.model import Alert, AlertState, State, WorkOrder
from workorders.reads import within
from workorders.rows import ALERTS, NOTICES, ORDERS

#: How far back the same matter counts as having come back.
RECURRENCE = timedelta(days=90)
#: The most matters that one look takes in.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which matters; an empty field does not restrict.

    Attributes:
        since, until: the span of the ending, the end not included.
        what: ``order`` or ``alert``.
        disposition: of an order (`guard.DISPOSITIONS`), or why an alert was dismissed.
        root_cause: of an order.
        corrective: ``open`` (overdue included), ``overdue`` or ``done``.
    """

    since: datetime
    until: datetime
    what: str = ""
    org: str = ""
    rule: str = ""
    levels: tuple[Level, ...] = ()
    disposition: str = ""
    root_cause: str = ""
    corrective: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One matter that has ended: a closed order, or an alert that was put aside without one.

    Attributes:
        ended_at, ended_by: when and by whom.
        disposition: how it ended.
        root_cause: of an order; empty for an alert.
        override: why it was closed although the condition held; empty for a plain closing.
        earlier: orders about the same matter within `RECURRENCE` before it.
        told_s, acknowledged_s, resolved_s, closed_s: seconds from its opening; None for never.
        corrective: what was to be done afterwards.
    """

    matter: WorkOrder | Alert
    ended_at: datetime
    ended_by: str
    disposition: str
    root_cause: str = ""
    override: str = ""
    earlier: int = 0
    told_s: int | None = None
    acknowledged_s: int | None = None
    resolved_s: int | None = None
    closed_s: int | None = None
    corrective: Followed | None = None

    @property
    def is_order(self) -> bool:
        """Whether it is a closed order."""
        return isinstance(self.matter, WorkOrder)

    @property
    def rule(self) -> str:
        """The rule, model or robot that raised it; empty for what a person opened."""
        if isinstance(self.matter, WorkOrder):
            return str(self.matter.title_params.get("rule", ""))
        return self.matter.rule

    @property
    def code(self) -> str:
        """The code of what it was about."""
        if isinstance(self.matter, WorkOrder):
            return str(self.matter.title_params.get("code", ""))
        return self.matter.code


@dataclass(frozen=True, slots=True)
class Review:
    """What was found: the latest ending first.

    Attributes:
        more: whether there were more than `MOST` in the span, so that the oldest are missing.
    """

    items: tuple[Reviewed, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """The orders of one root cause.

    Attributes:
        orders: how many.
        again: how many of them had come before.
        overdue: how many of their corrective actions are late.
    """

    code: str
    orders: int
    again: int
    overdue: int


def review(
    connection: Connection, scopes: Sequence[str], wanted: Wanted, *, now: datetime
) -> Review:
    """What ended inside `scopes` in the span asked for. Drills are no cases and stay out."""
    orders = [] if wanted.what == "alert" else _orders(connection, scopes, wanted)
    alerts = [] if wanted.what == "order" else _alerts(connection, scopes, wanted)
    more = max(len(orders), len(alerts)) > MOST
    orders, alerts = orders[:MOST], alerts[:MOST]
    ids = [one.id for one in orders]
    followed, told = correctives_of(connection, ids), _told(connection, ids)
    earlier = _earlier(connection, orders)
    found = [
        *(_order(one, followed.get(one.id), told.get(one.id), earlier[one.id]) for one in orders),
        *(_alert(one) for one in alerts),
    ]
    fit = [one for one in found if _fits(one, wanted, now)]
    fit.sort(key=lambda one: (one.ended_at, one.matter.id), reverse=True)
    return Review(tuple(fit), more)


def causes_of(items: Sequence[Reviewed], now: datetime) -> tuple[Cause, ...]:
    """The orders among `items` by root cause, the most frequent first."""
    orders = [one for one in items if one.is_order]
    counts = Counter(one.root_cause for one in orders)
    again = Counter(one.root_cause for one in orders if one.earlier)
    late = Counter(
        one.root_cause
        for one in orders
        if one.corrective is not None and one.corrective.state(now) == "overdue"
    )
    found = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Cause(code, count, again[code], late[code]) for code, count in found)


def _orders(connection: Connection, scopes: Sequence[str], wanted: Wanted) -> list[WorkOrder]:
    c = ORDERS.c
    chosen = _ended(ORDERS, c.closed_at, State.CLOSED, scopes, wanted).where(c.drill.is_(False))
    return [rows.order_from(row) for row in connection.execute(chosen).mappings()]


def _alerts(connection: Connection, scopes: Sequence[str], wanted: Wanted) -> list[Alert]:
    c = ALERTS.c
    chosen = _ended(ALERTS, c.decided_at, AlertState.DISMISSED, scopes, wanted)
    found = connection.execute(chosen.where(c.order_id == ""))
    return [rows.alert_from(row) for row in found.mappings()]


def _ended(
    table: Table,
    ended: ColumnElement[datetime],
    state: State | AlertState,
    scopes: Sequence[str],
    wanted: Wanted,
) -> Select[Any]:
    """The rows of a table that came to `state` in the span, the latest first; one too many."""
    c = table.c
    chosen = select(table).where(
        c.state == state.value,
        within(c.org, scopes),
        ended >= wanted.since,
        ended < wanted.until,
    )
    if wanted.org:
        chosen = chosen.where(within(c.org, [wanted.org]))
    if wanted.levels:
        chosen = chosen.where(c.level.in_([one.value for one in wanted.levels]))
    return chosen.order_by(ended.desc(), c.id.desc()).limit(MOST + 1)


def _told(connection: Connection, ids: Sequence[str]) -> dict[str, datetime]:
    """When the first card about each order was taken by a channel."""
    c = NOTICES.c
    chosen = (
        select(c.object_id, func.min(c.sent_at))
        .where(c.object_id.in_(list(ids)), c.sent_at.is_not(None))
        .group_by(c.object_id)
    )
    return {row[0]: row[1] for row in connection.execute(chosen)}


def _earlier(connection: Connection, orders: Sequence[WorkOrder]) -> dict[str, int]:
    """How many orders of the same key were opened within `RECURRENCE` before each."""
    keys = {one.lead_key for one in orders} - {""}
    c = ORDERS.c
    found = connection.execute(
        select(c.lead_key, c.opened_at)
        .where(c.lead_key.in_(keys), c.drill.is_(False))
        .order_by(c.opened_at)
    )
    opened: dict[str, list[datetime]] = {}
    for key, at in found:
        opened.setdefault(key, []).append(at)

    def before(order: WorkOrder) -> int:
        times = opened.get(order.lead_key, [])
        first = bisect_left(times, order.opened_at - RECURRENCE)
        return bisect_left(times, order.opened_at) - first

    return {one.id: before(one) for one in orders}


def _order(
    order: WorkOrder, corrective: Followed | None, told: datetime | None, earlier: int
) -> Reviewed:
    closing = order.closing
    ended = order.closed_at or order.opened_at
    return Reviewed(
        order,
        ended,
        order.closed_by,
        str(closing.get("disposition", "")),
        str(closing.get("root_cause", "")),
        str(closing.get("override", "")),
        earlier,
        _after(order, told),
        _after(order, order.answered_at),
        _after(order, order.resolved_at),
        _after(order, order.closed_at),
        corrective,
    )


def _alert(alert: Alert) -> Reviewed:
    ended = alert.decided_at or alert.raised_at
    seconds = int((ended - alert.raised_at).total_seconds())
    return Reviewed(alert, ended, alert.decided_by, alert.reason, closed_s=seconds)


def _after(order: WorkOrder, at: datetime | None) -> int | None:
    return None if at is None else int((at - order.opened_at).total_seconds())


def _fits(one: Reviewed, wanted: Wanted, now: datetime) -> bool:
    state = "" if one.corrective is None else one.corrective.state(now)
    follows = {"": True, "open": state in {"open", "overdue"}}
    return (
        wanted.rule in {"", one.rule}
        and wanted.disposition in {"", one.disposition}
        and wanted.root_cause in {"", one.root_cause}
        and follows.get(wanted.corrective, state == wanted.corrective)
    )
