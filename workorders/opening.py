"""Opening an order, raising its level, and the timers that belong to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from directory.errors import DirectoryError
from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, reads, rows
from workorders.about import subjects_of, subjects_of_case
from workorders.context import Context
from workorders.ladder import Rung, rung_after
from workorders.levels import Level
from workorders.model import Alert, Case, Clear, OrderKind, SourceKind, State, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, withdraw
from workorders.rows import ALERTS, CASES, ORDERS
from workorders.states import TERMINAL, Verb, move

LADDER = "workorders.ladder"
RESOLVE = "workorders.resolve"
REVIEW = "workorders.review"
SNOOZE = "workorders.snooze"
TRIAGE = "workorders.triage"
_WAITING = select(ALERTS.c.id).where(
    ALERTS.c.case_id == bindparam("case"), ALERTS.c.due_at.is_not(None)
)
_ADOPT = (
    update(ALERTS)
    .where(ALERTS.c.case_id == bindparam("_case"))
    .values(order_id=bindparam("_order"), due_at=None)
)
_FIRED = select(func.coalesce(func.sum(ALERTS.c.count), 0)).where(
    ALERTS.c.case_id == bindparam("case")
)
_DWELLING = select(ALERTS.c.id).where(
    ALERTS.c.case_id == bindparam("case"), ALERTS.c.dwell_until.is_not(None)
)
_DWELL_ENDS = update(ALERTS).where(ALERTS.c.id == bindparam("_id")).values(dwell_until=None)


@dataclass(frozen=True, slots=True)
class Lead:
    """The match, or the person's word, that an order opens for or rises by."""

    key: str
    code: str
    rule: str
    rule_version: str
    level: Level
    org: str
    event_time: datetime
    account: str = ""
    product: str = ""
    month: str = ""
    measure: str = ""
    value: Any = None
    limit: Any = None
    use: Any = None
    unit: str = ""
    kind: OrderKind = OrderKind.RISK
    clears: tuple[Clear, ...] = ()
    source_kind: SourceKind = SourceKind.RULE
    text: str = ""


def route(
    uow: UnitOfWork, ctx: Context, org: str, level: Level, about: Collection[str] = ()
) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """People, reason and reports of the routing; the last resort when it names nobody.

    Whom the matter is about is not named, save as the last resort: somebody must hear of it.
    """
    routing = ctx.people.assignees(org, level.value, uow.now, about=about)
    reports: tuple[str, ...] = tuple(getattr(routing, "reports", ()))
    if routing.people:
        return tuple(routing.people), str(routing.reason), reports
    return ctx.policy.last_resort, "LAST_RESORT", (*reports, "NOBODY")


def _title_params(lead: Lead) -> dict[str, Any]:
    params = {
        "code": lead.code,
        "rule": lead.rule,
        "version": lead.rule_version,
        "product": lead.product,
        "month": lead.month,
        "org": lead.org,
    }
    return {**params, "text": lead.text} if lead.text else params


def open_order(
    uow: UnitOfWork,
    ctx: Context,
    lead: Lead,
    *,
    case: Case | None,
    reason: str,
    alone: str = "",
    reopened_from: str = "",
    assignees: tuple[str, ...] = (),
    about: Collection[str] | None = None,
    title: str = "order.title",
    drill: bool = False,
) -> WorkOrder:
    """Open a work order: route it, freeze the policy, set the ladder, queue the first notices.

    Args:
        uow: the transaction.
        ctx: policy, people, calendar and channels.
        lead: what it opens for.
        case: the case that it answers for, if any.
        reason: why it opens, a code.
        alone: the one alert of a case that is made in this unit; it waits for nothing.
        reopened_from: the order that it follows.
        assignees: whose it is besides those of the routing.
        about: what the sources call those whom it is about; None asks the alerts of the case.
        title: the key of its title.
        drill: whether it only tries the paging.
    """
    if about is None:
        about = subjects_of_case(uow.connection, case.id) if case is not None else ()
    people, routing_reason, reports = route(uow, ctx, lead.org, lead.level, about)
    never = ctx.people.called(about) if about else frozenset[str]()
    people = tuple(dict.fromkeys((*(one for one in assignees if one not in never), *people)))
    order = WorkOrder(
        id=rows.next_id(uow, "WO", uow.now.astimezone(ctx.zone)),
        kind=lead.kind,
        org=lead.org,
        level=lead.level,
        state=State.OPEN,
        version=1,
        case_id=case.id if case else "",
        title=title,
        title_params=_title_params(lead),
        lead_key=lead.key,
        opened_at=uow.now,
        first_seen=case.first_event if case else lead.event_time,
        last_seen=case.last_event if case else lead.event_time,
        account=lead.account,
        product=lead.product,
        month=lead.month,
        measure=lead.measure,
        value=lead.value,
        limit=lead.limit,
        use=lead.use,
        unit=lead.unit,
        assignees=people,
        policy=ctx.policy.as_json(),
        clears=lead.clears,
        count=1 if case is None or alone else fired(uow, case.id),
        needs_disposition=not lead.clears,
        reopened_from=reopened_from,
        drill=drill,
    )
    order = start_ladder(uow, ctx, order, new=True)
    order = replace(order, acknowledge_by=order.acknowledge_due)
    rows.insert_order(uow, order)
    if case is not None:
        rows.save_case(uow, replace(case, order_id=order.id), new=False)
        if not (alone and uow.amend(ALERTS, alone, {"order_id": order.id})):
            adopt_alerts(uow, case.id, order)
    journal.decision(
        uow,
        "order.open",
        org=order.org,
        outcome=order.state.value,
        reason=reason,
        params={
            "level": order.level.value,
            "code": lead.code,
            "rule": lead.rule,
            "rule_version": lead.rule_version,
            "assignees": list(people),
            "routing": routing_reason,
            "reports": list(reports),
            "acknowledge_due": order.acknowledge_due,
            "reopened_from": reopened_from,
        },
        order_id=order.id,
        case_id=order.case_id,
        version=order.version,
    )
    notify(uow, ctx, order, people, Trigger.OPENED, new=True)
    return order


