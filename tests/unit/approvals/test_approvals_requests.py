"""Requests in a real database with a real trail: clicks, races, and the grant that follows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import approvals
import trail
from approvals import (
    Code,
    NoPlan,
    State,
    Status,
    Subject,
    UnknownRequest,
    Verb,
    Wish,
    plan_from_mapping,
    shipped_plans,
)
from approvals.codec import state_from_json, to_json
from approvals.seating import seat_plan, session_deadline
from approvals.transition import transition
from directory import Directory, directory_from_mapping, read_directory, save_directory
from store import Store, open_engine
from store.schema import metadata

AT = datetime.fromisoformat("2024-05-14T14:30:00+08:00")
ORG = "集团/甲"

HOUSE, _PROBLEMS = directory_from_mapping(
    {
        "organisations": [{"path": ORG, "settings": {"product": "cu"}}],
        "people": [
            {"id": "liu", "role": "trader", "unit": ORG},
            {"id": "li", "role": "trader", "unit": ORG},
            {"id": "chen", "role": "risk_officer", "unit": ORG},
            {"id": "wang", "role": "manager", "unit": ORG},
            {"id": "gao", "role": "manager", "unit": "集团"},
            {"id": "arisk", "role": "risk_officer", "unit": "集团"},
            {"id": "admin", "role": "administrator", "unit": ORG},
        ],
    }
)


class Desk:
    """A store on a clock that the test moves, with short words for what people do."""

    def __init__(self, folder: Path) -> None:
        self.now = AT
        engine = open_engine(f"sqlite:///{folder}/desk.db")
        metadata.create_all(engine)
        keeper = trail.TrailKeeper(trail.open_keys(folder / "keys").trail)
        self.store = Store(engine, clock=lambda: self.now, before_commit=[keeper])
        self.house: Directory = HOUSE
        with self.store.unit_of_work("cli:root") as uow:
            save_directory(uow, HOUSE)

    def submit(self, subject: Subject) -> approvals.Outcome:
        with self.store.unit_of_work(subject.requester) as uow:
            return approvals.submit(uow, subject, self.house)

    def act(
        self, state: State, actor: str, verb: Verb, version: int | None = None, **more: object
    ) -> approvals.Outcome:
        seen = state.version if version is None else version
        with self.store.unit_of_work(actor) as uow:
            return approvals.act(
                uow,
                state.id,
                actor,
                verb,
                seen,
                directory=self.house,
                **more,  # type: ignore[arg-type]
            )

    def waiting(self, person: str) -> list[str]:
        with self.store.reader() as connection:
            found = approvals.waiting_for(connection, person, self.now)
            return [state.subject.object_id for state in found]

    def recorded(self, action: str) -> int:
        with self.store.reader() as connection:
            return len(trail.find(connection, action=action))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.engine.dispose()


ORDER = Subject(
    "hedge_order",
    "HO-1",
    ORG,
    "liu",
    amount=Decimal(525_000_000),
    currency="CNY",
    product="cu",
    material={"side": "buy", "quantity": "7500"},
)


def test_the_directory_of_these_tests_is_sound():
    assert _PROBLEMS == []


def test_a_large_order_needs_risk_and_management(desk: Desk):
    state = desk.submit(ORDER).state
    assert [step.signers for step in state.steps] == [("chen",), ("wang",)]
    assert (desk.waiting("chen"), desk.waiting("wang")) == (["HO-1"], [])
    state = desk.act(state, "chen", Verb.APPROVE).state
    assert (desk.waiting("chen"), desk.waiting("wang")) == ([], ["HO-1"])
    done = desk.act(state, "wang", Verb.APPROVE)
    assert (done.code, done.state.status) == (Code.APPROVED, Status.APPROVED)
    assert desk.recorded("approval.approve") == 2
    with desk.store.reader() as connection:
        assert approvals.read(connection, state.id) == done.state
        assert approvals.read_for(connection, "hedge_order", "HO-1") == (done.state,)


def test_a_step_of_a_role_is_reassigned_within_the_role(desk: Desk):
    """Else an order that wants a manager could be signed by two of the requester's colleagues."""
    state = desk.submit(ORDER).state
    state = desk.act(state, "chen", Verb.APPROVE).state
    for other in ("arisk", "li"):
        refused = desk.act(state, "wang", Verb.REASSIGN, to=other)
        assert (refused.accepted, refused.code) == (False, Code.TARGET_NOT_ELIGIBLE)
    handed = desk.act(state, "wang", Verb.REASSIGN, to="gao")
    assert (handed.code, handed.state.waiting_for) == (Code.REASSIGNED, ("gao",))
    added = desk.act(handed.state, "gao", Verb.ADD_SIGNER, to="arisk")
    assert added.code == Code.SIGNER_ADDED
    moved = desk.act(added.state, "arisk", Verb.REASSIGN, to="wang")
    assert moved.code == Code.REASSIGNED


