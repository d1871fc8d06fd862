"""Every benchmark of `make bench` runs, in a small form: a table nobody can print measures nothing.

No figure is judged here; the benchmarks hold their own checks (that nothing is lost, that both
sides agree), and those must pass at any size.
"""

from pathlib import Path

import pytest

from tests.bench import (
    bench_detectors,
    bench_exposure,
    bench_flood,
    bench_log,
    bench_notice,
    bench_rules,
    bench_start,
    bench_trail,
    bench_webhook,
)
from tests.bench.__main__ import collect, show

BENCHES = sorted(
    path.stem.removeprefix("bench_")
    for path in (Path(__file__).parents[1] / "bench").glob("bench_*.py")
)
SMALL = {
    bench_detectors: {"CASES": 2_000},
    bench_exposure: {"ROWS": ((500, 1), (2_000, 1))},
    bench_flood: {"ALERTS": 200, "TROUBLES": 50},
    bench_log: {"ROWS": 2_000, "PRESENT": 5_000, "ROUNDS": 1},
    bench_notice: {"EVENTS": 3},
    bench_rules: {"SECONDS": 0.03},
    bench_start: {"ROUNDS": 1},
    bench_trail: {"ROUNDS": 1, "RECORDS": {1: 20, 50: 100}, "HASHED": 200, "DECIDED": 20},
    bench_webhook: {"GROUPS": 10, "KILLED": 10, "PEER_PATIENCE_S": 1.0},
}
"""The sizes of each benchmark; all are named, so that a new one is thought of."""


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_runs_and_its_table_can_be_printed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, sizes in SMALL.items():
        for size, small in sizes.items():
            monkeypatch.setattr(module, size, small)
    rows = collect([name])
    assert rows
    for row in rows:
        assert row.name
        # A rate or a time is never below nothing; memory may have been given back meanwhile.
        assert row.value >= 0 or "grown" in row.name
        assert not row.peer or row.peer_value >= 0
    show(rows)
    assert "measured" in capsys.readouterr().out


def test_every_benchmark_has_its_small_sizes() -> None:
    assert {module.__name__.rpartition("bench_")[2] for module in SMALL} == set(BENCHES)
