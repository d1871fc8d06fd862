"""`handover`: what would be handed over, give a sheet, take it, take it back."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer

from agents.feed_states import feeds_at_fault
from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.listing import scopes_of, states_of, title_of
from service.cli.naming import refuse_unknown
from service.handover_words import what_of
from service.i18n import Format
from service.matters import Matters, kept_from
from store import UnitOfWork
from store.problems import shorten
from workorders import Context
from workorders.handing_over import (
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
    Section,
    Thing,
    digest_of_moves,
)
from workorders.handover_items import items_of

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
SheetId = Annotated[str, typer.Argument(metavar="SHEET")]
Note = Annotated[str, typer.Option("--note", help="cli.option.handover_note")]
Org = Annotated[str, typer.Option("--org", help="cli.option.handover_org")]
_NUMBER = re.compile(r"HO-[0-9]{8}-[0-9]{1,9}")
_Command = Callable[[UnitOfWork, Context], HandoverOutcome]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.handover", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.handover_list")(list_all)
    group.command("now", help="cli.help.handover_now")(now)
    group.command("show", help="cli.help.handover_show")(show)
    group.command("give", help="cli.help.handover_give")(hand_over)
    group.command("take", help="cli.help.handover_take")(take_on)
    group.command("withdraw", help="cli.help.handover_withdraw")(take_back)
    app.add_typer(group, name="handover")


def list_all(
    context: typer.Context,
    state: Annotated[str, typer.Option("--state", help="cli.option.handover_state")] = "",
    user: As = "",
) -> None:
    """List sheets, latest first."""
    desk = desk_of(context)
    states = states_of([state] if state else None, [one.value for one in HandoverState])
    wanted = HandoverState(states[0]) if states else None
    with desk.open() as app:
        with app.store.reader() as connection:
            scopes = _scopes(desk, app, user)
            kept = kept_from(connection, scopes)
            found = list_handovers(connection, scopes, state=wanted)
        shape = desk.format(app.clock())
        document = {"rows": [sheet_json(one, one.moved, kept) for one in found]}
        desk.answer(document, lambda: _list(desk, [kept.sheet(one) for one in found], shape))


def now(context: typer.Context, org: Org, user: As = "") -> None:
    """What would be handed over now; nothing is changed."""
    desk = desk_of(context)
    with desk.open() as app:
        refuse_unknown(app, org=org)
        _seen(org, _scopes(desk, app, user))
        at = app.clock()
        around = app.context(app.directories.now())
        with app.store.reader() as connection:
            items = items_of(connection, around, org, at, feeds_at_fault(connection))
            items = kept_from(connection, _scopes(desk, app, user)).lines(items)
        document = {"org": org, "at": at, "items": [one.as_json() for one in items]}
        desk.answer(document, lambda: _items(desk, app, items, desk.format(at)))


def show(context: typer.Context, sheet: SheetId, user: As = "") -> None:
    """One sheet, and what moved since."""
    desk = desk_of(context)
    _checked(sheet)
    with desk.open() as app:
        at = app.clock()
        around = app.context(app.directories.now())
        with app.store.reader() as connection:
            scopes = _scopes(desk, app, user)
            found = find_handover(connection, sheet, scopes)
            if found is None:
                raise WrongCall("cli.handover.unknown", sheet=sheet)
            moved = moved_since(connection, around, found, at, feeds_at_fault(connection))
            kept = kept_from(connection, scopes)
        shape = desk.format(at)
        desk.answer(
            sheet_json(found, moved, kept),
            lambda: _show(desk, app, kept.sheet(found), kept.moved(moved), shape),
        )


def hand_over(context: typer.Context, org: Org, user: As, note: Note = "") -> None:
    """Sign what stands now, at the end of a shift."""

    def run(app: Application) -> _Command:
        refuse_unknown(app, org=org)
        return lambda uow, ctx: give(uow, ctx, org, note=note, feeds=feeds_at_fault(uow.connection))

    _act(context, user, run)


def take_on(
    context: typer.Context,
    sheet: SheetId,
    user: As,
    note: Note = "",
    seen: Annotated[str, typer.Option("--seen", help="cli.option.handover_seen")] = "",
    own: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--own", help="cli.option.handover_own")
    ] = False,
) -> None:
    """Sign a sheet and what moved since, as who begins the next shift."""
    _checked(sheet)

    def command(uow: UnitOfWork, ctx: Context) -> HandoverOutcome:
        feeds = feeds_at_fault(uow.connection)
        return take(uow, ctx, sheet, note=note, seen=seen or None, own=own, feeds=feeds)

    _act(context, user, lambda _app: command)


def take_back(context: typer.Context, sheet: SheetId, user: As, note: Note = "") -> None:
    """Take back a sheet that nobody has taken yet."""
    _checked(sheet)
    _act(context, user, lambda _app: lambda uow, ctx: withdraw(uow, ctx, sheet, note=note))


def sheet_json(sheet: Handover, moved: Sequence[Move], kept: Matters) -> dict[str, Any]:
    """A sheet for `--json`, as one reader may see it; `seen` names all that moved."""
    seen, sheet = digest_of_moves(moved), kept.sheet(sheet)
    names = (
        "id", "org", "given_by", "given_at", "given_note", "digest", "ended_by", "ended_at",
        "taken_note",
    )  # fmt: skip
    return {
        **{name: getattr(sheet, name) for name in names},
        "state": sheet.state.value,
        "items": [one.as_json() for one in sheet.items],
        "moved": [one.as_json() for one in kept.moved(moved)],
        "seen": seen,
        "orders": list(sheet.orders),
    }


def _checked(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise WrongCall("cli.handover.unknown", sheet=shorten(number))


def _scopes(desk: Desk, app: Application, user: str) -> tuple[str, ...]:
    return scopes_of(desk, app, user) if user else tuple(app.directory.nodes)


def _seen(org: str, scopes: Sequence[str]) -> None:
    if not any(org == one or org.startswith(f"{one}/") for one in scopes):
        raise WrongCall("cli.silence.not_seen", org=shorten(org))


def _list(desk: Desk, found: Sequence[Handover], shape: Format) -> None:
    if not found:
        desk.say("cli.handover.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.org", "cli.head.handover_given", "cli.head.since",
         "cli.head.handover_taken", "cli.head.handover_lines", "cli.head.state"),
        [
            [
                one.id,
                one.org,
                one.given_by,
                shape.moment(one.given_at),
                one.ended_by if one.state is HandoverState.TAKEN else "",
                str(len(one.items)),
                desk.words.text(f"handover_state.{one.state.value}"),
            ]
            for one in found
        ],
    )  # fmt: skip


def _show(
    desk: Desk, app: Application, sheet: Handover, moved: Sequence[Move], shape: Format
) -> None:
    desk.say(
        "cli.handover.given", sheet=sheet.id, org=sheet.org, person=sheet.given_by,
        at=shape.moment(sheet.given_at), digest=sheet.digest,
    )  # fmt: skip
    if sheet.given_note:
        typer.echo(sheet.given_note)
    _items(desk, app, sheet.items, shape)
    if moved:
        desk.say("cli.handover.moved", count=len(moved))
        _table(desk, app, ((desk.words.text(f"handover_move.{one.kind.value}"), one.item)
                           for one in moved), shape)  # fmt: skip
    if sheet.ended_at is not None:
        desk.say(
            f"cli.handover.{sheet.state.value}", person=sheet.ended_by,
            at=shape.moment(sheet.ended_at),
        )  # fmt: skip
        if sheet.taken_note:
            typer.echo(sheet.taken_note)
        if sheet.orders:
            desk.say("cli.handover.orders", which=", ".join(sheet.orders))


def _items(desk: Desk, app: Application, items: Sequence[Item], shape: Format) -> None:
    if not items:
        desk.say("cli.handover.nothing")
        return
    words = {one: desk.words.text(f"handover_section.{one.value}") for one in Section}
    _table(desk, app, ((words[item.section], item) for item in items), shape)


def _table(desk: Desk, app: Application, lines: Iterable[tuple[str, Item]], shape: Format) -> None:
    desk.table(
        ("cli.head.handover_section", "cli.head.number", "cli.head.level", "cli.head.what",
         "cli.head.org", "cli.head.product", "cli.head.handover_owner", "cli.head.due"),
        [
            [
                first,
                item.id,
                desk.level(item.level) if item.level else "",
                _title(desk, app, item),
                item.org,
                f"{item.product} {item.month}".strip(),
                item.owner,
                shape.moment(item.due) if item.due else "",
            ]
            for first, item in lines
        ],
    )  # fmt: skip


def _title(desk: Desk, app: Application, item: Item) -> str:
    if item.thing in {Thing.ORDER, Thing.ALERT}:
        cause = f"detectors.cause.{item.cause}"
        if cause in desk.words:
            return " · ".join(one for one in (desk.words.text(cause), item.actor) if one)
        return f"{title_of(desk, app, item.code)} {item.about}".rstrip()
    return what_of(
        item, desk.words, title=lambda code: title_of(desk, app, code), person=lambda one: one
    )


def _act(context: typer.Context, user: str, prepared: Callable[[Application], _Command]) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        around = app.directories.now()
        do = prepared(app)
        with app.store.unit_of_work(acting) as uow:
            outcome = do(uow, app.context(around))
            kept = kept_from(uow.connection, _scopes(desk, app, user))
    sheet = outcome.sheet
    sentence = desk.code(
        outcome.code, **{name: str(value) for name, value in outcome.params.items()}
    )
    document = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "params": dict(outcome.params),
        "handover": sheet_json(sheet, sheet.moved, kept) if sheet else None,
    }

    def tell() -> None:
        if not outcome.ok or sheet is None:
            desk.complain(sentence)
            return
        state = desk.words.text(f"handover_state.{sheet.state.value}")
        desk.say("cli.handover.done", sheet=sheet.id, state=state, count=len(sheet.items))
        if sheet.orders:
            desk.say("cli.handover.orders", which=", ".join(sheet.orders))

    desk.answer(document, tell)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
