"""Exposure against its limits: told when it changes, not when it is looked at."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from agents.assessor import Scope, Trigger, assess_scope, views
from book.limits import Limit
from book.positions import PhysicalContract, Side
from book.read import read_state
from book.state import BookState
from book.write import Dated
from tests.unit.agents.agents_house import (
    EAST,
    GROUP,
    START,
    WEST,
    House,
    context_of,
    event,
    order,
    posted,
    rulebook,
    surroundings,
    timeout,
)
from workorders.ingest import ingest_match
from workorders.rows import MATCHES


def limit(amount: int, **more: object) -> Limit:
    given = {"limit_id": f"L-{more}", "org": EAST, "product": "cu", "unit": "t", **more}
    return Limit(amount=Decimal(amount), **given)  # type: ignore[arg-type]


def set_limit(house: House, amount: int, actor: str = "boss", **more: object) -> None:
    """Somebody changes the limit as of now, at the console."""
    one = limit(amount, limit_id=f"{EAST}-net", **more)
    house.put([Dated(one, house.now)], actor=actor, source="console")


def exposures(house: House) -> list[tuple[str, str]]:
    """(code, level) of the exposure's matches, oldest first."""
    return [
        (str(one.body["code"]), str(one.body["level"]))
        for one in house.records(kind="match")
        if str(one.body["code"]).startswith("EXPOSURE_") and one.body["measure"] == "exposure.net"
    ]


def holds(house: House) -> bool | None:
    """What the close-guard finds of the net limit now."""
    with house.store.reader() as connection:
        book = read_state(connection, as_of=house.now, known_at=house.now, orgs=[GROUP])
    (view,) = [v for v in views(book, Scope(EAST, "cu"), house.now) if v.limit is not None]
    if view.bucket.data_state == "not_assessable":
        return None
    return rulebook().still_holds("EXPOSURE_TIERS", view.fact)


# --- hysteresis ---------------------------------------------------------------------------------


def net_is(house: House, quantity: int, after: float) -> None:
    """The net becomes that quantity, and is assessed."""
    house.at(after)
    contract = PhysicalContract(
        org=EAST,
        product="cu",
        month="2406",
        contract_id="C-DANCE",
        side=Side.BUY,
        quantity=Decimal(quantity),
    )
    house.put([Dated(contract, house.now)])
    with house.store.unit_of_work("system:watcher") as uow:
        book = read_state(uow.connection, as_of=uow.now, known_at=uow.now, orgs=[GROUP])
        around = surroundings()
        assessed = assess_scope(
            uow,
            Scope(EAST, "cu"),
            Trigger(uow.now),
            book=book,
            around=around,
            rulebook=rulebook(),
        )
        for match in assessed.matches:
            ingest_match(uow, match, context_of(around, house.policy))


def test_an_exposure_that_dances_on_a_threshold_keeps_its_colour(empty: House):
    empty.put([Dated(limit(1000, limit_id="L"), START - timedelta(days=1))])
    steps = [990, 1010, 990, 1005, 960, 1000, 951, 1020]
    for number, quantity in enumerate(steps):
        net_is(empty, quantity, 60 * number)
    colours = [level for _code, level in exposures(empty)]
    assert colours == ["yellow"] + ["orange"] * 7
    (order,) = empty.orders()
    assert order.level == "orange"
    actions = [one.action for one in empty.records(kind="decision")]
    assert actions.count("order.open") == 1
    assert actions.count("order.level") == 0
    # more than the band below the threshold, it falls, and rises again only at the threshold
    net_is(empty, 949, 1000)
    net_is(empty, 999, 1060)
    assert [level for _code, level in exposures(empty)][-2:] == ["yellow", "yellow"]


def test_the_colour_held_survives_a_restart_and_is_an_input_of_the_record(empty: House):
    empty.put([Dated(limit(1000, limit_id="L"), START - timedelta(days=1))])
    net_is(empty, 1210, 0)
    empty.restart()
    net_is(empty, 1160, 60)
    assert [level for _code, level in exposures(empty)] == ["red", "red"]
    net_is(empty, 1140, 120)
    assert exposures(empty)[-1] == ("EXPOSURE_EXCESS", "orange")


