"""A migration that is killed, or run by several processes at once, on both databases."""

import time
from pathlib import Path
from random import Random

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, text

from scripts.make_migration import load_tables
from store import is_sqlite, migrate, open_engine
from tests.flow import crash_child
from tests.flow.killing import PROCESSES, Killed, run_and_kill

TRIES = 30
MANY = 3


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def is_whole_or_absent(engine: Engine) -> str | None:
    """The revision after a kill; the database holds exactly its tables."""
    found = migrate.revision(engine)
    assert found in {None, migrate.head()}
    if found is None:
        names = "sqlite_master" if is_sqlite(engine) else "pg_tables WHERE schemaname = 'public'"
        with engine.connect() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {names}")) == 0
    return found


def is_finished(engine: Engine) -> None:
    """The next start does what is left."""
    migrate.upgrade(engine)
    assert migrate.revision(engine) == migrate.head()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, load_tables()) == []
        if is_sqlite(engine):
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def killed(engine: Engine, folder: Path, seed: int, aim: int | str) -> Killed:
    url = url_of(engine)
    engine.dispose()
    found = run_and_kill("migrate", folder, seed, aim=aim, url=url)
    is_whole_or_absent(engine)
    return found


@pytest.fixture(name="statements", scope="module")
def _statements(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many statements a migration of an empty SQLite database has."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('counted')}/a.db")
    seen: list[str] = []

    def count(*arguments: str) -> None:
        seen.append(arguments[2])

    event.listen(engine, "before_cursor_execute", count)
    migrate.upgrade(engine)
    engine.dispose()
    return len(seen)


@pytest.mark.parametrize("seed", range(8))
def test_killed_between_two_statements(
    empty_database: Engine, tmp_path: Path, statements: int, seed: int
) -> None:
    aim = Random(seed).randint(1, statements)
    assert killed(empty_database, tmp_path, seed, aim).inside
    assert migrate.revision(empty_database) is None
    is_finished(empty_database)


@pytest.mark.parametrize(("place", "whole"), [("commit", False), ("committed", True)])
def test_killed_at_the_two_ends_of_the_commit(
    empty_database: Engine, tmp_path: Path, place: str, *, whole: bool
) -> None:
    assert killed(empty_database, tmp_path, 0, place).place == place
    assert (migrate.revision(empty_database) is not None) == whole
    is_finished(empty_database)


@pytest.mark.parametrize("seed", range(4))
def test_killed_by_the_clock(empty_database: Engine, tmp_path: Path, seed: int) -> None:
    chance, longest = Random(seed), 1.0
    url = url_of(empty_database)
    for _ in range(TRIES):
        after = chance.uniform(0.0, longest)
        found = run_and_kill("migrate", tmp_path, seed, after=after, url=url)
        if found.said:  # a quick machine had finished
            with empty_database.begin() as connection:
                drop_everything(connection)
        empty_database.dispose()
        if found.inside:
            break
        # sooner for one that had finished, later for one that had not begun
        longest *= 0.7 if found.said else 1.3
    else:
        raise AssertionError("it was never killed while it worked")
    is_finished(empty_database)


def drop_everything(connection: Connection) -> None:
    if is_sqlite(connection):
        tables = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for name in list(tables):
            if not name.startswith("sqlite_"):
                connection.execute(text(f'DROP TABLE "{name}"'))
        return
    connection.execute(text("DROP SCHEMA public CASCADE"))
    connection.execute(text("CREATE SCHEMA public"))


def waiting(connection: Connection) -> int:
    """How many others wait for a lock; on SQLite nobody can tell."""
    if is_sqlite(connection):
        return MANY
    return int(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0)


def test_several_processes_start_at_once(empty_database: Engine, tmp_path: Path) -> None:
    """While one migrates the others come; they wait, and find nothing left to do."""
    url, children = url_of(empty_database), []

    def others_come(connection: Connection) -> None:
        for number in range(MANY):
            folder = tmp_path / str(number)
            folder.mkdir()
            ours, theirs = PROCESSES.Pipe(duplex=False)
            given = ("migrate", folder, url, 0, 0, theirs)
            child = PROCESSES.Process(target=crash_child.run, args=given)
            child.start()
            theirs.close()
            assert ours.recv() == ("ready", 0)
            children.append((child, ours))
        deadline = time.monotonic() + 60
        while waiting(connection) < MANY:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    event.listen(empty_database, "commit", others_come)
    migrate.upgrade(empty_database)
    event.remove(empty_database, "commit", others_come)
    for child, ours in children:
        child.join(60)
        assert child.exitcode == 0
        ours.close()
    is_finished(empty_database)
