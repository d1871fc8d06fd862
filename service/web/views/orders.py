"""D2, 工单: the list and the page."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from service.web.views.parts import (
    NO_FIGURE,
    Act,
    Choice,
    Figure,
    Filter,
    Link,
    Pager,
    Spark,
    StreamEntry,
)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order of the list; `state` is a code of `workorders.model.State`."""

    level: str
    number: str
    subject: str
    unit: str
    state: str
    url: str
    value: Figure = NO_FIGURE
    limit: Figure = NO_FIGURE
    use: Decimal | None = None
    owner: str = ""
    count: int = 1
    opened_at: datetime | None = None
    due: datetime | None = None
    drill: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardCard:
    """One order of the board.

    Attributes:
        line: what the list says of it.
        acts_url: its acts, as a page of their own; empty when this person has none on it.
        clock: which deadline comes next: ``acknowledge``, ``resolve``, ``review``, or empty.
        due: that deadline.
        paused_until: when reminders of a snoozed order begin again.
    """

    line: OrderLine
    acts_url: str = ""
    clock: str = ""
    due: datetime | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """One state of the board.

    Attributes:
        code: as of `Step`.
        cards: the worst or the newest of them; `total` counts all.
        all_url: the list of this state, where not all have a card.
        left_out: true when the filter lets no order of this state through.
        show_url: the same filters with this state, when it is left out.
    """

    code: str
    cards: tuple[BoardCard, ...] = ()
    total: int = 0
    all_url: str = ""
    left_out: bool = False
    show_url: str = ""


@dataclass(frozen=True, slots=True)
class CardActs:
    """The acts on one order, as the board's menu.

    Attributes:
        acts: as on the order's page.
        to: the column that was dropped on; empty for all acts.
    """

    line: OrderLine
    acts: tuple[Act, ...]
    back_url: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class OrderList:
    """The list.

    Attributes:
        filters: groups of links, each of which changes one filter and keeps the others.
        kept: name and value of the filters that are links, for the form of text and unit.
        wider: from an empty list, ways to a longer one.
        board: the columns, where the reader chose the board; then `lines` is empty.
    """

    lines: tuple[OrderLine, ...]
    filters: tuple[Filter, ...]
    units: tuple[Choice, ...]
    query: str
    pager: Pager
    export_url: str = ""
    open_act: Act | None = None
    kept: tuple[tuple[str, str], ...] = ()
    wider: tuple[Link, ...] = ()
    board: tuple[BoardColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One state of the stepper.

    Attributes:
        code: ``open``, ``acknowledged``, ``in_work``, ``resolved``, ``closed``, ``merged``.
        stage: ``done``, ``now`` or ``next``.
        at: when it was reached.
        who: who brought it there.
        due: counted down while `stage` is ``now``.
        paused_until: when reminders of a snoozed order begin again.
    """

    code: str
    stage: str
    at: datetime | None = None
    who: str = ""
    due: datetime | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way back under the limit, and whether it is possible now."""

    text: str
    possible: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One compared field of the rule.

    Attributes:
        condition: what was compared, in words.
        value: what it was; `threshold` what it was held against; `margin` how far beyond.
        broken: true when this leaf made the rule match.
        source: the parts of the value, as one sentence.
    """

    condition: str
    value: Figure
    threshold: Figure
    margin: Figure
    broken: bool
    source: str = ""

    @property
    def compared(self) -> bool:
        """Whether there was something to compare with."""
        return self.threshold.value is not None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule that matched, in words.

    Attributes:
        words: the row of the rule that decided, as a sentence; the rule where it has one row.
        whole: the whole rule, where that says more.
        clause: of the company's policy (制度 §12.3).
        version: of the rule; `rulebook` is the short hash of the rule book.
        level: of the match, or empty for a decision only.
        leaves: what it compared.
        in_codes: the sentence with the codes as its source writes them.
    """

    rule: str
    words: str
    clause: str
    version: str
    rulebook: str = ""
    url: str = ""
    level: str = ""
    leaves: tuple[Leaf, ...] = ()
    in_codes: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and what belongs to it, for the side panels."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What was decided about one object (an instruction on hold, an order denied)."""

    object_name: str
    outcome: str
    reason: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class OtherMatch:
    """A match beside the leading one.

    Attributes:
        title: what it means, in a few words; `text` its sentence with the values found.
        level: its colour, or empty for a decision only.
    """

    title: str
    text: str
    level: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One work order.

    Attributes:
        title: product, month and measure as a sentence, with the unit's name.
        kind: a code of `workorders.model.OrderKind`.
        drill: a marked exercise; cards and page say 演练.
        acknowledge_due, resolve_due: the two clocks; None when stopped.
        review_due: until when a second person must have closed a red order that is resolved.
        value, limit, use: what broke; `broke_note` one line below it. Without a figure, for what
            has happened (a duplicate voucher), `broke_text` says it.
        since_text: since when and how fast, in words.
        spark: 20 points; None leaves the picture out.
        cleared: that what broke does not hold now, with the live figure; it stands in the place of
            what would bring it back.
        fault: the data fault's sentence, or empty; `fault_decisions` what was held for it.
        rules: what matched; `leaves` the compared fields of all of them.
        stream: events, messages, notes, approvals and files, oldest first; `stream_how` shows its
            times as ``time`` or, over several days, as ``moment``.
        acts: the right column, in the order of screens.md.
        closing: how it was closed; empty while it is not.
        note_url: where a note is posted; empty when this person may not; `files_url` a file, of at
            most `file_limit_mb` megabytes.
        tags: each with the list of the orders that carry it; `tag_url` changes them, and is empty
            when this person may not.
    """

    number: str
    title: str
    unit: str
    level: str
    state: str
    version: int
    kind: str = "risk"
    drill: bool = False
    count: int = 1
    steps: tuple[Step, ...] = ()
    acknowledge_due: datetime | None = None
    resolve_due: datetime | None = None
    review_due: datetime | None = None
    value: Figure = NO_FIGURE
    limit: Figure = NO_FIGURE
    use: Decimal | None = None
    broke_text: str = ""
    others: tuple[OtherMatch, ...] = ()
    broke_note: str = ""
    since_text: str = ""
    spark: Spark | None = None
    remedies: tuple[Remedy, ...] = ()
    over: str = ""
    cleared: str = ""
    fault: str = ""
    fault_decisions: tuple[DecisionLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    stream: tuple[StreamEntry, ...] = ()
    stream_how: str = "time"
    acts: tuple[Act, ...] = ()
    closing: tuple[Pair, ...] = ()
    people: tuple[Pair, ...] = ()
    related: tuple[Pair, ...] = ()
    links: tuple[Link, ...] = ()
    note_url: str = ""
    files_url: str = ""
    file_limit_mb: int = 0
    export_url: str = ""
    tags: tuple[Link, ...] = ()
    tag_url: str = ""

    @property
    def evidence_opens(self) -> bool:
        """Whether each figure of the evidence leads to its rows; false where there is none."""
        leaves = self.leaves or tuple(leaf for rule in self.rules for leaf in rule.leaves)
        figures = [leaf.value for leaf in leaves if leaf.value.value is not None]
        return bool(figures) and all(one.url for one in figures)
