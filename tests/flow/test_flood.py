"""A flood in small: 1,000 alerts of 20 troubles; `make bench` has 10,000 with times and memory."""

import pytest

from tests.bench import bench_flood


def test_a_flood_is_grouped_and_nothing_of_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every match has its row, every trouble one order and one card, the counts add up."""
    monkeypatch.setattr(bench_flood, "ALERTS", 1_000)
    monkeypatch.setattr(bench_flood, "TROUBLES", 20)
    monkeypatch.setattr(bench_flood, "BATCH", 10)
    names = [row.name for row in bench_flood.run()]
    assert len(names) == 3
