"""Tables of numbers without an actor or a time: the largest calibrated tail of four measures.

Isolation forest, distance to the k-th neighbour, the strongest column tail, and a robust
Mahalanobis distance. Each is turned into a tail probability of its own training scores; the least
of them, corrected for their number, is the row's p-value. A second opinion and a first path: the
scores are of the rows that were fitted.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from detectors.tails import Tail

Floats = NDArray[np.float64]

MEASURES: Final = ("isolation_forest", "neighbour_distance", "column_tail", "mahalanobis")
NEIGHBOURS: Final = 5
TREES: Final = 100


class Profile(NamedTuple):
    """One score per row: −log10 p, and the measure that decided."""

    surprise: Floats
    cause: list[str]


def profile(rows: Floats, *, seed: int) -> Profile:
    """Scores of the rows of a table of numbers; NaN takes the column's median.

    Args:
        rows: shape (rows, columns).
        seed: of the forest and of the covariance's subsets.
    """
    if rows.size == 0:
        return Profile(np.zeros(len(rows)), [""] * len(rows))
    x = _scaled(rows)
    raw = np.stack(
        [
            -IsolationForest(n_estimators=TREES, random_state=seed).fit(x).score_samples(x),
            _neighbours(x),
            _column_tail(x),
            _mahalanobis(x, seed),
        ]
    )
    p_values = np.stack([Tail.fit(scores).p_values(scores) for scores in raw])
    least = p_values.min(axis=0)
    corrected = -np.expm1(len(p_values) * np.log1p(-np.minimum(least, 1.0 - 1e-12)))
    return Profile(-np.log10(corrected), [MEASURES[at] for at in p_values.argmin(axis=0).tolist()])


def _scaled(rows: Floats) -> Floats:
    """Each column on its own range; constant columns become 0."""
    filled = np.where(np.isfinite(rows), rows, np.nan)
    empty = np.isnan(filled).all(axis=0)
    filled[:, empty] = 0.0
    filled = np.where(np.isnan(filled), np.nanmedian(filled, axis=0), filled)
    low, high = filled.min(axis=0), filled.max(axis=0)
    out: Floats = (filled - low) / np.where(high > low, high - low, 1.0)
    return out


def _neighbours(x: Floats) -> Floats:
    k = min(NEIGHBOURS, len(x) - 1)
    if k < 1:
        return np.zeros(len(x))
    distance, _ = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    out: Floats = distance[:, -1]
    return out


def _column_tail(x: Floats) -> Floats:
    """The sum over the columns of −ln of the smaller tail's share."""
    n = len(x)
    total = np.zeros(n)
    for column in x.T:
        ordered = np.sort(column)
        at_most = np.searchsorted(ordered, column, side="right")
        at_least = n - np.searchsorted(ordered, column, side="left")
        total += -np.log(np.minimum(at_most, at_least) / n)
    return total


def _mahalanobis(x: Floats, seed: int) -> Floats:
    """The robust distance from the middle; 0 where the columns allow no covariance."""
    spread = x[:, x.std(axis=0) > 0.0]
    if spread.shape[1] == 0 or len(x) < 5 * spread.shape[1]:
        return np.zeros(len(x))
    try:
        distance: Floats = MinCovDet(random_state=seed).fit(spread).mahalanobis(spread)
    except ValueError:  # a singular table has no such distance
        return np.zeros(len(x))
    return distance
