"""Rows of files that could not be taken in, kept until somebody mends or dismisses them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from store.tables import ROW_ID
from store.types import CanonicalJson, UtcDateTime


class QuarantineRow(SQLModel, table=True):
    """One bad row of an imported file.

    Attributes:
        row_key: hash of kind, source, file, line and content; the same bad row is kept once.
        kind: what the file held.
        source: under what name its facts would be kept.
        file: the file's name as the user gave it.
        raw: our field → what stood there, as text.
        original: the whole row under the file's own headers, columns that are not read among it.
        problems: what is wrong, as `Problem.as_dict` gives it.
        state: ``open``, ``replayed`` or ``dismissed``.
    """

    __tablename__ = "integrations_quarantine"
    __table_args__ = (
        Index("uq_integrations_quarantine_row_key", "row_key", unique=True),
        Index("ix_integrations_quarantine_state", "state", "id"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    row_key: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    file: str = Field(sa_type=Text)
    line: int = Field(sa_type=BigInteger)
    org: str = Field(sa_type=Text)
    raw: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    original: list[list[str]] = Field(sa_type=CanonicalJson, nullable=False)
    problems: list[dict[str, Any]] = Field(sa_type=CanonicalJson, nullable=False)
    state: str = Field(sa_type=Text)
    received_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    settled_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)


class StatementRow(SQLModel, table=True):
    """That an account was listed in full as of a time: what it did not name stood there no more.

    Attributes:
        kind: of the file: positions or inventory.
        account: empty for goods that name none.
        at: since when the statement is true.
        source: under what name its facts are kept.
        digest: SHA-256 of the file.
    """

    __tablename__ = "integrations_statement"
    __table_args__ = (
        Index("uq_integrations_statement_place", "kind", "org", "account", "at", unique=True),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    kind: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    account: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    source: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
