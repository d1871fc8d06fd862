"""The sentinel: proof that what was due has happened, and a heartbeat for the outside.

What it finds missing opens one `system` order: timers that did not fire within their grace, an
escalator that stands still, a roster that had nobody. It pings a monitor only after a look that
found all well; the monitor raises the alarm when the pings stay away (a dead-man's switch).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

import trail
from agents.escalator import ROUND
from agents.facts import Surroundings
from agents.house_faults import HouseFault, tell_once
from agents.missing import empty_rosters
from agents.world import book_orgs
from auditlog.port import LogPort
from store import Store, UnitOfWork, inbox, outbox, positions, timers
from store.clock import parse_rfc3339, rfc3339
from workorders.context import Context

GRACE = timedelta(seconds=60)
HEARTBEAT = "sentinel.heartbeat"
EPISODE = "sentinel.overdue_since"
BEATEN = "sentinel.heartbeat_result"
ACTOR = "system:sentinel"
_LIMIT = 1000
_SHOWN = 5

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What one look found; all zero is well.

    Attributes:
        overdue_timers: due more than a minute ago and not fired.
        stuck_messages: due more than a minute ago and not settled.
        dead_letters: messages and clicks that were given up, for a person to look at.
        unread_events: in the log and not yet read by the watcher, up to a thousand.
        escalator_silent: no whole round of the escalator for more than a minute.
    """

    at: datetime
    overdue_timers: int
    stuck_messages: int
    dead_letters: int
    unread_events: int
    escalator_silent: bool = False

    @property
    def well(self) -> bool:
        """Whether nothing that was due is missing."""
        return not (self.overdue_timers or self.stuck_messages or self.escalator_silent)


class Sentinel:
    """The agent.

    Args:
        store: for its look and its heartbeat.
        log: whose end the watcher should have reached.
        beat: called after each look that found all well; must not wait for anybody.
        beaten: what became of the last ping: empty for well, a code, None for not known yet.
        around: the directory, whose rosters are watched.
        context: for the orders it opens; without it nothing is opened.
    """

    def __init__(
        self,
        store: Store,
        log: LogPort,
        beat: Callable[[Health], None] | None = None,
        *,
        beaten: Callable[[], str | None] | None = None,
        around: Callable[[], Surroundings] | None = None,
        context: Callable[[Surroundings], Context] | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._beat = beat
        self._beaten = beaten
        self._around = around
        self._context = context
        self._since: datetime | None = None
        self._last: datetime | None = None

    def run_once(self, now: datetime) -> Health:
        """Look once, report what is missing, and leave the heartbeat."""
        if self._since is None or self._last is None or now - self._last > 3 * GRACE:
            self._since = now  # after a pause the others get their grace to catch up
        self._last = now
        health = self.look(now)
        if not health.well:
            _log.error(
                "overdue",
                timers=health.overdue_timers,
                messages=health.stuck_messages,
                dead=health.dead_letters,
                escalator_silent=health.escalator_silent,
            )
        with self._store.unit_of_work(ACTOR) as uow:
            positions.write(uow, HEARTBEAT, now.isoformat())
            self._note_ping(uow)
            self._tell(uow, health, watched=now - self._since >= GRACE)
        if health.well and self._beat is not None:
            self._beat(health)
        return health

    def look(self, now: datetime) -> Health:
        """What is overdue at `now`."""
        limit = now - GRACE
        with self._store.reader() as connection:
            overdue = len(timers.overdue(connection, now, by=GRACE, limit=_LIMIT))
            stuck = [m for m in outbox.pending(connection, _LIMIT) if m.due_at < limit]
            dead = len(outbox.dead_letters(connection, _LIMIT))
            dead += len(inbox.dead_letters(connection, _LIMIT))
            position = int(positions.read(connection, "watcher") or 0)
            last_round = positions.read(connection, ROUND)
        known = [parse_rfc3339(last_round)] if last_round else []
        silent = max([*known, self._since or now]) < limit
        unread = len(self._log.read_after(position, _LIMIT))
        return Health(now, overdue, len(stuck), dead, unread, silent)

    def _note_ping(self, uow: UnitOfWork) -> None:
        """A monitor that cannot be reached is on record once, and so is its return."""
        result = self._beaten() if self._beaten is not None else None
        before = positions.read(uow.connection, BEATEN) or ""
        if result is None or result == before:
            return
        positions.write(uow, BEATEN, result)
        trail.record(
            uow,
            kind="notification",
            action="heartbeat.failed" if result else "heartbeat.recovered",
            object_type="heartbeat",
            object_id="heartbeat",
            outcome="failed" if result else "sent",
            reason=result,
        )

    def _tell(self, uow: UnitOfWork, health: Health, *, watched: bool) -> None:
        if self._context is None or self._around is None:
            return
        around = self._around()
        roots = book_orgs(around)
        if not roots:
            return  # nobody could be told
        context = self._context(around)
        missing = health.overdue_timers or health.escalator_silent
        episode = positions.read(uow.connection, EPISODE) or ""
        if not missing and episode:
            positions.write(uow, EPISODE, "")
        elif missing and watched and not episode:
            episode = rfc3339(uow.now)
            positions.write(uow, EPISODE, episode)
        if missing and watched:
            for fault in _overdue(uow, health, roots[0], episode):
                tell_once(uow, context, fault)
        for fault in empty_rosters(uow.connection, around.directory, uow.now):
            tell_once(uow, context, fault)


def _overdue(uow: UnitOfWork, health: Health, org: str, episode: str) -> list[HouseFault]:
    """One order for each kind of standstill, however many timers it holds up."""
    found = []
    if health.overdue_timers:
        late = timers.overdue(uow.connection, health.at, by=GRACE, limit=_SHOWN)
        names = ", ".join(one.key for one in late)
        more = health.overdue_timers - len(late)
        found.append(
            HouseFault(
                code="TIMER_OVERDUE",
                key=f"timers/{episode}",
                org=org,
                text=f"{names} (+{more})" if more > 0 else names,
                body={
                    "timers": [{"key": one.key, "due_at": rfc3339(one.due_at)} for one in late],
                    "count": health.overdue_timers,
                },
            )
        )
    if health.escalator_silent:
        found.append(HouseFault("ESCALATOR_SILENT", f"escalator/{episode}", org, ""))
    return found
