"""`orders`: work orders, read from the machine or worked on as a person."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from typing import Annotated

import typer

import workorders
from service.application import Application
from service.cli.case_tests import rule_test
from service.cli.desk import Desk, WrongCall, desk_of, moment
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
from service.cli.order_acting import As, Do, OrderId, act, act_with, texts, unknown
from service.cli.order_files import attach_file, list_files
from service.cli.order_merging import add_tags, merge, refuse_unknown_tag, remove_tags
from service.i18n import Format
from store import UnitOfWork
from workorders import reads
from workorders.context import Context
from workorders.model import Closing, Corrective, Entry, State, WorkOrder
from workorders.states import Outcome
from workorders.tags import clean_tag


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.orders", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.orders_list")(list_orders)
    group.command("show", help="cli.help.orders_show")(show_order)
    group.command("ack", help="cli.help.orders_ack")(acknowledge)
    group.command("attach", help="cli.help.orders_attach")(attach_file)
    group.command("files", help="cli.help.orders_files")(list_files)
    group.command("note", help="cli.help.orders_note")(note)
    group.command("tag", help="cli.help.orders_tag")(add_tags)
    group.command("untag", help="cli.help.orders_untag")(remove_tags)
    group.command("merge", help="cli.help.orders_merge")(merge)
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
    tag: Annotated[str, typer.Option("--tag", help="cli.option.tag")] = "",
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
        tag=clean_tag(tag),
    )
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            page = reads.list_orders(connection, scopes, wanted, limit=limit, cursor=cursor)
        if not page.items:
            refuse_unknown(app, org=org, product=product, person=person)
            refuse_unknown_tag(app, scopes, wanted.tag)
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
                raise unknown(connection, scopes, order)
            entries = reads.stream(connection, order)
            merged_in = reads.merged_in(connection, order)
            telling = Telling(desk, app, gather(app, connection, found, scopes, person))
        document = {
            **order_json(found),
            **telling.document(),
            "stream": [entry_json(one) for one in entries],
            "merged_in": list(merged_in),
        }
        shape = desk.format(app.clock())

        def show() -> None:
            _show(desk, app, (found,), shape)
            for key, named in (
                ("tags", found.tags),
                ("merged_into", (found.merged_into,) if found.merged_into else ()),
                ("merged_in", merged_in),
            ):
                if named:
                    desk.say(f"cli.orders.{key}", named=", ".join(named))
            telling.show()
            _show_stream(desk, app, entries, shape)

        desk.answer(document, show)


def _show_stream(desk: Desk, app: Application, entries: list[Entry], shape: Format) -> None:
    spoken = app.catalogues.words(desk.words.language)
    desk.table(
        ("cli.head.time", "cli.head.actor", "cli.head.what"),
        [
            [
                shape.moment(one.at),
                one.actor,
                spoken.text(f"workorders.{one.code}", **dict(texts(one.params)))
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
    act(context, user, lambda uow, ctx: workorders.acknowledge(uow, ctx, order))


def note(
    context: typer.Context,
    order: OrderId,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """Add a note to an order."""
    act(context, user, lambda uow, ctx: workorders.note(uow, ctx, order, text))


def snooze(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    until: Annotated[str, typer.Option("--until", help="cli.option.snooze_until")],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.reason")],
) -> None:
    """Remind nobody of an order until then; never of a red one."""
    at = moment(until, name="--until", end=True)
    act(context, user, lambda uow, ctx: workorders.snooze(uow, ctx, order, until=at, reason=reason))


def wake(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
) -> None:
    """End a snooze: the order's clock runs again."""
    act(context, user, lambda uow, ctx: workorders.wake(uow, ctx, order))


def resolve(
    context: typer.Context,
    order: OrderId,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """Say that an order's work is done."""
    act(context, user, lambda uow, ctx: workorders.resolve(uow, ctx, order, text=text))


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
        from service.closing import close_order  # noqa: PLC0415 - brings the agents

        def do(uow: UnitOfWork, ctx: Context) -> Outcome:
            known = reads.get_order(uow.connection, order)
            if known is None:
                return workorders.close(uow, ctx, order, closing, conditions=[])
            return close_order(uow, app, ctx, known, closing)

        return do

    act_with(context, user, run)
