"""Requests for approval over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

import approvals
from approvals import State, Status
from service.api.access import App, Caller, Who
from service.api.faults import Fault, not_found, words_of
from service.api.orders import refusal_status
from service.api.shapes import (
    ApprovalActOut,
    ApprovalListOut,
    ApprovalOut,
    ApproveIn,
    SignAllIn,
    SignAllOut,
    SignedOut,
)
from service.api.writing import Done, Writing, write
from service.application import Application
from service.approval_rows import approval_row
from service.approving import act as act_on
from service.approving import recorded
from service.bulk_signing import NOT_FOUND, Ticked, sign_all
from service.matters import Matters, kept_from, seen_requests, waiting_requests
from store import UnitOfWork

router = APIRouter(prefix="/approvals", tags=["approvals"])

RequestId = Annotated[str, Path(max_length=40, pattern=r"^AP-[0-9a-f]{16}$")]
_NEEDS = {
    "approve": "approval.sign",
    "reject": "approval.sign",
    "return_for_papers": "approval.sign",
    "reassign": "approval.sign",
    "add_signer": "approval.sign",
    "nudge": "approval.request",
    "withdraw": "approval.request",
}
_INCOMPLETE = frozenset({"REASON_NEEDED", "TARGET_NOT_ELIGIBLE"})
_FORBIDDEN = frozenset(
    {
        "NOT_PERMITTED",
        "SELF_APPROVAL",
        "CAUSER_CANNOT_SIGN",
        "NOT_A_SIGNER",
        "NOT_THE_REQUESTER",
        "NOT_INVOLVED",
        "SIGNED_BEFORE",
    }
)


def approval_out(state: State) -> ApprovalOut:
    """The request as it goes out."""
    return ApprovalOut(**approval_row(state))


@router.get("", summary="Requests of the units that the caller sees, or that wait for the caller")
def list_approvals(
    app: App,
    who: Who,
    *,
    status: Annotated[Status | Literal[""], Query()] = "",
    waiting_for_me: Annotated[bool, Query()] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ApprovalListOut:
    """Newest first; those that wait for the caller, oldest first."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = (
            waiting_requests(connection, scopes, who.person.id, who.at)
            if waiting_for_me
            else seen_requests(connection, scopes, who.person.id, str(status), limit)
        )
    kept = [one for one in found if not status or one.status.value == status]
    return ApprovalListOut(items=[approval_out(one) for one in kept[:limit]])


@router.get("/{request_id}", summary="One request")
def show_approval(app: App, who: Who, request_id: RequestId) -> ApprovalOut:
    """One request."""
    with app.store.reader() as connection:
        return approval_out(_seen(connection, who, request_id))


def _seen(connection: Connection, who: Caller, request_id: str) -> State:
    """The request, if the caller sees its unit or has a seat in it.

    Raises:
        ApiFault: not found, also for one that is not the caller's to see.
        UnknownRequest: not found.
    """
    scopes = who.reads("view")
    state = approvals.read(connection, request_id)
    if not _shown(kept_from(connection, scopes), who, state):
        raise not_found()
    return state


def _shown(kept: Matters, who: Caller, state: State) -> bool:
    involved = state.involves(who.person.id) or who.sees(state.subject.org)
    return involved and kept.shows_request(state, who.person.id)


@router.post("/sign", response_model=SignAllOut, summary="Sign several; each has its own answer")
def sign_several(call: Writing, asked: SignAllIn) -> Response:
    """A refused one holds no other back; a red one is signed by itself alone."""
    app, who = call.app, call.who
    scopes = who.reads("view")

    def sees(connection: Connection, state: State) -> str:
        if not _shown(kept_from(connection, scopes), who, state):
            return NOT_FOUND
        limited = bool(who.scopes) and not who.may("approval.sign", state.subject.org)
        return "TOKEN_SCOPE" if limited else ""

    def run(uow: UnitOfWork) -> Done:
        ctx = app.context(app.directories.around(uow.connection))
        ticked = [Ticked(one.id, one.version) for one in asked.requests]
        found = sign_all(uow, app, ctx, ticked, sees=sees, note=asked.note)
        items = [
            SignedOut(
                id=one.id,
                ok=one.ok,
                code=one.code,
                titles=words_of(app.catalogues, one.code, {}),
                approval=None if one.state is None else approval_out(one.state),
            )
            for one in found
        ]
        signed = sum(one.ok for one in found)
        body = SignAllOut(signed=signed, refused=len(found) - signed, items=items)
        return Done(200, body.model_dump(mode="json"))

    return write(call, run)


@router.post("/{request_id}/acts", response_model=ApprovalActOut, summary="Sign, or act otherwise")
def act(call: Writing, request_id: RequestId, asked: ApproveIn) -> Response:
    """One act as the caller; whether the caller may is found out now, not when a card was sent."""
    app, who = call.app, call.who

    def run(uow: UnitOfWork) -> Done:
        state = _seen(uow.connection, who, request_id)
        if who.scopes:
            who.check(_NEEDS[asked.verb], state.subject.org)
        ctx = app.context(app.directories.around(uow.connection))
        decided = act_on(
            uow,
            app,
            ctx,
            request_id,
            asked.verb,
            asked.version,
            reason=asked.reason,
            note=asked.note,
            to=asked.to,
        )
        if not decided.accepted:
            params = recorded(decided.state, app)
            return Done(0, refused=Fault(_status(decided.code), decided.code, params))
        return Done(200, _acted(app, decided.code, decided.state).model_dump(mode="json"))

    return write(call, run)


def _acted(app: Application, code: str, state: State) -> ApprovalActOut:
    return ApprovalActOut(
        code=code, titles=words_of(app.catalogues, code, {}), approval=approval_out(state)
    )


def _status(code: str) -> int:
    if code in _FORBIDDEN:
        return 403
    return 422 if code in _INCOMPLETE else refusal_status(code)
