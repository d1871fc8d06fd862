"""The one table of legal moves of a work order, and the pure function that makes them.

A refusal is a value with a code. A second same click returns the recorded outcome and changes
nothing; acting on a closed or merged order is refused with what was recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from store.clock import rfc3339
from workorders.levels import Level
from workorders.model import State, WorkOrder


class Verb(StrEnum):
    """What can be done to a work order."""

    ACKNOWLEDGE = "acknowledge"
    TAKE_OVER = "take_over"
    HOLD = "hold"
    REQUEST_APPROVAL = "request_approval"
    NOTE = "note"
    FILE = "file"
    TAG = "tag"
    ESCALATE = "escalate"
    REASSIGN = "reassign"
    RESOLVE = "resolve"
    RESUME = "resume"
    CLOSE = "close"
    SNOOZE = "snooze"
    WAKE = "wake"
    MERGE = "merge"
    REOPEN = "reopen"
    RAISE_LEVEL = "raise_level"
    REROUTE = "reroute"
    END_DRILL = "end_drill"


_ACTIVE = (State.OPEN, State.ACKNOWLEDGED, State.IN_WORK)
_UNFINISHED = (*_ACTIVE, State.SNOOZED, State.RESOLVED)
TERMINAL = frozenset({State.CLOSED, State.MERGED})


def _table() -> Mapping[tuple[State, Verb], State]:
    moves: dict[tuple[State, Verb], State] = {
        (State.OPEN, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.SNOOZED, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.SNOOZED, Verb.WAKE): State.OPEN,  # in truth to `snoozed_from`; see `move`
        (State.SNOOZED, Verb.RAISE_LEVEL): State.OPEN,
        (State.RESOLVED, Verb.RESUME): State.IN_WORK,
        (State.RESOLVED, Verb.RAISE_LEVEL): State.OPEN,
        (State.RESOLVED, Verb.CLOSE): State.CLOSED,
        # The closed order stays closed for good; reopening makes a new one that points at it.
        (State.CLOSED, Verb.REOPEN): State.CLOSED,
    }
    for state in _ACTIVE:
        moves[state, Verb.TAKE_OVER] = State.IN_WORK
        moves[state, Verb.HOLD] = State.IN_WORK
        moves[state, Verb.REQUEST_APPROVAL] = State.IN_WORK
        moves[state, Verb.SNOOZE] = State.SNOOZED
        # A heavier colour has to be acknowledged anew: nobody has seen it yet.
        moves[state, Verb.RAISE_LEVEL] = State.OPEN
        moves[state, Verb.ESCALATE] = state
    # Whoever works on a snoozed order ends its rest.
    for verb in (Verb.TAKE_OVER, Verb.HOLD, Verb.REQUEST_APPROVAL):
        moves[State.SNOOZED, verb] = State.IN_WORK
    moves[State.SNOOZED, Verb.ESCALATE] = State.SNOOZED
    for state in (*_ACTIVE, State.SNOOZED):
        moves[state, Verb.RESOLVE] = State.RESOLVED
    for state in _UNFINISHED:
        moves[state, Verb.MERGE] = State.MERGED
        moves[state, Verb.END_DRILL] = State.CLOSED  # of a drill alone; see `move`
        for verb in (Verb.NOTE, Verb.FILE, Verb.TAG, Verb.REASSIGN, Verb.REROUTE):
            moves[state, verb] = state
    return moves


MOVES: Mapping[tuple[State, Verb], State] = _table()

# What each verb of a person needs at the time of the click, in the words of the directory.
PERMISSIONS: Mapping[Verb, str] = {
    Verb.ACKNOWLEDGE: "order.acknowledge",
    Verb.TAKE_OVER: "order.acknowledge",
    Verb.ESCALATE: "order.acknowledge",
    Verb.NOTE: "order.note",
    Verb.FILE: "order.note",
    Verb.TAG: "order.note",
    Verb.HOLD: "order.resolve",
    Verb.REQUEST_APPROVAL: "approval.request",
    Verb.RESOLVE: "order.resolve",
    Verb.RESUME: "order.resolve",
    Verb.CLOSE: "order.close",
    Verb.SNOOZE: "order.snooze",
    Verb.WAKE: "order.snooze",
    Verb.MERGE: "alert.triage",
    Verb.REASSIGN: "order.reassign",
    Verb.REROUTE: "order.reassign",
    Verb.REOPEN: "order.open",
    Verb.END_DRILL: "roster.write",
}
OVERRIDE = "order.override"
#: What reaches beyond the order itself; a drill touches nothing.
TOUCHING = frozenset({Verb.HOLD, Verb.REQUEST_APPROVAL})
TRIAGE = "alert.triage"
OPEN = "order.open"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an act.

    Attributes:
        ok: false when it was refused. A repeated click is ok and changes nothing.
        code: ``DONE``, ``ALREADY_DONE`` or the reason of the refusal.
        order: the order as it now stands; None only when there is no such order.
        changed: whether anything has to be written.
        params: what the sentence may name (who, when, which live value).
        new_order: id of an order that the act made (reopen).
    """

    ok: bool
    code: str
    order: WorkOrder | None
    changed: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    new_order: str = ""


