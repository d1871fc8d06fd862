"""Finding the case of a match in the tables, and joining cases that a match connects."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, or_, select, update

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.again import tell_again
from workorders.cases import assign, widen
from workorders.context import Context
from workorders.model import Alert, Case, Match, SourceKind
from workorders.noise import Trigger
from workorders.opening import adopt_alerts, fired, is_active, merge_orders
from workorders.relieving import relieve_joined
from workorders.rows import ALERTS, CASES, MATCHES, STREAM

_OF_CAUSE = select(CASES).where(
    CASES.c.org == bindparam("org"), CASES.c.state == "open", CASES.c.cause == bindparam("cause")
)


class Placed(NamedTuple):
    """Where a match went.

    Attributes:
        case: the case, saved as widened by the match.
        connected: ids of other cases that the match connects with it.
        new: whether the case was made for this match.
    """

    case: Case
    connected: tuple[str, ...] = ()
    new: bool = False


def place(uow: UnitOfWork, ctx: Context, match: Match, known: Alert | None) -> Placed:
    """Put a match into its case."""
    cause = match.cause if match.source_kind is SourceKind.ROBOT else ""
    if known is not None:
        # The same key on an order that is still worked: the same trouble, however long ago.
        case = widen(rows.find_case(uow.connection, known.case_id), match)
        rows.save_case(uow, case, new=False)
        return Placed(case)
    window = timedelta(seconds=ctx.policy.case_window_s)
    assignment = assign(match, [], window=window)
    while True:
        # A group that grew may now reach cases beyond the span that was looked at.
        span = (assignment.case.first_event, assignment.case.last_event)
        assignment = assign(match, _near(uow, match, cause, span, window), window=window)
        if (assignment.case.first_event, assignment.case.last_event) == span:
            break
    case = assignment.case
    if case.id:
        rows.save_case(uow, case, new=False)
        return Placed(case, assignment.absorbed)
    case = replace(case, id=rows.next_id(uow, "CS", uow.now.astimezone(ctx.zone)))
    rows.save_case(uow, case, new=True)
    return Placed(case, new=True)


def closed_near(uow: UnitOfWork, ctx: Context, match: Match) -> list[Case]:
    """The closed cases that the match would have joined, the latest first.

    None when an open case takes it in.
    """
    window = timedelta(seconds=ctx.policy.case_window_s)
    span = (match.event_time, match.event_time)
    if assign(match, _near(uow, match, "", span, window), window=window).case.id:
        return []
    found = _near(uow, match, "", span, window, state="closed")
    joined = [one for one in found if assign(match, [one], window=window).case.id and one.order_id]
    return sorted(joined, key=lambda one: (one.last_event, one.id), reverse=True)


def _near(  # noqa: PLR0917 - one step of `place`
    uow: UnitOfWork,
    match: Match,
    cause: str,
    span: tuple[datetime, datetime],
    window: timedelta,
    state: str = "open",
) -> list[Case]:
    """The organisation's cases within reach of `span`, and those of the same batch run."""
    c = CASES.c
    if cause:  # an alert from outside shares a case with nothing but itself
        found = uow.execute(_OF_CAUSE, {"org": match.org, "cause": cause})
        return [rows.case_from(row) for row in found.mappings()]
    near: ColumnElement[bool] = (c.last_event >= span[0] - window) & (
        c.first_event <= span[1] + window
    )
    if match.batch_run:
        near = or_(near, c.batch_run == match.batch_run)
    statement = select(CASES).where(c.org == match.org, c.state == state, near, c.cause == "")
    return [rows.case_from(row) for row in uow.execute(statement).mappings()]


def absorb(uow: UnitOfWork, ctx: Context, case: Case, other_id: str) -> Case:
    """Move another case's matches into `case`; its order, if any, is merged."""
    other = rows.find_case(uow.connection, other_id)
    more = 0 if other.order_id else fired(uow, other_id)
    for moved in (ALERTS, MATCHES, STREAM):
        uow.execute(update(moved).where(moved.c.case_id == other_id).values(case_id=case.id))
    uow.execute(
        update(CASES).where(CASES.c.id == other_id).values(state="merged", merged_into=case.id)
    )
    if case.order_id:
        target = rows.lock_order(uow, case.order_id)
        source = rows.lock_order(uow, other.order_id) if other.order_id else None
        if target is not None and source is not None and is_active(source):
            joined = merge_orders(uow, ctx, source, target, reason="SAME_CASE")
            relieve_joined(uow, ctx, joined)
            tell_again(uow, ctx, source.id, Trigger.INHIBITION_ENDED)
        if target is not None:
            if more:
                target = replace(target, count=target.count + more)
                rows.save_order(uow, target, was=target.version)
            adopt_alerts(uow, case.id, target)
    journal.record(
        uow,
        "decision",
        "case.merge",
        object_type="case",
        object_id=other_id,
        org=case.org,
        outcome="merged",
        body={"into": case.id},
    )
    return case
