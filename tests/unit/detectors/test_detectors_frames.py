"""Tables and logs that somebody hands in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detectors import run_table
from detectors.errors import UnknownColumn, UnusableTable

RANDOM = np.random.default_rng(3)


def purchases(cases: int = 300) -> pd.DataFrame:
    """Purchases in four steps by their usual people; every fiftieth skips its approval."""
    rows = []
    for case in range(cases):
        bad = case % 50 == 49
        steps = ["create", "approve", "order", "pay"]
        if bad:
            steps.remove("approve")
        rows += [
            {"case": case, "pos": at, "activity": step, "user": f"u_{step}", "label": int(bad)}
            for at, step in enumerate(steps)
        ]
    return pd.DataFrame(rows)


def test_a_log_is_scored_by_case_and_says_which_row_and_why():
    result = run_table(purchases(), label="label", case="case", order="pos", entity="user")
    assert result.method == "excess_surprise"
    assert result.figures["average_precision"] == pytest.approx(1.0)
    worst = result.scores.sort_values("score").iloc[-1]
    assert worst["label"] == 1
    told = result.explain(int(worst["row"]))
    assert told.params["usual"] == "approve 98%, order 2.0%"


def test_the_order_of_rows_makes_no_difference():
    frame = purchases()
    shuffled = frame.sample(frac=1, random_state=1)
    first = run_table(frame, case="case", order="pos", entity="user", drop=["label"])
    second = run_table(shuffled, case="case", order="pos", entity="user", drop=["label"])
    pd.testing.assert_series_equal(
        first.scores["score"].sort_index(), second.scores["score"].sort_index()
    )


def test_labels_are_never_shown_to_a_detector():
    frame = purchases()
    turned = frame.assign(label=1 - frame["label"])
    first = run_table(frame, label="label", case="case", order="pos", entity="user")
    second = run_table(turned, label="label", case="case", order="pos", entity="user")
    assert first.scores["score"].tolist() == second.scores["score"].tolist()
    assert "label" not in first.used


def test_columns_in_which_every_row_differs_are_left_out_and_named():
    frame = purchases().assign(id=lambda rows: [f"x{at}" for at in range(len(rows))])
    result = run_table(frame, label="label", case="case", order="pos", entity="user")
    assert result.left_out == ("id",)
    assert result.figures["average_precision"] == pytest.approx(1.0)


def test_a_table_of_numbers_is_profiled():
    frame = pd.DataFrame(RANDOM.normal(size=(500, 4)), columns=list("abcd"))
    frame.loc[7, "a"] = np.nan
    frame.loc[13] = [9.0, -9.0, 9.0, -9.0]
    frame["bad"] = (frame.index == 13).astype(int)
    result = run_table(frame, label="bad", seed=1)
    assert result.method == "table_profile"
    assert result.scores["score"].idxmax() == 13
    again = run_table(frame, label="bad", seed=1)
    assert again.scores["score"].tolist() == result.scores["score"].tolist()


def test_a_number_in_time_is_a_series():
    values = RANDOM.normal(size=1_000)
    values[700] = 40.0
    result = run_table(pd.DataFrame({"t": range(1_000), "value": values}), order="t")
    assert result.method == "series"
    assert result.scores["score"].idxmax() == 700
    assert result.figures == {}


def test_missing_values_constant_columns_and_single_rows():
    frame = pd.DataFrame({"case": [1, 1, 2], "activity": ["a", None, "a"], "x": [None] * 3})
    assert np.isfinite(run_table(frame, case="case").scores["score"]).all()
    flat = pd.DataFrame({"a": [1.0] * 30, "b": range(30)})
    assert np.isfinite(run_table(flat).scores["score"]).all()
    assert len(run_table(pd.DataFrame({"a": [1.0]})).scores) == 1


def test_a_wrong_column_is_named_with_the_nearest():
    with pytest.raises(UnknownColumn) as caught:
        run_table(purchases(), label="lable")
    assert (caught.value.column, caught.value.hint) == ("lable", "label")
    with pytest.raises(UnusableTable):
        run_table(purchases()[["label"]], label="label")


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["p2p-0.3-1", "small-0.3-1"])
def test_average_precision_on_procure_to_pay_logs(shared_data: Path, name: str):
    frame = pd.read_parquet(shared_data / "detectors" / "process" / f"{name}.parquet")
    result = run_table(
        frame, label="label", case="case", order="pos", entity="user", drop=["anomaly"]
    )
    assert len(result.scores) == 5_000
    assert result.figures["average_precision"] >= 0.99
    assert result.figures["precision_at_n"] >= 0.97


@pytest.mark.shared_data
def test_a_real_approval_chain_is_scored(shared_data: Path):
    path = shared_data / "detectors" / "approvals" / "bpi2020_RequestForPayment.parquet"
    frame = pd.read_parquet(path)[["case", "time:timestamp", "concept:name", "org:role"]]
    result = run_table(frame, case="case", order="time:timestamp")
    assert len(result.scores) == 6_760
    assert np.isfinite(result.scores["score"]).all()


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "least"), [("42_WBC", 0.8), ("6_cardio", 0.4)])
def test_table_profile_on_adbench(shared_data: Path, name: str, least: float):
    given = np.load(shared_data / "detectors" / "tabular" / f"{name}.npz")
    frame = pd.DataFrame(given["X"]).assign(y=given["y"])
    assert run_table(frame, label="y").figures["average_precision"] >= least
