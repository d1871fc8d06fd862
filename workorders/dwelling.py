"""Minimum dwell: a limit that touches orange for a moment opens nothing, and is still on record.

The alert is raised at once and stands in the inbox, where a person may confirm it without waiting.
What waits is the order that the rule would open by itself. When the condition falls first, the
waiting ends with a record; when it rises again, the time begins anew. Red never waits.

Closing has a dwell of its own: an order stays until its limit has been clear for so long, by the
crossings on record, so that nobody closes in the middle of a flap.

The time runs on the clock of the service from when it saw the crossing: what happened before that
nobody has seen hold.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from store import timers
from store.timers import Timer
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.context import Context
from workorders.flapping import fell_at
from workorders.guard import Condition, Holding
from workorders.inbox import conditions_of_alert
from workorders.levels import Level
from workorders.model import Alert, AlertState, Match, OrderKind, SourceKind, WorkOrder
from workorders.opening import is_active, lead_of_alert, open_order, raise_level
from workorders.policy import policy_from_json
from workorders.rows import ALERTS

DWELL = "workorders.dwell"
_LIVE = frozenset({AlertState.NEW, AlertState.CONFIRMED})
_OF_CONDITION = select(ALERTS).where(
    ALERTS.c.condition == bindparam("condition"), ALERTS.c.dwell_until.is_not(None)
)
_OF_KEY = select(ALERTS).where(ALERTS.c.key == bindparam("key"), ALERTS.c.dwell_until.is_not(None))


def waits(uow: UnitOfWork, ctx: Context, match: Match, alert: Alert) -> bool:
    """Whether the order that `match` would open or raise has to wait; arms the timer if so.

    Only what a rule says of a limit has a dwell: what has happened cannot un-happen, and missing
    data is told at once.
    """
    dwell = timedelta(seconds=ctx.policy.open_dwell_s)
    lasting = match.clears is not None and match.kind is OrderKind.RISK and not match.batch_run
    if not dwell or not lasting or match.source_kind is not SourceKind.RULE:
        return False
    if match.level is not Level.ORANGE or alert.state not in _LIVE:
        _end(uow, alert)
        return False
    if alert.dwell_until is not None:
        return alert.dwell_until > uow.now
    until = uow.now + dwell
    timers.set_timer(
        uow,
        key=f"{alert.id}/dwell/{alert.count}",
        kind=DWELL,
        due_at=until,
        payload={"alert": alert.id},
    )
    rows.save_alert(uow, replace(alert, dwell_until=until))
    _tell(uow, alert, "dwell", until)
    return True


def looked(uow: UnitOfWork, condition: str, standing: Collection[str]) -> None:
    """A condition was looked at anew: what no longer stands at orange ceases to wait.

    Args:
        uow: the transaction of the look.
        condition: the key of the fact (`model.Clear.fact_key`).
        standing: the rules that still find it orange or worse, or cannot tell: what is unknown has
            not fallen.
    """
    found = uow.connection.execute(_OF_CONDITION, {"condition": condition}).mappings().all()
    for alert in map(rows.alert_from, found):
        if alert.rule not in standing:
            until = alert.dwell_until
            _end(uow, alert)
            _tell(uow, alert, "dwell_fell", until)


def exempted(uow: UnitOfWork, key: str) -> None:
    """An exemption covers the matter from now on: no order opens when its dwell is over.

    Args:
        uow: the transaction.
        key: of the alert, as `dedup.dedup_key` gives it.
    """
    found = uow.connection.execute(_OF_KEY, {"key": key}).mappings().all()
    for alert in map(rows.alert_from, found):
        until = alert.dwell_until
        _end(uow, alert)
        _tell(uow, alert, "dwell_exempt", until)


def held(uow: UnitOfWork, ctx: Context, timer: Timer) -> str:
    """The timer is due: the order opens or rises. Its id; empty when nothing waits any more."""
    alert = rows.lock_alert(uow, str(timer.payload["alert"]))
    if alert is None or alert.state not in _LIVE or alert.dwell_until is None:
        return ""
    until, alert = alert.dwell_until, replace(alert, dwell_until=None)
    rows.save_alert(uow, alert)
    _tell(uow, alert, "dwell_held", until)
    clears, kind = conditions_of_alert(uow, alert)
    lead = replace(lead_of_alert(alert, clears, kind), level=Level.ORANGE)
    order = rows.lock_order(uow, alert.order_id) if alert.order_id else None
    if order is None:
        case = rows.find_case(uow.connection, alert.case_id)
        return open_order(uow, ctx, lead, case=case, reason="DWELL").id
    if not is_active(order) or order.level >= Level.ORANGE:
        return ""
    return raise_level(uow, ctx, order, lead, reason="DWELL").id


def settled(
    connection: Connection, order: WorkOrder, condition: Condition, now: datetime
) -> Condition:
    """A condition as the close-guard is to see it: what cleared a moment ago `DWELLS`.

    The order's own frozen policy counts. A condition without a crossing on record never showed
    its colour here and has nothing to wait for.
    """
    dwell = timedelta(seconds=policy_from_json(order.policy).clear_dwell_s)
    if condition.holding is not Holding.CLEARED or not dwell:
        return condition
    fell = fell_at(connection, condition.clear.fact_key, min(order.level, Level.ORANGE), now)
    if fell is None or fell + dwell <= now:
        return condition
    return replace(condition, holding=Holding.DWELLS, until=fell + dwell)


def _end(uow: UnitOfWork, alert: Alert) -> None:
    if alert.dwell_until is None:
        return
    timers.cancel(uow, prefix=f"{alert.id}/dwell/")
    rows.save_alert(uow, replace(alert, dwell_until=None))


def _tell(uow: UnitOfWork, alert: Alert, what: str, until: datetime | None) -> None:
    journal.decision(
        uow,
        f"alert.{what}",
        org=alert.org,
        outcome=alert.level.value,
        params={"code": alert.code, "rule": alert.rule, "until": until},
        order_id=alert.order_id,
        alert_id=alert.id,
        case_id=alert.case_id,
    )
