"""`orders tag`, `orders untag` and `orders merge`."""

from collections.abc import Sequence
from typing import Annotated

import typer

import workorders
from service.application import Application
from service.cli.desk import WrongCall, desk_of
from service.cli.listing import scopes_of
from service.cli.order_acting import Do, OrderId, act, act_with, unknown
from store import UnitOfWork
from store.problems import did_you_mean, shorten
from workorders import reads
from workorders.context import Context
from workorders.states import Outcome
from workorders.tags import tags_in_use

#: Among so many tags a near one is looked for.
_NEAR = 500
Tags = Annotated[list[str], typer.Argument(metavar="TAG", help="cli.option.tags")]
User = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]


def add_tags(context: typer.Context, order: OrderId, tags: Tags, user: User) -> None:
    """Add tags to an order."""
    act(context, user, lambda uow, ctx: workorders.tag(uow, ctx, order, add=tags))


def remove_tags(context: typer.Context, order: OrderId, tags: Tags, user: User) -> None:
    """Take tags off an order."""
    act(context, user, lambda uow, ctx: workorders.tag(uow, ctx, order, remove=tags))


def refuse_unknown_tag(app: Application, scopes: Sequence[str], tag: str) -> None:
    """For a filter that found nothing: refuse a tag that no order carries.

    Raises:
        WrongCall: with a near tag.
    """
    if not tag:
        return
    with app.store.reader() as connection:
        known = tags_in_use(connection, scopes, reads.Filter(), _NEAR)
        carried = reads.list_orders(connection, scopes, reads.Filter(tag=tag), limit=1)
    if not carried.items:
        hint = did_you_mean(tag, known)
        raise WrongCall("cli.orders.unknown_tag", tag=shorten(tag), hint=hint)


def merge(
    context: typer.Context,
    order: OrderId,
    user: User,
    into: Annotated[str, typer.Option("--into", metavar="ORDER", help="cli.option.merge_into")],
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """End an order in another one of its unit, which answers for both."""

    def run(app: Application) -> Do:
        scopes = scopes_of(desk_of(context), app, user)
        with app.store.reader() as connection:
            if reads.get_order(connection, into, scopes) is None:
                raise unknown(connection, scopes, into)
        from service.closing import over  # noqa: PLC0415 - brings the agents

        def do(uow: UnitOfWork, ctx: Context) -> Outcome:
            merged = workorders.merge(uow, ctx, order, into=into, text=text, scopes=scopes)
            return over(uow, app, order, merged, "ORDER_MERGED")

        return do

    act_with(context, user, run)
