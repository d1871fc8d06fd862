"""A table of the domain, as the rooms above the trail have them."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from store.types import UtcDateTime


class Ledger(SQLModel, table=True):
    """Rows that are committed with a record."""

    __tablename__ = "tests_trail_ledger"
    id: int = Field(primary_key=True)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
