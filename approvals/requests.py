"""Requests in the database: submitted, and acted upon with compare-and-set.

The people and their permissions come as a `Directory` value, so every act checks them anew.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

import trail
from approvals.codec import state_from_json, to_json
from approvals.delegations import with_standing
from approvals.errors import NoPlan, UnknownRequest
from approvals.plan import Plan, shipped_plans
from approvals.reading import is_open, read, read_for
from approvals.seating import permission_for, seat_plan, session_deadline
from approvals.segregation import never_signs
from approvals.state import Act, Code, Delegation, Outcome, State, Status, Subject, Verb
from approvals.tables import EventRow, RequestRow
from approvals.transition import renewed, transition
from directory import Directory, UnknownPerson, grant
from directory.roles import check_permission
from store import UnitOfWork
from store.clock import parse_rfc3339
from store.schema import table

_REQUEST = table(str(RequestRow.__tablename__))
_EVENT = table(str(EventRow.__tablename__))

_SIGNING = (Verb.APPROVE, Verb.REJECT, Verb.RETURN_FOR_PAPERS, Verb.REASSIGN, Verb.ADD_SIGNER)
_UNRECORDED = (
    Code.ALREADY_SUBMITTED,
    Code.ALREADY_SIGNED,
    Code.ALREADY_NUDGED,
    Code.ALREADY_DELEGATED,
    Code.NOTHING_CHANGED,
    Code.APPROVAL_DECIDED,
    Code.APPROVAL_CHANGED,
    Code.NOT_DUE,
)


def submit(
    uow: UnitOfWork,
    subject: Subject,
    directory: Directory,
    plan: Plan | None = None,
) -> Outcome:
    """Ask for an approval; the unit's actor is not looked at, the subject's requester asks.

    The same requester asking for the same object while a request of it is open gets that request.
    Nothing is stored when the chain cannot be filled (NO_ELIGIBLE_SIGNERS) or the requester may
    not ask; a requester ``system:…`` always may. Without `plan` the shipped chain for the
    subject's kind is used.

    Raises:
        NoPlan: when there is no chain for this kind, organisation and amount.
    """
    plan = plan or shipped_plans().get(subject.kind)
    if plan is None:
        raise NoPlan(subject.kind, subject.org)
    earlier = read_for(uow.connection, subject.kind, subject.object_id)
    for one in earlier:
        if is_open(one, subject):
            return _already(one)
    expires = None if plan.expires_after is None else uow.now + plan.expires_after
    draft = State(
        id=_request_id(subject, uow.now, len(earlier)),
        subject=subject,
        plan=plan.id,
        plan_version=plan.version,
        steps=seat_plan(plan, subject, directory, uow.now),
        expires=expires,
    )
    asking = Act(Verb.SUBMIT, subject.requester, permitted=_may_ask(directory, subject, uow.now))
    outcome = transition(draft, asking, uow.now, session_deadline(directory, subject))
    if outcome.accepted:
        row = {**_columns(outcome.state), "id": draft.id, "created_at": uow.now}
        try:
            with uow.connection.begin_nested():
                uow.execute(insert(_REQUEST).values(**row))
        except IntegrityError:
            # The same was submitted at the same instant; that one is committed by now.
            for one in read_for(uow.connection, subject.kind, subject.object_id):
                if is_open(one, subject):
                    return _already(one)
            raise
        _record(uow, draft, asking, 0, outcome)
    return outcome


def act(
    uow: UnitOfWork,
    request_id: str,
    actor: str,
    verb: Verb | str,
    expected_version: int,
    *,
    directory: Directory,
    reason: str = "",
    note: str = "",
    to: str = "",
    on_behalf_of: str = "",
    ends: datetime | None = None,
    cap: Any = None,
    subject: Subject | None = None,
    plan: Plan | None = None,
    barring: Collection[str] = (),
) -> Outcome:
    """Do one act on a request, at the unit's time, if the caller's card is still true.

    `expected_version` is the version that the actor saw: any of the present round will do, since
    what is decided upon has not changed in it; an older one is answered with APPROVAL_CHANGED and
    the present state. The same act of the same person on the same version is done once; later
    ones get the recorded answer. An approved request for a grant gives the grant in this unit.

    `reason` is a code of `REJECT_REASONS`, for reject and return_for_papers; `to` the other person
    of reassign, add_signer and delegate; `on_behalf_of` the principal (a standing delegation that
    fits is found by itself); `ends` and `cap` belong to the verb delegate; `subject` is the new
    subject of a material_change or resubmission, `plan` its chain, else the shipped one. `barring`
    are people whose doing the matter has become since it was asked for: they sign no more.

    Raises:
        UnknownRequest: when there is no such request.
        ValueError: when `verb` is none.
    """
    verb = Verb(verb)
    state = _load(uow, request_id)
    if joining := set(barring) - {*never_signs(state)}:
        state = replace(state, barred=(*state.barred, *sorted(joining)))
    doing = Act(verb=verb, actor=actor, reason=reason, note=note, to=to, on_behalf_of=on_behalf_of)
    before = _done_before(uow.connection, request_id, doing, expected_version)
    if before is not None:
        return Outcome(state, before, accepted=True, changed=False)
    if not state.status.final and not state.round_version <= expected_version <= state.version:
        return Outcome(state, Code.APPROVAL_CHANGED, accepted=False, changed=False)
    if verb is Verb.DELEGATE and ends is not None:
        scope = state.subject.org
        doing = replace(doing, delegation=Delegation(actor, to, scope, ends, cap))
    elif verb in _SIGNING:
        doing = with_standing(uow, state, doing)
    if verb in (Verb.SUBMIT, Verb.MATERIAL_CHANGE):
        chosen = renewed(state.subject, subject)
        plan = plan or shipped_plans().get(chosen.kind)
        steps = seat_plan(plan, chosen, directory, uow.now) if plan else state.steps
        doing = replace(doing, subject=subject, steps=steps)
    doing = _checked(doing, state, directory, uow.now)
    outcome = transition(state, doing, uow.now, session_deadline(directory, state.subject))
    if outcome.changed:
        change = update(_REQUEST).where(
            _REQUEST.c.id == request_id, _REQUEST.c.version == state.version
        )
        if uow.execute(change.values(**_columns(outcome.state))).rowcount != 1:
            now = read(uow.connection, request_id)
            return Outcome(now, Code.APPROVAL_CHANGED, accepted=False, changed=False)
    _record(uow, state, doing, expected_version, outcome)
    if outcome.changed and outcome.state.status is Status.APPROVED:
        _take_effect(uow, outcome.state)
    return outcome


def request_grant(
    uow: UnitOfWork,
    requester: str,
    person: str,
    code: str,
    *,
    org: str,
    directory: Directory,
    valid_to: datetime | None = None,
    note: str = "",
) -> Outcome:
    """Ask that `person` be given permission `code` under `org`; approving it gives it.

    Raises:
        directory.UnknownPermission: when no such code exists.
        directory.UnknownPerson: when nobody has this id.
    """
    check_permission(code)
    if directory.person(person) is None:
        raise UnknownPerson(person)
    material = {"person": person, "grant": code, "scope": org, "note": note}
    if valid_to is not None:
        material["valid_to"] = to_json(valid_to)
    object_id = f"{person}/{code}/{org}"
    asked = Subject("grant", object_id, org, requester, causers=(person,), material=material)
    return submit(uow, asked, directory)


# --- inside -------------------------------------------------------------------------------------


def _already(open_one: State) -> Outcome:
    return Outcome(open_one, Code.ALREADY_SUBMITTED, accepted=True, changed=False)


def _request_id(subject: Subject, now: datetime, earlier: int) -> str:
    """Its number; a clock that stands still does not give two requests the same."""
    told = [subject.kind, subject.object_id, subject.org, subject.requester, now]
    named = trail.canonical([*told, earlier] if earlier else told)
    return f"AP-{sha256(named).hexdigest()[:16]}"


def _columns(state: State) -> dict[str, Any]:
    times = [at for at in (state.due, state.expires) if at is not None]
    return {
        "version": state.version,
        "kind": state.subject.kind,
        "object_id": state.subject.object_id,
        "org": state.subject.org,
        "requester": state.subject.requester,
        "status": state.status.value,
        "due": min(times, default=None) if not state.status.final else None,
        "state": to_json(state),
    }


def _load(uow: UnitOfWork, request_id: str) -> State:
    query = select(_REQUEST.c.state).where(_REQUEST.c.id == request_id).with_for_update()
    value = uow.execute(query).scalar()
    if value is None:
        raise UnknownRequest(request_id)
    return state_from_json(value)


def _done_before(connection: Connection, request_id: str, doing: Act, expected: int) -> str | None:
    """The answer that this very act got when it was accepted before."""
    query = select(_EVENT.c.code).where(
        _EVENT.c.request_id == request_id,
        _EVENT.c.actor == doing.actor,
        _EVENT.c.verb == doing.verb.value,
        _EVENT.c.expected_version == expected,
        _EVENT.c.target == doing.to,
        _EVENT.c.accepted.is_(True),
    )
    code = connection.execute(query).scalar()
    return None if code is None else str(code)


def _may_ask(directory: Directory, subject: Subject, at: datetime) -> str:
    if subject.requester.startswith("system:"):
        return ""
    permission = "grant.request" if subject.kind == "grant" else "approval.request"
    verdict = directory.may(subject.requester, permission, subject.org, at)
    return "" if verdict.allowed else verdict.reason.value


def _checked(doing: Act, state: State, directory: Directory, at: datetime) -> Act:
    """The act with what the directory says about actor, principal and target at this moment."""
    subject = state.subject

    def refusal(person: str) -> str:
        verdict = directory.may(person, permission_for(subject.kind), subject.org, at)
        return "" if verdict.allowed else verdict.reason.value

    if doing.verb is Verb.SUBMIT:
        return replace(doing, permitted=_may_ask(directory, subject, at))
    if doing.verb is Verb.MATERIAL_CHANGE and doing.actor != subject.requester:
        changer = replace(subject, requester=doing.actor)
        return replace(doing, permitted=_may_ask(directory, changer, at))
    if doing.verb in (*_SIGNING, Verb.DELEGATE):
        permitted = refusal(doing.actor)
        if doing.on_behalf_of and not permitted:
            permitted = refusal(doing.on_behalf_of)
        target = refusal(doing.to) if doing.to else ""
        if doing.verb is Verb.REASSIGN and not target:
            target = _not_of_step(directory, state, doing, at)
        return replace(doing, permitted=permitted, target_permitted=target)
    return doing


def _not_of_step(directory: Directory, state: State, doing: Act, at: datetime) -> str:
    """Why the person cannot have a seat that the plan gave to a role or a permission.

    An added signer's seat, and one of a plan that lists people, may go to whoever may sign.
    """
    step = state.current
    seat = doing.on_behalf_of or doing.actor
    if step is None or seat not in {*step.signers, *step.escalate_to}:
        return ""
    target = directory.person(doing.to)
    if step.role and (target is None or step.role not in {role.value for role in target.roles}):
        return "ROLE_MISSING"
    if step.permission:
        verdict = directory.may(doing.to, step.permission, state.subject.org, at)
        return "" if verdict.allowed else verdict.reason.value
    return ""


def _record(
    uow: UnitOfWork, state: State, doing: Act, expected_version: int, outcome: Outcome
) -> None:
    if outcome.code in _UNRECORDED:
        return
    after = outcome.state
    if not outcome.accepted and _refused_before(uow.connection, after.id, doing, outcome.code):
        return
    uow.execute(
        insert(_EVENT).values(
            request_id=after.id,
            at=uow.now,
            actor=doing.actor,
            verb=doing.verb.value,
            target=doing.to,
            expected_version=expected_version,
            version=after.version,
            accepted=outcome.accepted,
            code=outcome.code,
            body=to_json(doing),
        )
    )
    step = state.current
    trail.record(
        uow,
        kind="decision",
        action=f"approval.{doing.verb.value}",
        object_type="approval",
        object_id=after.id,
        org=after.subject.org,
        outcome=after.status.value if outcome.accepted else "refused",
        reason=doing.reason or outcome.code,
        body={
            "by": doing.actor,
            "code": outcome.code,
            "subject": to_json(after.subject),
            "round": after.round,
            "step": step.name if step else "",
            "version": after.version,
            "note": doing.note,
            "to": doing.to,
            "on_behalf_of": doing.on_behalf_of,
        },
    )


def _refused_before(connection: Connection, request_id: str, doing: Act, code: str) -> bool:
    query = select(_EVENT.c.id).where(
        _EVENT.c.request_id == request_id,
        _EVENT.c.actor == doing.actor,
        _EVENT.c.verb == doing.verb.value,
        _EVENT.c.code == code,
        _EVENT.c.accepted.is_(False),
    )
    return connection.execute(query).first() is not None


def _take_effect(uow: UnitOfWork, state: State) -> None:
    """What approving does by itself: a grant is given. All else is the caller's to carry out."""
    subject = state.subject
    if subject.kind != "grant":
        return
    valid_to = subject.material.get("valid_to")
    grant(
        uow,
        subject.material["person"],
        subject.material["grant"],
        subject.material["scope"],
        approved_by=state.decided_by,
        valid_to=parse_rfc3339(valid_to) if valid_to else None,
    )
