"""`delegation`: who signs in whose place, agreed to by a second person."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

import approvals
from approvals import Lending, LendingOutcome, UnknownDelegation, Wish, shipped_plans
from approvals.delegations import CURRENCY
from service import delegating
from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.listing import scopes_of
from service.cli.naming import refuse_unknown
from service.i18n import Format
from store import UnitOfWork
from store.problems import shorten
from store.types import decimal_text
from workorders.plain import plain

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Acting = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Number = Annotated[str, typer.Argument(metavar="DELEGATION")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.delegation", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.delegation_list")(list_all)
    group.command("add", help="cli.help.delegation_add")(add)
    group.command("confirm", help="cli.help.delegation_confirm")(confirm)
    group.command("end", help="cli.help.delegation_end")(end)
    app.add_typer(group, name="delegation")


def list_all(
    context: typer.Context,
    live: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--live", help="cli.option.delegation_live")
    ] = False,
    user: As = "",
) -> None:
    """List delegations, the newest first."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user) if user else ""
        scopes = scopes_of(desk, app, user) if user else tuple(app.directory.nodes)
        now = app.clock()
        with app.store.reader() as connection:
            found = approvals.list_delegations(connection, scopes, person)
        kept = [one for one in found if not live or one.live(now)]
        shape = desk.format(now)
        desk.answer(
            {"rows": [delegation_json(one, app) for one in kept]}, lambda: _show(desk, kept, shape)
        )


def delegation_json(one: Lending, app: Application) -> dict[str, Any]:
    """A delegation for `--json`."""
    values = {name: plain(getattr(one, name)) for name in Lending.__slots__}
    return {**values, "state": one.state(app.clock()).value}


def _show(desk: Desk, found: list[Lending], shape: Format) -> None:
    if not found:
        desk.say("cli.delegation.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.principal", "cli.head.delegate", "cli.head.org",
         "cli.head.cap", "cli.head.since", "cli.head.silence_until", "cli.head.silence_reason",
         "cli.head.state"),
        [
            [
                one.number,
                one.principal,
                one.delegate,
                " ".join(part for part in (one.scope, one.kind) if part),
                "—" if one.cap is None else f"{decimal_text(one.cap)} {one.currency}",
                shape.moment(one.starts),
                shape.moment(one.ends),
                one.reason,
                desk.words.text(f"delegation_state.{one.state(shape.now).value}"),
            ]
            for one in found
        ],
    )  # fmt: skip


def add(
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="cli.option.delegation_to")],
    org: Annotated[str, typer.Option("--org", help="cli.option.delegation_org")],
    until: Annotated[str, typer.Option("--until", help="cli.option.delegation_until")],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.delegation_reason")],
    user: Acting,
    start: Annotated[str, typer.Option("--from", help="cli.option.delegation_from")] = "",
    kind: Annotated[str, typer.Option("--kind", help="cli.option.delegation_kind")] = "",
    cap: Annotated[str, typer.Option("--cap", help="cli.option.delegation_cap")] = "",
    currency: Annotated[
        str, typer.Option("--currency", help="cli.option.delegation_currency")
    ] = "",
) -> None:
    """Let another sign in one's place; it counts once a second person agreed."""
    wish = Wish(
        delegate=to,
        scope=org,
        starts=moment(start, name="--from") if start else None,
        ends=moment(until, name="--until", end=True),
        reason=reason,
        kind=kind,
        cap=_amount(cap) if cap else None,
        currency=currency,
    )
    if kind not in {"", *shipped_plans()}:
        allowed = ", ".join(sorted(shipped_plans()))
        raise WrongCall("cli.delegation.not_a_kind", found=shorten(kind), allowed=allowed)
    if bool(cap) != bool(currency) or (currency and not CURRENCY.fullmatch(currency)):
        raise WrongCall("cli.delegation.not_money")

    def run(uow: UnitOfWork, app: Application) -> LendingOutcome:
        refuse_unknown(app, org=org, person=to)
        return delegating.give(uow, app, wish)

    _act(context, user, run)


def _amount(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise WrongCall("cli.delegation.not_an_amount", found=shorten(text))
    return found


def confirm(context: typer.Context, delegation: Number, user: Acting) -> None:
    """Agree to a delegation as the second person."""
    _act(context, user, lambda uow, app: delegating.confirm(uow, app, delegation), delegation)


def end(
    context: typer.Context,
    delegation: Number,
    user: Acting,
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """End a delegation now, as the principal or the delegate."""
    _act(context, user, lambda uow, app: delegating.end(uow, app, delegation, text), delegation)


def _act(
    context: typer.Context,
    user: str,
    command: Callable[[UnitOfWork, Application], LendingOutcome],
    number: str = "",
) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        try:
            with app.store.unit_of_work(acting) as uow:
                outcome = command(uow, app)
        except UnknownDelegation as unknown:
            raise WrongCall("cli.delegation.unknown", number=shorten(number)) from unknown
        sentence = desk.code(outcome.code, **outcome.params)
        document = {
            "ok": outcome.ok,
            "code": outcome.code,
            "message": sentence,
            "params": dict(outcome.params),
            "delegation": delegation_json(outcome.lending, app) if outcome.lending else None,
        }

    def show() -> None:
        if not outcome.ok or outcome.lending is None:
            desk.complain(sentence)
            return
        typer.echo(f"{outcome.lending.number}  {sentence}")

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
