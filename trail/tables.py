"""The trail's tables, and the triggers that make them insert-only.

A record's row carries the hashes of the subtrees that it completes (`nodes`): leaf i completes the
nodes (level l, number i >> l) for each trailing 1 bit of i, so each node is stored exactly once, in
the row of its last leaf, and no second table has to be written.
"""

from datetime import datetime

from sqlalchemy import DDL, BigInteger, Index, LargeBinary, Table, Text, event
from sqlmodel import Field, SQLModel

from store import schema
from store.types import UtcDateTime


class RecordRow(SQLModel, table=True):
    """One record; the columns repeat the body so that it can be searched."""

    __tablename__ = "trail_record"
    __table_args__ = (
        Index("ix_trail_record_object", "object_type", "object_id", "seq"),
        Index("ix_trail_record_kind", "kind", "seq"),
        Index("ix_trail_record_actor", "actor", "seq"),
    )
    seq: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
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
    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    frontier: bytes = Field(sa_type=LargeBinary)
    checkpoint_size: int = Field(sa_type=BigInteger)
    checkpoint_at: datetime = Field(sa_type=UtcDateTime, nullable=False)


class CheckpointRow(SQLModel, table=True):
    """A signed statement of the tree's size and root."""

    __tablename__ = "trail_checkpoint"
    size: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
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


def insert_only_ddl(dialect: str) -> list[str]:
    """The statements that forbid changing and deleting what the trail keeps.

    The head may only grow, and a personal value may only be emptied. A migration runs the same
    statements.
    """
    rules = [
        ("trail_record", "UPDATE", ""),
        ("trail_record", "DELETE", ""),
        ("trail_checkpoint", "UPDATE", ""),
        ("trail_checkpoint", "DELETE", ""),
        ("trail_blob", "UPDATE", ""),
        ("trail_blob", "DELETE", ""),
        (
            "trail_head",
            "UPDATE",
            "NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size",
        ),
        ("trail_head", "DELETE", ""),
        (
            "trail_pii",
            "UPDATE",
            "NEW.value IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.commitment <> OLD.commitment"
            " OR NEW.field <> OLD.field OR NEW.subject <> OLD.subject",
        ),
        ("trail_pii", "DELETE", ""),
    ]
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
            + (f" WHEN {condition}" if condition else "")
            + f" BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            for table, verb, condition in rules
        ]
    refuse = (
        "CREATE OR REPLACE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the trail is insert-only'; END $$"
    )
    statements = [refuse]
    for table, verb, condition in rules:
        statements.append(
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} FOR EACH ROW"
            + (f" WHEN ({condition})" if condition else "")
            + " EXECUTE FUNCTION trail_refuse()"
        )
    statements += [
        f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()"
        for table in dict.fromkeys(rule[0] for rule in rules)
    ]
    return statements


def _attach() -> None:
    """Have `create_all` make the triggers too; they belong to the last table that it creates."""
    for dialect in ("sqlite", "postgresql"):
        for statement in insert_only_ddl(dialect):
            names = [name for name in _BY_NAME if f" ON {name} " in statement + " "]
            table = _BY_NAME[names[0]] if names else RECORD
            # DDL() formats with %; none of ours is meant
            trigger = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)
            event.listen(table, "after_create", trigger)


_BY_NAME = {table.name: table for table in (RECORD, HEAD, CHECKPOINT, BLOB, PERSONAL)}
_attach()
