import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from scripts.make_migration import load_tables
from store import migrate
from trail.tables import insert_only_ddl


def test_the_migrations_lead_to_exactly_the_tables_that_the_rooms_declare(
    empty_database: Engine,
) -> None:
    tables = load_tables()
    migrate.upgrade(empty_database)
    with empty_database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables)
    assert differences == [], "run: python -m scripts.make_migration"


def test_upgrading_twice_changes_nothing(empty_database: Engine) -> None:
    assert migrate.revision(empty_database) is None
    migrate.upgrade(empty_database)
    migrate.upgrade(empty_database)
    assert migrate.revision(empty_database) == migrate.head()


def test_a_migrated_trail_refuses_to_be_changed(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(
            text("INSERT INTO trail_blob (hash, content) VALUES ('h', :content)"),
            {"content": b"kept"},
        )
    for statement in ("UPDATE trail_blob SET hash = 'x'", "DELETE FROM trail_blob"):
        with pytest.raises(DatabaseError, match="insert-only"), database.begin() as connection:
            connection.execute(text(statement))


def test_the_migrated_triggers_are_those_that_create_all_makes(database: Engine) -> None:
    dialect = database.dialect.name
    wanted = {
        statement.split()[2]
        for _, statement in insert_only_ddl(dialect)
        if statement.startswith("CREATE TRIGGER")
    }
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if dialect == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with database.connect() as connection:
        assert set(connection.scalars(text(query))) == wanted


def test_no_revision_imports_a_room() -> None:
    for path in (migrate.MIGRATIONS / "versions").glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("import ", "from "))]
        assert imports == ["import sqlalchemy as sa", "from alembic import op"]


def test_a_failing_migration_leaves_the_database_as_it_was(empty_database: Engine) -> None:
    with empty_database.begin() as connection:
        connection.execute(text("CREATE TABLE trail_record (seq INTEGER)"))
    with pytest.raises(DatabaseError):
        migrate.upgrade(empty_database)
    assert set(inspect(empty_database).get_table_names()) == {"trail_record"}
