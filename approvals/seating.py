"""From a plan to the people who sign: who they are at this organisation, now."""

from collections.abc import Callable
from datetime import datetime, timedelta

from approvals.plan import Clock, Mode, Plan, Signers, Step
from approvals.state import OpenStep, Subject
from approvals.transition import Deadline, wall_deadline
from directory import Directory, UnknownProduct, UnknownYear, ancestors

Eligible = Callable[[str], bool]


def permission_for(kind: str) -> str:
    """What a person needs to sign a subject of this kind."""
    return "grant.approve" if kind == "grant" else "approval.sign"


def seat_plan(
    plan: Plan, subject: Subject, directory: Directory, at: datetime
) -> tuple[OpenStep, ...]:
    """The chain for this subject with the people who may sign each step at `at`.

    Requester and causers are left out. Roles are sought from the step's node upward until one has
    an eligible holder. A step may come out without people; `transition` refuses to start it.

    Raises:
        NoPlan: when no band covers the organisation.
    """
    permission = permission_for(subject.kind)
    never = {subject.requester, *subject.causers}

    def eligible(person: str) -> bool:
        return person not in never and directory.may(person, permission, subject.org, at).allowed

    return tuple(
        _seat(step, subject, directory, at, eligible)
        for step in plan.steps_for(subject.org, subject.amount)
    )


def _seat(
    step: Step, subject: Subject, directory: Directory, at: datetime, eligible: Eligible
) -> OpenStep:
    signers = _people(step.signers, subject, directory, at, eligible)
    escalate_to = (
        _people(step.escalate_to, subject, directory, at, eligible) if step.escalate_to else ()
    )
    need = {Mode.ALL: max(len(signers), 1), Mode.ANY: 1, Mode.N_OF: step.need}[step.mode]
    return OpenStep(
        name=step.name,
        need=need,
        signers=signers,
        after_s=None if step.after is None else step.after // timedelta(seconds=1),
        clock=step.clock,
        then=step.then,
        escalate_to=tuple(name for name in escalate_to if name not in signers),
        mode=step.mode,
        role=step.signers.role.value if step.signers.role is not None else "",
        permission=step.signers.permission,
        org=step.signers.org or subject.org,
    )


def _people(
    who: Signers, subject: Subject, directory: Directory, at: datetime, eligible: Eligible
) -> tuple[str, ...]:
    if who.people:
        return tuple(dict.fromkeys(name for name in who.people if eligible(name)))
    org = who.org or subject.org
    if who.permission:
        holders = directory.holders(who.permission, org, at)
        return tuple(name for name in holders if eligible(name))
    for node in ancestors(org):
        found = tuple(
            person.id
            for person in directory.people
            if who.role in person.roles and person.unit == node and eligible(person.id)
        )
        if found:
            return found
    return ()


def session_deadline(directory: Directory, subject: Subject) -> Deadline:
    """Deadlines on the subject's trading sessions where a step asks for it.

    Where the calendar has no answer (unknown product or year) the wall clock counts: earlier, and
    never a guess.
    """

    def deadline(step: OpenStep, at: datetime) -> datetime | None:
        if step.after_s is None or step.clock is not Clock.SESSION:
            return wall_deadline(step, at)
        product = subject.product or directory.settings(subject.org).product
        after = timedelta(seconds=step.after_s)
        try:
            return directory.calendar.add_open_time(product, at, after, org=subject.org)
        except (UnknownProduct, UnknownYear):
            return wall_deadline(step, at)

    return deadline
