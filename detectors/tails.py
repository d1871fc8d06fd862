"""From a sample of ordinary values to p-values: conformal, then a Pareto tail.

Conformal: (1 + how many of the n are at least as large) / (n + 1), never below 1/(n + 1). Above the
98th percentile a generalised Pareto distribution, fitted by moments to the exceedances, goes on
below 1/n (peaks over threshold; Hosking and Wallis 1987). Its shape is kept in [0, 1/2): no end
point, so that nothing unseen gets probability 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

PERCENTILE = 98.0
EXCEEDANCES = 10
FLOOR = 1e-99


@dataclass(frozen=True, slots=True)
class Tail:
    """The upper tail of a sample. An empty one gives 1 to everything.

    Attributes:
        values: the sample, sorted, without NaN.
        threshold: its 98th percentile; infinite when too few values lie above.
        shape: of the Pareto tail (ξ).
        scale: of the Pareto tail (σ), in the unit of the values.
    """

    values: Floats
    threshold: float = np.inf
    shape: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, sample: ArrayLike, *, least_scale: float = 0.0) -> Self:
        """The tail of a sample; NaN and infinite values are left out.

        Args:
            sample: ordinary values.
            least_scale: no tail is believed to fall off faster than this, in the values' unit. With
                it a sample whose tail cannot be fitted (few values, or many equal ones) goes on
                above its largest value at twice this scale; without it, it ends at 1/(n + 1).
        """
        given = np.asarray(sample, np.float64)
        values = np.sort(given[np.isfinite(given)])
        if not len(values):
            return cls(values)
        threshold = float(np.percentile(values, PERCENTILE, method="lower"))
        above = values[values > threshold] - threshold
        fitted = pareto_moments(above)
        if fitted:
            return cls(values, threshold, fitted[0], max(fitted[1], least_scale))
        if least_scale > 0.0:
            return cls(values, float(values[-1]), 0.0, 2.0 * least_scale)
        return cls(values)

    def p_values(self, values: ArrayLike) -> Floats:
        """The p-value of each value, in (0, 1]; NaN gives 1. Larger never gives more."""
        x = np.asarray(values, np.float64)
        n = len(self.values)
        if not n:
            return np.ones(x.shape)
        below = np.searchsorted(self.values, x, side="left")
        conformal = (n - below + 1) / (n + 1)
        if np.isfinite(self.threshold):
            at = (n - np.searchsorted(self.values, self.threshold, side="left") + 1) / (n + 1)
            excess = np.maximum(0.0, x - self.threshold)
            beyond = at * pareto_survival(excess, self.shape, self.scale)
            conformal = np.where(x > self.threshold, beyond, conformal)
        return np.where(np.isnan(x), 1.0, np.clip(conformal, FLOOR, 1.0))

    def arrays(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """The tail under a name."""
        return {
            f"{prefix}.values": self.values,
            f"{prefix}.tail": np.array([self.threshold, self.shape, self.scale]),
        }

    @classmethod
    def restore(cls, prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """The tail that gave `arrays`."""
        threshold, shape, scale = np.asarray(arrays[f"{prefix}.tail"], np.float64).tolist()
        return cls(np.asarray(arrays[f"{prefix}.values"], np.float64), threshold, shape, scale)


def spread_of(sample: ArrayLike, least: float) -> float:
    """The standard deviation of a sample without NaN, at least `least`."""
    given = np.asarray(sample, np.float64)
    known = given[np.isfinite(given)]
    return max(least, float(known.std())) if len(known) else least


def pareto_moments(exceedances: Floats) -> tuple[float, float] | None:
    """Shape and scale by moments: ξ = (1 − m²/s²)/2, σ = m(m²/s² + 1)/2; None for too few."""
    if len(exceedances) < EXCEEDANCES:
        return None
    mean, variance = float(exceedances.mean()), float(exceedances.var(ddof=1))
    if not variance > 0.0:
        return None
    ratio = mean * mean / variance
    shape = (1.0 - ratio) / 2.0
    return (shape, mean * (ratio + 1.0) / 2.0) if shape > 0.0 else (0.0, mean)


def pareto_survival(excess: Floats, shape: float, scale: float) -> Floats:
    """The probability of exceeding the threshold by more than `excess`."""
    if shape == 0.0:
        out: Floats = np.exp(-excess / scale)
    else:
        out = (1.0 + shape * excess / scale) ** (-1.0 / shape)
    return out
