"""The settler: the day-end snapshot of every group's book, once for each trading day.

A day is settled when its market has closed, on the book as it was then. A year that the calendar
does not know is refused rather than guessed. Running again changes nothing; a fact about the day
that comes later gives version 2, and version 1 stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Select, Text, bindparam, exists, or_, select

import trail
from agents.facts import Surroundings
from agents.world import PRICE_SPAN, World, book_orgs
from book.exposure import compute
from book.read import read_state, snapshots
from book.snapshot import DayEnd, Snapshot, freeze
from book.state import BookState
from book.tables import TABLES
from book.write import put_snapshot
from directory.errors import DirectoryError
from store import Store, UnitOfWork, positions
from store.types import UtcDateTime
from trail.tables import RECORD

ACTOR = "system:settler"
POSITION = "settler"
PURPOSE = "day_end"
#: Local time at which a trading day is over for every product's day session.
DAY_END = time(15, 30)
_LOOK_BACK = 10

_log = structlog.get_logger(__name__)


class _End(NamedTuple):
    """The moment at which a group's trading day is over."""

    org: str
    day: date
    at: datetime


class _Quiet(NamedTuple):
    """A book without prices, when it was read, and for which day's end."""

    book: BookState
    known_at: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """The snapshots that one round kept."""

    day_ends: tuple[DayEnd, ...] = ()


class Settler:
    """The agent.

    Args:
        store: for the transactions.
        world: the directory at hand, shared with the watcher.
    """

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._seen = -1
        self._quiet: dict[str, _Quiet] = {}

    def run_once(self, now: datetime) -> Settled:
        """Keep the snapshot of each group's last trading day that is over.

        A day that is settled is settled again when something true on it was recorded afterwards.
        """
        with self._store.reader() as connection:
            around = self._world.around(connection)
            done = positions.read(connection, POSITION) or ""
            newest = _newest_change(connection)
            ends = {org: end for org in book_orgs(around) if (end := self._end(org, around, now))}
            settled = dict(part.split("=", 1) for part in done.split(";") if "=" in part)
            due = [
                end
                for org, end in ends.items()
                if settled.get(org) != str(end.day)
                or (newest != self._seen and _corrected(connection, end))
            ]
        kept: list[DayEnd] = []
        if due:
            mark = ";".join(f"{org}={end.day}" for org, end in sorted(ends.items()))
            with self._store.unit_of_work(ACTOR) as uow:
                for end in due:
                    kept += _settle(uow, end, self._book(uow, end))
                positions.write(uow, POSITION, mark)
        self._seen = newest
        return Settled(tuple(kept))

    def _book(self, uow: UnitOfWork, end: _End) -> BookState:
        """The book as it was when the day ended, as far as it is known now.

        A book that nothing happened to since it was last read is not read again.
        """
        held = self._quiet.get(end.org)
        if held is not None and not _touched(uow.connection, end, held.end, held.known_at):
            return held.book
        book = read_state(
            uow.connection,
            as_of=end.at,
            known_at=uow.now,
            orgs=[end.org],
            prices_since=end.at - PRICE_SPAN,
        )
        self._quiet.pop(end.org, None)
        if not book.prices:  # prices leave the book by themselves, when they are too old
            self._quiet[end.org] = _Quiet(book, uow.now, end.at)
        return book

    def _end(self, org: str, around: Surroundings, now: datetime) -> _End | None:
        """The end of a group's last trading day, when it can be told."""
        day = self._day(org, around, now)
        if day is None:
            return None
        zone = around.directory.timezone(org)
        return _End(org, day, datetime.combine(day, DAY_END, zone).astimezone(UTC))

    def _day(self, org: str, around: Surroundings, now: datetime) -> date | None:
        """The last trading day of a group that is over at `now`."""
        zone = around.directory.timezone(org)
        local = now.astimezone(zone)
        day = local.date() if local.time() >= DAY_END else local.date() - timedelta(days=1)
        products = _products(org, around) or [""]
        for _ in range(_LOOK_BACK):
            for product in products:
                try:
                    if around.calendar.is_trading_day(product, day, org):
                        return day
                except DirectoryError as fault:
                    _log.warning("day not settled", org=org, day=str(day), fault=str(fault))
                    return None
            day -= timedelta(days=1)
        return None


def _settle(uow: UnitOfWork, end: _End, book: BookState) -> Sequence[DayEnd]:
    """Keep the book of a day's end."""
    if _empty(book):
        return []
    buckets = compute(book, end.at, trading_day=end.day)
    snapshot = freeze(book, buckets, as_of=end.at, known_at=uow.now)
    held = _held(uow.connection, end)
    if held is not None and (held.hash, held.outputs_hash) == (
        snapshot.hash,
        snapshot.outputs_hash,
    ):
        return []
    kept = put_snapshot(
        uow, snapshot, org=end.org, trading_day=end.day, purpose=PURPOSE, signer=ACTOR
    )
    trail.record(
        uow,
        kind="decision",
        action="settlement.snapshot",
        object_type="trading_day",
        object_id=end.day.isoformat(),
        org=end.org,
        outcome=f"version_{kept.version}",
        reason="" if kept.version == 1 else "CORRECTED",
        body={"snapshot": snapshot.hash, "outputs": snapshot.outputs_hash,
              "buckets": len(buckets), "as_of": end.at},
    )  # fmt: skip
    return [kept]


def _held(connection: Connection, end: _End) -> Snapshot | None:
    """The newest version of a day's snapshot."""
    found = snapshots(connection, org=end.org, purpose=PURPOSE, trading_day=end.day)
    return found[-1][2] if found else None


def _newest_change(connection: Connection) -> int:
    c = RECORD.c
    # From the newest backwards, by the index of kinds; a maximum would look at every change.
    query = select(c.seq).where(c.kind == "change", c.object_type != "book.snapshot")
    return int(connection.scalar(query.order_by(c.seq.desc()).limit(1)) or 0)


def _corrected(connection: Connection, end: _End) -> bool:
    """Whether something that was true on a settled day was recorded after its snapshot."""
    held = _held(connection, end)
    return held is None or _touched(connection, end, end.at, held.known_at)


def _touched(connection: Connection, end: _End, last: datetime, known_at: datetime) -> bool:
    """Whether a group's book has a fact true at `end` that is dated after `last` or came later."""
    given = {"org": end.org, "below": f"{_escaped(end.org)}/%", "end": end.at}
    found = connection.scalar(_any_fact(), {**given, "last": last, "known": known_at})
    return bool(found)


@cache
def _any_fact() -> Select[Any]:
    """One statement over all kinds of facts; master data that is common to all counts as well."""
    org, below = bindparam("org", type_=Text), bindparam("below", type_=Text)
    end, last, known = (bindparam(name, type_=UtcDateTime) for name in ("end", "last", "known"))
    kinds = []
    for one in TABLES.values():
        c = one.c
        under = (c.org == org) | (c.org == "") | c.org.like(below, escape="\\")
        new = (c.recorded_at > known) | (c.valid_from > last)
        kinds.append(exists().where(under, c.valid_from <= end, new))
    return select(or_(*kinds))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _products(org: str, around: Surroundings) -> list[str]:
    named = [
        around.directory.settings(path).product
        for path in around.directory.nodes
        if path == org or path.startswith(org + "/")
    ]
    return list(dict.fromkeys(filter(None, named)))


def _empty(book: BookState) -> bool:
    return not (book.contracts or book.lots or book.commitments or book.futures or book.claims)
