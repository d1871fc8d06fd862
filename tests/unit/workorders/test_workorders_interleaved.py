"""Whatever is done to an order by whomever: a way out stays open, and red takes two people.

By search over the transition function itself, not over its table, and by random walks with the
close-guard in between, as the command has it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_workorders_states import order
from workorders_house import answers

import workorders.guard
from workorders.guard import decide_close
from workorders.levels import Level
from workorders.model import State, WorkOrder
from workorders.states import TERMINAL, Verb, move

AT = datetime(2024, 5, 14, 2, tzinfo=UTC)
PEOPLE = ("chen", "lin", "wang")


def done(here: WorkOrder, verb: Verb, actor: str, at: datetime) -> WorkOrder:
    """The order after an act, closed only where the guard lets it be."""
    if verb is Verb.CLOSE:
        verdict = decide_close(here, [], answers(), closer=actor, may_override=True)
        if not verdict.allowed:
            return here
    after = move(
        here, verb, actor=actor, at=at, level=Level.RED, until=at + timedelta(hours=1), into="WO-2"
    ).order
    assert after is not None
    return after


def _shape(one: WorkOrder) -> tuple[object, ...]:
    who = (one.owner, one.acknowledged_by, one.resolved_by, one.closed_by)
    return one.state, one.level, one.snoozed_from, who


def explored(level: Level) -> dict[tuple[object, ...], set[tuple[object, ...]]]:
    """Everything that three people can make of an open order, and where each act leads."""
    start = order(State.OPEN, level)
    found: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if _shape(here) in found:
            continue
        after = [done(here, verb, who, AT) for verb in Verb for who in PEOPLE]
        found[_shape(here)] = {_shape(one) for one in after}
        waiting.extend(after)
    return found


@pytest.mark.parametrize("level", list(Level))
def test_every_state_is_reached_and_an_end_can_be_reached_from_each(level: Level) -> None:
    found = explored(level)
    assert {shape[0] for shape in found} == set(State)
    ends = {shape for shape in found if shape[0] in TERMINAL}
    assert all(found[end] == {end} for end in ends), "a terminal state was left"
    closing = {shape for shape in found if shape[0] is State.CLOSED}
    while more := {one for one, after in found.items() if one not in closing and after & closing}:
        closing |= more
    stuck = {shape for shape in found if shape not in closing and shape[0] is not State.MERGED}
    assert stuck == set(), "no way to its closing"


def red_closed_by_one_person(walk: list[tuple[Verb, str]]) -> None:
    here, hands = replace(order(State.OPEN, Level.ORANGE)), set[str]()
    for number, (verb, who) in enumerate(walk):
        after = done(here, verb, who, AT + timedelta(seconds=number))
        if after != here:
            hands.add(who)
        here = after
    if here.state is State.CLOSED and here.level is Level.RED:
        assert here.closed_by != here.resolved_by, "red closed by one person"
        assert here.closed_by != here.acknowledged_by, "red closed by one person"
        assert len(hands) > 1, "red closed by one person"


#: Few verbs, so that many walks end in a closing.
WALKS = st.lists(
    st.tuples(
        st.sampled_from([
            Verb.RAISE_LEVEL, Verb.ACKNOWLEDGE, Verb.TAKE_OVER, Verb.RESOLVE, Verb.RESUME,
            Verb.SNOOZE, Verb.WAKE, Verb.CLOSE, Verb.RESOLVE, Verb.CLOSE,
        ]),
        st.sampled_from(PEOPLE),
    ),
    min_size=3,
    max_size=15,
)  # fmt: skip


@settings(deadline=None, max_examples=2_000)
@given(walk=WALKS)
def test_red_is_never_closed_by_one_person(walk: list[tuple[Verb, str]]) -> None:
    red_closed_by_one_person(walk)


def test_the_guard_against_red_closed_by_one_person_is_what_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the second person's rule the same walks find the one who closes alone."""
    real: Callable[..., Any] = workorders.guard.decide_close
    alone = lambda *given, **named: real(*given, **{**named, "closer": ""})  # noqa: E731
    monkeypatch.setitem(globals(), "decide_close", alone)

    @settings(deadline=None, max_examples=2_000, database=None, phases=[Phase.generate])
    @given(walk=WALKS)
    def walked(walk: list[tuple[Verb, str]]) -> None:
        red_closed_by_one_person(walk)

    with pytest.raises(AssertionError, match="red closed by one person"):
        walked()
