"""Excess surprise: how much more surprising a value is than its context usually is.

For each cell of an event, −ln p(value | context) minus the expected surprise (entropy) of that
context; the event's score is the largest over its cells. A rare value in a context where everything
is rare says nothing; a rare value where one is usual says much. The narrowest context with at least
`counts.SUPPORT` training events is used: actor, else role, else department, else all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.counts import ALPHA, PRIOR, SUPPORT, UNKNOWN, BackoffTable, Ints
from detectors.errors import NotFitted
from detectors.explain import explain_cell
from detectors.protocol import (
    NOTABLE,
    Arrays,
    Cell,
    CellView,
    Description,
    Explanation,
    Family,
    Score,
)
from detectors.provenance import describe_fit, describe_more, schema_hash, without_bad
from store.types import from_microseconds, to_microseconds

VERSION = 1
NORMAL = 3.0
"""Nats above expectation up to which a value passes as ordinary: one in twenty of the usual."""

_USUAL = 3
_GAP = -99.0

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


_WHO = ("org", "role", "actor")
EVENT_CELLS = (
    CellSpec("type", _WHO),
    CellSpec("type", ("previous", *_WHO)),
    CellSpec("previous", ("type", *_WHO)),
    CellSpec("role", ("type", "org")),
    CellSpec("hour_band", _WHO),
    CellSpec("hour_band", ("type", *_WHO)),
    CellSpec("weekday", _WHO),
    CellSpec("product", _WHO),
    CellSpec("outcome", ("type", *_WHO)),
    CellSpec("region", _WHO),
    CellSpec("source", ("type", "region")),
    CellSpec("org", ("role", "actor")),
)


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
        empty = cls(tuple(cells), dict.fromkeys(_fields(cells), ()), ())
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
            "words": _pack({"cells": _plain(self.cells), "vocabularies": self.vocabularies})
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


@dataclass(frozen=True, slots=True)
class ExcessSurprise:
    """The detector of family `excess` over audit events."""

    description: Description | None = None
    table: ExcessTable | None = None
    reference: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def name(self) -> str:
        """The detector's name."""
        return "excess_surprise"

    @property
    def family(self) -> Family:
        """Excess surprise."""
        return Family.EXCESS

    def fit(
        self, events: Sequence[CellView], labels: Sequence[bool] | None = None, *, seed: int
    ) -> Self:
        """The counts of `events` without those labelled bad; nothing here is random."""
        kept = without_bad(events, labels)
        if not kept:
            return self
        table = ExcessTable.fit(EVENT_CELLS, columns_of(kept), _times(kept))
        description = describe_fit(
            self.name,
            self.family,
            version=VERSION,
            seed=seed,
            schema=_SCHEMA,
            events=kept,
            row=_row,
        )
        raw = _excess(table, kept).max(axis=0)
        return type(self)(description, table, np.sort(raw))

    def score(self, events: Sequence[CellView]) -> list[Score]:
        """The largest excess over the cells; the p-value from training scores."""
        table = self._table()
        if not events:
            return []
        excess = _excess(table, events)
        best = excess.argmax(axis=0)
        raw = excess[best, np.arange(len(events))]
        above = len(self.reference) - np.searchsorted(self.reference, raw, side="left")
        p_values = (above + 1) / (len(self.reference) + 1)
        names = [spec.name for spec in table.cells]
        family = self.family
        return [
            Score(
                one.uid,
                family,
                value,
                p,
                names[cell],
                (Cell(names[cell], value),) if p <= NOTABLE else (),
            )
            for one, value, p, cell in zip(
                events, raw.tolist(), p_values.tolist(), best.tolist(), strict=True
            )
        ]

    def findings(self, event: CellView) -> list[CellFinding]:
        """Every cell of one event, the most surprising first; those without a value last."""
        table = self._table()
        row = {name: getattr(event, name) for name in table.vocabularies}
        found = [table.finding(position, row) for position in range(len(table.cells))]
        return sorted(found, key=lambda one: -(one.excess if one.value else _GAP))

    def explain(self, event: CellView) -> Explanation:
        """The most surprising cell, with the next two as further parts."""
        first, *others = (explain_cell(one) for one in self.findings(event)[:3])
        return Explanation(first.code, first.params, tuple(others))

    def update(self, cleared: Sequence[CellView]) -> Self:
        """The counts with the cleared events added; the counts are those of fitting on all."""
        description = self.describe()
        if not cleared:
            return self
        table = self._table().merged(columns_of(cleared), _times(cleared))
        raw = _excess(table, cleared).max(axis=0)
        reference = np.sort(np.concatenate([self.reference, raw]))
        return type(self)(describe_more(description, cleared, _row), table, reference)

    def describe(self) -> Description:
        """What this model is."""
        if self.description is None:
            raise NotFitted(self.name)
        return self.description

    def arrays(self) -> Arrays:
        """Everything learned."""
        return {**self._table().arrays(), "reference": self.reference}

    @classmethod
    def restore(cls, description: Description, arrays: Arrays) -> Self:
        """The detector that gave these."""
        reference = np.asarray(arrays["reference"], np.float64)
        return cls(description, ExcessTable.restore(arrays), reference)

    def _table(self) -> ExcessTable:
        if self.table is None:
            raise NotFitted(self.name)
        return self.table


def _excess(table: ExcessTable, events: Sequence[CellView]) -> NDArray[np.float64]:
    """As `ExcessTable.excess`; an absent value is a gap in the data, not behaviour."""
    columns = columns_of(events)
    absent = {
        spec.value: np.fromiter((not one for one in columns[spec.value]), np.bool_, len(events))
        for spec in table.cells
    }
    gaps = np.stack([absent[spec.value] for spec in table.cells])
    excess = table.excess(columns)
    return np.where(gaps, _GAP, excess)


def columns_of(events: Sequence[CellView]) -> dict[str, list[str]]:
    """The fields that `EVENT_CELLS` look at, as columns."""
    return {name: [getattr(one, name) for one in events] for name in _fields(EVENT_CELLS)}


def _times(events: Sequence[CellView]) -> Ints:
    return np.fromiter((to_microseconds(one.at) for one in events), np.int64, len(events))


def _fields(cells: Sequence[CellSpec]) -> tuple[str, ...]:
    return tuple(sorted({name for spec in cells for name in (spec.value, *spec.chain)}))


def _row(event: CellView) -> list[object]:
    return [getattr(event, name) for name in _fields(EVENT_CELLS)]


def _plain(cells: Sequence[CellSpec]) -> list[Any]:
    """The cells as JSON takes them."""
    return [[spec.value, list(spec.chain)] for spec in cells]


def _pack(document: Any) -> NDArray[np.generic]:
    return np.frombuffer(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), np.uint8)


_SCHEMA = schema_hash(VERSION, PRIOR, ALPHA, SUPPORT, _plain(EVENT_CELLS))
