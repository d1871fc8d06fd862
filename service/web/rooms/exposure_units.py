"""In which unit the map is shown: lots, or money at the last price. Pure.

A quantity is shown as ``quantity × factor``. The price is the month's last settlement or trade, for
spot the last spot price; a month without one has no value in money, and no total then has.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from book.errors import BookError
from book.positions import SPOT
from book.prices import MarketPrice, PriceKind
from book.products import ContractSpec
from book.state import BookState
from service.web.rooms.exposure_lines import ANY, Line, Scale
from service.web.rooms.names import Names

UNITS = {"base": "ui.unit.base", "lots": "ui.unit.lots", "money": "ui.unit.in_money"}
_SHORT = Decimal(10_000)
_FUTURES = (PriceKind.SETTLE, PriceKind.LAST)


def scales(
    book: BookState, lines: Iterable[Line], at: datetime, unit: str, names: Names
) -> dict[str, Scale]:
    """By product; what is not in it is shown in its base unit."""
    found: dict[str, Scale] = {}
    if unit == "base":
        return found
    prices = last_prices(book.prices, at) if unit == "money" else {}
    for product in {line.product for line in lines}:
        try:
            spec = book.specs.spec(product, at.date())
        except BookError:
            continue
        if unit == "lots":
            found[product] = Scale(names.words.text("ui.unit.lots"), {ANY: 1 / spec.quantity(1)})
            continue
        priced = {month: price for (one, month), price in prices.items() if one == product}
        if priced:
            label = names.words.first(
                f"ui.unit.10k_{spec.currency}", "ui.unit.10k_other", currency=spec.currency
            )
            factors = {month: _money(spec, price) for month, price in priced.items()}
            found[product] = Scale(label, factors)
    return found


def last_prices(prices: Iterable[MarketPrice], at: datetime) -> dict[tuple[str, str], MarketPrice]:
    """The last price known at `at`, by product and month."""
    found: dict[tuple[str, str], MarketPrice] = {}
    for price in prices:
        fits = price.kind is PriceKind.SPOT if price.month == SPOT else price.kind in _FUTURES
        if not fits or price.at > at:
            continue
        key = price.product, price.month
        if key not in found or found[key].order < price.order:
            found[key] = price
    return found


def _money(spec: ContractSpec, price: MarketPrice) -> Decimal:
    """Ten thousands of the currency in one base unit."""
    return spec.money(price.price, 1) / spec.quantity(1) / _SHORT
