"""The approvals' tables: requests with their present state, and every act on them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel

from store.tables import ROW_ID
from store.types import CanonicalJson, DecimalText, UtcDateTime

#: Of one requester's requests for one object at most one is undecided.
_UNDECIDED = text("status IN ('draft', 'pending', 'papers')")


class RequestRow(SQLModel, table=True):
    """One request; `state` is the whole, the other columns repeat it for searching."""

    __tablename__ = "approvals_request"
    __table_args__ = (
        Index("ix_approvals_request_status_due", "status", "due"),
        Index("ix_approvals_request_object", "kind", "object_id"),
        Index(
            "uq_approvals_request_open",
            "kind",
            "object_id",
            "requester",
            unique=True,
            postgresql_where=_UNDECIDED,
            sqlite_where=_UNDECIDED,
        ),
    )
    id: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    object_id: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    requester: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    due: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    created_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    state: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class EventRow(SQLModel, table=True):
    """One act, accepted or refused, in the order in which it was done."""

    __tablename__ = "approvals_event"
    __table_args__ = (
        Index("ix_approvals_event_request", "request_id", "id"),
        Index("ix_approvals_event_at", "at", "id"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    request_id: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    actor: str = Field(sa_type=Text)
    verb: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    expected_version: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    accepted: bool
    code: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class DelegationRow(SQLModel, table=True):
    """One delegation, from its asking to its end; it counts once a second person has agreed."""

    __tablename__ = "approvals_delegation"
    __table_args__ = (
        Index("ix_approvals_delegation_delegate", "delegate"),
        Index("ix_approvals_delegation_principal", "principal"),
        Index("ix_approvals_delegation_told", "told_at", "starts"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    principal: str = Field(sa_type=Text)
    delegate: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    cap: Any = Field(sa_type=DecimalText, nullable=True)
    currency: str = Field(sa_type=Text)
    starts: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ends: datetime = Field(sa_type=UtcDateTime, nullable=False)
    reason: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    confirmed_by: str = Field(sa_type=Text)
    confirmed_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    ended_by: str = Field(sa_type=Text)
    ended_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    told_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
