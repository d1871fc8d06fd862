"""演练 over HTTP: begin, look at what it showed, end; each as the caller."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from service.api.access import App, Caller, Who
from service.api.faults import Fault, not_found
from service.api.orders import done_of, refusal_status
from service.api.shapes import In, LevelName, Line, Name, Out, Text, Time
from service.api.writing import Done, Writing, write
from store import UnitOfWork
from workorders import Level, reads
from workorders.drills import (
    PERMISSION,
    DrillWish,
    Score,
    end_drill,
    list_drills,
    score_of,
    start_drill,
)
from workorders.model import WorkOrder
from workorders.plain import plain

router = APIRouter(prefix="/drills", tags=["drills"])
OrderId = Annotated[str, Path(max_length=64, pattern=r"^WO-[0-9]{8}-[0-9]{1,9}$")]


class DrillIn(In):
    """What is to be practised.

    Attributes:
        level: red or orange; the others page nobody.
        minutes: after these it ends by itself.
    """

    org: Name
    level: LevelName
    minutes: Annotated[int, Field(ge=1, le=10_000)]
    product: Line = ""
    text: Text = ""


class ReachedOut(Out):
    """One person and how a card came to them."""

    person: str
    queued_at: Time
    sent_at: Time | None
    channels: list[str]
    failed: list[str]


class RungOut(Out):
    """One rung of the ladder."""

    rung: int
    at: Time


class DrillOut(Out):
    """A drill and what it showed up to now."""

    id: str
    org: str
    level: LevelName
    state: str
    product: str
    opened_at: Time
    ends_at: Time | None
    acknowledge_by: Time | None
    acknowledged_at: Time | None
    acknowledged_by: str
    resolved_at: Time | None
    resolved_by: str
    closed_at: Time | None
    closed_by: str
    in_time: bool | None
    by_itself: bool
    rungs: list[RungOut]
    reached: list[ReachedOut]


class DrillListOut(Out):
    """Drills, the latest first."""

    items: list[DrillOut]


class DrillActOut(Out):
    """What became of an act."""

    code: str
    drill: DrillOut


def drill_out(score: Score) -> DrillOut:
    """A drill as it goes out."""
    order = score.order
    own = {"ends_at", "in_time", "by_itself", "rungs", "reached"}
    values = {
        name: plain(getattr(order, name)) for name in DrillOut.model_fields if name not in own
    }
    return DrillOut(
        **values,
        ends_at=plain(score.ends_at),
        in_time=score.in_time,
        by_itself=score.by_itself,
        rungs=[RungOut(rung=number, at=plain(at)) for number, at in score.rungs],
        reached=[
            ReachedOut(**{name: plain(getattr(one, name)) for name in ReachedOut.model_fields})
            for one in score.reached
        ],
    )


@router.get("", summary="Drills of the units that the caller sees, latest first")
def list_all(
    app: App, who: Who, *, running: Annotated[bool, Query(description="only those now")] = False
) -> DrillListOut:
    """With what each showed."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = list_drills(connection, scopes, running=running)
        items = [drill_out(score_of(connection, one, app.clock())) for one in found]
    return DrillListOut(items=items)


@router.get("/{order_id}", summary="One drill and what it showed")
def show(app: App, who: Who, order_id: OrderId) -> DrillOut:
    """Who was reached when, which rungs were climbed, who answered."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        order = _found(connection, order_id, scopes)
        return drill_out(score_of(connection, order, app.clock()))


@router.post("", response_model=DrillActOut, status_code=201, summary="演练")
def start(call: Writing, asked: DrillIn) -> Response:
    """Begin a drill; it pages the people of the unit's ladder."""
    call.who.reads("view")
    wish = DrillWish(
        asked.org, Level(asked.level), timedelta(minutes=asked.minutes), asked.product, asked.text
    )

    def run(uow: UnitOfWork) -> Done:
        _scope(call.who, wish.org)
        context = call.app.context(call.app.directories.around(uow.connection))
        outcome = start_drill(uow, context, wish)
        if not outcome.ok or outcome.order is None:
            params: dict[str, Any] = plain(dict(outcome.params))
            return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, params))
        score = score_of(uow.connection, outcome.order, uow.now)
        body = DrillActOut(code=outcome.code, drill=drill_out(score))
        return Done(201, body.model_dump(mode="json"))

    return write(call, run)


@router.post("/{order_id}/end", response_model=DrillActOut, summary="End a drill now")
def end(call: Writing, order_id: OrderId) -> Response:
    """Everybody who was told learns that it is over."""
    scopes = call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        known = _found(uow.connection, order_id, scopes)
        if call.who.scopes:
            call.who.check(PERMISSION, known.org)
        context = call.app.context(call.app.directories.around(uow.connection))
        outcome = end_drill(uow, context, order_id)
        if not outcome.ok or outcome.order is None:
            return done_of(outcome)
        score = score_of(uow.connection, outcome.order, uow.now)
        body = DrillActOut(code=outcome.code, drill=drill_out(score))
        return Done(200, body.model_dump(mode="json"))

    return write(call, run)


def _found(connection: Connection, order_id: str, scopes: tuple[str, ...]) -> WorkOrder:
    order = reads.get_order(connection, order_id, scopes)
    if order is None or not order.drill:
        raise not_found()
    return order


def _scope(who: Caller, org: str) -> None:
    if org not in who.directory.nodes or not who.sees(org):
        raise not_found()
    if who.scopes:
        who.check(PERMISSION, org)