def test_a_small_order_needs_one_signature(desk: Desk):
    state = desk.submit(replace(ORDER, amount=Decimal("4999999.99"))).state
    assert desk.act(state, "chen", Verb.APPROVE).state.status is Status.APPROVED


def test_a_double_click_leaves_one_record_and_gives_the_same_answer(desk: Desk):
    state = desk.submit(ORDER).state
    first = desk.act(state, "chen", Verb.APPROVE)
    second = desk.act(state, "chen", Verb.APPROVE)
    assert (second.code, second.state, second.changed) == (first.code, first.state, False)
    assert desk.recorded("approval.approve") == 1
    assert desk.submit(ORDER).code == Code.ALREADY_SUBMITTED
    assert desk.recorded("approval.submit") == 1


def test_a_refused_click_is_on_record_once(desk: Desk):
    state = desk.submit(ORDER).state
    for _ in range(2):
        assert desk.act(state, "liu", Verb.APPROVE).code == Code.SELF_APPROVAL
    assert desk.recorded("approval.approve") == 1
    with desk.store.reader() as connection:
        refused = approvals.history(connection, state.id)[-1]
    assert (refused.accepted, refused.code) == (False, Code.SELF_APPROVAL)


def test_who_may_sign_is_checked_at_the_click(desk: Desk):
    state = desk.submit(ORDER).state
    assert desk.act(state, "admin", Verb.APPROVE).code == "ADMINISTRATOR_CANNOT_SIGN"
    assert desk.act(state, "li", Verb.APPROVE).code == "NOT_GRANTED"
    assert desk.act(state, "stranger", Verb.APPROVE).code == "UNKNOWN_PERSON"
    gone = [replace(p, active=p.id != "chen") for p in HOUSE.people]
    desk.house = replace(HOUSE, people=tuple(gone))
    assert desk.act(state, "chen", Verb.APPROVE).code == "INACTIVE_PERSON"


def test_a_card_from_before_a_change_is_stale_and_a_fellow_signature_is_no_change(desk: Desk):
    state = desk.submit(ORDER).state
    seen = state.version
    changed = desk.act(
        state, "liu", Verb.MATERIAL_CHANGE, subject=replace(ORDER, amount=Decimal(600_000_000))
    ).state
    late = desk.act(changed, "chen", Verb.APPROVE, version=seen)
    assert (late.code, late.accepted, late.state) == (Code.APPROVAL_CHANGED, False, changed)
    signed = desk.act(changed, "chen", Verb.APPROVE).state
    done = desk.act(signed, "wang", Verb.APPROVE, version=changed.version)
    assert done.state.status is Status.APPROVED
    after = desk.act(signed, "gao", Verb.REJECT, version=seen, reason="PRICE")
    assert (after.code, after.state.status) == (Code.APPROVAL_DECIDED, Status.APPROVED)


def test_a_missing_grant_is_asked_for_and_given_by_a_second_person(desk: Desk):
    code = "fund.transfer.cross_dept"
    with desk.store.unit_of_work("liu") as uow:
        state = approvals.request_grant(uow, "liu", "liu", code, org=ORG, directory=HOUSE).state
    assert desk.waiting("wang") == [f"liu/{code}/{ORG}"]
    assert desk.act(state, "chen", Verb.APPROVE).code == "NOT_GRANTED"
    assert desk.act(state, "wang", Verb.APPROVE).state.status is Status.APPROVED
    with desk.store.reader() as connection:
        house = read_directory(connection)
    assert house.may("liu", code, ORG, AT).allowed
    liu = house.person("liu")
    assert liu is not None
    assert liu.grants[0].approved_by == "wang"
    assert desk.act(state, "wang", Verb.APPROVE).code == Code.APPROVED
    assert desk.recorded("grant.give") == 1


