"""Flapping: how often a condition changed its colour of late. Every crossing leaves its trace.

A condition that comes and goes is one order and one notice a repeat interval; the crossings in
between are rows, lines of the stream and records of the trail, and the card says how many.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.levels import Level
from workorders.model import EntryKind
from workorders.rows import ALERTS, CROSSINGS

WINDOW = timedelta(hours=24)
_ADD = insert(CROSSINGS).inline()


@dataclass(frozen=True, slots=True)
class Crossing:
    """A condition changed its colour.

    Attributes:
        condition: the key of the fact (`model.Clear.fact_key`).
        before, after: the colours; empty for none.
        at: when the facts say that it happened.
    """

    condition: str
    org: str
    before: str
    after: str
    at: datetime


def record_crossing(uow: UnitOfWork, crossing: Crossing) -> int:
    """Keep a crossing, under its alert and order where there are any; returns the flap score."""
    uow.execute(
        _ADD,
        {
            "condition": crossing.condition,
            "at": crossing.at,
            "before": crossing.before,
            "after": crossing.after,
        },
    )
    score = flap_score(uow.connection, [crossing.condition], crossing.at)
    c = ALERTS.c
    latest = (
        select(ALERTS)
        .where(c.condition == crossing.condition)
        .order_by(c.raised_at.desc(), c.id.desc())
        .limit(1)
    )
    row = uow.connection.execute(latest).mappings().first()
    alert = None if row is None else rows.alert_from(row)
    params = {
        "before": crossing.before,
        "after": crossing.after,
        "crossings": score,
        "event_time": crossing.at,
    }
    journal.record(
        uow,
        "decision",
        "condition.cross",
        object_type="condition" if alert is None else "alert",
        object_id=crossing.condition if alert is None else alert.id,
        org=crossing.org,
        outcome=crossing.after or "none",
        body={**params, "condition": crossing.condition},
    )
    if alert is not None:
        rows.entry(
            uow,
            EntryKind.DECISION,
            "condition.cross",
            params,
            alert_id=alert.id,
            order_id=alert.order_id,
            case_id=alert.case_id,
        )
    return score


def flap_score(connection: Connection, conditions: Collection[str], at: datetime) -> int:
    """Crossings of these conditions within the day before `at`, that moment included."""
    if not conditions:
        return 0
    c = CROSSINGS.c
    wanted = (
        select(func.count())
        .select_from(CROSSINGS)
        .where(c.condition.in_(sorted(conditions)), c.at > at - WINDOW, c.at <= at)
    )
    return int(connection.scalar(wanted) or 0)


def fell_at(connection: Connection, condition: str, level: Level, now: datetime) -> datetime | None:
    """When a condition last fell below `level`; None when no such crossing is on record."""
    c = CROSSINGS.c
    lighter = [""] + [one.value for one in Level if one < level]
    graver = [one.value for one in Level if one >= level]
    fell: datetime | None = connection.scalar(
        select(func.max(c.at)).where(
            c.condition == condition, c.before.in_(graver), c.after.in_(lighter), c.at <= now
        )
    )
    return fell


def colour_of(connection: Connection, condition: str) -> str | None:
    """The colour that a condition crossed into last, empty once it fell; None without one."""
    c = CROSSINGS.c
    last = select(c.after).where(c.condition == condition)
    found: str | None = connection.scalar(last.order_by(c.at.desc(), c.seq.desc()).limit(1))
    return found
