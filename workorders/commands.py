"""What people do to a work order that is being worked.

All take the unit of work of the acting person (`uow.actor`), who is asked for his permission at
this very moment; a refusal is an `Outcome` with a code, and is recorded. Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from store import timers
from store.clock import rfc3339
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import subjects_of
from workorders.acting import Act, perform_act
from workorders.context import Context
from workorders.levels import Level
from workorders.model import State, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify
from workorders.opening import (
    SNOOZE,
    start_ladder,
    start_resolve_clock,
    stop_clocks,
    stop_paging,
)
from workorders.policy import policy_from_json
from workorders.states import PERMISSIONS, Outcome, Verb

_NOTE_LIMIT = 20_000


def acknowledge(
    uow: UnitOfWork, ctx: Context, order_id: str, *, expected_version: int | None = None
) -> Outcome:
    """确认收到: stops the notify clock, cancels queued notices, starts the resolve clock."""
    act = Act(change=partial(_in_hand, uow, ctx))
    return perform_act(uow, ctx, order_id, Verb.ACKNOWLEDGE, act, expected_version=expected_version)


def _in_hand(uow: UnitOfWork, ctx: Context, before: WorkOrder, after: WorkOrder) -> WorkOrder:
    """Acts that take a matter in hand stop the paging as an acknowledgement does.

    Whoever starts the resolve clock, or owns the order, has it on their list from now on, also
    when the routing named others: somebody must see the clock that runs.
    """
    if before.state is State.SNOOZED:
        timers.cancel(uow, prefix=f"{after.id}/snooze/")
    if before.acknowledged_at is None or before.state is State.SNOOZED:
        held = start_resolve_clock(uow, ctx, after)
    else:
        stop_paging(uow, after)
        held = after
        if after.owner != uow.actor:
            return held
    held = replace(held, assignees=tuple(dict.fromkeys((*held.assignees, uow.actor))))
    rows.assign(uow, held.id, held.assignees)
    return held


def take_over(
    uow: UnitOfWork, ctx: Context, order_id: str, *, expected_version: int | None = None
) -> Outcome:
    """接手: the person owns it from now on; acknowledges it if nobody has."""
    act = Act(change=partial(_in_hand, uow, ctx))
    return perform_act(uow, ctx, order_id, Verb.TAKE_OVER, act, expected_version=expected_version)


def note(uow: UnitOfWork, ctx: Context, order_id: str, text: str) -> Outcome:
    """Add a note, verbatim. Notes survive every re-fire: they are rows of their own."""
    code = "" if text.strip() else "NEEDS_TEXT"
    act = Act(text=text[:_NOTE_LIMIT], check=lambda _before, _after: (code, {}))
    return perform_act(uow, ctx, order_id, Verb.NOTE, act)


def hold_instruction(
    uow: UnitOfWork, ctx: Context, order_id: str, *, objects: Sequence[str], reason: str
) -> Outcome:
    """暂缓指令: note that instructions are held; whoever executes asks for these decisions."""
    code = "" if reason.strip() else "NEEDS_REASON"

    def change(before: WorkOrder, after: WorkOrder) -> WorkOrder:
        for one in objects:
            journal.record(
                uow,
                "decision",
                "object.hold",
                object_type="hedge_order",
                object_id=one,
                org=before.org,
                outcome="hold",
                reason="HELD_BY_PERSON",
                body={"order": before.id, "text": reason},
            )
        return _in_hand(uow, ctx, before, after)

    act = Act(
        params={"objects": list(objects)},
        text=reason,
        check=lambda _before, _after: (code, {}),
        change=change,
    )
    return perform_act(uow, ctx, order_id, Verb.HOLD, act)


def request_approval(
    uow: UnitOfWork, ctx: Context, order_id: str, *, subject: str, approval_id: str
) -> Outcome:
    """提请审批: note that an approval was asked for; the approval itself lives in its own room.

    Args:
        uow: the transaction in which the approval was requested.
        ctx: permissions and clocks.
        order_id: the order.
        subject: what is to be approved, a code (``HEDGE_ORDER``, ``GRANT`` ...).
        approval_id: the approval's id.
    """
    act = Act(
        params={"subject": subject, "approval": approval_id}, change=partial(_in_hand, uow, ctx)
    )
    return perform_act(uow, ctx, order_id, Verb.REQUEST_APPROVAL, act)


def reassign(
    uow: UnitOfWork, ctx: Context, order_id: str, *, people: Sequence[str], reason: str = ""
) -> Outcome:
    """转办: other people answer for it; the deadlines stay."""

    def check(before: WorkOrder, _after: WorkOrder) -> tuple[str, Mapping[str, Any]]:
        if not people:
            return "NEEDS_PEOPLE", {}
        never = ctx.people.called(subjects_of(uow.connection, before))
        for person in dict.fromkeys(people):
            if person in never:
                return "OWN_MATTER", {"person": person}
            may = ctx.may(person, PERMISSIONS[Verb.RESOLVE], before.org, uow.now).allowed
            if not may and person not in before.assignees:  # whom the routing names stays
                return "PERSON_CANNOT_ACT", {"person": person}
        return "", {}

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        return replace(after, assignees=tuple(dict.fromkeys(people)), owner="")

    act = Act(
        params={"people": list(people)},
        text=reason,
        check=check,
        change=change,
    )
    outcome = perform_act(uow, ctx, order_id, Verb.REASSIGN, act)
    if outcome.changed and outcome.order is not None:
        rows.assign(uow, order_id, outcome.order.assignees)
        notify(uow, ctx, outcome.order, outcome.order.assignees, Trigger.REASSIGNED)
    return outcome


def snooze(
    uow: UnitOfWork, ctx: Context, order_id: str, *, until: datetime, reason: str
) -> Outcome:
    """静默: quiet until then, with a reason; never for red, never longer than the policy says."""

    def check(before: WorkOrder, _after: WorkOrder) -> tuple[str, Mapping[str, Any]]:
        limit_s = (policy_from_json(before.policy) if before.policy else ctx.policy).snooze_limit_s
        if before.level is Level.RED:
            return "RED_NOT_SNOOZED", {}
        if not reason.strip():
            return "NEEDS_REASON", {}
        latest = uow.now + timedelta(seconds=limit_s)
        if until <= uow.now:
            return "SNOOZE_PAST", {"until": rfc3339(latest)}
        if until > latest:
            return "SNOOZE_TOO_LONG", {"until": rfc3339(latest)}
        return "", {}

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        timers.set_timer(
            uow,
            key=f"{after.id}/snooze/{after.version}",
            kind=SNOOZE,
            due_at=until,
            payload={"order": after.id},
        )
        return replace(after, acknowledge_due=None, resolve_due=None)

    act = Act(
        params={"until": until}, text=reason, move={"until": until}, check=check, change=change
    )
    return perform_act(uow, ctx, order_id, Verb.SNOOZE, act)


def wake(uow: UnitOfWork, ctx: Context, order_id: str, *, system: bool = False) -> Outcome:
    """End a snooze: back to where it was, with its clock, and told anew."""

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        timers.cancel(uow, prefix=f"{after.id}/snooze/")
        if after.acknowledged_at is None:
            return start_ladder(uow, ctx, after)
        return start_resolve_clock(uow, ctx, after)

    outcome = perform_act(uow, ctx, order_id, Verb.WAKE, Act(change=change), system=system)
    if outcome.changed and outcome.order is not None:
        notify(uow, ctx, outcome.order, outcome.order.assignees, Trigger.SNOOZE_ENDED)
    return outcome
