"""How far a demo is: each tenth once, the last one with the last event."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.demo.progress import Tenths

NOW = datetime(2024, 5, 14, 1, tzinfo=UTC)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_every_tenth_is_told_once_and_the_end_is_told(sizes: list[int]) -> None:
    heard: list[dict[str, Any]] = []
    far = Tenths(lambda _key, params: heard.append(params))
    done, total = 0, sum(sizes)
    for size in sizes:
        done += size
        far.reached(done, total, NOW)
        assert heard == [] or heard[-1]["percent"] * total <= done * 100
    percents = [one["percent"] for one in heard]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert set(percents) <= set(range(10, 101, 10))
