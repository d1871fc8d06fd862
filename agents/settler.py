"""The settler: the day-end snapshot of every group's book, once for each trading day.

A day is settled when its market has closed. A year that the calendar does not know is refused
rather than guessed. Running again changes nothing; a book that changed since gives version 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

import trail
from agents.facts import Surroundings
from agents.world import World, book_orgs
from book.exposure import compute
from book.snapshot import DayEnd, freeze
from book.state import BookState
from book.write import put_snapshot
from directory.errors import DirectoryError
from store import Store, UnitOfWork, positions

ACTOR = "system:settler"
POSITION = "settler"
#: Local time at which a trading day is over for every product's day session.
DAY_END = time(15, 30)
_LOOK_BACK = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """The snapshots that one round kept."""

    day_ends: tuple[DayEnd, ...] = ()


class Settler:
    """The agent.

    Args:
        store: for the transactions.
        world: the book at hand, shared with the watcher.
    """

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world

    def run_once(self, now: datetime) -> Settled:
        """Keep the snapshot of each group's last trading day that is over and not yet settled."""
        with self._store.reader() as connection:
            around = self._world.around(connection)
            done = positions.read(connection, POSITION) or ""
        wanted = {org: day for org in book_orgs(around) if (day := self._day(org, around, now))}
        mark = ";".join(f"{org}={day}" for org, day in sorted(wanted.items()))
        if mark == done or not wanted:
            return Settled()
        settled = dict(part.split("=", 1) for part in done.split(";") if "=" in part)
        kept: list[DayEnd] = []
        with self._store.unit_of_work(ACTOR) as uow:
            self._world.refresh(uow.connection)
            for org, day in wanted.items():
                if settled.get(org) != str(day):
                    kept += self._settle(uow, org, day)
            positions.write(uow, POSITION, mark)
        return Settled(tuple(kept))

    def _day(self, org: str, around: Surroundings, now: datetime) -> date | None:
        """The last trading day of a group that is over at `now`."""
        zone = around.directory.timezone(org)
        local = now.astimezone(zone)
        day = local.date() if local.time() >= DAY_END else local.date() - timedelta(days=1)
        products = _products(org, around)
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

    def _settle(self, uow: UnitOfWork, org: str, day: date) -> Sequence[DayEnd]:
        book = self._world.book(uow.connection, org, uow.now)
        if _empty(book):
            return []
        buckets = compute(book, uow.now, trading_day=day)
        snapshot = freeze(book, buckets, as_of=uow.now, known_at=uow.now)
        kept = put_snapshot(
            uow, snapshot, org=org, trading_day=day, purpose="day_end", signer=ACTOR
        )
        trail.record(
            uow,
            kind="decision",
            action="settlement.snapshot",
            object_type="trading_day",
            object_id=day.isoformat(),
            org=org,
            outcome=f"version_{kept.version}",
            body={"snapshot": snapshot.hash, "outputs": snapshot.outputs_hash,
                  "buckets": len(buckets)},
        )  # fmt: skip
        return [kept]


def _products(org: str, around: Surroundings) -> list[str]:
    named = [
        around.directory.settings(path).product
        for path in around.directory.nodes
        if path == org or path.startswith(org + "/")
    ]
    return list(dict.fromkeys(filter(None, named)))


def _empty(book: BookState) -> bool:
    return not (book.contracts or book.lots or book.commitments or book.futures or book.claims)
