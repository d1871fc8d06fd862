"""The roster over HTTP: who is on call, the calendar, overrides, swaps and absences."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
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
    who_is_on_call,
    withdraw,
)
from directory.duty_changes import WRITE
from service.api.access import App, Caller, Who
from service.api.faults import ApiFault, Fault, not_found, words_of
from service.api.shapes import In, Line, Name, Out, Time
from service.api.writing import Call, Done, Writing, write
from service.application import Application
from service.moments import SPAN, in_utc
from service.on_call import calendar_document, place_of, unit_of, who_document
from service.security import Forbidden
from store import UnitOfWork
from store.clock import parse_rfc3339
from store.problems import Problem, shorten
from workorders.plain import plain

router = APIRouter(tags=["roster"])

ChangeId = Annotated[str, Path(max_length=64, pattern=r"^[A-Z]{2}-[0-9a-zA-Z]{1,40}$")]
OrgQuery = Annotated[str, Query(max_length=400)]
TimeQuery = Annotated[str, Query(max_length=40)]
_STATUS = {"FORBIDDEN": 403, "UNKNOWN_SWAP": 404, "UNKNOWN_CHANGE": 404}
_MOST_DAYS = 62


class OnCallPersonOut(Out):
    """One person who answers; `deputy_for` is empty unless in another's place."""

    id: str
    name: str
    reason: str
    deputy_for: str = ""


class GapOut(Out):
    """A time in which the roster names nobody; the end is outside."""

    org: str
    role: str
    start: Time
    end: Time


class OnCallOut(Out):
    """Who is on call, and why they; `reason` is ``NOBODY`` when nobody is."""

    at: Time
    org: str
    role: str
    people: list[OnCallPersonOut]
    reason: str
    answered_by: str
    next_change: Time | None
    gaps: list[GapOut]


class CalendarOut(Out):
    """The rosters of some days: stretches, changes, conflicts."""

    start: Time
    end: Time
    rosters: list[dict[str, Any]]
    overrides: list[dict[str, Any]]
    swaps: list[dict[str, Any]]
    absences: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]


class OverrideIn(In):
    """One person on call instead of the roster's."""

    org: Name
    role: str = Role.RISK_OFFICER.value
    person: Name
    instead_of: Line = ""
    start: Line
    end: Line
    reason: Name


class AbsenceIn(In):
    """Somebody cannot be called; without a person it is the caller."""

    person: Line = ""
    deputy: Line = ""
    start: Line
    end: Line
    reason: Line = ""


class SideIn(In):
    """What one person gives to the other."""

    person: Name
    start: Line
    end: Line


class SwapIn(In):
    """Two people exchange two shifts."""

    org: Name
    role: str = Role.RISK_OFFICER.value
    first: SideIn
    second: SideIn
    reason: Line = ""


class RosterOut(Out):
    """What became of a change: warnings name the conflicts that it makes."""

    ok: bool
    code: str
    titles: dict[str, str]
    id: str
    warnings: list[dict[str, Any]]


@router.get("/on-call", summary="Who is on call")
def on_call(
    who: Who,
    org: OrgQuery = "",
    role: Annotated[Role, Query()] = Role.RISK_OFFICER,
    at: TimeQuery = "",
) -> OnCallOut:
    """For the caller's own unit and now, unless others are named; of other units nobody."""
    who.check("view")
    where = org or who.person.unit
    asked = _instant(at, "at") if at else who.at
    if not who.sees(where) or where not in who.directory.nodes:
        return OnCallOut(
            at=plain(asked), org=where, role=role.value, people=[], reason="NOBODY",
            answered_by="", next_change=None, gaps=[],
        )  # fmt: skip
    found = who_document(who.directory, who_is_on_call(who.directory, where, asked, role))
    people = [OnCallPersonOut(**plain(one)) for one in found["people"]]
    gaps = [
        GapOut(org=one["org"], role=one["role"], start=one["from"], end=one["to"])
        for one in plain(found["gaps"])
    ]
    return OnCallOut(
        **{**plain(found), "people": people, "gaps": gaps},
        reason=people[0].reason if people else "NOBODY",
    )


@router.get("/roster", summary="The rosters of the coming days")
def calendar(
    app: App,
    who: Who,
    start: TimeQuery = "",
    days: Annotated[int, Query(ge=1, le=_MOST_DAYS)] = 14,
) -> CalendarOut:
    """Of the units that the caller sees, with changes and conflicts."""
    scopes = who.reads("view")
    begins = _instant(start, "start") if start else who.at
    found = calendar_document(who.directory, scopes, begins, days)
    found["conflicts"] = [_problem(app, one) for one in found["conflicts"]]
    found = plain(found)
    return CalendarOut(start=found.pop("from"), end=found.pop("to"), **found)


