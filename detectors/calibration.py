"""From a detector's raw score to a p-value that means the same in every family and role.

The sample is the raw scores of events that people cleared, or at least did not find bad. One tail
(`tails.Tail`) per family and role; a role with fewer than `STRATUM` cleared events uses the
family's own. The p-values of rules are not touched. Conformal p-values assume exchangeable events,
which a log is not: the achieved rate of false alerts is measured from triage, never promised.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.protocol import Arrays, CellView, Family, Score
from detectors.tails import Tail

Floats = NDArray[np.float64]

STRATUM: Final = 200
NAT: Final = 1.0
"""Raw scores are in nats: a tail that falls faster than e per nat would out-believe the model."""

_SEPARATOR: Final = "\x1f"
_UNCALIBRATED: Final = frozenset({Family.CONFORMANCE})


@dataclass(frozen=True, slots=True)
class Calibration:
    """Tails of raw scores by family and role.

    Attributes:
        samples: ``family`` and ``family␟role`` → raw scores of cleared events, sorted.
    """

    samples: Mapping[str, Floats] = field(default_factory=dict)
    _tails: dict[str, Tail] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for key, sample in self.samples.items():
            if _SEPARATOR not in key or len(sample) >= STRATUM:
                self._tails[key] = Tail.fit(sample, least_scale=NAT)

    def update(self, cleared: Sequence[CellView], scores: Iterable[Sequence[Score]]) -> Self:
        """The calibration that also knows the scores of cleared events.

        Args:
            cleared: the events.
            scores: for each detector its scores of them, in the same order.
        """
        gathered: dict[str, list[float]] = {}
        for given in scores:
            for view, score in zip(cleared, given, strict=True):
                if score.family not in _UNCALIBRATED:
                    gathered.setdefault(score.family.value, []).append(score.raw)
                    key = score.family.value + _SEPARATOR + view.role
                    gathered.setdefault(key, []).append(score.raw)
        samples = dict(self.samples)
        for key in sorted(gathered):
            old = samples.get(key, np.empty(0))
            samples[key] = np.sort(np.concatenate([old, np.array(gathered[key], np.float64)]))
        return type(self)(samples)

    def p_values(self, events: Sequence[CellView], scores: Sequence[Score]) -> Floats:
        """One detector's scores as p-values; a family without a sample keeps the detector's own."""
        own = np.array([score.p_value for score in scores], np.float64)
        if not scores or scores[0].family in _UNCALIBRATED:
            return own
        family = scores[0].family.value
        raw = np.array([score.raw for score in scores], np.float64)
        strata: dict[str, list[int]] = {}
        for at, one in enumerate(events):
            key = family + _SEPARATOR + one.role
            strata.setdefault(key if key in self._tails else family, []).append(at)
        for key, rows in strata.items():
            tail = self._tails.get(key)
            if tail is not None and len(tail.values):
                own[rows] = tail.p_values(raw[rows])
        return own

    def size(self, family: Family) -> int:
        """How many cleared scores the family has."""
        return len(self.samples.get(family.value, ()))

    def arrays(self) -> Arrays:
        """The samples."""
        keys = sorted(self.samples)
        words = np.frombuffer(orjson.dumps(keys), np.uint8)
        return {"words": words} | {f"sample{at}": self.samples[k] for at, k in enumerate(keys)}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The calibration that gave `arrays`."""
        keys = orjson.loads(arrays["words"].tobytes())
        return cls(
            {key: np.asarray(arrays[f"sample{at}"], np.float64) for at, key in enumerate(keys)}
        )
