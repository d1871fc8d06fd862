"""Bringing a database to the newest schema."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from store.engine import BEGIN_OPTION, is_sqlite

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK: Final = int.from_bytes(b"hedgewrd")  # PostgreSQL names its advisory locks by number


def upgrade(engine: Engine) -> None:
    """Run every revision that the database has not seen, all in one transaction.

    Several processes may do so at once, as they do at a first start: one works, the others wait
    and find nothing left to do. A process that dies meanwhile leaves the database as it was.
    """
    config = _config()
    with (
        engine.execution_options(**{BEGIN_OPTION: "BEGIN IMMEDIATE"}).connect() as connection,
        connection.begin(),
    ):
        _alone(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _alone(connection: Connection) -> None:
    """Keep other migrations out until the end of the transaction; on SQLite its BEGIN does."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def revision(engine: Engine) -> str | None:
    """The revision that the database stands at; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision that this version of the program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
