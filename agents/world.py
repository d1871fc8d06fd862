"""The directory and the book as they now stand, kept at hand between two looks.

Only what somebody else changed is read again: the directory when its version moved, an
organisation's book when the trail shows a change by another actor, or when an event came out of
order. The caches hold no truth of their own; dropping them is always safe.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from agents.facts import Surroundings
from book.read import next_valid_from, read_state
from book.state import BookState
from directory.writing import directory_version, read_directory
from trail.tables import RECORD
from workorders.company_policy import company_policy

#: Older prices are history, not the present: quotes are compared within this span.
PRICE_SPAN = timedelta(days=5)


def read_surroundings(connection: Connection) -> Surroundings:
    """The directory, its calendar and the company's policy, all of one version."""
    known = read_directory(connection)
    return Surroundings(known, known.calendar, company_policy(connection).policy)


class World:
    """The caches of one process.

    Args:
        actor: whose own changes are folded in by `changed` and need no reading again.
    """

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._version = ""
        self._around: Surroundings | None = None
        self._books: dict[str, BookState] = {}
        self._newest: dict[str, datetime] = {}
        self._ahead: dict[str, datetime | None] = {}
        self._seen = 0

    def around(self, connection: Connection) -> Surroundings:
        """The directory and its calendar, read again when their version moved."""
        version = directory_version(connection)
        if self._around is None or version != self._version:
            self._around = read_surroundings(connection)
            self._version = version
        return self._around

    def refresh(self, connection: Connection) -> None:
        """Drop every book when somebody else changed one since the last look."""
        c = RECORD.c
        newest = connection.scalar(select(c.seq).order_by(c.seq.desc()).limit(1)) or 0
        if newest == self._seen:
            return
        foreign = connection.scalar(
            select(c.seq)
            .where(c.seq > self._seen, c.kind == "change", c.actor != self._actor)
            .where(c.object_type != "book.snapshot")
            .limit(1)
        )
        if foreign is not None:
            self._books.clear()
            self._newest.clear()
        self._seen = newest

    def book(self, connection: Connection, org: str, now: datetime) -> BookState:
        """The book of the group that `org` belongs to, read again when a fact comes into force."""
        root = root_of(org)
        held = self._books.get(root)
        ahead = self._ahead.get(root)
        if held is None or (ahead is not None and ahead <= now):
            held = read_state(
                connection,
                as_of=now,
                known_at=now,
                orgs=[root],
                prices_since=now - PRICE_SPAN,
            )
            self._books[root] = held
            self._ahead[root] = next_valid_from(connection, now, root)
        return held

    def changed(self, org: str, facts: Iterable[Any], at: datetime) -> None:
        """Fold in what this process just recorded for `org`, true since `at`.

        An event that comes before one already folded in makes the book be read again: which of two
        facts holds is for the book to say, by their times.
        """
        root = root_of(org)
        held = self._books.get(root)
        if held is None:
            return
        if at < self._newest.get(root, at):
            del self._books[root]
            return
        self._newest[root] = at
        self._books[root] = held.put(*facts)

    def forget(self) -> None:
        """Drop everything, after a transaction that failed."""
        self._around = None
        self._books.clear()
        self._newest.clear()


def root_of(org: str) -> str:
    """The topmost node above `org`: books are kept a group at a time."""
    return org.partition("/")[0]


def book_orgs(around: Surroundings) -> tuple[str, ...]:
    """The topmost organisations that the directory names, in order."""
    return tuple(dict.fromkeys(root_of(path) for path in around.directory.nodes))
