"""Exemptions over HTTP: list, show, ask, renew, revoke; each as the caller.

They are signed like every request for approval, under `/approvals`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, Fault, not_found
from service.api.orders import refusal_status
from service.api.shapes import In, Line, NumberIn, Out, Text, Time
from service.api.writing import Call, Done, Writing, write
from service.exempting import ASKING, Renewal, Wish, ask, renew
from service.exemption_rows import exemption_row
from store import UnitOfWork
from workorders import Context
from workorders.exempting import counts
from workorders.exemption_ending import PERMISSION, ExemptionOutcome, revoke
from workorders.exemption_rows import list_exemptions, seen_exemption
from workorders.exemptions import Exemption, ExemptionState
from workorders.plain import plain

router = APIRouter(prefix="/exemptions", tags=["exemptions"])
ExemptionId = Annotated[str, Path(max_length=64, pattern=r"^EX-[0-9]{8}-[0-9]{1,9}$")]


class ExemptionIn(In):
    """An exemption as it is asked for; without a start it begins with the last signature."""

    org: Line
    product: Line
    rule: Line
    cap: NumberIn
    month: Line = ""
    account: Line = ""
    starts_at: Line = ""
    ends_at: Line
    reason: Text
    clause: Line


class RenewIn(In):
    """How long it is carried on, and why; without a cap up to the same one."""

    ends_at: Line
    reason: Text
    cap: NumberIn | None = None


class RevokeIn(In):
    """Why it ends before its time."""

    reason: Text


class ExemptionOut(Out):
    """An exemption on the register; `covered` is how many matches raised nothing because of it."""

    id: str
    state: str
    org: str
    product: str
    rule: str
    month: str
    account: str
    cap: str
    unit: str
    starts_at: Time
    ends_at: Time
    reason: str
    clause: str
    renews: str
    requested_by: str
    requested_at: Time
    request: str
    decided_by: str
    decided_at: Time | None
    ended_by: str
    ended_at: Time | None
    end_reason: str
    covered: int


class ExemptionListOut(Out):
    """Latest first."""

    items: list[ExemptionOut]


class ExemptionActOut(Out):
    """What became of an act; `raised` are alerts that are raised now because of it."""

    code: str
    exemption: ExemptionOut
    raised: list[str]


def exemption_out(exemption: Exemption, covered: int = 0) -> ExemptionOut:
    """The exemption as it goes out."""
    return ExemptionOut(**exemption_row(exemption, covered))


@router.get("", summary="Exemptions of the units that the caller sees, latest first")
def list_all(
    app: App,
    who: Who,
    *,
    state: Annotated[
        ExemptionState | Literal[""], Query(description="only those that stand so")
    ] = "",
) -> ExemptionListOut:
    """The register."""
    scopes = who.reads("view")
    states = [ExemptionState(state)] if state else []
    with app.store.reader() as connection:
        found = list_exemptions(connection, scopes, states=states, person=who.person.id)
        covered = counts(connection, [one.id for one in found])
    return ExemptionListOut(items=[exemption_out(one, covered[one.id]) for one in found])


@router.get("/{exemption_id}", summary="One exemption")
def show(app: App, who: Who, exemption_id: ExemptionId) -> ExemptionOut:
    """One exemption."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = seen_exemption(connection, exemption_id, scopes, who.person.id)
        if found is None:
            raise not_found()
        return exemption_out(found, counts(connection, [found.id])[found.id])


@router.post("", response_model=ExemptionActOut, status_code=201, summary="豁免")
def create(call: Writing, asked: ExemptionIn) -> Response:
    """Ask for an exemption; it counts once its signers have agreed."""
    call.who.reads("view")
    until = when(asked.ends_at, "ends_at")
    if until is None:
        raise ApiFault(422, "TIME_INVALID", params={"field": "ends_at"})
    wish = Wish(
        org=asked.org,
        product=asked.product,
        rule=asked.rule,
        cap=Decimal(asked.cap),
        ends_at=until,
        reason=asked.reason,
        clause=asked.clause,
        month=asked.month,
        account=asked.account,
        starts_at=when(asked.starts_at, "starts_at"),
    )

    def run(uow: UnitOfWork) -> Done:
        if not wish.org or not call.who.sees(wish.org):
            raise not_found()
        _token(call.who, ASKING, wish.org)
        return _done(ask(uow, call.app, _context(call, uow), wish), 201)

    return write(call, run)


@router.post("/{exemption_id}/renew", response_model=ExemptionActOut, status_code=201)
def carry_on(call: Writing, exemption_id: ExemptionId, asked: RenewIn) -> Response:
    """Ask that it be carried on from its end; it is signed anew."""
    until = when(asked.ends_at, "ends_at")
    if until is None:
        raise ApiFault(422, "TIME_INVALID", params={"field": "ends_at"})
    cap = None if asked.cap is None else Decimal(asked.cap)
    wanted = Renewal(until, asked.reason, cap)

    def act(uow: UnitOfWork, ctx: Context) -> ExemptionOutcome:
        return renew(uow, call.app, ctx, exemption_id, wanted)

    return _act(call, exemption_id, ASKING, act, 201)


@router.post("/{exemption_id}/revoke", response_model=ExemptionActOut)
def end(call: Writing, exemption_id: ExemptionId, asked: RevokeIn) -> Response:
    """End it before its time; what still stands raises its alert at once."""

    def act(uow: UnitOfWork, ctx: Context) -> ExemptionOutcome:
        return revoke(uow, ctx, exemption_id, reason=asked.reason)

    return _act(call, exemption_id, PERMISSION, act, 200)


def _act(
    call: Call,
    exemption_id: str,
    permission: str,
    command: Callable[[UnitOfWork, Context], ExemptionOutcome],
    status: int,
) -> Response:
    scopes = call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        known = seen_exemption(uow.connection, exemption_id, scopes, call.who.person.id)
        if known is None:
            raise not_found()
        _token(call.who, permission, known.terms.org)
        return _done(command(uow, _context(call, uow)), status)

    return write(call, run)


def _token(who: Caller, permission: str, org: str) -> None:
    """A token is no wider than it says."""
    if who.scopes:
        who.check(permission, org)


def _context(call: Call, uow: UnitOfWork) -> Context:
    return call.app.context(call.app.directories.around(uow.connection))


def _done(outcome: ExemptionOutcome, status: int) -> Done:
    if not outcome.ok or outcome.exemption is None:
        params: dict[str, Any] = plain(dict(outcome.params))
        return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, params))
    body = ExemptionActOut(
        code=outcome.code, exemption=exemption_out(outcome.exemption), raised=list(outcome.raised)
    )
    return Done(status, body.model_dump(mode="json"))
