"""What outside systems say about their own alerts: `alert.review` and `alert.bulk_review`.

The event names a person; the same commands run as through the API, in a transaction of that person,
with that person's rights.
"""

from collections.abc import Sequence

from sqlalchemy import select

import trail
from auditlog.events import Event
from store import UnitOfWork
from workorders.cases import external_cause
from workorders.context import Context
from workorders.inbox import TriageOutcome, confirm_alert, dismiss_alerts
from workorders.rows import ALERTS

REVIEW_TYPES = frozenset({"alert.review", "alert.bulk_review"})


def review(uow: UnitOfWork, ctx: Context, event: Event) -> Sequence[TriageOutcome]:
    """Run the review that an event reports; `uow.actor` is the event's person."""
    named = event.attributes.get("alerts")
    numbers = [str(one) for one in named] if isinstance(named, list) else [event.alert]
    ids = [found for number in numbers if (found := _alert_id(uow, event.org, number))]
    verdict = str(event.attributes.get("verdict", ""))
    reason = str(event.attributes.get("reason", ""))
    if verdict == "confirmed":
        outcomes: Sequence[TriageOutcome] = [
            confirm_alert(uow, ctx, one, text=reason) for one in ids
        ]
    elif verdict == "dismissed":
        outcomes = dismiss_alerts(uow, ctx, ids, reasons=[reason], text=reason)
    else:
        outcomes = []
    trail.record(
        uow,
        kind="decision",
        action="alert.review",
        object_type="event",
        object_id=event.event_id,
        org=event.org,
        outcome=verdict or "unknown",
        body={
            "alerts": ids,
            "unknown": [n for n in numbers if not _alert_id(uow, event.org, n)],
            "codes": [outcome.code for outcome in outcomes],
        },
    )
    return outcomes


def _alert_id(uow: UnitOfWork, org: str, number: str) -> str:
    """Our alert for the outside system's number; the newest when a system reuses numbers."""
    c = ALERTS.c
    found = uow.connection.scalar(
        select(c.id)
        .where(c.org == org, c.cause.endswith(external_cause("", number), autoescape=True))
        .order_by(c.raised_at.desc(), c.id.desc())
        .limit(1)
    )
    return str(found or "")
