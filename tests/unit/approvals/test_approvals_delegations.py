"""Delegations: two people make one, nothing stands across another, each counts in its bounds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import approvals
import trail
from approvals import (
    Act,
    Code,
    Delegation,
    LendingCode,
    LendingOutcome,
    LendingState,
    OpenStep,
    State,
    Status,
    Subject,
    UnknownDelegation,
    Verb,
    Wish,
    transition,
)
from approvals.codec import state_from_json, to_json
from directory import directory_from_mapping
from store import Store, open_engine
from store.schema import metadata

AT = datetime.fromisoformat("2024-05-14T14:30:00+08:00")
ORG = "集团/甲"
DAY = timedelta(days=1)
PLAIN = Wish("wang", ORG, None, AT + 5 * DAY, "on leave")
HOUSE, _ = directory_from_mapping(
    {
        "organisations": [{"path": ORG}, {"path": "集团/乙"}],
        "people": [
            {"id": "liu", "role": "trader", "unit": ORG},
            {"id": "chen", "role": "risk_officer", "unit": ORG},
            {"id": "li", "role": "risk_officer", "unit": ORG},
            {"id": "wang", "role": "manager", "unit": ORG},
            {"id": "gao", "role": "manager", "unit": "集团"},
        ],
    }
)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.now = AT
        engine = open_engine(f"sqlite:///{folder}/desk.db")
        metadata.create_all(engine)
        keeper = trail.TrailKeeper(trail.open_keys(folder / "keys").trail)
        self.store = Store(engine, clock=lambda: self.now, before_commit=[keeper])

    def give(self, person: str, wish: Wish) -> LendingOutcome:
        with self.store.unit_of_work(person) as uow:
            return approvals.give_delegation(uow, wish, HOUSE)

    def confirm(self, person: str, number: str) -> LendingOutcome:
        with self.store.unit_of_work(person) as uow:
            return approvals.confirm_delegation(uow, number, HOUSE)

    def end(self, person: str, number: str) -> LendingOutcome:
        with self.store.unit_of_work(person) as uow:
            return approvals.end_delegation(uow, number, "back early")

    def stands(self, person: str, wish: Wish, second: str) -> str:
        number = number_of(self.give(person, wish))
        assert self.confirm(second, number).ok
        return number

    def state(self, number: str) -> LendingState:
        with self.store.reader() as connection:
            return approvals.find_delegation(connection, number).state(self.now)

    def records(self, action: str) -> list[tuple[str, str]]:
        with self.store.reader() as connection:
            found = trail.find(connection, action=action)
        return [(one.outcome, one.reason) for one in reversed(found)]


def number_of(outcome: LendingOutcome) -> str:
    assert outcome.lending is not None, outcome
    return outcome.lending.number


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.engine.dispose()


@pytest.mark.parametrize(
    ("who", "wish", "code"),
    [
        ("chen", replace(PLAIN, delegate="chen"), "DELEGATION_TO_SELF"),
        ("chen", replace(PLAIN, ends=AT), "DELEGATION_TIMES"),
        ("chen", replace(PLAIN, starts=AT + 6 * DAY), "DELEGATION_TIMES"),
        ("chen", replace(PLAIN, ends=AT + 93 * DAY), "DELEGATION_TIMES"),
        ("chen", replace(PLAIN, starts=AT + 93 * DAY, ends=AT + 94 * DAY), "DELEGATION_TIMES"),
        ("chen", replace(PLAIN, reason=" "), "DELEGATION_REASON"),
        ("chen", replace(PLAIN, kind="holiday"), "DELEGATION_KIND"),
        ("chen", replace(PLAIN, cap=Decimal(5)), "DELEGATION_MONEY"),
        ("chen", replace(PLAIN, currency="CNY"), "DELEGATION_MONEY"),
        ("chen", replace(PLAIN, cap=Decimal(0), currency="CNY"), "DELEGATION_MONEY"),
        ("chen", replace(PLAIN, cap=Decimal(5), currency="yuan"), "DELEGATION_MONEY"),
        ("chen", replace(PLAIN, delegate="liu"), "DELEGATE_MAY_NOT_SIGN"),
        ("chen", replace(PLAIN, delegate="nobody"), "DELEGATE_MAY_NOT_SIGN"),
        ("chen", replace(PLAIN, scope="集团/乙"), "GRANT_OUT_OF_SCOPE"),
        ("liu", PLAIN, "NOT_GRANTED"),
    ],
)
def test_what_cannot_be_asked_for_is_told_and_recorded(desk: Desk, who: str, wish: Wish, code: str):
    outcome = desk.give(who, wish)
    assert (outcome.ok, outcome.code, outcome.lending) == (False, code, None)
    assert desk.records("delegation.give") == [("refused", code)]


def test_two_people_make_one_and_it_counts_from_its_start(desk: Desk):
    number = number_of(desk.give("chen", replace(PLAIN, starts=AT + DAY)))
    assert desk.state(number) is LendingState.WAITING
    refused = desk.confirm("chen", number)
    assert (refused.ok, refused.code) == (False, "DELEGATION_OWN")
    assert desk.confirm("liu", number).code == "NOT_GRANTED"
    agreed = desk.confirm("li", number)  # a third person; the delegate could too
    assert (agreed.ok, agreed.code) == (True, "DELEGATION_AGREED")
    assert desk.confirm("wang", number).code == "AGREED_BEFORE"
    assert desk.state(number) is LendingState.PLANNED
    desk.now = AT + DAY
    assert desk.state(number) is LendingState.ACTIVE
    desk.now = AT + 5 * DAY
    assert desk.state(number) is LendingState.OVER
    assert desk.records("delegation.confirm") == [
        ("refused", "DELEGATION_OWN"),
        ("refused", "NOT_GRANTED"),
        ("done", "DELEGATION_AGREED"),
    ]


def test_the_same_twice_is_one(desk: Desk):
    first = number_of(desk.give("chen", PLAIN))
    desk.now += timedelta(minutes=5)
    again = desk.give("chen", replace(PLAIN, reason="in other words"))
    assert (again.ok, again.code, number_of(again)) == (True, "ALREADY_LENT", first)
    assert len(desk.records("delegation.give")) == 1


def test_a_seat_is_lent_once_at_a_time(desk: Desk):
    first = number_of(desk.give("chen", PLAIN))
    second = desk.give("chen", replace(PLAIN, delegate="gao"))
    assert second.code == LendingCode.DELEGATION_OVERLAPS
    assert second.params == {"number": first, "person": "wang"}
    later = replace(PLAIN, delegate="gao", starts=PLAIN.ends, ends=PLAIN.ends + DAY)
    assert desk.give("chen", later).ok, "one begins as the other ends"
    assert desk.end("chen", first).ok
    assert desk.give("chen", replace(PLAIN, delegate="gao")).ok, "what is ended is out of the way"


def test_other_kinds_do_not_overlap(desk: Desk):
    assert desk.give("chen", replace(PLAIN, kind="hedge_order")).ok
    assert desk.give("chen", replace(PLAIN, delegate="gao", kind="override")).ok
    assert desk.give("chen", replace(PLAIN, delegate="li")).code == "DELEGATION_OVERLAPS"


def test_a_ring_is_told_with_its_people(desk: Desk):
    desk.stands("chen", PLAIN, "li")
    assert desk.give("wang", replace(PLAIN, delegate="li")).ok
    ring = desk.give("li", replace(PLAIN, delegate="chen"))
    assert ring.code == LendingCode.DELEGATION_CYCLE
    assert ring.params == {"chain": "li → chen → wang → li"}
    after = replace(PLAIN, delegate="chen", starts=PLAIN.ends, ends=PLAIN.ends + DAY)
    assert desk.give("li", after).ok, "after the others have ended there is no ring"


def test_two_asked_for_at_the_same_moment_do_not_both_come_to_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Neither sees the other; the second agreement finds out."""
    first = number_of(desk.give("chen", PLAIN))
    with monkeypatch.context() as blind:
        blind.setattr("approvals.delegations._live", lambda _uow: [])
        second = number_of(desk.give("chen", replace(PLAIN, delegate="gao")))
    assert desk.confirm("wang", first).ok
    assert desk.confirm("gao", second).code == "DELEGATION_OVERLAPS"
    assert desk.state(second) is LendingState.WAITING


