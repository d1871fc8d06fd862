"""A process that serves the product and dies where it is told: for decisions that must be durable.

Arguments: the data folder, the place at which it kills itself (``commit`` or ``committed``, in the
unit of the person in the third argument), and ``eager`` for the mutant, which answers first and
commits when a file says that the answer has arrived.
"""

import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse, Response
from flow_house import PATIENCE_S, house, over_http
from structlog.testing import capture_logs

from service import composition
from service.api import writing
from store import Store

ANSWERED = "answered"


class Dying:
    """A failpoint that kills the process at its place, once it is armed."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.armed = False

    def __call__(self, place: str) -> None:
        if self.armed and place == self.place:
            os.kill(os.getpid(), signal.SIGKILL)


def eager(folder: Path) -> None:
    """Answer before the commit: what the product must not do."""
    real = writing._once

    def once(call: Any, act: Any) -> Response:
        def later() -> None:
            ends = time.monotonic() + PATIENCE_S
            while not (folder / ANSWERED).exists() and time.monotonic() < ends:
                time.sleep(0.01)
            real(call, act)

        threading.Thread(target=later, daemon=True).start()
        return JSONResponse({})

    writing._once = once


def run(folder: Path, place: str, manner: str) -> None:
    """Serve one red order; say its address, the order and a token, then die in the act."""
    dying = Dying(place)
    composition.Store = partial(Store, failpoint=dying)  # type: ignore[assignment, misc]
    with capture_logs(), house(folder / "data") as town:
        order = town.breach()
        token = town.token("chen")
        if manner == "eager":
            eager(folder)
        with over_http(town.web) as address:
            dying.armed = True
            sys.stdout.write(f"{address} {order.id} {token}\n")
            sys.stdout.flush()
            sys.stdin.read()  # until whoever asked has gone


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
