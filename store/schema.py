"""The metadata that every room's tables share, and what may change without a record."""

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlmodel import SQLModel

metadata = SQLModel.metadata
# Constraints need names before SQLite's batch mode, or any migration, can drop them.
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_NAME = r'((?:["`\[]?\w+["`\]]?\.)?["`\[]?\w+["`\]]?)'
_TARGET = re.compile(
    rf"\b(?:(?:INSERT|REPLACE)\s+(?:OR\s+\w+\s+)?INTO"
    rf"|MERGE\s+INTO|DELETE\s+FROM(?:\s+ONLY)?|TRUNCATE(?:\s+TABLE)?|COPY"
    rf"|UPDATE(?:\s+OR\s+\w+)?(?:\s+ONLY)?)\s+{_NAME}",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\A(?:\s+|--[^\n]*\n?|/\*.*?\*/)+", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_VERB = re.compile(r"\A\(*\s*(\w+)")
_CHANGES = {"INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "WITH"}
_DEFINES = {"CREATE", "ALTER", "DROP", "REINDEX", "GRANT", "REVOKE", "COMMENT"}


def table(name: str) -> Table:
    """The declared table of that name, for Core statements."""
    return metadata.tables[name]


def is_plumbing(name: str) -> bool:
    """True for a declared table whose changes need no record (``info={"plumbing": True}``)."""
    declared = metadata.tables.get(name)
    return declared is not None and bool(declared.info.get("plumbing"))


@lru_cache(maxsize=1024)
def written_tables(statement: str) -> tuple[str, ...]:
    """The tables that a statement's text writes to; ``(schema)`` when it changes the schema.

    Literals are blanked first, so that a quoted ``'update x'`` names nothing. Changes made by the
    database's own triggers are not seen.
    """
    text = _COMMENT.sub("", statement)
    found = _VERB.match(text)
    verb = found.group(1).upper() if found else ""
    if verb in _DEFINES:
        return ("(schema)",)
    if verb not in _CHANGES:
        return ()
    text = _LITERAL.sub("''", text)
    # Only a WITH may hide a second target; others name theirs first, and may be very long.
    targets = _TARGET.findall(text) if verb == "WITH" else _TARGET.findall(text[:300])[:1]
    return tuple(dict.fromkeys(_bare(target) for target in targets))


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"`[]')


def dml_table(context: Any) -> str | None:
    """The table that a compiled INSERT, UPDATE or DELETE writes to; None for anything else."""
    compiled = getattr(context, "compiled", None)
    if compiled is None or not (context.isinsert or context.isupdate or context.isdelete):
        return None
    state = compiled.compile_state
    written = None if state is None else getattr(state, "dml_table", None)
    return None if written is None else str(written.name)
