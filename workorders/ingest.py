"""One match comes in: stored, grouped, deduplicated, and perhaps an order opened or raised.

Everything happens in the caller's transaction: alert, case, order, timers, notices, trail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import bindparam, select

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.alerts import count_known, counted, latest_alert, raise_alert
from workorders.context import Context
from workorders.dedup import dedup_key, match_id
from workorders.dwelling import exempted, waits
from workorders.exempting import exempt, exempted_already
from workorders.late import closed_before, count_late
from workorders.levels import Level
from workorders.matches import record_decide, store_match
from workorders.model import Alert, AlertState, Match, SourceKind, WorkOrder
from workorders.noise import Trigger
from workorders.notices import Sent
from workorders.opening import Lead, is_active, open_order, raise_level
from workorders.placing import absorb, place
from workorders.policy import policy_from_json
from workorders.relieving import relieve
from workorders.rows import CASES, MATCHES
from workorders.ticks import note_change
from workorders.triage import opens_order

_STORED = (
    select(MATCHES.c.alert_id, MATCHES.c.case_id, CASES.c.order_id)
    .join(CASES, CASES.c.id == MATCHES.c.case_id)
    .where(MATCHES.c.id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a match led to.

    Attributes:
        match_id: its identity; the same match again gives `duplicate` and changes nothing.
        alert_id: the alert it counts for; empty for a mere decision on an object.
        case_id: the case it belongs to.
        order_id: the order that answers for it, if there is one.
        opened: whether it opened that order.
        level_changed: whether it raised the order's level.
        refire: whether the alert was known already.
        cooling: whether it fell into the cool-down after closing and was only counted.
        exemption: the exemption that covers it; then it raised nothing.
    """

    match_id: str
    alert_id: str = ""
    case_id: str = ""
    order_id: str = ""
    opened: bool = False
    level_changed: bool = False
    refire: bool = False
    duplicate: bool = False
    cooling: bool = False
    exemption: str = ""


def ingest_match(uow: UnitOfWork, match: Match, ctx: Context, *, released: bool = False) -> Result:
    """Take in one match. Delivering it twice is harmless.

    Args:
        uow: the transaction.
        match: what was found.
        ctx: policy, people, calendar and channels.
        released: whether it stood under an exemption that is over: it has held long enough, and
            no earlier closing takes it in.
    """
    if match.source_kind is SourceKind.ROBOT and not match.cause:
        match = replace(match, cause=match_id(match))  # two external alerts never share a case
    identity = match_id(match)
    if known := _stored(uow, identity):
        return known
    key = dedup_key(match)
    former = latest_alert(uow, key) if match.level is not None else None
    order = rows.lock_order(uow, former.order_id) if former and former.order_id else None
    record_decide(uow, match)
    settled = _exempted(uow, match, identity, order, released=released)
    if settled is None and not released:
        settled = _for_closed(uow, ctx, match, identity, former, order)
    if settled is not None:
        return settled
    case, connected, new = place(uow, ctx, match, former if is_active(order) else None)
    for other in connected:
        absorb(uow, ctx, case, other)
    if match.level is None:
        store_match(uow, match, identity, "", case, refire=False)
        return Result(identity, case_id=case.id, order_id=case.order_id)
    alerts = [] if new else rows.alerts_of_case(uow.connection, case.id)
    mine = next((alert for alert in alerts if alert.key == key), None)
    if mine is None:
        alert, rose = raise_alert(uow, ctx, match, match.level, key, case=case), False
    else:
        alert, rose = count_known(uow, ctx, match, match.level, mine, anew=released)
    store_match(uow, match, identity, alert.id, case, refire=mine is not None)
    result = Result(
        identity, alert.id, case.id, case.order_id, refire=mine is not None, level_changed=rose
    )
    order = rows.lock_order(uow, case.order_id) if case.order_id else None
    if order is not None:
        return _onto_order(uow, ctx, match, alert, order, result, released=released)
    put_aside = alert.state is AlertState.DISMISSED
    if (
        put_aside
        or not opens_order(match.level, match.source_kind)
        or (not released and waits(uow, ctx, match, alert))
    ):
        return result
    order = open_order(
        uow,
        ctx,
        _lead(match, match.level),
        case=case,
        reason="MATCH",
        alone=alert.id if new else "",
        about={one.actor for one in (*alerts, alert)} - {""},
    )
    return replace(result, order_id=order.id, opened=True)


def _stored(uow: UnitOfWork, identity: str) -> Result | None:
    row = uow.connection.execute(_STORED, {"id": identity}).first()
    if row is None:
        return None
    return Result(identity, row.alert_id, row.case_id, row.order_id, refire=True, duplicate=True)


def _exempted(
    uow: UnitOfWork, match: Match, identity: str, order: WorkOrder | None, *, released: bool
) -> Result | None:
    """What comes of a match that an exemption covers; None when none does.

    One that an exemption lets go was recorded under it, perhaps at this very moment.
    """
    if not released and (known := exempted_already(uow, match, identity)):
        return Result(identity, exemption=known, duplicate=True)
    number = order.id if order is not None and is_active(order) else ""
    exemption = exempt(uow, match, identity, order_id=number)
    if not exemption:
        return None
    exempted(uow, dedup_key(match))
    return Result(identity, order_id=number, exemption=exemption)


