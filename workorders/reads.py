"""Reading orders, alerts and streams. Only rows inside the reader's scopes are ever returned.

A scope is an organisation path: it covers itself and what lies beneath. No scope, no row. Scopes
that carry their reader (`directory.Scopes`) leave out what is about that person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    not_,
    or_,
    select,
)

from directory.scopes import Scopes
from store.clock import parse_rfc3339, rfc3339
from store.json_search import is_one_of
from workorders import rows
from workorders.explain import Explanation, explain
from workorders.levels import Level
from workorders.model import Alert, AlertState, Entry, State, WorkOrder
from workorders.rows import ALERTS, ASSIGNMENTS, CASES, MATCHES, ORDERS, STREAM

_LIMIT = 500
_WORKED = (State.OPEN, State.ACKNOWLEDGED, State.IN_WORK)
ACTIVE = (*_WORKED, State.SNOOZED, State.RESOLVED)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which orders or alerts; an empty field does not restrict."""

    states: Sequence[str] = ()
    levels: Sequence[Level] = ()
    product: str = ""
    month: str = ""
    org: str = ""
    source_kind: str = ""
    rule: str = ""
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    person: str = ""
    kinds: Sequence[str] = ()
    tag: str = ""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders in the order that was asked for; `cursor` goes on, empty at the end."""

    items: tuple[WorkOrder, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One page of alerts, newest first; `cursor` goes on, empty at the end."""

    items: tuple[Alert, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of "waiting for me", whatever it is.

    Attributes:
        why: ``ACKNOWLEDGE``, ``RESOLVE``, ``REVIEW`` (by a second person), ``CLOSE`` or ``TRIAGE``.
        due_at: the deadline; None when no clock runs.
    """

    why: str
    due_at: datetime | None
    level: Level
    order: WorkOrder | None = None
    alert: Alert | None = None

    @property
    def matter_id(self) -> str:
        """The id of the order or alert."""
        matter = self.order or self.alert
        return matter.id if matter is not None else ""


def within(column: ColumnElement[str], scopes: Sequence[str]) -> ColumnElement[bool]:
    """The condition that an organisation lies inside one of `scopes`.

    Orders and alerts about the reader whom the scopes carry are left out: who is its subject
    neither reads nor judges a matter.
    """
    parts = [
        or_(column == scope, column.startswith(f"{scope}/", autoescape=True))
        for scope in scopes
        if scope
    ]
    if not parts:
        return false()
    inside = or_(*parts)
    table = getattr(column, "table", None)
    if not isinstance(scopes, Scopes) or (table is not ORDERS and table is not ALERTS):
        return inside
    if not scopes.matters:
        return false()
    about = ALERTS.alias("about")
    of_order = (
        # one that follows such an order, or was merged into it, is about the same person
        about.c.order_id.in_([ORDERS.c.id, ORDERS.c.reopened_from, ORDERS.c.merged_into])
        if table is ORDERS
        else about.c.order_id == ALERTS.c.order_id
    )
    subject = exists().where(of_order, about.c.actor.in_(scopes.subjects), about.c.order_id != "")
    conditions = [inside, not_(subject)]
    if table is ALERTS:
        conditions.append(ALERTS.c.actor.not_in(scopes.subjects))
    return and_(*conditions)


def get_order(
    connection: Connection, order_id: str, scopes: Sequence[str] | None = None
) -> WorkOrder | None:
    """The order, if it lies inside `scopes`; None for scopes means the house itself asks."""
    row = _one(connection, ORDERS, order_id, scopes)
    return None if row is None else rows.order_from(row)


def get_alert(
    connection: Connection, alert_id: str, scopes: Sequence[str] | None = None
) -> Alert | None:
    """The alert, if it lies inside `scopes`; None for scopes means the house itself asks."""
    row = _one(connection, ALERTS, alert_id, scopes)
    return None if row is None else rows.alert_from(row)


def _one(
    connection: Connection, table: Table, row_id: str, scopes: Sequence[str] | None
) -> RowMapping | None:
    statement = select(table).where(table.c.id == row_id)
    if scopes is not None:
        statement = statement.where(within(table.c.org, scopes))
    return connection.execute(statement).mappings().first()


def list_orders(
    connection: Connection,
    scopes: Sequence[str],
    filters: Filter | None = None,
    *,
    cursor: str = "",
    limit: int = 50,
    worst_first: bool = False,
) -> OrderPage:
    """Orders inside `scopes`, newest first; with `worst_first` red ones stand before the others."""
    conditions = order_conditions(scopes, filters or Filter())
    found, after = _page(
        connection, ORDERS, ORDERS.c.opened_at, conditions,
        cursor=cursor, limit=limit, worst_first=worst_first,
    )  # fmt: skip
    return OrderPage(tuple(rows.order_from(row) for row in found), after)


def order_conditions(scopes: Sequence[str], wanted: Filter) -> list[ColumnElement[bool]]:
    """What the orders inside `scopes` that are wanted have in common."""
    conditions = _conditions(ORDERS, ORDERS.c.opened_at, scopes, wanted)
    if wanted.kinds:
        conditions.append(ORDERS.c.kind.in_(list(wanted.kinds)))
    if wanted.tag:
        conditions.append(is_one_of(ORDERS.c.tags, wanted.tag))
    return conditions


def list_alerts(
    connection: Connection,
    scopes: Sequence[str],
    filters: Filter | None = None,
    *,
    cursor: str = "",
    limit: int = 50,
) -> AlertPage:
    """Alerts inside `scopes`, newest first."""
    wanted = filters or Filter()
    conditions = _conditions(ALERTS, ALERTS.c.raised_at, scopes, wanted)
    if wanted.source_kind:
        conditions.append(ALERTS.c.source_kind == wanted.source_kind)
    if wanted.rule:
        conditions.append(ALERTS.c.rule == wanted.rule)
    found, after = _page(
        connection, ALERTS, ALERTS.c.raised_at, conditions, cursor=cursor, limit=limit
    )
    return AlertPage(tuple(rows.alert_from(row) for row in found), after)


def _conditions(
    table: Table, moment: ColumnElement[datetime], scopes: Sequence[str], wanted: Filter
) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = [within(c.org, scopes)]
    if wanted.states:
        conditions.append(c.state.in_(list(wanted.states)))
    if wanted.levels:
        conditions.append(c.level.in_([level.value for level in wanted.levels]))
    if wanted.org:
        conditions.append(within(c.org, [wanted.org]))
    if wanted.product:
        conditions.append(c.product == wanted.product)
    if wanted.month:
        conditions.append(c.month == wanted.month)
    if wanted.opened_from is not None:
        conditions.append(moment >= wanted.opened_from)
    if wanted.opened_to is not None:
        conditions.append(moment < wanted.opened_to)
    if wanted.person:
        mine = select(ASSIGNMENTS.c.object_id).where(ASSIGNMENTS.c.person == wanted.person)
        conditions.append(c.id.in_(mine))
    return conditions


def _page(
    connection: Connection,
    table: Table,
    moment: Any,
    conditions: Sequence[ColumnElement[bool]],
    *,
    cursor: str,
    limit: int,
    worst_first: bool = False,
) -> tuple[list[RowMapping], str]:
    statement = select(table).where(*conditions)
    if after := _parse_cursor(cursor):
        later = or_(moment < after.at, and_(moment == after.at, table.c.id < after.last_id))
        if worst_first and after.level is not None:
            worse = rank_of(table)
            rank = after.level.rank
            later = or_(worse < rank, and_(worse == rank, later))
        statement = statement.where(later)
    size = max(1, min(limit, _LIMIT))
    first = [rank_of(table).desc()] if worst_first else []
    statement = statement.order_by(*first, moment.desc(), table.c.id.desc()).limit(size + 1)
    found = list(connection.execute(statement).mappings())
    if len(found) <= size:
        return found, ""
    last = found[size - 1]
    reached = f"{rfc3339(last[moment.name])}|{last['id']}"
    return found[:size], f"{reached}|{last['level']}" if worst_first else reached


def rank_of(table: Table) -> ColumnElement[int]:
    """How heavy the colour of a row is: red most."""
    return case({one.value: one.rank for one in Level}, value=table.c.level)


def is_cursor(text: str) -> bool:
    """Whether `text` is a cursor of a page of orders or alerts."""
    return _parse_cursor(text) is not None


class _Cursor(NamedTuple):
    """Where a page ended; `level` only where the worst come first."""

    at: datetime
    last_id: str
    level: Level | None


def _parse_cursor(cursor: str) -> _Cursor | None:
    at, bar, rest = cursor.partition("|")
    if not bar:
        return None
    last_id, with_level, level = rest.partition("|")
    try:
        return _Cursor(parse_rfc3339(at), last_id, Level(level) if with_level else None)
    except ValueError:
        return None  # a cursor of somebody else's making starts from the top


def stream(connection: Connection, order_id: str) -> list[Entry]:
    """The one stream of an order: matches, decisions, notes, notices, approvals, oldest first.

    It includes what its case gathered before the order was opened, and the streams of the orders
    that were merged into it; that they were is said once.
    """
    c = STREAM.c
    cases = select(CASES.c.id).where(CASES.c.order_id == order_id)
    orders = (order_id, *merged_in(connection, order_id))
    said_there = and_(c.code == "order.merge", c.order_id != order_id)
    statement = (
        select(STREAM)
        .where(or_(c.order_id.in_(orders), c.case_id.in_(cases)), not_(said_there))
        .order_by(c.seq)
    )
    return [rows.entry_from(row) for row in connection.execute(statement).mappings()]


def merged_in(connection: Connection, order_id: str) -> tuple[str, ...]:
    """The ids of the orders that were merged into this one, and into those, the first first."""
    c = STREAM.c
    found: list[str] = []
    near: Sequence[str] = [order_id]
    while near:
        lines = (
            select(c.params)
            .where(c.order_id.in_(near), c.code == "order.merged_in")
            .order_by(c.seq)
        )
        near = [str(params["other"]) for params in connection.scalars(lines)]
        found += near
    return tuple(found)


def alert_stream(connection: Connection, alert_id: str) -> list[Entry]:
    """What happened to one alert, oldest first."""
    statement = select(STREAM).where(STREAM.c.alert_id == alert_id).order_by(STREAM.c.seq)
    return [rows.entry_from(row) for row in connection.execute(statement).mappings()]


def matches_of(
    connection: Connection, *, order_id: str = "", alert_id: str = ""
) -> list[dict[str, Any]]:
    """The matches of an order's cases or of one alert with their whole why-trace, by event time.

    Each is the match's body with `id`, `alert_id` and `recorded_at`.
    """
    c = MATCHES.c
    chosen: ColumnElement[bool]
    if order_id:
        chosen = c.case_id.in_(select(CASES.c.id).where(CASES.c.order_id == order_id))
    else:
        chosen = c.alert_id == alert_id
    found = connection.execute(select(MATCHES).where(chosen).order_by(c.event_time, c.id))
    return [
        {
            **row["body"],
            "id": row["id"],
            "alert_id": row["alert_id"],
            "recorded_at": rfc3339(row["recorded_at"]),
        }
        for row in found.mappings()
    ]


def alerts_of(connection: Connection, order_id: str) -> list[Alert]:
    """The alerts that an order answers for."""
    return rows.alerts_of_order(connection, order_id)


def explanation(connection: Connection, order: WorkOrder) -> Explanation:
    """The order's three lines, from the last match of its leading key."""
    bodies = [
        body
        for body in matches_of(connection, order_id=order.id)
        if body["code"] == order.title_params.get("code")
    ]
    last = bodies[-1] if bodies else {}
    return explain(
        code=str(order.title_params.get("code", "")),
        value=order.value,
        limit=order.limit,
        unit=order.unit,
        first_seen=order.first_seen,
        evidence=last.get("evidence", {}),
        series=[(parse_rfc3339(at), Decimal(value)) for at, value in last.get("series", [])],
        remedies=[(code, params) for code, params in last.get("remedies", [])],
    )


def counts(connection: Connection, scopes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per level: active orders (`orders`), alerts that wait for triage (`alerts`)."""
    result = {level.value: {"orders": 0, "alerts": 0} for level in Level}
    for name, table, states in (
        ("orders", ORDERS, [state.value for state in ACTIVE]),
        ("alerts", ALERTS, [AlertState.NEW.value]),
    ):
        statement = (
            select(table.c.level, func.count())
            .where(within(table.c.org, scopes), table.c.state.in_(states))
            .group_by(table.c.level)
        )
        for level, number in connection.execute(statement):
            result[level][name] = number
    return result


def waiting_for(
    connection: Connection, person: str, scopes: Sequence[str] | None = None
) -> list[Waiting]:
    """Orders and alerts on this person's list, by deadline; what has no deadline comes last."""
    mine = select(ASSIGNMENTS.c.object_id).where(ASSIGNMENTS.c.person == person)
    lines: list[Waiting] = []
    for order in _mine(connection, ORDERS, mine, [s.value for s in ACTIVE], scopes):
        why = _why(rows.order_from(order), person)
        if why is not None:
            lines.append(why)
    for row in _mine(connection, ALERTS, mine, [AlertState.NEW.value], scopes):
        alert = rows.alert_from(row)
        if not alert.order_id:
            lines.append(Waiting("TRIAGE", alert.due_at, alert.level, alert=alert))
    return sorted(
        lines,
        key=lambda line: (
            line.due_at is None,
            rfc3339(line.due_at) if line.due_at else "",
            -line.level.rank,
        ),
    )


def _mine(
    connection: Connection,
    table: Table,
    mine: Any,
    states: Sequence[str],
    scopes: Sequence[str] | None,
) -> Any:
    statement = select(table).where(table.c.id.in_(mine), table.c.state.in_(list(states)))
    if scopes is not None:
        statement = statement.where(within(table.c.org, scopes))
    return connection.execute(statement).mappings()


def _why(order: WorkOrder, person: str) -> Waiting | None:
    if order.state is State.RESOLVED:
        second = order.level is Level.RED
        waits = not (second and person in {order.resolved_by, order.acknowledged_by})
    else:
        waits = order.state is State.OPEN or (
            order.state in _WORKED and order.owner in {"", person}
        )
    return what_waits(order) if waits else None


def what_waits(order: WorkOrder) -> Waiting:
    """What is to be done next with an order that is not over, and until when."""
    if order.state is State.OPEN:
        return Waiting("ACKNOWLEDGE", order.acknowledge_due, order.level, order=order)
    if order.state is State.RESOLVED:
        why = "REVIEW" if order.level is Level.RED else "CLOSE"
        return Waiting(why, None, order.level, order=order)
    return Waiting("RESOLVE", order.resolve_due, order.level, order=order)
