"""The three bases, all spot minus futures, and the facts that follow a quote.

Market basis = spot quote - settlement of the *fixed* reference contract; order basis = contract
price (or fixed premium) - hedge price at lock; inventory basis = unit cost - average open price of
the matched hedge. A jump is the change between two quotes that follow each other in event time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from book.prices import MarketPrice, insert

SCALE = Decimal("0.0001")
SettleAt = Callable[[datetime], Decimal | None]


def rounded(value: Decimal) -> Decimal:
    """Four places, half to even: the scale of every fact."""
    return value.quantize(SCALE, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisStats:
    """Mean and sample standard deviation of the basis over `n` observations of one contract."""

    org: str
    product: str
    month: str
    mean: Decimal
    sd: Decimal
    n: int


class BasisFact(NamedTuple):
    """What one quote says; `jump`, `jump_sd`, `z` are None where they are not defined."""

    quote: MarketPrice
    org: str
    product: str
    month: str
    spot: Decimal
    futures: Decimal
    basis: Decimal
    previous_basis: Decimal | None
    jump: Decimal | None
    mean: Decimal | None
    sd: Decimal | None
    jump_sd: Decimal | None
    z: Decimal | None
    n: int


class BasisUpdate(NamedTuple):
    """A series after a quote came in, and the facts that are new or changed."""

    series: tuple[MarketPrice, ...]
    changed: tuple[BasisFact, ...]


def market_basis(spot: Decimal, futures: Decimal) -> Decimal:
    """Spot minus futures."""
    return spot - futures


def order_basis(price: Decimal, hedge_price: Decimal) -> Decimal:
    """Contract price minus the price of its hedge at lock."""
    return price - hedge_price


def inventory_basis(unit_cost: Decimal, average_open: Decimal) -> Decimal:
    """Unit cost minus the average open price of the matched hedge."""
    return unit_cost - average_open


def effective_price(futures_at_lock: Decimal, basis_at_close: Decimal) -> Decimal:
    """What a hedger nets: the price locked plus the basis at the end (CME's convention)."""
    return futures_at_lock + basis_at_close


def basis_profit(quantity: Decimal, basis_now: Decimal, basis_at_lock: Decimal) -> Decimal:
    """Profit of goods of `quantity` (long positive) hedged one to one, as the basis moves."""
    return quantity * (basis_now - basis_at_lock)


def stats_of(
    history: Sequence[Decimal], *, org: str, product: str, month: str, window: int = 250
) -> BasisStats | None:
    """Mean and sample sd of the last `window` bases of one contract; None under two of them."""
    values = list(history)[-window:]
    n = len(values)
    if n < 2:  # noqa: PLR2004 - a sample sd needs two
        return None
    mean = sum(values, Decimal(0)) / n
    variance = sum(((value - mean) ** 2 for value in values), Decimal(0)) / (n - 1)
    return BasisStats(org=org, product=product, month=month, mean=mean, sd=variance.sqrt(), n=n)


def _fact(
    quote: MarketPrice,
    previous: MarketPrice | None,
    settle_at: SettleAt,
    stats: BasisStats | None,
    place: tuple[str, str, str],
) -> BasisFact | None:
    futures = settle_at(quote.at)
    if futures is None:
        return None
    basis = quote.price - futures
    before = settle_at(previous.at) if previous is not None else None
    previous_basis = (
        previous.price - before if previous is not None and before is not None else None
    )
    jump = basis - previous_basis if previous_basis is not None else None
    spread = stats is not None and stats.sd > 0
    jump_sd = abs(jump) / stats.sd if stats is not None and spread and jump is not None else None
    z = (basis - stats.mean) / stats.sd if stats is not None and spread else None
    return BasisFact(
        quote=quote,
        org=place[0],
        product=place[1],
        month=place[2],
        spot=rounded(quote.price),
        futures=rounded(futures),
        basis=rounded(basis),
        previous_basis=None if previous_basis is None else rounded(previous_basis),
        jump=None if jump is None else rounded(jump),
        mean=None if stats is None else rounded(stats.mean),
        sd=None if stats is None else rounded(stats.sd),
        jump_sd=None if jump_sd is None else rounded(jump_sd),
        z=None if z is None else rounded(z),
        n=0 if stats is None else stats.n,
    )


def _settle(futures_settle: Decimal | SettleAt) -> SettleAt:
    if isinstance(futures_settle, Decimal):
        return lambda _at: futures_settle
    return futures_settle


def basis_facts(
    quotes: Sequence[MarketPrice],
    futures_settle: Decimal | SettleAt,
    stats: BasisStats | None,
    *,
    org: str,
    product: str,
    month: str,
) -> list[BasisFact]:
    """One fact per quote, in event time whatever the order of `quotes`.

    `futures_settle` is the settlement of the reference contract, or a function of the time; a
    quote without one gives no fact. `quotes` are of one source, grade and location.
    """
    series: tuple[MarketPrice, ...] = ()
    for quote in quotes:
        series = insert(series, quote).series
    settle_at = _settle(futures_settle)
    facts = [
        _fact(quote, previous, settle_at, stats, (org, product, month))
        for previous, quote in zip((None, *series), series, strict=False)
    ]
    return [fact for fact in facts if fact is not None]


def add_quote(
    series: tuple[MarketPrice, ...],
    quote: MarketPrice,
    futures_settle: Decimal | SettleAt,
    stats: BasisStats | None,
    *,
    org: str,
    product: str,
    month: str,
) -> BasisUpdate:
    """The series with `quote`, and the facts that change: the quote's and its successor's."""
    inserted = insert(series, quote)
    if not inserted.fresh:
        return BasisUpdate(series, ())
    settle_at = _settle(futures_settle)
    changed = []
    for at in (inserted.position, inserted.position + 1):
        if at < len(inserted.series):
            previous = inserted.series[at - 1] if at else None
            fact = _fact(inserted.series[at], previous, settle_at, stats, (org, product, month))
            if fact is not None:
                changed.append(fact)
    return BasisUpdate(inserted.series, tuple(changed))
