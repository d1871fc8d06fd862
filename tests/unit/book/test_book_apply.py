"""Events as changes of the book: orders, receipts, positions of several sites, quotes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from book.apply import Change, Defaults, apply, order_status
from book.exposure import Bucket, DataState, compute, roll_up
from book.limits import Limit, assess
from book.positions import InventoryLot, OrderStatus, PhysicalContract, PositionClaim, Side
from book.prices import PriceKind
from book.state import BookState
from book.versions import conflicts, in_force, stale_read
from book.vouchers import (
    AccountClass,
    DocumentAmount,
    HedgeRelationship,
    HedgeType,
    LedgerAccount,
    classify,
)

D = Decimal
T0 = datetime(2024, 8, 21, 15, 11, tzinfo=UTC)
ORG = "G/B"
DEFAULTS = Defaults(product="MA", month="2409")


@dataclass(frozen=True)
class Said:
    """An event as the log hands it on."""

    type: str
    event_id: str = "E1"
    org: str = ORG
    actor: str = "u_1"
    account: str = ""
    product: str = ""
    month: str = ""
    order: str = ""
    receipt: str = ""
    qty: Decimal | None = None
    source: str = "s"
    event_time: datetime = T0
    attributes: Mapping[str, Any] = field(default_factory=dict)


def after(state: BookState, *events: Said, defaults: Defaults = DEFAULTS) -> BookState:
    for event in events:
        change = apply(state, event, defaults)
        assert not change.problems
        state = state.put(*change.facts)
    return state


def total(state: BookState, product: str = "MA") -> Bucket:
    return roll_up(compute(state, T0 + timedelta(days=1)), org="G", product=product)


def order(number: str, kind: str = "order.create", **more: Any) -> Said:
    return Said(kind, order=number, qty=D(2500), attributes={"side": "sell"}, **more)


def test_four_orders_walk_the_net_down_and_stay_unsynced():
    state, path = BookState(), []
    for n in range(4):
        state = after(state, order(f"SO-{n}"))
        path.append(total(state).net)
    assert path == [-2500, -5000, -7500, -10000]
    assert total(state).unsynced == -10000
    state = after(state, Said("erp.sync", order="SO-2"))
    assert (total(state).net, total(state).unsynced) == (-10000, -7500)


def test_submitting_is_no_commitment_and_cancelling_ends_one_in_any_order():
    events = [order("A"), order("A", "order.submit"), Said("order.cancel", order="A")]
    assert total(after(BookState(), events[0], events[1])).net == -2500
    assert total(after(BookState(), events[1])).net == 0
    assert total(after(BookState(), *events)).net == 0
    assert total(after(BookState(), events[1], events[0])).net == -2500


def test_the_organisations_own_status_map_wins():
    own = Defaults(product="MA", month="2409", status_map={"order.submit": "commitment"})
    assert total(after(BookState(), order("A", "order.submit"), defaults=own)).net == -2500
    assert order_status("order.create", DEFAULTS) is OrderStatus.COMMITMENT
    assert order_status("login", DEFAULTS) is None


def test_the_erp_may_speak_before_the_order_arrives():
    state = after(BookState(), Said("erp.sync", order="A"), order("A"))
    assert total(state).unsynced == 0


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Said("order.create", qty=D(1), attributes={"side": "sell"}), "ORDER_MISSING"),
        (Said("order.create", order="A", qty=D(1)), "ORDER_INCOMPLETE"),
        (Said("order.create", order="A", attributes={"side": "buy"}), "ORDER_INCOMPLETE"),
        (Said("erp.sync"), "ORDER_MISSING"),
        (
            Said("order.create", order="A", qty=D("1e15"), attributes={"side": "buy"}),
            "QUANTITY_RANGE",
        ),
        (
            Said("position.update", qty=D("1e9"), attributes={"key": "k", "version": 1}),
            "QUANTITY_RANGE",
        ),
        (Said("inbound.timeout", qty=D(1)), "RECEIPT_MISSING"),
        (Said("inbound.posted", receipt="R"), "RECEIPT_UNKNOWN"),
        (Said("spot.quote", attributes={"price": "dear"}), "PRICE_INVALID"),
        (Said("spot.quote", attributes={"price": "NaN"}), "PRICE_INVALID"),
        (Said("position.update", attributes={"key": "k"}), "POSITION_VERSION_MISSING"),
        (
            Said("position.update", qty=D("1.5"), attributes={"key": "k", "version": 1}),
            "LOTS_INVALID",
        ),
    ],
)
def test_an_event_that_cannot_be_read_is_a_problem(event: Said, code: str):
    change = apply(BookState(), event, DEFAULTS)
    assert change.facts == ()
    assert [problem.code for problem in change.problems] == [code]


def test_other_events_change_nothing():
    assert apply(BookState(), Said("login"), DEFAULTS) == Change()


def opening() -> BookState:
    """7,500 t sold and as much in transit, without receipt numbers."""
    place = {"org": ORG, "product": "cu", "month": "2406"}
    return BookState(
        contracts=(PhysicalContract(**place, contract_id="S", side=Side.SELL, quantity=D(7500)),),
        lots=(InventoryLot(**place, lot_id="P", quantity=D(7500), in_transit=True, pool=True),),
        limits=(Limit(limit_id="L", org=ORG, product="cu", amount=D(500)),),
    )


CU = Defaults(product="cu", month="2406")


def timeout(n: int) -> Said:
    return Said("inbound.timeout", event_id=f"T{n}", receipt=f"RK{n}", qty=D(1500))


def test_receipts_that_time_out_leave_the_exposure_and_come_back_when_posted():
    state = opening()
    (use,) = assess(state.limits, compute(state, T0), T0)
    assert (use.use, use.step) == (D(0), None)
    for arrival in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        broken = after(state, *map(timeout, arrival), defaults=CU)
        (use,) = assess(broken.limits, compute(broken, T0), T0)
        assert (use.value, use.use) == (D(-7500), D(15))
        assert use.step is not None
        assert use.step.level == "red"
        assert (use.total.unposted, use.total.net_if_posted) == (D(7500), D(0))
        assert use.total.data_state is DataState.NOT_ASSESSABLE
    posted = [Said("inbound.posted", receipt=f"RK{n}") for n in range(5)]
    mended = total(after(broken, *posted, defaults=CU), "cu")
    assert (mended.net, mended.inventory, mended.in_transit) == (D(0), D(7500), D(0))
    assert mended.data_state is DataState.CURRENT


def test_a_receipt_dismissed_never_came():
    broken = after(opening(), timeout(1), defaults=CU)
    gone = total(after(broken, Said("inbound.dismissed", receipt="RK1"), defaults=CU), "cu")
    assert (gone.net, gone.unposted, gone.data_state) == (D(-1500), D(0), DataState.CURRENT)


def test_a_timeout_of_another_organisation_leaves_the_pool_alone():
    other = Said("inbound.timeout", org="G/C", receipt="X", qty=D(1500))
    state = after(opening(), other, defaults=CU)
    assert roll_up(compute(state, T0), org=ORG, product="cu").net == 0


def position(version: int, site: str, lots: int, second: int, number: str) -> Said:
    return Said(
        "position.update",
        event_id=number,
        product="lc",
        qty=D(lots),
        event_time=T0 + timedelta(seconds=second),
        attributes={"key": "lc2411/880009", "version": version, "site": site},
    )


def test_of_two_sites_with_one_version_the_later_in_event_time_is_refused():
    first, second = position(41, "CN", 120, 0, "a"), position(41, "DE", 200, 7, "b")
    for arrival in permutations([first, second]):
        state = after(BookState(), arrival[0])
        change = apply(state, arrival[1], DEFAULTS)
        assert change.conflict is not None
        assert (change.conflict.refused.event_id, change.conflict.standing.event_id) == ("b", "a")
        state = state.put(*change.facts)
        assert [c.refused.event_id for c in conflicts(state.claims)] == ["b"]
        bucket = total(state, "lc")
        assert bucket.futures == 120
        (only,) = compute(state, T0 + timedelta(days=1))
        assert (only.account, only.month) == ("880009", "2411")


def test_a_retry_of_the_same_site_is_no_conflict():
    state = after(BookState(), position(41, "CN", 120, 0, "a"))
    change = apply(state, position(41, "CN", 120, 3, "b"), DEFAULTS)
    assert change.conflict is None


def test_a_calculation_on_an_older_version_is_recomputed():
    state = after(BookState(), position(40, "CN", 200, -60, "z"), position(41, "CN", 120, 0, "a"))
    at = T0 + timedelta(seconds=5)
    key = {"org": ORG, "key": "lc2411/880009"}
    read = stale_read(state.claims, at=at, version_seen=40, lots=D(200), **key)
    assert read is not None
    assert (read.recomputed, read.difference, read.current.version) == (D(120), D(80), 41)
    assert stale_read(state.claims, at=at, version_seen=41, lots=D(120), **key) is None
    before = T0 - timedelta(seconds=1)
    assert stale_read(state.claims, at=before, version_seen=40, lots=D(200), **key) is None
    assert [c.version for c in in_force(state.claims, before)] == [40]


def test_a_claim_takes_the_place_of_an_imported_position():
    claim = PositionClaim(
        org=ORG, product="cu", key="k", version=1, site="A", lots=3, at=T0, month="2406"
    )
    from book.positions import FuturesPosition

    imported = FuturesPosition(org=ORG, product="cu", key="k", lots=100, month="2406")
    (bucket,) = compute(BookState(futures=(imported,), claims=(claim,)), T0)
    assert bucket.futures == 15


def test_quotes_and_settlements_become_prices():
    change = apply(
        BookState(),
        Said("spot.quote", product="cu", source="smm", attributes={"price": "70120"}),
        CU,
    )
    (quote,) = change.facts
    assert (quote.kind, quote.price, quote.month) == (PriceKind.SPOT, D(70120), "spot")
    (settle,) = apply(BookState(), Said("futures.settle", attributes={"price": 70000}), CU).facts
    assert (settle.kind, settle.price, settle.month) == (PriceKind.SETTLE, D(70000), "2406")


def test_a_voucher_means_what_the_master_data_says():
    accounts = [
        LedgerAccount(org="G", code="3201", account_class=AccountClass.HEDGING_INSTRUMENT),
        LedgerAccount(org="G", code="6111", account_class=AccountClass.INVESTMENT_INCOME),
        LedgerAccount(org="G/B", code="6111", account_class=AccountClass.REVENUE),
    ]
    hedge = HedgeRelationship(
        org="G", hedge_id="H-33", hedge_type=HedgeType.CASH_FLOW, effective=True
    )
    documents = [
        DocumentAmount(org="G", document_id="H-33", kind="order", amount=D("356000.00")),
        DocumentAmount(org="G", document_id="H-33", kind="receipt", amount=D("355000.00")),
    ]
    meaning = classify(
        org="G/A",
        order="H-33",
        amount=D("356000.00"),
        debit="3201",
        credit="6111",
        accounts=accounts,
        hedges=[hedge],
        documents=documents,
    )
    assert (meaning.debit_class, meaning.credit_class) == (
        "hedging_instrument",
        "investment_income",
    )
    assert (meaning.hedge_type, meaning.hedge_effective) == ("cash_flow", True)
    assert meaning.largest_difference == D(1000)
    nearer = classify(
        org="G/B", order="?", amount=None, debit="?", credit="6111", accounts=accounts, hedges=[]
    )
    assert (nearer.debit_class, nearer.credit_class) == ("", "revenue")
    assert (nearer.hedge_type, nearer.hedge_effective) == ("", None)


def test_the_trading_day_decides_the_specification():
    state = after(BookState(), position(1, "CN", 10, 0, "a"))
    (bucket,) = compute(state, T0, trading_day=date(1999, 1, 1))
    assert bucket.reasons == ("SPEC_UNKNOWN",)


@pytest.mark.parametrize("kind", ["inbound.timeout", "inbound.posted"])
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(("qty", "code"), [(-1500, "IMPORT_NEGATIVE"), (0, "IMPORT_NOT_POSITIVE")])
def test_goods_below_zero_change_nothing(kind: str, held: bool, qty: int, code: str):
    state = BookState()
    if held:
        state = after(state, Said("inbound.timeout", receipt="RK", qty=D(1500)), defaults=CU)
    change = apply(state, Said(kind, receipt="RK", qty=D(qty)), CU)
    assert change.facts == ()
    (problem,) = change.problems
    assert (problem.code, problem.field, problem.found) == (code, "qty", str(qty))
    assert problem.allowed == "> 0"


def test_an_order_below_zero_is_told_as_an_import_tells_it():
    said = Said("order.create", order="O", qty=D(-5), attributes={"side": "buy"})
    (problem,) = apply(BookState(), said, CU).problems
    assert (problem.code, problem.field, problem.found) == ("IMPORT_NEGATIVE", "qty", "-5")
