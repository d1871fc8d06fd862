"""The triage inbox's rows: what waits for a person, and what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, select

from workorders import rows
from workorders.model import Alert, AlertState
from workorders.reads import within
from workorders.rows import ALERTS

PAGE = 100


class Pile(StrEnum):
    """Which alerts: those that wait, those that a work order answers for, those decided."""

    WAITING = "waiting"
    IN_ORDER = "in_order"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What to show; empty texts do not restrict."""

    pile: Pile = Pile.WAITING
    source: str = ""
    level: str = ""
    org: str = ""


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """How many alerts each value of a facet would leave, the other facets kept as they are."""

    piles: dict[str, int]
    sources: dict[str, int]
    levels: dict[str, int]
    orgs: dict[str, int]


def count_waiting(connection: Connection, scopes: Sequence[str]) -> int:
    """Alerts that wait for triage."""
    statement = select(func.count()).select_from(ALERTS).where(*_where(scopes, AlertFilter()))
    return connection.scalar(statement) or 0


def waiting_by_level(connection: Connection, scopes: Sequence[str]) -> dict[str, int]:
    """Alerts that wait for triage, by colour."""
    return _grouped(connection, scopes, AlertFilter(), ALERTS.c.level)


def triage_dues(connection: Connection, scopes: Sequence[str]) -> dict[str, datetime]:
    """By colour: when the first of the alerts that wait must have been triaged."""
    c = ALERTS.c
    conditions = _where(scopes, AlertFilter())
    statement = select(c.level, func.min(c.due_at)).where(*conditions).group_by(c.level)
    return {level: at for level, at in connection.execute(statement) if at is not None}


def list_alerts(
    connection: Connection, scopes: Sequence[str], wanted: AlertFilter, offset: int = 0
) -> list[Alert]:
    """The alerts, the newest incident first, those of one incident together."""
    c = ALERTS.c
    newest = func.max(c.raised_at).over(partition_by=c.case_id).label("newest")
    found = (
        select(ALERTS, newest)
        .where(*_where(scopes, wanted))
        .order_by(newest.desc(), c.case_id, c.raised_at, c.id)
        .offset(offset)
        .limit(PAGE)
    )
    return [rows.alert_from(row) for row in connection.execute(found).mappings()]


def count(connection: Connection, scopes: Sequence[str], wanted: AlertFilter) -> int:
    """How many alerts fit."""
    statement = select(func.count()).select_from(ALERTS).where(*_where(scopes, wanted))
    return connection.scalar(statement) or 0


def facet_counts(connection: Connection, scopes: Sequence[str], wanted: AlertFilter) -> AlertCounts:
    """The counts beside the filters."""
    c = ALERTS.c
    piles = {
        pile.value: count(
            connection, scopes, AlertFilter(pile, wanted.source, wanted.level, wanted.org)
        )
        for pile in Pile
    }
    no_source = AlertFilter(wanted.pile, "", wanted.level, wanted.org)
    no_level = AlertFilter(wanted.pile, wanted.source, "", wanted.org)
    no_org = AlertFilter(wanted.pile, wanted.source, wanted.level, "")
    return AlertCounts(
        piles,
        _grouped(connection, scopes, no_source, c.source_kind),
        _grouped(connection, scopes, no_level, c.level),
        _grouped(connection, scopes, no_org, c.org),
    )


def similar(connection: Connection, scopes: Sequence[str], alert: Alert) -> list[Alert]:
    """The last decided alerts of the same code, and how they ended."""
    c = ALERTS.c
    found = (
        select(ALERTS)
        .where(
            within(c.org, scopes),
            c.code == alert.code,
            c.id != alert.id,
            c.state.in_([AlertState.CONFIRMED.value, AlertState.DISMISSED.value]),
        )
        .order_by(c.raised_at.desc())
        .limit(5)
    )
    return [rows.alert_from(row) for row in connection.execute(found).mappings()]


def decided_since(
    connection: Connection, scopes: Sequence[str], since: datetime
) -> tuple[int, int]:
    """How many alerts people confirmed and dismissed since then."""
    c = ALERTS.c
    statement = (
        select(c.state, func.count())
        .where(within(c.org, scopes), c.decided_at >= since)
        .group_by(c.state)
    )
    by_state: dict[str, int] = {row[0]: row[1] for row in connection.execute(statement)}
    return by_state.get("confirmed", 0), by_state.get("dismissed", 0)


def raised_since(connection: Connection, scopes: Sequence[str], since: datetime) -> int:
    """How many alerts were raised since then."""
    statement = (
        select(func.count())
        .select_from(ALERTS)
        .where(within(ALERTS.c.org, scopes), ALERTS.c.raised_at >= since)
    )
    return connection.scalar(statement) or 0


def _grouped(
    connection: Connection, scopes: Sequence[str], wanted: AlertFilter, column: ColumnElement[str]
) -> dict[str, int]:
    statement = select(column, func.count()).where(*_where(scopes, wanted)).group_by(column)
    return {row[0]: row[1] for row in connection.execute(statement)}


def _where(scopes: Sequence[str], wanted: AlertFilter) -> list[ColumnElement[bool]]:
    c = ALERTS.c
    conditions = [within(c.org, scopes), *_pile(wanted.pile)]
    if wanted.source:
        conditions.append(c.source_kind == wanted.source)
    if wanted.level:
        conditions.append(c.level == wanted.level)
    if wanted.org:
        conditions.append(within(c.org, [wanted.org]))
    return conditions


def _pile(pile: Pile) -> list[ColumnElement[bool]]:
    c = ALERTS.c
    if pile is Pile.WAITING:
        return [c.state == AlertState.NEW.value, c.order_id == ""]
    if pile is Pile.IN_ORDER:
        return [c.state == AlertState.NEW.value, c.order_id != ""]
    if pile is Pile.CONFIRMED:
        return [c.state.in_([AlertState.CONFIRMED.value, AlertState.MERGED.value])]
    return [c.state == AlertState.DISMISSED.value]
