"""Write the first migration anew from the tables that the rooms declare (until the first release).

Run it after changing a ``tables.py``::

    .venv/bin/python -m scripts.make_migration

After the first release, revisions are added and never rewritten; this script then goes.
"""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine
from sqlalchemy.types import TypeDecorator

from store.schema import metadata
from trail.tables import insert_only_ddl

ROOMS = (
    "store",
    "trail",
    "directory",
    "book",
    "auditlog",
    "approvals",
    "rules",
    "detectors",
    "workorders",
    "agents",
    "integrations",
    "service",
)
REVISION = "0001"
PATH = Path(__file__).parents[1] / "store" / "migrations" / "versions" / "0001_initial.py"

_HEADER = '''"""All tables. Written by scripts/make_migration.py; not to be edited by hand."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = {{
    "sqlite": {sqlite},
    "postgresql": {postgresql},
}}


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Make every table, its indexes, and the trail's insert-only triggers."""
'''
_FOOTER = """
    for statement in INSERT_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
"""


def load_tables() -> MetaData:
    """Import the tables of every room that has some; the one metadata then knows them all."""
    for room in ROOMS:
        if importlib.util.find_spec(f"{room}.tables") is not None:
            importlib.import_module(f"{room}.tables")
    return metadata


def plain_type(kind: str, item: Any, context: AutogenContext) -> str | bool:
    """A column type of our own is written as the SQLAlchemy type that it is stored as."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    stored = item.impl_instance
    arguments = f"length={stored.length}" if getattr(stored, "length", None) else ""
    del context
    return f"sa.{type(stored).__name__}({arguments})"


def revision_text(tables: MetaData) -> str:
    """The revision's source, before formatting."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        options = {"render_item": plain_type, "target_metadata": tables, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        script = produce_migrations(context, tables)
        assert script.upgrade_ops is not None  # noqa: S101 - one database, hence one list
        body = render_python_code(
            script.upgrade_ops, render_item=plain_type, migration_context=context
        )
    statements = {
        name: list(dict.fromkeys(statement for _, statement in insert_only_ddl(name)))
        for name in ("sqlite", "postgresql")
    }
    header = _HEADER.format(revision=REVISION, **statements)
    lines = [line for line in body.splitlines() if not line.strip().startswith("# ###")]
    return header + indent(dedent("\n".join(lines)), "    ") + _FOOTER


def main() -> int:
    """Write the file and format it."""
    tables = load_tables()
    PATH.write_text(revision_text(tables), encoding="utf-8")
    subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-m", "ruff", "format", "-q", str(PATH)], check=True
    )
    print(f"{PATH.name}: {len(tables.tables)} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
