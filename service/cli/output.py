"""JSON and tables on standard output."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from store.clock import rfc3339
from store.types import decimal_text

_PIPE_WIDTH = 180
# a member of an enumeration may be a text too, and a time is a date: the narrower comes first
_WRITTEN: Sequence[tuple[type, Callable[[Any], Any]]] = (
    (Enum, lambda value: value.value),
    (Decimal, decimal_text),
    (float, lambda value: round(value, 3)),
    (datetime, rfc3339),
    (timedelta, lambda value: round(value.total_seconds(), 3)),
    (date, lambda value: value.isoformat()),
)


def plain(value: Any) -> Any:
    """A value for JSON: decimals and times as text, seconds with three digits."""
    for kind, written in _WRITTEN:
        if isinstance(value, kind):
            return written(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return _gathered(value)


def _gathered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else repr(value)


def dump_json(document: Any) -> str:
    """The document as indented JSON with a newline."""
    return orjson.dumps(plain(document), option=orjson.OPT_INDENT_2).decode() + "\n"


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; into a pipe it is wide, so that nothing is cut."""
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_escaped(cell) for cell in row))
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def _escaped(cell: str) -> str:
    # text of outside systems must not be read as markup
    return cell.replace("[", r"\[")
