"""`serve --role agents` on a clock that runs faster, to be killed: leases run out in seconds.

``python -m tests.contract.agents_child DATA DATABASE SMTP_PORT START MONOTONIC``: at `MONOTONIC`
seconds of this machine the clock stood at `START`.
"""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

import main
from service.serving import serve
from service.settings import Settings
from workorders import Level, LevelPolicy, Policy

RATE = 20


def fast(start: datetime, since: float) -> Callable[[], datetime]:
    """A clock that stood at `start` when this machine's stood at `since`."""
    return lambda: start + timedelta(seconds=(monotonic() - since) * RATE)


def policy() -> Policy:
    """One rung of the ladder falls into the test, the next beyond it."""
    red = LevelPolicy(step_minutes=6_000, channels=("email",))
    return Policy(levels={**Policy().levels, Level.RED: red})


def settings_of(data: str, database: str, port: int) -> Settings:
    """Of one folder and database, with mail to this machine."""
    return Settings(
        data=Path(data),
        database=database,
        smtp_host="127.0.0.1",
        smtp_port=port,
        public_url="http://127.0.0.1",
    )


if __name__ == "__main__":
    _, data, database, port, start, since = sys.argv
    compose = partial(
        main.compose,
        clock=fast(datetime.fromisoformat(start), float(since)),
        policy=policy(),
        use_child=False,
    )
    serve(compose, settings_of(data, database, int(port)), role="agents")
