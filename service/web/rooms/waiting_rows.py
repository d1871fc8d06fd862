"""The first lines of what waits for a person, and how many there are; no more rows are read.

The same lines in the same order as `workorders.reads.waiting_for`, of which this is the head.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    func,
    null,
    or_,
    select,
)

from service.web.rooms import alert_rows
from workorders import rows
from workorders.levels import Level
from workorders.model import AlertState, State
from workorders.reads import ACTIVE, Waiting, rank_of, what_waits, within
from workorders.rows import ALERTS, ASSIGNMENTS, ORDERS

_LAST = datetime.max.replace(tzinfo=UTC)
_WORKED = [State.ACKNOWLEDGED.value, State.IN_WORK.value]
_O, _A = ORDERS.c, ALERTS.c
_DUE = case(
    (_O.state == State.OPEN.value, _O.acknowledge_due),
    (_O.state == State.RESOLVED.value, null()),
    else_=_O.resolve_due,
)


def first_waiting(
    connection: Connection, person: str, scopes: Sequence[str], limit: int
) -> tuple[list[Waiting], int]:
    """At most `limit` orders and alerts, the next deadline first; and the number of all."""
    orders = _mine(ORDERS, person, scopes, _order_waits(person))
    alerts = _mine(
        ALERTS, person, scopes, and_(_A.state == AlertState.NEW.value, _A.order_id == "")
    )
    first = connection.execute(_head(orders, _DUE, ORDERS, limit)).mappings()
    found = [what_waits(rows.order_from(row)) for row in first]
    for row in connection.execute(_head(alerts, _A.due_at, ALERTS, limit)).mappings():
        alert = rows.alert_from(row)
        found.append(Waiting("TRIAGE", alert.due_at, alert.level, alert=alert))
    found.sort(key=lambda one: (one.due_at or _LAST, -one.level.rank))
    return found[:limit], _count(connection, orders) + _count(connection, alerts)


def _order_waits(person: str) -> ColumnElement[bool]:
    second = and_(
        _O.level == Level.RED.value, or_(_O.resolved_by == person, _O.acknowledged_by == person)
    )
    return or_(
        _O.state == State.OPEN.value,
        and_(_O.state == State.RESOLVED.value, ~second),
        and_(_O.state.in_(_WORKED), _O.owner.in_(["", person])),
    )


def _mine(
    table: Table, person: str, scopes: Sequence[str], waits: ColumnElement[bool]
) -> ColumnElement[bool]:
    assigned = select(ASSIGNMENTS.c.object_id).where(ASSIGNMENTS.c.person == person)
    return and_(table.c.id.in_(assigned), within(table.c.org, scopes), waits)


def _head(
    mine: ColumnElement[bool], due: ColumnElement[datetime], table: Table, limit: int
) -> Select[tuple[object, ...]]:
    order = due.is_(None), due, rank_of(table).desc(), table.c.id
    return select(table).where(mine).order_by(*order).limit(limit)


def _count(connection: Connection, mine: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).where(mine)) or 0


def next_dues(connection: Connection, scopes: Sequence[str]) -> dict[str, tuple[datetime, str]]:
    """By colour: the next deadline of active orders and waiting alerts, and which clock it is."""
    active = [one.value for one in ACTIVE]
    statement = (
        select(_O.level, func.min(_O.acknowledge_due), func.min(_O.resolve_due))
        .where(within(_O.org, scopes), _O.state.in_(active))
        .group_by(_O.level)
    )
    clocks = [
        (level, at, clock)
        for level, *times in connection.execute(statement)
        for at, clock in zip(times, ("acknowledge", "resolve"), strict=True)
    ]
    clocks += [
        (level, at, "triage") for level, at in alert_rows.triage_dues(connection, scopes).items()
    ]
    found: dict[str, tuple[datetime, str]] = {}
    for level, at, clock in clocks:
        if at is not None and (level not in found or at < found[level][0]):
            found[level] = at, clock
    return found
