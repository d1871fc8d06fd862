"""What each fact contributes to exposure: signed quantities by part.

One function per kind of fact; `exposure` adds them up. Formulas per part stand at the functions;
all quantities are base units at eight places, half to even.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from book.errors import UnknownConversionError, UnknownSpecError
from book.positions import (
    ZERO,
    Commitment,
    ContractStatus,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    OrderStatus,
    PhysicalContract,
    Placed,
    PriceType,
    Receipt,
    ReceiptStatus,
)
from book.state import BookState
from book.versions import as_position, in_force

QUANTUM: Final = Decimal("1E-8")


class Part(StrEnum):
    """Where a quantity counts. The first six make the net; the others are shown apart."""

    PURCHASE = "purchase"
    SALE = "sale"
    FLOATING = "floating"
    INVENTORY = "inventory"
    FUTURES = "futures"
    OPTION = "option"
    BASIS = "basis"
    UNPRICED = "unpriced"
    IN_TRANSIT = "in_transit"
    UNSYNCED = "unsynced"
    UNPOSTED = "unposted"
    FORECAST = "forecast"
    UNKNOWN = "unknown"


FLAT: Final = frozenset(
    {Part.PURCHASE, Part.SALE, Part.FLOATING, Part.INVENTORY, Part.FUTURES, Part.OPTION}
)


class Leg(NamedTuple):
    """A signed quantity of one fact, and why it cannot be trusted (a reason code) if so."""

    place: Placed
    part: Part
    quantity: Decimal
    ref: str
    reason: str = ""


def quantised(quantity: Decimal) -> Decimal:
    """Eight places, half to even."""
    return quantity.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


def futures_in_force(state: BookState, as_of: datetime) -> list[FuturesPosition]:
    """Positions as imported, and for keys with claims the claim that holds at `as_of`."""
    held = {(p.org, p.key): p for p in state.futures}
    for claim in in_force(state.claims, as_of):
        held[claim.org, claim.key] = as_position(claim)
    return list(held.values())


class _Reader:
    """The state's facts, indexed once."""

    def __init__(self, state: BookState, as_of: datetime, trading_day: date) -> None:
        self.state = state
        self.day = trading_day
        self.specs = state.specs
        self.units = state.units
        self._base_units: dict[str, str] = {}
        self._multipliers: dict[tuple[str, str], Decimal] = {}
        self.fixed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for fixation in state.fixations:
            if fixation.at <= as_of:
                self.fixed[fixation.org, fixation.contract_id] += fixation.quantity
        self.received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.drawn: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for receipt in state.receipts:
            quantity = self.base(receipt, receipt.quantity, receipt.unit)[0]
            if receipt.pool_id:
                self.drawn[receipt.org, receipt.pool_id] += quantity
            if receipt.contract_id and receipt.status is not ReceiptStatus.DISMISSED:
                self.received[receipt.org, receipt.contract_id] += quantity
        self.carried = {(lot.org, lot.receipt_id) for lot in state.lots if lot.receipt_id}
        self.synced = {(sync.org, sync.order_id) for sync in state.syncs}
        self.cancelled = {
            (c.org, c.order_id) for c in state.commitments if c.status is OrderStatus.NONE
        }
        self.futures = futures_in_force(state, as_of)
        self.contracts = {(c.org, c.contract_id) for c in state.contracts}

    def base(self, place: Placed, quantity: Decimal, unit: str) -> tuple[Decimal, str]:
        """`quantity` in base units, and a reason when that cannot be done."""
        if not unit:
            return quantised(quantity), ""
        try:
            base_unit = self._base_unit(place.product)
            if unit == base_unit:
                return quantised(quantity), ""
            converted = self.units.convert(quantity, unit, base_unit, self.day, place.product)
        except UnknownSpecError as error:
            return ZERO, error.code
        except UnknownConversionError as error:
            return ZERO, error.code
        return quantised(converted), ""

    def lots(self, position: FuturesPosition | OptionPosition) -> tuple[Decimal, str]:
        """Signed lots in base units, and a reason when the specification is not known."""
        if position.multiplier is not None:
            return quantised(position.lots * position.multiplier), ""
        key = (position.exchange, position.product)
        if key not in self._multipliers:
            try:
                spec = self.specs.spec(position.product, self.day, position.exchange)
            except UnknownSpecError as error:
                return ZERO, error.code
            self._multipliers[key] = spec.quantity(1)
        return quantised(position.lots * self._multipliers[key]), ""

    def _base_unit(self, product: str) -> str:
        if product not in self._base_units:
            self._base_units[product] = self.specs.spec(product, self.day).base_unit
        return self._base_units[product]


def elapsed_share(contract: PhysicalContract, quantity: Decimal, day: date) -> Decimal:
    """What a formula has priced in: quantity x elapsed pricing days / all pricing days.

    A day counts as elapsed on that day. A formula without days has priced nothing.
    """
    if not contract.pricing_days:
        return ZERO
    elapsed = sum(1 for pricing_day in contract.pricing_days if pricing_day <= day)
    return quantised(quantity * elapsed / len(contract.pricing_days))


