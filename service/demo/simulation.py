"""The simulated clock and what runs on it: events in order of arrival, timers, day-ends, acts.

The clock stands at arrival times. Between two events it stops wherever something is due: a timer of
the ladder, a message to be tried again, an absence to be decided, a day-end, a scripted act.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from auditlog.events import Event
from service.application import Application

#: When a day-end is looked for: half past three in Shanghai.
DAY_END = time(7, 31, tzinfo=UTC)
AFTER_LAST = timedelta(minutes=15)
_ROUNDS = 1_000


class SimulatedClock:
    """A clock that is set; never backwards."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self._now

    def set(self, at: datetime) -> None:
        """Move forward to `at`; an earlier time is ignored."""
        self._now = max(self._now, at)

    def advance(self, seconds: float) -> None:
        """Move forward by some seconds."""
        self._now += timedelta(seconds=seconds)


Act = Callable[[datetime], object]


@dataclass(order=True)
class _Scheduled:
    at: datetime
    number: int
    act: Act = field(compare=False)


class Simulation:
    """One run.

    Args:
        app: composed on `clock`.
        clock: the simulated clock.
        events: what arrives, in any order.
        after_round: called whenever the agents have caught up; the scripted officers look at
            their messages then.
        progress: told after each step that brought events: how many of how many there were, and
            the clock.
    """

    def __init__(
        self,
        app: Application,
        clock: SimulatedClock,
        events: Iterable[Event],
        after_round: Callable[[datetime], None] | None = None,
        progress: Callable[[int, int, datetime], None] | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._events = sorted(events, key=lambda one: (one.arrival_time, one.seq))
        self._next = 0
        self._acts: list[_Scheduled] = []
        self._count = 0
        self._after_round = after_round
        self._progress = progress
        self._day_end = _next_day_end(clock())
        self._new = False

    def at(self, when: datetime, act: Act) -> None:
        """Have `act` run when the clock reaches `when`."""
        self._count += 1
        heapq.heappush(self._acts, _Scheduled(when, self._count, act))

    def run(self, until: datetime | None = None) -> None:
        """Run to `until`; default: a quarter of an hour after the last event."""
        end = until or (self._events[-1].arrival_time + AFTER_LAST)
        while (moment := self._upcoming()) is not None and moment <= end:
            self._clock.set(moment)
            self._step(self._clock())
        self._clock.set(end)
        self._step(end)

    def _upcoming(self) -> datetime | None:
        app = self._app
        moments = [app.escalator.next_due(), app.watcher.next_due(), self._day_end]
        if self._next < len(self._events):
            moments.append(self._events[self._next].arrival_time)
        if self._acts:
            moments.append(self._acts[0].at)
        if self._next >= len(self._events):
            moments = [one for one in moments if one is not None]
        return min((one for one in moments if one is not None), default=None)

    def _step(self, now: datetime) -> None:
        arrived = self._arrived(now)
        if arrived:
            self._app.log.append(arrived)
            self._new = True
        while self._acts and self._acts[0].at <= now:
            heapq.heappop(self._acts).act(now)
            self._new = True
        self.settle(now)
        if now >= self._day_end:
            self._app.settler.run_once(now)
            self._day_end = _next_day_end(now)
        if arrived and self._progress is not None:
            self._progress(self._next, len(self._events), now)

    def settle(self, now: datetime) -> None:
        """Let the agents work until nothing is left to do at `now`."""
        watcher, escalator = self._app.watcher, self._app.escalator
        for _ in range(_ROUNDS):
            waits = watcher.next_due()
            if self._new or (waits is not None and waits <= now):
                self._new = watcher.run_once(now).events > 0
            due = escalator.next_due()
            if due is None or due > now:
                return
            escalator.run_once(now)
            if self._after_round is not None:
                self._after_round(now)

    def settle_now(self) -> None:
        """One look at the clock's own time: for a demo that people click in."""
        self._new = True
        self._step(self._clock())

    def _arrived(self, now: datetime) -> Sequence[Event]:
        first = self._next
        while self._next < len(self._events) and self._events[self._next].arrival_time <= now:
            self._next += 1
        return self._events[first : self._next]


def _next_day_end(after: datetime) -> datetime:
    day: date = after.astimezone(UTC).date()
    found = datetime.combine(day, DAY_END)
    return found if found > after else found + timedelta(days=1)
