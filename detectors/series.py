"""Series of numbers in time: volumes, lags, basis.

Two causal measures, each a value of the past alone: the robust z of a point (distance from the
median of the last `WINDOW` points in median absolute deviations) and the windowed likelihood (how
far the mean of the last `SHORT` robust z lies above that of the window before, in standard errors).
Each goes through peaks over threshold: a generalised Pareto tail, fitted by moments, renewed every
`REFIT` exceedances (Siffer and others 2017, with moments in place of likelihood). The mean of the
two evidences is the score, −log10 p. An alert is raised at an onset alone.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from detectors.protocol import CAP
from detectors.tails import PERCENTILE, pareto_moments, pareto_survival

Floats = NDArray[np.float64]

WINDOW: Final = 288
SHORT: Final = 10
LEARN: Final = 288
REFIT: Final = 20
QUIET: Final = 300
RISE: Final = 1.3
_MAD: Final = 1.4826
_WARM: Final = 16


def series_scores(values: ArrayLike, learn: int = LEARN) -> Floats:
    """The surprise (−log10 p) of each point; every one depends on the points up to it alone.

    The first `learn` points score 0. A missing point (NaN) has a z of 0.
    """
    given = np.asarray(values, np.float64)
    z = robust_z(given)
    point = peaks_over_threshold(z, learn)
    window = peaks_over_threshold(windowed_likelihood(z), learn)
    return (point + window) / 2.0


def robust_z(values: Floats, window: int = WINDOW) -> Floats:
    """|x − median| / (1.4826 · MAD) against the points before; 0 while warming up and for NaN.

    A flat past has no spread: the smallest positive deviation known so far takes its place.
    """
    padded = np.concatenate([np.full(window, np.nan), values])
    past = sliding_window_view(padded, window)[:-1]
    known = np.isfinite(past).sum(axis=1)
    out = np.zeros(len(values))
    rows = np.flatnonzero((known >= _WARM) & np.isfinite(values))
    if not len(rows):
        return out
    middle = np.nanmedian(past[rows], axis=1)
    spread = np.nanmedian(np.abs(past[rows] - middle[:, None]), axis=1) * _MAD
    distance = np.abs(values[rows] - middle)
    positive = np.where(spread > 0.0, spread, np.inf)
    least = np.minimum.accumulate(positive)
    spread = np.where(spread > 0.0, spread, least)
    scale = np.where(np.isfinite(spread), spread, np.maximum(np.abs(middle), 1.0))
    out[rows] = distance / scale
    return out


def windowed_likelihood(z: Floats, short: int = SHORT, window: int = WINDOW) -> Floats:
    """How far the mean of the last `short` values lies above the window before, in errors."""
    limited = np.minimum(z, 50.0)  # one wild point must not own the window
    sums = np.concatenate([[0.0], np.cumsum(limited)])
    squares = np.concatenate([[0.0], np.cumsum(limited * limited)])
    at = np.arange(1, len(z) + 1)
    split = np.maximum(at - short, 0)
    start = np.maximum(split - window, 0)
    n = split - start
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (sums[split] - sums[start]) / n
        variance = np.maximum((squares[split] - squares[start]) / n - mean * mean, 1e-6)
        recent = (sums[at] - sums[split]) / (at - split)
        out = (recent - mean) / np.sqrt(variance / short)
    return np.where(n >= _WARM, np.maximum(out, 0.0), 0.0)


def peaks_over_threshold(scores: Floats, learn: int = LEARN) -> Floats:
    """The surprise of each score against the scores before it; 0 until enough are known.

    The threshold is the 98th percentile of the first `learn`; every later exceedance joins the tail
    unless its surprise is above 4: an anomaly must not teach that anomalies are usual.
    """
    out = np.zeros(len(scores))
    if len(scores) <= learn:
        return out
    threshold = float(np.percentile(scores[:learn], PERCENTILE, method="lower"))
    above = [float(s) - threshold for s in scores[:learn] if s > threshold]
    fitted = pareto_moments(np.array(above))
    seen, since = learn, 0
    for at in range(learn, len(scores)):
        excess = float(scores[at]) - threshold
        if excess > 0.0:
            share = (len(above) + 1) / (seen + 1)
            survival = float(pareto_survival(np.array(excess), *fitted)) if fitted else 1.0
            out[at] = min(float(CAP), -math.log10(max(share * survival, 10.0**-CAP)))
            if out[at] <= 4.0:  # noqa: PLR2004 - explained in the docstring
                above.append(excess)
                since += 1
            if since >= REFIT or fitted is None:
                fitted, since = pareto_moments(np.array(above)) or fitted, 0
        seen += 1
    return out


def onsets(scores: Floats, threshold: float, quiet: int = QUIET) -> NDArray[np.bool_]:
    """Where an alert is raised: above the threshold, and none within `quiet` points before.

    Within that time only a score 30 % above the last alert's raises another.
    """
    out = np.zeros(len(scores), np.bool_)
    for at in _onsets(scores, threshold, quiet):
        out[at] = True
    return out


def _onsets(scores: Floats, threshold: float, quiet: int) -> Iterator[int]:
    last, told = -quiet - 1, 0.0
    for at in np.flatnonzero(scores >= threshold).tolist():
        score = float(scores[at])
        if at - last > quiet or score >= RISE * told:
            last, told = at, score
            yield at
