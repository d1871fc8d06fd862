"""Limits at the nodes, the tier table, hysteresis, and what a hedge order would do."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.buckets import Bucket
from book.limits import (
    USE_CAP,
    Limit,
    LimitUse,
    Measure,
    Tier,
    TierState,
    assess,
    binding,
    classify,
    settle,
    unlimited,
    use_of,
)
from book.positions import Side
from book.potential import HedgeQuantity, order_quantity, potential, precheck, precheck_limits
from book.products import shipped_specs
from store.problems import Problem

D = Decimal
AT = datetime(2024, 5, 14, 11, tzinfo=UTC)


def bucket(org: str, month: str, futures: str) -> Bucket:
    quantity = D(futures)
    return Bucket(
        org=org,
        account="",
        product="cu",
        month=month,
        project="",
        futures=quantity,
        gross=abs(quantity),
        spread=abs(quantity),
    )


BUCKETS = [
    bucket("G/A", "2405", "700"),
    bucket("G/B", "2405", "-600"),
    bucket("G/B", "2409", "300"),
]


def limit(org: str, amount: str, measure: Measure = Measure.NET, **more: str) -> Limit:
    number = f"{org}-{measure}"
    return Limit(limit_id=number, org=org, product="cu", amount=D(amount), measure=measure, **more)


@pytest.mark.parametrize(
    ("use", "level", "tier"),
    [
        ("0.5999", None, None),
        ("0.6", "blue", Tier.BASE),
        ("0.8", "yellow", Tier.BASE),
        ("0.9999", "yellow", Tier.BASE),
        ("1.0", "orange", Tier.EXCESS),
        ("1.1999", "orange", Tier.EXCESS),
        ("1.2", "red", Tier.CRITICAL),
        ("15", "red", Tier.CRITICAL),
    ],
)
def test_one_table_gives_colour_and_tier(use: str, level: str | None, tier: Tier | None):
    step = classify(D(use))
    assert (step.level if step else None, step.tier if step else None) == (level, tier)


def test_a_limit_binds_at_its_node_with_everything_below():
    uses = assess(
        [
            limit("G", "500"),
            limit("G/A", "500"),
            limit("G", "1000", Measure.GROSS),
            limit("G", "500", Measure.SPREAD),
            limit("G/B", "300", month="2409"),
            limit("G/C", "10"),
        ],
        BUCKETS,
        AT,
    )
    found = {(use.limit.org, use.limit.measure.value, use.limit.month): use.use for use in uses}
    assert found == {
        ("G", "net", "*"): D("0.8"),
        ("G/A", "net", "*"): D("1.4"),
        ("G", "gross", "*"): D("1.6"),
        ("G", "spread", "*"): D("0.8"),
        ("G/B", "net", "2409"): D("1"),
        ("G/C", "net", "*"): D("0"),
    }


def test_a_limit_on_value_needs_a_price():
    (use,) = assess([limit("G", "1000", Measure.VALUE)], BUCKETS, AT)
    assert (use.value, use.use, use.step) == (None, None, None)
    (use,) = assess([limit("G", "1000", Measure.VALUE)], BUCKETS, AT, lambda total: total.net * 3)
    assert use.use == D("1.2")


def test_limits_hold_from_their_first_to_before_their_last_moment():
    dated = Limit(
        limit_id="x",
        org="G",
        product="cu",
        amount=D(1),
        valid_from=AT,
        valid_to=AT + timedelta(days=1),
    )
    assert not dated.in_force(AT - timedelta(seconds=1))
    assert dated.in_force(AT)
    assert not dated.in_force(AT + timedelta(days=1))


def test_a_limit_of_nothing_is_used_by_anything():
    assert use_of(D(0), D(0)) == 0
    assert use_of(D(-1), D(0)) == USE_CAP
    assert use_of(D(1), D(3)) == D("0.3333")
    assert use_of(D("0.00025"), D(5)) == D("0.0000")
    assert use_of(D("0.00075"), D(5)) == D("0.0002")


def test_what_no_limit_counts_is_named():
    limits = [limit("G/A", "500"), limit("G", "500", month="2409")]
    assert [(b.org, b.month) for b in unlimited(BUCKETS, limits, AT)] == [("G/B", "2405")]
    above = binding(limits, AT, org="G/A", product="cu", month="2409")
    assert {held.org for held in above} == {"G", "G/A"}
    assert binding(limits, AT, org="G/AB", product="cu", month="2405") == []


def test_a_colour_rises_at_once_and_falls_after_hysteresis_and_debounce():
    def after(*seen: tuple[str, int]) -> str | None:
        state = TierState()
        for use, second in seen:
            state = settle(state, D(use), AT + timedelta(seconds=second))
        return state.step.level if state.step else None

    assert after(("1.3", 0)) == "red"
    assert after(("1.3", 0), ("1.16", 10), ("1.16", 500)) == "red"
    assert after(("1.3", 0), ("1.14", 10), ("1.14", 69)) == "red"
    assert after(("1.3", 0), ("1.14", 10), ("1.14", 70)) == "orange"
    assert after(("1.3", 0), ("1.14", 10), ("1.19", 40), ("1.14", 90)) == "red"
    assert after(("1.3", 0), ("0.1", 10), ("0.1", 70)) is None
    assert after(("0.7", 0), ("1.0", 1)) == "orange"


@settings(deadline=None)
@given(st.lists(st.decimals(0, 3, places=3), max_size=15))
def test_the_colour_shown_is_never_under_the_use(uses: list[Decimal]):
    state = TierState()
    for second, use in enumerate(uses):
        state = settle(state, use, AT + timedelta(seconds=second * 40))
        reached = classify(use)
        assert reached is None or (state.step is not None and state.step.use >= reached.use)


def test_potential_is_the_worst_one_sided_fill():
    found = potential(D(100), [D(500), D(-800), D(50)])
    assert (found.all_bought, found.all_sold, found.worst) == (D(650), D(-700), D(-700))


def test_an_order_before_and_after():
    check = precheck(D(-7500), D(7500), D(500))
    assert (check.net_after, check.use_before, check.use_after) == (D(0), D(15), D(0))
    assert check.reduces_risk
    assert not precheck(D(100), D(-200)).reduces_risk
    assert precheck(D(100), D(-150)).reduces_risk
    assert not precheck(D(0), D(1)).reduces_risk
    near, far = limit("G", "100"), limit("G/A", "1000")
    assert [held for held, _ in precheck_limits([(far, D(50)), (near, D(50))], D(10))] == [
        near,
        far,
    ]


def test_lots_of_a_code_are_signed_base_units():
    found = order_quantity(shipped_specs(), "cu2406", Side.BUY, 1500, date(2024, 5, 14))
    assert isinstance(found, HedgeQuantity)
    assert (found.quantity, found.unit, found.contract.delivery_month) == (D(7500), "t", "2406")
    bad = order_quantity(shipped_specs(), "nothing", Side.BUY, 1, date(2024, 5, 14))
    assert isinstance(bad, Problem)


def test_assess_returns_signed_values():
    (use,) = assess([limit("G/B", "100")], BUCKETS, AT)
    assert isinstance(use, LimitUse)
    assert use.value == D(-300)
