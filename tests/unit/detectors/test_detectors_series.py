"""Series: causal, and told once."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import run_table
from detectors.series import onsets, robust_z, series_scores, windowed_likelihood

RANDOM = np.random.default_rng(11)


@given(st.integers(0, 2**32 - 1), st.integers(20, 700))
@settings(deadline=None, max_examples=25)
def test_a_score_depends_on_the_past_alone(seed: int, cut: int):
    values = np.random.default_rng(seed).normal(100, 5, 700)
    values[600] = 500.0
    assert series_scores(values)[:cut].tolist() == pytest.approx(series_scores(values[:cut]))


def test_a_jump_stands_out_and_noise_does_not():
    values = RANDOM.normal(100, 5, 2_000)
    values[1_500:1_510] += 120
    scores = series_scores(values)
    assert scores[1_500:1_510].max() > 6
    assert np.delete(scores, range(1_480, 1_560)).max() < 5


def test_a_slow_shift_is_seen_by_the_window_before_any_point_is_far():
    values = np.abs(RANDOM.normal(0, 1, 1_000))
    values[800:] += 1.2
    likelihood = windowed_likelihood(values)
    assert likelihood[805:830].max() > 2 * likelihood[300:800].max() ** 0.5


def test_one_alert_at_the_onset_another_only_when_it_rises():
    scores = np.zeros(1_000)
    scores[100:150] = 5.0
    assert np.flatnonzero(onsets(scores, 4.0, quiet=300)).tolist() == [100]
    scores[140] = 6.6
    assert np.flatnonzero(onsets(scores, 4.0, quiet=300)).tolist() == [100, 140]
    scores[600] = 4.5
    assert np.flatnonzero(onsets(scores, 4.0, quiet=300)).tolist() == [100, 140, 600]


def test_flat_missing_short_and_empty_series():
    assert series_scores([]).tolist() == []
    assert series_scores([1.0] * 20).tolist() == [0.0] * 20
    flat = np.full(1_000, 7.0)
    assert np.isfinite(series_scores(flat)).all()
    assert series_scores(flat).max() == 0.0
    holes = RANDOM.normal(0, 1, 1_000)
    holes[::7] = np.nan
    assert np.isfinite(series_scores(holes)).all()
    assert robust_z(holes)[::7].max() == 0.0


@pytest.mark.shared_data
def test_on_the_numenta_benchmark_onsets_beat_alerting_at_every_point(shared_data: Path):
    import pandas as pd

    frame = pd.read_parquet(shared_data / "detectors" / "series" / "nab_aws_artificial.parquet")
    every = once = found_every = found_once = false_every = false_once = windows = 0
    for _, series in frame.groupby("file"):
        result = run_table(series, label="label", order="timestamp", drop=["file"]).scores
        score, label = result["score"].to_numpy(), result["label"].to_numpy()
        edges = np.flatnonzero(np.diff(np.concatenate([[0], label, [0]])))
        stretches = list(zip(edges[::2], edges[1::2], strict=True))
        windows += len(stretches)
        raw, told = score >= 2.0, onsets(score, 2.0)
        every, once = every + raw.sum(), once + told.sum()
        false_every += (raw & (label == 0)).sum()
        false_once += (told & (label == 0)).sum()
        found_every += sum(raw[start:end].any() for start, end in stretches)
        found_once += sum(told[start:end].any() for start, end in stretches)
    assert windows > 30
    assert once * 5 < every
    assert false_once * 2 < false_every
    assert found_once >= 0.8 * found_every
    # alerts that a person would read per window found
    assert once / found_once * 3 < every / found_every
