"""What the agents keep: hedge orders that wait, look-backs that are open, conditions at hand."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.types import CanonicalJson, DecimalText, UtcDateTime


class HedgeOrderRow(SQLModel, table=True):
    """A hedge order as it was last decided on; every decision is in the trail."""

    __tablename__ = "agents_hedge_order"
    __table_args__ = (
        UniqueConstraint("org", "object_id"),
        Index("ix_agents_hedge_order_waiting", "product", "queued_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    object_id: str = Field(index=True)
    event_uid: str
    org: str = Field(index=True)
    product: str
    month: str
    account: str
    contract: str
    side: str
    lots: int
    qty_signed: Decimal = Field(sa_column=Column(DecimalText, nullable=False))
    origin: str
    actor: str
    queued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    confirmed_by: str = ""
    outcome: str = Field(index=True)
    reason: str
    decision: str
    """uid of the trail record of the last decision"""
    fact_hash: str


class BatchRunRow(SQLModel, table=True):
    """A look-back over the log, kept open while events that it concerns may still arrive."""

    __tablename__ = "agents_batch_run"

    run_id: str = Field(primary_key=True)
    org: str = Field(index=True)
    until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """it looks at events up to this event time"""
    open_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decision: str
    """uid of the trail record of its last result"""
    result_hash: str


class ConditionRow(SQLModel, table=True):
    """The last look at one exposure: for the sparkline, and to see whether anything moved."""

    __tablename__ = "agents_condition"
    __table_args__ = {"info": {"plumbing": True}}

    fact_key: str = Field(primary_key=True)
    facts_hash: str
    level: str
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    fact: Any = Field(sa_column=Column(CanonicalJson, nullable=False))
    series: Any = Field(sa_column=Column(CanonicalJson, nullable=False))
    note: str = Field(default="", sa_column=Column(Text, nullable=False))
