"""Counts of all cells of a table of text, and what is known about one cell of one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.counts import ALPHA, PRIOR, UNKNOWN, BackoffTable, Ints
from detectors.protocol import Arrays
from store.types import from_microseconds

NORMAL = 3.0
"""Nats above expectation up to which a value passes as ordinary: one in twenty of the usual."""

_USUAL = 3

Columns = Mapping[str, Sequence[str]]


class CellSpec(NamedTuple):
    """One cell: which value is looked at, in which context.

    Attributes:
        value: the field whose surprise is measured.
        chain: the context's fields, the one given up last first; empty looks at the value alone.
    """

    value: str
    chain: tuple[str, ...]

    @property
    def name(self) -> str:
        """As scores and explanations name it."""
        return f"{self.value}|{','.join(self.chain)}" if self.chain else self.value


@dataclass(frozen=True, slots=True)
class CellFinding:
    """What is known about one cell of one row; counts are of training events.

    Attributes:
        spec: the cell.
        excess: nats above what the context expects.
        expected: the context's expected surprise, nats.
        value: what was seen; ``""`` for nothing.
        context: the fields of the context that was used, with their values.
        support: events in the context.
        count: of them, with this value.
        usual: the commonest values of the context with their shares.
        elsewhere: events with this value in any context.
        first_seen: when the value was first seen in the context, else anywhere; None for never,
            and for tables without times.
        peers: the value's probability one step broader; None where nothing is broader.
        needed: from how many events in this context on the value would be ordinary (`NORMAL`).
    """

    spec: CellSpec
    excess: float
    expected: float
    value: str
    context: tuple[tuple[str, str], ...]
    support: int
    count: int
    usual: tuple[tuple[str, float], ...]
    elsewhere: int
    first_seen: datetime | None
    peers: float | None
    needed: int


@dataclass(frozen=True, slots=True)
class ExcessTable:
    """Excess surprise over columns of text: events, or any table of categories.

    Attributes:
        cells: what is looked at.
        vocabularies: the values of each field that training knew, sorted.
        tables: the counts of each cell.
    """

    cells: tuple[CellSpec, ...]
    vocabularies: Mapping[str, tuple[str, ...]]
    tables: tuple[BackoffTable, ...]
    _codes: dict[str, dict[str, int]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def fit(cls, cells: Sequence[CellSpec], columns: Columns, times: Ints) -> Self:
        """Counts of rows given as columns of text, each with its time in microseconds."""
        empty = cls(tuple(cells), dict.fromkeys(fields_of(cells), ()), ())
        return empty.merged(columns, times)

    def merged(self, columns: Columns, times: Ints) -> Self:
        """The table that has also counted these rows."""
        vocabularies = {
            name: tuple(sorted({*old, *columns[name]})) for name, old in self.vocabularies.items()
        }
        new = type(self)(self.cells, vocabularies, ())
        coded = {name: new.encode(name, columns[name]) for name in vocabularies}
        tables = []
        for position, spec in enumerate(self.cells):
            names = (*spec.chain, spec.value)
            rows = np.stack([coded[name] for name in names], axis=1)
            weights = np.ones(len(rows), np.int64)
            first = np.asarray(times, np.int64)
            if self.tables:
                old, old_weights, old_first = self.tables[position].distinct()
                moved = [
                    new.encode(name, self.vocabularies[name])[old[:, column]]
                    for column, name in enumerate(names)
                ]
                rows = np.concatenate([np.stack(moved, axis=1), rows])
                weights = np.concatenate([old_weights, weights])
                first = np.concatenate([old_first, first])
            sizes = [len(vocabularies[name]) for name in names]
            tables.append(BackoffTable.build(rows, weights, first, sizes))
        return type(self)(self.cells, vocabularies, tuple(tables))

    def encode(self, name: str, values: Sequence[str]) -> Ints:
        """Codes of the field's values; `UNKNOWN` for those training did not know."""
        codes = self._codes.get(name)
        if codes is None:
            codes = {value: code for code, value in enumerate(self.vocabularies[name])}
            self._codes[name] = codes
        known = codes
        return np.fromiter((known.get(value, UNKNOWN) for value in values), np.int64, len(values))

    def excess(self, columns: Columns) -> NDArray[np.float64]:
        """The excess surprise of each cell of each row, shape (cells, rows)."""
        coded = {name: self.encode(name, columns[name]) for name in self.vocabularies}
        return np.stack(
            [
                table.find(np.stack([coded[n] for n in (*spec.chain, spec.value)], axis=1)).excess
                for spec, table in zip(self.cells, self.tables, strict=True)
            ]
        )

    def finding(self, position: int, row: Mapping[str, str]) -> CellFinding:
        """All that is known about one cell of one row."""
        spec, table = self.cells[position], self.tables[position]
        names = (*spec.chain, spec.value)
        codes = np.array([self.encode(name, (row[name],))[0] for name in names], np.int64)
        found = table.find(codes[None, :])
        depth, context = int(found.level[0]), int(found.context[0])
        level = table.levels[depth]
        values, counts, first = table.in_context(depth, context)
        support, expected = int(level.totals[context]), float(level.entropy[context])
        here = np.flatnonzero(values == codes[-1])
        everywhere, all_counts, all_first = table.in_context(0, 0)
        there = np.flatnonzero(everywhere == codes[-1])
        seen = first[here] if len(here) else all_first[there]
        probabilities = table.probabilities(codes)
        peers = probabilities[depth - 1] if depth else None
        prior = PRIOR * peers if peers is not None else ALPHA
        spread = PRIOR if depth else ALPHA * (table.sizes[-1] + 1)
        vocabulary = self.vocabularies[spec.value]
        return CellFinding(
            spec=spec,
            excess=float(found.excess[0]),
            expected=expected,
            value=row[spec.value],
            context=tuple((name, row[name]) for name in spec.chain[:depth]),
            support=support,
            count=int(counts[here[0]]) if len(here) else 0,
            usual=tuple(
                (vocabulary[int(value)], int(count) / support)
                for value, count in zip(values[:_USUAL], counts[:_USUAL], strict=True)
            ),
            elsewhere=int(all_counts[there[0]]) if len(there) else 0,
            first_seen=from_microseconds(int(seen[0])) if len(seen) and seen[0] else None,
            peers=peers,
            needed=max(1, int(np.ceil((support + spread) * np.exp(-expected - NORMAL) - prior))),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything learned."""
        out: dict[str, NDArray[np.generic]] = {
            "words": _pack({"cells": plain_cells(self.cells), "vocabularies": self.vocabularies})
        }
        for position, table in enumerate(self.tables):
            out |= table.arrays(f"cell{position}")
        return out

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The table that gave `arrays`."""
        words = orjson.loads(arrays["words"].tobytes())
        cells = tuple(CellSpec(value, tuple(chain)) for value, chain in words["cells"])
        vocabularies = {name: tuple(known) for name, known in words["vocabularies"].items()}
        tables = tuple(BackoffTable.restore(f"cell{at}", arrays) for at in range(len(cells)))
        return cls(cells, vocabularies, tables)


def fields_of(cells: Sequence[CellSpec]) -> tuple[str, ...]:
    """All fields that the cells look at, sorted."""
    return tuple(sorted({name for spec in cells for name in (spec.value, *spec.chain)}))


def plain_cells(cells: Sequence[CellSpec]) -> list[Any]:
    """The cells as JSON takes them."""
    return [[spec.value, list(spec.chain)] for spec in cells]


def _pack(document: Any) -> NDArray[np.generic]:
    return np.frombuffer(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), np.uint8)
