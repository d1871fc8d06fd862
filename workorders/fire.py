"""What happens when a timer of this room is due. Each occasion happens exactly once.

`fire_timer` marks the timer as fired in the transaction that does its work. After downtime the
missed timers fire one by one in the order of their due times, and the true due time is recorded.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from store import timers
from store.timers import Timer
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import subjects_of
from workorders.acting import refuse
from workorders.commands import wake
from workorders.context import Context
from workorders.correctives import CORRECTIVE, overdue
from workorders.drills import DRILL, over
from workorders.dwelling import DWELL, held
from workorders.exemption_ending import EXEMPTION, due
from workorders.ladder import Rung, Told, next_repeat, repeat_every, rung_after, unanswered, whom
from workorders.model import Alert, AlertState, State, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, told_people
from workorders.opening import (
    LADDER,
    RESOLVE,
    REVIEW,
    SNOOZE,
    TRIAGE,
    arm_rung,
    is_active,
    review_due,
)
from workorders.policy import policy_from_json
from workorders.rows import ALERTS, STREAM
from workorders.silencing import SILENCE, expire
from workorders.states import PERMISSIONS, Outcome, Verb, move, recorded
from workorders.ticks import GROUP, tick

#: Why a rung is climbed: nobody has answered yet, or nobody answered the last resort's calls.
NOT_ACKNOWLEDGED, UNANSWERED = "NOT_ACKNOWLEDGED", "UNANSWERED"
#: Within it a person's second escalation of an order is a double click: the act leaves state and
#: version alone, so nothing else tells the two clicks apart.
DOUBLE_CLICK = timedelta(seconds=10)
KINDS = frozenset(
    {
        CORRECTIVE,
        DRILL,
        DWELL,
        EXEMPTION,
        GROUP,
        LADDER,
        RESOLVE,
        REVIEW,
        SILENCE,
        SNOOZE,
        TRIAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Fired:
    """What a timer led to.

    Attributes:
        code: ``ESCALATED``, ``RESOLVE_OVERDUE``, ``REVIEW_OVERDUE``, ``TRIAGE_OVERDUE``,
            ``WOKEN``, ``GROUP_TOLD``, ``DWELL_HELD``, ``CORRECTIVE_OVERDUE``,
            ``SILENCE_EXPIRED``, ``DRILL_OVER``, ``EXEMPTION_BEGUN``, ``EXEMPTION_REMINDED``,
            ``EXEMPTION_ENDED``,
            ``FIRED_ELSEWHERE``, ``NOTHING_TO_DO`` (the matter is settled).
        object_id: the order, alert, silence or exemption.
        told: who was told.
    """

    code: str
    object_id: str = ""
    told: tuple[str, ...] = ()


def fire_timer(uow: UnitOfWork, timer: Timer, ctx: Context) -> Fired:
    """Do what is due. The caller runs it as ``system:escalator``, one timer a transaction.

    Raises:
        ValueError: when the timer is none of this room's (`KINDS`).
    """
    if timer.kind not in KINDS:
        raise ValueError(f"not a timer of work orders: {timer.kind}")
    if not timers.fire(uow, timer.id):
        return Fired("FIRED_ELSEWHERE")
    if timer.kind in _WITHOUT_ORDER:
        return _WITHOUT_ORDER[timer.kind](uow, ctx, timer)
    order = rows.lock_order(uow, str(timer.payload["order"]))
    if order is None or not is_active(order):
        return Fired("NOTHING_TO_DO", str(timer.payload["order"]))
    return _WORK[timer.kind](uow, ctx, timer, order)


def _reach(uow: UnitOfWork, ctx: Context, order: WorkOrder | Alert, rung: Rung) -> Told:
    return _reached(uow.connection, ctx, order, rung, uow.now)


def _reached(
    connection: Connection, ctx: Context, order: WorkOrder | Alert, rung: Rung, now: datetime
) -> Told:
    frozen = order.policy if isinstance(order, WorkOrder) else None
    policy = policy_from_json(frozen) if frozen else ctx.policy
    told = told_people(connection, order.id) or order.assignees
    about = subjects_of(connection, order)
    return whom(
        rung,
        order.org,
        roster=lambda org: ctx.roster(org, order.level, now, about),
        told=told,
        last_resort=policy.last_resort,
    )


def _ladder(uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder) -> Fired:
    if order.state is not State.OPEN or order.acknowledged_at is not None:
        return Fired("NOTHING_TO_DO", order.id)
    rung = Rung(
        int(timer.payload["rung"]), timer.due_at, last_resort=bool(timer.payload["last_resort"])
    )
    return climb(uow, ctx, order, rung, reason=NOT_ACKNOWLEDGED)


def climb(uow: UnitOfWork, ctx: Context, order: WorkOrder, rung: Rung, *, reason: str) -> Fired:
    """Climb one rung: tell its people, arm the next one, record both times."""
    reached = _reach(uow, ctx, order, rung)
    after = rung_after(ctx.clock_of(order), rung.number, rung.due_at)
    if rung.last_resort:
        # Told again for ever, but a long sleep is not made up for by a flood.
        policy = ctx.clock_of(order).policy
        told = rung.number - policy.levels[order.level].rungs
        every = repeat_every(policy, told)
        after = replace(after, due_at=next_repeat(rung, uow.now, every))
        if reason == NOT_ACKNOWLEDGED and unanswered(policy, told):
            reason = UNANSWERED
    climbed = replace(
        order,
        rung=rung.number,
        assignees=tuple(dict.fromkeys((*order.assignees, *reached.people))),
    )
    if order.acknowledged_at is None and order.state is State.OPEN:
        climbed = replace(climbed, acknowledge_due=after.due_at)
        arm_rung(uow, climbed, after)
    rows.save_order(uow, climbed, was=order.version)
    rows.assign(uow, climbed.id, climbed.assignees)
    journal.decision(
        uow,
        "order.escalate",
        org=order.org,
        outcome=order.state.value,
        reason=reason,
        params={
            "rung": rung.number,
            "due_at": rung.due_at,
            "fired_at": uow.now,
            "people": list(reached.people),
            "routing": reached.reason,
            "org": reached.org,
            "next_due": after.due_at,
        },
        order_id=order.id,
        case_id=order.case_id,
    )
    notify(uow, ctx, climbed, reached.people, Trigger.RUNG, rung=rung.number)
    return Fired("ESCALATED", order.id, reached.people)


def escalate(uow: UnitOfWork, ctx: Context, order_id: str, *, reason: str = "") -> Outcome:
    """升级: a person climbs the next rung now, without waiting for the clock."""
    order = rows.lock_order(uow, order_id)
    if order is None:
        return Outcome(ok=False, code="UNKNOWN_ORDER", order=None)
    if not ctx.may(uow.actor, PERMISSIONS[Verb.ESCALATE], order.org, uow.now).allowed:
        return refuse(uow, Verb.ESCALATE, Outcome(ok=False, code="FORBIDDEN", order=order))
    planned = move(order, Verb.ESCALATE, actor=uow.actor, at=uow.now)
    if not planned.ok:
        return refuse(uow, Verb.ESCALATE, planned)
    if _climbed_just_now(uow, order):
        return Outcome(ok=True, code="ALREADY_DONE", order=order, params=recorded(order))
    timers.cancel(uow, prefix=f"{order.id}/ladder/")
    rung = _next_rung(ctx, order, uow.now)
    fired = climb(uow, ctx, order, rung, reason=reason or "BY_PERSON")
    return Outcome(
        ok=True,
        code="DONE",
        order=rows.find_order(uow.connection, order_id),
        changed=True,
        params={"people": list(fired.told)},
    )


def escalation_reaches(
    connection: Connection, ctx: Context, order: WorkOrder, now: datetime
) -> Told:
    """Whom `escalate` would tell at `now`, without doing it."""
    return _reached(connection, ctx, order, _next_rung(ctx, order, now), now)


def _next_rung(ctx: Context, order: WorkOrder, now: datetime) -> Rung:
    number = order.rung + 1
    last = number > ctx.clock_of(order).policy.levels[order.level].rungs
    return Rung(number, now, last_resort=last)


def _climbed_just_now(uow: UnitOfWork, order: WorkOrder) -> bool:
    """Whether this very person escalated the order within `DOUBLE_CLICK`."""
    c = STREAM.c
    last = uow.connection.scalar(
        select(func.max(c.at)).where(
            c.order_id == order.id, c.code == "order.escalate", c.actor == uow.actor
        )
    )
    return last is not None and uow.now - last < DOUBLE_CLICK


def _overdue(
    uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder, trigger: Trigger
) -> tuple[str, ...]:
    """Tell assignees and the next rung; record the true due time."""
    reached = _reach(uow, ctx, order, Rung(order.rung + 1, timer.due_at, last_resort=False))
    people = tuple(dict.fromkeys((*order.assignees, *reached.people)))
    rows.save_order(uow, replace(order, assignees=people, rung=order.rung + 1), was=order.version)
    rows.assign(uow, order.id, people)
    journal.decision(
        uow,
        "order.overdue",
        org=order.org,
        outcome=order.state.value,
        reason=trigger.value.upper(),
        params={"due_at": timer.due_at, "fired_at": uow.now, "people": list(people)},
        order_id=order.id,
        case_id=order.case_id,
    )
    notify(uow, ctx, replace(order, assignees=people), people, trigger, rung=order.rung + 1)
    return people


def _again(uow: UnitOfWork, timer: Timer, order: WorkOrder, due: datetime) -> None:
    name = timer.kind.rpartition(".")[2]
    count = int(timer.payload.get("count", 0)) + 1
    timers.set_timer(
        uow,
        key=f"{order.id}/{name}/{order.version}/{count}",
        kind=timer.kind,
        due_at=due,
        payload={"order": order.id, "count": count},
    )


def _resolve(uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder) -> Fired:
    if order.state not in {State.ACKNOWLEDGED, State.IN_WORK}:
        return Fired("NOTHING_TO_DO", order.id)
    people = _overdue(uow, ctx, timer, order, Trigger.RESOLVE_OVERDUE)
    every = repeat_every(ctx.clock_of(order).policy, int(timer.payload.get("count", 0)) + 1)
    again = next_repeat(Rung(0, timer.due_at, last_resort=False), uow.now, every)
    _again(uow, timer, order, again)
    return Fired("RESOLVE_OVERDUE", order.id, people)


def _review(uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder) -> Fired:
    if order.state is not State.RESOLVED:
        return Fired("NOTHING_TO_DO", order.id)
    people = _overdue(uow, ctx, timer, order, Trigger.REVIEW_OVERDUE)
    due = review_due(ctx, order, max(uow.now, timer.due_at + timedelta(seconds=1)))
    _again(uow, timer, order, due)
    return Fired("REVIEW_OVERDUE", order.id, people)


def _wake(uow: UnitOfWork, ctx: Context, _timer: Timer, order: WorkOrder) -> Fired:
    wake(uow, ctx, order.id, system=True)
    return Fired("WOKEN", order.id)


def _group(uow: UnitOfWork, ctx: Context, timer: Timer, order: WorkOrder) -> Fired:
    told = tick(uow, ctx, timer, order)
    return Fired("GROUP_TOLD" if told else "NOTHING_TO_DO", order.id, told)


_WORK = {GROUP: _group, LADDER: _ladder, RESOLVE: _resolve, REVIEW: _review, SNOOZE: _wake}


def _drill(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    number = str(timer.payload["order"])
    return Fired("DRILL_OVER" if over(uow, ctx, number) else "NOTHING_TO_DO", number)


def _corrective(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    told = overdue(uow, ctx, timer)
    done = "CORRECTIVE_OVERDUE" if told else "NOTHING_TO_DO"
    return Fired(done, str(timer.payload["order"]), told)


def _dwell(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    order_id = held(uow, ctx, timer)
    done = "DWELL_HELD" if order_id else "NOTHING_TO_DO"
    return Fired(done, order_id or str(timer.payload["alert"]))


def _silence(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    silence_id = str(timer.payload["silence"])
    expired = expire(uow, ctx, silence_id, int(timer.payload["version"]))
    return Fired("SILENCE_EXPIRED" if expired else "NOTHING_TO_DO", silence_id)


def _exemption(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    exemption_id = str(timer.payload["exemption"])
    code, told = due(uow, ctx, exemption_id, str(timer.payload["what"]))
    return Fired(code, exemption_id, told)


def _triage(uow: UnitOfWork, ctx: Context, timer: Timer) -> Fired:
    """A late triage is escalated as a triage; it never opens an order."""
    alert = rows.lock_alert(uow, str(timer.payload["alert"]))
    if alert is None or alert.state is not AlertState.NEW or alert.order_id:
        return Fired("NOTHING_TO_DO", str(timer.payload["alert"]))
    number = alert.escalations + 1
    clock = ctx.clock_of_alert(alert)
    rungs = clock.policy.levels[alert.level].rungs
    rung = Rung(number, timer.due_at, last_resort=number > rungs + 1)
    # The first late notice goes to those whose inbox it is in; nobody has been told before.
    reached = (
        Told(alert.assignees, alert.org, "ROUTED")
        if number == 1 and alert.assignees
        else _reach(uow, ctx, alert, rung)
    )
    told = number - rungs - 1  # the first late notice comes before the rungs
    due = (
        next_repeat(rung, uow.now, repeat_every(clock.policy, told))
        if rung.last_resort
        else clock.step_due(timer.due_at)
    )
    uow.execute(
        update(ALERTS).where(ALERTS.c.id == alert.id).values(escalations=number, due_at=due)
    )
    timers.set_timer(
        uow,
        key=f"{alert.id}/triage/{number}/{alert.count}",
        kind=TRIAGE,
        due_at=due,
        payload={"alert": alert.id},
    )
    journal.decision(
        uow,
        "alert.escalate",
        org=alert.org,
        outcome=alert.state.value,
        reason=UNANSWERED if unanswered(clock.policy, told) else "TRIAGE_OVERDUE",
        params={
            "rung": number,
            "due_at": timer.due_at,
            "fired_at": uow.now,
            "people": list(reached.people),
            "routing": reached.reason,
            "next_due": due,
        },
        alert_id=alert.id,
        case_id=alert.case_id,
    )
    escalated = replace(alert, escalations=number, due_at=due)
    notify(uow, ctx, escalated, reached.people, Trigger.TRIAGE_OVERDUE, rung=number)
    return Fired("TRIAGE_OVERDUE", alert.id, reached.people)


_WITHOUT_ORDER = {
    CORRECTIVE: _corrective,
    DRILL: _drill,
    DWELL: _dwell,
    EXEMPTION: _exemption,
    SILENCE: _silence,
    TRIAGE: _triage,
}
