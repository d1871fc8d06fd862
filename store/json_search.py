"""Finding a text inside documents that are stored as canonical bytes."""

from typing import Any

import orjson
from sqlalchemy import Connection, LargeBinary, func, literal
from sqlalchemy.sql.elements import ColumnElement

from store.engine import is_sqlite


def needle(text: str) -> bytes:
    """The text as it stands inside a JSON string."""
    return orjson.dumps(text)[1:-1]


def stands_in(connection: Connection, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """The condition that `text` stands in the document, letter for letter."""
    wanted = literal(needle(text), LargeBinary)
    # byte for byte: both functions find bytes within bytes
    if is_sqlite(connection):
        return func.instr(column, wanted) > 0
    return func.position(wanted.op("IN")(column)) > 0
