"""A process that leads when it may and fires timers, in one thread, on a clock that the test moves.

``python -m tests.contract.leader_child DATA DATABASE CLOCK``: the file `CLOCK` holds the time. It
writes a line after each look, ``leads`` or ``waits``. The environment can have it stop or die:

* ``STOP_AFTER_READING``: it sends itself SIGSTOP, once, when it has read which timers are due and
  has not fired one yet.
* ``DIE_AFTER_COMMIT``: it sends itself SIGKILL after the first commit that changed a timer or an
  order.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import main
from agents.scheduler import Job, Scheduler
from service import composition
from store import Store, timers
from tests.contract.agents_child import policy, settings_of

NO_MAIL = 9


def time_in(file: Path) -> datetime:
    """The time that the test says it is."""
    return datetime.fromisoformat(file.read_text("ascii"))


class Dying:
    """Ends this process with the commit of what was fired."""

    def __init__(self) -> None:
        self._fired = False

    def __call__(self, place: str) -> None:
        words = place.split()[1:3]
        if words in (["UPDATE", "store_timer"], ["UPDATE", "workorders_order"]):
            self._fired = True
        if place == "committed" and self._fired:
            os.kill(os.getpid(), signal.SIGKILL)


def stop_after_reading() -> None:
    """The first timers that are found due are held for as long as the test likes."""
    read = timers.due

    def stopping(*given: Any) -> list[timers.Timer]:
        found = read(*given)
        if found:
            timers.due = read
            os.kill(os.getpid(), signal.SIGSTOP)
        return found

    timers.due = stopping


if __name__ == "__main__":
    _, data, database, clock = sys.argv
    if "DIE_AFTER_COMMIT" in os.environ:
        composition.Store = partial(Store, failpoint=Dying())  # type: ignore[assignment, misc]
    if "STOP_AFTER_READING" in os.environ:
        stop_after_reading()
    app = main.compose(
        settings_of(data, database, NO_MAIL),
        clock=partial(time_in, Path(clock)),
        policy=policy(),
        use_child=False,
    )
    job = Job("escalator", app.escalator.fire_once, timedelta(0))
    scheduler = Scheduler(app.store, [job], holder=f"leader:{os.getpid()}")
    while True:
        print("leads" if scheduler.run_once() else "waits", flush=True)  # noqa: T201 - the test reads it
        sleep(0.02)
