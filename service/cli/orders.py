"""`orders`: work orders, read from the machine or worked on as a person."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

import workorders
from service.application import Application
from service.cli.case_tests import rule_test
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.listing import (
    entry_json,
    levels_of,
    order_json,
    refuse_cursor,
    scopes_of,
    states_of,
    title_of,
)
from service.cli.naming import product_code, refuse_unknown
from service.i18n import Format
from store import UnitOfWork
from store.problems import did_you_mean, shorten
from workorders import reads
from workorders.attachments import Attachment, attach, content_of, files_of
from workorders.context import Context
from workorders.model import Closing, Corrective, Entry, State, WorkOrder
from workorders.plain import plain
from workorders.states import Outcome

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER")]
Do = Callable[[UnitOfWork, Context], Outcome]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.orders", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.orders_list")(list_orders)
    group.command("show", help="cli.help.orders_show")(show_order)
    group.command("ack", help="cli.help.orders_ack")(acknowledge)
    group.command("attach", help="cli.help.orders_attach")(attach_file)
    group.command("files", help="cli.help.orders_files")(list_files)
    group.command("note", help="cli.help.orders_note")(note)
    group.command("snooze", help="cli.help.orders_snooze")(snooze)
    group.command("wake", help="cli.help.orders_wake")(wake)
    group.command("resolve", help="cli.help.orders_resolve")(resolve)
    group.command("close", help="cli.help.orders_close")(close)
    group.command("case", help="cli.help.orders_case")(rule_test)
    app.add_typer(group, name="orders")


def list_orders(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option("--state", help="cli.option.state")] = None,
    level: Annotated[list[str] | None, typer.Option("--level", help="cli.option.level")] = None,
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    product: Annotated[str, typer.Option("--product", help="cli.option.product")] = "",
    person: Annotated[str, typer.Option("--assignee", help="cli.option.assignee")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="cli.option.limit")] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="cli.option.cursor")] = "",
    user: As = "",
) -> None:
    """List work orders, newest first."""
    desk = desk_of(context)
    refuse_cursor(cursor)
    product = product_code(product)
    wanted = reads.Filter(
        states=states_of(state, [one.value for one in State]),
        levels=levels_of(level),
        org=org,
        product=product,
        person=person,
    )
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            page = reads.list_orders(connection, scopes, wanted, limit=limit, cursor=cursor)
        if not page.items:
            refuse_unknown(app, org=org, product=product, person=person)
        document = {"rows": [order_json(one) for one in page.items], "cursor": page.cursor}
        desk.answer(document, lambda: _show(desk, app, page.items, desk.format(app.clock())))


def _show(desk: Desk, app: Application, orders: tuple[WorkOrder, ...], shape: Format) -> None:
    if not orders:
        desk.say("cli.orders.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.level", "cli.head.what", "cli.head.org", "cli.head.product",
         "cli.head.value", "cli.head.limit", "cli.head.due", "cli.head.state"),
        [
            [
                one.id,
                desk.level(one.level.value),
                title_of(desk, app, str(one.title_params.get("code", ""))),
                one.org,
                f"{one.product} {one.month}".strip(),
                "—" if one.value is None else f"{shape.number(one.value)} {one.unit}".strip(),
                "—" if one.limit is None else f"{shape.number(one.limit)} {one.unit}".strip(),
                shape.moment(one.acknowledge_due or one.resolve_due),
                desk.words.text(f"state.{one.state.value}"),
            ]
            for one in orders
        ],
    )  # fmt: skip


def show_order(context: typer.Context, order: OrderId, user: As = "") -> None:
    """Show one order with its evidence and its stream."""
    from service.cli.order_evidence import Telling, gather  # noqa: PLC0415 - brings the agents

    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user) if user else ""
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            found = reads.get_order(connection, order, scopes)
            if found is None:
                raise _unknown(connection, scopes, order)
            entries = reads.stream(connection, order)
            telling = Telling(desk, app, gather(app, connection, found, scopes, person))
        document = {
            **order_json(found),
            **telling.document(),
            "stream": [entry_json(one) for one in entries],
        }
        shape = desk.format(app.clock())

        def show() -> None:
            _show(desk, app, (found,), shape)
            telling.show()
            _show_stream(desk, app, entries, shape)

        desk.answer(document, show)


def _unknown(connection: Connection, scopes: Sequence[str], order: str) -> WrongCall:
    """There is none of that number, or none that the reader sees; with a near one."""
    page = reads.list_orders(connection, scopes, reads.Filter(), limit=500)
    hint = did_you_mean(order, [one.id for one in page.items])
    return WrongCall("cli.orders.unknown", order=shorten(order), hint=hint)


def _show_stream(desk: Desk, app: Application, entries: list[Entry], shape: Format) -> None:
    spoken = app.catalogues.words(desk.words.language)
    desk.table(
        ("cli.head.time", "cli.head.actor", "cli.head.what"),
        [
            [
                shape.moment(one.at),
                one.actor,
                spoken.text(f"workorders.{one.code}", **dict(_texts(one.params)))
                + (f" {one.text}" if one.text else ""),
            ]
            for one in entries
        ],
    )


# --- acting -----------------------------------------------------------------------------------


def acknowledge(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """Acknowledge an order: the paging stops."""
    _act(context, user, lambda uow, ctx: workorders.acknowledge(uow, ctx, order))


def note(
    context: typer.Context,
    order: OrderId,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """Add a note to an order."""
    _act(context, user, lambda uow, ctx: workorders.note(uow, ctx, order, text))


def attach_file(
    context: typer.Context,
    order: OrderId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="cli.option.attachment")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """Attach a file to an order."""

    def run(app: Application) -> Do:
        most = app.settings.attachment_limit
        try:
            with file.open("rb") as opened:
                # One byte over is enough to refuse it.
                content = opened.read(most + 1)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise WrongCall("cli.orders.file_unread", file=str(file), why=why) from error
        return lambda uow, ctx: attach(uow, ctx, order, file.name, content, most=most)

    _act_with(context, user, run)


def list_files(context: typer.Context, order: OrderId, user: As = "") -> None:
    """List the files of an order; each is hashed again."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            if reads.get_order(connection, order, scopes) is None:
                raise _unknown(connection, scopes, order)
            found = [
                (one, content_of(connection, one) is not None)
                for one in files_of(connection, order)
            ]
        shape = desk.format(app.clock())

    def show() -> None:
        if not found:
            desk.say("cli.orders.no_files")
            return
        desk.table(
            ("cli.head.time", "cli.head.actor", "cli.head.file", "cli.head.bytes",
             "cli.head.media", "cli.head.content", "cli.head.sha256"),
            [
                [
                    shape.moment(one.at), one.by, one.name, shape.number(one.size), one.media,
                    desk.words.text(f"cli.orders.file_{'sound' if sound else 'changed'}"),
                    one.sha256,
                ]
                for one, sound in found
            ],
        )  # fmt: skip

    desk.answer({"rows": [{**_file_json(one), "sound": sound} for one, sound in found]}, show)
    if not all(sound for _, sound in found):
        raise typer.Exit(PROBLEMS)


