"""Entity windows: how much an actor did in the last hour and day, against actors of the same role.

Each number of `protocol.Numbers` gets the tail probability of its training distribution in the
actor's role (all roles where the role has too few events); the event's evidence is the smallest of
them, corrected for their number (Šidák). A first path: peers are roles, the windows an hour and a
day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.errors import NotFitted
from detectors.explain import explain_number
from detectors.protocol import (
    NOTABLE,
    Arrays,
    Cell,
    CellView,
    Description,
    Explanation,
    Family,
    Numbers,
    Score,
)
from detectors.provenance import describe_fit, describe_more, schema_hash, without_bad
from detectors.tails import Tail, spread_of

VERSION = 1
STRATUM: Final = 200
EVERYBODY: Final = ""
NUMBERS: Final = tuple(name for name in Numbers._fields if name != "latency_ms")
UNITS: Final[Mapping[str, float]] = {
    "count_hour": 1.0,
    "count_day": 1.0,
    "failures_hour": 1.0,
    "new_day": 0.1,
    "after_hours_day": 0.1,
    "amount_ratio": 1.0,
}
"""The least step of each number that means anything: a tail falls off no faster."""

_SCHEMA: Final = schema_hash(VERSION, STRATUM, UNITS)


@dataclass(frozen=True, slots=True)
class EntityWindows:
    """The detector of family `window`.

    Attributes:
        rows: the training numbers by role, all of them under `EVERYBODY`; shape (events, numbers).
    """

    description: Description | None = None
    rows: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    _tails: dict[str, tuple[Tail, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for role, rows in self.rows.items():
            if role == EVERYBODY or len(rows) >= STRATUM:
                self._tails[role] = tuple(
                    Tail.fit(column, least_scale=spread_of(column, UNITS[name]))
                    for name, column in zip(NUMBERS, rows.T, strict=True)
                )

    @property
    def name(self) -> str:
        """The detector's name."""
        return "entity_windows"

    @property
    def family(self) -> Family:
        """Numbers of an actor."""
        return Family.WINDOW

    def fit(
        self, events: Sequence[CellView], labels: Sequence[bool] | None = None, *, seed: int
    ) -> Self:
        """The numbers of `events` without those labelled bad; nothing here is random."""
        kept = without_bad(events, labels)
        if not kept:
            return self
        description = describe_fit(
            self.name,
            self.family,
            version=VERSION,
            seed=seed,
            schema=_SCHEMA,
            events=kept,
            row=_row,
        )
        return type(self)(description, _rows(kept))

    def score(self, events: Sequence[CellView]) -> list[Score]:
        """The strongest number of each event."""
        self.describe()
        if not events:
            return []
        p_values = self._p_values(events)
        best = p_values.argmin(axis=1)
        least = p_values[np.arange(len(events)), best]
        tested = np.isfinite(_numbers(events)).sum(axis=1)
        corrected = -np.expm1(tested * np.log1p(-np.minimum(least, 1.0 - 1e-12)))
        raw = -np.log(least)
        family = self.family
        return [
            Score(
                one.uid,
                family,
                value,
                p,
                NUMBERS[at],
                (Cell(NUMBERS[at], value),) if p <= NOTABLE else (),
            )
            for one, value, p, at in zip(
                events, raw.tolist(), corrected.tolist(), best.tolist(), strict=True
            )
        ]

    def explain(self, event: CellView) -> Explanation:
        """The most unusual number against what is usual in the role."""
        self.describe()
        p_values = self._p_values([event])[0]
        role = event.role if event.role in self._tails else EVERYBODY
        parts = []
        for at in np.argsort(p_values, kind="stable")[:3].tolist():
            sample = self._tails[role][at].values
            value = float(event.numbers[Numbers._fields.index(NUMBERS[at])])
            parts.append(explain_number(NUMBERS[at], value, sample, role))
        return Explanation(parts[0].code, parts[0].params, tuple(parts[1:]))

    def update(self, cleared: Sequence[CellView]) -> Self:
        """The sample with the cleared events added."""
        old = self.describe()
        if not cleared:
            return self
        added = _rows(cleared)
        width = len(NUMBERS)
        rows = {
            role: np.concatenate(
                [self.rows.get(role, np.empty((0, width))), added.get(role, np.empty((0, width)))]
            )
            for role in sorted({*self.rows, *added})
        }
        return type(self)(describe_more(old, cleared, _row), rows)

    def describe(self) -> Description:
        """What this model is."""
        if self.description is None:
            raise NotFitted(self.name)
        return self.description

    def arrays(self) -> Arrays:
        """The training numbers."""
        self.describe()
        roles = sorted(self.rows)
        names = np.frombuffer(orjson.dumps(roles), np.uint8)
        return {"words": names} | {f"rows{at}": self.rows[role] for at, role in enumerate(roles)}

    @classmethod
    def restore(cls, description: Description, arrays: Arrays) -> Self:
        """The detector that gave these."""
        roles = orjson.loads(arrays["words"].tobytes())
        rows = {role: np.asarray(arrays[f"rows{at}"], np.float64) for at, role in enumerate(roles)}
        return cls(description, rows)

    def _p_values(self, events: Sequence[CellView]) -> NDArray[np.float64]:
        """Tail probabilities, shape (events, numbers); each row by itself."""
        numbers = _numbers(events)
        out = np.ones(numbers.shape)
        strata: dict[str, list[int]] = {}
        for at, one in enumerate(events):
            strata.setdefault(one.role if one.role in self._tails else EVERYBODY, []).append(at)
        for role, rows in strata.items():
            for column, tail in enumerate(self._tails[role]):
                out[rows, column] = tail.p_values(numbers[rows, column])
        return out


def _numbers(events: Sequence[CellView]) -> NDArray[np.float64]:
    places = [Numbers._fields.index(name) for name in NUMBERS]
    return np.array([one.numbers for one in events], np.float64)[:, places]


def _rows(events: Sequence[CellView]) -> dict[str, NDArray[np.float64]]:
    numbers = _numbers(events)
    roles = np.array([one.role for one in events], dtype=object)
    out = {role: numbers[roles == role] for role in sorted(set(roles.tolist()) - {EVERYBODY})}
    return {EVERYBODY: numbers} | out


def _row(event: CellView) -> list[object]:
    return [event.role, *event.numbers]
