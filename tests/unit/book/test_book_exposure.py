"""Exposure: the published aggregation case, the rules of each part, and its invariants."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.exposure import Bucket, DataState, compute, roll_up, totals, tree
from book.positions import (
    Commitment,
    ContractStatus,
    ErpSync,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    OrderStatus,
    PhysicalContract,
    PriceType,
    PricingFixation,
    Receipt,
    ReceiptStatus,
    Side,
)
from book.state import BookState

AT = datetime(2024, 3, 1, 8, tzinfo=UTC)
D = Decimal


def contract(
    number: str, side: Side, quantity: str, org: str = "G/S1/T1", **more: Any
) -> PhysicalContract:
    more.setdefault("month", "2405")
    return PhysicalContract(
        org=org, product="cu", contract_id=number, side=side, quantity=D(quantity), **more
    )


def lot(number: str, quantity: str, **more: Any) -> InventoryLot:
    more.setdefault("org", "G/S1/T1")
    return InventoryLot(product="cu", lot_id=number, quantity=D(quantity), **more)


def receipt(number: str, quantity: str, status: ReceiptStatus, **more: Any) -> Receipt:
    return Receipt(
        org="G/S1/T1",
        product="cu",
        receipt_id=number,
        quantity=D(quantity),
        status=status,
        month="2405",
        **more,
    )


def futures(key: str, lots: int, month: str, org: str = "G/S1/T1") -> FuturesPosition:
    return FuturesPosition(org=org, product="cu", key=key, lots=lots, month=month)


def case_ten() -> BookState:
    return BookState(
        contracts=(
            contract("P1", Side.BUY, "1000"),
            contract("P2", Side.BUY, "600", price_type=PriceType.UNPRICED),
            contract("S1", Side.SELL, "400"),
            contract("P3", Side.BUY, "500", org="G/S2/T3"),
        ),
        lots=(lot("L1", "350"),),
        futures=(
            futures("cu2405", -190, "2405"),
            futures("cu2406", 20, "2406"),
            futures("cu2405", -30, "2405", org="G/S2/T3"),
        ),
        options=(
            OptionPosition(
                org="G/S1/T1",
                product="cu",
                key="cu2405C72000",
                lots=40,
                delta=D("0.39237910"),
                month="2405",
            ),
        ),
    )


def single(state: BookState, month: str = "2405") -> Bucket:
    return roll_up(compute(state, AT), org="G", product="cu", month=month)


def test_published_case_of_two_teams_gives_the_published_figures():
    buckets = compute(case_ten(), AT)
    first = roll_up(buckets, org="G/S1/T1", product="cu")
    second = roll_up(buckets, org="G/S2/T3", product="cu")
    group = totals(buckets)["cu"]
    assert (first.net, first.gross) == (D("178.47582"), D("2878.47582"))
    assert (second.net, second.gross) == (D(350), D(650))
    assert (group.net, group.gross, group.unpriced) == (D("528.47582"), D("3528.47582"), D(600))
    months = {
        month: roll_up(buckets, org="G", product="cu", month=month).net
        for month in ("2405", "2406", "spot")
    }
    assert months == {"2405": D("78.47582"), "2406": D(100), "spot": D(350)}
    assert group.unit == "t"


def test_the_tree_has_every_node_and_each_is_the_sum_below_it():
    nodes = {bucket.org: bucket.net for bucket in tree(compute(case_ten(), AT))}
    assert nodes == {
        "G": D("528.47582"),
        "G/S1": D("178.47582"),
        "G/S1/T1": D("178.47582"),
        "G/S2": D(350),
        "G/S2/T3": D(350),
    }


def test_may_against_september_is_flat_outright_and_shows_as_spread():
    state = BookState(futures=(futures("a", 100, "2405"), futures("b", -100, "2409")))
    total = roll_up(compute(state, AT), org="G", product="cu")
    assert (total.net, total.spread, total.gross) == (D(0), D(1000), D(1000))


def test_unpriced_purchase_carries_basis_only_until_it_is_fixed():
    unpriced = contract("P", Side.BUY, "600", price_type=PriceType.UNPRICED)
    before = single(BookState(contracts=(unpriced,)))
    assert (before.net, before.unpriced, before.basis) == (D(0), D(600), D(600))
    fixation = PricingFixation(
        org="G/S1/T1",
        fixation_id="F",
        contract_id="P",
        quantity=D(150),
        price=D(70000),
        at=AT,
    )
    after = single(BookState(contracts=(unpriced,), fixations=(fixation,)))
    assert (after.net, after.unpriced, after.basis) == (D(150), D(450), D(600))


def test_unpriced_goods_in_the_warehouse_are_not_long_the_price():
    unpriced = contract("P", Side.BUY, "600", price_type=PriceType.UNPRICED)
    goods = receipt("R", "200", ReceiptStatus.POSTED, contract_id="P")
    bucket = single(BookState(contracts=(unpriced,), receipts=(goods,)))
    assert (bucket.inventory, bucket.floating, bucket.net) == (D(200), D(-200), D(0))
    assert (bucket.unpriced, bucket.basis) == (D(600), D(600))


def test_average_price_contract_prices_in_day_by_day():
    days = tuple(date(2024, 2, 26) + timedelta(days=n) for n in (0, 1, 2, 3, 4, 7))
    formula = contract("P", Side.BUY, "600", price_type=PriceType.FORMULA, pricing_days=days)
    bucket = single(BookState(contracts=(formula,)))
    assert (bucket.net, bucket.unpriced) == (D(500), D(100))


@pytest.mark.parametrize(
    ("status", "net", "inventory", "in_transit", "unposted", "data_state"),
    [
        (ReceiptStatus.IN_PROGRESS, 1000, 300, 300, 0, DataState.CURRENT),
        (ReceiptStatus.POSTED, 1000, 300, 0, 0, DataState.CURRENT),
        (ReceiptStatus.UNPOSTED, 700, 0, 0, 300, DataState.NOT_ASSESSABLE),
        (ReceiptStatus.DISMISSED, 1000, 0, 0, 0, DataState.CURRENT),
    ],
)
def test_goods_of_a_receipt_are_counted_once(  # noqa: PLR0917 - one column of the table each
    status: ReceiptStatus,
    net: int,
    inventory: int,
    in_transit: int,
    unposted: int,
    data_state: DataState,
):
    state = BookState(
        contracts=(contract("P", Side.BUY, "1000"),),
        receipts=(receipt("R", "300", status, contract_id="P"),),
    )
    bucket = single(state)
    assert bucket.net == net
    assert (bucket.inventory, bucket.in_transit) == (inventory, in_transit)
    assert (bucket.unposted, bucket.data_state) == (unposted, data_state)
    assert bucket.net_if_posted == 1000


def test_a_lot_that_carries_the_receipt_on_replaces_it():
    goods = receipt("R", "300", ReceiptStatus.POSTED)
    carried = lot("L", "298", receipt_id="R", month="2405")
    assert single(BookState(receipts=(goods,), lots=(carried,))).inventory == 298


def test_receipts_drawn_from_an_anonymous_pool_in_transit():
    pool = lot("POOL", "7500", in_transit=True, pool=True, month="2405")
    sale = contract("S", Side.SELL, "7500")
    late = tuple(receipt(f"R{n}", "1500", ReceiptStatus.UNPOSTED, pool_id="POOL") for n in range(5))
    assert single(BookState(contracts=(sale,), lots=(pool,))).net == 0
    bucket = single(BookState(contracts=(sale,), lots=(pool,), receipts=late))
    assert (bucket.net, bucket.unposted, bucket.net_if_posted) == (D(-7500), D(7500), D(0))
    assert bucket.reasons == ("RECEIPT_UNPOSTED",)
    posted = tuple(receipt(f"R{n}", "1500", ReceiptStatus.POSTED, pool_id="POOL") for n in range(5))
    done = single(BookState(contracts=(sale,), lots=(pool,), receipts=posted))
    assert (done.net, done.data_state) == (D(0), DataState.CURRENT)


def test_an_order_counts_from_created_and_is_shown_apart_until_the_erp_has_it():
    def order(number: str, status: OrderStatus) -> Commitment:
        return Commitment(
            org="G/S1/T1",
            product="cu",
            order_id=number,
            side=Side.SELL,
            quantity=D(2500),
            status=status,
            month="2405",
        )

    orders = (order("A", OrderStatus.COMMITMENT), order("B", OrderStatus.PENDING))
    bucket = single(BookState(commitments=orders))
    assert (bucket.net, bucket.sales, bucket.unsynced) == (D(-2500), D(-2500), D(-2500))
    synced = BookState(commitments=orders, syncs=(ErpSync(org="G/S1/T1", order_id="A"),))
    assert (single(synced).net, single(synced).unsynced) == (D(-2500), D(0))


def test_an_unknown_product_is_not_assessable_and_not_an_error():
    state = BookState(
        futures=(FuturesPosition(org="G", product="zz", key="zz2405", lots=10, month="2405"),)
    )
    (bucket,) = compute(state, AT)
    assert (bucket.data_state, bucket.reasons) == (DataState.NOT_ASSESSABLE, ("SPEC_UNKNOWN",))


def test_an_option_without_delta_makes_its_bucket_not_assessable():
    state = BookState(
        options=(OptionPosition(org="G", product="cu", key="o", lots=10, delta=None),)
    )
    (bucket,) = compute(state, AT)
    assert (bucket.net, bucket.reasons) == (D(0), ("DELTA_UNKNOWN",))


def test_a_late_feed_marks_the_organisations_under_it():
    buckets = compute(case_ten(), AT, late=("G/S1",))
    states = {bucket.org: bucket.data_state for bucket in buckets}
    assert states == {"G/S1/T1": DataState.LATE, "G/S2/T3": DataState.CURRENT}


def test_coverage_is_hedges_over_physical_and_undefined_without_physical():
    covered = BookState(
        lots=(lot("L", "3000", month="2405"),), futures=(futures("f", -400, "2405"),)
    )
    assert single(covered).coverage == D("0.6667")
    assert single(BookState(futures=(futures("f", -400, "2405"),))).coverage is None


def test_quantities_in_other_units_are_converted_to_the_base_unit():
    state = BookState(contracts=(contract("P", Side.BUY, "2204.62262", unit="lb"),))
    assert single(state).net == 1


def test_plans_pledged_consigned_cancelled():
    state = BookState(
        contracts=(
            contract("plan", Side.SELL, "900", forecast=True),
            contract("gone", Side.BUY, "100", status=ContractStatus.CANCELLED),
            contract("done", Side.BUY, "100", delivered=D(98), status=ContractStatus.COMPLETED),
        ),
        lots=(
            lot("pledged", "10", pledged=True, month="2405"),
            lot("consigned", "20", title_held=False, month="2405"),
        ),
    )
    bucket = single(state)
    assert (bucket.net, bucket.forecast, bucket.purchases) == (D(10), D(-900), D(0))


ORGS = st.sampled_from(["G/S1/T1", "G/S1/T2", "G/S2/T3"])
MONTHS = st.sampled_from(["2405", "2406", "2409"])
QUANTITIES = st.decimals(0, 100000, places=4)
PLACES = st.fixed_dictionaries(
    {"org": ORGS, "month": MONTHS, "product": st.sampled_from(["cu", "MA", "jd"])}
)


@st.composite
def books(draw: Any, prefix: str) -> BookState:
    """A book of random facts whose numbers start with `prefix`."""
    state = BookState()
    for n in range(draw(st.integers(0, 12))):
        place = draw(PLACES)
        number = f"{prefix}{n}"
        quantity = draw(QUANTITIES)
        side = draw(st.sampled_from(Side))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            fact = PhysicalContract(
                **place,
                contract_id=number,
                side=side,
                quantity=quantity,
                delivered=draw(QUANTITIES),
                price_type=draw(st.sampled_from(PriceType)),
                pricing_days=tuple(date(2024, 2, 27) + timedelta(days=n) for n in (0, 1, 7)),
            )
            state = state.put(
                PricingFixation(
                    org=place["org"],
                    fixation_id="f",
                    contract_id=number,
                    quantity=draw(QUANTITIES),
                    price=D(1),
                    at=AT,
                )
            )
        elif kind == 1:
            fact = Receipt(
                **place,
                receipt_id=number,
                quantity=quantity,
                status=draw(st.sampled_from(ReceiptStatus)),
                contract_id=draw(st.sampled_from(["", f"{prefix}0"])),
            )
        elif kind == 2:
            fact = InventoryLot(**place, lot_id=number, quantity=quantity)
        elif kind == 3:
            fact = Commitment(**place, order_id=number, side=side, quantity=quantity)
        elif kind == 4:
            fact = FuturesPosition(**place, key=number, lots=draw(st.integers(-900, 900)))
        else:
            fact = OptionPosition(
                **place,
                key=number,
                lots=draw(st.integers(-900, 900)),
                delta=draw(st.none() | st.decimals(-1, 1, places=8)),
            )
        state = state.put(fact)
    return state


@settings(deadline=None, max_examples=60)
@given(books("a"), books("b"))
def test_two_books_together_have_the_sum_of_both_exposures(first: BookState, second: BookState):
    both = {b.key: b for b in compute(first.merge(second), AT)}
    alone = [{b.key: b for b in compute(state, AT)} for state in (first, second)]
    assert set(both) == set(alone[0]) | set(alone[1])
    for key, bucket in both.items():
        for name in ("net", "gross", "unpriced", "basis", "unposted", "theoretical", "rows"):
            parts = [getattr(held[key], name) for held in alone if key in held]
            assert getattr(bucket, name) == sum(parts)


@settings(deadline=None, max_examples=60)
@given(books("a"), st.randoms())
def test_the_order_of_the_facts_does_not_matter(state: BookState, random: Any):
    def shuffled(values: tuple) -> tuple:
        held = list(values)
        random.shuffle(held)
        return tuple(held)

    other = BookState(
        **{
            name: shuffled(getattr(state, name))
            for name in ("contracts", "fixations", "receipts", "lots", "commitments", "futures")
        },
        options=shuffled(state.options),
    )
    assert compute(other, AT) == compute(state, AT)


@settings(deadline=None, max_examples=40)
@given(books("a"))
def test_what_the_parts_add_up_to(state: BookState):
    for bucket in compute(state, AT):
        assert bucket.net == (
            bucket.purchases
            + bucket.sales
            + bucket.floating
            + bucket.inventory
            + bucket.futures
            + bucket.option_delta
        )
        assert abs(bucket.net) <= bucket.gross
        assert bucket.purchases >= 0 >= bucket.sales
        assert (bucket.data_state is DataState.NOT_ASSESSABLE) == bool(bucket.reasons)
