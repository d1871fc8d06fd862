"""D7, 日志与时间轴: search, timeline of one object, quarantine."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.orders import Pair
from service.web.views.parts import Act, Chart, Choice, Facet, FormField, Link, Pager, StreamEntry


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event.

    Attributes:
        kind: ``business``, ``system``, ``risk``, ``exception`` or ``market``.
        type: the dotted verb as it stands in the log; `text` the same in words.
        outcome: as it stands in the log; `failed` marks it.
        object_url: the timeline of its object.
        late_s: seconds between event and arrival when it came late, else 0.
    """

    at: datetime
    kind: str
    type: str
    text: str
    actor: str = ""
    unit: str = ""
    object_name: str = ""
    object_url: str = ""
    outcome: str = ""
    failed: bool = False
    late_s: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """A filter with many values, those with the most events first."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class TimelineDrawer:
    """The timeline of one object.

    Attributes:
        title: the object as people say it.
        chart: the exposure over the same time; None when it touches none.
        acts: 标签, 备注, 关联工单, 保存为监控, 分享视图.
        clock: how times are written: ``time`` within one day, else ``minute`` with its day.
        empty: a sentence in place of the stream when nothing is known of the object.
    """

    title: str
    stream: tuple[StreamEntry, ...]
    chart: Chart | None = None
    facts: tuple[Pair, ...] = ()
    tags: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    close_url: str = ""
    clock: str = "time"
    empty: str = ""


@dataclass(frozen=True, slots=True)
class LogPage:
    """The search.

    Attributes:
        query: as typed: order, voucher, person, receipt, or words of the message.
        chips: filters that are set, each link takes one away; `facets` what else to filter by.
        histogram: events over time, stacked by kind.
        fields: further filters as form fields (from, to).
        selects: further filters to choose from (unit, person, outcome).
        tabs: events, and the two quarantines with their numbers of rows.
        note: a sentence above the list; empty for none.
    """

    query: str
    chips: tuple[Facet, ...]
    kinds: tuple[Facet, ...]
    lines: tuple[LogLine, ...]
    pager: Pager
    histogram: Chart | None = None
    fields: tuple[FormField, ...] = ()
    selects: tuple[Select, ...] = ()
    drawer: TimelineDrawer | None = None
    export_url: str = ""
    save_watch: Act | None = None
    tabs: tuple[Facet, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuarantineLine:
    """One row that could not be read; `replay` and `dismiss` settle it.

    Attributes:
        source: its file and line, or the source that it names.
        raw: the row as it was, as text; for the row of a table `cells` instead.
        kind: what the file holds; empty for events.
        settled: who settled it, when and why; empty while it is open.
    """

    number: int
    source: str
    received_at: datetime
    reason: str
    raw: str
    replay: Act | None = None
    dismiss: Act | None = None
    kind: str = ""
    cells: tuple[Pair, ...] = ()
    settled: str = ""


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Rows that wait to be mended and replayed, or that were settled.

    Attributes:
        states: links to the rows that are open, replayed, dismissed; `state` is the one shown.
    """

    lines: tuple[QuarantineLine, ...]
    pager: Pager
    tabs: tuple[Facet, ...] = ()
    export_url: str = ""
    title: str = ""
    note: str = ""
    states: tuple[Link, ...] = ()
    state: str = "open"
