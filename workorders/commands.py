"""What people do to a work order. Each act is one transaction's part and one decision.

All take the unit of work of the acting person (`uow.actor`), who is asked for his permission at
this very moment; a refusal is an `Outcome` with a code, and is recorded. Nothing here commits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.closing import conclude
from workorders.context import Context
from workorders.guard import Condition, decide_close
from workorders.levels import Level
from workorders.model import Closing, State, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, told_people
from workorders.opening import (
    REVIEW,
    SNOOZE,
    is_active,
    lead_of_order,
    merge_orders,
    open_order,
    review_due,
    start_ladder,
    start_resolve_clock,
    stop_clocks,
    stop_paging,
)
from workorders.policy import policy_from_json
from workorders.rows import CASES
from workorders.states import OVERRIDE, PERMISSIONS, Outcome, Verb, move, recorded

_NOTE_LIMIT = 20_000
_TAG_LIMIT = 64
_GUARD_PASSED = frozenset({"CLOSE_ALLOWED", "CLOSE_OVERRIDDEN"})


@dataclass(frozen=True, slots=True)
class _Act:
    """What one act adds to the plain move."""

    params: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    reason: str = ""
    move: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[WorkOrder, WorkOrder], tuple[str, Mapping[str, Any]]] | None = None
    change: Callable[[WorkOrder, WorkOrder], WorkOrder] | None = None


def _act(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    verb: Verb,
    act: _Act,
    *,
    expected_version: int | None = None,
    system: bool = False,
) -> Outcome:
    """Permission, legality, the act's own check, its effect; in that order, in one transaction.

    The check and the change are given the order before and after the move. A `system` act is one
    of ours (a timer) and needs no permission.
    """
    order = rows.lock_order(uow, order_id)
    if order is None:
        return Outcome(ok=False, code="UNKNOWN_ORDER", order=None)
    if not system:
        allowed = ctx.may(uow.actor, PERMISSIONS[verb], order.org, uow.now)
        if not allowed.allowed:
            missing = {"permission": PERMISSIONS[verb], "why": str(allowed.reason)}
            return refuse(uow, verb, Outcome(False, "FORBIDDEN", order, params=missing))
    outcome = move(
        order,
        verb,
        actor=uow.actor,
        at=uow.now,
        expected_version=expected_version,
        **act.move,
    )
    if not outcome.ok:
        return refuse(uow, verb, outcome)
    if not outcome.changed or outcome.order is None:
        return outcome
    params: Mapping[str, Any] = act.params
    if act.check is not None:
        code, found = act.check(order, outcome.order)
        if code and code not in _GUARD_PASSED:
            return refuse(uow, verb, Outcome(False, code, order, params=found))
        params = {**params, **found, **({"guard": code} if code else {})}
    moved = act.change(order, outcome.order) if act.change is not None else outcome.order
    rows.save_order(uow, moved, was=order.version)
    journal.decision(
        uow,
        f"order.{verb.value}",
        org=order.org,
        outcome=moved.state.value,
        reason=act.reason,
        params={**params, "before": order.state.value},
        text=act.text,
        order_id=order.id,
        case_id=order.case_id,
        version=moved.version,
    )
    return Outcome(ok=True, code="DONE", order=moved, changed=True, params=params)


def refuse(uow: UnitOfWork, verb: Verb, outcome: Outcome) -> Outcome:
    """A refusal is recorded too; it changes nothing."""
    order = outcome.order
    if order is not None:
        journal.record(
            uow,
            "decision",
            f"order.{verb.value}",
            object_type="work_order",
            object_id=order.id,
            org=order.org,
            outcome="refused",
            reason=outcome.code,
            body={**outcome.params, "state": order.state.value, "version": order.version},
        )
    return outcome


def acknowledge(
    uow: UnitOfWork, ctx: Context, order_id: str, *, expected_version: int | None = None
) -> Outcome:
    """确认收到: stops the notify clock, cancels queued notices, starts the resolve clock."""

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        return start_resolve_clock(uow, ctx, after)

    act = _Act(change=change)
    return _act(uow, ctx, order_id, Verb.ACKNOWLEDGE, act, expected_version=expected_version)


def _in_hand(uow: UnitOfWork, ctx: Context, before: WorkOrder, after: WorkOrder) -> WorkOrder:
    """Acts that take a matter in hand stop the paging as an acknowledgement does."""
    if before.acknowledged_at is None or before.state is State.SNOOZED:
        return start_resolve_clock(uow, ctx, after)
    stop_paging(uow, after)
    return after


def take_over(
    uow: UnitOfWork, ctx: Context, order_id: str, *, expected_version: int | None = None
) -> Outcome:
    """接手: the person owns it from now on; acknowledges it if nobody has."""

    def change(before: WorkOrder, after: WorkOrder) -> WorkOrder:
        taken = _in_hand(uow, ctx, before, after)
        taken = replace(taken, assignees=tuple(dict.fromkeys((*taken.assignees, uow.actor))))
        rows.assign(uow, taken.id, taken.assignees)
        return taken

    act = _Act(change=change)
    return _act(uow, ctx, order_id, Verb.TAKE_OVER, act, expected_version=expected_version)


def note(uow: UnitOfWork, ctx: Context, order_id: str, text: str) -> Outcome:
    """Add a note, verbatim. Notes survive every re-fire: they are rows of their own."""
    code = "" if text.strip() else "NEEDS_TEXT"
    act = _Act(text=text[:_NOTE_LIMIT], check=lambda _before, _after: (code, {}))
    return _act(uow, ctx, order_id, Verb.NOTE, act)


def tag(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Outcome:
    """Add and remove tags."""

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        added = (word.strip()[:_TAG_LIMIT] for word in add if word.strip())
        tags = dict.fromkeys((*after.tags, *added))
        return replace(after, tags=tuple(word for word in tags if word not in remove))

    act = _Act(params={"add": list(add), "remove": list(remove)}, change=change)
    return _act(uow, ctx, order_id, Verb.TAG, act)


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

    act = _Act(
        params={"objects": list(objects)},
        text=reason,
        check=lambda _before, _after: (code, {}),
        change=change,
    )
    return _act(uow, ctx, order_id, Verb.HOLD, act)


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

    def change(before: WorkOrder, after: WorkOrder) -> WorkOrder:
        return _in_hand(uow, ctx, before, after)

    act = _Act(params={"subject": subject, "approval": approval_id}, change=change)
    return _act(uow, ctx, order_id, Verb.REQUEST_APPROVAL, act)


def reassign(
    uow: UnitOfWork, ctx: Context, order_id: str, *, people: Sequence[str], reason: str = ""
) -> Outcome:
    """转办: other people answer for it; the deadlines stay."""
    code = "" if people else "NEEDS_PEOPLE"

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        return replace(after, assignees=tuple(dict.fromkeys(people)), owner="")

    act = _Act(
        params={"people": list(people)},
        text=reason,
        check=lambda _before, _after: (code, {}),
        change=change,
    )
    outcome = _act(uow, ctx, order_id, Verb.REASSIGN, act)
    if outcome.changed and outcome.order is not None:
        rows.assign(uow, order_id, outcome.order.assignees)
        notify(uow, ctx, outcome.order, outcome.order.assignees, Trigger.REASSIGNED)
    return outcome


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

    act = _Act(text=text[:_NOTE_LIMIT], change=change)
    return _act(uow, ctx, order_id, Verb.RESOLVE, act, expected_version=expected_version)


def resume(uow: UnitOfWork, ctx: Context, order_id: str, *, reason: str) -> Outcome:
    """The work is not done after all: back from resolved into work, with the resolve clock."""
    code = "" if reason.strip() else "NEEDS_REASON"

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        return start_resolve_clock(uow, ctx, after)

    act = _Act(text=reason, check=lambda _before, _after: (code, {}), change=change)
    return _act(uow, ctx, order_id, Verb.RESUME, act)


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

    act = _Act(params=answers, text=closing.note, check=check, change=change)
    outcome = _act(uow, ctx, order_id, Verb.CLOSE, act, expected_version=expected_version)
    if outcome.changed and outcome.order is not None:
        conclude(uow, outcome.order, closing)
        # Everybody who was paged learns that it is over.
        notify(uow, ctx, outcome.order, told_people(uow, order_id), Trigger.CLOSED)
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
        if not uow.now < until <= uow.now + timedelta(seconds=limit_s):
            return "SNOOZE_TOO_LONG", {"limit_s": limit_s}
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

    act = _Act(
        params={"until": until}, text=reason, move={"until": until}, check=check, change=change
    )
    return _act(uow, ctx, order_id, Verb.SNOOZE, act)


def wake(uow: UnitOfWork, ctx: Context, order_id: str, *, system: bool = False) -> Outcome:
    """End a snooze: back to where it was, with its clock, and told anew."""

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        timers.cancel(uow, prefix=f"{after.id}/snooze/")
        if after.acknowledged_at is None:
            return start_ladder(uow, ctx, after)
        return start_resolve_clock(uow, ctx, after)

    outcome = _act(uow, ctx, order_id, Verb.WAKE, _Act(change=change), system=system)
    if outcome.changed and outcome.order is not None:
        notify(uow, ctx, outcome.order, outcome.order.assignees, Trigger.SNOOZE_ENDED)
    return outcome


def merge(
    uow: UnitOfWork, ctx: Context, order_id: str, *, into: str, reason: str = "BY_PERSON"
) -> Outcome:
    """合并: `order_id` ends in `into`; both link to each other, its evidence moves over."""
    order, target = rows.lock_order(uow, order_id), rows.lock_order(uow, into)
    if order is None or target is None:
        return Outcome(ok=False, code="UNKNOWN_ORDER", order=order)
    allowed = ctx.may(uow.actor, PERMISSIONS[Verb.MERGE], order.org, uow.now)
    if not allowed.allowed:
        return refuse(uow, Verb.MERGE, Outcome(False, "FORBIDDEN", order))
    if order.id == target.id or order.org != target.org or not is_active(target):
        refused = Outcome(False, "MERGE_NOT_ALLOWED", order, params=recorded(target))
        return refuse(uow, Verb.MERGE, refused)
    planned = move(order, Verb.MERGE, actor=uow.actor, at=uow.now, into=into)
    if not planned.ok:
        return refuse(uow, Verb.MERGE, planned)
    if planned.changed:
        merge_orders(uow, ctx, order, target, reason=reason)
        if order.case_id:
            uow.execute(update(CASES).where(CASES.c.id == order.case_id).values(order_id=target.id))
    return replace(planned, order=rows.find_order(uow.connection, order_id))


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