def test_nobody_approves_a_grant_for_themselves_by_another_hand(desk: Desk):
    with desk.store.unit_of_work("chen") as uow:
        state = approvals.request_grant(
            uow, "chen", "wang", "rules.write", org=ORG, directory=HOUSE
        ).state
    assert desk.act(state, "wang", Verb.APPROVE).code == Code.CAUSER_CANNOT_SIGN
    assert desk.act(state, "gao", Verb.APPROVE).state.status is Status.APPROVED


def test_who_may_not_ask_leaves_nothing_behind(desk: Desk):
    refused = desk.submit(replace(ORDER, requester="admin"))
    assert (refused.accepted, refused.code) == (False, "NOT_GRANTED")
    assert desk.recorded("approval.submit") == 0
    with pytest.raises(UnknownRequest):
        desk.act(refused.state, "chen", Verb.APPROVE)
    assert desk.submit(replace(ORDER, requester="system:suggestions")).accepted
    with pytest.raises(NoPlan):
        desk.submit(replace(ORDER, kind="holiday"))


def test_a_signer_who_asks_is_replaced_from_above(desk: Desk):
    limit = Subject("limit_change", "L-1", ORG, "chen", causers=("wang",))
    assert [s.signers for s in desk.submit(limit).state.steps] == [("arisk",), ("gao",)]


def test_a_standing_delegation_signs_and_shows_up(desk: Desk):
    state = desk.submit(ORDER).state
    wish = Wish("arisk", ORG, None, AT + timedelta(days=1), "on leave")
    with desk.store.unit_of_work("chen") as uow:
        lent = approvals.give_delegation(uow, wish, desk.house).lending
    assert lent is not None
    assert desk.waiting("arisk") == []
    with desk.store.unit_of_work("wang") as uow:
        assert approvals.confirm_delegation(uow, lent.number, desk.house).ok
    assert desk.waiting("arisk") == ["HO-1"]
    signed = desk.act(state, "arisk", Verb.APPROVE)
    assert (signed.state.signatures[0].seat, signed.state.signatures[0].by) == ("chen", "arisk")
    with desk.store.unit_of_work("chen") as uow:
        ended = approvals.end_delegation(uow, lent.number)
        assert (ended.code, ended.ok) == ("DELEGATION_OVER", True)
        assert approvals.end_delegation(uow, lent.number).code == "DELEGATION_ENDED"


def test_a_deadline_runs_on_the_trading_sessions_and_escalates(desk: Desk):
    state = desk.submit(ORDER).state
    # Half an hour until the close, then 21:00 to 00:30: four hours.
    assert state.due == datetime.fromisoformat("2024-05-15T00:30:00+08:00")
    assert desk.act(state, "system:escalator", Verb.TIMEOUT).code == Code.NOT_DUE
    desk.now = state.due
    with desk.store.reader() as connection:
        assert [one.id for one in approvals.due(connection, desk.now)] == [state.id]
    escalated = desk.act(state, "system:escalator", Verb.TIMEOUT)
    assert escalated.code == Code.ESCALATED
    assert set(escalated.state.steps[0].signers) == {"chen", "arisk", "gao"}
    desk.now = AT.astimezone(UTC) + timedelta(days=3)
    assert desk.act(escalated.state, "system:escalator", Verb.TIMEOUT).code == Code.APPROVAL_EXPIRED
    with desk.store.reader() as connection:
        assert approvals.due(connection, desk.now) == ()