def recorded(order: WorkOrder) -> dict[str, Any]:
    """The outcome that a late click is answered with: state, who, when."""
    who, when = {
        State.ACKNOWLEDGED: (order.acknowledged_by, order.acknowledged_at),
        State.IN_WORK: (order.owner or order.acknowledged_by, order.acknowledged_at),
        State.SNOOZED: (order.acknowledged_by, order.acknowledged_at),
        State.RESOLVED: (order.resolved_by, order.resolved_at),
        State.CLOSED: (order.closed_by, order.closed_at),
    }.get(order.state, ("", None))
    return {
        "order": order.id,
        "state": order.state.value,
        "actor": who,
        "at": "" if when is None else rfc3339(when),
        "merged_into": order.merged_into,
    }


_DONE_IN: Mapping[Verb, frozenset[State]] = {
    Verb.ACKNOWLEDGE: frozenset({State.ACKNOWLEDGED, State.IN_WORK, State.RESOLVED}),
    Verb.TAKE_OVER: frozenset({State.IN_WORK}),
    Verb.RESOLVE: frozenset({State.RESOLVED}),
    Verb.CLOSE: frozenset({State.CLOSED}),
    Verb.SNOOZE: frozenset({State.SNOOZED}),
    Verb.MERGE: frozenset({State.MERGED}),
    Verb.END_DRILL: frozenset({State.CLOSED}),
}


def is_legal(order: WorkOrder, verb: Verb) -> bool:
    """Whether the table has this move for the order as it stands."""
    if (order.state, verb) not in MOVES or (order.drill and verb in TOUCHING):
        return False
    return order.drill or verb is not Verb.END_DRILL


def _why_illegal(order: WorkOrder, verb: Verb) -> str:
    if order.state in TERMINAL:
        return "ORDER_CLOSED" if order.state is State.CLOSED else "ORDER_MERGED"
    return "DRILL_TOUCHES_NOTHING" if order.drill and verb in TOUCHING else "MOVE_NOT_ALLOWED"


def _is_repeat(order: WorkOrder, verb: Verb, actor: str) -> bool:
    """Whether `verb` has taken effect already, so that a second click finds it done."""
    if verb is Verb.TAKE_OVER and order.owner != actor:
        return False
    if verb is Verb.ACKNOWLEDGE and order.state is State.SNOOZED:
        return order.acknowledged_at is not None
    return order.state in _DONE_IN.get(verb, frozenset())


