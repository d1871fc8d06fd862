"""The row behind a figure: one shape for all of them, so that anybody can add them up again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Figure(StrEnum):
    """The figures that have rows. The value is the name in the answer of `metrics`."""

    ARRIVAL = "arrival_rate"
    NOTIFY = "time_to_notify"
    RESPONSE = "response_rate"
    ACKNOWLEDGE = "time_to_acknowledge"
    RESOLVE = "time_to_resolve"
    CLOSED_LOOP = "closed_loop_rate"
    OVERRIDE = "override_rate"
    ALERTS = "alerts_per_day"
    CONFIRMED = "confirmed_share"
    BREACHES = "breaches"
    PAIRS = "approvals_by_pair"
    CARRIED = "closed_from_before"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One row behind a figure.

    Attributes:
        id: of the row itself: an order, an alert, a notice, an act of approval.
        object_id: where a reader opens it: the order, the alert or the request.
        org: whose row it is; only who sees that unit sees the row.
        level: the colour, or empty.
        label: what tells it apart: person and channel, rule and version, requester and signer.
        started_at: when its clock began; the period of the figure is about this moment.
        due_at: the deadline, where there is one.
        ended_at: when its clock stopped; None while it runs.
        verdict: why it counts as it does, a code of `verdicts`.
        counts: whether it stands below the line.
        hit: whether it stands above the line as well.
    """

    id: str
    object_id: str
    org: str
    level: str
    label: str
    started_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    verdict: str
    counts: bool
    hit: bool

    @property
    def seconds(self) -> Decimal | None:
        """From start to end, with three digits; None while the clock runs."""
        return None if self.ended_at is None else seconds(self.ended_at - self.started_at)


@dataclass(frozen=True, slots=True)
class FigurePage:
    """One page of rows, oldest first; `cursor` goes on, empty at the end."""

    items: tuple[FigureRow, ...]
    cursor: str


def seconds(duration: timedelta) -> Decimal:
    """A duration in seconds, cut to milliseconds."""
    return Decimal(duration // timedelta(milliseconds=1)) / 1000
