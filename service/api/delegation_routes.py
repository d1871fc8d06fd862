"""Delegations over HTTP: who signs in whose place; each act as the caller."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

import approvals
from approvals import Lending, LendingOutcome, Wish
from approvals.delegations import PERMISSION
from service import delegating
from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, Fault, not_found, words_of
from service.api.orders import refusal_status
from service.api.shapes import In, Line, Name, Number, NumberIn, Out, Text, Time
from service.api.writing import Call, Done, Writing, write
from store import UnitOfWork
from workorders.plain import plain

router = APIRouter(prefix="/delegations", tags=["approvals"])
DelegationId = Annotated[str, Path(max_length=16, pattern=r"^DG-[0-9]{1,9}$")]
_FORBIDDEN = frozenset(
    {"DELEGATION_OWN", "DELEGATION_NOT_YOURS", "GRANT_OUT_OF_SCOPE", "NOT_GRANTED"}
)
_INCOMPLETE = frozenset(
    {
        "DELEGATION_TO_SELF",
        "DELEGATION_TIMES",
        "DELEGATION_REASON",
        "DELEGATION_KIND",
        "DELEGATION_MONEY",
        "DELEGATE_MAY_NOT_SIGN",
    }
)


class DelegationIn(In):
    """A delegation as it is asked for by the caller, who is the principal."""

    delegate: Name
    scope: Name
    starts_at: Line = ""
    ends_at: Name
    reason: Text
    kind: Line = ""
    cap: NumberIn | None = None
    currency: Line = ""


class EndDelegationIn(In):
    """Why it ends before its time."""

    reason: Text = ""


class DelegationOut(Out):
    """One delegation; it counts while its state is ``active``."""

    number: str
    state: str
    principal: str
    delegate: str
    scope: str
    kind: str
    cap: Number | None
    currency: str
    starts_at: Time
    ends_at: Time
    reason: str
    created_at: Time
    confirmed_by: str
    confirmed_at: Time | None
    ended_by: str
    ended_at: Time | None


class DelegationListOut(Out):
    """Delegations, the newest first."""

    items: list[DelegationOut]


class DelegationActOut(Out):
    """What became of an act."""

    code: str
    titles: dict[str, str]
    delegation: DelegationOut


def delegation_out(one: Lending, who: Caller) -> DelegationOut:
    """The delegation as it goes out."""
    names = set(DelegationOut.model_fields) - {"state", "starts_at", "ends_at"}
    return DelegationOut(
        **plain({name: getattr(one, name) for name in names}),
        state=one.state(who.at).value,
        starts_at=plain(one.starts),
        ends_at=plain(one.ends),
    )


@router.get("", summary="Delegations in the units that the caller sees, and the caller's own")
def list_all(
    app: App, who: Who, *, live: Annotated[bool, Query(description="only those not over")] = False
) -> DelegationListOut:
    """The newest first."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = approvals.list_delegations(connection, scopes, who.person.id)
    kept = [one for one in found if not live or one.live(who.at)]
    return DelegationListOut(items=[delegation_out(one, who) for one in kept])


@router.post("", response_model=DelegationActOut, status_code=201, summary="委托")
def give(call: Writing, asked: DelegationIn) -> Response:
    """Ask that another may sign in the caller's place; it counts once a second person agreed."""
    call.who.reads("view")
    ends = when(asked.ends_at, "ends_at")
    if ends is None:  # an empty text was refused by its shape
        raise ApiFault(422, "TIME_INVALID", params={"field": "ends_at"})
    wish = Wish(
        delegate=asked.delegate,
        scope=asked.scope,
        starts=when(asked.starts_at, "starts_at"),
        ends=ends,
        reason=asked.reason,
        kind=asked.kind,
        cap=None if asked.cap is None else Decimal(asked.cap),
        currency=asked.currency,
    )

    def run(uow: UnitOfWork) -> Done:
        if not call.who.sees(wish.scope):
            raise not_found()
        if call.who.scopes:
            call.who.check(PERMISSION, wish.scope)
        return _done(call, delegating.give(uow, call.app, wish), 201)

    return write(call, run)


@router.post("/{number}/confirm", response_model=DelegationActOut, summary="复核")
def confirm(call: Writing, number: DelegationId) -> Response:
    """Agree as the second person; from its start on it counts."""
    return _act(call, number, lambda uow: delegating.confirm(uow, call.app, number))


@router.post("/{number}/end", response_model=DelegationActOut)
def end(call: Writing, number: DelegationId, asked: EndDelegationIn) -> Response:
    """End it now, as the principal or the delegate."""
    return _act(call, number, lambda uow: delegating.end(uow, call.app, number, asked.reason))


def _act(call: Call, number: str, command: Callable[[UnitOfWork], LendingOutcome]) -> Response:
    call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        known = approvals.find_delegation(uow.connection, number)
        mine = call.who.person.id in {known.principal, known.delegate}
        if not mine and not call.who.sees(known.scope):
            raise not_found()
        if call.who.scopes:
            call.who.check(PERMISSION, known.scope)
        return _done(call, command(uow), 200)

    return write(call, run)


def _done(call: Call, outcome: LendingOutcome, status: int) -> Done:
    if not outcome.ok or outcome.lending is None:
        return Done(0, refused=Fault(_status(outcome.code), outcome.code, outcome.params))
    body = DelegationActOut(
        code=outcome.code,
        titles=words_of(call.app.catalogues, outcome.code, {}),
        delegation=delegation_out(outcome.lending, call.who),
    )
    return Done(status, body.model_dump(mode="json"))


def _status(code: str) -> int:
    if code in _FORBIDDEN:
        return 403
    return 422 if code in _INCOMPLETE else refusal_status(code)
