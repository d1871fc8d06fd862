"""Exposure of very many positions: columns of scaled 64-bit integers.

A quantity is held as units of 1e-8 of the base unit, so the sums are the same as the Decimal
reference's, to the last digit. Sums are made in two halves of 26 and 38 bits, each exact in the
binary floats that numpy's bincount adds in; what could overflow is refused, not wrapped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book.buckets import DIMENSIONS, Bucket
from book.errors import ScaleOverflowError, UnknownSpecError
from book.exposure import bucket_of
from book.legs import FLAT, Leg, Part, legs
from book.products import SpecBook
from book.state import BookState

SCALE_DIGITS: Final = 8
SCALE: Final = 10**SCALE_DIGITS
_INT64_MAX: Final = 2**63 - 1
_EXACT: Final = 2**53
_LOW_BITS: Final = 26
_DENSE: Final = 1_000_000
_LOW_MASK: Final = 2**_LOW_BITS - 1
PARTS: Final = tuple(Part)

Int64 = npt.NDArray[np.int64]


class Coded(NamedTuple):
    """One dimension of many rows: its words, and per row the index of its word."""

    words: Sequence[str]
    codes: Int64


@dataclass(frozen=True, slots=True)
class Columns:
    """One row per contribution.

    Attributes:
        dimensions: name -> per place its word; dimensions left out are empty.
        size: how many places there are.
        place: row -> number of its place.
        part: row -> index into `PARTS`.
        quantity: row -> signed quantity x 1e8.
    """

    dimensions: Mapping[str, Coded]
    size: int
    place: Int64
    part: Int64
    quantity: Int64

    def places(self) -> list[tuple[str, ...]]:
        """Every place, its dimensions in order."""
        blank = [""] * self.size
        named = {
            name: [coded.words[code] for code in coded.codes.tolist()]
            for name, coded in self.dimensions.items()
        }
        return list(zip(*(named.get(name, blank) for name in DIMENSIONS), strict=True))


def scaled(quantity: Decimal) -> int:
    """`quantity` in units of 1e-8.

    Raises:
        ScaleOverflowError: when it has more places, or does not fit into 64 bits.
    """
    shifted = quantity.scaleb(SCALE_DIGITS)
    whole = int(shifted)
    if whole != shifted or abs(whole) > _INT64_MAX:
        raise ScaleOverflowError(str(quantity))
    return whole


def unscaled(value: int) -> Decimal:
    """The quantity of `value` units of 1e-8."""
    return Decimal(value).scaleb(-SCALE_DIGITS)


def from_legs(rows: Iterable[Leg]) -> Columns:
    """Columns of contributions, every dimension kept.

    Raises:
        ScaleOverflowError: a quantity does not fit.
    """
    index: dict[tuple[str, ...], int] = {}
    place, part, quantity = [], [], []
    codes = {name: code for code, name in enumerate(PARTS)}
    for leg in rows:
        dimensions = tuple(getattr(leg.place, name) for name in DIMENSIONS)
        place.append(index.setdefault(dimensions, len(index)))
        part.append(codes[leg.part])
        quantity.append(scaled(leg.quantity))
    named = list(zip(*index, strict=True)) or [()] * len(DIMENSIONS)
    every = np.arange(len(index))
    return Columns(
        {name: Coded(words, every) for name, words in zip(DIMENSIONS, named, strict=True)},
        len(index),
        np.array(place, dtype=np.int64),
        np.array(part, dtype=np.int64),
        np.array(quantity, dtype=np.int64),
    )


def from_codes(dimensions: Mapping[str, Coded], part: Int64, quantity: Int64) -> Columns:
    """Columns of rows that come as columns already; dimensions not given are empty.

    Raises:
        ScaleOverflowError: so many words that their combinations cannot be numbered.
    """
    combined = np.zeros(part.size, dtype=np.int64)
    size = 1
    for coded in dimensions.values():
        size *= len(coded.words)
        if size > _INT64_MAX:
            raise ScaleOverflowError("combinations of dimensions")
        combined = combined * len(coded.words) + coded.codes
    if size <= max(_DENSE, part.size):
        present = np.flatnonzero(np.bincount(combined, minlength=size))
        number = np.zeros(size, dtype=np.int64)
        number[present] = np.arange(present.size)
        place = number[combined]
    else:
        present, place = np.unique(combined, return_inverse=True)
    rest, held = present, {}
    for name, coded in reversed(list(dimensions.items())):
        rest, codes = np.divmod(rest, len(coded.words))
        held[name] = Coded(coded.words, codes)
    return Columns(held, present.size, place.astype(np.int64, copy=False), part, quantity)


def lots_quantity(lots: Int64, units_in_lot: Int64) -> Int64:
    """Lots x scaled units in a lot, refused when a product could overflow.

    Raises:
        ScaleOverflowError: as said.
    """
    if lots.size and _largest(lots) * _largest(units_in_lot) > _INT64_MAX:
        raise ScaleOverflowError("lots x multiplier")
    return lots * units_in_lot


def delta_quantity(quantity: Int64, delta: Int64) -> Int64:
    """Quantity x delta, both scaled by 1e8, rounded half to even as the reference does.

    Where a product could overflow 64 bits the rows are multiplied in whole numbers of any size.

    Raises:
        ScaleOverflowError: a result does not fit into 64 bits.
    """
    if not quantity.size:
        return quantity
    if _largest(quantity) * _largest(delta) <= _INT64_MAX:
        return _half_even(quantity * delta, SCALE)
    rows = zip(quantity.tolist(), delta.tolist(), strict=True)
    wide = [_half_even_int(q * d, SCALE) for q, d in rows]
    if max(map(abs, wide)) > _INT64_MAX:
        raise ScaleOverflowError("quantity x delta")
    return np.array(wide, dtype=np.int64)


def _largest(values: Int64) -> int:
    return max(abs(int(values.min())), abs(int(values.max())))


def _half_even(values: Int64, divisor: int) -> Int64:
    whole = values // divisor
    twice = (values - whole * divisor) * 2
    up = (twice > divisor) | ((twice == divisor) & (whole % 2 == 1))
    rounded: Int64 = whole + up
    return rounded


def _half_even_int(value: int, divisor: int) -> int:
    whole, rest = divmod(value, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def group_sum(group: Int64, values: Int64, groups: int) -> Int64:
    """The sum of `values` per group, exact.

    Raises:
        ScaleOverflowError: when a group's sum could leave 64 bits.
    """
    if not values.size:
        return np.zeros(groups, dtype=np.int64)
    high = values >> _LOW_BITS
    largest = _largest(high) + 1
    # below these bounds every partial sum is a whole number that a binary float holds exactly
    if largest * values.size >= _EXACT or values.size >= _EXACT >> _LOW_BITS:
        return _group_sum_wide(group, values, groups)
    high_sum = np.bincount(group, weights=high, minlength=groups).astype(np.int64)
    low = np.bincount(group, weights=values & _LOW_MASK, minlength=groups).astype(np.int64)
    if _largest(high_sum) >= (_INT64_MAX >> _LOW_BITS) - values.size:
        return _group_sum_wide(group, values, groups)
    return (high_sum << _LOW_BITS) + low


def _group_sum_wide(group: Int64, values: Int64, groups: int) -> Int64:
    sums = [0] * groups
    for at, value in zip(group.tolist(), values.tolist(), strict=True):
        sums[at] += value
    if max(map(abs, sums)) > _INT64_MAX:
        raise ScaleOverflowError("sum of a group")
    return np.array(sums, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Sums:
    """Per place the sum of each part that occurs, the gross, the net, all scaled; rows counted."""

    parts: Mapping[Part, Int64]
    gross: Int64
    net: Int64
    rows: Int64


def aggregate(columns: Columns) -> Sums:
    """All parts of all places.

    Raises:
        ScaleOverflowError: when a sum does not fit into 64 bits.
    """
    present = np.flatnonzero(np.bincount(columns.part, minlength=len(PARTS)))
    gross = np.zeros(columns.size, dtype=np.int64)
    by_part: dict[Part, Int64] = {}
    for code in present.tolist():
        chosen: Any = columns.part == code if present.size > 1 else slice(None)
        place, quantity = columns.place[chosen], columns.quantity[chosen]
        by_part[PARTS[code]] = group_sum(place, quantity, columns.size)
        if PARTS[code] in FLAT:
            sizes = group_sum(place, np.abs(quantity), columns.size)
            if gross.size and _largest(gross) + _largest(sizes) > _INT64_MAX:
                raise ScaleOverflowError("gross of a place")
            gross += sizes
    # |net| <= gross, and gross has been checked
    net = sum(
        (held for part, held in by_part.items() if part in FLAT),
        np.zeros(columns.size, dtype=np.int64),
    )
    return Sums(by_part, gross, net, np.bincount(columns.place, minlength=columns.size))


def compute(state: BookState, as_of: datetime, *, trading_day: date | None = None) -> list[Bucket]:
    """`exposure.compute` over all dimensions, on columns; equal on every bucket."""
    day = trading_day or as_of.date()
    rows = list(legs(state, as_of, day))
    columns = from_legs(rows)
    sums = aggregate(columns)
    return _buckets(columns, sums, rows, state.specs, day)


def _buckets(
    columns: Columns, sums: Sums, rows: Sequence[Leg], specs: SpecBook, day: date
) -> list[Bucket]:
    reasons: dict[int, set[str]] = {}
    refs: dict[int, set[tuple[Any, ...]]] = {}
    for at, leg in zip(columns.place.tolist(), rows, strict=True):
        refs.setdefault(at, set()).add((type(leg.place).__name__, leg.place.org, leg.ref))
        if leg.reason:
            reasons.setdefault(at, set()).add(leg.reason)
    found = []
    places = columns.places()
    for at in sorted(range(len(places)), key=places.__getitem__):
        place = places[at]
        try:
            unit = specs.spec(place[2], day).base_unit
        except UnknownSpecError:
            unit = ""
        parts = {part: unscaled(int(held[at])) for part, held in sums.parts.items()}
        found.append(
            bucket_of(
                place,
                parts,
                gross=unscaled(int(sums.gross[at])),
                unit=unit,
                reasons=reasons.get(at, ()),
                late=False,
                rows=len(refs[at]),
            )
        )
    return found
