"""What a wrong call into the store raises."""

# ruff: noqa: N818 - each name is the condition itself; they share the base StoreError

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class StoreError(Exception):
    """Any refusal by the store."""


class MissingActor(StoreError):
    """A unit of work was opened by nobody."""

    def __init__(self) -> None:
        super().__init__("a unit of work needs an actor, such as a person's id or system:<job>")


class NestedUnit(StoreError):
    """A unit of work was opened inside another one of the same thread."""

    def __init__(self, outer: str, inner: str) -> None:
        super().__init__(
            f"{inner!r} opened a unit of work inside the one of {outer!r}; hand the outer one down"
        )


class UnrecordedChange(StoreError):
    """A commit would have changed tables without leaving a record in the trail.

    Attributes:
        tables: the changed tables, sorted.
    """

    def __init__(self, tables: tuple[str, ...]) -> None:
        self.tables = tables
        super().__init__(f"changed without a record in the trail: {', '.join(tables)}")


class ReadOnly(StoreError):
    """A reader tried to write."""

    def __init__(self, statement: str) -> None:
        super().__init__(f"a reader cannot write: {statement[:120]}")


class UnitClosed(StoreError):
    """A unit of work was used after its block had ended."""

    def __init__(self) -> None:
        super().__init__("this unit of work has ended")


class Holding(NamedTuple):
    """A live process that holds a data folder.

    Attributes:
        role: in which it holds it.
        pid: its process.
        since: when it took it.
    """

    role: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.role} (process {self.pid})"


class FolderHeld(StoreError):
    """Another process holds the data folder in a role that excludes ours.

    Attributes:
        role: the role that was asked for.
        folder: as it was named.
        holders: the live holders in the way, as ``role (process 123)``.
        holding: the same with their process and since when they hold it.
    """

    def __init__(self, folder: str, role: str, holding: "Sequence[Holding]") -> None:
        self.role = role
        self.folder = folder
        self.holding = tuple(holding)
        holders = self.holders = tuple(map(str, holding))
        by = ", ".join(holders) or "another process"
        super().__init__(f"{folder} is in use by {by}; the role {role!r} cannot run beside it")


class DiskFull(StoreError):
    """The database has no room left; the unit of work left nothing behind.

    The next unit may succeed: once there is room, nothing has to be mended.
    """

    code = "DISK_FULL"

    def __init__(self) -> None:
        super().__init__("the disk of the database is full")
