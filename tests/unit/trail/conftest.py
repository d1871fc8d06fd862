import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import trail
from store import Store, open_engine
from trail.notes import Signer

START = datetime(2026, 7, 1, 9, tzinfo=UTC)


class House:
    """A store with a trail, and ways to tamper with it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = START
        self.signer = Signer("test.example/trail", bytes(32))
        self.keeper = trail.TrailKeeper(self.signer, checkpoint_every=10)
        self.store = Store(engine, clock=self._tick, before_commit=[self.keeper])

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def append(self, count: int, **changes: Any) -> None:
        """Append records, one per commit."""
        values: dict[str, Any] = {
            "kind": "decision",
            "action": "order.acknowledge",
            "object_type": "work_order",
            "org": "集团/铜业",
            "outcome": "acknowledged",
            "reason": "BY_PERSON",
        }
        for number in range(count):
            with self.store.unit_of_work("li.wei") as uow:
                body = {"note": f"第{number}条", "qty": "12.5"}
                trail.record(
                    uow, **{"object_id": f"WO-{number}", "body": body, **values, **changes}
                )

    def seal(self) -> None:
        with self.store.unit_of_work("system:sealer") as uow:
            self.keeper.seal(uow)

    def verify(self, anchors: Path | None = None) -> trail.VerifyReport:
        with self.store.reader() as connection:
            return trail.verify(connection, verifiers=self.keeper.verifiers, anchors_dir=anchors)

    def tamper(self, *statements: str, **params: Any) -> None:
        """Change the database as someone with full rights would: triggers first."""
        with self.engine.begin() as connection:
            query = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in list(connection.scalars(query)):
                connection.execute(text(f"DROP TRIGGER {name}"))
            for statement in statements:
                connection.execute(text(statement), params)

    def copy_to(self, path: Path) -> "House":
        """The same database elsewhere, to be tampered with."""
        source = self.engine.raw_connection()
        with closing(sqlite3.connect(path)) as target:
            source.driver_connection.backup(target)
        source.close()
        return House(open_engine(f"sqlite:///{path}"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    engine = open_engine(f"sqlite:///{tmp_path}/trail.db")
    SQLModel.metadata.create_all(engine)
    yield House(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], House]]:
    """37 records under three checkpoints; each call gives a copy of its own."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('sound')}/trail.db")
    SQLModel.metadata.create_all(engine)
    original = House(engine)
    original.append(37)
    assert original.verify().ok
    yield lambda folder: original.copy_to(folder / "copy.db")
    engine.dispose()


@pytest.fixture(scope="session")
def house_at() -> Callable[[Path], House]:
    """A house over a database file, made when it is not there."""

    def opened(path: Path) -> House:
        engine = open_engine(f"sqlite:///{path}")
        SQLModel.metadata.create_all(engine)
        return House(engine)

    return opened
