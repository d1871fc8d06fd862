"""Excess surprise beside IsolationForest on the activity counts of the same cases.

A purchasing log is made from a seed: eight steps, three people a step; 5 % of the cases have a step
skipped, repeated, or done by a stranger. Both sides get the same rows without labels; both figures,
rows a second (fitting and scoring) and average precision, come from the same run. The last row is
the whole way of an event: view, four detectors, calibration, budget.
"""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from auditlog.events import Event, EventKind
from detectors import Scorer, Trained, run_table, train
from tests.bench.table import BenchRow

CASES = 6_000
STEPS = ("request", "purchase", "approve", "order", "release", "receipt", "invoice", "pay")
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
PEER = f"scikit-learn {sklearn.__version__} IsolationForest on counts"


def _log() -> pd.DataFrame:
    random = np.random.default_rng(20)
    rows = []
    for case in range(CASES):
        steps = [(step, f"{step}-{random.integers(3)}") for step in STEPS]
        bad = random.random() < 0.05
        if bad:
            at = int(random.integers(1, len(steps) - 1))
            kind = random.integers(3)
            if kind == 0:
                steps.pop(at)
            elif kind == 1:
                steps.insert(at, steps[at])
            else:
                steps[at] = (steps[at][0], f"request-{random.integers(3)}")
        rows += [(case, at, step, who, int(bad)) for at, (step, who) in enumerate(steps)]
    return pd.DataFrame(rows, columns=["case", "pos", "activity", "user", "label"])


def _events(frame: pd.DataFrame) -> list[Event]:
    out = []
    for number, row in enumerate(frame.itertuples(index=False)):
        at = START + timedelta(minutes=row.case, seconds=row.pos)
        out.append(
            Event(
                source="erp",
                event_id=f"e{number}",
                event_time=at,
                arrival_time=at,
                kind=EventKind.BUSINESS,
                type=f"purchase.{row.activity}",
                org="集团/采购部",
                actor=row.user,
                order=f"P{row.case}",
                amount=Decimal(1_000 + row.case % 97),
            )
        )
    return out


def run() -> list[BenchRow]:
    """The rows for the table."""
    frame = _log()
    start = time.perf_counter()
    ours = run_table(frame, label="label", case="case", order="pos", entity="user")
    our_rate = len(frame) / (time.perf_counter() - start)
    start = time.perf_counter()
    counts = pd.crosstab(frame["case"], frame["activity"]).to_numpy()
    forest = -IsolationForest(random_state=0).fit(counts).score_samples(counts)
    their_rate = len(frame) / (time.perf_counter() - start)
    labels = frame.groupby("case")["label"].max().to_numpy()
    theirs = float(average_precision_score(labels, forest))
    precision = ours.figures["average_precision"]
    events = _events(frame)
    trained = train(events, seed=1)
    if not isinstance(trained, Trained):
        raise TypeError("the log is long enough to learn from")
    scorer = Scorer(trained.models)
    start = time.perf_counter()
    scorer.observe(events)
    whole = len(events) / (time.perf_counter() - start)
    return [
        BenchRow(
            f"excess surprise, average precision, {CASES:,} cases",
            precision,
            "",
            PEER,
            theirs,
            precision / theirs,
            "> 1",
        ),
        BenchRow(
            f"excess surprise, fit and score, {len(frame):,} rows",
            our_rate,
            "rows/s",
            PEER,
            their_rate,
            our_rate / their_rate,
            "≥ 1",
        ),
        BenchRow("scorer, all families and budget", whole, "events/s", goal="≥ 20,000"),
    ]
