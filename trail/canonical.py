"""Canonical JSON (RFC 8785) for what the trail keeps, at the speed of orjson.

orjson with sorted keys writes the same bytes as RFC 8785 as long as there is no float, no integer
beyond 2^53 and no key outside ASCII; so those are refused instead of being written in a form that
two programs could write differently. Decimals and times become strings.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson

from store.clock import rfc3339
from store.types import decimal_text
from trail.errors import TrailError

MAX_INTEGER = 2**53 - 1
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME
_PLAIN = frozenset({str, int, bool, type(None), datetime, date, Decimal})


def canonical(value: Any) -> bytes:
    """The one byte form of `value`: dicts, lists, strings, integers, booleans, None.

    Decimals are written as plain strings, times in RFC 3339 with ``Z``, enumerations by value.

    Raises:
        TrailError: for a float, an integer beyond 2^53 - 1, a key that is no ASCII string, a time
            without an offset, or a type that JSON has no form for.
    """
    if not _is_plain(value):
        _check(value, "")
    try:
        return orjson.dumps(value, default=_written, option=_OPTIONS)
    except (orjson.JSONEncodeError, ValueError) as fault:
        raise TrailError(f"cannot be written as canonical JSON: {fault}") from fault


def is_canonical(data: bytes) -> bool:
    """True when `data` is JSON in exactly the form that `canonical` writes."""
    try:
        return canonical(orjson.loads(data)) == data
    except (TrailError, orjson.JSONDecodeError):
        return False


def _is_plain(value: Any) -> bool:
    """The quick answer for almost every value; integers' size is then checked by orjson."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) not in _PLAIN and not _is_plain(item):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) in _PLAIN or _is_plain(item) for item in value)
    return kind in _PLAIN


def _check(value: Any, path: str) -> None:
    """Name the place that has no canonical form; quiet when there is none."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise TrailError(f"{path or 'the body'}: the key {key!r} is no ASCII string")
            _check(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            _check(item, f"{path}[{place}]")
    elif isinstance(value, Enum):
        _check(value.value, path)
    else:
        _check_single(value, path or "the body")


def _check_single(value: Any, path: str) -> None:
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise TrailError(f"{path}: an integer beyond 2^53 - 1; use a string")
    elif isinstance(value, float):
        raise TrailError(f"{path}: a binary float; use Decimal")
    elif not isinstance(value, str | Decimal | date | None):
        raise TrailError(f"{path}: {type(value).__name__} has no JSON form")


def _written(value: Any) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
