"""The review centre over HTTP: what ended and why, and corrective actions followed to their end."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, Fault, not_found
from service.api.metric_routes import From, To, Unit, period_asked
from service.api.orders import OrderId, refusal_status
from service.api.shapes import In, LevelName, Out, Text, Time
from service.api.writing import Done, Writing, write
from service.application import Application
from service.reviewing import corrective_document, reviewed_document, wanted_of
from store import UnitOfWork
from workorders import Level
from workorders.correctives import (
    PERMISSION,
    CorrectiveOutcome,
    Followed,
    find_corrective,
    finish,
    open_correctives,
    put_off,
)
from workorders.plain import plain
from workorders.review import causes_of, review

router = APIRouter(tags=["reviews"])
Word = Annotated[str, Query(max_length=100)]


class CorrectiveOut(Out):
    """A corrective action; `state` is ``open``, ``overdue`` or ``done``."""

    order_id: str
    org: str
    text: str
    owner: str
    due_at: Time
    state: str
    closed_by: str
    done_at: Time | None
    done_by: str
    note: str
    moved: int


class ReviewedOut(Out):
    """A closed order, or an alert that was dismissed without one.

    Attributes:
        earlier: orders about the same matter within 90 days before it.
        told_s, acknowledged_s, resolved_s, closed_s: seconds from its opening; null for never.
    """

    id: str
    what: str
    level: LevelName
    org: str
    product: str
    month: str
    code: str
    rule: str
    opened_at: Time
    ended_at: Time
    ended_by: str
    disposition: str
    root_cause: str
    override: str
    earlier: int
    told_s: int | None
    acknowledged_s: int | None
    resolved_s: int | None
    closed_s: int | None
    corrective: CorrectiveOut | None


class CauseOut(Out):
    """The orders of one root cause: how many, how many came again, whose actions are late."""

    root_cause: str
    orders: int
    again: int
    overdue: int


class ReviewOut(Out):
    """What ended, latest first; `total` counts all, `more` tells that the oldest are missing."""

    items: list[ReviewedOut]
    total: int
    more: bool
    causes: list[CauseOut]


class CorrectiveListOut(Out):
    """Corrective actions that are still open, the first due first."""

    items: list[CorrectiveOut]


class FinishIn(In):
    """What was done."""

    text: Text


class PutOffIn(In):
    """More time, and why."""

    due: Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=40)]
    reason: Text


class CorrectiveActOut(Out):
    """What became of an act."""

    code: str
    corrective: CorrectiveOut


@router.get("/reviews", summary="Closed orders and dismissed alerts of a period, latest first")
def reviews(
    app: App,
    who: Who,
    *,
    since: From = "",
    until: To = "",
    org: Unit = "",
    what: Annotated[Literal["", "order", "alert"], Query()] = "",
    rule: Word = "",
    level: Annotated[list[LevelName] | None, Query(max_length=4)] = None,
    disposition: Word = "",
    root_cause: Word = "",
    corrective: Annotated[Literal["", "open", "overdue", "done"], Query()] = "",
    offset: Annotated[int, Query(ge=0, le=4_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ReviewOut:
    """With what each needed in time, its root cause, and what was to be done afterwards."""
    period = period_asked(app, who, since, until, org)
    wanted = wanted_of(
        period,
        what=what,
        rule=rule,
        levels=tuple(Level(one) for one in level or ()),
        disposition=disposition,
        root_cause=root_cause,
        corrective=corrective,
    )
    with app.store.reader() as connection:
        found = review(connection, period.scopes, wanted, now=app.clock())
    page = found.items[offset : offset + limit]
    return ReviewOut(
        items=[ReviewedOut(**plain(reviewed_document(one, app.clock()))) for one in page],
        total=len(found.items),
        more=found.more,
        causes=[
            CauseOut(root_cause=one.code, orders=one.orders, again=one.again, overdue=one.overdue)
            for one in causes_of(found.items, app.clock())
        ],
    )


@router.get("/correctives", summary="Corrective actions that are still open, first due first")
def correctives(
    app: App, who: Who, owner: Annotated[str, Query(max_length=200)] = ""
) -> CorrectiveListOut:
    """Of the units that the caller sees."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = open_correctives(connection, scopes, owner=owner)
    return CorrectiveListOut(items=[_out(app, one) for one in found])


@router.post("/correctives/{order_id}/finish", response_model=CorrectiveActOut, summary="整改完成")
def finished(call: Writing, order_id: OrderId, asked: FinishIn) -> Response:
    """By its owner, or by who may close orders there."""
    call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        _seen(call.who, uow.connection, order_id)
        context = call.app.context(call.app.directories.around(uow.connection))
        return _done(call.app, finish(uow, context, order_id, asked.text))

    return write(call, run)


@router.post("/correctives/{order_id}/put-off", response_model=CorrectiveActOut, summary="整改延期")
def postponed(call: Writing, order_id: OrderId, asked: PutOffIn) -> Response:
    """By who may close orders there, never by its owner."""
    call.who.reads("view")
    due = when(asked.due, "due")
    if due is None:
        raise ApiFault(422, "TIME_INVALID", params={"found": "", "field": "due"})

    def run(uow: UnitOfWork) -> Done:
        _seen(call.who, uow.connection, order_id)
        if call.who.scopes:
            call.who.check(PERMISSION)
        context = call.app.context(call.app.directories.around(uow.connection))
        return _done(call.app, put_off(uow, context, order_id, due, asked.reason))

    return write(call, run)


def _seen(who: Caller, connection: Connection, order_id: str) -> None:
    one = find_corrective(connection, order_id)
    if one is None or not who.sees(one.org):
        raise not_found()


def _done(app: Application, outcome: CorrectiveOutcome) -> Done:
    params: dict[str, Any] = plain(dict(outcome.params))
    if not outcome.ok or outcome.corrective is None:
        return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, params))
    body = CorrectiveActOut(code=outcome.code, corrective=_out(app, outcome.corrective))
    return Done(200, body.model_dump(mode="json"))


def _out(app: Application, one: Followed) -> CorrectiveOut:
    return CorrectiveOut(**plain(corrective_document(one, app.clock())))
