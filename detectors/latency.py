"""Latency of the way an event came: its source, type and region, against the same way before.

A first path of the family `series`: each way's latencies give a tail (`tails.Tail`); a way with
fewer than `SUPPORT` of them uses its source's, then everybody's. Series that are no events (basis,
volumes) are scored by `series.series_scores`.
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
    Score,
)
from detectors.provenance import describe_fit, describe_more, schema_hash, without_bad
from detectors.tails import Tail, spread_of

VERSION = 1
SUPPORT: Final = 50
_SEPARATOR: Final = "\x1f"
_CAUSE: Final = "latency_ms"
_SCHEMA: Final = schema_hash(VERSION, SUPPORT, ["source", "type", "region"])


@dataclass(frozen=True, slots=True)
class LatencySeries:
    """The detector of latencies.

    Attributes:
        samples: way (``source␟type␟region``, ``source``, ``""``) → latencies in milliseconds.
    """

    description: Description | None = None
    samples: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    _tails: dict[str, Tail] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for way, sample in self.samples.items():
            if not way or len(sample) >= SUPPORT:
                self._tails[way] = Tail.fit(sample, least_scale=spread_of(sample, 1.0))

    @property
    def name(self) -> str:
        """The detector's name."""
        return "latency"

    @property
    def family(self) -> Family:
        """Series."""
        return Family.SERIES

    def fit(
        self, events: Sequence[CellView], labels: Sequence[bool] | None = None, *, seed: int
    ) -> Self:
        """The latencies of `events` without those labelled bad; nothing here is random."""
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
        return type(self)(description, _gather({}, kept))

    def score(self, events: Sequence[CellView]) -> list[Score]:
        """The tail probability of each latency; 1 for events without one."""
        self.describe()
        strata: dict[str, list[int]] = {}
        for at, one in enumerate(events):
            strata.setdefault(self._way(one), []).append(at)
        p_values = np.ones(len(events))
        latencies = np.array([one.numbers.latency_ms for one in events], np.float64)
        for way, rows in strata.items():
            p_values[rows] = self._tails[way].p_values(latencies[rows])
        raw = np.abs(np.log(p_values))
        family = self.family
        return [
            Score(
                one.uid,
                family,
                value,
                p,
                _CAUSE,
                (Cell(_CAUSE, value),) if p <= NOTABLE else (),
            )
            for one, value, p in zip(events, raw.tolist(), p_values.tolist(), strict=True)
        ]

    def explain(self, event: CellView) -> Explanation:
        """The latency beside what is usual on its way."""
        self.describe()
        way = self._way(event)
        named = way.replace(_SEPARATOR, " ").strip()
        return explain_number(_CAUSE, event.numbers.latency_ms, self._tails[way].values, named)

    def update(self, cleared: Sequence[CellView]) -> Self:
        """The samples with the cleared events added."""
        description = self.describe()
        if not cleared:
            return self
        return type(self)(describe_more(description, cleared, _row), _gather(self.samples, cleared))

    def describe(self) -> Description:
        """What this model is."""
        if self.description is None:
            raise NotFitted(self.name)
        return self.description

    def arrays(self) -> Arrays:
        """The samples."""
        self.describe()
        ways = sorted(self.samples)
        words = np.frombuffer(orjson.dumps(ways), np.uint8)
        return {"words": words} | {f"sample{at}": self.samples[w] for at, w in enumerate(ways)}

    @classmethod
    def restore(cls, description: Description, arrays: Arrays) -> Self:
        """The detector that gave these."""
        ways = orjson.loads(arrays["words"].tobytes())
        samples = {
            way: np.asarray(arrays[f"sample{at}"], np.float64) for at, way in enumerate(ways)
        }
        return cls(description, samples)

    def _way(self, event: CellView) -> str:
        """The narrowest way with enough latencies."""
        return next(way for way in _ways(event) if way in self._tails)


def _ways(event: CellView) -> tuple[str, str, str]:
    full = _SEPARATOR.join((event.source, event.type, event.region))
    return full, event.source, ""


def _row(event: CellView) -> list[object]:
    return [event.source, event.type, event.region, event.numbers.latency_ms]


def _gather(
    old: Mapping[str, NDArray[np.float64]], events: Sequence[CellView]
) -> dict[str, NDArray[np.float64]]:
    gathered: dict[str, list[float]] = {"": []}
    for one in events:
        if np.isfinite(one.numbers.latency_ms):
            for way in dict.fromkeys(_ways(one)):
                gathered.setdefault(way, []).append(one.numbers.latency_ms)
    out = {}
    for way in sorted({*old, *gathered}):
        before = old.get(way, np.empty(0))
        out[way] = np.sort(np.concatenate([before, np.array(gathered.get(way, []), np.float64)]))
    return out
