"""A row of a file that became a fact of the book."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from book.state import Fact
from store.problems import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that became a fact.

    Attributes:
        fact: the fact.
        valid_from: since when it is true; None when the row does not say.
        line: where it stands, with `cell` of its id.
        side: for a position with a side of its own, ``buy`` or ``sell``; else empty.
        rows: how many rows of the file it stands for.
        warnings: what was noticed in the row and kept nothing out.
        cells: field → spreadsheet cell; empty for text.
        headers: field → the column's name as it stands in the file.
    """

    fact: Fact
    valid_from: datetime | None
    line: int
    cell: str = ""
    side: str = ""
    rows: int = 1
    warnings: tuple[Problem, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
