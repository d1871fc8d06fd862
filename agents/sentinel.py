"""The sentinel: proof that what was due has happened, and a heartbeat for the outside.

It changes nothing but what it reports: overdue timers, messages nobody took, dead letters, a
watcher that lags. A monitor outside pings when the heartbeat stops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from auditlog.port import LogPort
from store import Store, inbox, outbox, positions, timers

GRACE = timedelta(seconds=60)
HEARTBEAT = "sentinel.heartbeat"
ACTOR = "system:sentinel"
_LIMIT = 1000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What one look found; all zero is well.

    Attributes:
        overdue_timers: due more than a minute ago and not fired.
        stuck_messages: due more than a minute ago and not settled.
        dead_letters: messages and clicks that were given up, for a person to look at.
        unread_events: in the log and not yet read by the watcher, up to a thousand.
    """

    at: datetime
    overdue_timers: int
    stuck_messages: int
    dead_letters: int
    unread_events: int

    @property
    def well(self) -> bool:
        """Whether nothing that was due is missing."""
        return not (self.overdue_timers or self.stuck_messages)


class Sentinel:
    """The agent.

    Args:
        store: for its look and its heartbeat.
        log: whose end the watcher should have reached.
        beat: called after each look that found all well; a monitor outside listens for it.
    """

    def __init__(
        self, store: Store, log: LogPort, beat: Callable[[Health], None] | None = None
    ) -> None:
        self._store = store
        self._log = log
        self._beat = beat

    def run_once(self, now: datetime) -> Health:
        """Look once, and leave the heartbeat."""
        health = self.look(now)
        if not health.well:
            _log.error(
                "overdue",
                timers=health.overdue_timers,
                messages=health.stuck_messages,
                dead=health.dead_letters,
            )
        with self._store.unit_of_work(ACTOR) as uow:
            positions.write(uow, HEARTBEAT, now.isoformat())
        if health.well and self._beat is not None:
            self._beat(health)
        return health

    def look(self, now: datetime) -> Health:
        """What is overdue at `now`."""
        limit = now - GRACE
        with self._store.reader() as connection:
            overdue = len(timers.due(connection, limit, _LIMIT))
            stuck = [m for m in outbox.pending(connection, _LIMIT) if m.due_at < limit]
            dead = len(outbox.dead_letters(connection, _LIMIT))
            dead += len(inbox.dead_letters(connection, _LIMIT))
            position = int(positions.read(connection, "watcher") or 0)
        unread = len(self._log.read_after(position, _LIMIT))
        return Health(now, overdue, len(stuck), dead, unread)
