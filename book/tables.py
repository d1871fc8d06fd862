"""The book in the database: one insert-only table per kind of fact, in two times.

`valid_from` says since when a fact is true, `recorded_at` since when it is known. A row is never
updated: a correction is a new row with the same `valid_from` and a later `recorded_at`, a change a
new row with a later `valid_from`. ``(source, fact_key, content_hash)`` makes every import
repeatable. The whole fact stands in `body`; the columns beside it are for searching.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Date, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.tables import ROW_ID
from store.types import CanonicalJson, UtcDateTime


def _rules(table: str) -> tuple[Any, ...]:
    return (
        UniqueConstraint("source", "fact_key", "content_hash", name=f"uq_{table}_content"),
        Index(f"ix_{table}_fact_key", "fact_key", "valid_from"),
        Index(f"ix_{table}_org", "org", "product", "valid_from"),
        Index(f"ix_{table}_recorded_at", "recorded_at"),
    )


class FactRow(SQLModel):
    """The columns of every kind of fact.

    Attributes:
        fact_key: the business key, organisation first, joined by U+001F.
        version: the source's own version, 0 when it keeps none.
        retired: from `valid_from` on the fact is no longer true.
    """

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    fact_key: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text)
    month: str = Field(sa_type=Text)
    account: str = Field(sa_type=Text)
    valid_from: datetime = Field(sa_type=UtcDateTime, nullable=False)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    source: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)
    content_hash: str = Field(sa_type=Text)
    retired: bool = Field(sa_type=Boolean)
    body: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)


class ContractRow(FactRow, table=True):
    """Physical purchases and sales."""

    __tablename__ = "book_contract"
    __table_args__ = _rules("book_contract")


class FixationRow(FactRow, table=True):
    """Prices fixed on unpriced contracts (点价)."""

    __tablename__ = "book_fixation"
    __table_args__ = _rules("book_fixation")


class ReceiptRow(FactRow, table=True):
    """Goods on their way in."""

    __tablename__ = "book_receipt"
    __table_args__ = _rules("book_receipt")


class LotRow(FactRow, table=True):
    """Inventory."""

    __tablename__ = "book_lot"
    __table_args__ = _rules("book_lot")


class CommitmentRow(FactRow, table=True):
    """Orders."""

    __tablename__ = "book_commitment"
    __table_args__ = _rules("book_commitment")


class SyncRow(FactRow, table=True):
    """Orders that the ERP has."""

    __tablename__ = "book_sync"
    __table_args__ = _rules("book_sync")


class FuturesRow(FactRow, table=True):
    """Futures positions."""

    __tablename__ = "book_futures"
    __table_args__ = _rules("book_futures")


class ClaimRow(FactRow, table=True):
    """What sites say of positions, by version."""

    __tablename__ = "book_claim"
    __table_args__ = _rules("book_claim")


class OptionRow(FactRow, table=True):
    """Option positions."""

    __tablename__ = "book_option"
    __table_args__ = _rules("book_option")


class PriceRow(FactRow, table=True):
    """Market prices; each quote is a fact of its own."""

    __tablename__ = "book_price"
    __table_args__ = _rules("book_price")


class LimitRow(FactRow, table=True):
    """Limits."""

    __tablename__ = "book_limit"
    __table_args__ = _rules("book_limit")


class BasisStatsRow(FactRow, table=True):
    """Mean and standard deviation of the basis."""

    __tablename__ = "book_basis_stats"
    __table_args__ = _rules("book_basis_stats")


class LedgerAccountRow(FactRow, table=True):
    """Classes of ledger accounts."""

    __tablename__ = "book_ledger_account"
    __table_args__ = _rules("book_ledger_account")


class HedgeRow(FactRow, table=True):
    """Hedge relationships."""

    __tablename__ = "book_hedge"
    __table_args__ = _rules("book_hedge")


class DocumentRow(FactRow, table=True):
    """Amounts of orders, receipts, invoices."""

    __tablename__ = "book_document"
    __table_args__ = _rules("book_document")


class QuotaRow(FactRow, table=True):
    """Hedging quotas."""

    __tablename__ = "book_quota"
    __table_args__ = _rules("book_quota")


class SpecRow(FactRow, table=True):
    """The company's own contract specifications."""

    __tablename__ = "book_spec"
    __table_args__ = _rules("book_spec")


class UnitRow(FactRow, table=True):
    """The company's own unit conversions."""

    __tablename__ = "book_unit"
    __table_args__ = _rules("book_unit")


class SnapshotRow(SQLModel, table=True):
    """A frozen book. `purpose` is ``assessment`` or ``day_end``; a day's later one is version 2."""

    __tablename__ = "book_snapshot"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("org", "purpose", "trading_day", "version", name="uq_book_snapshot"),
        Index("ix_book_snapshot_hash", "hash"),
        Index("ix_book_snapshot_as_of", "org", "purpose", "as_of"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    org: str = Field(sa_type=Text)
    purpose: str = Field(sa_type=Text)
    trading_day: date = Field(sa_type=Date, nullable=False)
    version: int = Field(sa_type=BigInteger)
    hash: str = Field(sa_type=Text)
    outputs_hash: str = Field(sa_type=Text)
    as_of: datetime = Field(sa_type=UtcDateTime, nullable=False)
    known_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    recorded_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    manifest: dict[str, Any] = Field(sa_type=CanonicalJson, nullable=False)
    outputs: list[dict[str, Any]] = Field(sa_type=CanonicalJson, nullable=False)


TABLES: Final[dict[str, Any]] = {
    name: getattr(row, "__table__")  # noqa: B009 - the attribute is made by SQLModel, unknown to mypy
    for name, row in {
        "contracts": ContractRow,
        "fixations": FixationRow,
        "receipts": ReceiptRow,
        "lots": LotRow,
        "commitments": CommitmentRow,
        "syncs": SyncRow,
        "futures": FuturesRow,
        "claims": ClaimRow,
        "options": OptionRow,
        "prices": PriceRow,
        "limits": LimitRow,
        "basis_stats": BasisStatsRow,
        "ledger_accounts": LedgerAccountRow,
        "hedges": HedgeRow,
        "documents": DocumentRow,
        "quotas": QuotaRow,
        "own_specs": SpecRow,
        "own_units": UnitRow,
    }.items()
}
SNAPSHOT: Final[Any] = getattr(SnapshotRow, "__table__")  # noqa: B009 - as above
