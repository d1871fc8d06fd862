"""D3, 预警收件箱: alerts of every colour, grouped by incident, judged one by one or in bulk."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.orders import Leaf, Pair, RuleLine
from service.web.views.parts import Act, Filter, Link, Pager


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of the list.

    Attributes:
        source: ``rule``, ``model``, ``robot`` or ``person``.
        state: a code of `workorders.model.AlertState`.
        count: how often it was seen.
    """

    id: str
    level: str
    subject: str
    unit: str
    source: str
    state: str
    url: str
    count: int = 1
    last_seen: datetime | None = None
    due: datetime | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """The alerts of one incident; `order` is its work order, if there is one."""

    title: str
    alerts: tuple[AlertLine, ...]
    order: Link | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """A similar past alert, and how it ended."""

    text: str
    ended: str
    at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """The picked alert.

    Attributes:
        explanation: one sentence: what, how far from usual, why that matters.
        state_text: where it stands: waits, answered for by an order, or decided by whom and why.
        further: what else stood out, a sentence each.
        normal: what is usual (平时); `now` what was seen (本次).
        leaves: evidence of a rule; `evidence` of a model or robot.
        acts: confirm (c), dismiss (d), merge (m), next (n).
    """

    line: AlertLine
    explanation: str
    state_text: str = ""
    further: tuple[str, ...] = ()
    normal: str = ""
    now: str = ""
    rules: tuple[RuleLine, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    evidence: tuple[Pair, ...] = ()
    similar: tuple[Similar, ...] = ()
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class TriagePage:
    """The page.

    Attributes:
        budget_text: 今日预警 4/5 · 近 30 日确认率 58 %（区间 41–74 %）.
        filters: source, level, unit.
        chosen: whether the reader asked for this alert; else it is the first of the list.
        bulk_dismiss: its dialog asks the reason; the ids are posted as ``alert``.
    """

    budget_text: str
    filters: tuple[Filter, ...]
    groups: tuple[AlertGroup, ...]
    total: int
    pager: Pager
    picked: AlertDetail | None = None
    chosen: bool = False
    bulk_dismiss: Act | None = None
    export_url: str = ""


@dataclass(frozen=True, slots=True)
class BulkDismissPage:
    """The list once more, before it goes."""

    alerts: tuple[AlertLine, ...]
    act: Act
    back_url: str
