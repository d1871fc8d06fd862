"""The four colours of a warning, in order of weight."""

from collections.abc import Iterable
from enum import StrEnum

from workorders.errors import BadLevel


class Level(StrEnum):
    """Red outweighs orange, orange yellow, yellow blue; ``max`` and ``<`` follow that order."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"

    @property
    def rank(self) -> int:
        """4 for red down to 1 for blue."""
        return _RANK[self.value]

    def __lt__(self, other: str) -> bool:
        return self.rank < Level(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Level(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Level(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Level(other).rank


_RANK = {"red": 4, "orange": 3, "yellow": 2, "blue": 1}
_CHINESE = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}


def parse_level(text: str) -> Level:
    """The level that a person or a machine wrote: ``red``, ``RED``, ``红`` or ``红色``.

    Raises:
        BadLevel: when the word names none of the four.
    """
    word = text.strip().lower()
    word = _CHINESE.get(word.removesuffix("色"), word)
    if word not in _RANK:
        raise BadLevel(f"not a level: {text!r}")
    return Level(word)


def highest(levels: Iterable[Level]) -> Level | None:
    """The heaviest of `levels`, or None when there is none."""
    return max(levels, key=lambda level: level.rank, default=None)
