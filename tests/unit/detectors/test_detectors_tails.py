"""Tails and calibration: p-values that may be believed and go below 1/n."""

import numpy as np
import pytest
from detectors_house import LOOKUPS, ordinary_days
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.calibration import STRATUM, Calibration
from detectors.excess import ExcessSurprise
from detectors.features import History
from detectors.protocol import Family, Score
from detectors.tails import Tail

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, max_size=200), st.lists(finite, min_size=2, max_size=20), st.booleans())
@settings(deadline=None)
def test_larger_never_gets_a_larger_p_value(
    sample: list[float], values: list[float], believed: bool
):
    tail = Tail.fit(sample, least_scale=1.0 if believed else 0.0)
    p_values = tail.p_values(np.sort(values))
    assert (np.diff(p_values) <= 1e-12).all()
    assert ((p_values > 0) & (p_values <= 1)).all()


@given(st.lists(finite, min_size=1, max_size=200))
@settings(deadline=None)
def test_within_the_sample_it_is_the_conformal_p_value(sample: list[float]):
    tail = Tail.fit(sample)
    values = np.array([value for value in sample if value <= tail.threshold])
    expected = [
        (1 + sum(other >= value for other in sample)) / (len(sample) + 1) for value in values
    ]
    assert tail.p_values(values) == pytest.approx(expected)


def test_the_tail_goes_below_one_in_n_and_is_about_right():
    random = np.random.default_rng(7)
    tail = Tail.fit(random.exponential(size=2_000))
    far = tail.p_values([12.0])[0]
    assert far < 1 / 2_001
    assert 0.02 < far / np.exp(-12.0) < 50
    fresh = tail.p_values(random.exponential(size=20_000))
    for level in (0.1, 0.01, 0.001):
        assert (fresh <= level).mean() == pytest.approx(level, rel=0.5)


def test_a_tail_of_equal_values_falls_no_faster_than_it_is_believed_to():
    equal = [1.0] * 500
    assert Tail.fit(equal).p_values([50.0])[0] == pytest.approx(1 / 501)
    believed = Tail.fit(equal, least_scale=1.0).p_values([1.1, 50.0])
    assert believed[0] > 0.9
    assert believed[1] == pytest.approx(np.exp(-24.5))


def test_nan_and_an_empty_sample_prove_nothing():
    assert Tail.fit([]).p_values([1.0, np.nan]).tolist() == [1.0, 1.0]
    assert Tail.fit([1.0, np.nan, np.inf]).values.tolist() == [1.0]
    assert Tail.fit([1.0, 2.0]).p_values([np.nan])[0] == 1.0


def test_a_role_with_enough_cleared_events_has_its_own_tail():
    views = History(LOOKUPS).views(ordinary_days(10))
    fitted = ExcessSurprise().fit(views, seed=1)
    scores = fitted.score(views)
    doubled = [
        score._replace(raw=score.raw + 10.0 * (view.role == "trader"))
        for view, score in zip(views, scores, strict=True)
    ]
    calibration = Calibration().update(views, [doubled])
    trader = next(view for view in views if view.role == "trader")
    clerk = next(view for view in views if view.role == "settlement")
    strange = Score("x", Family.EXCESS, 9.0, 0.5)
    assert sum(view.role == "trader" for view in views) >= STRATUM
    assert calibration.p_values([trader], [strange])[0] > 0.5
    assert calibration.p_values([clerk], [strange])[0] < 0.05
    assert calibration.size(Family.EXCESS) == len(views)


def test_rules_and_unknown_families_keep_their_own_p_values():
    views = History(LOOKUPS).views(ordinary_days(1))[:1]
    hard = Score("x", Family.CONFORMANCE, 99.0, 0.0)
    soft = Score("x", Family.SERIES, 3.0, 0.25)
    calibration = Calibration()
    assert calibration.p_values(views, [hard]).tolist() == [0.0]
    assert calibration.p_values(views, [soft]).tolist() == [0.25]


def test_cleared_events_make_a_strange_score_ordinary():
    views = History(LOOKUPS).views(ordinary_days(2))
    ordinary = [Score(view.uid, Family.EXCESS, 1.0, 0.5) for view in views]
    calibration = Calibration().update(views, [ordinary])
    strange = Score("x", Family.EXCESS, 8.0, 0.5)
    before = calibration.p_values(views[:1], [strange])[0]
    cleared = [strange] * 40
    after = calibration.update(views[:40], [cleared]).p_values(views[:1], [strange])[0]
    assert before < 0.05
    assert after > 0.1
