"""How every act of a person runs: permission, legality, its own check, its effect, the record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.context import Context
from workorders.model import WorkOrder
from workorders.states import PERMISSIONS, Outcome, Verb, move, recorded

_NOTHING_TO_DO = "ALREADY_DONE"
_GUARD_PASSED = frozenset({"CLOSE_ALLOWED", "CLOSE_OVERRIDDEN"})


@dataclass(frozen=True, slots=True)
class Act:
    """What one act adds to the plain move."""

    params: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    reason: str = ""
    move: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[WorkOrder, WorkOrder], tuple[str, Mapping[str, Any]]] | None = None
    change: Callable[[WorkOrder, WorkOrder], WorkOrder] | None = None


def perform_act(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    verb: Verb,
    act: Act,
    *,
    expected_version: int | None = None,
    system: bool = False,
) -> Outcome:
    """Permission, legality, the act's own check, its effect; in that order, in one transaction.

    The check and the change are given the order before and after the move; a check that finds
    nothing to do says ``ALREADY_DONE``, and nothing is recorded. A `system` act is one
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
    if not outcome.changed or outcome.order is None:
        return outcome if outcome.ok else refuse(uow, verb, outcome)
    params: Mapping[str, Any] = act.params
    if act.check is not None:
        code, found = act.check(order, outcome.order)
        if code == _NOTHING_TO_DO:
            return Outcome(True, code, order, params=recorded(order))
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
