"""The two databases that every contract runs on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from store import migrate, open_engine
from tests import postgres

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL that lives as long as the tests."""
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.cluster() as url:
        yield url


@contextmanager
def _postgres_database(server_url: str, template: str = "template0") -> Iterator[Engine]:
    name = f"test_{next(_numbers)}"
    server = open_engine(server_url)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    server.dispose()
    engine = open_engine(server_url.replace("/postgres?", f"/{name}?"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database, to be copied."""
    with _postgres_database(postgres_url) as engine:
        migrate.upgrade(engine)
        name = str(engine.url.database)
        engine.dispose()
        yield name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "hedgewarden.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=BOTH)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a table."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path}/data/hedgewarden.db")
        yield engine
        engine.dispose()
        return
    with _postgres_database(request.getfixturevalue("postgres_url")) as engine:
        yield engine


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with every table, made by the migrations."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "hedgewarden.db")
        engine = open_engine(f"sqlite:///{path}")
        yield engine
        engine.dispose()
        return
    template = request.getfixturevalue("migrated_postgres")
    with _postgres_database(request.getfixturevalue("postgres_url"), template) as engine:
        yield engine
