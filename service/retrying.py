"""A transaction that another one overtook is done again, a few times."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from workorders.errors import ConcurrentChange

TRIES = 3
T = TypeVar("T")


def retried(once: Callable[[], T]) -> T:
    """What `once` gives, done again when somebody else moved its order in between.

    Args:
        once: one whole transaction; it leaves nothing behind when it raises.

    Raises:
        workorders.errors.ConcurrentChange: when it was overtaken `TRIES` times.
    """
    for _ in range(TRIES - 1):
        with suppress(ConcurrentChange):
            return once()
    return once()
