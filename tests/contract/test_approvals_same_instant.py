"""Two people at the same instant, each on a connection of their own: one waits for the other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from same_instant import AT, ON_POSTGRES, Desk, Doing
from sqlalchemy import Engine, select, update

import approvals
import trail
from approvals import LendingOutcome, Outcome, Status, Subject, Wish
from approvals.codec import to_json
from approvals.tables import RequestRow
from directory import directory_from_mapping
from store.schema import table
from store.upsert import insert_new

ORG = "集团/甲"
OFFICERS = ("chen", "li", "wang", "gao")
HOUSE, _ = directory_from_mapping(
    {
        "organisations": [{"path": ORG, "settings": {"submit_limit": "1000.5"}}],
        "people": [
            {"id": "liu", "role": "trader", "unit": ORG},
            *({"id": one, "role": "risk_officer", "unit": ORG} for one in OFFICERS),
        ],
    }
)


@pytest.fixture(name="desk")
def _desk(database: Engine, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def _giving(principal: str, delegate: str) -> Doing[LendingOutcome]:
    wish = Wish(delegate, ORG, None, AT + timedelta(days=2), "away")
    return principal, lambda uow: approvals.give_delegation(uow, wish, HOUSE)


def _lent(desk: Desk, principal: str, delegate: str) -> str:
    made = desk.do(_giving(principal, delegate))
    assert made.lending is not None
    return made.lending.number


def _agreeing(person: str, number: str) -> Doing[LendingOutcome]:
    return person, lambda uow: approvals.confirm_delegation(uow, number, HOUSE)


def _asked_of_two(desk: Desk, signers: Sequence[str]) -> str:
    """A request whose one step needs two of `signers`."""
    order = Subject("hedge_order", "HO", ORG, "liu", amount=Decimal(5))
    state = desk.do(("liu", lambda uow: approvals.submit(uow, order, HOUSE))).state
    step = replace(state.steps[0], need=2, signers=tuple(signers))
    seated = update(table(str(RequestRow.__tablename__)))
    with desk.engine.begin() as connection:
        connection.execute(seated.values(state=to_json(replace(state, steps=(step,)))))
    return state.id


def _signing(person: str, request: str) -> Doing[Outcome]:
    return person, lambda uow: approvals.act(uow, request, person, "approve", 1, directory=HOUSE)


def _asking(person: str, what: str = "HO") -> Doing[Outcome]:
    order = Subject("hedge_order", what, ORG, person, amount=Decimal(5))
    return person, lambda uow: approvals.submit(uow, order, HOUSE)


@ON_POSTGRES
def test_the_same_asked_for_twice_at_the_same_instant_is_one_request(desk: Desk):
    """The second waits for the first, and is told the number under which it is open."""
    first, second = desk.together(_asking("liu"), _asking("liu"))
    assert (first.code, second.code) == ("SUBMITTED", "ALREADY_SUBMITTED")
    assert (second.accepted, second.changed) == (True, False)
    assert second.state == first.state
    with desk.store.reader() as connection:
        assert [one.id for one in approvals.read_for(connection, "hedge_order", "HO")] == [
            first.state.id
        ]
        assert len(trail.find(connection, action="approval.submit")) == 1


@ON_POSTGRES
def test_two_people_or_two_matters_at_the_same_instant_are_two_requests(desk: Desk):
    assert desk.do(_asking("liu", "other")).code == "SUBMITTED"
    outcomes = desk.together(_asking("liu"), _asking("chen"))
    assert [one.code for one in outcomes] == ["SUBMITTED", "SUBMITTED"]


def test_the_database_keeps_a_second_undecided_request_out(desk: Desk):
    """In either database; once the first is decided there is room for another."""
    request = desk.do(_asking("liu")).state
    rows = table(str(RequestRow.__tablename__))
    with desk.engine.begin() as connection:
        row = dict(connection.execute(select(rows)).mappings().one())
        assert not insert_new(connection, rows, {**row, "id": "AP-other"})
        over = {**row, "status": "withdrawn", "state": {**row["state"], "status": "withdrawn"}}
        assert insert_new(connection, rows, {**over, "id": "AP-third"})
    out = desk.do(("liu", lambda uow: approvals.act(
        uow, request.id, "liu", "withdraw", 1, directory=HOUSE
    )))  # fmt: skip
    assert out.state.status is Status.WITHDRAWN
    again = desk.do(_asking("liu"))
    assert again.code == "SUBMITTED"
    assert again.state.id != request.id


@ON_POSTGRES
@pytest.mark.parametrize("lent", [False, True], ids=["own-seat", "lent-seat"])
def test_two_who_sign_at_the_same_instant_both_count(desk: Desk, *, lent: bool):
    """Two of N: neither overwrites the other, whoever's seat it is, and one of them decides."""
    if lent:
        assert desk.do(_agreeing("chen", _lent(desk, "gao", "wang"))).ok
    request = _asked_of_two(desk, ("gao", "li") if lent else ("wang", "li", "chen"))
    outcomes = desk.together(_signing("wang", request), _signing("li", request))
    assert [(one.code, one.changed) for one in outcomes] == [("SIGNED", True), ("APPROVED", True)]
    with desk.store.reader() as connection:
        assert approvals.read(connection, request).status is Status.APPROVED
        assert len(trail.find(connection, action="approval.approve")) == 2


@ON_POSTGRES
def test_one_who_signs_twice_at_the_same_instant_counts_once(desk: Desk):
    request = _asked_of_two(desk, ("wang", "li", "chen"))
    first, second = desk.together(_signing("wang", request), _signing("wang", request))
    assert (first.changed, second.changed) == (True, False)
    with desk.store.reader() as connection:
        assert not approvals.read(connection, request).status.final
        assert len(trail.find(connection, action="approval.approve")) == 1


@ON_POSTGRES
@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ((("chen", "wang"), ("wang", "chen")), "DELEGATION_CYCLE"),
        ((("chen", "wang"), ("chen", "li")), "DELEGATION_OVERLAPS"),
    ],
    ids=["ring", "overlap"],
)
def test_of_two_that_exclude_each_other_one_is_agreed_to(
    desk: Desk, pairs: tuple[tuple[str, str], tuple[str, str]], code: str
):
    """Neither was given when the other was asked for; both are agreed to at the same instant."""
    one_asks, other_asks = pairs
    given = desk.together(_giving(*one_asks), _giving(*other_asks))
    numbers = [one.lending.number for one in given if one.lending is not None]
    assert len(set(numbers)) == 2, given
    one, other = (_agreeing("gao", number) for number in numbers)
    outcomes = Desk(desk.engine, desk.folder).together(one, other)
    told = [(outcome.ok, outcome.code) for outcome in outcomes]
    assert told == [(True, "DELEGATION_AGREED"), (False, code)]
