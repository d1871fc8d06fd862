"""`silence`: keep alerts quiet for a time, see beforehand what that does, and end it."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.listing import levels_of, scopes_of
from service.cli.naming import product_code, refuse_unknown
from service.i18n import Format
from store import UnitOfWork
from store.problems import shorten
from workorders import Context
from workorders.preview import Preview, preview
from workorders.silences import Matchers, Silence, Wish
from workorders.silencing import (
    SilenceOutcome,
    confirm_silence,
    create_silence,
    end_silence,
    list_silences,
)

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Acting = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
SilenceId = Annotated[str, typer.Argument(metavar="SILENCE")]
Org = Annotated[str, typer.Option("--org", help="cli.option.org")]
Product = Annotated[str, typer.Option("--product", help="cli.option.product")]
Account = Annotated[str, typer.Option("--account", help="cli.option.silence_account")]
Measure = Annotated[str, typer.Option("--measure", help="cli.option.silence_measure")]
Rule = Annotated[str, typer.Option("--rule", help="cli.option.rule")]
Person = Annotated[str, typer.Option("--person", help="cli.option.silence_person")]
Levels = Annotated[list[str] | None, typer.Option("--level", help="cli.option.silence_level")]
_MEASURE = re.compile(r"[a-z][a-z_.:]{0,80}")
_ACCOUNT = re.compile(r"[\w*.\-/]{1,80}")
_NUMBER = re.compile(r"SL-[0-9]{8}-[0-9]{1,9}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.silence", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.silence_list")(list_all)
    group.command("preview", help="cli.help.silence_preview")(look)
    group.command("add", help="cli.help.silence_add")(add)
    group.command("confirm", help="cli.help.silence_confirm")(confirm)
    group.command("end", help="cli.help.silence_end")(end)
    app.add_typer(group, name="silence")


def _matchers(
    app: Application, org: str, product: str, account: str, measure: str, rule: str,
    levels: list[str] | None, person: str,
) -> Matchers:  # fmt: skip
    for name, found, shape in (
        ("--account", account, _ACCOUNT), ("--measure", measure, _MEASURE),
    ):  # fmt: skip
        if found and not shape.fullmatch(found):
            raise WrongCall("cli.silence.not_a_name", option=name, found=shorten(found))
    product = product_code(product)
    refuse_unknown(app, org=org, product=product, rule=rule, person=person)
    colours = tuple(dict.fromkeys(levels_of(levels)))
    return Matchers(org, product, account, measure, rule, colours, person)


def list_all(
    context: typer.Context,
    live: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--live", help="cli.option.silence_live")
    ] = False,
    user: As = "",
) -> None:
    """List silences, latest first."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user) if user else tuple(app.directory.nodes)
        with app.store.reader() as connection:
            found = list_silences(connection, scopes, live_only=live, now=app.clock())
        document = {"rows": [silence_json(one) for one in found]}
        shape = desk.format(app.clock())
        desk.answer(document, lambda: _show(desk, found, shape))


def silence_json(silence: Silence) -> dict[str, Any]:
    """A silence for `--json`."""
    names = (
        "id", "version", "starts_at", "ends_at", "author", "reason", "created_at",
        "confirmed_by", "confirmed_at", "ended_by", "ended_at",
    )  # fmt: skip
    values = {name: getattr(silence, name) for name in names}
    return {**values, "state": silence.state.value, "matchers": silence.matchers.as_json()}


def _show(desk: Desk, found: list[Silence], shape: Format) -> None:
    if not found:
        desk.say("cli.silence.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.org", "cli.head.what", "cli.head.level",
         "cli.head.silence_until", "cli.head.actor", "cli.head.silence_reason", "cli.head.state"),
        [
            [
                f"{one.id} v{one.version}",
                one.matchers.org,
                _what(desk, one.matchers),
                " ".join(desk.level(level.value) for level in one.matchers.covered),
                shape.moment(one.ends_at),
                one.author,
                one.reason,
                desk.words.text(f"silence_state.{one.state.value}"),
            ]
            for one in found
        ],
    )  # fmt: skip


def _what(desk: Desk, matchers: Matchers) -> str:
    names = ("product", "account", "measure", "rule", "person")
    return " ".join(
        value for name in names if (value := getattr(matchers, name))
    ) or desk.words.text("cli.silence.everything")


