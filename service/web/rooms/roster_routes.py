"""The roster's routes: the calendar, who answers at a time, and what changes it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from directory import (
    Absence,
    DutyOverride,
    Role,
    RosterOutcome,
    SwapSide,
    add_absence,
    add_override,
    agree_swap,
    propose_swap,
    withdraw,
)
from service.moments import in_utc
from service.on_call import place_of, unit_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.log_search import moment
from service.web.rooms.manual_orders import units
from service.web.rooms.roster import VIEWS, Asked, fault_words, roster_page
from store import UnitOfWork

router = APIRouter(include_in_schema=False)
ChangeId = Annotated[str, Path(max_length=64)]
Word = Annotated[str, Query(max_length=400)]
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=400)]
_HOME = "/roster"


@router.get("/roster")
def show(  # noqa: PLR0917 - the parts of the address
    here: Viewer, view: Word = "", day: Word = "", org: Word = "", role: Word = "", at: Word = ""
) -> Response:
    """The calendar; with `at` also who answers then."""
    asked = Asked(view if view in VIEWS else VIEWS[0], day, org, role, at)
    return here.show("roster.html", roster_page(here, asked), "roster")


@router.post("/roster/overrides")
def override(  # noqa: PLR0917 - the fields of the form
    here: Viewer, org: Field, person: Field, start: Field, end: Field,
    role: Annotated[Role, Form()] = Role.RISK_OFFICER, instead_of: Field = "", reason: Text = "",
) -> Response:  # fmt: skip
    """临时顶班; needs ``roster.write``."""
    period = _period(here, start, end)
    if period is None:
        return here.refused(_HOME, here.names.reason("TIME_INVALID"))
    _refuse_hidden(here, org)
    given = DutyOverride(org, role, person, *period, instead_of, "", reason)
    return _change(here, lambda uow: add_override(uow, given), "ui.said.roster_override")


@router.post("/roster/absences")
def absence(  # noqa: PLR0917 - the fields of the form
    here: Viewer, person: Field, start: Field, end: Field, deputy: Field = "", reason: Text = ""
) -> Response:
    """One's own, or another's with ``roster.write``."""
    period = _period(here, start, end)
    if period is None:
        return here.refused(_HOME, here.names.reason("TIME_INVALID"))
    _refuse_hidden(here, unit_of(here.directory, person))
    given = Absence(person, *period, deputy, "", reason)
    return _change(here, lambda uow: add_absence(uow, given), "ui.said.roster_absence")


@router.post("/roster/swaps")
def swap(  # noqa: PLR0917 - the fields of the form
    here: Viewer, org: Field, first: Field, first_start: Field, first_end: Field,
    second: Field, second_start: Field, second_end: Field,
    role: Annotated[Role, Form()] = Role.RISK_OFFICER, reason: Text = "",
) -> Response:  # fmt: skip
    """换班: without effect until two people stand behind it."""
    mine, theirs = _period(here, first_start, first_end), _period(here, second_start, second_end)
    if mine is None or theirs is None:
        return here.refused(_HOME, here.names.reason("TIME_INVALID"))
    _refuse_hidden(here, org)
    sides = SwapSide(first, *mine), SwapSide(second, *theirs)
    return _change(
        here,
        lambda uow: propose_swap(
            uow, org=org, role=role, first=sides[0], second=sides[1], reason=reason
        ),
        "ui.said.roster_swap",
    )


@router.post("/roster/swaps/{change_id}/agree")
def agree(here: Viewer, change_id: ChangeId) -> Response:
    """One of the two, or a third with ``roster.write`` who did not propose it."""
    _refuse_hidden(here, place_of(here.directory, change_id))
    return _change(here, lambda uow: agree_swap(uow, change_id), "ui.said.roster_agreed")


@router.post("/roster/changes/{change_id}/withdraw")
def take_back(here: Viewer, change_id: ChangeId) -> Response:
    """Its author, whom it concerns, or ``roster.write``."""
    _refuse_hidden(here, place_of(here.directory, change_id))
    return _change(here, lambda uow: withdraw(uow, change_id), "ui.said.roster_withdrawn")


def _change(here: Here, act: Callable[[UnitOfWork], RosterOutcome], said: str) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        outcome = act(uow)
    if not outcome.ok:
        return here.refused(_HOME, here.names.reason(outcome.code))
    # that a swap just proposed is not agreed yet is no news
    warnings = [one for one in outcome.warnings if one.code != "SWAP_OPEN"]
    if warnings:
        told = " ".join(fault_words(here, one) for one in warnings)
        return here.done(_HOME, "ui.said.roster_conflict", warnings=told)
    if outcome.code == "SWAP_PROPOSED":
        return here.done(_HOME, "ui.said.roster_swap")
    return here.done(_HOME, said)


def _period(here: Here, start: str, end: str) -> tuple[datetime, datetime] | None:
    found = []
    for text in (start, end):
        at = moment(here, text)
        given = in_utc(at) if at is not None else None
        if given is None:
            return None
        found.append(given)
    return found[0], found[1]


def _refuse_hidden(here: Here, org: str) -> None:
    """A unit, person or change that the reader does not see: as if there were none."""
    if org not in units(here):
        raise not_found()
