"""Plumbing tables: what must survive a crash but is nobody's decision."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.types import CanonicalJson, UtcDateTime

# SQLite gives a row number of its own only to a column typed INTEGER.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


class OutboxRow(SQLModel, table=True):
    """One message that leaves; states pending, claimed, delivered, dead, cancelled."""

    __tablename__ = "store_outbox"
    __table_args__ = (
        Index("ix_store_outbox_state_due_at", "state", "due_at", "id"),
        Index("ix_store_outbox_message_group", "message_group"),
        {"info": {"plumbing": True}},
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    message_key: str = Field(sa_type=Text, unique=True)
    message_group: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    payload: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    state: str = Field(sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    put_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    settled_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    lease_until: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    holder: str = Field(sa_type=Text)
    attempts: int = Field(sa_type=BigInteger)
    handle: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)


class InboxRow(SQLModel, table=True):
    """One message that came in; states pending, consumed, dead.

    `message_key` is the sender's own, so a second copy is known.
    """

    __tablename__ = "store_inbox"
    __table_args__ = (
        UniqueConstraint("source", "message_key", name="uq_store_inbox_source_message_key"),
        Index("ix_store_inbox_state", "state", "id"),
        {"info": {"plumbing": True}},
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    source: str = Field(sa_type=Text)
    message_key: str = Field(sa_type=Text)
    payload: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    state: str = Field(sa_type=Text)
    accepted_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    consumed_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    outcome: dict[str, Any] | None = Field(sa_type=CanonicalJson, nullable=True)
    tries: int = Field(sa_type=BigInteger)
    """attempts that failed"""
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    error: str = Field(sa_type=Text)


class TimerRow(SQLModel, table=True):
    """One occasion in the future; states armed, fired, cancelled."""

    __tablename__ = "store_timer"
    __table_args__ = (
        Index("ix_store_timer_state_due_at", "state", "due_at", "id"),
        # In the order of bytes, whatever the collation: it serves a prefix.
        Index(
            "ix_store_timer_timer_key_prefix",
            "timer_key",
            postgresql_ops={"timer_key": "text_pattern_ops"},
        ),
        {"info": {"plumbing": True}},
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    timer_key: str = Field(sa_type=Text, unique=True)
    kind: str = Field(sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    payload: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    state: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    settled_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


class LeaseRow(SQLModel, table=True):
    """Who alone may do a thing until when; `token` grows with each new holder."""

    __tablename__ = "store_lease"
    __table_args__ = {"info": {"plumbing": True}}
    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(sa_type=Text)
    token: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class PositionRow(SQLModel, table=True):
    """How far a reader has come."""

    __tablename__ = "store_position"
    __table_args__ = {"info": {"plumbing": True}}
    name: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)
    written_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
