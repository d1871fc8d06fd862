"""复盘: what ended and why, root causes, corrective actions."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import Act, Choice, Link, Pager


@dataclass(frozen=True, slots=True)
class CorrectiveLine:
    """A corrective action.

    Attributes:
        state: ``open``, ``overdue`` or ``done``.
        done: who did what, and when; empty while it is open.
    """

    order: Link
    unit: str
    text: str
    owner: str
    due: datetime
    state: str
    done: str = ""
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One closed order or dismissed alert.

    Attributes:
        how: disposition in words; `why` the root cause; both may be empty.
        override: the reason for closing against the condition.
        earlier: orders about the same matter within 90 days before.
        times: seconds to told, acknowledged, resolved, closed; None for never.
        case_test: makes it a rule test; None where there is no rule or it may not be read.
    """

    link: Link
    level: str
    subject: str
    unit: str
    ended: datetime
    ended_by: str
    how: str
    why: str
    override: str
    earlier: int
    times: tuple[int | None, int | None, int | None, int | None]
    corrective: str = ""
    corrective_state: str = ""
    case_test: Link | None = None


@dataclass(frozen=True, slots=True)
class CauseLine:
    """One root cause with how many orders it has, and how many of them came again."""

    link: Link
    orders: int
    again: int
    overdue: int


@dataclass(frozen=True, slots=True)
class ReviewsPage:
    """The page; `more` says that the span held too many and the oldest are missing."""

    since: str
    until: str
    fault: str
    filters: tuple[tuple[str, str, tuple[Choice, ...]], ...]
    lines: tuple[ReviewLine, ...]
    pager: Pager
    causes: tuple[CauseLine, ...]
    open: tuple[CorrectiveLine, ...]
    more: bool
    export_url: str