# --- tiers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        (299, []),
        (300, [("EXPOSURE_BASE", "blue")]),
        (400, [("EXPOSURE_BASE", "yellow")]),
        (499, [("EXPOSURE_BASE", "yellow")]),
        (500, [("EXPOSURE_EXCESS", "orange")]),
        (599, [("EXPOSURE_EXCESS", "orange")]),
        (600, [("EXPOSURE_CRITICAL", "red")]),
    ],
)
def test_the_tier_of_a_new_exposure(house: House, sold: int, expected: list[tuple[str, str]]):
    house.arrive(order("SO-1", 0, qty=sold))
    assert exposures(house) == expected
    assert [one.level.value for one in house.orders()] == [
        level for _, level in expected if level in {"orange", "red"}
    ]


def test_the_same_order_climbs_with_the_exposure_and_no_second_one_opens(house: House):
    for number, quantity in enumerate([300, 100, 150, 100]):
        house.arrive(order(f"SO-{number}", 60 * number, qty=quantity, actor=f"u{number}"))
    assert exposures(house) == [
        ("EXPOSURE_BASE", "blue"),
        ("EXPOSURE_BASE", "yellow"),
        ("EXPOSURE_EXCESS", "orange"),
        ("EXPOSURE_CRITICAL", "red"),
    ]
    (found,) = house.orders()
    assert (found.level, found.value) == ("red", -650)


def test_it_is_told_again_only_when_the_exposure_changed(house: House):
    house.arrive(order("SO-1", 0, qty=600))
    house.arrive(
        event("login", 10, kind="system"),
        order("SO-1", 20, qty=600),  # the same order once more
        event("order.submit", 30, order="SO-2", side="sell", qty=100),  # not yet a commitment
        event("erp.sync", 40, order="SO-1"),
    )
    told = [one for one in exposures(house) if one[0] == "EXPOSURE_CRITICAL"]
    # the entry in the ERP moves 600 t from not synchronised to synchronised: the fact changed
    assert len(told) == 2
    house.arrive(order("SO-3", 50, qty=10))
    assert len([one for one in exposures(house) if one[0] == "EXPOSURE_CRITICAL"]) == 3
    (found,) = [one for one in house.orders() if one.clears]
    assert found.value == -610


def test_below_its_first_tier_nothing_is_told_and_the_look_is_on_record(house: House):
    house.arrive(order("SO-1", 0, qty=10))
    assert exposures(house) == []
    (found,) = house.records(action="assessment.run")
    assert found.outcome == "none"
    assert found.body["outcomes"] == {"none": 1}
    assert found.body["rulebook"] == rulebook().hash


def test_a_level_is_not_lowered_by_an_exposure_that_falls(house: House):
    house.arrive(order("SO-1", 0, qty=600), order("SO-2", 60, side="buy", qty=100))
    assert exposures(house)[-1] == ("EXPOSURE_EXCESS", "orange")
    (found,) = house.orders()
    assert (found.level, found.value) == ("red", -500)


def test_an_order_of_another_unit_moves_only_its_own_exposure(house: House):
    house.arrive(
        order("SO-1", 0, qty=600, actor="lin"),
        event(
            "order.create",
            10,
            org=WEST,
            product="cu",
            order="SO-2",
            side="sell",
            qty=900,
            actor="x",
        ),
    )
    assert [one.org for one in house.orders()] == [EAST]


def test_the_group_s_limit_counts_what_lies_below_it(house: House):
    above = limit(1000, limit_id="G", org=GROUP)
    house.put([Dated(above, START - timedelta(days=1))])
    house.arrive(
        order("SO-1", 0, qty=100),
        event(
            "order.create",
            10,
            org=WEST,
            product="cu",
            order="SO-2",
            side="sell",
            qty=1100,
            actor="x",
        ),
    )
    (found,) = house.orders()
    assert (found.org, found.level, found.value) == (GROUP, "red", -1200)


# --- receipts -----------------------------------------------------------------------------------


def test_a_receipt_that_is_not_posted_makes_it_not_assessable_and_posting_brings_it_back(
    house: House,
):
    house.arrive(timeout("RK1", 0), timeout("RK2", 10))
    assert exposures(house)[-1] == ("EXPOSURE_CRITICAL", "red")
    (found,) = house.orders()
    assert [one.fact_key for one in found.clears] == ["Group/East|*|cu|*|net"]
    assert holds(house) is None
    house.arrive(posted("RK1", 60))
    assert holds(house) is None
    house.arrive(posted("RK2", 120))
    assert holds(house) is False
    assert [one[0] for one in exposures(house)][-1] == "EXPOSURE_CRITICAL"  # nothing new is told


