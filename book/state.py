"""The whole book at one moment, as pure values."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from book.basis import BasisStats
from book.limits import Limit
from book.positions import (
    Commitment,
    ErpSync,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    OrderStatus,
    PhysicalContract,
    PositionClaim,
    PricingFixation,
    Receipt,
)
from book.prices import MarketPrice
from book.products import ContractSpec, SpecBook, shipped_specs
from book.units import UnitConversion, UnitTable, shipped_units
from book.vouchers import DocumentAmount, HedgeRelationship, LedgerAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A hedging quota (套保额度) of an exchange: lots of one product and side until a day."""

    org: str
    quota_id: str
    product: str
    side: str
    lots: Decimal
    month: str = "*"
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """Facts, each at most once per business key, and the master data to read them with."""

    contracts: tuple[PhysicalContract, ...] = ()
    fixations: tuple[PricingFixation, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    lots: tuple[InventoryLot, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    syncs: tuple[ErpSync, ...] = ()
    futures: tuple[FuturesPosition, ...] = ()
    claims: tuple[PositionClaim, ...] = ()
    options: tuple[OptionPosition, ...] = ()
    prices: tuple[MarketPrice, ...] = ()
    limits: tuple[Limit, ...] = ()
    basis_stats: tuple[BasisStats, ...] = ()
    ledger_accounts: tuple[LedgerAccount, ...] = ()
    hedges: tuple[HedgeRelationship, ...] = ()
    documents: tuple[DocumentAmount, ...] = ()
    quotas: tuple[Quota, ...] = ()
    own_specs: tuple[ContractSpec, ...] = ()
    own_units: tuple[UnitConversion, ...] = ()
    shipped: SpecBook = field(default_factory=shipped_specs)
    shipped_conversions: UnitTable = field(default_factory=shipped_units)

    @property
    def specs(self) -> SpecBook:
        """Shipped specifications and the company's own, which win."""
        return self.shipped.with_specs(self.own_specs)

    @property
    def units(self) -> UnitTable:
        """Shipped conversions and the company's own, which win."""
        return self.shipped_conversions.with_conversions(self.own_units)

    def put(self, *values: Any) -> "BookState":
        """The state with each value in place of the one with its business key."""
        changed: dict[str, dict[tuple[str, ...], Any]] = {}
        for value in values:
            name = field_of(value)
            if name not in changed:
                changed[name] = {key_of(held): held for held in getattr(self, name)}
            changed[name][key_of(value)] = value
        fields: dict[str, Any] = {name: tuple(held.values()) for name, held in changed.items()}
        return replace(self, **fields)

    def merge(self, other: "BookState") -> "BookState":
        """Both states' facts; `other` wins where a business key is in both."""
        values = [v for name in FACT_FIELDS for v in getattr(other, name)]
        return self.put(*values)

    def receipt(self, org: str, receipt_id: str) -> Receipt | None:
        """The receipt of that number."""
        wanted = (org, receipt_id)
        return next((r for r in self.receipts if (r.org, r.receipt_id) == wanted), None)

    def commitment(self, org: str, order_id: str) -> Commitment | None:
        """The order of that number as it counts: cancelled, else committed, pending, draft."""
        wanted = (org, order_id)
        found = [c for c in self.commitments if (c.org, c.order_id) == wanted]
        return min(found, key=lambda c: _STANDING.index(c.status), default=None)

    def stats(self, org: str, product: str, month: str) -> BasisStats | None:
        """The basis history of that product and reference month, nearest node first."""
        found = [
            s
            for s in self.basis_stats
            if s.product == product
            and s.month == month
            and (s.org == org or org.startswith(s.org + "/"))
        ]
        return max(found, key=lambda s: len(s.org), default=None)


Fact = (
    PhysicalContract
    | PricingFixation
    | Receipt
    | InventoryLot
    | Commitment
    | ErpSync
    | FuturesPosition
    | PositionClaim
    | OptionPosition
    | MarketPrice
    | Limit
    | BasisStats
    | LedgerAccount
    | HedgeRelationship
    | DocumentAmount
    | Quota
    | ContractSpec
    | UnitConversion
)

QUANTITY_BOUND: Final = Decimal(10) ** 15
LOTS_BOUND: Final = 10**9
_UNSIGNED: Final = ("quantity", "delivered", "tolerance_pct", "multiplier")
_STANDING: Final = (
    OrderStatus.NONE,
    OrderStatus.COMMITMENT,
    OrderStatus.PENDING,
    OrderStatus.DRAFT,
)
_KEYS: Final[dict[type, tuple[str, Callable[[Any], tuple[str, ...]]]]] = {
    PhysicalContract: ("contracts", lambda v: (v.org, v.contract_id)),
    PricingFixation: ("fixations", lambda v: (v.org, v.contract_id, v.fixation_id)),
    Receipt: ("receipts", lambda v: (v.org, v.receipt_id)),
    InventoryLot: ("lots", lambda v: (v.org, v.lot_id)),
    Commitment: ("commitments", lambda v: (v.org, v.order_id, v.status.value)),
    ErpSync: ("syncs", lambda v: (v.org, v.order_id)),
    FuturesPosition: ("futures", lambda v: (v.org, v.key)),
    PositionClaim: ("claims", lambda v: (v.org, v.key, f"{v.version:020d}", v.site)),
    OptionPosition: ("options", lambda v: (v.org, v.key)),
    MarketPrice: (
        "prices",
        lambda v: (
            v.org,
            v.product,
            v.month,
            v.kind.value,
            v.grade,
            v.location,
            v.source,
            v.at.isoformat(),
            v.quote_id,
        ),
    ),
    Limit: ("limits", lambda v: (v.org, v.limit_id)),
    BasisStats: ("basis_stats", lambda v: (v.org, v.product, v.month)),
    LedgerAccount: ("ledger_accounts", lambda v: (v.org, v.code)),
    HedgeRelationship: ("hedges", lambda v: (v.org, v.hedge_id)),
    DocumentAmount: ("documents", lambda v: (v.org, v.document_id, v.kind)),
    Quota: ("quotas", lambda v: (v.org, v.quota_id)),
    ContractSpec: ("own_specs", lambda v: (v.exchange, v.product, v.from_date.isoformat())),
    UnitConversion: (
        "own_units",
        lambda v: (v.from_unit, v.to_unit, v.product, v.from_date.isoformat()),
    ),
}
FACT_TYPES: Final[dict[str, type]] = {name: kind for kind, (name, _) in _KEYS.items()}
FACT_FIELDS: Final = tuple(FACT_TYPES)


def field_of(value: Any) -> str:
    """The field of the state that holds values of this type.

    Raises:
        TypeError: for a value that is no fact of the book.
    """
    try:
        return _KEYS[type(value)][0]
    except KeyError:
        raise TypeError(f"{type(value).__name__} is no fact of the book") from None


def key_of(value: Any) -> tuple[str, ...]:
    """The business key: at most one value with it is true at one time. Organisation first."""
    return _KEYS[type(value)][1](value)


def below_zero(fact: Any) -> str:
    """The first field that stands below zero and cannot: a side or status tells the direction."""
    names = _UNSIGNED + (("amount",) if isinstance(fact, Limit) else ())
    for name in names:
        held = getattr(fact, name, None)
        if isinstance(held, Decimal) and held < 0:
            return name
    return ""


def out_of_range(fact: Any) -> str:
    """The first field that no book can hold: not finite, 10^15 or more, 10^9 lots or more."""
    for f in dataclasses.fields(fact):
        held = getattr(fact, f.name)
        if isinstance(held, Decimal) and not (held.is_finite() and abs(held) < QUANTITY_BOUND):
            return f.name
        if f.name == "lots" and abs(held) >= LOTS_BOUND:
            return f.name
    return ""
