"""Which rows count for which figure, and why. Pure.

The cohort of every figure about orders is the orders *opened* in the period. An order that was
opened before it and closed within it belongs to the earlier period, whose figures it changes; it is
listed apart (`Figure.CARRIED`). Drills are no orders here: they are left out when rows are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from workorders.figures.rows import Figure, FigureRow
from workorders.levels import Level
from workorders.model import AlertState, State

#: States of a notice that was meant to go out. All others were withheld on purpose.
SENT_OUT = frozenset({"queued", "sent", "stale", "failed", "bounced"})
_DUPLICATE = "duplicate"
_BREACHING = frozenset({Level.ORANGE.value, Level.RED.value})


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """What the figures need of one order.

    Attributes:
        acknowledge_by: the first deadline, as frozen when it opened; a snooze does not move it.
        answered_at: when a person first acknowledged it or did more; a rise of the level keeps it.
        resolved_at: the resolution that stands; one that was taken back is none.
        notified_at: when a channel first took a notice about it.
        reopened: whether another order was opened in its place after it was closed.
        overridden: whether it was closed over the close guard's refusal.
    """

    order_id: str
    org: str
    level: str
    state: str
    opened_at: datetime
    acknowledge_by: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    notified_at: datetime | None = None
    reopened: bool = False
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class NoticeTimes:
    """What the figures need of one notice; `sent_at` is None while no channel took it."""

    key: str
    order_id: str
    org: str
    level: str
    person: str
    channel: str
    state: str
    queued_at: datetime
    due_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertTimes:
    """What the figures need of one alert.

    Attributes:
        limited: whether it is about a limit.
        family: the family of detectors that a model's alert came from, else empty.
    """

    alert_id: str
    org: str
    level: str
    rule: str
    version: str
    raised_at: datetime
    state: str
    reason: str = ""
    decided_at: datetime | None = None
    limited: bool = False
    family: str = ""


Verdict = tuple[str, bool, bool]
"""Code, counts, hits."""


def arrival(notice: NoticeTimes, at: datetime) -> FigureRow:
    """Whether a channel took the notice.

    ``SENT`` hits. ``FAILED`` (a mail that came back too) and ``PENDING`` (due, and no channel has
    it) count. ``CANCELLED`` (somebody acknowledged first), ``WITHHELD`` (a limit of cards per hour,
    a silence) and ``NOT_DUE`` do not count.
    """
    if notice.state == "bounced":
        verdict: Verdict = ("FAILED", True, False)
    elif notice.sent_at is not None:
        verdict = ("SENT", True, True)
    elif notice.state == "cancelled":
        verdict = ("CANCELLED", False, False)
    elif notice.state not in SENT_OUT:
        verdict = ("WITHHELD", False, False)
    elif notice.state == "failed":
        verdict = ("FAILED", True, False)
    elif notice.due_at > at:
        verdict = ("NOT_DUE", False, False)
    else:
        verdict = ("PENDING", True, False)
    label = f"{notice.person} · {notice.channel}" if notice.channel else notice.person
    return FigureRow(
        notice.key, notice.order_id, notice.org, notice.level, label,
        notice.queued_at, notice.due_at, notice.sent_at, *verdict,
    )  # fmt: skip


def response(order: OrderTimes, at: datetime) -> FigureRow:
    """Whether a person answered by the first deadline; an answer on the deadline is in time.

    ``IN_TIME`` hits. ``LATE`` and ``MISSED`` (the deadline passed, nobody answered) count.
    ``WAITING``, and what ended without a person before anybody answered (``MERGED``, ``OVER``), do
    not. Who merges an order has answered it.
    """
    due, answered = order.acknowledge_by, order.answered_at
    if answered is not None:
        in_time = due is None or answered <= due
        verdict: Verdict = ("IN_TIME" if in_time else "LATE", True, in_time)
    elif order.state == State.MERGED:
        verdict = ("MERGED", False, False)
    elif order.state in {State.RESOLVED, State.CLOSED}:
        verdict = ("OVER", False, False)
    elif due is None or due >= at:
        verdict = ("WAITING", False, False)
    else:
        verdict = ("MISSED", True, False)
    return _order_row(order, answered, verdict, due=due)


def notify(order: OrderTimes, _at: datetime) -> FigureRow:
    """From the opening to the first notice that a channel took: ``NOTIFIED`` counts."""
    told = order.notified_at is not None
    return _order_row(
        order, order.notified_at, ("NOTIFIED" if told else "NOT_NOTIFIED", told, told)
    )


def acknowledge(order: OrderTimes, _at: datetime) -> FigureRow:
    """From the opening to the first answer of a person: ``ANSWERED`` counts."""
    done = order.answered_at is not None
    return _order_row(order, order.answered_at, ("ANSWERED" if done else "UNANSWERED", done, done))


def resolve(order: OrderTimes, _at: datetime) -> FigureRow:
    """From the opening to the resolution that stands: ``RESOLVED`` counts."""
    if order.state == State.MERGED:
        return _order_row(order, None, ("MERGED", False, False))
    done = order.resolved_at is not None
    return _order_row(order, order.resolved_at, ("RESOLVED" if done else "UNRESOLVED", done, done))


def closed_loop(order: OrderTimes, _at: datetime) -> FigureRow:
    """Whether the order was closed for good.

    ``CLOSED`` hits. ``REOPENED`` (closed, then opened again as a linked order) and ``OPEN`` (also
    snoozed or resolved) count. ``MERGED`` does not: the order that took it in answers for it.
    """
    if order.state == State.MERGED:
        verdict: Verdict = ("MERGED", False, False)
    elif order.closed_at is None:
        verdict = ("OPEN", True, False)
    elif order.reopened:
        verdict = ("REOPENED", True, False)
    else:
        verdict = ("CLOSED", True, True)
    return _order_row(order, order.closed_at, verdict)


def override(order: OrderTimes, _at: datetime) -> FigureRow:
    """Whether a closed order was closed while its condition held or could not be assessed.

    ``OVERRIDDEN`` hits, ``CLOSED`` counts, ``OPEN`` and ``MERGED`` do not.
    """
    if order.state == State.MERGED:
        verdict: Verdict = ("MERGED", False, False)
    elif order.closed_at is None:
        verdict = ("OPEN", False, False)
    else:
        verdict = ("OVERRIDDEN" if order.overridden else "CLOSED", True, order.overridden)
    return _order_row(order, order.closed_at, verdict)


def carried(order: OrderTimes, _at: datetime) -> FigureRow:
    """An order of an earlier period that was closed in this one: ``CLOSED``."""
    return _order_row(order, order.closed_at, ("CLOSED", True, True))


def raised(alert: AlertTimes, _at: datetime) -> FigureRow:
    """Every alert counts once, however often it fired again: ``RAISED``."""
    return _alert_row(alert, alert.decided_at, ("RAISED", True, True))


def confirmed(alert: AlertTimes, _at: datetime) -> FigureRow:
    """Whether people found the alert to be real.

    ``CONFIRMED`` hits, ``DISMISSED`` counts; ``DUPLICATE`` (dismissed as such), ``MERGED`` and
    ``UNDECIDED`` do not. An alert that nobody triaged takes the disposition of its order when that
    is closed.
    """
    if alert.state == AlertState.CONFIRMED:
        verdict: Verdict = ("CONFIRMED", True, True)
    elif alert.state == AlertState.MERGED:
        verdict = ("MERGED", False, False)
    elif alert.state == AlertState.DISMISSED:
        duplicate = alert.reason == _DUPLICATE
        verdict = ("DUPLICATE" if duplicate else "DISMISSED", not duplicate, False)
    else:
        verdict = ("UNDECIDED", False, False)
    return _alert_row(alert, alert.decided_at, verdict)


def breach(alert: AlertTimes, _at: datetime) -> FigureRow:
    """Whether the alert is a breach: on a limit, and orange or red (``BREACH``).

    ``BELOW`` (blue, yellow) and ``NO_LIMIT`` do not count.
    """
    if not alert.limited:
        verdict: Verdict = ("NO_LIMIT", False, False)
    elif alert.level in _BREACHING:
        verdict = ("BREACH", True, True)
    else:
        verdict = ("BELOW", False, False)
    return _alert_row(alert, None, verdict)


ORDER_FIGURES: Mapping[Figure, Callable[[OrderTimes, datetime], FigureRow]] = {
    Figure.RESPONSE: response,
    Figure.NOTIFY: notify,
    Figure.ACKNOWLEDGE: acknowledge,
    Figure.RESOLVE: resolve,
    Figure.CLOSED_LOOP: closed_loop,
    Figure.OVERRIDE: override,
    Figure.CARRIED: carried,
}
ALERT_FIGURES: Mapping[Figure, Callable[[AlertTimes, datetime], FigureRow]] = {
    Figure.ALERTS: raised,
    Figure.CONFIRMED: confirmed,
    Figure.BREACHES: breach,
}
VERDICTS = (
    "SENT", "CANCELLED", "WITHHELD", "FAILED", "NOT_DUE", "PENDING", "IN_TIME", "LATE", "MERGED",
    "OVER", "WAITING", "MISSED", "NOTIFIED", "NOT_NOTIFIED", "ANSWERED", "UNANSWERED", "RESOLVED",
    "UNRESOLVED", "OPEN", "REOPENED", "CLOSED", "OVERRIDDEN", "RAISED", "CONFIRMED", "DUPLICATE",
    "DISMISSED", "UNDECIDED", "NO_LIMIT", "BREACH", "BELOW",
    "APPROVED",
)  # fmt: skip


def _order_row(
    order: OrderTimes, ended: datetime | None, verdict: Verdict, *, due: datetime | None = None
) -> FigureRow:
    return FigureRow(
        order.order_id, order.order_id, order.org, order.level, order.state,
        order.opened_at, due, ended, *verdict,
    )  # fmt: skip


def _alert_row(alert: AlertTimes, ended: datetime | None, verdict: Verdict) -> FigureRow:
    return FigureRow(
        alert.alert_id, alert.alert_id, alert.org, alert.level, f"{alert.rule} {alert.version}",
        alert.raised_at, None, ended, *verdict,
    )  # fmt: skip
