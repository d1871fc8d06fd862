"""The nouns of this room: match, alert, case, work order, stream entry.

All are frozen values. Money and quantities are `Decimal`; times are aware UTC; words for people
are codes with parameters and become sentences in the catalogue only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from workorders.levels import Level


class SourceKind(StrEnum):
    """Who found it. A rule's orange opens an order; a model's or a robot's waits for triage."""

    RULE = "rule"
    MODEL = "model"
    ROBOT = "robot"
    PERSON = "person"


class OrderKind(StrEnum):
    """What a work order is about."""

    RISK = "risk"
    DATA = "data"
    SETTLEMENT = "settlement"
    AUDIT = "audit"
    SYSTEM = "system"


class State(StrEnum):
    """Where a work order stands; `states.MOVES` lists every legal move."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_WORK = "in_work"
    RESOLVED = "resolved"
    CLOSED = "closed"
    SNOOZED = "snoozed"
    MERGED = "merged"


class AlertState(StrEnum):
    """Where an alert stands in the triage inbox."""

    NEW = "new"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Clear:
    """The condition that must no longer hold before the order may close.

    Attributes:
        rule: the rule's id.
        fact_key: the key of the fact that the rule looked at (organisation, product, month ...).
    """

    rule: str
    fact_key: str


@dataclass(frozen=True, slots=True)
class ObjectDecision:
    """What a rule decides about one object besides raising a match.

    Attributes:
        object_type: ``event``, ``hedge_order`` ...
        object_id: the object's own id.
        outcome: ``hold``, ``deny``, ``stale`` ...
        reason: a code (``DATA_GATE``).
    """

    object_type: str
    object_id: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """A rule, a model or a robot says: this is not as it should be.

    Attributes:
        rule: rule id; a robot's alert carries the id of the rule that read it.
        code: the outcome code (``EXPOSURE_CRITICAL``).
        version: the rule's version.
        level: colour, or None when only a decision on an object is reported (no alert is raised).
        org: path of the organisation.
        event_time: when it happened, not when we learnt of it.
        month: delivery month bucket, for example ``2406``.
        measure: what is measured, for example ``exposure.net``.
        cause: tells apart matches that share all else; for an external alert it is made from its
            source and alert id (`cases.external_cause`).
        objects: keys of the objects concerned (orders, vouchers, receipts, position keys).
        sources: keys of the data sources concerned.
        evidence: figures for the why-trace, as JSON values; decimals may stand as `Decimal`.
        leaves: one mapping per compared field (field, op, value, threshold, margin, truth).
        facts_hash: hash of the facts that were looked at.
        rulebook: hash of the rulebook in force.
        batch_run: id of the batch run that found it, else empty.
        value, limit, use, unit: the figure that broke, its limit, their ratio, and the unit.
        clears: set for a condition that can stop holding; None for something that has happened
            (then closing asks a disposition instead).
        decide: the decision on one object, if the rule makes one.
        kind: the kind of work order that this would open.
        correlation: uid of the correlation that it tells, else empty.
        row: which row of the rule's table decided, counted from 1; 0 where there is no table.
        series: up to 20 points (time, value), oldest first, for the sparkline.
        remedies: what would bring it back, as code and parameters each.
        data_state: how far the fact can be trusted, a value of `book.prices.DataState`; empty
            where the fact does not say.
    """

    rule: str
    code: str
    version: str
    level: Level | None
    org: str
    event_time: datetime
    account: str = ""
    product: str = ""
    month: str = ""
    measure: str = ""
    cause: str = ""
    actor: str = ""
    objects: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    leaves: tuple[Mapping[str, Any], ...] = ()
    facts_hash: str = ""
    rulebook: str = ""
    clause: str = ""
    source_kind: SourceKind = SourceKind.RULE
    batch_run: str = ""
    value: Decimal | None = None
    limit: Decimal | None = None
    use: Decimal | None = None
    unit: str = ""
    clears: Clear | None = None
    decide: ObjectDecision | None = None
    kind: OrderKind = OrderKind.RISK
    event_ids: tuple[str, ...] = ()
    correlation: str = ""
    row: int = 0
    series: tuple[tuple[datetime, Decimal], ...] = ()
    remedies: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    data_state: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Matches that belong together; at most one work order answers for them.

    Attributes:
        cause: set for an external alert only: such a case takes nothing but the same cause.
        keys: what it overlaps by (``product:cu``, ``actor:u_liu``, ``object:19532``, ...).
        first_event, last_event: the span of its matches in event time.
    """

    id: str
    org: str
    cause: str
    keys: frozenset[str]
    first_event: datetime
    last_event: datetime
    batch_run: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of the triage inbox: a deduplicated match with its counter.

    Attributes:
        key: `dedup.dedup_key` of its matches.
        reason: why it was dismissed (`triage.Reason`), or a code of the system.
        first_seen, last_seen: the span of its matches in event time.
        raised_at: when we raised it.
        assignees: whose inbox it is in.
        due_at: when it should have been looked at; None once decided or attached to an order.
        escalations: how often the triage itself was escalated.
        condition: the key of the fact that it watches, for the flap score; empty for what happened.
        dwell_until: until when its condition must hold before an order opens (`dwelling`); None
            when nothing waits for that.
    """

    id: str
    key: str
    case_id: str
    rule: str
    code: str
    version: str
    level: Level
    org: str
    account: str
    product: str
    month: str
    measure: str
    cause: str
    actor: str
    source_kind: SourceKind
    state: AlertState
    reason: str
    order_id: str
    raised_at: datetime
    first_seen: datetime
    last_seen: datetime
    count: int
    due_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    escalations: int
    value: Decimal | None
    limit: Decimal | None
    use: Decimal | None
    unit: str
    evidence: Mapping[str, Any]
    assignees: tuple[str, ...]
    condition: str = ""
    dwell_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Corrective:
    """A corrective action (整改): what, by whom, until when."""

    text: str
    owner: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing asks.

    Attributes:
        disposition: how it ended, a code of `guard.DISPOSITIONS`.
        root_cause: a code such as ``ROLE_MISSING_PERMISSION``.
        corrective: the corrective action; required for red and orange.
        override: the reason for closing while the condition holds or cannot be assessed.
        note: free text.
    """

    disposition: str = ""
    root_cause: str = ""
    corrective: Corrective | None = None
    override: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A work order (工单).

    Attributes:
        id: ``WO-YYYYMMDD-NNN``.
        version: grows when state, level or owner change, not with re-fires, notes or escalations;
            a card's button carries the version that it was drawn from.
        title: code of the title's sentence, with `title_params`.
        lead_key: `dedup.dedup_key` of the match that gave it its level; its figures are shown.
        first_seen, last_seen: the span of its matches in event time.
        assignees: ids of the people whom the routing named.
        owner: who took it over, or empty.
        acknowledge_by: the first acknowledge deadline, kept for the figures.
        acknowledge_due, resolve_due: the two clocks; None when stopped.
        answered_at: when a person first acknowledged it or did more; unlike `acknowledged_at` it
            stays when the level rises. Kept for the figures.
        rung: the last rung of the escalation ladder that was climbed, 0 = first notice.
        policy: the policy frozen at start, as JSON (`policy.Policy.from_json`).
        clears: conditions that must be cleared before closing.
        needs_disposition: true when some match is something that has happened.
        snoozed_from, snoozed_until: where a snooze returns to, and when.
        merged_into, reopened_from: links to other orders.
    """

    id: str
    kind: OrderKind
    org: str
    level: Level
    state: State
    version: int
    case_id: str
    title: str
    title_params: Mapping[str, Any]
    lead_key: str
    opened_at: datetime
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    account: str = ""
    product: str = ""
    month: str = ""
    measure: str = ""
    value: Decimal | None = None
    limit: Decimal | None = None
    use: Decimal | None = None
    unit: str = ""
    assignees: tuple[str, ...] = ()
    owner: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    acknowledge_by: datetime | None = None
    answered_at: datetime | None = None
    acknowledge_due: datetime | None = None
    resolve_due: datetime | None = None
    rung: int = 0
    policy: Mapping[str, Any] = field(default_factory=dict)
    clears: tuple[Clear, ...] = ()
    needs_disposition: bool = False
    tags: tuple[str, ...] = ()
    snoozed_from: str = ""
    snoozed_until: datetime | None = None
    merged_into: str = ""
    reopened_from: str = ""
    closing: Mapping[str, Any] = field(default_factory=dict)
    drill: bool = False

    @property
    def handler(self) -> str:
        """Who disposed of it; before that who has it in hand; empty while nobody does."""
        return self.resolved_by or self.owner or self.closed_by


class EntryKind(StrEnum):
    """What a line of the stream is."""

    MATCH = "match"
    DECISION = "decision"
    NOTE = "note"
    MESSAGE = "message"
    NOTIFICATION = "notification"
    APPROVAL = "approval"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the single stream under an order.

    Attributes:
        at: when it was written (event time of a match stands in `params`).
        code: the catalogue's key without its room (``order.acknowledge``), with `params`.
        text: what a person typed, verbatim; empty otherwise.
    """

    seq: int
    at: datetime
    actor: str
    kind: EntryKind
    code: str
    params: Mapping[str, Any]
    text: str = ""
    order_id: str = ""
    alert_id: str = ""
    case_id: str = ""
