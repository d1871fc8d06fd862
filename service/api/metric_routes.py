"""The service figures over HTTP, and the rows behind each of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from service.api.access import App, Caller, Who
from service.api.faults import ApiFault
from service.api.paging import Cursor, Limit, seal, unseal
from service.api.shapes import Number, Out, Time
from service.application import Application
from service.measuring import NoPeriod, document_of, measure, narrowed, period_of, row_document
from service.moments import SPAN
from store.problems import Problem, shorten
from workorders.figures import Figure, Period, figure_page, is_figure_cursor

router = APIRouter(prefix="/metrics", tags=["metrics"])

From = Annotated[str, Query(alias="from", max_length=40)]
To = Annotated[str, Query(alias="to", max_length=40)]
Unit = Annotated[str, Query(max_length=400)]
_ALLOWED = {
    "TIME_INVALID": "2024-05-14, 2024-05-14T09:00:00+08:00",
    "TIME_OUT_OF_RANGE": SPAN,
    "PERIOD_EMPTY": "from < to",
}


class BreachLine(Out):
    """Breaches of one month, unit and version of a rule."""

    month: str
    org: str
    rule: str
    version: str
    breaches: int


class PairLine(Out):
    """How often one person signed for another."""

    org: str
    requester: str
    signer: str
    approvals: int


class LevelLine(Out):
    """The figures of one colour."""

    orders: int
    response_rate: Number | None
    time_to_acknowledge_p50_s: float | None
    time_to_acknowledge_p99_s: float | None
    time_to_resolve_p50_s: float | None
    time_to_resolve_p99_s: float | None


class WeekLine(Out):
    """The figures of one week; `week` is its Monday."""

    week: str
    orders: int
    alerts: int
    arrival_rate: Number | None
    response_rate: Number | None
    closed_loop_rate: Number | None


class MetricsOut(Out):
    """The figures of a period, half-open; null where nothing counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Time = Field(alias="from")
    until: Time = Field(alias="to")
    as_of: Time
    orders: int
    merged: int
    closed_from_before: int
    notices: int
    notices_withheld: int
    alerts: int
    arrival_rate: Number | None
    response_rate: Number | None
    time_to_notify_p50_s: float | None
    time_to_notify_p99_s: float | None
    time_to_acknowledge_p50_s: float | None
    time_to_resolve_p50_s: float | None
    closed_loop_rate: Number | None
    override_rate: Number | None
    alerts_per_day: Number | None
    confirmed_share: Number | None
    breaches: int
    breaches_by: list[BreachLine]
    per_level: dict[str, LevelLine]
    approvals_by_pair: list[PairLine]
    silent_detectors: list[str]
    weeks: list[WeekLine]


class FigureRowOut(Out):
    """One row behind a figure: a rate is rows that `hit` over rows that `counts`."""

    id: str
    object_id: str
    org: str
    level: str
    label: str
    started_at: Time
    due_at: Time | None
    ended_at: Time | None
    seconds: float | None
    verdict: str
    counts: bool
    hit: bool


class FigurePageOut(Out):
    """Rows, oldest first; `cursor` goes on, empty at the end."""

    items: list[FigureRowOut]
    cursor: str


@router.get("", summary="The service figures of the units that the caller sees")
def metrics(
    app: App,
    who: Who,
    *,
    since: From = "",
    until: To = "",
    org: Unit = "",
) -> MetricsOut:
    """The figures."""
    period = period_asked(app, who, since, until, org)
    with app.store.reader() as connection:
        measured = measure(
            connection, period, app.rulebook, who.directory.timezone(_home(who, org))
        )
    return MetricsOut(**document_of(measured))


@router.get("/{figure}/rows", summary="The rows behind one figure, also those that do not count")
def rows(
    app: App,
    who: Who,
    figure: Annotated[Figure, Path()],
    *,
    since: From = "",
    until: To = "",
    org: Unit = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> FigurePageOut:
    """One page."""
    period = period_asked(app, who, since, until, org)
    known = unseal(cursor)
    if known and not is_figure_cursor(known):
        raise ApiFault(422, "CURSOR_UNKNOWN")
    with app.store.reader() as connection:
        page = figure_page(connection, figure, period, cursor=known, limit=limit)
    return FigurePageOut(
        items=[FigureRowOut(**row_document(one)) for one in page.items], cursor=seal(page.cursor)
    )


def period_asked(app: Application, who: Caller, since: str, until: str, org: str) -> Period:
    """The period that two texts of a caller name, in the units that the caller sees.

    Raises:
        ApiFault: for what is no period, with the field.
    """
    scopes = narrowed(who.reads("view"), org)
    zone = who.directory.timezone(_home(who, org))
    try:
        # a plus sign in an address is a space
        first, last = (text.replace(" ", "+") for text in (since, until))
        return period_of(first, last, scopes=scopes, zone=zone, now=app.clock())
    except NoPeriod as fault:
        allowed, found = _ALLOWED[fault.code], shorten(fault.found)
        problem = Problem(fault.code, field=fault.bound, found=found, allowed=allowed)
        params = {"found": found, "field": fault.bound, "allowed": allowed}
        raise ApiFault(422, fault.code, params=params, problems=[problem]) from None


def _home(who: Caller, org: str) -> str:
    """Whose zone and months count."""
    return org if org and who.sees(org) else who.person.unit