@router.post("/roster/overrides", summary="Put one person on call instead of the roster's")
def override(call: Writing, body: OverrideIn) -> Response:
    """Needs ``roster.write``."""
    period = _period(body.start, body.end)
    _refuse_hidden(call.who, body.org)
    given = DutyOverride(
        body.org, _role(body.role), body.person, *period, body.instead_of, "", body.reason
    )
    return _change(call, lambda uow: add_override(uow, given))


@router.post("/roster/absences", summary="Somebody cannot be called")
def absence(call: Writing, body: AbsenceIn) -> Response:
    """One's own, or another's with ``roster.write``."""
    period = _period(body.start, body.end)
    person = body.person or call.who.person.id
    _refuse_hidden(call.who, unit_of(call.who.directory, person))
    given = Absence(person, *period, body.deputy, "", body.reason)
    return _change(call, lambda uow: add_absence(uow, given))


@router.post("/roster/swaps", summary="Propose that two people exchange two shifts")
def swap(call: Writing, body: SwapIn) -> Response:
    """One of the two, or ``roster.write``; without effect until two people stand behind it."""
    _refuse_hidden(call.who, body.org)
    role = _role(body.role)
    first, second = (
        SwapSide(one.person, *_period(one.start, one.end)) for one in (body.first, body.second)
    )
    return _change(
        call,
        lambda uow: propose_swap(
            uow, org=body.org, role=role, first=first, second=second, reason=body.reason
        ),
    )


@router.post("/roster/swaps/{change_id}/agree", summary="Consent to a swap, or confirm it")
def agree(call: Writing, change_id: ChangeId) -> Response:
    """One of the two, or a third with ``roster.write`` who did not propose it."""
    _refuse_hidden(call.who, place_of(call.who.directory, change_id))
    return _change(call, lambda uow: agree_swap(uow, change_id))


@router.post("/roster/changes/{change_id}/withdraw", summary="Take a change back from now on")
def take_back(call: Writing, change_id: ChangeId) -> Response:
    """Its author, whom it concerns, or ``roster.write``."""
    _refuse_hidden(call.who, place_of(call.who.directory, change_id))
    return _change(call, lambda uow: withdraw(uow, change_id))


# --- what they share ----------------------------------------------------------------------------


def _change(call: Call, act: Callable[[UnitOfWork], RosterOutcome]) -> Response:
    call.who.check("view")
    if call.who.scopes and WRITE not in call.who.scopes:
        raise Forbidden(WRITE, "TOKEN_SCOPE")

    def done(uow: UnitOfWork) -> Done:
        outcome = act(uow)
        if not outcome.ok:
            return Done(0, refused=Fault(_STATUS.get(outcome.code, 422), outcome.code))
        return Done(200, _out(call.app, outcome).model_dump())

    return write(call, done)


def _out(app: Application, outcome: RosterOutcome) -> RosterOut:
    return RosterOut(
        ok=outcome.ok,
        code=outcome.code,
        titles=words_of(app.catalogues, outcome.code, {}),
        id=outcome.id,
        warnings=[_problem(app, one) for one in outcome.warnings],
    )


def _problem(app: Application, problem: Problem) -> dict[str, Any]:
    titles = words_of(app.catalogues, problem.code, dict(problem.params))
    return {**problem.as_dict(), "titles": titles}


def _refuse_hidden(who: Caller, org: str) -> None:
    """A unit, person or change that the caller does not see: as if there were none."""
    who.check("view")
    if not org or not who.sees(org):
        raise not_found()


def _role(text: str) -> Role:
    if text in set(Role):
        return Role(text)
    raise _bad("role", text, ", ".join(Role))


def _period(start: str, end: str) -> tuple[datetime, datetime]:
    return _instant(start, "start"), _instant(end, "end")


def _instant(text: str, name: str) -> datetime:
    try:
        found = in_utc(parse_rfc3339(text))
    except ValueError:
        raise _bad(name, text, "2024-05-14T18:56:00+08:00") from None
    if found is None or in_utc(found + timedelta(days=_MOST_DAYS + 3)) is None:
        raise _bad(name, text, SPAN)
    return found


def _bad(name: str, text: str, allowed: str) -> ApiFault:
    problem = Problem("FIELD_INVALID", field=name, found=shorten(text), allowed=allowed)
    return ApiFault(422, "BAD_REQUEST", problems=[problem])
