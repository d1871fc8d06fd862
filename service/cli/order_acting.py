"""One act on a work order from the command line: as which person, and what is told of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from service.application import Application
from service.cli.desk import PROBLEMS, WrongCall, desk_of
from service.cli.listing import order_json
from store import UnitOfWork
from store.problems import did_you_mean, shorten
from workorders import reads
from workorders.context import Context
from workorders.states import Outcome

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER")]
Do = Callable[[UnitOfWork, Context], Outcome]


def unknown(connection: Connection, scopes: Sequence[str], order: str) -> WrongCall:
    """There is none of that number, or none that the reader sees; with a near one."""
    page = reads.list_orders(connection, scopes, reads.Filter(), limit=500)
    hint = did_you_mean(order, [one.id for one in page.items])
    return WrongCall("cli.orders.unknown", order=shorten(order), hint=hint)


def act(context: typer.Context, user: str, do: Do) -> None:
    """As `act_with`, for an act that needs nothing of the application."""
    act_with(context, user, lambda _app: do)


def act_with(context: typer.Context, user: str, prepared: Callable[[Application], Do]) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(person) as uow:
            outcome = prepared(app)(uow, app.context(around))
        spoken = app.catalogues.words(desk.words.language)
        sentence = desk.code(
            outcome.code, **{name: spoken.value(name, v) for name, v in texts(outcome.params)}
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


def texts(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as words take them."""
    return [(name, _text(value)) for name, value in params.items()]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