def move(
    order: WorkOrder,
    verb: Verb,
    *,
    actor: str,
    at: datetime,
    expected_version: int | None = None,
    level: Level | None = None,
    until: datetime | None = None,
    into: str = "",
) -> Outcome:
    """What `verb` makes of `order`. Pure: permissions, guards and clocks are asked elsewhere.

    Args:
        order: the order as it stands.
        verb: what is to be done.
        actor: who does it; a person's id or ``system:<job>``.
        at: when.
        expected_version: the version on the card that was clicked; None for acts on a live page.
        level: the new level (`Verb.RAISE_LEVEL`).
        until: the end of a snooze.
        into: id of the order that this one is merged into.
    """
    if _is_repeat(order, verb, actor):
        return Outcome(ok=True, code="ALREADY_DONE", order=order, params=recorded(order))
    target = MOVES.get((order.state, verb))
    if target is None or not is_legal(order, verb):
        code = _why_illegal(order, verb)
        return Outcome(ok=False, code=code, order=order, params=recorded(order))
    if expected_version is not None and expected_version != order.version:
        return Outcome(
            ok=False,
            code="STALE_VERSION",
            order=order,
            params={**recorded(order), "expected": expected_version, "version": order.version},
        )
    if verb is Verb.RAISE_LEVEL and (level is None or level <= order.level):
        return Outcome(ok=True, code="LEVEL_UNCHANGED", order=order)
    if verb is Verb.REOPEN:
        return Outcome(ok=True, code="DONE", order=order)
    moved = _apply(order, verb, target, actor=actor, at=at, level=level, until=until, into=into)
    # Only what makes an earlier card untrue ages it: an escalation or a note must not turn the
    # first person's acknowledgement into a stale click.
    if (moved.state, moved.level, moved.owner) != (order.state, order.level, order.owner):
        moved = replace(moved, version=order.version + 1)
    return Outcome(ok=True, code="DONE", order=moved, changed=True)


def _apply(  # noqa: C901 - one branch a verb, flat
    order: WorkOrder,
    verb: Verb,
    target: State,
    *,
    actor: str,
    at: datetime,
    level: Level | None,
    until: datetime | None,
    into: str,
) -> WorkOrder:
    changes: dict[str, Any] = {"state": target}
    if order.state is State.SNOOZED and target is not State.SNOOZED:
        changes |= {"snoozed_from": "", "snoozed_until": None}
    if verb in _STOPS_PAGING:
        changes |= _acknowledged(order, actor, at)
    if verb in _ANSWERS and order.answered_at is None and not actor.startswith("system:"):
        changes |= {"answered_at": at}
    if verb in _STOPS_CLOCKS:
        changes |= {"acknowledge_due": None, "resolve_due": None}
    if verb is Verb.TAKE_OVER:
        changes |= {"owner": actor}
    elif verb is Verb.RESOLVE:
        changes |= {"resolved_at": at, "resolved_by": actor}
    elif verb is Verb.RESUME:
        changes |= {"resolved_at": None, "resolved_by": ""}
    elif verb in {Verb.CLOSE, Verb.END_DRILL}:
        changes |= {"closed_at": at, "closed_by": actor}
    elif verb is Verb.SNOOZE:
        changes |= {"snoozed_from": order.state.value, "snoozed_until": until}
    elif verb is Verb.WAKE:
        changes |= {"state": State(order.snoozed_from or State.OPEN)}
    elif verb is Verb.MERGE:
        changes |= {"merged_into": into}
    elif verb is Verb.RAISE_LEVEL:
        changes |= {"level": level or order.level, "rung": 0, **_UNSEEN}
    return replace(order, **changes)


_STOPS_PAGING = frozenset({Verb.ACKNOWLEDGE, Verb.TAKE_OVER, Verb.HOLD, Verb.REQUEST_APPROVAL})
_STOPS_CLOCKS = frozenset({Verb.RESOLVE, Verb.CLOSE, Verb.MERGE, Verb.END_DRILL})
#: What shows that a person has seen the order; a snooze alone does not, nor the end of a drill.
_ANSWERS = _STOPS_PAGING | _STOPS_CLOCKS - {Verb.END_DRILL}
_UNSEEN: Mapping[str, Any] = {
    "acknowledged_at": None,
    "acknowledged_by": "",
    "resolved_at": None,
    "resolved_by": "",
}


def _acknowledged(order: WorkOrder, actor: str, at: datetime) -> dict[str, Any]:
    """The notify clock stops; the first to acknowledge stays on record."""
    if order.acknowledged_at is not None:
        return {"acknowledge_due": None}
    return {"acknowledged_at": at, "acknowledged_by": actor, "acknowledge_due": None}
