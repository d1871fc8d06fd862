"""`exemption`: a permission, signed by others, to stand above a limit for a time."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

import typer
from sqlalchemy import Connection

from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.listing import scopes_of, states_of
from service.cli.naming import month_code, product_code, refuse_unknown
from service.exempting import Renewal, Wish, ask, renew
from service.exemption_rows import exemption_row
from service.i18n import Format
from store import UnitOfWork
from store.problems import shorten
from store.types import decimal_text
from workorders import Context
from workorders.card import grouped
from workorders.exempting import counts
from workorders.exemption_ending import ExemptionOutcome, revoke
from workorders.exemption_rows import list_exemptions, seen_exemption
from workorders.exemptions import Exemption, ExemptionState

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Acting = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Number = Annotated[str, typer.Argument(metavar="EXEMPTION")]
Until = Annotated[str, typer.Option("--until", help="cli.option.exemption_until")]
Reason = Annotated[str, typer.Option("--reason", help="cli.option.exemption_reason")]
_CAP = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?")
_ACCOUNT = re.compile(r"[\w*.\-/]{1,80}")

Act = Callable[[UnitOfWork, Context], ExemptionOutcome]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.exemption", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.exemption_list")(list_all)
    group.command("show", help="cli.help.exemption_show")(show_one)
    group.command("ask", help="cli.help.exemption_ask")(ask_for)
    group.command("renew", help="cli.help.exemption_renew")(carry_on)
    group.command("revoke", help="cli.help.exemption_revoke")(end)
    app.add_typer(group, name="exemption")


# --- reading ------------------------------------------------------------------------------------


def list_all(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option("--state", help="cli.option.state")] = None,
    user: As = "",
) -> None:
    """List exemptions, latest first."""
    desk = desk_of(context)
    wanted = [
        ExemptionState(one) for one in states_of(state, [one.value for one in ExemptionState])
    ]
    with desk.open() as app:
        scopes = scopes_of(desk, app, user) if user else tuple(app.directory.nodes)
        person = desk.acting(app, user) if user else ""
        with app.store.reader() as connection:
            found = list_exemptions(connection, scopes, states=wanted, person=person)
            covered = counts(connection, [one.id for one in found])
        shape = desk.format(app.clock())
    rows = [exemption_row(one, covered[one.id]) for one in found]
    desk.answer({"rows": rows}, lambda: _table(desk, found, shape))


def _table(desk: Desk, found: list[Exemption], shape: Format) -> None:
    if not found:
        desk.say("cli.exemption.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.org", "cli.head.what", "cli.head.exemption_cap",
         "cli.head.exemption_span", "cli.head.requester", "cli.head.state"),
        [
            [
                one.id,
                one.terms.org,
                _what(one),
                _cap(one),
                f"{shape.moment(one.terms.starts_at)} – {shape.moment(one.terms.ends_at)}",
                one.requested_by,
                desk.words.text(f"exemption_state.{one.state.value}"),
            ]
            for one in found
        ],
    )  # fmt: skip


def _what(one: Exemption) -> str:
    terms = one.terms
    return " ".join(
        part for part in (terms.product, terms.month, terms.account, terms.rule) if part
    )


def _cap(one: Exemption) -> str:
    return f"{grouped(decimal_text(one.terms.cap))} {one.terms.unit}"


def show_one(context: typer.Context, exemption: Number, user: As = "") -> None:
    """One exemption: what it permits, who asked and signed, how it stands."""
    desk = desk_of(context)
    with desk.open() as app:
        with app.store.reader() as connection:
            found = _seen(desk, app, connection, exemption, user)
            covered = counts(connection, [found.id])[found.id]
        shape = desk.format(app.clock())

    def show() -> None:
        terms = found.terms
        state = desk.words.text(f"exemption_state.{found.state.value}")
        desk.say("cli.exemption.head", exemption=found.id, state=state)
        desk.say("cli.exemption.permits", org=terms.org, what=_what(found), cap=_cap(found))
        starts, ends = shape.moment(terms.starts_at), shape.moment(terms.ends_at)
        desk.say("cli.exemption.span", since=starts, until=ends)
        desk.say("cli.exemption.asked", person=found.requested_by, reason=found.reason)
        desk.say("cli.exemption.clause", clause=found.clause)
        if found.renews:
            desk.say("cli.exemption.renews", former=found.renews)
        if found.decided_at is not None:
            at = shape.moment(found.decided_at)
            desk.say("cli.exemption.decided", person=found.decided_by, at=at)
        if found.ended_at is not None:
            at = shape.moment(found.ended_at)
            desk.say("cli.exemption.ended", person=found.ended_by or "—", at=at)
        desk.say("cli.exemption.covered", count=covered, request=found.request_id)

    desk.answer(exemption_row(found, covered), show)


def _seen(
    desk: Desk, app: Application, connection: Connection, number: str, user: str
) -> Exemption:
    """The exemption, if it is the person's to see; from the machine every one is.

    Raises:
        WrongCall: there is none, or it is not the person's to see.
    """
    scopes = scopes_of(desk, app, user) if user else tuple(app.directory.nodes)
    person = desk.acting(app, user) if user else ""
    found = seen_exemption(connection, number, scopes, person)
    if found is None:
        raise WrongCall("cli.exemption.unknown", exemption=shorten(number))
    return found


# --- acting -------------------------------------------------------------------------------------


def ask_for(
    context: typer.Context,
    org: Annotated[str, typer.Option("--org", help="cli.option.org")],
    product: Annotated[str, typer.Option("--product", help="cli.option.product")],
    rule: Annotated[str, typer.Option("--rule", help="cli.option.rule")],
    cap: Annotated[str, typer.Option("--cap", help="cli.option.exemption_cap")],
    until: Until,
    clause: Annotated[str, typer.Option("--clause", help="cli.option.exemption_clause")],
    reason: Reason,
    user: Acting,
    start: Annotated[str, typer.Option("--from", help="cli.option.exemption_from")] = "",
    month: Annotated[str, typer.Option("--month", help="cli.option.exemption_month")] = "",
    account: Annotated[str, typer.Option("--account", help="cli.option.exemption_account")] = "",
) -> None:
    """Ask for an exemption; it counts once its signers have agreed."""
    if account and not _ACCOUNT.fullmatch(account):
        raise WrongCall("cli.silence.not_a_name", option="--account", found=shorten(account))
    wish = Wish(
        org=org,
        product=product_code(product),
        rule=rule,
        cap=_figure(cap),
        ends_at=moment(until, name="--until", end=True),
        reason=reason,
        clause=clause,
        month=month_code(month),
        account=account,
        starts_at=moment(start, name="--from") if start else None,
    )

    def prepared(app: Application) -> Act:
        refuse_unknown(app, org=wish.org, product=wish.product, rule=wish.rule)
        return lambda uow, ctx: ask(uow, app, ctx, wish)

    _act(context, user, prepared)


def carry_on(
    context: typer.Context,
    exemption: Number,
    until: Until,
    reason: Reason,
    user: Acting,
    cap: Annotated[str, typer.Option("--cap", help="cli.option.exemption_cap_anew")] = "",
) -> None:
    """Ask that an exemption be carried on from its end; it is signed anew."""
    ends = moment(until, name="--until", end=True)
    wanted = Renewal(ends, reason, _figure(cap) if cap else None)

    def prepared(app: Application) -> Act:
        return lambda uow, ctx: renew(uow, app, ctx, exemption, wanted)

    _act(context, user, prepared, exemption)


def end(context: typer.Context, exemption: Number, reason: Reason, user: Acting) -> None:
    """End an exemption before its time; what still stands raises its alert."""

    def prepared(_app: Application) -> Act:
        return lambda uow, ctx: revoke(uow, ctx, exemption, reason=reason)

    _act(context, user, prepared, exemption)


def _figure(text: str) -> Decimal:
    if not _CAP.fullmatch(text):
        raise WrongCall("cli.exemption.not_a_cap", found=shorten(text))
    return Decimal(text)


def _act(
    context: typer.Context, user: str, prepared: Callable[[Application], Act], number: str = ""
) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        around = app.directories.now()
        do = prepared(app)
        with app.store.unit_of_work(acting) as uow:
            if number:
                _seen(desk, app, uow.connection, number, user)
            outcome = do(uow, app.context(around))
        words = app.catalogues.words(desk.words.language)
    found = outcome.exemption
    sentence = words.text(f"reason.{outcome.code}", **dict(outcome.params))
    document = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "params": dict(outcome.params),
        "exemption": None if found is None else exemption_row(found, 0),
        "raised": list(outcome.raised),
    }

    def show() -> None:
        if not outcome.ok or found is None:
            desk.complain(sentence)
            return
        state = desk.words.text(f"exemption_state.{found.state.value}")
        desk.say("cli.exemption.made", exemption=found.id, state=state)
        if found.state is ExemptionState.ASKED:
            desk.say("cli.exemption.to_sign", request=found.request_id)
        if outcome.raised:
            desk.say("cli.exemption.raised", which=", ".join(outcome.raised))

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
