"""When the agents run: the only place with loops and jobs.

Several processes may start it; the holder of the lease `agents` works, the others wait and take
over when the lease runs out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from store import Store, leases

LEASE = "agents"
LEASE_S = 30.0
_RENEW_AFTER = timedelta(seconds=LEASE_S / 3)
ACTOR = "system:scheduler"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One agent's work.

    Attributes:
        name: for the log.
        run: does one round at the given time.
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
    """

    def __init__(
        self, store: Store, jobs: Sequence[Job], *, holder: str, period_s: float = 0.5
    ) -> None:
        self._store = store
        self._jobs = tuple(jobs)
        self._holder = holder
        self._period_s = period_s
        self._last: dict[str, datetime] = {}
        self._leads = False
        self._scheduler: BackgroundScheduler | None = None

    @property
    def leads(self) -> bool:
        """Whether this process held the lease at its last look."""
        return self._leads

    def start(self) -> None:
        """Begin to look every `period_s`, in a thread of its own."""
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_job(
            self.run_once, "interval", seconds=self._period_s, max_instances=1, coalesce=True
        )
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        """Finish the round that runs, and give the lease back."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
        if self._leads:
            with self._store.unit_of_work(ACTOR) as uow:
                leases.release(uow, LEASE, self._holder)
            self._leads = False

    def run_once(self) -> bool:
        """One look: keep or take the lease, then run what is due; whether this process leads.

        A job that fails is logged and tried again at its next turn; the others run. The lease is
        prolonged between jobs; who has lost it during a long one stops there.
        """
        now = held = self._lead()
        for job in self._jobs:
            if now is None or held is None:
                return False
            last = self._last.get(job.name)
            if last is not None and now - last < job.every:
                continue
            if self._store.clock() - held > _RENEW_AFTER:
                held = self._lead()
                if held is None:
                    return False
            self._last[job.name] = now
            try:
                job.run(self._store.clock())
            except Exception:  # noqa: BLE001 - one agent must not stop the others
                _log.exception("an agent's round failed", job=job.name)
        return held is not None

    def _lead(self) -> datetime | None:
        """The time at which the lease was taken or prolonged; None while another holds it."""
        with self._store.unit_of_work(ACTOR) as uow:
            self._leads = leases.acquire(uow, LEASE, self._holder, LEASE_S) is not None
            return uow.now if self._leads else None
