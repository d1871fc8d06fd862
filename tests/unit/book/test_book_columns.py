"""The columnar path gives the Decimal reference's figures on every group, or refuses."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book import columns
from book.buckets import DIMENSIONS
from book.errors import ScaleOverflowError
from book.exposure import compute
from book.legs import Part
from book.positions import FuturesPosition
from book.state import BookState
from tests.unit.book.test_book_exposure import books, case_ten

D = Decimal
AT = datetime(2024, 3, 1, 8, tzinfo=UTC)


def test_the_published_case_on_columns():
    assert columns.compute(case_ten(), AT) == compute(case_ten(), AT, by=DIMENSIONS)


@settings(deadline=None, max_examples=60)
@given(books("a"))
def test_equal_to_the_reference_on_every_group(state: BookState):
    assert columns.compute(state, AT) == compute(state, AT, by=DIMENSIONS)


INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), INT64), max_size=30))
def test_sums_are_exact_or_refused(rows: list[tuple[int, int]]):
    group = np.array([g for g, _ in rows], dtype=np.int64)
    values = np.array([v for _, v in rows], dtype=np.int64)
    wanted = [sum(v for g, v in rows if g == n) for n in range(4)]
    if max(map(abs, wanted)) > 2**63 - 1:
        with pytest.raises(ScaleOverflowError):
            columns.group_sum(group, values, 4)
    else:
        assert columns.group_sum(group, values, 4).tolist() == wanted


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(-(10**8), 10**8)), min_size=1)
)
def test_delta_is_rounded_like_the_reference(rows: list[tuple[int, int]]):
    quantity = np.array([q for q, _ in rows], dtype=np.int64)
    delta = np.array([d for _, d in rows], dtype=np.int64)
    wanted = [
        int((D(q) * D(d) / columns.SCALE).quantize(D(1), rounding=ROUND_HALF_EVEN)) for q, d in rows
    ]
    assert columns.delta_quantity(quantity, delta).tolist() == wanted


def test_what_does_not_fit_is_refused_and_not_wrapped():
    with pytest.raises(ScaleOverflowError):
        columns.scaled(D(10) ** 11)
    with pytest.raises(ScaleOverflowError):
        columns.scaled(D("0.000000001"))
    with pytest.raises(ScaleOverflowError):
        columns.lots_quantity(np.array([10**6]), np.array([10**13]))
    huge = FuturesPosition(org="G", product="cu", key="k", lots=10**12, month="2405")
    with pytest.raises(ScaleOverflowError):
        columns.compute(BookState(futures=(huge,)), AT)


@pytest.mark.parametrize("orgs", [3, 2_000_000])
def test_rows_that_come_as_columns_are_grouped_by_their_words(orgs: int):
    words = [f"G/{n}" for n in range(orgs)]
    found = columns.from_codes(
        {
            "org": columns.Coded(words, np.array([0, 2, 0])),
            "product": columns.Coded(["cu"], np.zeros(3, dtype=np.int64)),
            "month": columns.Coded(["2405", "2406"], np.array([1, 1, 1])),
        },
        np.full(3, columns.PARTS.index(Part.FUTURES)),
        np.array([5, -7, -2]) * columns.SCALE,
    )
    sums = columns.aggregate(found)
    org, product, month = (DIMENSIONS.index(name) for name in ("org", "product", "month"))
    figures = {
        (place[org], place[product], place[month]): (int(net), int(gross), int(rows))
        for place, net, gross, rows in zip(
            found.places(), sums.net, sums.gross, sums.rows, strict=True
        )
    }
    one = columns.SCALE
    assert figures == {
        ("G/0", "cu", "2406"): (3 * one, 7 * one, 2),
        ("G/2", "cu", "2406"): (-7 * one, 7 * one, 1),
    }
