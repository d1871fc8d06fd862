"""The routes of the approvals inbox: look, sign several, give, agree to and end a delegation."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response
from sqlalchemy import Connection

import approvals
from approvals import LendingOutcome, State, UnknownDelegation
from service import delegating
from service.bulk_signing import MOST, NOT_FOUND, Ticked, sign_all
from service.web.rooms import delegations
from service.web.rooms.approvals import sees_request
from service.web.rooms.approvals_inbox import approvals_page, ticked
from service.web.rooms.here import Here, Viewer, not_found
from store import UnitOfWork

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=16)]
Word = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]


@router.get("/approvals")
def show(here: Viewer) -> Response:
    """审批收件箱."""
    return _page(here)


@router.post("/approvals/sign")
def sign(
    here: Viewer,
    pick: Annotated[list[str] | None, Form(max_length=MOST)] = None,
    note: Text = "",
) -> Response:
    """Sign all that were ticked, each for itself; the page tells what came of each.

    Sent again, it signs nothing twice and tells the same.
    """
    found = [Ticked(number, version) for number, version in ticked(pick or ())]
    if not found:
        return here.refused("/approvals", here.text("ui.approvals.none_ticked"))

    def sees(connection: Connection, state: State) -> str:
        return "" if sees_request(here, connection, state) else NOT_FOUND

    with here.app.store.unit_of_work(here.person) as uow:
        context = here.app.context(here.app.directories.around(uow.connection))
        signed = sign_all(uow, here.app, context, found, sees=sees, note=note)
    return _page(here, signed=signed)


@router.post("/delegations")
def lend(  # noqa: PLR0917 - the fields of the form
    here: Viewer,
    to: Word,
    scope: Word,
    until: Word,
    reason: Text = "",
    since: Word = "",
    kind: Word = "",
    cap: Word = "",
    currency: Word = "",
) -> Response:
    """委托; it counts once a second person has agreed. A refusal keeps what was typed."""
    values = delegations.form_values(
        {
            "to": to, "scope": scope, "until": until, "reason": reason, "since": since,
            "kind": kind, "cap": cap, "currency": currency,
        }
    )  # fmt: skip
    if not here.signed.sees(values["scope"]):
        raise not_found()
    wish = delegations.wish_of(here, values)
    if isinstance(wish, str):
        return _page(here, form=delegations.Form(values, wish), status=422)
    with here.app.store.unit_of_work(here.person) as uow:
        outcome = delegating.give(uow, here.app, wish)
    if not outcome.ok:
        params = dict(outcome.params)
        if "person" in params:
            params["person"] = here.names.person(params["person"])
        return _page(here, form=delegations.Form(values, outcome.code, params), status=422)
    return _told(here, outcome)


@router.post("/delegations/{number}/confirm")
def confirm(here: Viewer, number: Number) -> Response:
    """复核: agree as the second person."""
    return _act(here, number, lambda uow: delegating.confirm(uow, here.app, number))


@router.post("/delegations/{number}/end")
def end(here: Viewer, number: Number, reason: Text = "") -> Response:
    """终止: as the principal or the delegate."""
    return _act(here, number, lambda uow: delegating.end(uow, here.app, number, reason))


def _act(here: Here, number: str, command: Callable[[UnitOfWork], LendingOutcome]) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        try:
            known = approvals.find_delegation(uow.connection, number)
        except UnknownDelegation as unknown:
            raise not_found() from unknown
        mine = here.person in {known.principal, known.delegate}
        if not mine and not here.signed.sees(known.scope):
            raise not_found()
        outcome = command(uow)
    if not outcome.ok:
        return here.refused("/approvals", here.text(f"reason.{outcome.code}", **outcome.params))
    return _told(here, outcome)


def _told(here: Here, outcome: LendingOutcome) -> Response:
    number = outcome.lending.number if outcome.lending is not None else ""
    said = here.text(f"reason.{outcome.code}")
    return here.done("/approvals", "ui.said.delegation", number=number, said=said)


def _page(here: Here, *, status: int = 200, **more: Any) -> Response:
    with here.app.store.reader() as connection:
        page = approvals_page(here, connection, **more)
    return here.show("approvals.html", page, "approvals", live=not more, status=status)
