"""交接班 over HTTP: what would be handed over, give, take, withdraw; each as the caller."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from agents.feed_states import feeds_at_fault
from service.api.access import App, Caller, Who
from service.api.faults import Fault, not_found
from service.api.orders import refusal_status
from service.api.shapes import In, Line, Name, Out, Text, Time
from service.api.writing import Call, Done, Writing, write
from service.matters import Matters, kept_from
from store import UnitOfWork
from workorders import Context
from workorders.handing_over import (
    PERMISSION,
    HandoverOutcome,
    find_handover,
    give,
    list_handovers,
    moved_since,
    take,
    withdraw,
)
from workorders.handover import (
    Handover,
    HandoverState,
    Item,
    Move,
    MoveKind,
    Section,
    Thing,
    digest_of_moves,
)
from workorders.handover_items import items_of
from workorders.plain import plain

router = APIRouter(prefix="/handovers", tags=["handovers"])
HandoverId = Annotated[str, Path(max_length=64, pattern=r"^HO-[0-9]{8}-[0-9]{1,9}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class GiveIn(In):
    """Whose shift ends, and what the next one should know."""

    org: Name
    note: Text = ""


class TakeIn(In):
    """The second signature.

    Attributes:
        seen: the `seen` of the sheet as it was shown; with it nothing is signed unseen.
        own: whether the first person's orders in hand go over to the caller.
    """

    note: Text = ""
    seen: Digest | None = None
    own: Annotated[bool, Field(strict=True)] = False


class WithdrawIn(In):
    """Why it is taken back."""

    note: Text = ""


class ItemOut(Out):
    """One line of a sheet.

    Attributes:
        cause: why a detector raised the alert, a code.
        about: the number that it is about; of a silence the measure and the account it names.
        actor: whose doing an alert is, as the source calls them; whose cards a silence covers.
        levels: the colours that a silence covers.
    """

    section: Section
    thing: Thing
    id: str
    org: str
    state: str
    code: str
    level: str
    product: str
    month: str
    owner: str
    due: Time | None
    cause: str
    about: str
    actor: str
    levels: list[str]


class MoveOut(Out):
    """One line that differs from the sheet."""

    kind: MoveKind
    item: ItemOut
    was: ItemOut | None


class StandingOut(Out):
    """What would be handed over now."""

    org: str
    at: Time
    items: list[ItemOut]


class HandoverOut(Out):
    """A sheet; `seen` names what moved, for the second signature."""

    id: str
    org: str
    state: HandoverState
    given_by: str
    given_at: Time
    given_note: str
    digest: str
    items: list[ItemOut]
    moved: list[MoveOut]
    seen: str
    ended_by: str
    ended_at: Time | None
    taken_note: str
    orders: list[str]


class HandoverListOut(Out):
    """Sheets, the latest first."""

    items: list[HandoverOut]


class HandoverActOut(Out):
    """What became of an act."""

    code: str
    handover: HandoverOut


def item_out(item: Item) -> ItemOut:
    """The line as it goes out."""
    return ItemOut(**item.as_json())


def handover_out(sheet: Handover, moved: tuple[Move, ...], kept: Matters) -> HandoverOut:
    """The sheet as it goes out to one reader; `seen` names all that moved."""
    seen, sheet, moved = digest_of_moves(moved), kept.sheet(sheet), kept.moved(moved)
    taken = {"items", "moved", "seen", "orders", "state"}
    values = {
        name: plain(getattr(sheet, name)) for name in HandoverOut.model_fields if name not in taken
    }
    return HandoverOut(
        **values,
        state=sheet.state,
        items=[item_out(one) for one in sheet.items],
        moved=[
            MoveOut(
                kind=one.kind,
                item=item_out(one.item),
                was=None if one.was is None else item_out(one.was),
            )
            for one in moved
        ],
        seen=seen,
        orders=list(sheet.orders),
    )


@router.get("", summary="Sheets of the units that the caller sees, latest first")
def list_all(
    app: App,
    who: Who,
    *,
    state: Annotated[HandoverState | None, Query(description="only those that stand so")] = None,
) -> HandoverListOut:
    """With what moved since each was given."""
    scopes = who.reads("view")
    context = app.context(app.directories.now())
    with app.store.reader() as connection:
        feeds, now = feeds_at_fault(connection), app.clock()
        kept = kept_from(connection, scopes)
        found = [
            handover_out(one, moved_since(connection, context, one, now, feeds), kept)
            for one in list_handovers(connection, scopes, state=state)
        ]
    return HandoverListOut(items=found)


@router.get("/now", summary="What would be handed over now; nothing is changed")
def standing(
    app: App,
    who: Who,
    org: Annotated[Line, Query(description="path of the unit; without it the caller's own")] = "",
) -> StandingOut:
    """Open, snoozed, silenced, waiting and at fault, at the unit and beneath it."""
    scopes = who.reads("view")
    org = org or who.person.unit
    _seen(who, org)
    with app.store.reader() as connection:
        at = app.clock()
        context = app.context(app.directories.now())
        items = items_of(connection, context, org, at, feeds_at_fault(connection))
        items = kept_from(connection, scopes).lines(items)
    return StandingOut(org=org, at=plain(at), items=[item_out(one) for one in items])


@router.get("/{handover_id}", summary="One sheet, with what moved since")
def show(app: App, who: Who, handover_id: HandoverId) -> HandoverOut:
    """As it was signed; what moved is that of now while it waits, and frozen afterwards."""
    scopes = who.reads("view")
    context = app.context(app.directories.now())
    with app.store.reader() as connection:
        sheet = find_handover(connection, handover_id, scopes)
        if sheet is None:
            raise not_found()
        moved = moved_since(connection, context, sheet, app.clock(), feeds_at_fault(connection))
        return handover_out(sheet, moved, kept_from(connection, scopes))


@router.post("", response_model=HandoverActOut, status_code=201, summary="交班")
def create(call: Writing, asked: GiveIn) -> Response:
    """Sign what stands now; the sheet then waits for its second person."""
    scopes = call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        _scope(call.who, asked.org)
        feeds = feeds_at_fault(uow.connection)
        outcome = give(uow, _context(call, uow), asked.org, note=asked.note, feeds=feeds)
        return _done(outcome, kept_from(uow.connection, scopes), 201)

    return write(call, run)


@router.post("/{handover_id}/take", response_model=HandoverActOut, summary="接班")
def second(call: Writing, handover_id: HandoverId, asked: TakeIn) -> Response:
    """Sign the sheet and what moved since; somebody else than who gave it."""

    def act(uow: UnitOfWork, ctx: Context) -> HandoverOutcome:
        feeds = feeds_at_fault(uow.connection)
        return take(
            uow, ctx, handover_id, note=asked.note, seen=asked.seen, own=asked.own, feeds=feeds
        )

    return _act(call, handover_id, act)


@router.post("/{handover_id}/withdraw", response_model=HandoverActOut, summary="撤回")
def back(call: Writing, handover_id: HandoverId, asked: WithdrawIn) -> Response:
    """Take a sheet back that nobody has taken yet."""
    return _act(
        call, handover_id, lambda uow, ctx: withdraw(uow, ctx, handover_id, note=asked.note)
    )


def _act(
    call: Call, handover_id: str, command: Callable[[UnitOfWork, Context], HandoverOutcome]
) -> Response:
    scopes = call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        known = find_handover(uow.connection, handover_id, scopes)
        if known is None:
            raise not_found()
        if call.who.scopes:
            call.who.check(PERMISSION, known.org)
        return _done(command(uow, _context(call, uow)), kept_from(uow.connection, scopes), 200)

    return write(call, run)


def _scope(who: Caller, org: str) -> None:
    """A token is no wider than it says."""
    _seen(who, org)
    if who.scopes:
        who.check(PERMISSION, org)


def _seen(who: Caller, org: str) -> None:
    """A unit that the caller does not see is none."""
    if org not in who.directory.nodes or not who.sees(org):
        raise not_found()


def _context(call: Call, uow: UnitOfWork) -> Context:
    return call.app.context(call.app.directories.around(uow.connection))


def _done(outcome: HandoverOutcome, kept: Matters, status: int) -> Done:
    if not outcome.ok or outcome.sheet is None:
        params: dict[str, Any] = plain(dict(outcome.params))
        return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, params))
    sheet = outcome.sheet
    body = HandoverActOut(code=outcome.code, handover=handover_out(sheet, sheet.moved, kept))
    return Done(status, body.model_dump(mode="json"))
