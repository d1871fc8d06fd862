"""Hedge orders: held while the figures cannot be trusted, never stopped from lowering the risk."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from agents import hedge_orders
from agents.assessor import ExposureView, Scope, views
from agents.hedge_orders import HedgeOrder, judge, read_order
from agents.tables import HedgeOrderRow
from book.limits import Limit, Measure
from book.positions import FuturesPosition, PhysicalContract, Receipt, ReceiptStatus, Side
from book.state import BookState
from store.problems import Problem
from store.schema import table
from tests.unit.agents.agents_house import (
    EAST,
    GROUP,
    START,
    House,
    event,
    posted,
    queued,
    quote,
    rulebook,
    timeout,
)

QUEUED = "hedge_order.decide"


def asked(side: str, lots: int, month: str = "2406", **changed: Any) -> HedgeOrder:
    found = read_order(
        queued(side=side, lots=lots, contract=f"cu{month}"),
        "H-1",
        BookState(),
        product="cu",
        month=month,
        origin="robot",
    )
    assert isinstance(found, HedgeOrder)
    return replace(found, **changed)


def bought(tonnes: int, month: str = "2406", org: str = EAST) -> PhysicalContract:
    return PhysicalContract(
        org=org,
        product="cu",
        month=month,
        contract_id=f"C-{org}-{month}",
        side=Side.BUY if tonnes > 0 else Side.SELL,
        quantity=Decimal(abs(tonnes)),
    )


def limit(amount: int, month: str = "*", org: str = EAST, **more: Any) -> Limit:
    given_id = f"{org}-{month}-{more}"
    return Limit(
        limit_id=given_id, org=org, product="cu", amount=Decimal(amount), month=month, **more
    )


def seen(*facts: Any) -> list[ExposureView]:
    return views(BookState().put(*facts), Scope(EAST, "cu"), START)


def verdict(order: HedgeOrder, *facts: Any) -> tuple[str, str]:
    answer = judge(order, seen(*facts), rulebook(), START)
    return answer.outcome, answer.reason


# --- the rulebook's answer ----------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    nets=st.dictionaries(
        st.sampled_from(["2406", "2407"]), st.integers(-20_000, 20_000).filter(bool), min_size=1
    ),
    above=st.integers(-20_000, 20_000),
    limits=st.dictionaries(
        st.tuples(st.sampled_from([EAST, GROUP]), st.sampled_from(["*", "2406", "2407"])),
        st.integers(0, 5_000),
    ),
    side=st.sampled_from(["buy", "sell"]),
    lots=st.integers(1, 5_000),
)
def test_what_lowers_every_exposure_it_touches_is_never_stopped(
    nets: dict[str, int],
    above: int,
    limits: dict[tuple[str, str], int],
    side: str,
    lots: int,
):
    """On data that can be assessed; an order that raises one of them may be judged by it."""
    facts = [bought(tonnes, month) for month, tonnes in nets.items()]
    if above:
        facts.append(bought(above, "2406", GROUP))
    bounds = [limit(amount, month, org) for (org, month), amount in limits.items()]
    order = asked(side, lots)
    whole = sum(nets.values())
    touched = {
        (EAST, "*"): whole,
        (EAST, "2406"): nets.get("2406", 0),
        (GROUP, "*"): whole + above,
        (GROUP, "2406"): nets.get("2406", 0) + above,
    }
    lowers = all(
        abs(net + order.qty_signed) < abs(net)
        for place, net in touched.items()
        if place in limits or not limits
    )
    bound = not limits or any(place in limits for place in touched)
    if lowers and bound:
        assert verdict(order, *facts, *bounds) == ("allow", "WITHIN_RULES")


@settings(deadline=None, max_examples=100)
@given(
    net=st.integers(-10_000, 10_000).filter(bool),
    amount=st.integers(0, 5_000),
    side=st.sampled_from(["buy", "sell"]),
    lots=st.integers(1, 3_000),
)
def test_what_raises_the_exposure_far_over_its_limit_is_always_stopped(
    net: int, amount: int, side: str, lots: int
):
    order = asked(side, lots)
    after = net + order.qty_signed
    raises = abs(after) >= abs(net) and abs(after) * 10 >= amount * 12 and after != 0
    outcome = verdict(order, bought(net), limit(amount))
    assert (outcome == ("deny", "OVER_LIMIT")) is raises


def test_a_limit_on_another_month_says_nothing_about_the_order():
    short = [bought(-7500), bought(400, "2407"), limit(10_000, "2406"), limit(500, "2407")]
    assert verdict(asked("buy", 40), *short) == ("allow", "WITHIN_RULES")


def test_a_limit_of_zero_is_a_limit():
    assert verdict(asked("buy", 1), bought(5), limit(0)) == ("deny", "OVER_LIMIT")
    assert verdict(asked("sell", 1), bought(5), limit(0)) == ("allow", "WITHIN_RULES")


def test_the_limit_of_another_account_does_not_bind():
    own = [bought(450), limit(500, account="A")]
    assert verdict(asked("buy", 200, account="B"), *own) == ("hold", "NO_LIMIT")
    assert verdict(asked("sell", 50, account="B"), bought(450)) == ("allow", "WITHIN_RULES")


def test_what_no_limit_bounds_waits_for_a_person_unless_it_lowers_the_exposure():
    assert verdict(asked("buy", 1), bought(100)) == ("hold", "NO_LIMIT")
    assert verdict(asked("buy", 1)) == ("hold", "NO_LIMIT")
    assert verdict(asked("sell", 1), bought(100)) == ("allow", "WITHIN_RULES")
    confirmed = asked("buy", 1, confirmed_by="wang")
    assert verdict(confirmed, bought(100)) == ("allow", "WITHIN_RULES")
    assert verdict(asked("buy", 1), bought(100), limit(500)) == ("allow", "WITHIN_RULES")


def test_the_parent_s_limit_binds_too():
    facts = [bought(-100), bought(600, org=GROUP), limit(1000), limit(500, org=GROUP)]
    assert verdict(asked("buy", 20), *facts) == ("deny", "OVER_LIMIT")


def test_somewhat_over_the_limit_needs_an_approval():
    assert verdict(asked("buy", 30), bought(400), limit(500))[0] == "require_approval"


def test_figures_that_cannot_be_trusted_hold_and_deny_nothing():
    receipt = Receipt(
        org=EAST,
        product="cu",
        month="2406",
        receipt_id="R",
        quantity=Decimal(100),
        status=ReceiptStatus.UNPOSTED,
    )
    facts = [bought(5_000), limit(500), receipt]
    assert verdict(asked("buy", 2_000), *facts) == ("hold", "DATA_GATE")
    confirmed = asked("sell", 200, confirmed_by="wang")
    assert verdict(confirmed, *facts) == ("allow", "WITHIN_RULES")


def test_a_position_in_futures_counts_in_lots_and_is_judged_in_tonnes():
    held = FuturesPosition(org=EAST, product="cu", month="2406", key="cu2406/1", lots=90)
    answer = judge(asked("buy", 40), seen(held, limit(500)), rulebook(), START)
    assert (answer.fact["net_before"], answer.fact["net_after"]) == (450, 650)
    assert answer.outcome == "deny"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"side": "hold"}, "SIDE_UNKNOWN"),
        ({"side": ""}, "SIDE_UNKNOWN"),
        ({"lots": 0}, "LOTS_INVALID"),
        ({"lots": "ten"}, "LOTS_INVALID"),
        ({"lots": True}, "LOTS_INVALID"),
        ({"contract": "zz2406"}, "PRODUCT_UNKNOWN"),
        ({"contract": "copper"}, "CONTRACT_CODE_INVALID"),
        ({"contract": "", "product": "zz"}, "UNKNOWN_PRODUCT"),
    ],
)
def test_an_order_that_cannot_be_read_is_a_data_issue_on_record(
    house: House, fields: dict[str, Any], code: str
):
    house.arrive(queued(0, **fields), timeout("RK1", 1))
    ((_, outcome, reason),) = house.decisions("event.unreadable")
    assert (outcome, reason) == ("data_issue", code)
    assert house.decisions(QUEUED) == []
    assert "EXPOSURE_CRITICAL" in house.codes()  # the round went on


def test_the_codes_of_a_problem_read_order_gives():
    found = read_order(
        queued(lots=-1), "H", BookState(), product="cu", month="2406", origin="robot"
    )
    assert isinstance(found, Problem)
    assert (found.code, found.field) == ("LOTS_INVALID", "lots")


# --- decided, and decided anew ------------------------------------------------------------------


def test_an_order_is_decided_on_record_with_its_figures(house: House):
    house.arrive(queued(0, order="H-1"))
    (found,) = house.records(kind="decision", action=QUEUED)
    assert (found.object_id, found.outcome, found.reason) == ("H-1", "allow", "WITHIN_RULES")
    assert found.body["fact"]["net_after"] == "50"
    assert found.body["supersedes"] == ""


def test_an_order_after_the_gate_opened_is_held(house: House):
    house.arrive(timeout("RK1", 0), queued(30, order="H-1"))
    assert house.decisions(QUEUED) == [("H-1", "hold", "DATA_GATE")]


def test_an_order_let_through_before_a_late_timeout_is_held_by_a_decision_that_names_the_old(
    house: House,
):
    house.arrive(queued(60, order="H-1"), timeout("RK1", 30, late=200))
    first, second = house.records(kind="decision", action=QUEUED)
    assert (first.outcome, second.outcome) == ("allow", "hold")
    assert second.reason == "DATA_GATE"
    assert second.body["supersedes"] == first.uid


def test_a_held_order_waits_for_a_person_whatever_comes_later(house: House):
    house.arrive(
        timeout("RK1", 0),
        queued(30, order="H-1"),
        posted("RK1", 60),
        queued(90, order="H-1"),
        event("inbound.start", 120, receipt="RK2", qty=100),
    )
    assert house.decisions(QUEUED) == [("H-1", "hold", "DATA_GATE")]


def test_an_order_sent_again_with_other_lots_is_decided_anew_on_its_own_terms(house: House):
    house.arrive(queued(0, order="H-1", lots=10), queued(30, order="H-1", lots=200))
    first, second = house.records(kind="decision", action=QUEUED)
    assert second.body["fact"]["net_after"] == "1000"
    assert second.outcome == "deny"
    assert second.body["supersedes"] == first.uid


def test_a_confirmed_order_that_is_sent_again_stays_confirmed(house: House):
    house.arrive(timeout("RK1", 0), queued(30, order="H-1"))
    orders = table(str(HedgeOrderRow.__tablename__))
    with house.store.unit_of_work("wang") as uow:
        uow.execute(update(orders).values(confirmed_by="wang"))
        (found,) = [hedge_orders._standing(row) for row in uow.execute(orders.select())]
        answer = judge(found.order, seen(bought(-7500)), rulebook(), uow.now)
        hedge_orders.decide(uow, found.order, answer, rulebook(), found.decision)
    house.arrive(queued(90, order="H-1"))
    assert house.decisions(QUEUED)[-1] == ("H-1", "allow", "WITHIN_RULES")


def test_an_order_traded_long_ago_keeps_its_verdict(house: House):
    """The gate opens the next morning: the order was traded in yesterday's session."""
    house.arrive(queued(0, order="H-1"), timeout("RK1", 24 * 3600))
    assert house.decisions(QUEUED) == [("H-1", "allow", "WITHIN_RULES")]


