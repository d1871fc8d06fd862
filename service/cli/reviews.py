"""`review`: what ended and why; corrective actions, said done or given more time."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

import re
from collections.abc import Callable
from typing import Annotated

import typer

from service.cli.desk import PROBLEMS, ZONE, Desk, WrongCall, desk_of, moment
from service.cli.listing import levels_of, scopes_of, states_of, title_of
from service.cli.measuring import period_asked
from service.cli.naming import refuse_unknown
from service.i18n import Format
from service.measuring import narrowed
from service.reviewing import corrective_document, reviewed_document, wanted_of
from store import UnitOfWork
from store.problems import shorten
from workorders.context import Context
from workorders.correctives import (
    CorrectiveOutcome,
    Followed,
    find_corrective,
    finish,
    open_correctives,
    put_off,
)
from workorders.guard import DISPOSITIONS
from workorders.review import Review, Reviewed, causes_of, review
from workorders.triage import Reason

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER")]
_WHAT = ("order", "alert")
_STATES = ("open", "overdue", "done")
_HOW = (*sorted(DISPOSITIONS), *(one.value for one in Reason if one.value not in DISPOSITIONS))
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.review", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.review_list")(list_all)
    group.command("open", help="cli.help.review_open")(still_open)
    group.command("finish", help="cli.help.review_finish")(finished)
    group.command("postpone", help="cli.help.review_postpone")(postponed)
    app.add_typer(group, name="review")


def list_all(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help="cli.option.metrics_from")] = "",
    until: Annotated[str, typer.Option("--to", help="cli.option.metrics_to")] = "",
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    what: Annotated[str, typer.Option("--what", help="cli.option.review_what")] = "",
    rule: Annotated[str, typer.Option("--rule", help="cli.option.review_rule")] = "",
    level: Annotated[list[str] | None, typer.Option("--level", help="cli.option.level")] = None,
    disposition: Annotated[
        str, typer.Option("--disposition", help="cli.option.review_disposition")
    ] = "",
    cause: Annotated[str, typer.Option("--cause", help="cli.option.review_cause")] = "",
    action: Annotated[str, typer.Option("--action", help="cli.option.review_action")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="cli.option.limit")] = 100,
    user: As = "",
) -> None:
    """Closed orders and dismissed alerts of a period, latest first."""
    desk = desk_of(context)
    states_of([what] if what else [], _WHAT)
    states_of([action] if action else [], _STATES)
    levels = levels_of(level)
    states_of([disposition] if disposition else [], _HOW)
    if cause and not _CODE.fullmatch(cause):
        raise WrongCall("cli.review.not_a_cause", found=shorten(cause))
    with desk.open() as app:
        refuse_unknown(app, org=org)
        zone = app.directory.timezone(org) if org else ZONE
        scopes = narrowed(scopes_of(desk, app, user), org)
        now = app.clock()
        period = period_asked(since, until, scopes, zone, now)
        wanted = wanted_of(
            period, what=what, rule=rule, levels=levels, disposition=disposition,
            root_cause=cause, corrective=action,
        )  # fmt: skip
        with app.store.reader() as connection:
            found = review(connection, period.scopes, wanted, now=now)
        if not found.items:
            refuse_unknown(app, rule=rule)
        causes = causes_of(found.items, now)
        shown = found.items[:limit]
        document = {
            "rows": [reviewed_document(one, now) for one in shown],
            "total": len(found.items),
            "more": found.more,
            "causes": [
                {"root_cause": one.code, "orders": one.orders, "again": one.again,
                 "overdue": one.overdue}
                for one in causes
            ],
        }  # fmt: skip
        titles = {one.code: title_of(desk, app, one.code) for one in shown}
        desk.answer(document, lambda: _show(desk, found, shown, titles, desk.format(now)))


def still_open(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--owner", help="cli.option.review_owner")] = "",
    user: As = "",
) -> None:
    """Corrective actions that are still open, first due first."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        now = app.clock()
        with app.store.reader() as connection:
            found = open_correctives(connection, scopes, owner=owner)
        if not found:
            refuse_unknown(app, person=owner)
        document = {"rows": [corrective_document(one, now) for one in found]}
        desk.answer(document, lambda: _show_open(desk, found, desk.format(now)))


def finished(
    context: typer.Context,
    order: OrderId,
    user: As,
    text: Annotated[str, typer.Option("--text", help="cli.option.review_text")],
) -> None:
    """Say that an action is done, and what was done."""
    _act(context, user, order, lambda uow, ctx: finish(uow, ctx, order, text))


def postponed(
    context: typer.Context,
    order: OrderId,
    user: As,
    due: Annotated[str, typer.Option("--due", help="cli.option.corrective_due")],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.review_reason")],
) -> None:
    """Give an action more time."""
    at = moment(due, name="--due", end=True)
    _act(context, user, order, lambda uow, ctx: put_off(uow, ctx, order, at, reason))


def _act(
    context: typer.Context,
    user: str,
    order: str,
    act: Callable[[UnitOfWork, Context], CorrectiveOutcome],
) -> None:
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(acting) as uow:
            known = find_corrective(uow.connection, order)
            sees = known is not None and around.directory.sees(acting, known.org, uow.now).allowed
            if not sees:
                raise WrongCall("cli.review.unknown", order=shorten(order))
            outcome = act(uow, app.context(around))
        now = app.clock()
    params = dict(outcome.params)
    sentence = desk.code(outcome.code, **{name: str(value) for name, value in params.items()})
    one = outcome.corrective
    document = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "params": params,
        "corrective": None if one is None else corrective_document(one, now),
    }

    def tell() -> None:
        if not outcome.ok or one is None:
            desk.complain(sentence)
            return
        _show_open(desk, [one], desk.format(now))

    desk.answer(document, tell)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)


def _show(
    desk: Desk, found: Review, shown: tuple[Reviewed, ...], titles: dict[str, str], shape: Format
) -> None:
    if not shown:
        desk.say("cli.review.none")
        return
    text = desk.words.text

    def ending(one: Reviewed) -> str:
        kind = "disposition" if one.is_order else "triage"
        return text(f"{kind}.{one.disposition}")

    desk.table(
        ("cli.head.number", "cli.head.level", "cli.head.what", "cli.head.org",
         "cli.head.review_ended", "cli.head.review_how", "cli.head.review_cause",
         "cli.head.review_earlier", "cli.head.review_action"),
        [
            [
                one.matter.id,
                desk.level(one.matter.level.value),
                titles[one.code],
                one.matter.org,
                shape.moment(one.ended_at),
                ending(one),
                _cause(desk, one.root_cause),
                str(one.earlier or ""),
                _state(desk, one.corrective, shape),
            ]
            for one in shown
        ],
    )  # fmt: skip
    if found.more:
        desk.complain(text("cli.review.more"))


def _cause(desk: Desk, code: str) -> str:
    key = f"root_cause.{code}"
    return desk.words.text(key) if key in desk.words else code


def _state(desk: Desk, one: Followed | None, shape: Format) -> str:
    if one is None:
        return ""
    return desk.words.text(f"corrective.{one.state(shape.now)}")


def _show_open(desk: Desk, found: list[Followed], shape: Format) -> None:
    if not found:
        desk.say("cli.review.none_open")
        return
    desk.table(
        ("cli.head.number", "cli.head.org", "cli.head.review_action", "cli.head.review_owner",
         "cli.head.due", "cli.head.state"),
        [
            [
                one.order_id,
                one.org,
                one.text,
                one.owner,
                shape.moment(one.due_at),
                _state(desk, one, shape),
            ]
            for one in found
        ],
    )  # fmt: skip
