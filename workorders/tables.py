"""The tables of this room."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Text
from sqlmodel import Field, SQLModel

from store.tables import ROW_ID
from store.types import CanonicalJson, DecimalText, UtcDateTime


class CaseRow(SQLModel, table=True):
    """A case; states open, closed, merged."""

    __tablename__ = "workorders_case"
    __table_args__ = (Index("ix_workorders_case_org_last_event", "org", "state", "last_event"),)
    id: str = Field(sa_type=Text, primary_key=True)
    org: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text, index=True)
    keys: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    first_event: datetime = Field(sa_type=UtcDateTime, nullable=False)
    last_event: datetime = Field(sa_type=UtcDateTime, nullable=False)
    batch_run: str = Field(sa_type=Text)
    order_id: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    merged_into: str = Field(sa_type=Text)


class AlertRow(SQLModel, table=True):
    """A line of the triage inbox."""

    __tablename__ = "workorders_alert"
    __table_args__ = (
        Index("ix_workorders_alert_org_state", "org", "state", "raised_at"),
        Index("ix_workorders_alert_key", "key", "raised_at"),
        Index("ix_workorders_alert_raised_at", "raised_at", "id"),
        Index("ix_workorders_alert_condition", "condition", "raised_at"),
    )
    id: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text)
    case_id: str = Field(sa_type=Text, index=True)
    rule: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    version: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    account: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    month: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)
    actor: str = Field(sa_type=Text)
    source_kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    order_id: str = Field(sa_type=Text, index=True)
    raised_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    first_seen: datetime = Field(sa_type=UtcDateTime, nullable=False)
    last_seen: datetime = Field(sa_type=UtcDateTime, nullable=False)
    count: int = Field(sa_type=BigInteger)
    due_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    decided_by: str = Field(sa_type=Text)
    decided_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    escalations: int = Field(sa_type=BigInteger)
    value: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    limit: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    use: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    unit: str = Field(sa_type=Text)
    evidence: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    assignees: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    condition: str = Field(default="", sa_type=Text, sa_column_kwargs={"default": ""})
    dwell_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


class MatchRow(SQLModel, table=True):
    """A match as it came, with its why-trace; never changed save for its case."""

    __tablename__ = "workorders_match"
    id: str = Field(sa_type=Text, primary_key=True)
    alert_id: str = Field(sa_type=Text, index=True)
    case_id: str = Field(sa_type=Text, index=True)
    rule: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    version: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    event_time: datetime = Field(sa_type=UtcDateTime, nullable=False)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    facts_hash: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class OrderRow(SQLModel, table=True):
    """A work order; the columns are the fields of `model.WorkOrder`."""

    __tablename__ = "workorders_order"
    __table_args__ = (
        Index("ix_workorders_order_org_state", "org", "state", "opened_at"),
        Index("ix_workorders_order_case_id", "case_id"),
        Index("ix_workorders_order_opened_at", "opened_at", "id"),
        Index("ix_workorders_order_closed_at", "closed_at"),
        Index("ix_workorders_order_reopened_from", "reopened_from"),
    )
    id: str = Field(sa_type=Text, primary_key=True)
    kind: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)
    case_id: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    title_params: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    lead_key: str = Field(sa_type=Text)
    opened_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    first_seen: datetime = Field(sa_type=UtcDateTime, nullable=False)
    last_seen: datetime = Field(sa_type=UtcDateTime, nullable=False)
    count: int = Field(sa_type=BigInteger)
    account: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    month: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    value: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    limit: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    use: Decimal | None = Field(sa_type=DecimalText, nullable=True)
    unit: str = Field(sa_type=Text)
    assignees: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    owner: str = Field(sa_type=Text)
    acknowledged_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    acknowledged_by: str = Field(sa_type=Text)
    resolved_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    resolved_by: str = Field(sa_type=Text)
    closed_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    closed_by: str = Field(sa_type=Text)
    acknowledge_by: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    answered_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    acknowledge_due: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    resolve_due: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    rung: int = Field(sa_type=BigInteger)
    policy: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    clears: list[Any] = Field(sa_type=CanonicalJson, nullable=False)
    needs_disposition: bool = Field(sa_type=Boolean)
    tags: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    snoozed_from: str = Field(sa_type=Text)
    snoozed_until: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    merged_into: str = Field(sa_type=Text)
    reopened_from: str = Field(sa_type=Text)
    closing: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    drill: bool = Field(sa_type=Boolean)


class AssignmentRow(SQLModel, table=True):
    """Whose list an order or an alert stands on."""

    __tablename__ = "workorders_assignment"
    __table_args__ = (Index("ix_workorders_assignment_person", "person"),)
    object_id: str = Field(sa_type=Text, primary_key=True)
    person: str = Field(sa_type=Text, primary_key=True)


class EntryRow(SQLModel, table=True):
    """One line of the stream; notes stand here too. Never changed save for its case."""

    __tablename__ = "workorders_stream"
    seq: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    actor: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    params: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    text: str = Field(sa_type=Text)
    order_id: str = Field(sa_type=Text, index=True)
    alert_id: str = Field(sa_type=Text)
    case_id: str = Field(sa_type=Text, index=True)


class NoticeRow(SQLModel, table=True):
    """One card to one person on one channel; states queued, sent, failed, cancelled, held."""

    __tablename__ = "workorders_notice"
    __table_args__ = (
        Index("ix_workorders_notice_object_id", "object_id"),
        Index("ix_workorders_notice_state_key", "state", "key"),
        Index("ix_workorders_notice_person_queued_at", "person", "queued_at"),
        Index("ix_workorders_notice_muted_by", "muted_by", "queued_at"),
        Index("ix_workorders_notice_queued_at", "queued_at", "key"),
    )
    key: str = Field(sa_type=Text, primary_key=True)
    object_id: str = Field(sa_type=Text)
    person: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    rung: int = Field(sa_type=BigInteger)
    queued_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    state: str = Field(sa_type=Text)
    sent_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    handle: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    error: str = Field(sa_type=Text)
    muted_by: str = Field(default="", sa_type=Text, sa_column_kwargs={"default": ""})


class SilenceRow(SQLModel, table=True):
    """One version of a silence; an edit adds one and nothing of an older one is written over.

    States: waiting (for its second person), active, ended, expired, replaced (by the next version).
    """

    __tablename__ = "workorders_silence"
    __table_args__ = (
        Index("ix_workorders_silence_state_ends_at", "state", "ends_at"),
        Index("ix_workorders_silence_created_at", "created_at", "id"),
    )
    id: str = Field(sa_type=Text, primary_key=True)
    version: int = Field(sa_type=BigInteger, primary_key=True)
    org: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    account: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    levels: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    person: str = Field(sa_type=Text)
    starts_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ends_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    confirmed_by: str = Field(sa_type=Text)
    confirmed_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    ended_by: str = Field(sa_type=Text)
    ended_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


class HandoverRow(SQLModel, table=True):
    """A hand-over sheet; states given, taken, withdrawn. Its lines never change."""

    __tablename__ = "workorders_handover"
    __table_args__ = (
        Index("ix_workorders_handover_org_state", "org", "state"),
        Index("ix_workorders_handover_given_at", "given_at", "id"),
    )
    id: str = Field(sa_type=Text, primary_key=True)
    org: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    given_by: str = Field(sa_type=Text)
    given_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    given_note: str = Field(sa_type=Text)
    items: list[dict[str, Any]] = Field(sa_type=CanonicalJson, nullable=False)
    digest: str = Field(sa_type=Text)
    ended_by: str = Field(sa_type=Text)
    ended_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    taken_note: str = Field(sa_type=Text)
    moved: list[dict[str, Any]] = Field(sa_type=CanonicalJson, nullable=False)
    orders: list[str] = Field(sa_type=CanonicalJson, nullable=False)


class CrossingRow(SQLModel, table=True):
    """One change of colour of a condition, whichever way; the flap score counts these rows."""

    __tablename__ = "workorders_crossing"
    __table_args__ = (Index("ix_workorders_crossing_condition_at", "condition", "at"),)
    seq: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    condition: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    before: str = Field(sa_type=Text)
    after: str = Field(sa_type=Text)


class PolicyRow(SQLModel, table=True):
    """A policy of paging and deadlines that the company set; the newest holds."""

    __tablename__ = "workorders_policy"
    number: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    document: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    set_by: str = Field(sa_type=Text)
    file: str = Field(sa_type=Text)
    changed_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class CorrectiveRow(SQLModel, table=True):
    """A corrective action that closing an order asked for, followed until it is done."""

    __tablename__ = "workorders_corrective"
    __table_args__ = (Index("ix_workorders_corrective_done_at", "done_at", "due_at"),)
    order_id: str = Field(sa_type=Text, primary_key=True)
    org: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    owner: str = Field(sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    closed_by: str = Field(sa_type=Text)
    done_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    done_by: str = Field(sa_type=Text)
    note: str = Field(sa_type=Text)
    moved: int = Field(sa_type=BigInteger)


class ProbeRow(SQLModel, table=True):
    """One test call to one person on one channel; the columns are the fields of `probe.Probe`."""

    __tablename__ = "workorders_probe"
    __table_args__ = (Index("ix_workorders_probe_person", "person", "channel", "started_at"),)
    id: str = Field(sa_type=Text, primary_key=True)
    person: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)
    place: str = Field(sa_type=Text)
    started_by: str = Field(sa_type=Text)
    started_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ends_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    sent_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    confirmed_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


class ExemptionRow(SQLModel, table=True):
    """An exemption on the register; the columns are the fields of `exemptions.Exemption`."""

    __tablename__ = "workorders_exemption"
    __table_args__ = (
        Index("ix_workorders_exemption_state", "state", "org"),
        Index("ix_workorders_exemption_requested_at", "requested_at", "id"),
    )
    id: str = Field(sa_type=Text, primary_key=True)
    org: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    month: str = Field(sa_type=Text)
    account: str = Field(sa_type=Text)
    cap: Any = Field(sa_type=DecimalText, nullable=False)
    unit: str = Field(sa_type=Text)
    starts_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ends_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    reason: str = Field(sa_type=Text)
    clause: str = Field(sa_type=Text)
    requested_by: str = Field(sa_type=Text)
    requested_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    state: str = Field(sa_type=Text)
    renews: str = Field(sa_type=Text)
    request_id: str = Field(sa_type=Text)
    decided_by: str = Field(sa_type=Text)
    decided_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    ended_by: str = Field(sa_type=Text)
    ended_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    end_reason: str = Field(sa_type=Text)


class ExemptionSubjectRow(SQLModel, table=True):
    """Whom an exemption is about, as the sources call them: whose doing is what it covers."""

    __tablename__ = "workorders_exemption_subject"
    __table_args__ = (Index("ix_workorders_exemption_subject_actor", "actor"),)
    exemption: str = Field(sa_type=Text, primary_key=True)
    actor: str = Field(sa_type=Text, primary_key=True)


class ExemptedRow(SQLModel, table=True):
    """One match that raised nothing because an exemption covers it; `body` is the whole match.

    `told` marks what had been told before the exemption was given: it is kept for the end, and not
    counted. `over_at` is when it ceased to wait for the end: the condition fell, or was told then.
    """

    __tablename__ = "workorders_exempted"
    __table_args__ = (
        Index("ix_workorders_exempted_exemption", "exemption", "seq"),
        Index("ix_workorders_exempted_condition", "condition", "over_at"),
        Index("ix_workorders_exempted_key", "key", "over_at"),
        Index("ix_workorders_exempted_match", "match_id"),
    )
    seq: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    exemption: str = Field(sa_type=Text)
    match_id: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    condition: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    event_time: datetime = Field(sa_type=UtcDateTime, nullable=False)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    body: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    told: bool = Field(sa_type=Boolean)
    over_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


class CounterRow(SQLModel, table=True):
    """The last number given out per prefix and day."""

    __tablename__ = "workorders_counter"
    __table_args__ = {"info": {"plumbing": True}}
    name: str = Field(sa_type=Text, primary_key=True)
    last: int = Field(sa_type=BigInteger)
