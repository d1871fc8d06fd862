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
        if not isinstance(price, MarketPrice) or price.kind is not PriceKind.SPOT:
            continue
        series = _series(book, price)
        month = around.directory.settings(event.org).month or "spot"
        stats = book.stats(event.org, price.product, month)

        def settle_at(
            at: datetime, month: str = month, price: MarketPrice = price
        ) -> Decimal | None:
            found = latest(book.prices, price.product, PriceKind.SETTLE, at, month)
            return found.price if found is not None else None

        made = basis_facts(
            series, settle_at, stats, org=event.org, product=price.product, month=month
        )
        for one in _changed(made, price):
            fact = _fact(one)
            row = fact_row(KIND, fact, event_time=one.quote.at, org=event.org)
            seen = Seen(
                kind=KIND,
                fact=fact,
                at=one.quote.at,
                facts_hash=row.hash,
                event_ids=(one.quote.quote_id,),
                rulebook=rulebook.hash,
            )
            verdicts = rulebook.evaluate(KIND, fact, at=event.arrival_time)
            yield row, [match_of(verdict, seen) for verdict in verdicts if verdict.truth]


def _settlement(book: BookState, product: str, month: str, at: datetime) -> Decimal | None:
    found = latest(book.prices, product, PriceKind.SETTLE, at, month)
    return found.price if found is not None else None


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
