"""The rows behind the figures, read from the database.

Each family (orders, notices, alerts, approvals) is one statement over a range of one index; totals
read it whole, a page of rows reads a piece of it. Only rows inside the reader's scopes are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from approvals.tables import EventRow, RequestRow
from store.schema import table
from workorders.figures.rows import FigureRow
from workorders.figures.verdicts import AlertTimes, NoticeTimes, OrderTimes
from workorders.model import SourceKind
from workorders.reads import within
from workorders.rows import ALERTS, NOTICES, ORDERS

_ACTS = table(str(EventRow.__tablename__))
_REQUESTS = table(str(RequestRow.__tablename__))
_PIECE = 500
_O, _A, _N = ORDERS.c, ALERTS.c, NOTICES.c


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked for.

    Attributes:
        scopes: organisation paths; none means no row.
        since, until: half-open, [since, until).
        at: when it is asked; what lies after it has not happened.
    """

    scopes: Sequence[str]
    since: datetime
    until: datetime
    at: datetime


class Family(NamedTuple):
    """A statement over one kind of row, in the order of `moment` and `key`."""

    statement: Select[Any]
    moment: ColumnElement[datetime]
    key: ColumnElement[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All rows of a period; `carried` are orders from before that were closed in it."""

    orders: Sequence[OrderTimes]
    notices: Sequence[NoticeTimes]
    alerts: Sequence[AlertTimes]
    carried: Sequence[OrderTimes]
    approvals: Sequence[FigureRow]


_ORDER_COLUMNS = (
    _O.id, _O.org, _O.level, _O.state, _O.opened_at, _O.acknowledge_by, _O.answered_at,
    _O.resolved_at, _O.closed_at, _O.closing,
)  # fmt: skip


def opened_orders(period: Period) -> Family:
    """Orders opened in the period."""
    return Family(select(*_ORDER_COLUMNS).where(*_cohort(period)), _O.opened_at, _O.id)


def carried_orders(period: Period) -> Family:
    """Orders opened before the period and closed within it."""
    return Family(
        select(*_ORDER_COLUMNS).where(
            _O.closed_at >= period.since,
            _O.closed_at < period.until,
            _O.opened_at < period.since,
            _O.drill.is_(False),
            within(_O.org, period.scopes),
        ),
        _O.closed_at,
        _O.id,
    )


def notices(period: Period) -> Family:
    """Notices about the orders opened in the period, whenever they were sent."""
    statement = (
        select(
            _N.key, _N.object_id, _O.org, _N.level, _N.person, _N.channel, _N.state, _N.queued_at,
            _N.due_at, _N.sent_at, _O.opened_at,
        )
        .join(ORDERS, _O.id == _N.object_id)
        .where(*_cohort(period))
    )  # fmt: skip
    return Family(statement, _O.opened_at, _N.key)


def raised_alerts(period: Period) -> Family:
    """Alerts raised in the period; those that only a drill answers for are left out."""
    statement = (
        select(
            _A.id, _A.org, _A.level, _A.rule, _A.version, _A.raised_at, _A.state, _A.reason,
            _A.decided_at, _A.limit, _A.use, _A.source_kind, _A.cause,
        )
        .outerjoin(ORDERS, _O.id == _A.order_id)
        .where(
            _A.raised_at >= period.since,
            _A.raised_at < period.until,
            within(_A.org, period.scopes),
            or_(_O.id.is_(None), _O.drill.is_(False)),
        )
    )  # fmt: skip
    return Family(statement, _A.raised_at, _A.id)


def approval_acts(period: Period) -> Family:
    """Approvals given in the period, by requester and signer."""
    statement = (
        select(
            _ACTS.c.id, _ACTS.c.at, _ACTS.c.actor, _REQUESTS.c.requester, _REQUESTS.c.org,
            _REQUESTS.c.id.label("request"), _REQUESTS.c.created_at,
        )
        .join(_REQUESTS, _REQUESTS.c.id == _ACTS.c.request_id)
        .where(
            _ACTS.c.at >= period.since,
            _ACTS.c.at < period.until,
            _ACTS.c.verb == "approve",
            _ACTS.c.accepted.is_(True),
            within(_REQUESTS.c.org, period.scopes),
        )
    )  # fmt: skip
    return Family(statement, _ACTS.c.at, _ACTS.c.id)


def _cohort(period: Period) -> tuple[ColumnElement[bool], ...]:
    return (
        _O.opened_at >= period.since,
        _O.opened_at < period.until,
        _O.drill.is_(False),
        within(_O.org, period.scopes),
    )


def load(connection: Connection, period: Period) -> Loaded:
    """All rows of the period."""
    told = dict(
        connection.execute(
            select(_N.object_id, func.min(_N.sent_at))
            .join(ORDERS, _O.id == _N.object_id)
            .where(*_cohort(period), _N.sent_at.is_not(None))
            .group_by(_N.object_id)
        ).all()
    )
    again = select(_O.reopened_from).where(
        _O.reopened_from != "", _O.opened_at >= period.since, _O.drill.is_(False)
    )
    reopened = frozenset(connection.scalars(again))

    def orders(family: Family) -> list[OrderTimes]:
        found = connection.execute(family.statement)
        return [order_of(row, told, reopened) for row in found]

    return Loaded(
        orders=orders(opened_orders(period)),
        notices=[notice_of(row) for row in connection.execute(notices(period).statement)],
        alerts=[alert_of(row) for row in connection.execute(raised_alerts(period).statement)],
        carried=orders(carried_orders(period)),
        approvals=[pair_of(row) for row in connection.execute(approval_acts(period).statement)],
    )


def with_links(connection: Connection, found: Sequence[Row[Any]]) -> list[OrderTimes]:
    """The orders of a page, with their first notice and whether they were reopened."""
    told: dict[str, datetime] = {}
    reopened: set[str] = set()
    for start in range(0, len(found), _PIECE):
        ids = [row.id for row in found[start : start + _PIECE]]
        sent = (
            select(_N.object_id, func.min(_N.sent_at))
            .where(_N.object_id.in_(ids), _N.sent_at.is_not(None))
            .group_by(_N.object_id)
        )
        told.update(dict(connection.execute(sent).all()))
        again = select(_O.reopened_from).where(_O.reopened_from.in_(ids), _O.drill.is_(False))
        reopened.update(connection.scalars(again))
    return [order_of(row, told, reopened) for row in found]


def order_of(
    row: Row[Any], told: Mapping[str, datetime], reopened: frozenset[str] | set[str]
) -> OrderTimes:
    """The order of a row of `opened_orders` or `carried_orders`."""
    return OrderTimes(
        row.id, row.org, row.level, row.state, row.opened_at, row.acknowledge_by, row.answered_at,
        row.resolved_at, row.closed_at, told.get(row.id), row.id in reopened,
        bool((row.closing or {}).get("override")),
    )  # fmt: skip


def notice_of(row: Row[Any]) -> NoticeTimes:
    """The notice of a row of `notices`."""
    return NoticeTimes(
        row.key, row.object_id, row.org, row.level, row.person, row.channel, row.state,
        row.queued_at, row.due_at, row.sent_at,
    )  # fmt: skip


def alert_of(row: Row[Any]) -> AlertTimes:
    """The alert of a row of `raised_alerts`."""
    return AlertTimes(
        row.id, row.org, row.level, row.rule, row.version, row.raised_at, row.state, row.reason,
        row.decided_at, row.limit is not None and row.use is not None,
        # The cause of a model's alert begins with its family.
        row.cause.partition("|")[0] if row.source_kind == SourceKind.MODEL else "",
    )  # fmt: skip


def pair_of(row: Row[Any]) -> FigureRow:
    """One approval: who asked and who signed, from the request to the signature."""
    return FigureRow(
        str(row.id), row.request, row.org, "", f"{row.requester} → {row.actor}",
        row.created_at, None, row.at, "APPROVED", counts=True, hit=True,
    )  # fmt: skip
