"""演练: the page of drills, its form, its workbook."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response
from sqlalchemy import Connection

from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.drills import DrillLine, DrillPerson, DrillsPage
from service.web.views.parts import Act, Choice, FormField
from workorders import reads
from workorders.drills import (
    PERMISSION,
    DrillWish,
    Score,
    end_drill,
    list_drills,
    score_of,
    start_drill,
)
from workorders.levels import Level
from workorders.states import TERMINAL

router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]
_LENGTHS = (15, 30, 60, 120, 240)
_USUAL = 60
_LEVELS = ("red", "orange")


def drills_page(here: Here, connection: Connection) -> DrillsPage:
    """The drills of the units in sight, the latest first."""
    found = list_drills(connection, here.scopes)
    lines = tuple(_line(here, score_of(connection, one, here.now)) for one in found)
    return DrillsPage(lines, _start(here), "/drills.xlsx" if lines else "")


def _line(here: Here, score: Score) -> DrillLine:
    order, began = score.order, score.order.opened_at
    who = order.acknowledged_by
    return DrillLine(
        number=order.id,
        url=f"/orders/{quote(order.id)}",
        level=order.level.value,
        unit=here.names.unit(order.org),
        state=order.state.value,
        began=began,
        ends_at=score.ends_at if order.state not in TERMINAL else None,
        answered=here.names.person(who) if who else "",
        answered_s=_after(began, order.acknowledged_at),
        in_time={True: "yes", False: "no", None: "open"}[score.in_time],
        rungs=len(score.rungs),
        by_itself=score.by_itself,
        people=tuple(_people(here, score)),
        end=_end(here, score),
    )


def _people(here: Here, score: Score) -> Iterable[DrillPerson]:
    for one in score.reached:
        yield DrillPerson(
            here.names.person(one.person),
            _after(score.order.opened_at, one.sent_at),
            _channels(here, one.channels),
            _channels(here, one.failed),
        )


def _channels(here: Here, names: Sequence[str]) -> str:
    words = here.reader.words
    return here.text("ui.list_comma").join(
        words.text(key) if (key := f"ui.channel.{one}") in words else one for one in names
    )


def _after(began: datetime, at: datetime | None) -> int | None:
    return None if at is None else int((at - began).total_seconds())


def _end(here: Here, score: Score) -> Act | None:
    order = score.order
    if order.state in TERMINAL or not here.may(PERMISSION, order.org):
        return None
    return Act(
        here.text("ui.act.end_drill"), f"/drills/{quote(order.id)}/end", f"end-{order.id}",
        confirm=here.text("ui.drills.end_ask", number=order.id),
    )  # fmt: skip


def _start(here: Here) -> Act:
    text = here.text
    places = [path for path in units(here) if here.may(PERMISSION, path)]
    minutes = tuple(
        Choice(str(one), here.reader.format.duration(one * 60), one == _USUAL) for one in _LENGTHS
    )
    fields = (
        FormField(
            "org", text("ui.column.unit"), "select", required=True,
            choices=tuple(Choice(path, here.names.unit(path)) for path in places),
        ),
        FormField(
            "level", text("ui.column.level"), "select", required=True,
            choices=tuple(Choice(one, text(f"ui.level.{one}")) for one in _LEVELS),
        ),
        FormField("minutes", text("ui.drills.lasts"), "select", str(_USUAL), choices=minutes),
        FormField("text", text("ui.drills.story"), "textarea", hint=text("ui.drills.story_hint")),
    )  # fmt: skip
    return Act(
        text("ui.act.start_drill"), "/drills", "start", "primary",
        "" if places else here.why_not(PERMISSION), fields if places else (),
        confirm=text("ui.drills.start_ask"),
    )  # fmt: skip


# --- routes -------------------------------------------------------------------------------------


@router.get("/drills")
def show(here: Viewer) -> Response:
    """Drills and what they showed."""
    with here.app.store.reader() as connection:
        page = drills_page(here, connection)
    return here.show("drills.html", page, "roster")


@router.get("/drills.xlsx")
def export(here: Viewer) -> Response:
    """Each drill and person as a line of a workbook."""
    with here.app.store.reader() as connection:
        lines = drills_page(here, connection).lines
    rows = [(line, person) for line in lines for person in line.people]
    return sheet_response(here, "ui.act.drill", _COLUMNS, rows)


@router.post("/drills")
def start(
    here: Viewer,
    org: Field,
    level: Annotated[Level, Form()],
    minutes: Annotated[int, Form(ge=1, le=10_000)],
    text: Text = "",
) -> Response:
    """演练: begin; needs ``roster.write``."""
    if org not in units(here):
        raise not_found()
    wish = DrillWish(org, level, timedelta(minutes=minutes), text=text)
    with here.app.store.unit_of_work(here.person) as uow:
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = start_drill(uow, context, wish)
    if not outcome.ok or outcome.order is None:
        why = here.text(f"reason.{outcome.code}", **dict(outcome.params))
        return here.refused("/drills", why)
    return here.done("/drills", "ui.said.drill_started", number=outcome.order.id)


@router.post("/drills/{number}/end")
def end(here: Viewer, number: Annotated[str, Path(max_length=64)]) -> Response:
    """End it now; needs ``roster.write``."""
    with here.app.store.unit_of_work(here.person) as uow:
        known = reads.get_order(uow.connection, number, here.scopes)
        if known is None or not known.drill:
            raise not_found()
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = end_drill(uow, context, number)
    if not outcome.ok or not outcome.changed:
        code = outcome.code if not outcome.ok else "ORDER_CLOSED"
        return here.refused("/drills", here.names.reason(code))
    return here.done("/drills", "ui.said.drill_ended", number=number)


_COLUMNS: Sequence[Column[tuple[DrillLine, DrillPerson]]] = (
    Column("ui.column.number", lambda one, _: one[0].number),
    Column("ui.column.level", lambda one, here: here.text(f"ui.level.{one[0].level}")),
    Column("ui.column.unit", lambda one, _: one[0].unit),
    Column("ui.drills.began", lambda one, _: one[0].began),
    Column("ui.drills.answered", lambda one, _: one[0].answered),
    Column("ui.drills.answered_s", lambda one, _: one[0].answered_s),
    Column("ui.drills.in_time", lambda one, here: here.text(f"drill.in_time.{one[0].in_time}")),
    Column("ui.drills.rungs", lambda one, _: one[0].rungs),
    Column("ui.drills.person", lambda one, _: one[1].name),
    Column("ui.drills.reached_s", lambda one, _: one[1].seconds),
    Column("ui.drills.channels", lambda one, _: one[1].channels),
    Column("ui.drills.failed", lambda one, _: one[1].failed),
)
