"""The trail's tables, and the triggers that make them insert-only.

A record's row carries the hashes of the subtrees that it completes (`nodes`): leaf i completes the
nodes (level l, number i >> l) for each trailing 1 bit of i, so each node is stored exactly once, in
the row of its last leaf, and no second table has to be written.
"""

from datetime import datetime

from sqlalchemy import DDL, BigInteger, Index, LargeBinary, Table, Text, event
from sqlmodel import Field, SQLModel

from store import schema
from store.tables import ROW_ID
from store.types import UtcDateTime


class RecordRow(SQLModel, table=True):
    """One record; the columns repeat the body so that it can be searched."""

    __tablename__ = "trail_record"
    __table_args__ = (
        Index("ix_trail_record_object", "object_type", "object_id", "seq"),
        Index("ix_trail_record_kind", "kind", "seq"),
        Index("ix_trail_record_actor", "actor", "seq"),
    )
    seq: int = Field(primary_key=True, sa_type=ROW_ID, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    actor: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    object_type: str = Field(sa_type=Text)
    object_id: str = Field(sa_type=Text)
    org: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    uid: str = Field(sa_type=Text, unique=True)
    leaf_hash: bytes = Field(sa_type=LargeBinary)
    nodes: bytes = Field(sa_type=LargeBinary)
    body: bytes = Field(sa_type=LargeBinary)


class HeadRow(SQLModel, table=True):
    """The one row that is updated: how large the tree is, its right edge, the last checkpoint."""

    __tablename__ = "trail_head"
    id: int = Field(primary_key=True, sa_type=ROW_ID, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    frontier: bytes = Field(sa_type=LargeBinary)
    checkpoint_size: int = Field(sa_type=BigInteger)
    checkpoint_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class CheckpointRow(SQLModel, table=True):
    """A signed statement of the tree's size and root."""

    __tablename__ = "trail_checkpoint"
    size: int = Field(primary_key=True, sa_type=ROW_ID, sa_column_kwargs={"autoincrement": False})
    root: bytes = Field(sa_type=LargeBinary)
    note: str = Field(sa_type=Text)


class BlobRow(SQLModel, table=True):
    """A part too large for a record, named by its SHA-256."""

    __tablename__ = "trail_blob"
    hash: str = Field(primary_key=True, sa_type=Text)
    content: bytes = Field(sa_type=LargeBinary)


class PersonalRow(SQLModel, table=True):
    """A personal value and the salt of its commitment; both are emptied on erasure."""

    __tablename__ = "trail_pii"
    commitment: str = Field(primary_key=True, sa_type=Text)
    field: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text, index=True)
    salt: bytes | None = Field(sa_type=LargeBinary, nullable=True)
    value: str | None = Field(sa_type=Text, nullable=True)
    committed_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    erased_at: datetime | None = Field(sa_type=UtcDateTime, nullable=True)


RECORD: Table = schema.table("trail_record")
HEAD: Table = schema.table("trail_head")
CHECKPOINT: Table = schema.table("trail_checkpoint")
BLOB: Table = schema.table("trail_blob")
PERSONAL: Table = schema.table("trail_pii")


_SHRINKS = "NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size"
_RESTORES = (
    "NEW.value IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.commitment <> OLD.commitment"
    " OR NEW.field <> OLD.field OR NEW.subject <> OLD.subject"
)
_FORBIDDEN_UPDATES = {
    "trail_record": "",
    "trail_checkpoint": "",
    "trail_blob": "",
    "trail_head": _SHRINKS,  # it may only grow
    "trail_pii": _RESTORES,  # it may only be emptied
}
_REFUSE = (
    "CREATE OR REPLACE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the trail is insert-only'; END $$"
)


def insert_only_ddl(dialect: str) -> list[tuple[str, str]]:
    """(table, statement) that forbid changing and deleting what the trail keeps.

    `create_all` runs each after its table; the migration runs them all at its end.
    """
    statements = []
    for table, condition in _FORBIDDEN_UPDATES.items():
        if dialect == "postgresql":
            statements.append((table, _REFUSE))
        for verb, when in (("UPDATE", condition), ("DELETE", "")):
            head = f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
            if dialect == "postgresql":
                when = f" WHEN ({when})" if when else ""  # noqa: PLW2901
                tail = f" FOR EACH ROW{when} EXECUTE FUNCTION trail_refuse()"
            else:
                when = f" WHEN {when}" if when else ""  # noqa: PLW2901
                tail = f"{when} BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            statements.append((table, head + tail))
        if dialect == "postgresql":
            head = f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
            tail = " FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()"
            statements.append((table, head + tail))
    return statements


for _dialect in ("sqlite", "postgresql"):
    for _table, _statement in insert_only_ddl(_dialect):
        _trigger = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(schema.table(_table), "after_create", _trigger.execute_if(dialect=_dialect))
