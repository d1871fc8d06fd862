"""D1, 今日值守: what an officer sees first."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from service.web.views.parts import NO_FIGURE, Act, Figure, HeatMap, Link


@dataclass(frozen=True, slots=True)
class LevelCount:
    """One of the four big counts.

    Attributes:
        level: ``red`` … ``blue``.
        next_due: the nearest deadline, counted down; None when nothing runs.
        due_kind: ``acknowledge`` or ``resolve``: which clock that is.
        links: what the count is made of (工单 1, 预警 3), each to its rows.
    """

    level: str
    count: int
    url: str
    next_due: datetime | None = None
    due_kind: str = "resolve"
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """One thing that waits for me: an order, an alert, an approval or a corrective action.

    Attributes:
        kind: ``order``, ``alert``, ``approval`` or ``corrective``.
        number: its id as people say it (``WO-20261122-017``).
        subject: product, month and measure as a sentence (沪铜 cu2405 净敞口越限).
        unit: name of the organisation unit.
        use: share of the limit; None shows `note` in its place.
        since: when it began.
        due: its deadline; None when no clock runs.
        take: 接手; None when it is not possible for this person.
    """

    level: str
    kind: str
    number: str
    subject: str
    unit: str
    url: str
    value: Figure = NO_FIGURE
    limit: Figure = NO_FIGURE
    use: Decimal | None = None
    note: str = ""
    since: datetime | None = None
    due: datetime | None = None
    take: Act | None = None


@dataclass(frozen=True, slots=True)
class NearLimit:
    """One line of 接近限额."""

    name: str
    use: Decimal
    level: str
    url: str


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """One event of today or the next days; `when` is 今日, 明日 or a date, as words."""

    when: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class QualityLine:
    """One figure about the alerts themselves; `detail` is quieter (an interval)."""

    label: str
    text: str
    detail: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class TodayPage:
    """The page.

    Attributes:
        counts: red, orange, yellow, blue, always all four.
        waiting: sorted by deadline; `waiting_total` may be greater than what is shown.
        near: the five nearest to their limit.
        heat: the exposure map in small; None leaves the panel out.
        start: what a newcomer should do next, shown while nothing waits.
        handovers: sheets that wait for this person's signature, as sentences.
    """

    counts: tuple[LevelCount, ...]
    waiting: tuple[WaitingLine, ...]
    waiting_total: int
    near: tuple[NearLimit, ...] = ()
    calendar: tuple[CalendarLine, ...] = ()
    quality: tuple[QualityLine, ...] = ()
    heat: HeatMap | None = None
    heat_url: str = ""
    export_url: str = ""
    acts: tuple[Act, ...] = ()
    start: tuple[Link, ...] = ()
    handovers: tuple[Link, ...] = ()
