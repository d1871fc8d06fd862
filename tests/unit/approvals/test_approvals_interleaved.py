"""Whoever acts, in whatever order: nothing is approved without the people it needs.

A state machine drives the one transition function. Beside it stands a model that knows nothing of
versions, rounds or cards: who signed since the chain last began, and who may sign at all.
"""

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from approvals import Act, Delegation, OpenStep, State, Status, Subject, Then, Verb
from approvals.transition import transition

AT = datetime(2024, 5, 14, 11, tzinfo=UTC)
ASKER, CAUSER, STRANGER = "asker", "causer", "stranger"
SEATED = ("a", "b", "c", "d")
DEPUTY = "deputy"
EVERYBODY = (ASKER, CAUSER, STRANGER, *SEATED, DEPUTY)
SUBJECT = Subject("hedge_order", "HO-1", "集团/甲", ASKER, causers=(CAUSER,), amount=Decimal(100))
LONG = AT + timedelta(days=30)
PEOPLE = st.sampled_from(EVERYBODY)
PLACES = st.integers(0, 30)


@st.composite
def chains(draw: st.DrawFn) -> tuple[OpenStep, ...]:
    """会签, 或签 and N of M, one to three steps, over everybody: the asker may have a seat too."""
    steps = []
    for index in range(draw(st.integers(1, 3))):
        seats = draw(st.lists(PEOPLE, min_size=1, max_size=5, unique=True).map(tuple))
        need = draw(st.sampled_from([1, len(seats), (len(seats) + 1) // 2]))
        then = draw(st.sampled_from(list(Then)))
        steps.append(
            OpenStep(f"s{index}", need, seats, after_s=3600, then=then, escalate_to=("d",))
        )
    return tuple(steps)


class Interleaving(RuleBasedStateMachine):
    """People press what they like; permissions and accounts come and go beneath them."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State("AP-1", SUBJECT, "P", 1, ())
        self.shut: set[str] = set()
        self.lent: set[tuple[str, str]] = set()
        self.signed: list[tuple[str, str]] = []  # (who, for whose seat), since the chain began
        self.now = AT

    @initialize(steps=chains())
    def begin(self, steps: tuple[OpenStep, ...]) -> None:
        self.state = State("AP-1", SUBJECT, "P", 1, steps, expires=LONG)
        self.submit()

    def do(self, act: Act) -> bool:
        before = self.state
        outcome = transition(before, act, self.now)
        self.state = outcome.state
        if self.state.round != before.round or self.state.status is Status.PAPERS:
            self.signed = []
        return outcome.changed

    def why_not(self, *people: str) -> str:
        return "NOT_GRANTED" if self.shut.intersection(people) else ""

    # --- what happens -----------------------------------------------------------------------

    @rule()
    def submit(self) -> None:
        self.do(Act(Verb.SUBMIT, ASKER))

    @rule(place=PLACES, times=st.integers(1, 2))
    def approve_as_asked(self, place: int, times: int) -> None:
        """Mostly those press whose turn it is."""
        asked = self.state.waiting_for or EVERYBODY
        self.approve(asked[place % len(asked)], times)

    @rule(who=PEOPLE, times=st.integers(1, 2))
    def approve(self, who: str, times: int) -> None:
        for _ in range(times):  # a double click, from one surface or from two
            if self.do(Act(Verb.APPROVE, who, permitted=self.why_not(who))):
                assert who not in self.shut
                self.signed.append((who, who))

    @rule(place=PLACES)
    @precondition(lambda self: self.lent)
    def approve_as_lent(self, place: int) -> None:
        seat, who = sorted(self.lent)[place % len(self.lent)]
        self.approve_for(who, seat)

    @rule(who=PEOPLE, seat=PEOPLE)
    def approve_for(self, who: str, seat: str) -> None:
        lent = Delegation(seat, who, "集团", LONG) if (seat, who) in self.lent else None
        permitted = self.why_not(who, seat)
        act = Act(Verb.APPROVE, who, permitted=permitted, on_behalf_of=seat, delegation=lent)
        if self.do(act):
            assert not {who, seat} & self.shut
            assert who == seat or (seat, who) in self.lent, "signed without a delegation"
            self.signed.append((who, seat))

    @rule(seat=st.sampled_from(SEATED), who=PEOPLE)
    def lend(self, seat: str, who: str) -> None:
        self.lent.add((seat, who))

    @rule(seat=st.sampled_from(SEATED), who=PEOPLE)
    def take_back(self, seat: str, who: str) -> None:
        self.lent.discard((seat, who))

    @rule(who=PEOPLE)
    def revoke(self, who: str) -> None:
        """The permission is taken, or the person has left."""
        self.shut.add(who)

    @rule(who=PEOPLE)
    def restore(self, who: str) -> None:
        self.shut.discard(who)

    @rule(who=PEOPLE, to=PEOPLE, verb=st.sampled_from([Verb.REASSIGN, Verb.ADD_SIGNER]))
    def hand_on(self, who: str, to: str, verb: Verb) -> None:
        permitted, target = self.why_not(who), self.why_not(to)
        self.do(Act(verb, who, permitted=permitted, to=to, target_permitted=target))

    @rule(who=PEOPLE, amount=st.integers(1, 3))
    def change(self, who: str, amount: int) -> None:
        self.do(Act(Verb.MATERIAL_CHANGE, who, subject=replace(SUBJECT, amount=Decimal(amount))))

    @rule(who=PEOPLE, verb=st.sampled_from([Verb.REJECT, Verb.RETURN_FOR_PAPERS, Verb.NUDGE]))
    @precondition(lambda self: len(self.signed) > 1)
    def answer_otherwise(self, who: str, verb: Verb) -> None:
        self.do(Act(verb, who, permitted=self.why_not(who), reason="PRICE"))

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.do(Act(Verb.TIMEOUT, "system:escalator"))

    # --- what must hold ---------------------------------------------------------------------

    @invariant()
    def the_record_is_what_was_signed(self) -> None:
        assert [(s.by, s.seat) for s in self.state.signatures] == self.signed

    @invariant()
    def nobody_signs_twice_or_for_themselves(self) -> None:
        used = [name for by, seat in self.signed for name in {by, seat}]
        assert len(used) == len(set(used)), "somebody counts twice"
        assert not {ASKER, CAUSER, *self.state.barred} & set(used), "an own request was signed"

    @invariant()
    def approved_means_that_all_it_needs_signed(self) -> None:
        if self.state.status is not Status.APPROVED:
            return
        needed = sum(step.need + len(step.extra) for step in self.state.steps)
        assert len({by for by, _ in self.signed}) >= needed, "approved by too few"

    @invariant()
    def there_is_a_way_out(self) -> None:
        if self.state.status.final:
            return
        withdrawn = transition(self.state, Act(Verb.WITHDRAW, ASKER), self.now)
        assert withdrawn.state.status is Status.WITHDRAWN
        ended = transition(self.state, Act(Verb.TIMEOUT, "system:escalator"), LONG)
        assert ended.state.status is Status.EXPIRED


Interleaving.TestCase.settings = settings(deadline=None, max_examples=1_000, stateful_step_count=25)
TestInterleaving = Interleaving.TestCase


@pytest.mark.parametrize(
    ("guard", "without", "said"),
    [
        ("barred", lambda *_: None, "an own request was signed"),
        ("_complete", lambda _: True, "approved by too few"),
        ("seat_refusal", lambda *_: None, "counts twice|own request|without a delegation"),
    ],
)
def test_the_guards_against_an_approval_by_too_few_are_what_hold(
    guard: str, without: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("approvals.transition"), guard, without)

    class Mutant(Interleaving):
        pass

    Mutant.TestCase.settings = settings(
        deadline=None,
        max_examples=500,
        stateful_step_count=25,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
    )
    case = Mutant.TestCase()
    with pytest.raises(AssertionError, match=said):
        case.runTest()


# --- every state, by search ---------------------------------------------------------------------

SMALL = (OpenStep("s0", 2, ("a", "b"), after_s=60, then=Then.ESCALATE, escalate_to=("d",)),)
MOVES = (
    Act(Verb.SUBMIT, ASKER),
    Act(Verb.APPROVE, "a"),
    Act(Verb.APPROVE, "b"),
    Act(Verb.REJECT, "a", reason="PRICE"),
    Act(Verb.RETURN_FOR_PAPERS, "b", reason="PAPERS_MISSING"),
    Act(Verb.REASSIGN, "a", to="c"),
    Act(Verb.WITHDRAW, ASKER),
    Act(Verb.MATERIAL_CHANGE, "d", subject=replace(SUBJECT, amount=Decimal(7))),
)


def explored() -> dict[Status, set[Status]]:
    """Status → what one act makes of it, over everything reachable from a draft."""
    start = State("AP-1", SUBJECT, "P", 1, SMALL, expires=AT + timedelta(hours=1))
    found: dict[Status, set[Status]] = {status: set() for status in Status}
    seen, waiting = {_shape(start)}, deque([start])
    while waiting:
        here = waiting.popleft()
        after = [transition(here, act, AT).state for act in MOVES]
        timeout = Act(Verb.TIMEOUT, "system:escalator")
        after += [transition(here, timeout, AT + timedelta(minutes=m)).state for m in (2, 60)]
        for one in after:
            found[here.status].add(one.status)
            if _shape(one) not in seen:
                seen.add(_shape(one))
                waiting.append(one)
    return found


def _shape(state: State) -> tuple[object, ...]:
    """A request without its counters, so that the search ends."""
    signed = frozenset((s.step, s.seat, s.by) for s in state.signatures)
    return state.status, state.steps, state.step, signed, state.barred, state.subject.amount


def test_every_state_is_reached_and_none_but_the_final_ones_is_without_an_exit() -> None:
    found = explored()
    reached = set().union(*found.values()) | {Status.DRAFT}
    assert reached == set(Status)
    for status, after in found.items():
        assert (after == {status}) == status.final, status
