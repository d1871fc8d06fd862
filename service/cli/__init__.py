"""The command line `hedgewarden`."""

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from service.cli.desk import Compose


def app(compose: "Compose") -> NoReturn:
    """Run the command with the process's arguments, and end the process with its exit code."""
    from service.cli.root import make_app  # noqa: PLC0415 - `compose` may be all that is needed

    make_app(compose)(prog_name="hedgewarden")
    raise SystemExit(0)