def test_an_order_that_waits_for_the_open_is_still_decided_anew(house: House):
    """Queued after the close at three, the gate opens at six: it has not traded."""
    close = 5 * 3600
    house.arrive(queued(close + 600, order="H-1"), timeout("RK1", close + 3 * 3600))
    assert house.decisions(QUEUED) == [
        ("H-1", "allow", "WITHIN_RULES"),
        ("H-1", "hold", "DATA_GATE"),
    ]


def test_a_backlog_decides_an_order_as_it_was_decided_live(house: House, twin: House):
    story = [
        queued(0, order="H-1"),
        timeout("RK1", 30),
        queued(60, order="H-2"),
        posted("RK1", 90),
        queued(120, order="H-3", lots=300),
        quote("70000", 130),
    ]
    house.arrive(*story)
    twin.append(*story)
    twin.look()
    assert twin.decisions(QUEUED) == house.decisions(QUEUED)
    assert twin.decisions(QUEUED)[0] == ("H-1", "allow", "WITHIN_RULES")


# --- limits on other figures than the net -------------------------------------------------------


def test_an_order_that_closes_a_position_lowers_the_gross():
    held = FuturesPosition(org=EAST, product="cu", month="2406", key="cu2406/1", lots=-80)
    facts = (held, bought(400), limit(850, measure=Measure.GROSS))
    answer = judge(asked("buy", 40), seen(*facts), rulebook(), START)
    # |−400| + 400 stood; the net went up by 200, the gross down by 200
    assert (answer.fact["net_before"], answer.fact["net_after"]) == (800, 600)
    assert (answer.fact["reduces_risk"], answer.outcome) == (True, "allow")


