"""Excess surprise: how much more surprising a value is than its context usually is.

For each cell of an event, −ln p(value | context) minus the expected surprise (entropy) of that
context; the event's score is the largest over its cells. A rare value in a context where everything
is rare says nothing; a rare value where one is usual says much. The narrowest context with at least
`counts.SUPPORT` training events is used: actor, else role, else department, else all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.counts import ALPHA, PRIOR, SUPPORT, Ints
from detectors.errors import NotFitted
from detectors.excess_table import (
    CellFinding,
    CellSpec,
    ExcessTable,
    fields_of,
    plain_cells,
)
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
from store.types import to_microseconds

VERSION = 1
_GAP = -99.0

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
    return {name: [getattr(one, name) for one in events] for name in fields_of(EVENT_CELLS)}


def _times(events: Sequence[CellView]) -> Ints:
    return np.fromiter((to_microseconds(one.at) for one in events), np.int64, len(events))


def _row(event: CellView) -> list[object]:
    return [getattr(event, name) for name in fields_of(EVENT_CELLS)]


_SCHEMA = schema_hash(VERSION, PRIOR, ALPHA, SUPPORT, plain_cells(EVENT_CELLS))