def _cooling(match: Match, order: WorkOrder) -> bool:
    """Whether the match still belongs to the closed order: before its closing or shortly after."""
    if order.closed_at is None or match.level is None or match.level > order.level:
        return False
    cool_down = policy_from_json(order.policy).cool_down_s
    return match.event_time <= order.closed_at + timedelta(seconds=cool_down)


def _for_closed(  # noqa: PLR0917 - one step of `ingest_match`
    uow: UnitOfWork,
    ctx: Context,
    match: Match,
    identity: str,
    former: Alert | None,
    order: WorkOrder | None,
) -> Result | None:
    """What comes of a match that belongs to a closed order; None when it belongs to none."""
    if former is not None and order is not None and _cooling(match, order):
        return _count_for_closed(uow, match, identity, former, order)
    if match.level is None or is_active(order):
        return None
    late = closed_before(uow, ctx, match)
    if late is None:
        return None
    alert = count_late(uow, ctx, match, identity, late)
    return Result(identity, alert.id, late.case.id, late.order.id, cooling=True)


def _count_for_closed(
    uow: UnitOfWork, match: Match, identity: str, alert: Alert, order: WorkOrder
) -> Result:
    case = rows.find_case(uow.connection, alert.case_id)
    rows.save_alert(uow, counted(alert, match))
    store_match(uow, match, identity, alert.id, case, refire=True)
    journal.decision(
        uow,
        "order.refire",
        org=order.org,
        outcome=order.state.value,
        reason="COOL_DOWN",
        params={"code": match.code, "event_time": match.event_time},
        order_id=order.id,
        case_id=case.id,
    )
    return Result(identity, alert.id, case.id, order.id, refire=True, cooling=True)


def _lead(match: Match, level: Level) -> Lead:
    return Lead(
        key=dedup_key(match),
        code=match.code,
        rule=match.rule,
        rule_version=match.version,
        level=level,
        org=match.org,
        event_time=match.event_time,
        account=match.account,
        product=match.product,
        month=match.month,
        measure=match.measure,
        value=match.value,
        limit=match.limit,
        use=match.use,
        unit=match.unit,
        kind=match.kind,
        clears=() if match.clears is None else (match.clears,),
        source_kind=match.source_kind,
    )


def _onto_order(  # noqa: PLR0917 - one step of `ingest_match`
    uow: UnitOfWork,
    ctx: Context,
    match: Match,
    alert: Alert,
    order: WorkOrder,
    result: Result,
    *,
    released: bool,
) -> Result:
    """Count the match for its order; raise the level, or tell the people if it is time."""
    level = alert.level if match.level is None else match.level
    newer = dedup_key(match) == order.lead_key and match.event_time >= order.last_seen
    grave = opens_order(level, match.source_kind)
    changed = replace(
        order,
        count=order.count + 1,
        first_seen=min(order.first_seen, match.event_time),
        last_seen=max(order.last_seen, match.event_time),
    )
    if newer:
        changed = replace(
            changed, value=match.value, limit=match.limit, use=match.use, unit=match.unit
        )
    if grave and match.clears is not None and match.clears not in order.clears:
        changed = replace(changed, clears=(*order.clears, match.clears))
    if grave and match.clears is None:
        changed = replace(changed, needs_disposition=True)
    changed = relieve(uow, ctx, changed, match)
    rows.save_order(uow, changed, was=order.version)
    rises = grave and level > order.level
    if rises and (released or not waits(uow, ctx, match, alert)):
        raise_level(uow, ctx, changed, _lead(match, level), reason="MATCH")
        return replace(result, level_changed=True)
    trigger = Trigger.REFIRE if result.refire else Trigger.ATTACHED
    # Evidence below the paging colours joins quietly; it is read when the order is opened.
    sent = (
        note_change(uow, ctx, changed, trigger)
        if grave
        else Sent((), {"EVIDENCE_ONLY": changed.assignees})
    )
    _record_refire(uow, match, changed, sent, refire=result.refire)
    return replace(result, level_changed=False)


def _record_refire(
    uow: UnitOfWork, match: Match, order: WorkOrder, sent: Sent, *, refire: bool
) -> None:
    held: Mapping[str, tuple[str, ...]] = sent.held
    journal.decision(
        uow,
        "order.refire" if refire else "order.attach",
        org=order.org,
        outcome=order.state.value,
        reason=next(iter(held), ""),
        params={
            "code": match.code,
            "rule": match.rule,
            "level": "" if match.level is None else match.level.value,
            "event_time": match.event_time,
            "count": order.count,
            "told": list(sent.people),
            "held": {reason: list(people) for reason, people in held.items()},
        },
        order_id=order.id,
        case_id=order.case_id,
    )
