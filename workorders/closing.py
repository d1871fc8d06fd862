"""What closing an order does to its case and alerts."""

from dataclasses import replace

from sqlalchemy import update

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.model import AlertState, Closing, WorkOrder
from workorders.rows import CASES
from workorders.triage import Reason

_DISMISSING = {"false_alarm": Reason.FALSE, "duplicate": Reason.DUPLICATE}


def conclude(uow: UnitOfWork, order: WorkOrder, closing: Closing) -> None:
    """Close the order's cases; alerts that nobody triaged take the order's disposition."""
    uow.execute(
        update(CASES)
        .where(CASES.c.order_id == order.id, CASES.c.state == "open")
        .values(state="closed")
    )
    reason = _DISMISSING.get(closing.disposition)
    state = AlertState.CONFIRMED if reason is None else AlertState.DISMISSED
    for alert in rows.alerts_of_order(uow.connection, order.id):
        if alert.state is not AlertState.NEW:
            continue
        decided = replace(
            alert,
            state=state,
            reason="" if reason is None else reason.value,
            decided_by=uow.actor,
            decided_at=uow.now,
            due_at=None,
        )
        rows.save_alert(uow, decided)
        journal.decision(
            uow,
            f"alert.{'confirm' if reason is None else 'dismiss'}",
            org=alert.org,
            outcome=state.value,
            reason="ORDER_CLOSED_WITH",
            params={"order_closed": order.id, "disposition": closing.disposition},
            alert_id=alert.id,
            case_id=alert.case_id,
        )
