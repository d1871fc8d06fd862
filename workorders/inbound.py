"""A verified click from a channel, carried out as the person whom it is linked to.

The same click twice finds the recorded outcome; a stale or late one is answered with it.
"""

from dataclasses import dataclass, field
from typing import Any

from store.unit_of_work import UnitOfWork
from workorders.channel import Inbound
from workorders.commands import acknowledge, take_over
from workorders.context import Context
from workorders.ending import resolve
from workorders.fire import escalate
from workorders.inbox import confirm_alert, dismiss_alert
from workorders.triage import Reason

# A mail code proves less than a chat identity or a sign-in.
_WEAK_VERBS = frozenset({"acknowledge"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the surface tells the person who pressed.

    Attributes:
        ok: false when it was refused.
        code: ``DONE``, ``ALREADY_DONE`` or the reason of the refusal.
        object_id: the order or alert; `version` is its version now (0 for an alert).
        params: who did what, when, and what is still needed.
    """

    ok: bool
    code: str
    object_id: str
    version: int = 0
    params: dict[str, Any] = field(default_factory=dict)


def perform(uow: UnitOfWork, ctx: Context, inbound: Inbound) -> Answer:
    """Carry out a click on an order or an alert; `uow.actor` is the linked person.

    Approvals are carried out by their own room.
    """
    if not inbound.strong and inbound.verb not in _WEAK_VERBS:
        return Answer(ok=False, code="NEEDS_SIGN_IN", object_id=inbound.object_id)
    if inbound.object_id.startswith("AL-"):
        return _alert(uow, ctx, inbound)
    version = inbound.version
    match inbound.verb:
        case "acknowledge":
            outcome = acknowledge(uow, ctx, inbound.object_id, expected_version=version)
        case "take_over":
            outcome = take_over(uow, ctx, inbound.object_id, expected_version=version)
        case "resolve":
            outcome = resolve(
                uow, ctx, inbound.object_id, text=inbound.reason, expected_version=version
            )
        case "escalate":
            outcome = escalate(uow, ctx, inbound.object_id)
        case _:
            return Answer(ok=False, code="UNKNOWN_VERB", object_id=inbound.object_id)
    return Answer(
        outcome.ok,
        outcome.code,
        inbound.object_id,
        0 if outcome.order is None else outcome.order.version,
        dict(outcome.params),
    )


def _alert(uow: UnitOfWork, ctx: Context, inbound: Inbound) -> Answer:
    match inbound.verb:
        case "confirm":
            outcome = confirm_alert(uow, ctx, inbound.object_id, text=inbound.reason)
        case "dismiss":
            reasons: list[Reason | str] = [inbound.reason] if inbound.reason.strip() else []
            outcome = dismiss_alert(uow, ctx, inbound.object_id, reasons=reasons)
        case _:
            return Answer(ok=False, code="UNKNOWN_VERB", object_id=inbound.object_id)
    params = {**outcome.params, "order": outcome.order_id}
    return Answer(outcome.ok, outcome.code, inbound.object_id, params=params)
