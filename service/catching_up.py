"""Judging what waits in the log when no service runs that would do it."""

import os
import socket

from agents.scheduler import LEASE
from service.application import Application
from store import leases

ACTOR = "system:watcher"
_LEASE_S = 60.0


def catch_up(app: Application) -> tuple[str, ...] | None:
    """Run the watcher until nothing new is left, as the one holder of the agents' lease.

    Returns:
        The work orders concerned, each once; None when a running service does this already.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:command"
    if not _hold(app, holder):
        return None
    orders: dict[str, None] = {}
    try:
        while True:
            looked = app.watcher.run_once(app.clock())
            orders |= dict.fromkeys(one.order_id for one in looked.results if one.order_id)
            if not looked.events or not _hold(app, holder):
                return tuple(orders)
    finally:
        with app.store.unit_of_work(ACTOR) as uow:
            leases.release(uow, LEASE, holder)


def _hold(app: Application, holder: str) -> bool:
    with app.store.unit_of_work(ACTOR) as uow:
        return bool(leases.acquire(uow, LEASE, holder, _LEASE_S))
