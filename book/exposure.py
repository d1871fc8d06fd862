"""Exposure of a book: the reference computation, in Decimal.

`compute` is a pure function of the state; the order of the facts does not matter, and the exposure
of two books together is the sum of both. `book.columns` gives the same figures on scaled integers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal

from book.buckets import (
    ANY,
    DEFAULT_DIMENSIONS,
    DIMENSIONS,
    Bucket,
    add,
    ancestors,
    roll_up,
    totals,
    tree,
)
from book.errors import UnknownSpecError
from book.legs import FLAT, Leg, Part, legs
from book.positions import ZERO, is_under
from book.prices import DataState
from book.products import SpecBook
from book.state import BookState

__all__ = [
    "ANY",
    "Bucket",
    "DataState",
    "add",
    "ancestors",
    "bucket_of",
    "compute",
    "roll_up",
    "totals",
    "tree",
]


def _unit(specs: SpecBook, product: str, day: date) -> str:
    try:
        return specs.spec(product, day).base_unit
    except UnknownSpecError:
        return ""


def bucket_of(
    place: tuple[str, ...],
    parts: dict[Part, Decimal],
    *,
    gross: Decimal,
    unit: str,
    reasons: Iterable[str],
    late: bool,
    rows: int,
) -> Bucket:
    """The bucket of summed parts; `place` holds the dimensions in order."""
    codes = set(reasons)
    state = DataState.LATE if late else DataState.CURRENT
    if codes:
        state = DataState.NOT_ASSESSABLE
    if late:
        codes.add("FEED_LATE")
    dimensions = dict(zip(DIMENSIONS, place, strict=True))
    net = sum((parts.get(part, ZERO) for part in FLAT), ZERO)
    return Bucket(
        org=dimensions["org"],
        account=dimensions["account"],
        product=dimensions["product"],
        month=dimensions["month"],
        project=dimensions["project"],
        hedge_book=dimensions["hedge_book"],
        strategy=dimensions["strategy"],
        grade=dimensions["grade"],
        location=dimensions["location"],
        counterparty=dimensions["counterparty"],
        unit=unit,
        purchases=parts.get(Part.PURCHASE, ZERO),
        sales=parts.get(Part.SALE, ZERO),
        floating=parts.get(Part.FLOATING, ZERO),
        inventory=parts.get(Part.INVENTORY, ZERO),
        in_transit=parts.get(Part.IN_TRANSIT, ZERO),
        futures=parts.get(Part.FUTURES, ZERO),
        option_delta=parts.get(Part.OPTION, ZERO),
        unpriced=parts.get(Part.UNPRICED, ZERO),
        basis=parts.get(Part.BASIS, ZERO),
        unsynced=parts.get(Part.UNSYNCED, ZERO),
        unposted=parts.get(Part.UNPOSTED, ZERO),
        forecast=parts.get(Part.FORECAST, ZERO),
        gross=gross,
        spread=abs(net),
        data_state=state,
        reasons=tuple(sorted(codes)),
        rows=rows,
    )


def compute(
    state: BookState,
    as_of: datetime,
    *,
    by: Collection[str] = DEFAULT_DIMENSIONS,
    late: Collection[str] = (),
    trading_day: date | None = None,
) -> list[Bucket]:
    """The buckets of `state`, sorted by their dimensions.

    Args:
        state: the facts that are true at `as_of`.
        as_of: fixations after it do not count.
        by: dimensions that keep buckets apart; the product always does.
        late: organisations with a late feed; buckets at and below them are late.
        trading_day: the day for dated master data and formula pricing; the UTC day of `as_of` when
            not given.
    """
    day = trading_day or as_of.date()
    kept = [name in by or name == "product" for name in DIMENSIONS]
    groups: dict[tuple[str, ...], list[Leg]] = defaultdict(list)
    for leg in legs(state, as_of, day):
        place = tuple(
            getattr(leg.place, name) if keep else ""
            for name, keep in zip(DIMENSIONS, kept, strict=True)
        )
        groups[place].append(leg)
    specs = state.specs
    units = {product: _unit(specs, product, day) for product in {place[2] for place in groups}}
    buckets = []
    for place, members in sorted(groups.items()):
        parts: dict[Part, Decimal] = defaultdict(Decimal)
        gross = ZERO
        for leg in members:
            parts[leg.part] += leg.quantity
            if leg.part in FLAT:
                gross += abs(leg.quantity)
        buckets.append(
            bucket_of(
                place,
                parts,
                gross=gross,
                unit=units[place[2]],
                reasons={leg.reason for leg in members if leg.reason},
                late=any(is_under(node, place[0]) for node in late),
                rows=len({(type(leg.place).__name__, leg.place.org, leg.ref) for leg in members}),
            )
        )
    return buckets