def contract_legs(reader: _Reader, contract: PhysicalContract) -> Iterator[Leg]:
    """Open and priced quantity of a purchase (+) or sale (-).

    open = contracted - received, not under 0. priced = all (fixed), the fixed part (unpriced), the
    elapsed share (formula); flat = priced - received. Where goods came before their price, flat is
    below 0: a floating debt that offsets the goods in the inventory. basis = open.
    """
    if contract.status is ContractStatus.CANCELLED:
        return
    key = (contract.org, contract.contract_id)
    total, reason = reader.base(contract, contract.quantity, contract.unit)
    delivered = reader.base(contract, contract.delivered, contract.unit)[0]
    received = delivered + reader.received[key]
    sign = contract.side.sign
    if contract.forecast:
        yield Leg(contract, Part.FORECAST, sign * total, contract.contract_id, reason)
        return
    due = received if contract.status is ContractStatus.COMPLETED else max(total, received)
    if contract.price_type is PriceType.FIXED:
        priced = due
    elif contract.price_type is PriceType.UNPRICED:
        fixed = reader.base(contract, reader.fixed[key], contract.unit)[0]
        priced = min(fixed, due)
    else:
        priced = elapsed_share(contract, due, reader.day)
    part = Part.PURCHASE if sign > 0 else Part.SALE
    flat = priced - received
    yield Leg(
        contract, part if flat >= 0 else Part.FLOATING, sign * flat, contract.contract_id, reason
    )
    yield Leg(contract, Part.BASIS, sign * (due - received), contract.contract_id)
    if contract.price_type is not PriceType.FIXED:
        yield Leg(contract, Part.UNPRICED, sign * (due - priced), contract.contract_id)


def receipt_legs(reader: _Reader, receipt: Receipt) -> Iterator[Leg]:
    """Goods by the receipt's status.

    In progress: inventory in transit. Posted: inventory, unless a lot carries it. Timed out:
    unposted, out of the net and its bucket not assessable. Dismissed: nothing.
    """
    quantity, reason = reader.base(receipt, receipt.quantity, receipt.unit)
    if receipt.status is ReceiptStatus.UNPOSTED:
        yield Leg(receipt, Part.UNPOSTED, quantity, receipt.receipt_id, "RECEIPT_UNPOSTED")
    elif receipt.status is ReceiptStatus.IN_PROGRESS or (
        receipt.status is ReceiptStatus.POSTED
        and (receipt.org, receipt.receipt_id) not in reader.carried
    ):
        yield Leg(receipt, Part.INVENTORY, quantity, receipt.receipt_id, reason)
        yield Leg(receipt, Part.BASIS, quantity, receipt.receipt_id)
        if receipt.status is ReceiptStatus.IN_PROGRESS:
            yield Leg(receipt, Part.IN_TRANSIT, quantity, receipt.receipt_id)


def lot_legs(reader: _Reader, lot: InventoryLot) -> Iterator[Leg]:
    """+quantity with title, in transit or not, pledged or not; a pool without what was drawn."""
    if not lot.title_held:
        return
    quantity, reason = reader.base(lot, lot.quantity, lot.unit)
    if lot.pool:
        quantity = max(ZERO, quantity - reader.drawn[lot.org, lot.lot_id])
    yield Leg(lot, Part.INVENTORY, quantity, lot.lot_id, reason)
    yield Leg(lot, Part.BASIS, quantity, lot.lot_id)
    if lot.in_transit:
        yield Leg(lot, Part.IN_TRANSIT, quantity, lot.lot_id)


def commitment_legs(reader: _Reader, order: Commitment) -> Iterator[Leg]:
    """An order counts as a contract of its price type until a contract takes its place."""
    replaced = bool(order.contract_id) and (order.org, order.contract_id) in reader.contracts
    cancelled = (order.org, order.order_id) in reader.cancelled
    if order.status is not OrderStatus.COMMITMENT or replaced or cancelled:
        return
    quantity, reason = reader.base(order, order.quantity, order.unit)
    signed = order.side.sign * quantity
    yield Leg(order, Part.BASIS, signed, order.order_id)
    if order.price_type is PriceType.FIXED:
        part = Part.PURCHASE if order.side.sign > 0 else Part.SALE
        yield Leg(order, part, signed, order.order_id, reason)
    else:
        yield Leg(order, Part.UNPRICED, signed, order.order_id, reason)
    if not order.synced and (order.org, order.order_id) not in reader.synced:
        yield Leg(order, Part.UNSYNCED, signed, order.order_id)


def futures_legs(reader: _Reader, position: FuturesPosition) -> Iterator[Leg]:
    """Signed lots x multiplier x unit factor, by delivery month; no basis."""
    quantity, reason = reader.lots(position)
    yield Leg(position, Part.FUTURES, quantity, position.key, reason)


def option_legs(reader: _Reader, position: OptionPosition) -> Iterator[Leg]:
    """Signed lots x multiplier x delta."""
    quantity, reason = reader.lots(position)
    if position.delta is None:
        yield Leg(position, Part.UNKNOWN, quantity, position.key, "DELTA_UNKNOWN")
        return
    yield Leg(position, Part.OPTION, quantised(quantity * position.delta), position.key, reason)


def legs(state: BookState, as_of: datetime, trading_day: date | None = None) -> Iterator[Leg]:
    """Every contribution of every fact, in no particular order."""
    reader = _Reader(state, as_of, trading_day or as_of.date())
    for contract in state.contracts:
        yield from contract_legs(reader, contract)
    for receipt in state.receipts:
        yield from receipt_legs(reader, receipt)
    for lot in state.lots:
        yield from lot_legs(reader, lot)
    for order in state.commitments:
        yield from commitment_legs(reader, order)
    for position in reader.futures:
        yield from futures_legs(reader, position)
    for option in state.options:
        yield from option_legs(reader, option)
