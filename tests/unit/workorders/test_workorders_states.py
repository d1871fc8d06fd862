from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workorders.levels import Level
from workorders.model import OrderKind, State, WorkOrder
from workorders.states import MOVES, PERMISSIONS, TERMINAL, Verb, move

AT = datetime(2024, 5, 14, 2, tzinfo=UTC)


def order(state: State = State.OPEN, level: Level = Level.ORANGE) -> WorkOrder:
    return WorkOrder(
        id="WO-20240514-001",
        kind=OrderKind.RISK,
        org="Group/East",
        level=level,
        state=state,
        version=1,
        case_id="",
        title="order.title",
        title_params={},
        lead_key="",
        opened_at=AT,
        first_seen=AT,
        last_seen=AT,
    )


def reachable(start: State) -> set[State]:
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for (state, _verb), target in MOVES.items():
            if state is here and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def test_every_state_can_be_reached_from_open():
    assert reachable(State.OPEN) == set(State)


def test_no_state_is_without_an_exit_to_closed():
    for state in set(State) - TERMINAL:
        assert State.CLOSED in reachable(state)


def test_nothing_leaves_a_terminal_state():
    for (state, _verb), target in MOVES.items():
        if state in TERMINAL:
            assert target is state


def test_every_verb_of_a_person_names_a_permission_that_the_directory_knows():
    from directory import PERMISSIONS as KNOWN

    assert set(Verb) - set(PERMISSIONS) == {Verb.RAISE_LEVEL}
    assert set(PERMISSIONS.values()) <= KNOWN


def test_a_second_click_returns_the_recorded_outcome():
    first = move(order(), Verb.ACKNOWLEDGE, actor="chen", at=AT, expected_version=1)
    assert first.order is not None
    second = move(
        first.order,
        Verb.ACKNOWLEDGE,
        actor="wang",
        at=AT + timedelta(seconds=1),
        expected_version=1,
    )
    assert (second.ok, second.changed, second.code) == (True, False, "ALREADY_DONE")
    assert second.params["actor"] == "chen"
    assert second.order == first.order


def test_acknowledging_a_closed_order_does_not_open_it_again():
    done = order(State.CLOSED)
    for verb in (Verb.ACKNOWLEDGE, Verb.TAKE_OVER, Verb.RESOLVE, Verb.NOTE, Verb.SNOOZE):
        outcome = move(done, verb, actor="chen", at=AT)
        assert (outcome.ok, outcome.code) == (False, "ORDER_CLOSED")
        assert outcome.params["state"] == "closed"


def test_a_card_drawn_before_another_took_over_is_stale():
    taken = move(order(), Verb.TAKE_OVER, actor="chen", at=AT).order
    assert taken is not None
    late = move(taken, Verb.TAKE_OVER, actor="wang", at=AT, expected_version=1)
    assert late.code == "STALE_VERSION"
    assert late.params["actor"] == "chen"


def test_an_escalation_does_not_make_the_first_persons_card_stale():
    climbed = move(order(), Verb.ESCALATE, actor="lin", at=AT).order
    assert climbed is not None
    assert move(climbed, Verb.ACKNOWLEDGE, actor="chen", at=AT, expected_version=1).ok


def test_a_heavier_colour_must_be_acknowledged_anew():
    seen = move(order(), Verb.TAKE_OVER, actor="chen", at=AT).order
    assert seen is not None
    risen = move(seen, Verb.RAISE_LEVEL, actor="system:assessor", at=AT, level=Level.RED).order
    assert risen is not None
    assert (risen.state, risen.acknowledged_at, risen.owner) == (State.OPEN, None, "chen")
    lighter = move(risen, Verb.RAISE_LEVEL, actor="system:assessor", at=AT, level=Level.YELLOW)
    assert lighter.changed is False


acts = st.lists(
    st.tuples(
        st.sampled_from(Verb),
        st.sampled_from(["chen", "wang"]),
        st.sampled_from(Level),
        st.one_of(st.none(), st.integers(1, 5)),
    ),
    max_size=30,
)


@given(acts)
@settings(deadline=None)
def test_whatever_is_clicked_the_record_stays_consistent(
    clicks: list[Any],
):
    here = order()
    for number, (verb, actor, level, version) in enumerate(clicks):
        outcome = move(
            here,
            verb,
            actor=actor,
            at=AT + timedelta(seconds=number),
            expected_version=version,
            level=level,
            until=AT + timedelta(hours=1),
            into="WO-20240514-002",
        )
        after = outcome.order
        assert after is not None
        assert after.version >= here.version
        if not outcome.changed:
            assert after == here
        if here.state in TERMINAL:
            assert after == here
        assert (after.closed_at is not None) == (after.state is State.CLOSED)
        assert (after.resolved_at is not None) >= (after.state is State.RESOLVED)
        assert (after.snoozed_until is not None) == (after.state is State.SNOOZED)
        assert after.level >= here.level
        if after.state in {State.ACKNOWLEDGED, State.RESOLVED, State.CLOSED}:
            assert after.acknowledge_due is None
        here = after