def start_ladder(
    uow: UnitOfWork, ctx: Context, order: WorkOrder, *, new: bool = False
) -> WorkOrder:
    """Arm the first rung after the first notice; the order with its acknowledge deadline.

    A `new` order has no timer yet.
    """
    rung = rung_after(ctx.clock_of(order), 0, uow.now)
    arm_rung(uow, order, rung, new=new)
    return replace(order, acknowledge_due=rung.due_at, resolve_due=None, rung=0)


def arm_rung(uow: UnitOfWork, order: WorkOrder, rung: Rung, *, new: bool = False) -> None:
    """Set the timer of one rung; the first of a `new` order."""
    timers.set_timer(
        uow,
        key=f"{order.id}/ladder/{order.version}/{rung.number}",
        kind=LADDER,
        due_at=rung.due_at,
        payload={"order": order.id, "rung": rung.number, "last_resort": rung.last_resort},
        first=new,
    )


def start_resolve_clock(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> WorkOrder:
    """Stop the notify clock, withdraw what is queued, start the resolve clock."""
    stop_paging(uow, order)
    due = ctx.clock_of(order).resolve_due(uow.now)
    timers.set_timer(
        uow,
        key=f"{order.id}/resolve/{order.version}",
        kind=RESOLVE,
        due_at=due,
        payload={"order": order.id},
    )
    return replace(order, acknowledge_due=None, resolve_due=due)


def stop_paging(uow: UnitOfWork, order: WorkOrder) -> None:
    """Cancel queued notices and the ladder, in this very transaction."""
    withdraw(uow, order.id)
    timers.cancel(uow, prefix=f"{order.id}/ladder/")


def stop_clocks(uow: UnitOfWork, order: WorkOrder) -> None:
    """Cancel queued notices and every timer of the order."""
    withdraw(uow, order.id)
    timers.cancel(uow, prefix=f"{order.id}/")


def review_due(ctx: Context, order: WorkOrder, at: datetime) -> datetime:
    """When the second person must have closed a red order.

    The next trading day, at the time of the policy that is frozen into the order (10:00).
    """
    local = at.astimezone(ctx.zone).date()
    try:
        if not order.product:
            raise DirectoryError
        day = ctx.calendar.next_trading_day(order.product, local, order.org)
    except DirectoryError:
        day = local + timedelta(days=1)
        while day.weekday() > 4:  # noqa: PLR2004 - Saturday and Sunday
            day += timedelta(days=1)
    until = time.fromisoformat(ctx.clock_of(order).policy.review_time)
    return datetime.combine(day, until, tzinfo=ctx.zone)


def fired(uow: UnitOfWork, case_id: str) -> int:
    """How often the alerts of a case fired in all; once at least, for what opens an order."""
    return max(int(uow.connection.scalar(_FIRED, {"case": case_id}) or 0), 1)


def adopt_alerts(uow: UnitOfWork, case_id: str, order: WorkOrder) -> None:
    """The case's alerts belong to the order now; their triage deadlines end.

    A dwell that waits for orange ends where the order has that colour already, else goes on.
    """
    for alert_id in uow.connection.scalars(_WAITING, {"case": case_id}).all():
        timers.cancel(uow, prefix=f"{alert_id}/triage/")
    uow.execute(_ADOPT, {"_case": case_id, "_order": order.id})
    if order.level < Level.ORANGE:
        return
    for alert_id in uow.connection.scalars(_DWELLING, {"case": case_id}).all():
        timers.cancel(uow, prefix=f"{alert_id}/dwell/")
        uow.execute(_DWELL_ENDS, {"_id": alert_id})


def raise_level(
    uow: UnitOfWork, ctx: Context, order: WorkOrder, lead: Lead, *, reason: str
) -> WorkOrder:
    """The same order under a heavier colour: routed, clocked and announced anew."""
    outcome = move(order, Verb.RAISE_LEVEL, actor=uow.actor, at=uow.now, level=lead.level)
    if not outcome.changed or outcome.order is None:
        return order
    about = subjects_of(uow.connection, order)
    people, routing_reason, reports = route(uow, ctx, order.org, lead.level, about)
    stop_clocks(uow, order)
    raised = replace(
        outcome.order,
        assignees=tuple(dict.fromkeys((*order.assignees, *people))),
        lead_key=lead.key,
        title_params=_title_params(lead),
        measure=lead.measure,
        value=lead.value,
        limit=lead.limit,
        use=lead.use,
        unit=lead.unit,
    )
    raised = start_ladder(uow, ctx, raised)
    rows.save_order(uow, raised, was=order.version)
    rows.assign(uow, raised.id, raised.assignees)
    journal.decision(
        uow,
        "order.level",
        org=order.org,
        outcome=raised.level.value,
        reason=reason,
        params={
            "before": order.level.value,
            "after": raised.level.value,
            "code": lead.code,
            "rule": lead.rule,
            "acknowledged_by": order.acknowledged_by,
            "resolved_by": order.resolved_by,
            "assignees": list(raised.assignees),
            "routing": routing_reason,
            "reports": list(reports),
        },
        order_id=order.id,
        case_id=order.case_id,
        version=raised.version,
    )
    notify(uow, ctx, raised, raised.assignees, Trigger.LEVEL_RAISED)
    return raised


def merge_orders(
    uow: UnitOfWork,
    ctx: Context,
    order: WorkOrder,
    target: WorkOrder,
    *,
    reason: str,
    text: str = "",
) -> WorkOrder:
    """Merge `order` into `target`; both sides link to each other. Returns the target as it is.

    What was merged into `order` before points at `target` from now on, and so do its cases: whoever
    is kept from the one is kept from all, and what comes to a case finds the order that is worked.
    """
    outcome = move(order, Verb.MERGE, actor=uow.actor, at=uow.now, into=target.id)
    if not outcome.changed or outcome.order is None:
        return target
    stop_clocks(uow, order)
    rows.save_order(uow, outcome.order, was=order.version)
    followed = reads.merged_in(uow.connection, order.id)
    if followed:
        earlier = update(ORDERS).where(ORDERS.c.id.in_(followed))
        uow.execute(earlier.values(merged_into=target.id))
    for moved in (ALERTS, CASES):
        uow.execute(update(moved).where(moved.c.order_id == order.id).values(order_id=target.id))
    joined = replace(
        target,
        assignees=tuple(dict.fromkeys((*target.assignees, *order.assignees))),
        clears=tuple(dict.fromkeys((*target.clears, *order.clears))),
        needs_disposition=target.needs_disposition or order.needs_disposition,
        tags=tuple(dict.fromkeys((*target.tags, *order.tags))),
        count=target.count + order.count,
        first_seen=min(target.first_seen, order.first_seen),
        last_seen=max(target.last_seen, order.last_seen),
    )
    rows.save_order(uow, joined, was=target.version)
    rows.assign(uow, joined.id, joined.assignees)
    for subject, other in ((order, target), (target, order)):
        journal.decision(
            uow,
            "order.merge" if subject is order else "order.merged_in",
            org=subject.org,
            outcome="merged",
            reason=reason,
            params={"other": other.id, "followed": list(followed)},
            text=text,
            order_id=subject.id,
            case_id=subject.case_id,
        )
    if order.level > target.level:
        return raise_level(uow, ctx, joined, lead_of_order(order), reason="MERGED")
    return joined


def lead_of_order(order: WorkOrder) -> Lead:
    """The lead of an order, for a level or a successor that takes after it."""
    params: Mapping[str, Any] = order.title_params
    return Lead(
        key=order.lead_key,
        code=str(params.get("code", "")),
        rule=str(params.get("rule", "")),
        rule_version=str(params.get("version", "")),
        level=order.level,
        org=order.org,
        event_time=order.last_seen,
        account=order.account,
        product=order.product,
        month=order.month,
        measure=order.measure,
        value=order.value,
        limit=order.limit,
        use=order.use,
        unit=order.unit,
        kind=order.kind,
        text=str(params.get("text", "")),
        clears=order.clears,
    )


def lead_of_alert(alert: Alert, clears: Sequence[Clear], kind: OrderKind) -> Lead:
    """The lead of an alert that a person confirmed."""
    return Lead(
        key=alert.key,
        code=alert.code,
        rule=alert.rule,
        rule_version=alert.version,
        level=alert.level,
        org=alert.org,
        event_time=alert.last_seen,
        account=alert.account,
        product=alert.product,
        month=alert.month,
        measure=alert.measure,
        value=alert.value,
        limit=alert.limit,
        use=alert.use,
        unit=alert.unit,
        kind=kind,
        clears=tuple(clears),
        source_kind=alert.source_kind,
    )


def is_active(order: WorkOrder | None) -> bool:
    """Whether there is an order that is still to be worked or reviewed."""
    return order is not None and order.state not in TERMINAL
