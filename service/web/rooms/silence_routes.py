"""The silences' routes: look, preview, make, confirm as the second person, end."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from service.web.rooms.silences import Asked, fault_of, silences_page, wish_of
from store import UnitOfWork
from workorders.context import Context
from workorders.levels import Level
from workorders.silencing import (
    SilenceOutcome,
    confirm_silence,
    create_silence,
    end_silence,
    find_silence,
    visible,
)

router = APIRouter(include_in_schema=False)
SilenceId = Annotated[str, Path(max_length=64)]
Word = Annotated[str, Query(max_length=400)]
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]


@router.get("/silences")
def show(  # noqa: PLR0917 - the fields of the form
    here: Viewer,
    org: Word = "",
    product: Word = "",
    measure: Word = "",
    account: Word = "",
    rule: Word = "",
    person: Word = "",
    level: Annotated[list[Level] | None, Query()] = None,
    since: Word = "",
    until: Word = "",
    reason: Annotated[str, Query(max_length=4000)] = "",
    look: Word = "",
) -> Response:
    """The list and the form; with `look` also what the silence would have kept back."""
    levels = tuple(one.value for one in dict.fromkeys(level or ()))
    asked = Asked(org, product, measure, account, rule, person, levels, since, until, reason,
                  bool(look))  # fmt: skip
    if org and org not in units(here):
        raise not_found()
    with here.app.store.reader() as connection:
        page = silences_page(here, connection, asked)
    return here.show("silences.html", page, "silences", live=not asked.look)


@router.post("/silences")
def create(  # noqa: PLR0917 - the fields of the form
    here: Viewer,
    org: Field,
    until: Field,
    reason: Text = "",
    product: Field = "",
    measure: Field = "",
    account: Field = "",
    rule: Field = "",
    person: Field = "",
    level: Annotated[list[Level] | None, Form()] = None,
    since: Field = "",
) -> Response:
    """静默; one that names red waits for its second person."""
    if org not in units(here):
        raise not_found()
    levels = tuple(one.value for one in dict.fromkeys(level or ()))
    asked = Asked(org, product, measure, account, rule, person, levels, since, until, reason)
    wish = wish_of(here, asked)
    if isinstance(wish, str):
        return here.refused(asked.address(), here.names.reason(wish))
    with here.app.store.unit_of_work(here.person) as uow:
        fault = fault_of(here, uow.connection, asked)
        outcome = (
            SilenceOutcome(ok=False, code=fault)
            if fault
            else create_silence(uow, _context(here, uow), wish)
        )
    if not outcome.ok:
        return _refused(here, outcome, asked.address())
    waits = outcome.code == "SILENCE_NEEDS_SECOND"
    return _done(here, outcome, "ui.said.silence_waits" if waits else "ui.said.silenced")


@router.post("/silences/{silence_id}/confirm")
def confirm(
    here: Viewer, silence_id: SilenceId, version: Annotated[int, Form(ge=1, le=10**9)]
) -> Response:
    """复核: the second person agrees; from now on it counts."""
    return _act(
        here, silence_id,
        lambda uow, ctx: confirm_silence(uow, ctx, silence_id, expected_version=version),
        "ui.said.silence_confirmed",
    )  # fmt: skip


@router.post("/silences/{silence_id}/end")
def end(here: Viewer, silence_id: SilenceId, reason: Text = "") -> Response:
    """End it now; what it kept back and still stands is told."""
    return _act(
        here, silence_id,
        lambda uow, ctx: end_silence(uow, ctx, silence_id, reason=reason),
        "ui.said.silence_ended",
    )  # fmt: skip


def _act(
    here: Here, silence_id: str, command: Callable[[UnitOfWork, Context], SilenceOutcome], said: str
) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        known = find_silence(uow.connection, silence_id)
        if known is None or not visible(known, here.scopes):
            raise not_found()
        outcome = command(uow, _context(here, uow))
    if not outcome.ok or outcome.code == "ALREADY_DONE":
        return _refused(here, outcome, "/silences")
    return _done(here, outcome, said)


def _done(here: Here, outcome: SilenceOutcome, said: str) -> Response:
    number = "" if outcome.silence is None else outcome.silence.id
    if outcome.told:
        which = here.text("ui.list_comma").join(outcome.told)
        return here.done("/silences", f"{said}_told", number=number, which=which)
    return here.done("/silences", said, number=number)


def _refused(here: Here, outcome: SilenceOutcome, url: str) -> Response:
    return here.refused(url, here.spoken.text(f"reason.{outcome.code}", **dict(outcome.params)))


def _context(here: Here, uow: UnitOfWork) -> Context:
    return here.app.context(here.app.directories.around(uow.connection))
