"""The hand-over's routes: look, give, take, withdraw, export."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from agents.feed_states import feeds_at_fault
from service.matters import kept_from
from service.web.rooms.handover import lines_now, lines_of, now_page, sheet_page, sheet_url, unit_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.handover import HandoverLine
from store import UnitOfWork
from workorders.context import Context
from workorders.handing_over import HandoverOutcome, find_handover, give, take, withdraw

router = APIRouter(include_in_schema=False)
SheetId = Annotated[str, Path(max_length=64)]
Word = Annotated[str, Query(max_length=400)]
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]


@router.get("/handover")
def standing(here: Viewer, org: Word = "") -> Response:
    """What would be handed over now."""
    unit = _unit(here, org)
    with here.app.store.reader() as connection:
        page = now_page(here, connection, _around(here), unit)
    return here.show("handover.html", page, "today")


@router.get("/handover.xlsx")
def export(here: Viewer, org: Word = "", sheet: Word = "") -> Response:
    """The lines of a sheet, or of now, as a workbook."""
    with here.app.store.reader() as connection:
        if sheet:
            found = find_handover(connection, sheet, here.scopes)
            if found is None:
                raise not_found()
            items = kept_from(connection, here.scopes).lines(found.items)
        else:
            items = lines_now(here, connection, _around(here), _unit(here, org))
    sections = [here.text(f"handover_section.{item.section.value}") for item in items]
    lines = list(zip(sections, lines_of(here, items), strict=True))
    return sheet_response(here, "ui.act.handover", _COLUMNS, lines)


@router.get("/handover/{handover_id}")
def show(here: Viewer, handover_id: SheetId) -> Response:
    """One sheet."""
    with here.app.store.reader() as connection:
        sheet = find_handover(connection, handover_id, here.scopes)
        if sheet is None:
            raise not_found()
        page = sheet_page(here, connection, _around(here), sheet)
    return here.show("handover.html", page, "today")


@router.post("/handover")
def hand_over(here: Viewer, org: Field, note: Text = "") -> Response:
    """交班: sign what stands now."""
    unit = _unit(here, org)
    with here.app.store.unit_of_work(here.person) as uow:
        feeds = feeds_at_fault(uow.connection)
        outcome = give(uow, _context(here, uow), unit, note=note, feeds=feeds)
    return _answer(here, outcome, "/handover", "ui.said.handover_given")


@router.post("/handover/{handover_id}/take")
def take_on(
    here: Viewer,
    handover_id: SheetId,
    seen: Annotated[str, Form(max_length=64)],
    note: Text = "",
    own: Field = "",
) -> Response:
    """接班: the second signature, under what the page showed."""

    def command(uow: UnitOfWork, ctx: Context) -> HandoverOutcome:
        feeds = feeds_at_fault(uow.connection)
        return take(uow, ctx, handover_id, note=note, seen=seen, own=bool(own), feeds=feeds)

    return _act(here, handover_id, command, "ui.said.handover_taken")


@router.post("/handover/{handover_id}/withdraw")
def take_back(here: Viewer, handover_id: SheetId, note: Text = "") -> Response:
    """撤回: the first person takes it back."""
    return _act(
        here,
        handover_id,
        lambda uow, ctx: withdraw(uow, ctx, handover_id, note=note),
        "ui.said.handover_withdrawn",
    )


def _act(
    here: Here,
    handover_id: str,
    command: Callable[[UnitOfWork, Context], HandoverOutcome],
    said: str,
) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        known = find_handover(uow.connection, handover_id, here.scopes)
        if known is None:
            raise not_found()
        outcome = command(uow, _context(here, uow))
    return _answer(here, outcome, sheet_url(known), said)


def _answer(here: Here, outcome: HandoverOutcome, url: str, said: str) -> Response:
    if not outcome.ok or outcome.sheet is None:
        params = dict(outcome.params)
        for name in ("person", "by"):
            if params.get(name):
                params[name] = here.names.person(str(params[name]))
        return here.refused(url, here.text(f"reason.{outcome.code}", **params))
    return here.done(sheet_url(outcome.sheet), said, number=outcome.sheet.id)


def _unit(here: Here, org: str) -> str:
    """The unit, which must be one that the person sees."""
    if org and org not in units(here):
        raise not_found()
    unit = unit_of(here, org)
    if not unit:
        raise not_found()
    return unit


def _around(here: Here) -> Context:
    return here.app.context(here.around)


def _context(here: Here, uow: UnitOfWork) -> Context:
    return here.app.context(here.app.directories.around(uow.connection))


_COLUMNS: Sequence[Column[tuple[str, HandoverLine]]] = (
    Column("ui.handover.section", lambda one, _: one[0]),
    Column("ui.column.level", lambda one, here: _level(here, one[1].level)),
    Column("ui.column.kind", lambda one, here: here.text(f"handover_thing.{one[1].thing}")),
    Column("ui.column.number", lambda one, _: one[1].number),
    Column("ui.column.subject", lambda one, _: one[1].subject),
    Column("ui.column.unit", lambda one, _: one[1].unit),
    Column("ui.column.state", lambda one, _: one[1].state),
    Column("ui.handover.owner", lambda one, _: one[1].owner),
    Column("ui.column.due", lambda one, _: one[1].due),
)


def _level(here: Here, level: str) -> str:
    return here.text(f"ui.level.{level}") if level else ""
