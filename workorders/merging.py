"""合并: one work order ends in another, which answers for both from then on."""

from collections.abc import Sequence

from store.unit_of_work import UnitOfWork
from workorders import reads, rows
from workorders.about import subjects_of
from workorders.acting import refuse
from workorders.again import tell_again
from workorders.context import Context
from workorders.model import State, WorkOrder
from workorders.noise import Trigger
from workorders.opening import merge_orders
from workorders.relieving import relieve_joined
from workorders.states import PERMISSIONS, Outcome, Verb, move, recorded

_TEXT_LIMIT = 20_000
#: An order that rests would put to rest what is merged into it.
_TARGET_STATES = {
    State.MERGED: "MERGE_TARGET_MERGED",
    State.CLOSED: "MERGE_TARGET_CLOSED",
    State.RESOLVED: "MERGE_TARGET_RESOLVED",
    State.SNOOZED: "MERGE_TARGET_SNOOZED",
}


def why_not_merged(order: WorkOrder, target: WorkOrder) -> str:
    """Why `order` cannot end in `target` as both stand, a code; empty when it can.

    Rights and the state of `order` itself are asked elsewhere.
    """
    if order.id == target.id:
        return "MERGE_ITSELF"
    if order.org != target.org:
        return "MERGE_OTHER_UNIT"
    if order.drill != target.drill:
        return "MERGE_DRILL"
    return _TARGET_STATES.get(target.state, "")


def merge(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    *,
    into: str,
    text: str = "",
    scopes: Sequence[str] | None = None,
    expected_version: int | None = None,
    into_version: int | None = None,
) -> Outcome:
    """合并: `order_id` ends in `into`; both link to each other, its evidence moves over.

    Args:
        uow: the unit of work of the person who merges.
        ctx: who may; asked for both orders.
        order_id: the order that ends.
        into: the order that goes on.
        text: why, in the person's words.
        scopes: what the person sees; None when the caller has asked for `into` before.
        expected_version: the version of `order_id` that the person saw.
        into_version: the version of `into` that the person saw.
    """
    # Both are held in the order of their numbers, so that two merges never wait for each other.
    held = {one: rows.lock_order(uow, one) for one in sorted({order_id, into})}
    order, target = held[order_id], held[into]
    if order is None:
        return Outcome(ok=False, code="UNKNOWN_ORDER", order=None)
    if target is None or not _sees(uow, into, scopes):
        unknown = Outcome(False, "MERGE_TARGET_UNKNOWN", order, params={"other": into})
        return refuse(uow, Verb.MERGE, _not_by_this_person(uow, ctx, order, order) or unknown)
    answer = (
        _not_by_this_person(uow, ctx, order, order)
        or _not_by_this_person(uow, ctx, order, target)
        or _not_now(uow, order, target, expected_version, into_version)
    )
    if answer is not None:
        return answer if answer.ok else refuse(uow, Verb.MERGE, answer)
    joined = merge_orders(uow, ctx, order, target, reason="BY_PERSON", text=text[:_TEXT_LIMIT])
    relieve_joined(uow, ctx, joined)
    tell_again(uow, ctx, order_id, Trigger.INHIBITION_ENDED)
    merged = rows.find_order(uow.connection, order_id)
    return Outcome(True, "DONE", merged, True, {"other": target.id})


def _sees(uow: UnitOfWork, order_id: str, scopes: Sequence[str] | None) -> bool:
    return scopes is None or reads.get_order(uow.connection, order_id, scopes) is not None


def _not_by_this_person(
    uow: UnitOfWork, ctx: Context, order: WorkOrder, one: WorkOrder
) -> Outcome | None:
    """The refusal when the person may not merge `one`, or is whom it is about."""
    needed = PERMISSIONS[Verb.MERGE]
    allowed = ctx.may(uow.actor, needed, one.org, uow.now)
    if not allowed.allowed:
        missing = {"permission": needed, "why": str(allowed.reason), "other": one.id}
        return Outcome(False, "FORBIDDEN", order, params=missing)
    if uow.actor in ctx.people.called(subjects_of(uow.connection, one)):
        return Outcome(False, "OWN_MATTER", order, params={"person": uow.actor, "other": one.id})
    return None


def _not_now(
    uow: UnitOfWork,
    order: WorkOrder,
    target: WorkOrder,
    expected_version: int | None,
    into_version: int | None,
) -> Outcome | None:
    """The answer when nothing is merged as both stand; None when it can be."""
    if order.state is State.MERGED and order.merged_into != target.id:
        return Outcome(False, "ORDER_MERGED", order, params=recorded(order))
    planned = move(
        order,
        Verb.MERGE,
        actor=uow.actor,
        at=uow.now,
        expected_version=expected_version,
        into=target.id,
    )
    if not planned.changed:
        return planned
    if code := why_not_merged(order, target):
        return Outcome(False, code, order, params={**recorded(target), "other": target.id})
    if into_version is not None and into_version != target.version:
        params = {**recorded(target), "expected": into_version, "version": target.version}
        return Outcome(False, "STALE_VERSION", order, params=params)
    return None
