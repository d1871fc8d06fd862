"""Credentials (changes are recorded), sessions and failed attempts (plumbing)."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from store.types import UtcDateTime


class CredentialRow(SQLModel, table=True):
    """A person's password as an argon2id hash."""

    __tablename__ = "service_credential"
    person: str = Field(primary_key=True, sa_type=Text)
    password_hash: str = Field(sa_type=Text)
    changed_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class SessionRow(SQLModel, table=True):
    """A signed-in browser. The cookie's value is never stored, only its SHA-256."""

    __tablename__ = "service_session"
    __table_args__ = (
        Index("ix_service_session_person", "person"),
        Index("ix_service_session_expires_at", "expires_at"),
        {"info": {"plumbing": True}},
    )
    token_hash: str = Field(primary_key=True, sa_type=Text)
    person: str = Field(sa_type=Text)
    began_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    seen_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    address: str = Field(sa_type=Text)


class AttemptRow(SQLModel, table=True):
    """Failed sign-ins of one login or one address in the running window."""

    __tablename__ = "service_login_attempt"
    __table_args__ = ({"info": {"plumbing": True}},)
    attempt_key: str = Field(primary_key=True, sa_type=Text)
    failures: int = Field(sa_type=BigInteger)
    since: datetime = Field(sa_type=UtcDateTime, nullable=False)


class TokenRow(SQLModel, table=True):
    """A token by which a program or a command acts for a person; only its SHA-256 is kept."""

    __tablename__ = "service_token"
    __table_args__ = (Index("ix_service_token_person", "person"),)
    token_hash: str = Field(primary_key=True, sa_type=Text)
    person: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    made_by: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
