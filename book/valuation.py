"""Exposure in money, and the exposure to currencies.

value = quantity x price x price_scale / unit_factor x fx, in the reporting currency. Two
currencies are never added; an FX rate has its own time and source.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from book.buckets import Bucket
from book.errors import UnknownSpecError
from book.positions import ZERO, PhysicalContract, PriceType, ReceiptStatus
from book.products import SpecBook
from book.state import BookState


class Money(NamedTuple):
    """An amount and its currency."""

    amount: Decimal
    currency: str


class FxBucket(NamedTuple):
    """Foreign money to come (+) or to pay (-) on priced goods still to be delivered."""

    org: str
    currency: str
    month: str
    amount: Decimal


def value(
    bucket: Bucket,
    price: Decimal,
    *,
    specs: SpecBook,
    day: date,
    reporting: str = "CNY",
    rates: Mapping[str, Decimal] | None = None,
) -> Money | None:
    """The net at a quoted futures `price`, in `reporting`; None without specification or rate.

    `rates` holds the reporting currency's price of one unit of each other currency.
    """
    try:
        spec = specs.spec(bucket.product, day)
    except UnknownSpecError:
        return None
    amount = bucket.net / spec.unit_factor * price * spec.price_scale
    if spec.currency == reporting:
        return Money(amount, reporting)
    rate = (rates or {}).get(spec.currency)
    return None if rate is None else Money(amount * rate, reporting)


def _open(contract: PhysicalContract, received: Mapping[tuple[str, str], Decimal]) -> Decimal:
    came = contract.delivered + received.get((contract.org, contract.contract_id), ZERO)
    return max(ZERO, contract.quantity - came)


def fx_exposure(state: BookState, as_of: datetime, reporting: str = "CNY") -> list[FxBucket]:
    """Priced open contracts in foreign currency, by organisation, currency and delivery month.

    Sales bring the currency in (+), purchases take it (-). Fixations count at their own price.
    """
    received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for receipt in state.receipts:
        if receipt.contract_id and receipt.status is not ReceiptStatus.DISMISSED:
            received[receipt.org, receipt.contract_id] += receipt.quantity
    fixed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for fixation in state.fixations:
        if fixation.at <= as_of:
            key = (fixation.org, fixation.contract_id)
            fixed[key] += fixation.quantity * fixation.price
    found: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for contract in state.contracts:
        if contract.currency == reporting or contract.forecast:
            continue
        if contract.price_type is PriceType.FIXED:
            amount = _open(contract, received) * (contract.price or ZERO)
        else:
            amount = fixed[contract.org, contract.contract_id]
        place = (contract.org, contract.currency, contract.month)
        found[place] -= contract.side.sign * amount
    return [FxBucket(*place, amount) for place, amount in sorted(found.items()) if amount]
