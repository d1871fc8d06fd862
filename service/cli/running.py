"""`serve` and `demo`: thin calls; what they start stands in modules of its own."""

# ruff: noqa: FBT002 - the parameters of a command are its options and arguments

import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.output import dump_json
from service.errors import UnplayableFile


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("serve", help="cli.help.serve")(serve)
    app.command("demo", help="cli.help.demo")(demo)


def serve(
    context: typer.Context,
    role: Annotated[str, typer.Option("--role", help="cli.option.serve_role")] = "",
    demo_folder: Annotated[bool, typer.Option("--demo", help="cli.option.serve_demo")] = False,
) -> None:
    """Run the service until it is stopped."""
    from service import serving  # noqa: PLC0415 - the web stack only where it serves

    desk = desk_of(context)
    if role and role not in serving.ROLES:
        raise WrongCall("cli.serve.role", found=role, allowed=", ".join(serving.ROLES))
    serving.serve(desk.compose, desk.settings, role=role or None, demo=demo_folder)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="cli.option.once")] = False,
    incidents: Annotated[
        Path | None, typer.Option("--incidents", metavar="FILE", help="cli.option.incidents")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="cli.option.seed")] = None,
) -> None:
    """Replay incidents on a simulated clock; then keep the console open, or end with a report."""
    from service.demo import command  # noqa: PLC0415 - only where it is wanted

    desk = desk_of(context)
    if incidents is not None and not incidents.is_file():
        raise WrongCall("cli.no_such_file", file=str(incidents))
    options = command.DemoOptions(once, incidents, command.SEED if seed is None else seed)
    loaded = command.load(options)
    known, problems = loaded.incidents, loaded.problems
    if not loaded.usable or not (known or once):
        raise UnplayableFile(problems, usable=loaded.usable)
    for problem in problems:
        desk.complain(desk.sentence(problem))
    faulty = any(problem.severity == "error" for problem in problems)
    if once:
        told = command.run_once(
            desk.compose,
            desk.settings,
            options,
            known,
            tell=lambda key, params: _tell(desk, key, params),
        )
        told["problems"] = [desk.problem(problem) for problem in problems]
        desk.answer(told, lambda: _show(desk, told))
        if faulty or not told["trail"]["ok"]:
            raise typer.Exit(PROBLEMS)
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    command.run_served(
        desk.compose,
        desk.settings,
        options,
        known,
        say=lambda key, params: _say(desk, key, params),
        tell=lambda key, params: _tell(desk, key, params),
        stop=stop,
    )
    if faulty:
        raise typer.Exit(PROBLEMS)


def _say(desk: Desk, key: str, params: dict[str, Any]) -> None:
    """What the demo tells while it runs: a line a message, in JSON one object a message."""
    if desk.as_json:
        desk.out().write(dump_json({"said": key, **params}))
    elif key == "demo.report":
        _show(desk, params)
    else:
        desk.say(f"cli.{key}", **params)
    desk.out().flush()


def _tell(desk: Desk, key: str, params: dict[str, Any]) -> None:
    """How far the demo is: for people alone, and apart from what it answers."""
    if not desk.as_json:
        shown = {
            name: desk.format(value).moment(value) if isinstance(value, datetime) else value
            for name, value in params.items()
        }
        desk.complain(desk.words.text(f"cli.{key}", **shown))


def _show(desk: Desk, told: dict[str, Any]) -> None:
    desk.table(
        ("cli.head.incident", "cli.head.detected", "cli.head.level", "cli.head.seconds"),
        [
            [
                one["id"],
                "✓" if one["detected"] else "✗",
                desk.level(one["level"] or ""),
                "—" if one["seconds_to_alert"] is None else str(one["seconds_to_alert"]),
            ]
            for one in told["incidents"]
        ],
    )
    orders = told["work_orders"]
    desk.say(
        "cli.demo.counts",
        events=told["events"],
        alerts=told["alerts"],
        decisions=told["decisions"],
        orders=desk.words.text("ui.list_comma").join(
            f"{desk.level(name)} {count}" for name, count in orders.items()
        ),
        records=told["trail"]["size"],
        seconds=told["elapsed_s"],
    )
    for one in told["unexpected_orders"]:
        desk.complain(desk.words.text("cli.demo.unexpected", found=str(one)))
