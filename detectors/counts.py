"""Counts of one cell (a value in its context) with back-off from narrow to broad contexts.

The contexts of a cell are nested: everything, then with each field of its chain one step narrower
(department, role, actor). A context's distribution is shrunk towards the next broader one by a
Dirichlet prior of `PRIOR` pseudo-counts; the broadest has `ALPHA` pseudo-counts for each known
value and for one unknown value together. So every probability is positive, and a context with few
events says what its peers say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PRIOR = 5.0
ALPHA = 0.5
SUPPORT = 15
UNKNOWN = -1


class Level(NamedTuple):
    """The contexts of one breadth; the arrays are sorted by key, one entry per context or pair.

    Attributes:
        keys: the broader context's number × vocabulary size + code of this level's field.
        totals: events in the context.
        entropy: expected surprise of the context, in nats.
        pair_keys: context number × size of the value's vocabulary + code of the value.
        pair_counts: events with the value in the context.
        pair_first: event time of the first of them, microseconds since 1970.
    """

    keys: Ints
    totals: Ints
    entropy: Floats
    pair_keys: Ints
    pair_counts: Ints
    pair_first: Ints


class Found(NamedTuple):
    """What a cell says of rows.

    Attributes:
        excess: −ln p(value | context) minus the context's expected surprise, nats.
        level: the context used: 0 is everything, then one per field of the chain.
        context: its number in the level.
    """

    excess: Floats
    level: Ints
    context: Ints


@dataclass(frozen=True, slots=True)
class BackoffTable:
    """The counts of one cell.

    Attributes:
        sizes: vocabulary sizes of the chain's fields and of the value, in this order.
        levels: broadest first.
    """

    sizes: tuple[int, ...]
    levels: tuple[Level, ...]

    @classmethod
    def build(cls, codes: Ints, weights: Ints, first: Ints, sizes: Sequence[int]) -> Self:
        """Counts of rows of codes (chain's fields, then the value), each with a weight and a time.

        Args:
            codes: shape (rows, fields); no code is `UNKNOWN`.
            weights: how many events a row stands for.
            first: the earliest of their times.
            sizes: vocabulary size of each column of `codes`.
        """
        size = sizes[-1]
        values = codes[:, -1]
        number = np.zeros(len(codes), np.int64)
        keys = np.zeros(1, np.int64)
        levels: list[Level] = []
        probability: Floats = np.empty(0)
        for depth in range(len(sizes)):
            broader = number
            if depth:
                keys, number = np.unique(
                    number * sizes[depth - 1] + codes[:, depth - 1], return_inverse=True
                )
            pair_keys, pair = np.unique(number * size + values, return_inverse=True)
            totals = _sums(number, weights, len(keys))
            counts = _sums(pair, weights, len(pair_keys))
            times = np.full(len(pair_keys), np.iinfo(np.int64).max)
            np.minimum.at(times, pair, first)
            context, value = pair_keys // size, pair_keys % size
            if depth == 0:
                spread = totals[0] + ALPHA * (size + 1)
                known = np.full(size, ALPHA / spread)
                known[value] = (counts + ALPHA) / spread
                unseen = ALPHA / spread
                entropy = np.array([_plogp(known).sum() + float(_plogp(np.array(unseen)))])
                probability = known[value]
            else:
                before = levels[-1]
                rows = _first_rows(number, len(keys))
                parent = broader[rows]
                theirs = probability[
                    np.searchsorted(before.pair_keys, parent[context] * size + value)
                ]
                probability = (counts + PRIOR * theirs) / (totals[context] + PRIOR)
                share = PRIOR / (totals + PRIOR)
                rest = np.maximum(0.0, 1.0 - np.bincount(context, theirs, len(keys)))
                rest_entropy = np.maximum(
                    0.0, before.entropy[parent] - np.bincount(context, _plogp(theirs), len(keys))
                )
                entropy = np.bincount(context, _plogp(probability), len(keys)) + share * (
                    rest_entropy - rest * np.log(share)
                )
            levels.append(Level(keys, totals, entropy, pair_keys, counts, times))
        return cls(tuple(sizes), tuple(levels))

    def find(self, codes: Ints) -> Found:
        """The excess surprise of rows; each row by itself.

        Args:
            codes: shape (rows, fields) as in `build`; `UNKNOWN` where the training knew no such.
        """
        size = self.sizes[-1]
        values = codes[:, -1]
        rows = len(codes)
        top = self.levels[0]
        spread = top.totals[0] + ALPHA * (size + 1)
        probability = (_counts(top, np.zeros(rows, np.int64), values, size) + ALPHA) / spread
        excess = -np.log(probability) - top.entropy[0]
        used = np.zeros(rows, np.int64)
        chosen = np.zeros(rows, np.int64)
        number = np.zeros(rows, np.int64)
        for depth in range(1, len(self.levels)):
            level = self.levels[depth]
            number = _narrow(level, number, codes[:, depth - 1], self.sizes[depth - 1])
            known = number != UNKNOWN
            total = np.where(known, level.totals[number], 0)
            mine = (_counts(level, number, values, size) + PRIOR * probability) / (total + PRIOR)
            probability = np.where(known, mine, probability)
            enough = known & (total >= SUPPORT)
            here = -np.log(probability) - level.entropy[number]
            excess = np.where(enough, here, excess)
            used = np.where(enough, depth, used)
            chosen = np.where(enough, number, chosen)
        return Found(excess, used, chosen)

    def probabilities(self, codes: Ints) -> list[float]:
        """The probability of one row's value at each level that knows its context."""
        size = self.sizes[-1]
        value = codes[-1:]
        top = self.levels[0]
        number = np.zeros(1, np.int64)
        p = (_counts(top, number, value, size) + ALPHA) / (top.totals[0] + ALPHA * (size + 1))
        out = [float(p[0])]
        for depth in range(1, len(self.levels)):
            level = self.levels[depth]
            number = _narrow(level, number, codes[depth - 1 : depth], self.sizes[depth - 1])
            if number[0] == UNKNOWN:
                break
            p = (_counts(level, number, value, size) + PRIOR * p) / (level.totals[number] + PRIOR)
            out.append(float(p[0]))
        return out

    def in_context(self, depth: int, context: int) -> tuple[Ints, Ints, Ints]:
        """Codes, counts and first times of the values seen in a context, the commonest first."""
        level = self.levels[depth]
        size = self.sizes[-1]
        low, high = np.searchsorted(level.pair_keys, [context * size, (context + 1) * size])
        order = np.lexsort((level.pair_keys[low:high], -level.pair_counts[low:high])) + low
        return level.pair_keys[order] % size, level.pair_counts[order], level.pair_first[order]

    def distinct(self) -> tuple[Ints, Ints, Ints]:
        """The distinct training rows as codes, with weights and first times: all that counts."""
        last = self.levels[-1]
        size = self.sizes[-1]
        number = last.pair_keys // size
        columns = [last.pair_keys % size]
        for depth in range(len(self.levels) - 1, 0, -1):
            key = self.levels[depth].keys[number]
            columns.append(key % self.sizes[depth - 1])
            number = key // self.sizes[depth - 1]
        return np.stack(columns[::-1], axis=1), last.pair_counts, last.pair_first

    def arrays(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """Everything, under names that begin with `prefix`."""
        out: dict[str, NDArray[np.generic]] = {f"{prefix}.sizes": np.array(self.sizes, np.int64)}
        for depth, level in enumerate(self.levels):
            for name, array in level._asdict().items():
                out[f"{prefix}.{depth}.{name}"] = array
        return out

    @classmethod
    def restore(cls, prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """The table that gave `arrays`."""
        sizes = tuple(int(size) for size in arrays[f"{prefix}.sizes"])
        levels = tuple(
            Level(*(arrays[f"{prefix}.{depth}.{name}"] for name in Level._fields))  # type: ignore[arg-type]
            for depth in range(len(sizes))
        )
        return cls(sizes, levels)


def _sums(group: Ints, weights: Ints, length: int) -> Ints:
    """Sums by group; exact below 2**53, far more events than a company has."""
    return np.bincount(group, weights, length).astype(np.int64)


def _first_rows(number: Ints, length: int) -> Ints:
    """For each context a row that lies in it."""
    rows = np.zeros(length, np.int64)
    rows[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return rows


def _plogp(p: Floats) -> Floats:
    out: Floats = -p * np.log(p)
    return out


def _narrow(level: Level, number: Ints, codes: Ints, size: int) -> Ints:
    """The numbers of the narrower contexts; `UNKNOWN` where training knew none."""
    key = number * size + codes
    at = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
    found = (number != UNKNOWN) & (codes != UNKNOWN) & (level.keys[at] == key)
    return np.where(found, at, UNKNOWN)


def _counts(level: Level, number: Ints, values: Ints, size: int) -> Ints:
    """How often each value was seen in each context; 0 for unknown values and contexts."""
    key = number * size + values
    at = np.minimum(np.searchsorted(level.pair_keys, key), len(level.pair_keys) - 1)
    found = (number != UNKNOWN) & (values != UNKNOWN) & (level.pair_keys[at] == key)
    return np.where(found, level.pair_counts[at], 0)
