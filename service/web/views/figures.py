"""指标: the service figures and the rows behind each."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.web.views.parts import NO_FIGURE, Chart, Figure, Pager


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure.

    Attributes:
        name, define: what it is called and how it is counted, in words.
        value: leads to its rows.
        detail: quieter, beside it (the 99th percentile, how many).
    """

    name: str
    define: str
    value: Figure
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """The figures of one colour."""

    level: str
    orders: int
    response: Figure = NO_FIGURE
    acknowledge: str = ""
    resolve: str = ""


@dataclass(frozen=True, slots=True)
class Raiser:
    """A rule or a model family that raises alerts: its name, its code, its page."""

    name: str
    code: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class BreachCount:
    """Breaches of one month, unit, rule and version."""

    month: str
    unit: str
    rule: Raiser
    version: str
    breaches: int


@dataclass(frozen=True, slots=True)
class PairCount:
    """How often one person signed for another."""

    unit: str
    requester: str
    signer: str
    approvals: int


@dataclass(frozen=True, slots=True)
class WeekFigures:
    """The figures of one week of the trend."""

    start: date
    orders: int
    alerts: int
    arrival: Decimal | None
    response: Decimal | None
    closed_loop: Decimal | None


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """The page; `since` and `until` are the fields of its form, `fault` what is wrong with them."""

    lines: tuple[FigureLine, ...]
    levels: tuple[LevelFigures, ...]
    breaches: tuple[BreachCount, ...]
    pairs: tuple[PairCount, ...]
    silent: tuple[Raiser, ...]
    weeks: tuple[WeekFigures, ...]
    chart: Chart | None
    since: str
    until: str
    as_of: datetime
    fault: str = ""
    export_url: str = ""


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row behind a figure; `url` opens its order, alert or request."""

    id: str
    unit: str
    level: str
    label: str
    started_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    seconds: Decimal | None
    verdict: str
    counts: bool
    hit: bool
    url: str = ""


@dataclass(frozen=True, slots=True)
class FigureRowsPage:
    """The rows behind one figure, page by page."""

    name: str
    define: str
    lines: tuple[RowLine, ...]
    pager: Pager
    since: datetime
    until: datetime
    back_url: str
    export_url: str = ""
    rate: bool = False
