"""Market prices, series of quotes in event time, and how old a price is.

The age of a price is counted in the product's open minutes, so a settlement price stays current
from the close until the next open. The calendar is handed in as a callable.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from book.positions import SPOT

OpenSeconds = Callable[[str, datetime, datetime], int]
"""Seconds in which the product trades between two times: ``directory``'s calendar offers it."""

MINUTE = 60


class DataState(StrEnum):
    """How far a figure can be trusted."""

    CURRENT = "current"
    LATE = "late"
    NOT_ASSESSABLE = "not_assessable"

    @property
    def rank(self) -> int:
        """0 for current, higher is worse."""
        return list(DataState).index(self)


def worst(states: Iterable[DataState]) -> DataState:
    """The worst of `states`; current when there are none."""
    return max(states, key=lambda state: state.rank, default=DataState.CURRENT)


class PriceKind(StrEnum):
    """What sort of price it is."""

    SPOT = "spot"
    SETTLE = "settle"
    LAST = "last"
    FIX = "fix"
    FX = "fx"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPrice:
    """One price at one time.

    Attributes:
        product: product code; for ``fx`` the currency pair, such as ``USDCNY``.
        kind: spot, settle, last, fix or fx.
        price: as quoted.
        at: event time.
        month: delivery month, ``spot`` for a spot price.
        source: the feed.
        quote_id: the feed's id of the quote, which settles the order of equal times.
        org: the organisation whose feed it is, empty for a common one.
        currency: currency of the price.
    """

    product: str
    kind: PriceKind
    price: Decimal
    at: datetime
    source: str
    month: str = SPOT
    quote_id: str = ""
    org: str = ""
    currency: str = "CNY"
    grade: str = ""
    location: str = ""

    @property
    def order(self) -> tuple[datetime, str]:
        """Event time first, then the feed's id."""
        return (self.at, self.quote_id)


class Inserted(NamedTuple):
    """A series with one more quote, and where it went."""

    series: tuple[MarketPrice, ...]
    position: int
    fresh: bool


def insert(series: tuple[MarketPrice, ...], quote: MarketPrice) -> Inserted:
    """`quote` at its place in event time; a quote that is there already changes nothing.

    Two quotes of the same time and id are one quote, corrected: the later call wins.
    """
    at = bisect_left(series, quote.order, key=lambda held: held.order)
    if at < len(series) and series[at].order == quote.order:
        if series[at] == quote:
            return Inserted(series, at, fresh=False)
        return Inserted((*series[:at], quote, *series[at + 1 :]), at, fresh=True)
    return Inserted((*series[:at], quote, *series[at:]), at, fresh=True)


def latest(
    prices: Iterable[MarketPrice], product: str, kind: PriceKind, at: datetime, month: str = SPOT
) -> MarketPrice | None:
    """The last price of that kind at or before `at`, or None."""
    found = [
        price
        for price in prices
        if price.product == product
        and price.kind is kind
        and price.month == month
        and price.at <= at
    ]
    return max(found, key=lambda price: price.order, default=None)


def age_minutes(price: MarketPrice, now: datetime, open_seconds: OpenSeconds) -> int:
    """Whole open minutes since the price's time; 0 for a price of the future."""
    if now <= price.at:
        return 0
    return open_seconds(price.product, price.at, now) // MINUTE


def state_of(
    price: MarketPrice | None, now: datetime, open_seconds: OpenSeconds, max_age_minutes: int
) -> DataState:
    """Current, late (too old), or not assessable (none at all).

    A settlement price is current until the product next opens, whatever `max_age_minutes` says.
    """
    if price is None:
        return DataState.NOT_ASSESSABLE
    if price.kind is PriceKind.SETTLE:
        opened = now > price.at and open_seconds(price.product, price.at, now) > 0
        return DataState.LATE if opened else DataState.CURRENT
    late = age_minutes(price, now, open_seconds) > max_age_minutes
    return DataState.LATE if late else DataState.CURRENT
