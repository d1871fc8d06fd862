"""The escalator: timers that are due, in order, then the messages that wait.

After downtime the missed timers fire once each, in the order of their due times; each is its own
transaction, so that one that fails does not hold the others back for ever.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import structlog

from agents.delivery import ACTOR, LANES, Address, Delivered, deliver, refresh
from directory import CHATS
from store import Store, outbox, positions, timers
from store.clock import rfc3339
from workorders.channel import Channel
from workorders.context import Context
from workorders.fire import KINDS, fire_timer

LIMIT = 200
ROUND = "escalator.round"
"""When the last whole round began; the sentinel's dead-man's switch reads it."""
MARK_EVERY = timedelta(seconds=10)
_AHEAD = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Escalated:
    """What one round did."""

    fired: int
    delivered: Delivered
    refreshed: int = 0


class Escalator:
    """The agent.

    Args:
        store: for the transactions.
        channels: adapters by name.
        address: where a person is reached on a channel.
        context: what `workorders` needs, as of now.
        holder: this process, for the outbox leases.
        editable: channels whose delivered cards are shown anew after an act.
    """

    def __init__(
        self,
        store: Store,
        *,
        channels: Mapping[str, Channel],
        address: Address,
        context: Callable[[], Context],
        holder: str,
        editable: Collection[str] = CHATS,
    ) -> None:
        self._store = store
        self._channels = channels
        self._address = address
        self._context = context
        self._holder = holder
        self._editable = frozenset(editable)
        self._marked: datetime | None = None
        self._delivering = Lock()
        self._delivered_at: datetime | None = None

    def run_once(self, now: datetime) -> Escalated:
        """Fire what is due at `now`, then deliver in order and show changed cards anew."""
        fired = self._fire(now)
        delivered, shown = self._deliver(lanes=1)
        self._mark(now)
        return Escalated(fired, delivered, shown)

    def fire_once(self, now: datetime) -> int:
        """The timers alone, for a process in which `deliver_once` has a thread of its own.

        A delivery that hangs leaves no sign of a whole round behind, though timers go on firing.
        """
        fired = self._fire(now)
        if self._delivered_at is not None:
            self._mark(min(now, self._delivered_at))
        return fired

    def deliver_once(self, now: datetime) -> Delivered:
        """The deliveries alone, to several people at once."""
        delivered, _ = self._deliver(lanes=LANES)
        self._delivered_at = now
        return delivered

    def _deliver(self, *, lanes: int) -> tuple[Delivered, int]:
        with self._delivering:  # two at a time could overtake each other on the way to one person
            delivered = deliver(
                self._store,
                self._channels,
                self._address,
                self._context,
                self._holder,
                lanes=lanes,
            )
            return delivered, refresh(self._store, self._channels, self._editable)

    def _mark(self, now: datetime) -> None:
        """Leave a sign of life behind a whole round, every ten seconds."""
        if self._marked is not None and timedelta(0) <= now - self._marked < MARK_EVERY:
            return
        with self._store.unit_of_work(ACTOR) as uow:
            positions.write(uow, ROUND, rfc3339(now))
        self._marked = now

    def _fire(self, now: datetime) -> int:
        """Fire up to `LIMIT` timers, one by one.

        What a timer sets for a time that has passed as well takes its place among the others.
        """
        fired = 0
        failed: set[int] = set()
        for _ in range(LIMIT):
            with self._store.reader() as connection:
                due = timers.due(connection, now, len(failed) + _AHEAD)
            timer = next((one for one in due if one.kind in KINDS and one.id not in failed), None)
            if timer is None:
                break
            try:
                with self._store.unit_of_work(ACTOR) as uow:
                    done = fire_timer(uow, timer, self._context())
            except Exception:  # noqa: BLE001 - one timer must not hold back the others
                _log.exception("timer failed", key=timer.key, due_at=str(timer.due_at))
                failed.add(timer.id)
                continue
            fired += done.code != "FIRED_ELSEWHERE"
        return fired

    def next_due(self) -> datetime | None:
        """When the next timer or message becomes due; None when nothing waits."""
        with self._store.reader() as connection:
            moments = [timers.next_due(connection), outbox.next_due(connection)]
        return min((moment for moment in moments if moment is not None), default=None)
