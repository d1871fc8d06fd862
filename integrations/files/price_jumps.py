"""Prices that are tenfold or a tenth of the one before: taken in, and told.

A slip of the unit (kilograms for tonnes) or of the decimal sign moves a price by a power of ten; no
market moved so far from one price to the next, but a new series may, so the row is not refused.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from book.codec import from_document
from book.prices import MarketPrice
from book.tables import TABLES
from integrations.files.entry import Entry
from store.clock import rfc3339
from store.problems import Problem
from store.types import decimal_text

FACTOR: Final = 10


class _Series(NamedTuple):
    """What must be the same for two prices to be compared."""

    org: str
    product: str
    month: str
    kind: str
    grade: str
    location: str
    currency: str


def price_jumps(connection: Connection, entries: Sequence[Entry], file: str) -> tuple[Problem, ...]:
    """A warning for each price that is `FACTOR` times or 1/`FACTOR` of the one before it.

    The one before is the latest of the series (place, product, month, kind, grade, currency) that
    the book or the same file has. Prices at or below zero are not compared.

    Args:
        connection: a reader's or a unit of work's, before the entries are written.
        entries: those that are new to the book.
        file: the file's name as the user gave it.
    """
    series: dict[_Series, list[tuple[MarketPrice, Entry]]] = {}
    for entry in entries:
        if isinstance(entry.fact, MarketPrice):
            series.setdefault(_series(entry.fact), []).append((entry.fact, entry))
    found: list[tuple[int, Problem]] = []
    for place, rows in series.items():
        rows.sort(key=lambda row: row[0].at)
        before = _before(connection, place, rows[0][0].at)
        for price, entry in rows:
            if before is not None and _apart(before.price, price.price):
                found.append((entry.line, _problem(before, price, entry, file)))
            before = price
    return tuple(problem for _, problem in sorted(found, key=lambda one: one[0]))


def _series(price: MarketPrice) -> _Series:
    return _Series(
        price.org,
        price.product,
        price.month,
        price.kind.value,
        price.grade,
        price.location,
        price.currency,
    )


def _before(connection: Connection, place: _Series, at: datetime) -> MarketPrice | None:
    c = TABLES["prices"].c
    query = (
        select(c.retired, c.body)
        .where(
            c.org == place.org,
            c.product == place.product,
            c.month == place.month,
            c.valid_from < at,
        )
        .order_by(c.valid_from.desc(), c.version.desc(), c.recorded_at.desc())
    )
    with connection.execute(query.execution_options(yield_per=100)) as rows:
        return _first(rows, place)


def _first(rows: Iterable[tuple[bool, dict[str, object]]], place: _Series) -> MarketPrice | None:
    for retired, body in rows:
        price: MarketPrice = from_document(MarketPrice, body)
        if not retired and _series(price) == place:
            return price
    return None


def _apart(one: Decimal, other: Decimal) -> bool:
    low, high = sorted((one, other))
    return low > 0 and high >= FACTOR * low


def _problem(before: MarketPrice, price: MarketPrice, entry: Entry, file: str) -> Problem:
    return Problem(
        "IMPORT_PRICE_JUMP",
        file=file,
        line=entry.line,
        cell=entry.cells.get("price", ""),
        field="price",
        found=decimal_text(price.price),
        severity="warning",
        params={
            **({"column": entry.headers["price"]} if "price" in entry.headers else {}),
            "before": decimal_text(before.price),
            "when": rfc3339(before.at),
        },
    )
