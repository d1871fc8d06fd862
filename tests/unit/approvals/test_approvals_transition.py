"""The one transition function: who may sign, what repeats, what restarts, and that all ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import Act, Code, Delegation, OpenStep, State, Status, Subject, Then, Verb
from approvals.segregation import feasible
from approvals.transition import transition

AT = datetime(2024, 5, 14, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBJECT = Subject(
    "hedge_order", "HO-1", "集团/甲", "asker", causers=("causer",), amount=Decimal(100)
)


def draft(*steps: OpenStep, subject: Subject = SUBJECT) -> State:
    return State("AP-1", subject, "P", 1, steps, expires=AT + 100 * HOUR)


def any_of(*names: str, **more: object) -> OpenStep:
    return OpenStep("any", 1, names, **more)  # type: ignore[arg-type]


def run(state: State, *acts: Act, at: datetime = AT) -> State:
    for act in acts:
        outcome = transition(state, act, at)
        assert outcome.accepted, (act, outcome.code)
        state = outcome.state
    return state


def code(state: State, act: Act, at: datetime = AT) -> str:
    outcome = transition(state, act, at)
    assert outcome.changed == (outcome.state != state)
    return outcome.code


SUBMIT = Act(Verb.SUBMIT, "asker")


def approve(actor: str, **more: object) -> Act:
    return Act(Verb.APPROVE, actor, **more)  # type: ignore[arg-type]


def reject(actor: str, reason: str = "PRICE") -> Act:
    return Act(Verb.REJECT, actor, reason=reason)


PENDING = run(draft(any_of("a", "b"), any_of("c", "d")), SUBMIT)


def test_a_chain_is_signed_step_by_step():
    first = run(PENDING, approve("a"))
    assert (first.status, first.step) == (Status.PENDING, 1)
    assert first.waiting_for == ("c", "d")
    done = run(first, approve("d"))
    assert (done.status, done.decided_by, done.decided_at) == (Status.APPROVED, "d", AT)


def test_all_sign_any_signs_and_n_of_m():
    everybody = run(draft(OpenStep("s", 3, ("a", "b", "c"))), SUBMIT, approve("a"), approve("b"))
    assert everybody.status is Status.PENDING
    assert run(everybody, approve("c")).status is Status.APPROVED
    two_of_three = run(draft(OpenStep("s", 2, ("a", "b", "c"))), SUBMIT, approve("c"))
    assert two_of_three.waiting_for == ("a", "b")
    assert run(two_of_three, approve("a")).status is Status.APPROVED


def test_nobody_approves_the_own_request_or_what_they_caused():
    seats = any_of("a", "asker", "causer")
    state = run(draft(seats), SUBMIT)
    assert code(state, approve("asker")) == Code.SELF_APPROVAL
    assert code(state, approve("causer")) == Code.CAUSER_CANNOT_SIGN
    assert state.waiting_for == ("a",)


def test_nobody_signs_two_steps():
    state = run(draft(any_of("a", "b"), any_of("a", "c")), SUBMIT, approve("a"))
    assert code(state, approve("a")) == Code.SIGNED_BEFORE
    assert run(state, approve("c")).status is Status.APPROVED


def test_a_chain_that_cannot_be_filled_by_different_people_does_not_start():
    assert code(draft(any_of("a"), any_of("a")), SUBMIT) == Code.NO_ELIGIBLE_SIGNERS
    assert code(draft(any_of("asker")), SUBMIT) == Code.NO_ELIGIBLE_SIGNERS
    assert code(draft(OpenStep("s", 1, ())), SUBMIT) == Code.NO_ELIGIBLE_SIGNERS
    assert feasible((any_of("a", "b"), any_of("a")), ())
    assert not feasible((any_of("a", "b"), any_of("a"), any_of("b")), ())


def test_an_early_approval_is_refused_and_not_remembered():
    before = draft(any_of("a"))
    assert code(before, approve("a")) == Code.NOT_SUBMITTED
    assert run(before, SUBMIT).status is Status.PENDING
    assert code(PENDING, approve("c")) == Code.NOT_YOUR_TURN
    assert run(PENDING, approve("a")).signatures[-1].by == "a"
    assert run(PENDING, approve("a")).status is Status.PENDING


def test_the_same_act_twice_changes_nothing_the_second_time():
    everybody = run(draft(OpenStep("s", 2, ("a", "b"))), SUBMIT, approve("a"))
    assert code(everybody, approve("a")) == Code.ALREADY_SIGNED
    assert code(everybody, SUBMIT) == Code.ALREADY_SUBMITTED
    assert code(run(PENDING, approve("a")), approve("a")) == Code.ALREADY_SIGNED
    nudged = run(PENDING, Act(Verb.NUDGE, "asker"))
    assert code(nudged, Act(Verb.NUDGE, "asker")) == Code.ALREADY_NUDGED
    assert code(nudged, Act(Verb.NUDGE, "asker"), AT + HOUR) == Code.NUDGED
    assert code(nudged, Act(Verb.NUDGE, "stranger")) == Code.NOT_INVOLVED


def test_a_finished_request_answers_with_what_was_decided():
    rejected = run(PENDING, reject("a"))
    assert (rejected.status, rejected.reason) == (Status.REJECTED, "PRICE")
    for verb in Verb:
        outcome = transition(rejected, Act(verb, "a", reason="DATA", to="x"), AT)
        assert (outcome.code, outcome.state) == (Code.APPROVAL_DECIDED, rejected)


def test_a_rejection_needs_a_reason_from_the_list():
    assert code(PENDING, reject("a", "")) == Code.REASON_NEEDED
    assert code(PENDING, reject("a", "because")) == Code.REASON_NEEDED


def test_papers_are_sent_back_and_the_chain_starts_again():
    two = run(PENDING, approve("a"), Act(Verb.RETURN_FOR_PAPERS, "c", reason="PAPERS_MISSING"))
    assert two.status is Status.PAPERS
    assert code(two, approve("c")) == Code.NOT_SUBMITTED
    again = run(two, SUBMIT)
    assert (again.status, again.round, again.step, again.signatures) == (Status.PENDING, 2, 0, ())
    assert again.round_version == again.version


def test_a_material_change_restarts_and_bars_who_made_it():
    bigger = replace(SUBJECT, amount=Decimal(200), causers=())
    signed = run(PENDING, approve("a"))
    changed = run(signed, Act(Verb.MATERIAL_CHANGE, "b", subject=bigger))
    assert (changed.round, changed.step, changed.signatures) == (2, 0, ())
    assert changed.subject.causers == ("causer",)  # causers only join
    assert code(changed, approve("b")) == Code.CAUSER_CANNOT_SIGN
    assert code(changed, Act(Verb.MATERIAL_CHANGE, "b", subject=bigger)) == Code.NOTHING_CHANGED
    assert run(changed, approve("a"), approve("c")).status is Status.APPROVED


def test_a_change_that_leaves_no_signers_waits_with_the_requester():
    state = run(draft(any_of("a")), SUBMIT)
    changed = run(state, Act(Verb.MATERIAL_CHANGE, "a", subject=replace(SUBJECT, product="cu")))
    assert changed.status is Status.PAPERS
    assert code(changed, SUBMIT) == Code.NO_ELIGIBLE_SIGNERS
    assert run(changed, Act(Verb.WITHDRAW, "asker")).status is Status.WITHDRAWN


def test_a_seat_can_be_handed_on_to_somebody_eligible_only():
    state = run(draft(OpenStep("s", 2, ("a", "b")), any_of("c")), SUBMIT)
    for target in ("", "asker", "causer", "b", "c"):
        act = Act(Verb.REASSIGN, "a", to=target)
        assert code(state, act) == Code.TARGET_NOT_ELIGIBLE
    forbidden = Act(Verb.REASSIGN, "a", to="x", target_permitted="NOT_GRANTED")
    assert code(state, forbidden) == Code.TARGET_NOT_ELIGIBLE
    handed = run(state, Act(Verb.REASSIGN, "a", to="x"))
    assert code(handed, approve("a")) == Code.NOT_A_SIGNER
    assert run(handed, approve("x"), approve("b")).step == 1


def test_an_added_signer_must_sign_too():
    state = run(draft(any_of("a", "b")), SUBMIT, Act(Verb.ADD_SIGNER, "a", to="x"))
    signed = run(state, approve("a"))
    assert signed.status is Status.PENDING
    assert run(signed, approve("x")).status is Status.APPROVED


def delegation(**more: object) -> Delegation:
    values = {"principal": "a", "delegate": "x", "scope": "集团", "ends": AT + HOUR}
    return Delegation(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_", "at", "expected"),
    [
        (delegation(), AT, Code.SIGNED),
        (delegation(), AT + HOUR, Code.DELEGATION_ENDED),
        (delegation(scope="集团/乙"), AT, Code.DELEGATION_SCOPE),
        (delegation(kind="limit_change"), AT, Code.DELEGATION_SCOPE),
        (delegation(cap=Decimal(99)), AT, Code.DELEGATION_CAP),
        (delegation(cap=Decimal(100)), AT, Code.SIGNED),
        (delegation(delegate="y"), AT, Code.NO_DELEGATION),
    ],
)
def test_a_delegate_signs_within_scope_cap_and_end(given_: Delegation, at: datetime, expected: str):
    act = approve("x", on_behalf_of="a", delegation=given_)
    assert code(PENDING, act, at) == expected


def test_a_delegation_does_not_multiply_signatures():
    state = run(draft(OpenStep("s", 2, ("a", "b", "c"))), SUBMIT)
    lent = [delegation(), delegation(principal="b")]
    first = run(state, approve("x", on_behalf_of="a", delegation=lent[0]))
    second = approve("x", on_behalf_of="b", delegation=lent[1])
    assert code(first, second) == Code.SIGNED_BEFORE
    assert code(first, approve("a")) == Code.SIGNED_BEFORE
    assert run(first, approve("b")).status is Status.APPROVED
    requester = approve("asker", on_behalf_of="a", delegation=delegation(delegate="asker"))
    assert code(state, requester) == Code.SELF_APPROVAL


def test_a_delegation_given_inside_a_request_serves_there():
    lending = Act(Verb.DELEGATE, "a", to="x", delegation=delegation(principal="", delegate=""))
    state = run(PENDING, lending)
    assert code(state, lending) == Code.ALREADY_DELEGATED
    assert run(state, approve("x", on_behalf_of="a")).step == 1


def test_a_permission_lost_since_the_card_was_sent_refuses_the_click():
    assert code(PENDING, approve("a", permitted="INACTIVE_PERSON")) == "INACTIVE_PERSON"


TIMEOUT = Act(Verb.TIMEOUT, "system:escalator")


def test_a_deadline_escalates_once_without_weakening_the_quorum_then_ends():
    step = OpenStep(
        "s", 2, ("a", "b"), after_s=3600, then=Then.ESCALATE, escalate_to=("x", "a", "asker")
    )
    state = run(draft(step), SUBMIT)
    assert code(state, TIMEOUT, AT + HOUR - timedelta(seconds=1)) == Code.NOT_DUE
    wider = run(state, TIMEOUT, at=AT + HOUR)
    assert wider.steps[0].signers == ("a", "b", "x")
    assert wider.steps[0].need == 2
    assert code(wider, TIMEOUT, AT + HOUR) == Code.NOT_DUE
    assert run(wider, TIMEOUT, at=AT + 2 * HOUR).status is Status.EXPIRED


def test_the_whole_request_expires_wherever_it_stands():
    late = AT + 100 * HOUR
    returned = run(PENDING, Act(Verb.RETURN_FOR_PAPERS, "a", reason="DATA"))
    for state in (draft(any_of("a")), PENDING, returned):
        assert run(state, TIMEOUT, at=late).status is Status.EXPIRED


def test_only_the_requester_submits_and_withdraws():
    assert code(draft(any_of("a")), Act(Verb.SUBMIT, "a")) == Code.NOT_THE_REQUESTER
    assert code(PENDING, Act(Verb.WITHDRAW, "a")) == Code.NOT_THE_REQUESTER
    assert run(PENDING, Act(Verb.WITHDRAW, "asker")).status is Status.WITHDRAWN


PEOPLE = ["asker", "causer", "a", "b", "c", "d"]
NAMES = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def chains(draw: st.DrawFn) -> tuple[OpenStep, ...]:
    steps: list[OpenStep] = []
    for index in range(draw(st.integers(1, 3))):
        names = draw(NAMES)
        steps.append(
            OpenStep(
                f"s{index}",
                draw(st.integers(1, len(names))),
                names,
                after_s=draw(st.sampled_from([None, 3600])),
                then=draw(st.sampled_from(list(Then))),
                escalate_to=draw(st.sampled_from([(), ("d",), ("c", "d")])),
            )
        )
    return tuple(steps)


ACTS = st.builds(
    Act,
    verb=st.sampled_from([*Verb, Verb.APPROVE, Verb.APPROVE, Verb.APPROVE, Verb.SUBMIT]),
    actor=st.sampled_from(PEOPLE),
    permitted=st.sampled_from(["", "", "", "NOT_GRANTED"]),
    reason=st.sampled_from(["", "PRICE"]),
    to=st.sampled_from(["", *PEOPLE]),
    on_behalf_of=st.sampled_from(["", "", *PEOPLE]),
    delegation=st.none()
    | st.builds(
        Delegation,
        principal=st.sampled_from(PEOPLE),
        delegate=st.sampled_from(PEOPLE),
        scope=st.just("集团"),
        ends=st.just(AT + 50 * HOUR),
    ),
    subject=st.none() | st.builds(lambda n: replace(SUBJECT, amount=Decimal(n)), st.integers(1, 3)),
)


@settings(deadline=None, max_examples=300)
@given(steps=chains(), acts=st.lists(st.tuples(ACTS, st.integers(0, 60)), max_size=25))
def test_whatever_happens_only_enough_different_permitted_people_approve(
    steps: tuple[OpenStep, ...], acts: list[tuple[Act, int]]
):
    state = draft(*steps)
    for act, minutes in acts:
        at = AT + timedelta(minutes=minutes)
        before = state
        outcome = transition(state, act, at)
        state = outcome.state
        assert state.version == before.version + outcome.changed
        assert outcome.accepted or not outcome.changed
        if before.status.final:
            assert state == before
            continue
        if act.verb is Verb.APPROVE and outcome.changed:
            assert not act.permitted
            assert before.status is Status.PENDING
        used = [{s.seat, s.by} for s in state.signatures]
        never = {"asker", "causer", *state.barred}
        assert all(not names & never for names in used)
        assert len(set().union(*used)) == sum(map(len, used))
        if state.status is Status.APPROVED:
            assert len(state.steps) == len(steps)
            for index, step in enumerate(state.steps):
                here = {s.seat for s in state.signatures if s.step == index}
                assert len(here & set(step.signers)) >= step.need >= 1
                assert here >= set(step.extra)
        if not state.status.final:
            exits = transition(state, Act(Verb.WITHDRAW, "asker"), at)
            assert exits.state.status is Status.WITHDRAWN
            assert transition(state, TIMEOUT, AT + 100 * HOUR).state.status is Status.EXPIRED


@settings(deadline=None, max_examples=100)
@given(steps=chains())
def test_every_chain_that_starts_can_be_approved(steps: tuple[OpenStep, ...]):
    outcome = transition(draft(*steps), SUBMIT, AT)
    if not outcome.accepted:
        return
    found = [outcome.state]
    while found:
        state = found.pop()
        if state.status is Status.APPROVED:
            return
        found.extend(
            after.state
            for name in state.waiting_for
            if (after := transition(state, approve(name), AT)).changed
        )
    raise AssertionError("no order of signatures approves it")