def _file_json(file: Attachment) -> dict[str, Any]:
    known: dict[str, Any] = plain({name: getattr(file, name) for name in file.__slots__})
    return known


def snooze(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    until: Annotated[str, typer.Option("--until", help="cli.option.snooze_until")],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.reason")],
) -> None:
    """Remind nobody of an order until then; never of a red one."""
    at = moment(until, name="--until", end=True)
    _act(
        context, user, lambda uow, ctx: workorders.snooze(uow, ctx, order, until=at, reason=reason)
    )


def wake(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """End a snooze: the order's clock runs again."""
    _act(context, user, lambda uow, ctx: workorders.wake(uow, ctx, order))


def resolve(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """Say that an order's work is done."""
    _act(context, user, lambda uow, ctx: workorders.resolve(uow, ctx, order, text=text))


def close(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    disposition: Annotated[str, typer.Option("--disposition", help="cli.option.disposition")] = "",
    root_cause: Annotated[str, typer.Option("--root-cause", help="cli.option.root_cause")] = "",
    corrective: Annotated[str, typer.Option("--corrective", help="cli.option.corrective")] = "",
    owner: Annotated[str, typer.Option("--owner", help="cli.option.corrective_owner")] = "",
    due: Annotated[str, typer.Option("--due", help="cli.option.corrective_due")] = "",
    override: Annotated[str, typer.Option("--override", help="cli.option.override")] = "",
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """Close an order; refused while what it warns of still holds."""
    action = None
    if corrective or owner or due:
        if not (corrective and owner and due):
            raise WrongCall("cli.orders.corrective")
        action = Corrective(corrective, owner, moment(due, name="--due", end=True))
    closing = Closing(disposition, root_cause, action, override, text)

    def run(app: Application) -> Do:
        from service.closing import conditions_of  # noqa: PLC0415 - brings the agents

        def do(uow: UnitOfWork, ctx: Context) -> Outcome:
            known = reads.get_order(uow.connection, order)
            conditions = conditions_of(uow, app, known) if known else []
            return workorders.close(uow, ctx, order, closing, conditions=conditions)

        return do

    _act_with(context, user, run)


def _act(context: typer.Context, user: str, do: Do) -> None:
    _act_with(context, user, lambda _app: do)


def _act_with(context: typer.Context, user: str, prepared: Callable[[Application], Do]) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(person) as uow:
            outcome = prepared(app)(uow, app.context(around))
        spoken = app.catalogues.words(desk.words.language)
        sentence = desk.code(
            outcome.code, **{name: spoken.value(name, v) for name, v in _texts(outcome.params)}
        )
    document: dict[str, Any] = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "changed": outcome.changed,
        "params": dict(outcome.params),
        "order": order_json(outcome.order) if outcome.order else None,
    }

    def show() -> None:
        if not outcome.ok or outcome.order is None:
            desk.complain(sentence)
        else:
            state = desk.words.text(f"state.{outcome.order.state.value}")
            desk.say("cli.orders.now", order=outcome.order.id, state=state)

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)


def _texts(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in params.items()]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
