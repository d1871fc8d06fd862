"""The alert of a match: found in its case, or raised anew, with its triage deadline."""

from dataclasses import replace

from sqlalchemy import bindparam, select

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.context import Context
from workorders.levels import Level
from workorders.model import Alert, AlertState, Case, Match
from workorders.opening import TRIAGE, route
from workorders.rows import ALERTS
from workorders.triage import opens_order, pages_when_overdue

_LATEST = (
    select(ALERTS)
    .where(ALERTS.c.key == bindparam("key"))
    .order_by(ALERTS.c.raised_at.desc(), ALERTS.c.id.desc())
    .limit(1)
)


def latest_alert(uow: UnitOfWork, key: str) -> Alert | None:
    """The alert of that key that was raised last."""
    row = uow.connection.execute(_LATEST, {"key": key}).mappings().first()
    return None if row is None else rows.alert_from(row)


def counted(alert: Alert, match: Match) -> Alert:
    """The alert with one match more."""
    result = replace(
        alert,
        count=alert.count + 1,
        first_seen=min(alert.first_seen, match.event_time),
        last_seen=max(alert.last_seen, match.event_time),
    )
    if match.event_time < alert.last_seen:  # a late match does not overwrite newer figures
        return result
    return replace(
        result,
        value=match.value,
        limit=match.limit,
        use=match.use,
        unit=match.unit,
        evidence=match.evidence,
        version=match.version,
        code=match.code,
    )


def count_known(
    uow: UnitOfWork,
    ctx: Context,
    match: Match,
    level: Level,
    known: Alert,
    *,
    anew: bool = False,
) -> tuple[Alert, bool]:
    """A known alert with one match more, and whether its level rose.

    One that was put aside waits for triage again when it rises, or is to be looked at `anew`.
    """
    alert = counted(known, match)
    rose = level > known.level
    aside = known.state is AlertState.DISMISSED
    if rose or (aside and anew):
        alert = replace(alert, level=max(level, known.level))
        if aside:
            alert = replace(alert, state=AlertState.NEW, reason="", decided_by="", decided_at=None)
        alert = _due(uow, ctx, alert, match)
    rows.save_alert(uow, alert)
    return alert, rose


def raise_alert(
    uow: UnitOfWork, ctx: Context, match: Match, level: Level, key: str, *, case: Case
) -> Alert:
    """A new line in the triage inbox."""
    about = (match.actor,) if match.actor else ()
    people = route(uow, ctx, match.org, level, about)[0]
    alert = Alert(
        id=rows.next_id(uow, "AL", uow.now.astimezone(ctx.zone)),
        key=key,
        case_id=case.id,
        rule=match.rule,
        code=match.code,
        version=match.version,
        level=level,
        org=match.org,
        account=match.account,
        product=match.product,
        month=match.month,
        measure=match.measure,
        cause=match.cause,
        actor=match.actor,
        source_kind=match.source_kind,
        state=AlertState.NEW,
        reason="",
        order_id=case.order_id,
        raised_at=uow.now,
        first_seen=match.event_time,
        last_seen=match.event_time,
        count=1,
        due_at=None,
        decided_by="",
        decided_at=None,
        escalations=0,
        value=match.value,
        limit=match.limit,
        use=match.use,
        unit=match.unit,
        evidence=match.evidence,
        assignees=people,
        condition="" if match.clears is None else match.clears.fact_key,
    )
    alert = _due(uow, ctx, alert, match)
    uow.add(ALERTS, rows.alert_values(alert))
    rows.assign(uow, alert.id, people, new=True)
    journal.decision(
        uow,
        "alert.raise",
        org=alert.org,
        outcome=level.value,
        params={
            "code": match.code,
            "rule": match.rule,
            "level": level.value,
            "source_kind": match.source_kind.value,
            "due_at": alert.due_at,
        },
        alert_id=alert.id,
        case_id=case.id,
    )
    return alert


def _due(uow: UnitOfWork, ctx: Context, alert: Alert, match: Match) -> Alert:
    """The triage deadline of an alert that no order answers for."""
    if alert.order_id or opens_order(alert.level, alert.source_kind):
        return replace(alert, due_at=None)
    due = ctx.clock_of_alert(alert, match.kind).triage_due(uow.now)
    if pages_when_overdue(alert.level):
        timers.set_timer(
            uow,
            key=f"{alert.id}/triage/{alert.escalations}/{alert.count}",
            kind=TRIAGE,
            due_at=due,
            payload={"alert": alert.id},
        )
    return replace(alert, due_at=due)
