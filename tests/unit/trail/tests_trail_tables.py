"""A table of the domain, as the rooms above the trail have them."""

from datetime import datetime

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from store.types import UtcDateTime


class _Apart(SQLModel):
    """Not among the product's tables: tests that compare those must not find it."""

    metadata = MetaData()


class Ledger(_Apart, table=True):
    """Rows that are committed with a record."""

    __tablename__ = "tests_trail_ledger"
    id: int = Field(primary_key=True)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
