"""Matches that come after the closing and are about what happened before it.

They belong to the case that was closed: they stand there as evidence, and whoever was told of the
order is asked whether its closing still holds. A graver match opens an order as ever.
"""

from datetime import timedelta
from typing import NamedTuple

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.alerts import count_known, raise_alert
from workorders.cases import widen
from workorders.context import Context
from workorders.dedup import dedup_key
from workorders.levels import Level
from workorders.matches import store_match
from workorders.model import Alert, Case, Match, SourceKind, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, told_people
from workorders.placing import closed_near
from workorders.states import TERMINAL
from workorders.triage import opens_order

#: What comes sooner after it happened is not late; what it finds is new.
ON_TIME = timedelta(minutes=1)
LATE_EVIDENCE = "LATE_EVIDENCE"


class Closed(NamedTuple):
    """A case whose order was closed after the match had happened."""

    case: Case
    order: WorkOrder


def closed_before(uow: UnitOfWork, ctx: Context, match: Match) -> Closed | None:
    """The closed case that a late match belongs to; None for one that is not late, or graver.

    A condition that can still hold is no evidence of what is over: it is judged anew.
    """
    late = uow.now - match.event_time > ON_TIME
    if not late or match.clears is not None or match.source_kind is SourceKind.ROBOT:
        return None
    for case in closed_near(uow, ctx, match):
        order = rows.find_order(uow.connection, case.order_id)
        if order is None or order.state not in TERMINAL or order.closed_at is None:
            continue
        if match.event_time <= order.closed_at and _not_graver(match, order.level):
            return Closed(case, order)
    return None


def count_late(uow: UnitOfWork, ctx: Context, match: Match, identity: str, closed: Closed) -> Alert:
    """Put the match to the closed order, on record and in the stream, and tell its people."""
    assert match.level is not None  # noqa: S101 - a decision on an object alone is no evidence
    key, order = dedup_key(match), closed.order
    case = widen(closed.case, match)
    rows.save_case(uow, case, new=False)
    known = next(
        (one for one in rows.alerts_of_case(uow.connection, case.id) if one.key == key), None
    )
    if known is None:
        alert = raise_alert(uow, ctx, match, match.level, key, case=case)
    else:
        alert, _ = count_known(uow, ctx, match, match.level, known)
    store_match(uow, match, identity, alert.id, case, refire=known is not None)
    journal.decision(
        uow,
        "order.attach",
        org=order.org,
        outcome=order.state.value,
        reason=LATE_EVIDENCE,
        params={
            "code": match.code,
            "rule": match.rule,
            "level": match.level.value,
            "event_time": match.event_time,
            "count": order.count,
        },
        order_id=order.id,
        case_id=case.id,
    )
    if opens_order(match.level, match.source_kind):
        people = told_people(uow.connection, order.id) or order.assignees
        notify(uow, ctx, order, people, Trigger.LATE_EVIDENCE)
    return alert


def _not_graver(match: Match, level: Level) -> bool:
    return match.level is not None and match.level <= level
