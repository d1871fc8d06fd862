"""The facts that carry exposure: physical contracts, goods, orders, futures, options.

Quantities are unsigned where a side stands beside them and signed (long positive) for futures and
options. `unit` empty means the product's base unit. Every fact stands at a place: organisation,
account, product, delivery month, hedge book, project, strategy, grade, location, counterparty.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

SPOT: Final = "spot"
ZERO: Final = Decimal(0)


def is_under(node: str, org: str) -> bool:
    """Whether `org` is `node` or stands below it in the tree of organisations."""
    return org == node or org.startswith(node + "/")


class Side(StrEnum):
    """Which way a contract or order goes, seen from the company."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 to buy, -1 to sell."""
        return 1 if self is Side.BUY else -1


class PriceType(StrEnum):
    """How a physical contract finds its price (固定价, 点价, 均价)."""

    FIXED = "fixed"
    UNPRICED = "unpriced"
    FORMULA = "formula"


class ContractStatus(StrEnum):
    """Whether a physical contract still has open quantity."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ReceiptStatus(StrEnum):
    """Where a receipt of goods stands; ``unposted`` (未入账) is one that timed out."""

    IN_PROGRESS = "in_progress"
    POSTED = "posted"
    UNPOSTED = "unposted"
    DISMISSED = "dismissed"


class OrderStatus(StrEnum):
    """What an order is to the book; only a commitment carries exposure."""

    COMMITMENT = "commitment"
    PENDING = "pending"
    DRAFT = "draft"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a fact stands; `month` is YYMM or ``spot``."""

    org: str
    product: str
    month: str = SPOT
    account: str = ""
    hedge_book: str = ""
    project: str = ""
    strategy: str = ""
    grade: str = ""
    location: str = ""
    counterparty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalContract(Placed):
    """A purchase or sale of goods.

    Attributes:
        contract_id: the contract's number, unique in the organisation.
        side: buy for a purchase.
        quantity: contracted quantity, > 0.
        unit: unit of `quantity` and `delivered`; empty for the base unit.
        delivered: delivered so far by deliveries that are *not* receipts in the same state
            (receipts that name the contract are added to it).
        tolerance_pct: more or less by so many per cent (溢短装).
        price_type: fixed, unpriced (点价) or formula (average price).
        price: the fixed price, or None.
        premium: the premium over the reference future (升贴水), or None.
        currency: currency of the price.
        pricing_days: the days whose prices a formula averages.
        status: completed and cancelled contracts have no open quantity.
        forecast: a plan, shown apart and never in the net.
    """

    contract_id: str
    side: Side
    quantity: Decimal
    unit: str = ""
    delivered: Decimal = ZERO
    tolerance_pct: Decimal = ZERO
    price_type: PriceType = PriceType.FIXED
    price: Decimal | None = None
    premium: Decimal | None = None
    currency: str = "CNY"
    pricing_days: tuple[date, ...] = ()
    status: ContractStatus = ContractStatus.OPEN
    forecast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingFixation:
    """Part of an unpriced contract gets its price (点价); unit as in the contract."""

    org: str
    fixation_id: str
    contract_id: str
    quantity: Decimal
    price: Decimal
    at: datetime
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Placed):
    """Goods on their way in.

    In progress they count as in transit; posted as inventory until a lot names the receipt; timed
    out they are unposted, outside the recorded exposure; dismissed they never came.

    Attributes:
        receipt_id: the receipt's number, unique in the organisation.
        quantity: goods of the receipt.
        contract_id: the purchase it delivers on, when known.
        pool_id: the anonymous lot in transit that the goods were counted in before.
    """

    receipt_id: str
    quantity: Decimal
    status: ReceiptStatus
    unit: str = ""
    contract_id: str = ""
    pool_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryLot(Placed):
    """Goods held. `in_transit` with title counts as inventory; pledged stock counts too.

    Attributes:
        lot_id: the lot's number, unique in the organisation.
        quantity: goods in the lot. For a pool: before any receipt was drawn from it.
        unit_cost: cost of a unit, or None.
        in_transit: on the way, title held.
        title_held: False (consignment) keeps the lot out.
        pledged: pledged to a lender.
        receipt_id: the posted receipt that this lot carries on.
        pool: an opening quantity in transit without receipt numbers.
    """

    lot_id: str
    quantity: Decimal
    unit: str = ""
    unit_cost: Decimal | None = None
    in_transit: bool = False
    title_held: bool = True
    pledged: bool = False
    receipt_id: str = ""
    pool: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment(Placed):
    """An order for goods: a commitment from `created` unless its status map says otherwise.

    Attributes:
        order_id: the order's number, unique in the organisation.
        side: buy or sell.
        quantity: ordered quantity, > 0.
        price: its price; an order without one is unpriced (basis only) if `price_type` says so.
        status: only ``commitment`` carries exposure; ``none`` cancels the order whatever else is
            known of it. An order may be known once in each status.
        synced: the ERP knows the order.
        contract_id: the contract that has taken the order's place, or empty.
        actor: who created it.
        created_at: when.
    """

    order_id: str
    side: Side
    quantity: Decimal
    unit: str = ""
    price: Decimal | None = None
    price_type: PriceType = PriceType.FIXED
    status: OrderStatus = OrderStatus.COMMITMENT
    synced: bool = False
    contract_id: str = ""
    actor: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpSync:
    """The ERP has the order. A fact of its own, so that it may arrive before the order does."""

    org: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesPosition(Placed):
    """Signed lots of one contract in one account.

    Attributes:
        key: the position's key, such as ``lc2411/880009``; unique in the organisation.
        contract: the contract code.
        lots: long positive.
        exchange: names the exchange where two have the product code.
        multiplier: base units in a lot where the dated specification is not to be asked.
    """

    key: str
    lots: int
    contract: str = ""
    exchange: str = ""
    multiplier: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionClaim(Placed):
    """A site says what version of a position is; `book.versions` decides which claim holds.

    Claims of a key take the place of a `FuturesPosition` with the same key.

    Attributes:
        key: as in `FuturesPosition`.
        version: the writer's version of the key, from 1.
        site: who says so.
        at: event time.
        event_id: the event that said so.
    """

    key: str
    version: int
    site: str
    lots: int
    at: datetime
    event_id: str = ""
    contract: str = ""
    exchange: str = ""
    multiplier: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPosition(Placed):
    """Signed lots of an option with its Greeks per unit of the underlying.

    Attributes:
        delta: None when not known; the bucket is then not assessable.
    """

    key: str
    lots: int
    delta: Decimal | None
    contract: str = ""
    exchange: str = ""
    multiplier: Decimal | None = None
    gamma: Decimal | None = None
    vega: Decimal | None = None
    theta: Decimal | None = None
