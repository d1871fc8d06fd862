"""Facts as documents and back: decimals and times as text, so that nothing is rounded.

The document of a fact is what the database keeps and what a snapshot hashes.
"""

import dataclasses
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from store.clock import parse_rfc3339, rfc3339
from store.types import decimal_text

FactT = TypeVar("FactT")


def to_document(fact: Any) -> dict[str, Any]:
    """All fields of a fact, ready for canonical JSON."""
    return {f.name: _written(getattr(fact, f.name)) for f in dataclasses.fields(fact)}


def from_document(kind: type[FactT], document: dict[str, Any]) -> FactT:
    """The fact of type `kind`; fields that the document lacks keep their default.

    Raises:
        ValueError: when a value has not the field's form.
        TypeError: when a field without default is missing.
    """
    read = {
        name: _read(hint, document[name])
        for name, hint in _hints(typing.cast("type", kind))
        if name in document
    }
    return kind(**read)


@cache
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((f.name, hints[f.name]) for f in dataclasses.fields(kind))


def _written(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return value


def _read(hint: Any, value: Any) -> Any:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        if value is None:
            return None
        hint = next(h for h in typing.get_args(hint) if h is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return tuple(_read(item, each) for each in value)
    return _read_plain(hint, value)


def _read_plain(hint: Any, value: Any) -> Any:
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return parse_rfc3339(value)
    if hint is date:
        return date.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value
