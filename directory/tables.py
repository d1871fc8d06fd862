"""The directory's tables. A grant is ended, never deleted, so that the past can be asked."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.tables import ROW_ID
from store.types import CanonicalJson, UtcDateTime


class OrganisationRow(SQLModel, table=True):
    """One declared node of the tree; the document is its entry in a directory file."""

    __tablename__ = "directory_organisation"
    path: str = Field(primary_key=True, sa_type=Text)
    position: int = Field(sa_type=BigInteger)
    document: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class PersonRow(SQLModel, table=True):
    """One person; grants stand in `directory_grant`."""

    __tablename__ = "directory_person"
    id: str = Field(primary_key=True, sa_type=Text)
    position: int = Field(sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    roles: list[str] = Field(sa_type=CanonicalJson, nullable=False)
    unit: str = Field(sa_type=Text)
    shift: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    active: bool
    language: str = Field(sa_type=Text)
    login: str = Field(sa_type=Text)
    mixed_roles_by: str = Field(sa_type=Text)


class AccountRow(SQLModel, table=True):
    """One person's account in one chat."""

    __tablename__ = "directory_account"
    __table_args__ = (
        UniqueConstraint("channel", "team", "user_id", name="uq_directory_account_user"),
    )
    person: str = Field(primary_key=True, sa_type=Text)
    channel: str = Field(primary_key=True, sa_type=Text)
    team: str = Field(sa_type=Text)
    user_id: str = Field(sa_type=Text)


class GrantRow(SQLModel, table=True):
    """One permission of one person."""

    __tablename__ = "directory_grant"
    __table_args__ = (Index("ix_directory_grant_person", "person"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    person: str = Field(sa_type=Text)
    permission: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    valid_from: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    valid_to: datetime | None = Field(sa_type=UtcDateTime, nullable=True)
    approved_by: str = Field(sa_type=Text)


class RosterRow(SQLModel, table=True):
    """One line of the roster; `section` is ``roster``, ``overrides``, ``swaps`` or ``absences``."""

    __tablename__ = "directory_roster"
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    section: str = Field(sa_type=Text)
    document: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class SettingRow(SQLModel, table=True):
    """What stands once: ``last_resort``, ``holidays``, ``version``."""

    __tablename__ = "directory_setting"
    name: str = Field(primary_key=True, sa_type=Text)
    value: Any = Field(sa_type=CanonicalJson, nullable=False)