def test_the_recorded_acts_give_the_stored_state_again(desk: Desk):
    state = desk.submit(ORDER).state
    desk.act(state, "wang", Verb.APPROVE)
    state = desk.act(state, "chen", Verb.ADD_SIGNER, to="arisk").state
    state = desk.act(state, "chen", Verb.APPROVE).state
    state = desk.act(state, "arisk", Verb.RETURN_FOR_PAPERS, reason="DATA", note="缺合同").state
    state = desk.act(state, "liu", Verb.SUBMIT, subject=replace(ORDER, amount=Decimal(9))).state
    state = desk.act(state, "chen", Verb.APPROVE).state
    assert state.status is Status.APPROVED
    with desk.store.reader() as connection:
        events = approvals.history(connection, state.id)
    plan = shipped_plans()["hedge_order"]
    assert plan.expires_after is not None
    again = State(
        state.id,
        ORDER,
        plan.id,
        plan.version,
        seat_plan(plan, ORDER, HOUSE, AT),
        expires=events[0].at + plan.expires_after,
    )
    for event in events:
        outcome = transition(again, event.act, event.at, session_deadline(HOUSE, again.subject))
        assert (outcome.accepted, outcome.code) == (event.accepted, event.code)
        again = outcome.state
    assert again == state
    assert state_from_json(to_json(state)) == state


def test_lists_are_bounded_by_scope(desk: Desk):
    state = desk.submit(ORDER).state
    with desk.store.reader() as connection:
        assert approvals.list_requests(connection, ["集团"]) == (state,)
        assert approvals.list_requests(connection, ["集团/甲/铜", "集团/_"]) == ()
        assert approvals.list_requests(connection, []) == ()


PLAN = {
    "plan": "P",
    "subject": "hedge_order",
    "bands": [{"upto": 100, "steps": ["one"]}, {"steps": ["one", "two"]}],
    "steps": {
        "one": {"who": {"role": "risk_officer"}, "after": "4h"},
        "two": {"who": {"people": ["wang", "gao", "chen"]}, "mode": "n_of", "need": 2},
    },
}


def test_bands_are_lower_inclusive_and_the_nearest_organisation_wins():
    bands = [*PLAN["bands"], {"org": "集团", "steps": ["two"]}]  # type: ignore[misc]
    plan, problems = plan_from_mapping({**PLAN, "bands": bands})
    assert problems == []
    assert plan is not None

    def names(org: str, amount: Decimal | None) -> list[str]:
        return [step.name for step in plan.steps_for(org, amount)]

    assert names("别处", Decimal("99.99")) == ["one"]
    assert names("别处", Decimal("-99.99")) == ["one"]
    assert names("别处", Decimal(100)) == ["one", "two"]
    assert names("别处", None) == ["one", "two"]
    assert names("集团/甲", Decimal(1)) == ["two"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bands": [{"upto": 100, "steps": ["one"]}]}, "BAND_WITHOUT_END"),
        ({"bands": [{"steps": ["one"]}, {"upto": 5, "steps": ["one"]}]}, "BAND_ORDER"),
        ({"bands": [{"steps": ["oen"]}]}, "UNKNOWN_STEP"),
        ({"bands": [{"steps": ["one", "one"]}]}, "BAND_STEPS"),
        ({"bands": []}, "FIELD_MISSING"),
        ({"steps": {"one": {"who": {"role": "risk"}}}}, "UNKNOWN_ROLE"),
        ({"steps": {"one": {"who": {}}}}, "ONE_KIND_OF_SIGNER"),
        ({"steps": {"one": {"who": {"people": ["a"]}, "mode": "some"}}}, "WORD_UNKNOWN"),
        ({"steps": {"one": {"who": {"people": ["a"]}, "need": 2}}}, "NEED_WITH_N_OF"),
        ({"steps": {"one": {"who": {"people": ["a"]}, "after": "soon"}}}, "BAD_DURATION"),
        ({"steps": {"one": {"who": {"people": ["a"]}, "then": "escalate"}}}, "ESCALATION_TARGET"),
        ({"stpes": {}}, "FIELD_UNKNOWN"),
    ],
)
def test_a_faulty_plan_is_not_used(change: dict[str, object], code: str):
    plan, problems = plan_from_mapping({**PLAN, **change})
    assert plan is None
    assert code in [problem.code for problem in problems]
