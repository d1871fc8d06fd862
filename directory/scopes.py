"""Whose rows a reader may see: organisation paths, and who it is that reads."""

from collections.abc import Iterable, Sequence
from typing import Self


class Scopes(tuple[str, ...]):  # noqa: SLOT001 - a tuple of any length has no slots of its own
    """Paths that a person sees, each with what lies beneath; equal to the plain tuple of them.

    The person goes with the paths, so that what a reader may not see although it lies inside them
    is left out by every query alike: matters that are about the reader.

    Attributes:
        subjects: what the sources call the reader; a matter about one of these is not shown.
        matters: whether the reader sees orders and alerts at all; a temporary account does not.
    """

    subjects: tuple[str, ...]
    matters: bool

    def __new__(
        cls, paths: Iterable[str], subjects: tuple[str, ...] = (), *, matters: bool
    ) -> Self:
        """The paths with their reader."""
        made = super().__new__(cls, paths)
        made.subjects = subjects
        made.matters = matters
        return made

    def narrowed(self, path: str) -> "Scopes":
        """The same reader at one path, which lies inside."""
        return Scopes((path,), self.subjects, matters=self.matters)


def of_reader(scopes: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Other paths for the reader of `scopes`; plain paths when they carry none."""
    if isinstance(scopes, Scopes):
        return Scopes(paths, scopes.subjects, matters=scopes.matters)
    return tuple(paths)
