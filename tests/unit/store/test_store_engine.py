import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from store import Store, UnitClosed, open_engine, positions, system_clock
from store.engine import BEGIN_OPTION


def test_a_sqlite_file_is_safe_against_power_loss_and_keeps_references(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/new/folder/a.db")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE b (a INTEGER REFERENCES a(id))"))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO b VALUES (1)"))


def test_a_writer_holds_the_lock_from_its_start(tmp_path: Path) -> None:
    # Read first, then write, in two stores of one file: with a lock taken late, one would fail.
    url = f"sqlite:///{tmp_path}/a.db"
    stores = [Store(open_engine(url), clock=system_clock) for _ in range(2)]
    SQLModel.metadata.create_all(stores[0].engine)

    def count(store: Store) -> None:
        for _ in range(50):
            with store.unit_of_work("system:x") as uow:
                before = int(positions.read(uow.connection, "n") or 0)
                positions.write(uow, "n", str(before + 1))

    threads = [threading.Thread(target=count, args=(store,)) for store in stores * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].reader() as connection:
        assert positions.read(connection, "n") == "200"


def test_a_unit_of_work_is_of_no_use_after_its_end(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/a.db"), clock=system_clock)
    with store.unit_of_work("system:x") as uow:
        pass
    with pytest.raises(UnitClosed):
        uow.execute("SELECT 1")
    with pytest.raises(UnitClosed):
        _ = uow.session


def test_the_time_of_a_unit_is_that_of_its_start(tmp_path: Path) -> None:
    ticks = iter([datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)])
    store = Store(open_engine(f"sqlite:///{tmp_path}/a.db"), clock=lambda: next(ticks))
    with store.unit_of_work("system:x") as uow:
        assert uow.now == uow.now == datetime(2026, 7, 1, tzinfo=UTC)


def test_a_failing_call_after_the_commit_keeps_no_other_from_it(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/a.db"), clock=system_clock)
    SQLModel.metadata.create_all(store.engine)
    called = []

    def fail() -> None:
        raise LookupError

    def act() -> None:
        with store.unit_of_work("system:x") as uow:
            positions.write(uow, "p", "1")
            uow.after_commit(fail)
            uow.after_commit(lambda: called.append(1))

    with pytest.raises(LookupError):
        act()
    with store.reader() as connection:
        assert positions.read(connection, "p") == "1"
    assert called == [1]
    with store.unit_of_work("system:x") as uow:  # and the store goes on
        positions.write(uow, "p", "2")


def test_a_unit_closed_in_another_thread_does_not_block_its_first(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/a.db"), clock=system_clock)
    unit = store.unit_of_work("system:x")
    unit.__enter__()
    closer = threading.Thread(target=unit.__exit__, args=(None, None, None))
    closer.start()
    closer.join()
    with store.unit_of_work("system:x"):
        pass


def test_a_read_that_somebody_still_holds_does_not_lock_the_next_unit_of_work_out(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'held.db'}")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
        connection.exec_driver_sql(numbers + "INSERT INTO t SELECT i FROM n")
    with engine.connect() as connection:
        held = connection.exec_driver_sql("SELECT a FROM t")
        assert held.fetchone() == (1,)
    with closing(sqlite3.connect(tmp_path / "held.db")) as other:
        other.execute("INSERT INTO t VALUES (10)")
        other.commit()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT max(a) FROM t").scalar() == 10
    with engine.connect().execution_options(**{BEGIN_OPTION: "BEGIN IMMEDIATE"}) as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (11)")
        connection.commit()
    assert held is not None
    engine.dispose()
