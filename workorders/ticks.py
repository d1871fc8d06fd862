"""Group ticks of one order: new evidence and re-fires wait here until it is time to tell them."""

from datetime import datetime

from store import timers
from store.clock import parse_rfc3339, rfc3339
from store.timers import Timer
from store.unit_of_work import UnitOfWork
from workorders.context import Context
from workorders.grouping import first_notice, repeat_tick, tick_after
from workorders.model import State, WorkOrder
from workorders.noise import Trigger, in_hand
from workorders.notices import Sent, last_noted, notify, redraw

GROUP = "workorders.group"


def note_change(uow: UnitOfWork, ctx: Context, order: WorkOrder, trigger: Trigger) -> Sent:
    """Have new evidence (`ATTACHED`) or the same again (`REFIRE`) told at its tick.

    Until the first notice leaves, it joins that. Nothing is told here; the answer says why not yet.
    """
    quiet = in_hand(order.state)
    if quiet:
        return Sent((), {quiet: order.assignees})
    policy = ctx.clock_of(order).policy
    start = first_notice(order, policy)
    if uow.now < start:
        _arm(uow, order, Trigger.OPENED, 0, start)
        return Sent((), {"GROUP_WAIT": order.assignees})
    if trigger is Trigger.ATTACHED:
        _arm(uow, order, trigger, *tick_after(start, uow.now, policy))
        return Sent((), {"GROUP_INTERVAL": order.assignees})
    last = last_noted(uow, order.id)
    due = (
        tick_after(start, uow.now, policy)
        if last is None
        else repeat_tick(start, last, uow.now, policy)
    )
    _arm(uow, order, Trigger.REFIRE, *due)
    return Sent((), {"REPEAT_INTERVAL": order.assignees})


def _arm(
    uow: UnitOfWork, order: WorkOrder, trigger: Trigger, number: int, due_at: datetime
) -> None:
    timers.set_timer(
        uow,
        key=f"{order.id}/group/{trigger.value}/{number}",
        kind=GROUP,
        due_at=due_at,
        payload={"order": order.id, "trigger": trigger.value, "at": rfc3339(uow.now)},
    )


def tick(uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder) -> tuple[str, ...]:
    """One tick is due: who is told. Nobody, once somebody has the matter in hand."""
    if order.state is not State.OPEN:
        return ()
    policy = ctx.clock_of(order).policy
    trigger = Trigger(timer.payload["trigger"])
    changed_at = parse_rfc3339(timer.payload["at"])
    start = first_notice(order, policy)
    if trigger is Trigger.OPENED:
        if not redraw(uow, order):  # the first notice left without it
            _arm(uow, order, Trigger.ATTACHED, *tick_after(start, uow.now, policy))
        return ()
    sent = notify(uow, ctx, order, order.assignees, trigger, changed_at=changed_at)
    last = last_noted(uow, order.id)
    if "REPEAT_INTERVAL" in sent.held and not sent.people and last is not None:
        # A rung of the ladder told them in between: the same again, counted from there.
        _arm(uow, order, Trigger.REFIRE, *repeat_tick(start, last, uow.now, policy))
    return sent.people
