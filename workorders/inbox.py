"""The triage inbox: confirm, dismiss, merge, singly or in bulk, as the named person."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.commands import acknowledge
from workorders.context import Context
from workorders.model import Alert, AlertState, Clear, OrderKind, State
from workorders.notices import withdraw
from workorders.opening import is_active, lead_of_alert, open_order
from workorders.rows import MATCHES
from workorders.states import PERMISSIONS, TRIAGE, Verb
from workorders.triage import Reason, TriageVerb, decide, map_reason


@dataclass(frozen=True, slots=True)
class TriageOutcome:
    """What became of an act on an alert.

    Attributes:
        ok: false when it was refused.
        code: ``DONE``, ``ALREADY_DONE`` or the reason of the refusal.
        alert: the alert as it now stands; None when there is none of that id.
        order_id: the order that answers for it.
        opened: whether confirming opened that order.
        params: who decided before, and how.
    """

    ok: bool
    code: str
    alert: Alert | None
    order_id: str = ""
    opened: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def confirm_alert(uow: UnitOfWork, ctx: Context, alert_id: str, *, text: str = "") -> TriageOutcome:
    """确认属实: the alert is real.

    Opens a work order unless one answers for its case already; one that waits for an
    acknowledgement is acknowledged by the same word, if the person may.
    """
    alert, refusal = _begin(uow, ctx, alert_id, TriageVerb.CONFIRM, ())
    if alert is None or refusal is not None:
        return refusal or TriageOutcome(ok=False, code="UNKNOWN_ALERT", alert=None)
    alert = _decided(uow, alert, AlertState.CONFIRMED, "", text)
    order = rows.lock_order(uow, alert.order_id) if alert.order_id else None
    if order is not None and is_active(order):
        if order.state is State.OPEN and _may_acknowledge(uow, ctx, alert.org):
            acknowledge(uow, ctx, order.id)
        return TriageOutcome(ok=True, code="DONE", alert=alert, order_id=order.id)
    clears, kind = conditions_of_alert(uow, alert)
    case = rows.find_case(uow.connection, alert.case_id)
    opened = open_order(uow, ctx, lead_of_alert(alert, clears, kind), case=case, reason="CONFIRMED")
    alert = rows.find_alert(uow.connection, alert_id)
    return TriageOutcome(ok=True, code="DONE", alert=alert, order_id=opened.id, opened=True)


def dismiss_alert(
    uow: UnitOfWork,
    ctx: Context,
    alert_id: str,
    *,
    reasons: Sequence[Reason | str],
    text: str = "",
) -> TriageOutcome:
    """排除: put aside with a reason. A free text of an outside system is mapped to codes."""
    given = tuple(dict.fromkeys(one for reason in reasons for one in map_reason(reason)))
    alert, refusal = _begin(uow, ctx, alert_id, TriageVerb.DISMISS, given)
    if alert is None or refusal is not None:
        return refusal or TriageOutcome(ok=False, code="UNKNOWN_ALERT", alert=None)
    words = text or " / ".join(reason for reason in reasons if reason not in set(Reason))
    alert = _decided(uow, alert, AlertState.DISMISSED, given[0].value, words, reasons=given)
    return TriageOutcome(ok=True, code="DONE", alert=alert)


def dismiss_alerts(
    uow: UnitOfWork,
    ctx: Context,
    alert_ids: Sequence[str],
    *,
    reasons: Sequence[Reason | str],
    text: str = "",
) -> tuple[TriageOutcome, ...]:
    """Dismiss many; each is judged and recorded by itself, one refusal does not stop the rest."""
    return tuple(
        dismiss_alert(uow, ctx, alert_id, reasons=reasons, text=text)
        for alert_id in dict.fromkeys(alert_ids)
    )


def merge_alert(uow: UnitOfWork, ctx: Context, alert_id: str, *, into: str) -> TriageOutcome:
    """合并: the alert is the same thing as another one of its organisation."""
    target = rows.find_alert(uow.connection, into)
    alert, refusal = _begin(uow, ctx, alert_id, TriageVerb.MERGE, ())
    if alert is None or refusal is not None:
        return refusal or TriageOutcome(ok=False, code="UNKNOWN_ALERT", alert=None)
    if target is None:
        return TriageOutcome(ok=False, code="UNKNOWN_ALERT", alert=alert)
    if code := _why_not_merged(alert, target):
        return TriageOutcome(ok=False, code=code, alert=alert)
    alert = _decided(uow, replace(alert, order_id=target.order_id), AlertState.MERGED, into, "")
    return TriageOutcome(ok=True, code="DONE", alert=alert, order_id=target.order_id)


def _why_not_merged(alert: Alert, target: Alert) -> str:
    if target.id == alert.id:
        return "MERGE_ITSELF"
    return "MERGE_OTHER_UNIT" if target.org != alert.org else ""


def _may_acknowledge(uow: UnitOfWork, ctx: Context, org: str) -> bool:
    return ctx.may(uow.actor, PERMISSIONS[Verb.ACKNOWLEDGE], org, uow.now).allowed


def _begin(
    uow: UnitOfWork,
    ctx: Context,
    alert_id: str,
    verb: TriageVerb,
    reasons: tuple[Reason, ...],
) -> tuple[Alert | None, TriageOutcome | None]:
    """The alert, and the answer when the act ends here."""
    alert = rows.lock_alert(uow, alert_id)
    if alert is None:
        return None, None
    order = rows.find_order(uow.connection, alert.order_id) if alert.order_id else None
    params = {
        "state": alert.state.value,
        "actor": alert.decided_by,
        "at": alert.decided_at,
        "reason": alert.reason,
        "order": alert.order_id,
    }
    if not ctx.may(uow.actor, TRIAGE, alert.org, uow.now).allowed:
        outcome = TriageOutcome(ok=False, code="FORBIDDEN", alert=alert)
    else:
        verdict = decide(alert, verb, reasons=reasons, order_active=is_active(order))
        if verdict.changed:
            return alert, None
        outcome = TriageOutcome(
            ok=verdict.ok, code=verdict.code, alert=alert, order_id=alert.order_id, params=params
        )
    if not outcome.ok:
        journal.record(
            uow,
            "decision",
            f"alert.{verb.value}",
            object_type="alert",
            object_id=alert.id,
            org=alert.org,
            outcome="refused",
            reason=outcome.code,
            body=params,
        )
    return alert, outcome


def _decided(
    uow: UnitOfWork,
    alert: Alert,
    state: AlertState,
    reason: str,
    text: str,
    *,
    reasons: tuple[Reason, ...] = (),
) -> Alert:
    timers.cancel(uow, prefix=f"{alert.id}/")
    withdraw(uow, alert.id)
    rows.mark_stale(uow, alert.id)
    decided = replace(
        alert,
        state=state,
        reason=reason,
        decided_by=uow.actor,
        decided_at=uow.now,
        due_at=None,
        dwell_until=None,
    )
    rows.save_alert(uow, decided)
    verb = {
        AlertState.CONFIRMED: "confirm",
        AlertState.DISMISSED: "dismiss",
        AlertState.MERGED: "merge",
    }[state]
    journal.decision(
        uow,
        f"alert.{verb}",
        org=alert.org,
        outcome=state.value,
        reason=reason,
        params={
            "code": alert.code,
            "level": alert.level.value,
            "reasons": [one.value for one in reasons],
        },
        text=text,
        order_id=alert.order_id,
        alert_id=alert.id,
        case_id=alert.case_id,
    )
    return decided


def conditions_of_alert(uow: UnitOfWork, alert: Alert) -> tuple[tuple[Clear, ...], OrderKind]:
    """The conditions and the kind that the alert's last match brings along."""
    body = uow.connection.scalar(
        select(MATCHES.c.body)
        .where(MATCHES.c.alert_id == alert.id)
        .order_by(MATCHES.c.event_time.desc(), MATCHES.c.id)
        .limit(1)
    )
    if not body:
        return (), OrderKind.RISK
    clears = body.get("clears")
    return ((Clear(*clears),) if clears else ()), OrderKind(body.get("kind", "risk"))
