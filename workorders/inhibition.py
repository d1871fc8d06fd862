"""Inhibition (抑制): a red order keeps the lighter ones about the same thing quiet. Pure.

What two orders have in common is compared by name (`policy.Policy.inhibit_equal`). Where one of
the names is empty on either side they have nothing in common: that is an error and said so, never
a match. Red is never inhibited, so nothing inhibits itself, and two orders never each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workorders.levels import Level
from workorders.model import Alert, State, WorkOrder

#: In these states a red order still says that something is wrong.
FIRING = frozenset({State.OPEN, State.ACKNOWLEDGED, State.IN_WORK, State.SNOOZED})


@dataclass(frozen=True, slots=True)
class Inhibited:
    """Whether a matter is kept quiet by a red order.

    Attributes:
        by: the red order's id; empty when none keeps it quiet.
        missing: names that are empty on either side where all others agree: what should have been
            compared and could not be.
    """

    by: str = ""
    missing: tuple[str, ...] = ()


def inhibits(source: WorkOrder, target: WorkOrder | Alert, equal: Sequence[str]) -> Inhibited:
    """Whether `source` keeps `target` quiet.

    Args:
        source: the order that may inhibit.
        target: the order or alert that may be kept quiet.
        equal: names of the fields that must agree, at least one.
    """
    if source.id == target.id or source.level is not Level.RED or target.level is Level.RED:
        return Inhibited()
    if source.state not in FIRING or source.drill or getattr(target, "drill", False):
        return Inhibited()
    missing = tuple(name for name in equal if not (_of(source, name) and _of(target, name)))
    agree = all(_of(source, name) == _of(target, name) for name in equal if name not in missing)
    if not agree or len(missing) == len(equal):
        return Inhibited()
    return Inhibited(missing=missing) if missing else Inhibited(by=source.id)


def first_of(
    sources: Iterable[WorkOrder], target: WorkOrder | Alert, equal: Sequence[str]
) -> Inhibited:
    """The first red order that keeps `target` quiet; else the first that could not be compared."""
    missing = Inhibited()
    for source in sources:
        found = inhibits(source, target, equal)
        if found.by:
            return found
        missing = missing if missing.missing else found
    return missing


def _of(matter: WorkOrder | Alert, name: str) -> str:
    return str(getattr(matter, name))
