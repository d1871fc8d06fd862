"""The one function that moves an approval request, and the rules of who may sign.

Nobody signs what they asked for, caused or changed; nobody signs twice, not even for two
principals. One rejection rejects. A change of the subject starts the chain again. An approval
before the submission, or before its step's turn, is refused and leaves no trace in the state.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from approvals.plan import Then
from approvals.segregation import barred, feasible, never_signs, seat_refusal
from approvals.state import (
    REJECT_REASONS,
    Act,
    Code,
    OpenStep,
    Outcome,
    Signature,
    State,
    Status,
    Subject,
    Verb,
)

Deadline = Callable[[OpenStep, datetime], datetime | None]
"""When a step that starts at an instant is due."""

NUDGE_INTERVAL = timedelta(minutes=10)
MOST_SEATS = 20


def wall_deadline(step: OpenStep, at: datetime) -> datetime | None:
    """The deadline on the wall clock."""
    return None if step.after_s is None else at + timedelta(seconds=step.after_s)


def transition(state: State, act: Act, at: datetime, deadline: Deadline = wall_deadline) -> Outcome:
    """The request after `act` at `at`. Pure; the clock `deadline` is handed in."""
    if state.status.final:
        return _refused(state, Code.APPROVAL_DECIDED)
    return _HANDLERS.get(act.verb, _signer_act)(state, act, at, deadline)


# --- outcomes -----------------------------------------------------------------------------------


def _refused(state: State, code: Code | str) -> Outcome:
    return Outcome(state, str(code), accepted=False, changed=False)


def _same(state: State, code: Code) -> Outcome:
    return Outcome(state, str(code), accepted=True, changed=False)


def _moved(state: State, code: Code) -> Outcome:
    return Outcome(
        replace(state, version=state.version + 1), str(code), accepted=True, changed=True
    )


def _decided(state: State, act: Act, at: datetime, status: Status, code: Code) -> Outcome:
    final = replace(
        state, status=status, decided_by=act.actor, decided_at=at, reason=act.reason, due=None
    )
    return _moved(final, code)


# --- the requester's acts -----------------------------------------------------------------------


def _submit(state: State, act: Act, at: datetime, deadline: Deadline) -> Outcome:
    if act.actor != state.subject.requester:
        return _refused(state, Code.NOT_THE_REQUESTER)
    if state.status is Status.PENDING:
        return _same(state, Code.ALREADY_SUBMITTED)
    if act.permitted:
        return _refused(state, act.permitted)
    steps = act.steps or state.steps
    asked = replace(state, subject=renewed(state.subject, act.subject))
    if not steps or not feasible(steps, never_signs(asked)):
        return _refused(state, Code.NO_ELIGIBLE_SIGNERS)
    return _moved(_restarted(asked, steps, at, deadline), Code.SUBMITTED)


def renewed(before: Subject, after: Subject | None) -> Subject:
    """The subject after a change: what it is about and who asked stay, causers only join."""
    if after is None:
        return before
    causers = tuple(dict.fromkeys((*before.causers, *after.causers)))
    return replace(
        after,
        kind=before.kind,
        object_id=before.object_id,
        org=before.org,
        requester=before.requester,
        causers=causers,
    )


def _restarted(
    state: State, steps: tuple[OpenStep, ...], at: datetime, deadline: Deadline
) -> State:
    """Pending at the first step, all signatures gone, in a new round unless it is the first."""
    fresh = tuple(replace(step, escalated=False) for step in steps)
    return replace(
        state,
        status=Status.PENDING,
        steps=fresh,
        step=0,
        round=state.round + (state.version > 0),
        round_version=state.version + 1,
        signatures=(),
        nudges=(),
        reason="",
        due=deadline(fresh[0], at),
    )


def _material_change(state: State, act: Act, at: datetime, deadline: Deadline) -> Outcome:
    subject = renewed(state.subject, act.subject)
    if act.permitted:
        return _refused(state, act.permitted)
    if subject == state.subject:
        return _same(state, Code.NOTHING_CHANGED)
    excluded = state.barred
    if act.actor not in never_signs(state):
        excluded = (*excluded, act.actor)
    steps = act.steps or state.steps
    changed = replace(state, subject=subject, barred=excluded, steps=steps)
    if state.status is not Status.PENDING:
        return _moved(changed, Code.SUBJECT_CHANGED)
    if not feasible(steps, never_signs(changed)):
        waiting = replace(changed, status=Status.PAPERS, signatures=(), step=0, due=None)
        return _moved(waiting, Code.NO_ELIGIBLE_SIGNERS)
    return _moved(_restarted(changed, steps, at, deadline), Code.RESTARTED)


def _withdraw(state: State, act: Act, at: datetime, _deadline: Deadline) -> Outcome:
    # The house itself takes back what has lost its object.
    if act.actor != state.subject.requester and not act.actor.startswith("system:"):
        return _refused(state, Code.NOT_THE_REQUESTER)
    return _decided(state, act, at, Status.WITHDRAWN, Code.WITHDRAWN)


def _nudge(state: State, act: Act, at: datetime, _deadline: Deadline) -> Outcome:
    if state.status is not Status.PENDING:
        return _refused(state, Code.NOT_SUBMITTED)
    seats = {name for step in state.steps for name in step.seats}
    if act.actor != state.subject.requester and act.actor not in seats:
        return _refused(state, Code.NOT_INVOLVED)
    last = dict(state.nudges).get(act.actor)
    if last is not None and at < last + NUDGE_INTERVAL:
        return _same(state, Code.ALREADY_NUDGED)
    nudges = {**dict(state.nudges), act.actor: at}
    return _moved(replace(state, nudges=tuple(sorted(nudges.items()))), Code.NUDGED)


def _timeout(state: State, act: Act, at: datetime, deadline: Deadline) -> Outcome:
    if state.expires is not None and state.expires <= at:
        return _decided(state, act, at, Status.EXPIRED, Code.APPROVAL_EXPIRED)
    step = state.current
    if step is None or state.due is None or at < state.due:
        return _refused(state, Code.NOT_DUE)
    if step.then is Then.EXPIRE or step.escalated:
        return _decided(state, act, at, Status.EXPIRED, Code.APPROVAL_EXPIRED)
    known = {name for other in state.steps for name in other.seats}
    joining = tuple(
        name for name in step.escalate_to if name not in known and name not in never_signs(state)
    )
    wider = replace(step, signers=step.signers + joining, escalated=True)
    return _moved(
        replace(state, steps=_with_step(state, wider), due=deadline(wider, at)), Code.ESCALATED
    )


# --- the signers' acts --------------------------------------------------------------------------


def _with_step(state: State, step: OpenStep) -> tuple[OpenStep, ...]:
    return (*state.steps[: state.step], step, *state.steps[state.step + 1 :])


def _signer_act(state: State, act: Act, at: datetime, deadline: Deadline) -> Outcome:
    step = state.current
    if step is None:
        return _refused(state, Code.NOT_SUBMITTED)
    seat = act.on_behalf_of or act.actor
    refusal = barred(state, act.actor) or act.permitted or seat_refusal(state, step, act, seat, at)
    if refusal == Code.ALREADY_SIGNED and act.verb is Verb.APPROVE:
        return _same(state, Code.ALREADY_SIGNED)
    if refusal:
        return _refused(state, refusal)
    if act.verb is Verb.APPROVE:
        return _approve(state, act, seat, at, deadline)
    if act.verb in (Verb.REJECT, Verb.RETURN_FOR_PAPERS):
        return _send_back(state, act, at)
    return _hand_on(state, step, act, seat, at)


def _send_back(state: State, act: Act, at: datetime) -> Outcome:
    if act.reason not in REJECT_REASONS:
        return _refused(state, Code.REASON_NEEDED)
    if act.verb is Verb.REJECT:
        return _decided(state, act, at, Status.REJECTED, Code.REJECTED)
    returned = replace(
        state, status=Status.PAPERS, signatures=(), step=0, due=None, reason=act.reason
    )
    return _moved(returned, Code.RETURNED)


def _approve(state: State, act: Act, seat: str, at: datetime, deadline: Deadline) -> Outcome:
    signed = replace(
        state, signatures=(*state.signatures, Signature(state.step, seat, act.actor, at))
    )
    if not _complete(signed):
        return _moved(signed, Code.SIGNED)
    if state.step + 1 == len(state.steps):
        return _decided(signed, act, at, Status.APPROVED, Code.APPROVED)
    following = state.steps[state.step + 1]
    return _moved(replace(signed, step=state.step + 1, due=deadline(following, at)), Code.SIGNED)


def _complete(state: State) -> bool:
    step = state.steps[state.step]
    seats = {s.seat for s in state.signatures if s.step == state.step}
    return len(seats.intersection(step.signers)) >= step.need and seats.issuperset(step.extra)


def _hand_on(state: State, step: OpenStep, act: Act, seat: str, at: datetime) -> Outcome:
    """Reassign, add a signer, delegate: the acts that bring in another person."""
    if act.verb is Verb.DELEGATE and _same_delegation(state, act):
        return _same(state, Code.ALREADY_DELEGATED)
    taken = {name for other in state.steps for name in other.seats}
    taken |= {name for s in state.signatures for name in (s.seat, s.by)}
    taken |= {"", *never_signs(state)}
    if act.target_permitted or act.to in taken or len(step.seats) >= MOST_SEATS:
        return _refused(state, Code.TARGET_NOT_ELIGIBLE)
    if act.verb is Verb.DELEGATE:
        given = act.delegation
        if given is None or given.ends <= at or seat != act.actor:
            return _refused(state, Code.NO_DELEGATION)
        own = replace(given, principal=act.actor, delegate=act.to)
        return _moved(replace(state, delegations=(*state.delegations, own)), Code.DELEGATED)
    if act.verb is Verb.ADD_SIGNER:
        wider = replace(step, extra=(*step.extra, act.to))
        return _moved(replace(state, steps=_with_step(state, wider)), Code.SIGNER_ADDED)

    def swapped(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(act.to if name == seat else name for name in names)

    handed = replace(step, signers=swapped(step.signers), extra=swapped(step.extra))
    return _moved(replace(state, steps=_with_step(state, handed)), Code.REASSIGNED)


def _same_delegation(state: State, act: Act) -> bool:
    given = act.delegation
    return given is not None and (
        replace(given, principal=act.actor, delegate=act.to) in state.delegations
    )


_HANDLERS: dict[Verb, Callable[[State, Act, datetime, Deadline], Outcome]] = {
    Verb.SUBMIT: _submit,
    Verb.WITHDRAW: _withdraw,
    Verb.NUDGE: _nudge,
    Verb.TIMEOUT: _timeout,
    Verb.MATERIAL_CHANGE: _material_change,
}
"""All other verbs are the signers'."""
