"""Who may sign an approval request, and who never may."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from approvals.state import Act, Code, Delegation, OpenStep, State, Subject
from directory import within


def feasible(steps: Sequence[OpenStep], never: Sequence[str]) -> bool:
    """Whether different people, none of `never`, can fill all that the steps need."""
    return not unfilled(steps, never)


def unfilled(steps: Sequence[OpenStep], never: Sequence[str]) -> tuple[int, ...]:
    """The index of a step for each signature for which no further different person is left."""
    excluded = set(never)
    places: list[tuple[str, ...]] = []
    of_step: list[int] = []
    for number, step in enumerate(steps):
        candidates = tuple(name for name in step.signers if name not in excluded)
        places.extend([candidates] * step.need)
        places.extend((name,) if name not in excluded else () for name in step.extra)
        of_step.extend([number] * (step.need + len(step.extra)))
    filled: dict[str, int] = {}

    def place(index: int, tried: set[str]) -> bool:
        for name in places[index]:
            if name not in tried:
                tried.add(name)
                if name not in filled or place(filled[name], tried):
                    filled[name] = index
                    return True
        return False

    return tuple(of_step[index] for index in range(len(places)) if not place(index, set()))


def never_signs(state: State) -> tuple[str, ...]:
    """The people who can never sign this request."""
    return (state.subject.requester, *state.subject.causers, *state.barred)


def barred(state: State, person: str) -> Code | None:
    """Why this person can never sign this request."""
    if person == state.subject.requester:
        return Code.SELF_APPROVAL
    return Code.CAUSER_CANNOT_SIGN if person in never_signs(state) else None


def seat_refusal(state: State, step: OpenStep, act: Act, seat: str, at: datetime) -> Code | None:
    """Why the actor cannot use this seat now.

    ``ALREADY_SIGNED`` is no refusal but the same signature once more.
    """
    used = {name for s in state.signatures for name in (s.seat, s.by)}
    if act.actor in used or seat in used:
        again = any(s.by == act.actor and s.seat == seat for s in state.signatures)
        here = any(s.by == act.actor and s.step == state.step for s in state.signatures)
        if again and (here or seat not in step.seats):
            return Code.ALREADY_SIGNED
        return Code.SIGNED_BEFORE
    if seat not in step.seats:
        later = any(seat in other.seats for other in state.steps)
        return Code.NOT_YOUR_TURN if later else Code.NOT_A_SIGNER
    if seat == act.actor:
        return None
    return barred(state, seat) or _delegation_refusal(state, act, seat, at)


def _delegation_refusal(state: State, act: Act, principal: str, at: datetime) -> Code | None:
    """Why no delegation from `principal` serves; the last reason found when several fail."""
    found = Code.NO_DELEGATION
    for one in (*state.delegations, *((act.delegation,) if act.delegation else ())):
        if (one.principal, one.delegate) != (principal, act.actor):
            continue
        refusal = delegation_fails(one, state, at)
        if refusal is None:
            return None
        found = refusal
    return found


def delegation_fails(one: Delegation, state: State, at: datetime) -> Code | None:
    """Why a delegation does not cover this request at `at`."""
    subject = state.subject
    if at >= one.ends:
        return Code.DELEGATION_ENDED
    if one.starts is not None and at < one.starts:
        return Code.DELEGATION_NOT_BEGUN
    if not within(subject.org, one.scope) or one.kind not in ("", subject.kind):
        return Code.DELEGATION_SCOPE
    if one.cap is not None and _exceeds(subject, one.cap, one.currency):
        return Code.DELEGATION_CAP
    return None


def _exceeds(subject: Subject, cap: Decimal, currency: str) -> bool:
    """An amount that is not known, or is in other money than the cap, is above it."""
    if subject.amount is None or abs(subject.amount) > cap:
        return True
    return bool(currency) and subject.currency != currency
