"""Exposure of 10,000 and 1,000,000 positions beside a pandas group-by of the same columns.

Both sides get the same arrays (lots, units in a lot, five dimensions as codes) and give net and
gross per organisation x account x product x month x project. Ours adds scaled integers and is
exact; pandas adds binary floats. A third row runs the Decimal reference over 10,000 facts.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from book import columns
from book.exposure import compute
from book.legs import Part
from book.positions import FuturesPosition
from book.state import BookState
from tests.bench.table import BenchRow

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
ROWS = ((10_000, 9), (1_000_000, 3))
"""Positions, and how often each size is measured."""
SIZES = {"org": 40, "account": 20, "product": 12, "month": 12, "project": 5}
PRODUCTS = ("cu", "al", "zn", "pb", "ni", "sn", "rb", "hc", "MA", "TA", "i", "m")
UNITS = np.array([5, 5, 5, 5, 1, 1, 10, 10, 10, 5, 100, 10], dtype=np.int64)


def _best(call: Callable[[], Any], times: int) -> tuple[float, Any]:
    best, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def _words(name: str) -> list[str]:
    if name == "product":
        return list(PRODUCTS)
    return [f"{name}-{n:03d}" for n in range(SIZES[name])]


def _arrays(rows: int) -> tuple[dict[str, columns.Coded], columns.Int64]:
    random = np.random.default_rng(7)
    coded = {
        name: columns.Coded(_words(name), random.integers(0, size, rows))
        for name, size in SIZES.items()
    }
    return coded, random.integers(-500, 501, rows)


def _ours(
    coded: dict[str, columns.Coded], lots: columns.Int64
) -> tuple[columns.Columns, columns.Sums]:
    units = UNITS[coded["product"].codes] * columns.SCALE
    quantity = columns.lots_quantity(lots, units)
    part = np.full(lots.size, columns.PARTS.index(Part.FUTURES))
    found = columns.from_codes(coded, part, quantity)
    return found, columns.aggregate(found)


def _agree(found: columns.Columns, sums: columns.Sums, grouped: pd.DataFrame) -> bool:
    """Whether every group has the peer's figures."""
    index = pd.MultiIndex.from_arrays(
        [pd.Categorical.from_codes(found.dimensions[n].codes, _words(n)) for n in SIZES],
        names=list(SIZES),
    )
    ours = pd.DataFrame(
        {"net": sums.net / columns.SCALE, "gross": sums.gross / columns.SCALE}, index=index
    )
    return bool((ours.sort_index().to_numpy() == grouped.to_numpy()).all())


def _pandas(frame: pd.DataFrame) -> pd.DataFrame:
    quantity = frame["lots"] * frame["units"]
    working = frame.assign(net=quantity, gross=quantity.abs())
    keys = list(SIZES)
    return working.groupby(keys, observed=True, sort=True)[["net", "gross"]].sum()


def _frame(coded: dict[str, columns.Coded], lots: columns.Int64) -> pd.DataFrame:
    data: dict[str, Any] = {
        name: pd.Categorical.from_codes(column.codes, column.words)
        for name, column in coded.items()
    }
    data["lots"] = lots
    data["units"] = UNITS[coded["product"].codes].astype(float)
    return pd.DataFrame(data)


def _state(coded: dict[str, columns.Coded], lots: columns.Int64) -> BookState:
    named = {name: [c.words[n] for n in c.codes.tolist()] for name, c in coded.items()}
    rows = zip(*(named[name] for name in SIZES), lots.tolist(), strict=True)
    return BookState(
        futures=tuple(
            FuturesPosition(
                org=org,
                account=account,
                product=product,
                month=month,
                project=project,
                key=str(number),
                lots=held,
            )
            for number, (org, account, product, month, project, held) in enumerate(rows)
        )
    )


def run() -> list[BenchRow]:
    """The rows for the table; raises when a figure differs from the peer's."""
    rows = []
    for size, times in ROWS:
        coded, lots = _arrays(size)
        frame = _frame(coded, lots)
        ours, figures = _best(lambda c=coded, held=lots: _ours(c, held), times)
        theirs, grouped = _best(lambda f=frame: _pandas(f), times)
        if not _agree(*figures, grouped):
            raise AssertionError("exposure differs from the peer's")
        rows.append(
            BenchRow(
                name=f"exposure, {size:,} positions",
                value=ours * 1000,
                unit="ms",
                peer=f"pandas {pd.__version__} group-by",
                peer_value=theirs * 1000,
                ratio=ours / theirs,
                goal="≤ 1",
            )
        )
        if size == ROWS[0][0]:  # the anchor: 10,000 rows within 30 s
            state = _state(coded, lots)
            reference, buckets = _best(lambda s=state: compute(s, AT), 2)
            if len(buckets) != len(grouped):
                raise AssertionError("exposure differs from the reference's")
            rows.append(
                BenchRow(
                    name=f"exposure from facts, Decimal reference, {size:,} positions",
                    value=reference * 1000,
                    unit="ms",
                    peer=f"pandas {pd.__version__} group-by of ready columns",
                    peer_value=theirs * 1000,
                    ratio=reference / theirs,
                    goal="10,000 rows within 30 s",
                )
            )
    return rows