def test_who_ends_one_and_what_then(desk: Desk):
    number = desk.stands("chen", PLAIN, "wang")
    refused = desk.end("gao", number)
    assert (refused.ok, refused.code) == (False, "DELEGATION_NOT_YOURS")
    desk.now += timedelta(hours=1)
    assert desk.end("wang", number).code == "DELEGATION_OVER"
    assert desk.state(number) is LendingState.ENDED
    assert desk.confirm("li", number).code == "DELEGATION_ENDED"
    with desk.store.reader() as connection:
        one = approvals.find_delegation(connection, number)
    assert one.delegation().ends == desk.now
    assert (one.ended_by, one.ends) == ("wang", PLAIN.ends)
    assert desk.records("delegation.end")[-1] == ("done", "DELEGATION_OVER")


@pytest.mark.parametrize("number", ["DG-1", "DG-", "DG-٣", "1", "DG-01", "DG-9999999999", ""])
def test_a_number_that_is_none(desk: Desk, number: str):
    with desk.store.reader() as connection, pytest.raises(UnknownDelegation):
        approvals.find_delegation(connection, number)


def test_a_delegate_who_may_no_longer_sign_is_not_agreed_to(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    number = number_of(desk.give("chen", PLAIN))
    gone, _ = directory_from_mapping(
        {
            "organisations": [{"path": ORG}],
            "people": [
                {"id": "li", "role": "risk_officer", "unit": ORG},
                {"id": "wang", "role": "trader", "unit": ORG},
            ],
        }
    )
    monkeypatch.setattr("test_approvals_delegations.HOUSE", gone)
    assert desk.confirm("li", number).code == "DELEGATE_MAY_NOT_SIGN"


SUBJECT = Subject("hedge_order", "HO-1", ORG, "liu", amount=Decimal(500), currency="CNY")
WAITING = State("AP-1", SUBJECT, "p", 1, (OpenStep("risk", 1, ("chen",)),), Status.PENDING)


@pytest.mark.parametrize(
    ("lent", "code"),
    [
        (Delegation("chen", "wang", ORG, AT + DAY, starts=AT), Code.APPROVED),
        (Delegation("chen", "wang", ORG, AT + DAY, starts=AT + DAY / 2), Code.DELEGATION_NOT_BEGUN),
        (Delegation("chen", "wang", ORG, AT + DAY, Decimal(500), currency="CNY"), Code.APPROVED),
        (Delegation("chen", "wang", ORG, AT + DAY, Decimal(499), currency="CNY"),
         Code.DELEGATION_CAP),
        (Delegation("chen", "wang", ORG, AT + DAY, Decimal(9999), currency="JPY"),
         Code.DELEGATION_CAP),
    ],
)  # fmt: skip
def test_a_delegation_counts_within_its_time_and_its_money(lent: Delegation, code: Code):
    signing = Act(Verb.APPROVE, "wang", on_behalf_of="chen", delegation=lent)
    assert transition(WAITING, signing, AT).code == code
    kept = replace(WAITING, delegations=(lent,))
    assert state_from_json(to_json(kept)) == kept
