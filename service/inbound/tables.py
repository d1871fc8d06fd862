"""Links that are offered to unknown chat users, and tries of a mail's six digits (plumbing)."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from store.types import UtcDateTime


class AccountLinkRow(SQLModel, table=True):
    """A one-time link by which a person ties an account in a chat to the own name."""

    __tablename__ = "service_account_link"
    __table_args__ = {"info": {"plumbing": True}}
    token_hash: str = Field(primary_key=True, sa_type=Text)
    channel: str = Field(sa_type=Text)
    team: str = Field(sa_type=Text)
    user_id: str = Field(sa_type=Text)
    message_key: str = Field(sa_type=Text)
    """key of the inbox row whose act waits; empty for none"""
    made_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    used_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


class MailTryRow(SQLModel, table=True):
    """Wrong codes that were typed for one mail."""

    __tablename__ = "service_mail_try"
    __table_args__ = {"info": {"plumbing": True}}
    link_hash: str = Field(primary_key=True, sa_type=Text)
    failures: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class CardCodeRow(SQLModel, table=True):
    """A code with which a chat lets one delivered card be edited once."""

    __tablename__ = "service_card_code"
    __table_args__ = (
        Index("ix_service_card_code_notice", "channel", "notice"),
        {"info": {"plumbing": True}},
    )
    channel: str = Field(primary_key=True, sa_type=Text)
    code: str = Field(primary_key=True, sa_type=Text)
    notice: str = Field(sa_type=Text)
    message: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class CardQueueRow(SQLModel, table=True):
    """Requests for approval whose delivered cards are to be shown anew."""

    __tablename__ = "service_card_queue"
    __table_args__ = {"info": {"plumbing": True}}
    object_id: str = Field(primary_key=True, sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    tries: int = Field(sa_type=BigInteger)
