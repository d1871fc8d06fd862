"""The roster's routes: the calendar, who answers at a time, and what changes it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, NamedTuple

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
from service.web.rooms.entered import Entered
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
#: The fields that a refusal may be about, the likeliest first; of others the unit or the person.
_ABOUT: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "TIME_INVALID": ("start",),
    "EMPTY_PERIOD": ("end",),
    "PERIOD_PAST": ("end",),
    "NOT_ON_DUTY": ("start",),
    "NEEDS_REASON": ("reason",),
    "SAME_PERSON": ("deputy", "instead_of", "second"),
    "AWAY": ("deputy", "person"),
    "CANNOT_ANSWER": ("deputy", "person", "second"),
    "UNKNOWN_PERSON": ("person", "second"),
})  # fmt: skip


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
    _refuse_hidden(here, org)
    sent = Sent("override", {
        "org": org, "person": person, "start": start, "end": end, "role": role.value,
        "instead_of": instead_of, "reason": reason,
    })  # fmt: skip
    period = _period(here, start, end)
    if period is None:
        return _not_taken(here, sent, "TIME_INVALID")
    given = DutyOverride(org, role, person, *period, instead_of, "", reason)
    return _change(here, lambda uow: add_override(uow, given), "ui.said.roster_override", sent)


@router.post("/roster/absences")
def absence(  # noqa: PLR0917 - the fields of the form
    here: Viewer, person: Field, start: Field, end: Field, deputy: Field = "", reason: Text = ""
) -> Response:
    """One's own, or another's with ``roster.write``."""
    _refuse_hidden(here, unit_of(here.directory, person))
    sent = Sent("absence", {
        "person": person, "start": start, "end": end, "deputy": deputy, "reason": reason,
    })  # fmt: skip
    period = _period(here, start, end)
    if period is None:
        return _not_taken(here, sent, "TIME_INVALID")
    given = Absence(person, *period, deputy, "", reason)
    return _change(here, lambda uow: add_absence(uow, given), "ui.said.roster_absence", sent)


@router.post("/roster/swaps")
def swap(  # noqa: PLR0917 - the fields of the form
    here: Viewer, org: Field, first: Field, first_start: Field, first_end: Field,
    second: Field, second_start: Field, second_end: Field,
    role: Annotated[Role, Form()] = Role.RISK_OFFICER, reason: Text = "",
) -> Response:  # fmt: skip
    """换班: without effect until two people stand behind it."""
    _refuse_hidden(here, org)
    sent = Sent("swap", {
        "org": org, "first": first, "first_start": first_start, "first_end": first_end,
        "second": second, "second_start": second_start, "second_end": second_end,
        "role": role.value, "reason": reason,
    })  # fmt: skip
    mine, theirs = _period(here, first_start, first_end), _period(here, second_start, second_end)
    if mine is None or theirs is None:
        return _not_taken(here, sent, "TIME_INVALID")
    sides = SwapSide(first, *mine), SwapSide(second, *theirs)
    return _change(
        here,
        lambda uow: propose_swap(
            uow, org=org, role=role, first=sides[0], second=sides[1], reason=reason
        ),
        "ui.said.roster_swap",
        sent,
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


class Sent(NamedTuple):
    """A form as it was sent: which one, and its fields."""

    form: str
    values: Mapping[str, str]


def _not_taken(here: Here, sent: Sent, code: str) -> Response:
    """The page with the form as it was filled in, and what is wrong by the field that it is about.

    A form that asks for a period of each of two people has the fields of the first at fault.
    """
    about = _ABOUT.get(code, ("org", "person"))
    names = (*about, *(f"first_{one}" for one in about))
    field = next((one for one in names if one in sent.values), next(iter(sent.values)))
    entered = Entered(sent.form, sent.values, {field: here.names.reason(code)})
    return here.show(
        "roster.html", roster_page(here, Asked(), entered), "roster", live=False, status=422
    )


def _change(
    here: Here,
    act: Callable[[UnitOfWork], RosterOutcome],
    said: str,
    sent: Sent | None = None,
) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        outcome = act(uow)
    if not outcome.ok and sent is not None and outcome.code != "FORBIDDEN":
        return _not_taken(here, sent, outcome.code)
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
