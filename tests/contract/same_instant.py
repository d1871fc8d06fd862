"""Two at the same instant, each on a connection of their own: one waits for the other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text

import trail
from store import Store, UnitOfWork

ON_POSTGRES = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
AT = datetime(2024, 5, 14, 8, tzinfo=UTC)
PATIENCE_S = 30.0
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)

T = TypeVar("T")
Doing = tuple[str, Callable[[UnitOfWork], T]]


class Desk:
    """A store whose first unit stops right before its commit until the second has come up to it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        keeper = trail.TrailKeeper(trail.open_keys(folder / "keys").trail)
        ticks = count()  # no two units have the same time: what they make has numbers of its own

        def clock() -> datetime:
            return AT + timedelta(microseconds=next(ticks))

        self.store = Store(engine, clock=clock, before_commit=[keeper])
        self._held, self._go_on = threading.Event(), threading.Event()
        self.holding = Store(engine, clock=clock, before_commit=[keeper], failpoint=self._reached)

    def _reached(self, point: str) -> None:
        if point == "commit":
            self._held.set()
            assert self._go_on.wait(PATIENCE_S)

    def do(self, doing: Doing[T], store: Store | None = None) -> T:
        who, call = doing
        with (store or self.store).unit_of_work(who) as uow:
            return call(uow)

    def together(self, first: Doing[T], second: Doing[T]) -> tuple[T, T]:
        """The second begins while the first has done everything but its commit."""
        with ThreadPoolExecutor(2) as pool:
            try:
                one = pool.submit(self.do, first, self.holding)
                assert self._held.wait(PATIENCE_S)
                other = pool.submit(self.do, second)
                until = monotonic() + PATIENCE_S
                while not other.done() and not self._blocked():
                    assert monotonic() < until
                    sleep(0.01)
            finally:
                self._go_on.set()
            return one.result(PATIENCE_S), other.result(PATIENCE_S)

    def _blocked(self) -> bool:
        with self.engine.connect() as connection:
            return bool(connection.execute(_WAITING).scalar())
