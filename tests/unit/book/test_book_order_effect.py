"""What a futures order does to the figure of a limit, against the book computed anew with it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.buckets import ANY, under
from book.exposure import compute
from book.limits import Limit, Measure, assess
from book.positions import FuturesPosition, PhysicalContract, Side
from book.potential import FuturesOrder, with_order
from book.state import BookState

AT = datetime(2024, 5, 14, tzinfo=UTC)
ORGS, ACCOUNTS, MONTHS = ("g/a", "g/b"), ("1", "2"), ("2406", "2409")
PLACES = [(org, account, month) for org in ORGS for account in ACCOUNTS for month in MONTHS]
LOTS = st.integers(-30, 30)
MOVED = (Measure.NET, Measure.GROSS, Measure.SPREAD)


def _position(org: str, account: str, month: str, lots: int) -> FuturesPosition:
    key = f"cu{month}/{account}"
    return FuturesPosition(org=org, account=account, product="cu", month=month, key=key, lots=lots)


def _contract(org: str, account: str, month: str, tonnes: int) -> PhysicalContract:
    return PhysicalContract(
        org=org,
        account=account,
        product="cu",
        month=month,
        contract_id=f"{account}-{month}",
        side=Side.BUY if tonnes > 0 else Side.SELL,
        quantity=Decimal(abs(tonnes)),
    )


def _figure(book: BookState, limit: Limit) -> Decimal:
    (use,) = assess([limit], compute(book, AT), AT)
    assert use.value is not None
    return use.value


@settings(deadline=None)
@given(
    positions=st.dictionaries(st.sampled_from(PLACES), LOTS.filter(bool)),
    goods=st.dictionaries(st.sampled_from(PLACES), st.integers(-200, 200).filter(bool)),
    place=st.sampled_from(PLACES),
    lots=LOTS.filter(bool),
    measure=st.sampled_from(MOVED),
    wide=st.booleans(),
)
def test_before_and_after_are_those_of_the_book_with_the_order_in_it(
    *,
    positions: dict[tuple[str, str, str], int],
    goods: dict[tuple[str, str, str], int],
    place: tuple[str, str, str],
    lots: int,
    measure: Measure,
    wide: bool,
) -> None:
    org, account, month = place
    limit = Limit(
        limit_id="l",
        org="g" if wide else org,
        product="cu",
        amount=Decimal(1),
        measure=measure,
        month=ANY if wide else month,
        account=ANY if wide else account,
    )
    book = BookState().put(
        *(_position(*at, held) for at, held in positions.items()),
        *(_contract(*at, held) for at, held in goods.items()),
    )
    parts = under(
        compute(book, AT),
        org=limit.org,
        product="cu",
        month=limit.month,
        account=limit.account,
    )
    moved = with_order(parts, measure, FuturesOrder(org, account, month, Decimal(5 * lots)))
    after = book.put(_position(*place, positions.get(place, 0) + lots))
    assert moved == (_figure(book, limit), _figure(after, limit))


@pytest.mark.parametrize("measure", sorted(set(Measure) - set(MOVED)))
def test_futures_do_not_move_what_stands_before_hedges(measure: Measure) -> None:
    parts = compute(BookState().put(_contract(*PLACES[0], 100)), AT)
    assert with_order(parts, measure, FuturesOrder(*PLACES[0], Decimal(-100))) is None


def test_of_several_projects_the_one_that_leaves_the_most_counts() -> None:
    first = replace(_position(*PLACES[0], 10), project="p1", key="k1")
    second = replace(_position(*PLACES[0], -4), project="p2", key="k2")
    parts = compute(BookState().put(first, second), AT)
    order = FuturesOrder(*PLACES[0], Decimal(-20))
    assert with_order(parts, Measure.GROSS, order) == (Decimal(70), Decimal(90))
