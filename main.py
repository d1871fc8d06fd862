"""The command `hedgewarden`, and the one place that wires an application.

Nothing else is loaded here: a command that only tells its version needs no database.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.application import Application
    from service.settings import Settings


def compose(settings: "Settings", **ports: Any) -> "Application":
    """Wire the application of one data folder; `service.composition.compose` takes the `ports`."""
    from service.composition import compose as composed  # noqa: PLC0415 - loaded with the first use

    return composed(settings, **ports)


def run() -> None:
    """The console script's entry."""
    from service.cli import app  # noqa: PLC0415 - `compose` may be all that is needed

    app(compose)
