"""The facts that follow a quote: market basis, its jump, and how unusual both are."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.facts import Surroundings
from agents.matching import Seen, match_of
from auditlog.events import Event
from auditlog.port import FactRow, fact_row
from book.basis import BasisFact, basis_facts
from book.errors import UnknownSpecError
from book.positions import SPOT, is_under
from book.prices import MarketPrice, PriceKind, latest
from book.state import BookState
from rules.rulebook import Rulebook
from workorders.model import Match

KIND = "basis"


def basis_rows(
    event: Event,
    facts: Iterable[Any],
    book: BookState,
    around: Surroundings,
    rulebook: Rulebook,
) -> Iterator[tuple[FactRow, list[Match]]]:
    """The basis facts that `event`'s quote makes or changes, each with its matches.

    A late quote also changes the fact of the quote after it: the jump is between neighbours in
    event time. `book` holds the quote already.
    """
    for price in facts:
        if isinstance(price, MarketPrice) and price.kind is PriceKind.SPOT:
            yield from _rows(price, event.org, book, around, rulebook, event.arrival_time)


def rows_of_prices(  # noqa: PLR0917 - as `basis_rows`, without an event
    prices: Iterable[MarketPrice],
    org: str,
    book: BookState,
    around: Surroundings,
    rulebook: Rulebook,
    at: datetime,
) -> Iterator[tuple[FactRow, list[Match]]]:
    """The basis facts that prices taken in at `at` make or change for `org`, with their matches.

    A settlement changes the basis of the quotes after it. Of what is past only the newest quote of
    its series is judged: a history that is loaded tells nobody anything new.
    """
    made: set[str] = set()
    for price in prices:
        month = _month(org, price.product, book, around)
        for quote in _touched(price, month, book):
            newest = max(one.at for one in _series(book, quote))
            for row, matches in _rows(quote, org, book, around, rulebook, at):
                if row.hash not in made:
                    made.add(row.hash)
                    yield row, [match for match in matches if row.event_time >= newest]


def _touched(price: MarketPrice, month: str, book: BookState) -> list[MarketPrice]:
    """The spot quotes whose basis the price makes."""
    if price.kind is PriceKind.SPOT:
        return [price] if price in book.prices else []
    if price.kind is not PriceKind.SETTLE or price.month != month:
        return []
    return [
        one
        for one in book.prices
        if one.product == price.product
        and one.kind is PriceKind.SPOT
        and latest(book.prices, price.product, PriceKind.SETTLE, one.at, month) == price
    ]


def _month(org: str, product: str, book: BookState, around: Surroundings) -> str:
    """The reference month: as the organisation sets it, else the nearest that has a history."""
    known = [
        stats.month
        for stats in book.basis_stats
        if stats.product == product and is_under(stats.org, org)
    ]
    return around.directory.settings(org).month or min(known, default=SPOT)


def _rows(  # noqa: PLR0917 - one step of both
    price: MarketPrice,
    org: str,
    book: BookState,
    around: Surroundings,
    rulebook: Rulebook,
    judged_at: datetime,
) -> Iterator[tuple[FactRow, list[Match]]]:
    month = _month(org, price.product, book, around)
    stats = book.stats(org, price.product, month)

    def settle_at(at: datetime) -> Decimal | None:
        found = latest(book.prices, price.product, PriceKind.SETTLE, at, month)
        return found.price if found is not None else None

    made = basis_facts(
        _series(book, price), settle_at, stats, org=org, product=price.product, month=month
    )
    for one in _changed(made, price):
        fact = _fact(one)
        row = fact_row(KIND, fact, event_time=one.quote.at, org=org)
        seen = Seen(
            kind=KIND,
            fact=fact,
            at=one.quote.at,
            facts_hash=row.hash,
            event_ids=(one.quote.quote_id,),
            rulebook=rulebook.hash,
            unit=_unit(price.product, one.quote.at, book),
        )
        verdicts = rulebook.evaluate(KIND, fact, at=judged_at)
        yield row, [match_of(verdict, seen) for verdict in verdicts if verdict.truth]


def _unit(product: str, at: datetime, book: BookState) -> str:
    """In what a basis is told: money for a quoted unit; empty where the price is in steps."""
    try:
        spec = book.specs.spec(product, at.date())
    except UnknownSpecError:
        return ""
    whole = spec.price_scale == 1
    return f"{spec.currency}/{spec.quote_unit or spec.base_unit}" if whole else ""


def _series(book: BookState, price: MarketPrice) -> list[MarketPrice]:
    """The quotes of the same product, organisation, source, grade and place."""

    def alike(one: MarketPrice) -> tuple[str, ...]:
        return (one.product, one.kind.value, one.org, one.source, one.grade, one.location)

    return [one for one in book.prices if alike(one) == alike(price)]


def _changed(made: list[BasisFact], price: MarketPrice) -> list[BasisFact]:
    """The fact of `price` itself, and of the quote that follows it."""
    for number, one in enumerate(made):
        if one.quote.order == price.order:
            return made[number : number + 2]
    return []


def _fact(one: BasisFact) -> dict[str, Any]:
    names = (
        "org", "product", "month", "spot", "futures", "basis", "previous_basis", "jump",
        "mean", "sd", "jump_sd", "z", "n",
    )  # fmt: skip
    return {name: value for name in names if (value := getattr(one, name)) is not None}
