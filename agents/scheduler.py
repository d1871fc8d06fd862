"""When the agents run: the only place with loops and jobs.

Several processes may start it; the holder of the lease `agents` works, the others wait and take
over when the lease runs out, or at once when its holder is known to have died. It looks every so
often, and at once when it is woken: by a commit or an event of this process. What another process
did is met at the next look.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from apscheduler.schedulers.background import BackgroundScheduler

from store import Store, leases, outbox

LEASE = "agents"
LEASE_S = 30.0
_RENEW_AFTER = timedelta(seconds=LEASE_S / 3)
ACTOR = "system:scheduler"
#: A job that takes longer is told of, once in so many seconds.
SLOW_S = 10.0
TOLD_EVERY_S = 60.0

#: What a job returns that left work behind: another look follows at once.
MORE = object()

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One agent's work.

    Attributes:
        name: for the log.
        run: does one round at the given time; returns `MORE` when it wants another at once.
        every: least time between two rounds.
    """

    name: str
    run: Callable[[datetime], object]
    every: timedelta


class Scheduler:
    """Runs the jobs in turn while this process leads.

    Args:
        store: holds the lease and the clock.
        jobs: in the order in which they run when several are due.
        holder: names this process in the lease.
        period_s: how often it looks, in seconds.
        gone: whether a holder of the lease is known to have died; else its lease must run out.
        ticks: seconds that only grow, to measure how long a job takes.
    """

    def __init__(
        self,
        store: Store,
        jobs: Sequence[Job],
        *,
        holder: str,
        period_s: float = 0.5,
        gone: Callable[[str], bool] = lambda _holder: False,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._jobs = tuple(jobs)
        self._holder = holder
        self._period_s = period_s
        self._gone = gone
        self._last: dict[str, datetime] = {}
        self._held: datetime | None = None
        self._turn = threading.Lock()
        self._woken = threading.Event()
        self._waking: threading.Thread | None = None
        self._scheduler: BackgroundScheduler | None = None
        self._ticks = ticks
        self._running: tuple[str, float] | None = None
        self._told: dict[str, float] = {}

    @property
    def leads(self) -> bool:
        """Whether this process held the lease at its last look."""
        return self._held is not None

    def wake(self) -> None:
        """Look at once, or once more when a look is under way; from any thread."""
        self._woken.set()

    def start(self) -> None:
        """Begin to look every `period_s` and whenever woken, in threads of its own."""
        # Its own words on a round that is not over yet would come every period, without a name.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_listener(lambda _event: self._still_running(), EVENT_JOB_MAX_INSTANCES)
        scheduler.add_job(
            self._look, "interval", seconds=self._period_s, max_instances=1, coalesce=True
        )
        scheduler.start()
        self._scheduler = scheduler
        self._waking = threading.Thread(target=self._look_when_woken, name="agents", daemon=True)
        self._waking.start()

    def stop(self) -> None:
        """Finish the round that runs, and give the lease back."""
        stop_together((self,))

    def _halt(self) -> None:
        """Finish the round that runs, and begin no other."""
        if self._scheduler is not None:
            scheduler, self._scheduler = self._scheduler, None
            scheduler.shutdown(wait=True)
        if self._waking is not None:
            self._woken.set()
            self._waking.join()
            self._waking = None

    def _give_back(self) -> None:
        if self._held is not None:
            with self._store.unit_of_work(ACTOR) as uow:
                leases.release(uow, LEASE, self._holder)
            self._held = None

    def _look(self) -> None:
        """A look at its time; while a woken one is under way it only tells of a slow job."""
        if not self._turn.acquire(blocking=False):
            self._still_running()
            return
        try:
            self.run_once()
        finally:
            self._turn.release()

    def _look_when_woken(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            if self._scheduler is None:
                return
            with self._turn:
                try:
                    self.run_once()
                except Exception:  # noqa: BLE001 - the next look tries again
                    _log.exception("a look of the agents failed")

    def run_once(self) -> bool:
        """One look: keep or take the lease, then run what is due; whether this process leads.

        A job that fails is logged and tried again at its next turn; the others run. The lease is
        prolonged between jobs; who has lost it during a long one stops there.
        """
        now = self._store.clock()
        if not self._leading():
            return False
        for job in self._jobs:
            last = self._last.get(job.name)
            if last is not None and now - last < job.every:
                continue
            if not self._leading():
                return False
            self._last[job.name] = now
            self._run(job)
        return True

    def _run(self, job: Job) -> None:
        began = self._ticks()
        self._running = (job.name, began)
        try:
            if job.run(self._store.clock()) is MORE:
                self._woken.set()
        except Exception:  # noqa: BLE001 - one agent must not stop the others
            _log.exception("an agent's round failed", job=job.name)
        self._running = None
        self._tell_slow(job.name, began)

    def _still_running(self) -> None:
        """The next look is due while a job runs: told when it runs for long."""
        running = self._running
        if running is not None:
            self._tell_slow(*running)

    def _tell_slow(self, name: str, began: float) -> None:
        """One warning a minute for a job that takes long, with the time it has taken."""
        now = self._ticks()
        told = self._told.get(name)
        if now - began < SLOW_S or (told is not None and now - told < TOLD_EVERY_S):
            return
        self._told[name] = now
        _log.warning("a job takes long", job=name, seconds=round(now - began, 3))

    def _leading(self) -> bool:
        """Whether this process leads; the lease is prolonged when a third of it has passed."""
        held = self._held
        if held is not None and timedelta(0) <= self._store.clock() - held <= _RENEW_AFTER:
            return True
        with self._store.unit_of_work(ACTOR) as uow:
            taken = bool(leases.acquire(uow, LEASE, self._holder, LEASE_S, gone=self._gone))
            if taken and held is None:
                outbox.take_back(uow, self._gone)
        self._held = uow.now if taken else None  # not before the commit
        return taken


def stop_together(schedulers: Sequence[Scheduler]) -> None:
    """Stop those that share one holder: the lease goes back when the last round has ended.

    Were it given back by the first that stops, another process could lead beside the others.
    """
    for one in schedulers:
        one._halt()  # noqa: SLF001 - of this module
    for one in schedulers:
        one._give_back()  # noqa: SLF001 - of this module
