"""A database without room, from the unit of work up to the command: one code, and nothing lost.

SQLite's own limit on its pages makes the writes fail as a full disk does (SQLITE_FULL).
"""

import errno
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

import trail
from auditlog.errors import DiskFullError
from main import compose
from service.api.faults import fault_of
from service.cli.desk import Desk
from service.cli.faults import tell
from store import DiskFull, Store, migrate, open_engine
from store.failures import failure_of

NOW = datetime(2024, 5, 14, 12, tzinfo=UTC)


class Room:
    """How many pages the database may have; asked of each connection as it is taken."""

    def __init__(self, engine: Engine) -> None:
        self.pages = 2**31 - 2
        event.listen(engine, "checkout", self._limit)

    def _limit(self, connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={self.pages}").fetchall()

    def end(self) -> None:
        self.pages = 1  # SQLite takes what there is


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path / 'hedgewarden.db'}")
    migrate.upgrade(engine)
    keeper = trail.TrailKeeper(trail.open_keys(tmp_path / "keys").trail)
    yield Store(engine, clock=lambda: NOW, before_commit=[keeper])
    engine.dispose()


def write(store: Store, number: int) -> None:
    with store.unit_of_work("u_chen") as uow:
        trail.record(
            uow,
            kind="decision",
            action="order.note",
            object_type="order",
            object_id=str(number),
            body={"note": "x" * 20_000},
        )


def test_a_trail_without_room_keeps_what_it_has_and_goes_on(store: Store, tmp_path: Path):
    room = Room(store.engine)
    verifiers = trail.TrailKeeper(trail.open_keys(tmp_path / "keys").trail).verifiers
    for number in range(5):
        write(store, number)
    room.end()
    kept = 5
    with pytest.raises(DiskFull):  # noqa: PT012 - how many still fit is SQLite's affair
        for number in range(5, 50):
            write(store, number)
            kept += 1
    with store.reader() as connection:
        report = trail.verify(connection, verifiers=verifiers)
    assert (report.ok, report.size) == (True, kept)
    room.pages = 2**31 - 2
    write(store, kept)
    with store.reader() as connection:
        report = trail.verify(connection, verifiers=verifiers)
    assert (report.ok, report.size) == (True, kept + 1)


def test_a_database_in_use_is_no_finding_about_the_trail(store: Store, tmp_path: Path):
    verifiers = trail.TrailKeeper(trail.open_keys(tmp_path / "keys").trail).verifiers
    write(store, 1)
    store.engine.dispose()
    with sqlite3.connect(tmp_path / "hedgewarden.db", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        database = f"sqlite:///{tmp_path / 'hedgewarden.db'}"
        engine = create_engine(database, connect_args={"timeout": 0})
        with engine.connect() as connection, pytest.raises(trail.VerificationFailed) as caught:
            trail.verify(connection, verifiers=verifiers)
        assert caught.value.code == "DATABASE_BUSY"
        engine.dispose()
    other.close()
    with store.reader() as connection:
        assert trail.verify(connection, verifiers=verifiers).ok


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_way_says_it_in_the_readers_words_with_a_remedy(language: str):
    desk = Desk(compose, language=language)
    remedy = {"en": "Make room", "zh": "腾出空间"}[language]
    for error in (DiskFull(), DiskFullError("x"), OSError(errno.ENOSPC, "No space", "a.csv")):
        told = tell(desk, error)
        assert (told.code, told.exit_code) == ("DISK_FULL", 2)
        assert remedy in told.lines[0]
    for code in ("DISK_FULL", "DATABASE_BUSY", "DATABASE_OUT_OF_REACH"):
        told = tell(desk, trail.VerificationFailed(code))
        assert (told.code, told.exit_code) == (code, 2)
        assert code not in told.lines[0]


def test_a_request_hears_that_there_is_no_room_and_when_to_come_again():
    for error in (DiskFull(), DiskFullError("x")):
        fault = fault_of(error)
        assert (fault.status, fault.code) == (507, "DISK_FULL")
        assert fault.headers["Retry-After"]


def test_other_failures_keep_their_own_names():
    assert failure_of(ValueError("disk full")) == ""
    assert failure_of(sqlite3.OperationalError("no code")) == ""
