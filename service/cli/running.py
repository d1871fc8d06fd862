"""`serve` and `demo`: thin calls; what they start stands in modules of its own."""

from typing import Annotated

import typer

from service.cli.desk import WrongCall, desk_of


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("serve", help="cli.help.serve")(serve)
    app.command("demo", help="cli.help.demo")(demo)


def serve(
    context: typer.Context,
    role: Annotated[str, typer.Option("--role", help="cli.option.serve_role")] = "",
) -> None:
    """Run the service until it is stopped."""
    from service import serving  # noqa: PLC0415 - the web stack only where it serves

    desk = desk_of(context)
    if role and role not in serving.ROLES:
        raise WrongCall("cli.serve.role", found=role, allowed=", ".join(serving.ROLES))
    serving.serve(desk.compose, desk.settings, role=role or None)


def demo(context: typer.Context) -> None:
    """Run the demo: incidents replayed on a simulated clock, then the console."""
    from service.demo.command import demo as run  # noqa: PLC0415 - only where it is wanted

    desk = desk_of(context)
    run(desk.compose, desk.settings)
