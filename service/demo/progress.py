"""How far a demo is, told while nothing else is to be seen of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

#: Told a key of the catalogue and its parameters.
Tell = Callable[[str, dict[str, Any]], None]

_PARTS: Final = 10


def quiet(key: str, params: dict[str, Any]) -> None:
    """Tell nobody."""


class Tenths:
    """One word for each tenth of a replay's events.

    Args:
        tell: who is told.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told = 0

    def reached(self, done: int, total: int, now: datetime) -> None:
        """`done` of `total` events have been judged; the demo's clock stands at `now`."""
        part = done * _PARTS // total
        if part > self._told:
            self._told = part
            self._tell("demo.progress.replayed", {"percent": part * 100 // _PARTS, "at": now})
