"""`drill`: begin a drill, see what it showed, end it."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.listing import levels_of, scopes_of
from service.cli.naming import product_code, refuse_unknown
from service.i18n import Format
from store.problems import shorten
from workorders import reads
from workorders.drills import DrillWish, Score, end_drill, list_drills, score_of, start_drill

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
DrillId = Annotated[str, typer.Argument(metavar="DRILL")]
_NUMBER = re.compile(r"WO-[0-9]{8}-[0-9]{1,9}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.drill", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.drill_list")(list_all)
    group.command("show", help="cli.help.drill_show")(show)
    group.command("start", help="cli.help.drill_start")(start)
    group.command("end", help="cli.help.drill_end")(end)
    app.add_typer(group, name="drill")


def list_all(
    context: typer.Context,
    running: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--running", help="cli.option.drill_running")
    ] = False,
    user: As = "",
) -> None:
    """List drills, latest first."""
    desk = desk_of(context)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user) if user else tuple(app.directory.nodes)
        now = app.clock()
        with app.store.reader() as connection:
            found = list_drills(connection, scopes, running=running)
            scores = [score_of(connection, one, now) for one in found]
        document = {"rows": [score_json(one) for one in scores]}
        desk.answer(document, lambda: _list(desk, scores, desk.format(now)))


def show(context: typer.Context, drill: DrillId, user: As = "") -> None:
    """One drill and what it showed."""
    desk = desk_of(context)
    _checked(drill)
    with desk.open() as app:
        scopes = scopes_of(desk, app, user) if user else None
        now = app.clock()
        with app.store.reader() as connection:
            order = reads.get_order(connection, drill, scopes)
            if order is None or not order.drill:
                raise WrongCall("cli.drill.unknown", drill=drill)
            score = score_of(connection, order, now)
        desk.answer(score_json(score), lambda: _show(desk, score, desk.format(now)))


def start(
    context: typer.Context,
    org: Annotated[str, typer.Option("--org", help="cli.option.drill_org")],
    level: Annotated[str, typer.Option("--level", help="cli.option.drill_level")],
    user: As,
    minutes: Annotated[
        int, typer.Option("--minutes", min=1, max=10_000, help="cli.option.drill_minutes")
    ] = 60,
    product: Annotated[str, typer.Option("--product", help="cli.option.product")] = "",
    text: Annotated[str, typer.Option("--text", help="cli.option.drill_text")] = "",
) -> None:
    """Begin a drill; it pages the people of the unit's ladder."""
    desk = desk_of(context)
    (colour,) = levels_of([level])
    wish = DrillWish(org, colour, timedelta(minutes=minutes), product_code(product), text)
    with desk.open() as app:
        acting = desk.acting(app, user)
        refuse_unknown(app, org=org, product=wish.product)
        around = app.directories.now()
        with app.store.unit_of_work(acting) as uow:
            outcome = start_drill(uow, app.context(around), wish)
            order = outcome.order
            score = None if order is None else score_of(uow.connection, order, uow.now)
    _tell(desk, outcome.ok, outcome.code, outcome.params, score)


def end(context: typer.Context, drill: DrillId, user: As) -> None:
    """End a drill now."""
    desk = desk_of(context)
    _checked(drill)
    with desk.open() as app:
        acting = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(acting) as uow:
            outcome = end_drill(uow, app.context(around), drill)
            order = outcome.order
            score = None if order is None else score_of(uow.connection, order, uow.now)
    _tell(desk, outcome.ok, outcome.code, outcome.params, score)


def score_json(score: Score) -> dict[str, Any]:
    """A drill for `--json`."""
    names = (
        "id", "org", "product", "opened_at", "acknowledge_by", "acknowledged_at",
        "acknowledged_by", "resolved_at", "resolved_by", "closed_at", "closed_by",
    )  # fmt: skip
    order = score.order
    return {
        **{name: getattr(order, name) for name in names},
        "level": order.level.value,
        "state": order.state.value,
        "ends_at": score.ends_at,
        "in_time": score.in_time,
        "by_itself": score.by_itself,
        "rungs": [{"rung": number, "at": at} for number, at in score.rungs],
        "reached": [asdict(one) for one in score.reached],
    }


def _checked(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise WrongCall("cli.drill.unknown", drill=shorten(number))


def _list(desk: Desk, scores: list[Score], shape: Format) -> None:
    if not scores:
        desk.say("cli.drill.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.level", "cli.head.org", "cli.head.since",
         "cli.head.drill_reached", "cli.head.drill_answered", "cli.head.drill_in_time",
         "cli.head.state"),
        [
            [
                one.order.id,
                desk.level(one.order.level.value),
                one.order.org,
                shape.moment(one.order.opened_at),
                str(sum(person.sent_at is not None for person in one.reached)),
                one.order.acknowledged_by,
                desk.words.text(f"drill.in_time.{_word(one.in_time)}"),
                desk.words.text(f"state.{one.order.state.value}"),
            ]
            for one in scores
        ],
    )  # fmt: skip


def _word(in_time: bool | None) -> str:  # noqa: FBT001 - one value of three
    return {True: "yes", False: "no", None: "open"}[in_time]


def _show(desk: Desk, score: Score, shape: Format) -> None:
    _list(desk, [score], shape)
    for number, at in score.rungs:
        desk.say("cli.drill.rung", rung=number, at=shape.moment(at))
    if score.reached:
        desk.table(
            ("cli.head.drill_person", "cli.head.drill_sent", "cli.head.drill_channels",
             "cli.head.drill_failed"),
            [
                [
                    one.person,
                    shape.moment(one.sent_at) if one.sent_at else "",
                    " ".join(one.channels),
                    " ".join(one.failed),
                ]
                for one in score.reached
            ],
        )  # fmt: skip


def _tell(desk: Desk, ok: bool, code: str, params: Any, score: Score | None) -> None:  # noqa: FBT001 - of the outcome
    sentence = desk.code(code, **{name: str(value) for name, value in params.items()})
    document = {
        "ok": ok,
        "code": code,
        "message": sentence,
        "params": dict(params),
        "drill": None if score is None else score_json(score),
    }

    def tell() -> None:
        if not ok or score is None:
            desk.complain(sentence)
            return
        state = desk.words.text(f"state.{score.order.state.value}")
        desk.say("cli.drill.done", drill=score.order.id, state=state)

    desk.answer(document, tell)
    if not ok:
        raise typer.Exit(PROBLEMS)