def test_an_order_that_lowers_the_net_may_break_the_limit_on_the_gross():
    facts = (bought(400), limit(600, measure=Measure.GROSS))
    answer = judge(asked("sell", 80), seen(*facts), rulebook(), START)
    assert (answer.fact["net_before"], answer.fact["net_after"]) == (400, 800)
    assert answer.outcome == "deny"


def test_a_spread_moves_by_the_month_of_the_order_alone():
    facts = (bought(400), bought(-400, "2409"), limit(850, measure=Measure.SPREAD))
    closing = judge(asked("buy", 80, "2409"), seen(*facts), rulebook(), START)
    assert (closing.fact["net_before"], closing.fact["net_after"]) == (800, 400)
    assert closing.outcome == "allow"
    widening = judge(asked("sell", 80, "2409"), seen(*facts), rulebook(), START)
    assert (widening.fact["net_after"], widening.outcome) == (1200, "deny")


def test_the_tightest_of_net_gross_and_spread_counts():
    facts = (
        bought(400),
        bought(-400, "2409"),
        limit(500),
        limit(10_000, measure=Measure.GROSS),
        limit(700, measure=Measure.SPREAD),
    )
    answer = judge(asked("sell", 20, "2409"), seen(*facts), rulebook(), START)
    assert (answer.fact["limit"], answer.fact["net_after"]) == (700, 900)
