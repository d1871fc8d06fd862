"""What outside systems say about their own alerts: `alert.review` and `alert.bulk_review`.

The event names a person; the same commands run as through the API, in a transaction of that person,
with that person's rights.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

import trail
from auditlog.events import Event
from store import UnitOfWork
from store.problems import shorten
from workorders.cases import external_cause
from workorders.context import Context
from workorders.inbox import TriageOutcome, confirm_alert, dismiss_alerts
from workorders.rows import ALERTS

REVIEW_TYPES = frozenset({"alert.review", "alert.bulk_review"})
#: So many alerts are named in the record of a review; each has a record of its own.
_NAMED = 100


def review(uow: UnitOfWork, ctx: Context, event: Event, *, known: bool) -> Sequence[TriageOutcome]:
    """Run the review that an event reports.

    Args:
        uow: of the event's person, whose rights count.
        ctx: as of now.
        event: the review.
        known: whether the directory knows the person; else the review is refused, on record.
    """
    named = event.attributes.get("alerts")
    given = [str(one) for one in named] if isinstance(named, list) else [event.alert]
    found = {number: _alert_id(uow, event.org, number) for number in dict.fromkeys(given)}
    ids = [alert_id for alert_id in found.values() if alert_id]
    verdict = _word(event, "verdict")
    reason = _word(event, "reason")
    outcomes: Sequence[TriageOutcome] = []
    refusal = ""
    if not known:
        refusal = "UNKNOWN_PERSON"
    elif verdict == "confirmed":
        outcomes = [confirm_alert(uow, ctx, one, text=reason) for one in ids]
    elif verdict == "dismissed":
        outcomes = dismiss_alerts(uow, ctx, ids, reasons=[reason], text=reason)
    else:
        refusal = "UNKNOWN_VERDICT"
    codes = Counter(outcome.code for outcome in outcomes)
    if not refusal and ids and not any(outcome.ok for outcome in outcomes):
        refusal = next(iter(codes))
    unknown = [shorten(number) for number, alert_id in found.items() if not alert_id]
    trail.record(
        uow,
        kind="decision",
        action="alert.review",
        object_type="event",
        object_id=event.event_id,
        org=event.org,
        outcome="refused" if refusal else verdict,
        reason=refusal,
        body={
            "person": event.actor,
            "verdict": shorten(verdict),
            "alerts": ids[:_NAMED],
            "unknown": unknown[:_NAMED],
            "count": {"alerts": len(ids), "unknown": len(unknown)},
            "codes": dict(sorted(codes.items())),
        },
    )
    return outcomes


def _word(event: Event, name: str) -> str:
    value = event.attributes.get(name, "")
    return value if isinstance(value, str) else ""


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
