"""`orders attach` and `orders files`: the files of a work order."""

from pathlib import Path
from typing import Annotated, Any

import typer

from service.application import Application
from service.cli.desk import PROBLEMS, WrongCall, desk_of
from service.cli.listing import scopes_of
from service.cli.order_acting import As, Do, OrderId, act_with, unknown
from workorders import reads
from workorders.attachments import Attachment, attach, content_of, files_of
from workorders.plain import plain


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

    act_with(context, user, run)


def list_files(context: typer.Context, order: OrderId, user: As = "") -> None:
    """List the files of an order; each is hashed again."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            if reads.get_order(connection, order, scopes) is None:
                raise unknown(connection, scopes, order)
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
