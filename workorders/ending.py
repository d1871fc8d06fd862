"""How a work order ends: resolved, closed by review, and reopened as a new one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import subjects_of
from workorders.acting import Act, perform_act, refuse
from workorders.again import tell_again
from workorders.closing import conclude
from workorders.context import Context
from workorders.correctives import follow, in_time
from workorders.guard import Condition, decide_close
from workorders.levels import Level
from workorders.model import Closing, Corrective, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, told_people
from workorders.opening import (
    REVIEW,
    lead_of_order,
    open_order,
    review_due,
    start_resolve_clock,
    stop_clocks,
)
from workorders.states import OVERRIDE, PERMISSIONS, Outcome, Verb, move

_NOTE_LIMIT = 20_000


def resolve(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    *,
    text: str = "",
    expected_version: int | None = None,
) -> Outcome:
    """处置完成: stops every clock and page. Red then waits for its second person."""

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        if after.level is Level.RED:
            timers.set_timer(
                uow,
                key=f"{after.id}/review/{after.version}",
                kind=REVIEW,
                due_at=review_due(ctx, after, uow.now),
                payload={"order": after.id},
            )
        return after

    act = Act(text=text[:_NOTE_LIMIT], change=change)
    outcome = perform_act(uow, ctx, order_id, Verb.RESOLVE, act, expected_version=expected_version)
    if outcome.changed and outcome.order is not None and outcome.order.level is Level.RED:
        # It says no more that something is wrong; what it kept quiet may still be.
        tell_again(uow, ctx, order_id, Trigger.INHIBITION_ENDED)
    return outcome


def resume(uow: UnitOfWork, ctx: Context, order_id: str, *, reason: str) -> Outcome:
    """The work is not done after all: back from resolved into work, with the resolve clock."""
    code = "" if reason.strip() else "NEEDS_REASON"

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        return start_resolve_clock(uow, ctx, after)

    act = Act(text=reason, check=lambda _before, _after: (code, {}), change=change)
    return perform_act(uow, ctx, order_id, Verb.RESUME, act)


def close(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    closing: Closing,
    *,
    conditions: Sequence[Condition],
    expected_version: int | None = None,
) -> Outcome:
    """复核关闭: refused while a condition holds, is stale, or cannot be assessed.

    Args:
        uow: the closing transaction, in which the caller evaluated `conditions`.
        ctx: permissions.
        order_id: the order.
        closing: disposition, root cause, corrective action, perhaps an override's reason.
        conditions: the live answer to each of the order's `clears`.
        expected_version: the version on the card that was clicked.
    """

    def check(before: WorkOrder, _after: WorkOrder) -> tuple[str, Mapping[str, Any]]:
        verdict = decide_close(
            before,
            conditions,
            closing,
            closer=uow.actor,
            may_override=ctx.may(uow.actor, OVERRIDE, before.org, uow.now).allowed,
        )
        if verdict.allowed and closing.corrective is not None:
            code, params = _not_followed(uow, ctx, before, closing.corrective)
            if code:
                return code, params
        return verdict.code, verdict.params

    answers: dict[str, Any] = {
        "disposition": closing.disposition,
        "root_cause": closing.root_cause,
        "override": closing.override,
        "corrective": None
        if closing.corrective is None
        else {
            "text": closing.corrective.text,
            "owner": closing.corrective.owner,
            "due": closing.corrective.due,
        },
    }

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        return replace(after, closing=answers)

    act = Act(params=answers, text=closing.note, check=check, change=change)
    outcome = perform_act(uow, ctx, order_id, Verb.CLOSE, act, expected_version=expected_version)
    if outcome.changed and outcome.order is not None:
        conclude(uow, outcome.order, closing)
        wanted = closing.corrective
        if wanted is not None and wanted.owner and wanted.text.strip() and not outcome.order.drill:
            follow(uow, outcome.order, wanted)
        # Everybody who was paged learns that it is over.
        notify(uow, ctx, outcome.order, told_people(uow.connection, order_id), Trigger.CLOSED)
    return outcome


def _not_followed(
    uow: UnitOfWork, ctx: Context, order: WorkOrder, wanted: Corrective
) -> tuple[str, Mapping[str, Any]]:
    """Why nobody would follow this corrective action; empty when somebody can."""
    if wanted.owner and not ctx.people.concerned(wanted.owner, order.org, uow.now):
        return "CORRECTIVE_OWNER", {"person": wanted.owner}
    return ("", {}) if in_time(uow.now, wanted.due) else ("CORRECTIVE_DUE", {"found": wanted.due})


def reopen(uow: UnitOfWork, ctx: Context, order_id: str, *, reason: str) -> Outcome:
    """A closed order stays closed; a new one is opened that points back at it."""
    order = rows.lock_order(uow, order_id)
    if order is None:
        return Outcome(ok=False, code="UNKNOWN_ORDER", order=None)
    allowed = ctx.may(uow.actor, PERMISSIONS[Verb.REOPEN], order.org, uow.now)
    if not allowed.allowed:
        return refuse(uow, Verb.REOPEN, Outcome(False, "FORBIDDEN", order))
    planned = move(order, Verb.REOPEN, actor=uow.actor, at=uow.now)
    if not planned.ok:
        return refuse(uow, Verb.REOPEN, planned)
    if not reason.strip():
        return refuse(uow, Verb.REOPEN, Outcome(False, "NEEDS_REASON", order))
    new = open_order(
        uow,
        ctx,
        replace(lead_of_order(order), event_time=uow.now),
        case=None,
        reason="REOPENED",
        reopened_from=order.id,
        assignees=order.assignees,
        about=subjects_of(uow.connection, order),
        drill=order.drill,
    )
    journal.decision(
        uow,
        "order.reopen",
        org=order.org,
        outcome="reopened",
        params={"new_order": new.id},
        text=reason,
        order_id=order.id,
        case_id=order.case_id,
    )
    return Outcome(ok=True, code="DONE", order=order, changed=True, new_order=new.id)
