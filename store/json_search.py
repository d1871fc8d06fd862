"""Finding a text inside documents that are stored as canonical bytes."""

from typing import Any

import orjson
from sqlalchemy import Integer, LargeBinary, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement


class _Place(FunctionElement[int]):
    """Where bytes begin within bytes, counted from 1; 0 where they do not stand."""

    name = "place"
    type = Integer()
    inherit_cache = True


@compiles(_Place)
def _position(place: _Place, compiler: SQLCompiler, **how: Any) -> str:
    column, wanted = place.clauses
    return f"position({compiler.process(wanted, **how)} IN {compiler.process(column, **how)})"


@compiles(_Place, "sqlite")
def _instr(place: _Place, compiler: SQLCompiler, **how: Any) -> str:
    column, wanted = place.clauses
    return f"instr({compiler.process(column, **how)}, {compiler.process(wanted, **how)})"


def needle(text: str) -> bytes:
    """The text as it stands inside a JSON string."""
    return orjson.dumps(text)[1:-1]


def stands_in(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """The condition that `text` stands in the document, letter for letter."""
    return _bytes_stand_in(column, needle(text))


def is_one_of(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """The condition that the document, a list of texts without quotes, holds `text`."""
    return _bytes_stand_in(column, orjson.dumps(text))


def _bytes_stand_in(column: ColumnElement[Any], wanted: bytes) -> ColumnElement[bool]:
    return _Place(column, literal(wanted, LargeBinary)) > 0
