"""Basis, jumps in event time, prices and how old they are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.basis import (
    BasisStats,
    add_quote,
    basis_facts,
    basis_profit,
    effective_price,
    inventory_basis,
    market_basis,
    order_basis,
    stats_of,
)
from book.prices import DataState, MarketPrice, PriceKind, age_minutes, latest, state_of

D = Decimal
T0 = datetime(2024, 5, 14, 10, 52, 10, tzinfo=UTC)
STATS = BasisStats(org="G", product="cu", month="2406", mean=D(110), sd=D(60), n=250)
PLACE = {"org": "G", "product": "cu", "month": "2406"}


def quote(seconds: int, price: str, number: str = "q") -> MarketPrice:
    return MarketPrice(
        product="cu",
        kind=PriceKind.SPOT,
        price=D(price),
        at=T0 + timedelta(seconds=seconds),
        source="smm",
        quote_id=f"{number}{seconds}",
    )


def test_a_jump_of_600_is_ten_standard_deviations():
    facts = basis_facts([quote(210, "70720"), quote(0, "70120")], D(70000), STATS, **PLACE)
    first, second = facts
    assert (first.basis, first.jump, first.z) == (D(120), None, D("0.1667"))
    assert (second.basis, second.previous_basis, second.jump) == (D(720), D(120), D(600))
    assert (second.jump_sd, second.z, second.n) == (D(10), D("10.1667"), 250)


def test_a_late_earlier_quote_changes_itself_and_the_quote_after_it():
    series: tuple[MarketPrice, ...] = ()
    for each in (quote(0, "70120"), quote(200, "70720"), quote(300, "70730")):
        series = add_quote(series, each, D(70000), STATS, **PLACE).series
    update = add_quote(series, quote(100, "70700"), D(70000), STATS, **PLACE)
    assert [(fact.quote.price, fact.jump) for fact in update.changed] == [
        (D(70700), D(580)),
        (D(70720), D(20)),
    ]
    again = add_quote(update.series, quote(100, "70700"), D(70000), STATS, **PLACE)
    assert again.changed == ()
    assert again.series == update.series


def test_every_order_of_arrival_gives_the_same_facts():
    quotes = [quote(0, "70120"), quote(10, "70130"), quote(20, "70720"), quote(30, "70700")]
    wanted = basis_facts(quotes, D(70000), STATS, **PLACE)
    for arrival in permutations(quotes):
        held: dict[datetime, object] = {}
        series: tuple[MarketPrice, ...] = ()
        for each in arrival:
            update = add_quote(series, each, D(70000), STATS, **PLACE)
            series = update.series
            held |= {fact.quote.at: fact for fact in update.changed}
        assert [held[at] for at in sorted(held)] == wanted


def test_no_history_no_sd_no_settlement():
    facts = basis_facts([quote(0, "1"), quote(1, "2")], D(1), None, **PLACE)
    assert (facts[1].jump, facts[1].jump_sd, facts[1].z) == (D(1), None, None)
    flat = BasisStats(org="G", product="cu", month="2406", mean=D(1), sd=D(0), n=9)
    assert basis_facts([quote(0, "1")], D(1), flat, **PLACE)[0].z is None
    assert basis_facts([quote(0, "1")], lambda _at: None, STATS, **PLACE) == []


def test_published_soybean_example():
    locked = D("8.85")
    assert effective_price(locked, D("-0.10")) == D("8.75")
    futures_later, cash_later = D("8.50"), D("8.40")
    gain = locked - futures_later
    assert gain == D("0.35")
    assert cash_later + gain == D("8.75")
    assert market_basis(cash_later, futures_later) == D("-0.10")
    assert effective_price(locked, D("-0.05")) == D("8.80")


def test_three_bases_are_spot_minus_futures():
    assert order_basis(D(70500), D(70000)) == D(500)
    assert inventory_basis(D(69800), D(70000)) == D(-200)
    assert basis_profit(D(1000), D(-50), D(-100)) == D(50000)


def test_statistics_over_the_last_n_of_a_series():
    stats = stats_of([D(99), D(2), D(4), D(4), D(6)], window=4, **PLACE)
    assert stats is not None
    assert (stats.mean, stats.n) == (D(4), 4)
    assert stats.sd.quantize(D("1e-6")) == D("1.632993")
    assert stats_of([D(1)], **PLACE) is None


@settings(deadline=None)
@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=20))
def test_jumps_add_up_to_the_whole_move(prices: list[Decimal]):
    quotes = [quote(n, str(price)) for n, price in enumerate(prices)]
    facts = basis_facts(quotes, D(7), STATS, **PLACE)
    assert sum(fact.jump or 0 for fact in facts) == facts[-1].basis - facts[0].basis


def closed_overnight(_product: str, start: datetime, end: datetime) -> int:
    """A market that opens again at 13:00 UTC."""
    opens = T0.replace(hour=13, minute=0, second=0)
    return max(0, int((end - max(start, opens)).total_seconds()))


@pytest.mark.parametrize(
    ("hour", "kind", "state"),
    [
        (12, PriceKind.SETTLE, DataState.CURRENT),
        (14, PriceKind.SETTLE, DataState.LATE),
        (12, PriceKind.SPOT, DataState.CURRENT),
        (13, PriceKind.SPOT, DataState.CURRENT),
        (14, PriceKind.SPOT, DataState.LATE),
    ],
)
def test_a_settlement_is_current_until_the_next_open(hour: int, kind: PriceKind, state: DataState):
    price = MarketPrice(product="cu", kind=kind, price=D(1), at=T0, source="x")
    now = T0.replace(hour=hour, minute=0, second=0)
    assert state_of(price, now, closed_overnight, max_age_minutes=15) is state
    assert state_of(None, now, closed_overnight, 15) is DataState.NOT_ASSESSABLE


def test_age_counts_open_minutes_only_and_latest_looks_back():
    assert age_minutes(quote(0, "1"), T0.replace(hour=13, minute=7), closed_overnight) == 7
    assert age_minutes(quote(60, "1"), T0, closed_overnight) == 0
    quotes = [quote(10, "2"), quote(0, "1"), quote(20, "3")]
    found = latest(quotes, "cu", PriceKind.SPOT, T0 + timedelta(seconds=15))
    assert found is not None
    assert found.price == 2