def look(
    context: typer.Context,
    org: Org,
    product: Product = "",
    account: Account = "",
    measure: Measure = "",
    rule: Rule = "",
    level: Levels = None,
    person: Person = "",
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="cli.option.silence_days")] = 7,
    user: As = "",
) -> None:
    """What a silence would have kept back, and what it keeps quiet now; nothing is changed."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user) if user else None
        wanted = _matchers(app, org, product, account, measure, rule, level, person)
        if scopes is not None and not any(
            org == one or org.startswith(f"{one}/") for one in scopes
        ):
            raise WrongCall("cli.silence.not_seen", org=shorten(org))
        with app.store.reader() as connection:
            found = preview(connection, wanted, now=app.clock(), days=days)
        document = {
            "days": found.days,
            "cards": found.cards,
            "seen": found.seen,
            "objects": found.objects,
            "latest": [
                {"object": one.object_id, "person": one.person, "at": one.queued_at,
                 "level": one.level.value, "reason": one.reason}
                for one in found.latest
            ],
            "orders_now": [one.id for one in found.now.orders],
            "alerts_now": [one.id for one in found.now.alerts],
        }  # fmt: skip
        desk.answer(document, lambda: _tell(desk, found))


def _tell(desk: Desk, found: Preview) -> None:
    desk.say(
        "cli.silence.would", cards=found.cards, seen=found.seen, days=found.days,
        objects=found.objects,
    )  # fmt: skip
    standing = [one.id for one in found.now.orders] + [one.id for one in found.now.alerts]
    key = "cli.silence.now" if standing else "cli.silence.now_none"
    desk.say(key, count=len(standing), which=", ".join(standing))


def add(
    context: typer.Context,
    org: Org,
    until: Annotated[str, typer.Option("--until", help="cli.option.silence_until")],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.silence_reason")],
    user: Acting,
    start: Annotated[str, typer.Option("--from", help="cli.option.silence_from")] = "",
    product: Product = "",
    account: Account = "",
    measure: Measure = "",
    rule: Rule = "",
    level: Levels = None,
    person: Person = "",
) -> None:
    """Make a silence; one that names red waits for its second person."""
    ends = moment(until, name="--until", end=True)
    begins = moment(start, name="--from") if start else None

    def run(app: Application) -> Callable[[UnitOfWork, Context], SilenceOutcome]:
        wanted = _matchers(app, org, product, account, measure, rule, level, person)
        wish = Wish(wanted, begins or app.clock(), ends, reason)
        return lambda uow, ctx: create_silence(uow, ctx, wish)

    _act(context, user, run)


def confirm(context: typer.Context, silence: SilenceId, user: Acting) -> None:
    """Agree, as the second person, to a silence that names red."""
    _act(context, user, _on(silence, confirm_silence))


def end(
    context: typer.Context,
    silence: SilenceId,
    user: Acting,
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """End a silence now."""

    def do(uow: UnitOfWork, ctx: Context, number: str) -> SilenceOutcome:
        return end_silence(uow, ctx, number, reason=text)

    _act(context, user, _on(silence, do))


def _on(
    number: str, command: Callable[[UnitOfWork, Context, str], SilenceOutcome]
) -> Callable[[Application], Callable[[UnitOfWork, Context], SilenceOutcome]]:
    if not _NUMBER.fullmatch(number):
        raise WrongCall("cli.silence.unknown", silence=shorten(number))

    def run(_app: Application) -> Callable[[UnitOfWork, Context], SilenceOutcome]:
        return lambda uow, ctx: command(uow, ctx, number)

    return run


def _act(
    context: typer.Context,
    user: str,
    prepared: Callable[[Application], Callable[[UnitOfWork, Context], SilenceOutcome]],
) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        around = app.directories.now()
        do = prepared(app)
        with app.store.unit_of_work(acting) as uow:
            outcome = do(uow, app.context(around))
    sentence = desk.code(
        outcome.code, **{name: str(value) for name, value in outcome.params.items()}
    )
    document = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "params": dict(outcome.params),
        "silence": silence_json(outcome.silence) if outcome.silence else None,
        "told": list(outcome.told),
    }

    def show() -> None:
        if not outcome.ok or outcome.silence is None:
            desk.complain(sentence)
            return
        state = desk.words.text(f"silence_state.{outcome.silence.state.value}")
        desk.say("cli.silence.made", silence=outcome.silence.id, state=state)
        if outcome.code != "DONE":
            typer.echo(sentence)
        if outcome.told:
            desk.say("cli.silence.told", which=", ".join(outcome.told))

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