def test_what_would_bring_it_back_is_the_receipts_first_and_no_hedge_meanwhile(house: House):
    house.arrive(timeout("RK1", 0))
    (match,) = house.records(kind="match")
    with house.store.reader() as connection:
        found = connection.execute(select(MATCHES.c.body)).scalar_one()
    remedies = dict(found["remedies"])
    assert remedies["post_receipts"]["quantity"] == "1500"
    assert remedies["post_receipts"]["net_after"] == "0"
    assert remedies["hedge_lots"]["possible"] is False
    assert remedies["hedge_lots"]["why"] == "NOT_ASSESSABLE"
    assert remedies["hedge_lots"]["lots"] == 201
    assert match.body["code"] == "EXPOSURE_CRITICAL"


# --- changes by others --------------------------------------------------------------------------


def test_a_limit_that_somebody_else_raises_is_seen_at_the_next_event(house: House):
    house.arrive(order("SO-1", 0, qty=600))
    set_limit(house, 10_000)
    assert holds(house) is False
    house.arrive(order("SO-2", 60, qty=100))
    assert len(exposures(house)) == 1


def test_a_limit_that_somebody_else_lowers_is_seen_at_the_next_event(house: House):
    house.arrive(order("SO-1", 0, qty=100))
    assert exposures(house) == []
    set_limit(house, 100)
    house.arrive(order("SO-2", 60, qty=20))
    assert exposures(house) == [("EXPOSURE_CRITICAL", "red")]


def test_a_contract_that_somebody_else_brings_is_seen_at_the_next_event(house: House):
    house.arrive(order("SO-1", 0, qty=100))
    bought = PhysicalContract(
        org=EAST, product="cu", month="2406", contract_id="C-2", side=Side.BUY, quantity=Decimal(90)
    )
    house.put([Dated(bought, house.now)], actor="lin", source="erp")
    house.arrive(order("SO-2", 60, qty=20))
    (fact,) = [row.body for row in house.log.facts("exposure", limit=100)][-1:]
    assert fact["net"] == "-30"


def test_of_two_limits_on_the_same_figure_the_lower_counts(house: House):
    house.put([Dated(limit(200, limit_id="INTERNAL"), START - timedelta(days=1))])
    house.arrive(order("SO-1", 0, qty=240))
    assert exposures(house) == [("EXPOSURE_CRITICAL", "red")]
    house.arrive(event("login", 10, kind="system"))
    house.arrive(event("erp.sync", 20, order="SO-0"))
    assert len(exposures(house)) == 1


def test_limits_on_two_projects_are_two_figures():
    book = BookState().put(
        limit(100, project="P1"),
        limit(100, project="P2", limit_id="P2"),
        PhysicalContract(
            org=EAST, product="cu", month="2406", contract_id="C", side=Side.BUY, project="P1",
            quantity=Decimal(90),
        ),
        PhysicalContract(
            org=EAST, product="cu", month="2406", contract_id="D", side=Side.BUY, project="P2",
            quantity=Decimal(10),
        ),
    )  # fmt: skip
    found = {view.key: view.fact["net"] for view in views(book, Scope(EAST, "cu"), START)}
    assert sorted(found.values()) == [10, 90]


def test_a_place_without_a_limit_is_seen_as_such(empty: House):
    empty.arrive(order("SO-1", 0, qty=600))
    (row,) = empty.log.facts("exposure", limit=10)
    assert "limit" not in row.body
    assert "use" not in row.body
    assert empty.orders() == []
    (found,) = empty.records(kind="match")
    assert found.body["code"] == "DATA_ISSUE"


# --- a backlog ----------------------------------------------------------------------------------


def test_a_breach_that_came_and_went_while_nobody_looked_is_seen_in_the_backlog(
    house: House, twin: House
):
    story = [timeout("RK1", 0), timeout("RK2", 10), posted("RK1", 60), posted("RK2", 70)]
    twin.arrive(*story)
    house.append(*story)
    house.look()
    assert exposures(house) == exposures(twin) != []
    assert [one.value for one in house.orders()] == [one.value for one in twin.orders()]
    assert holds(house) is False
