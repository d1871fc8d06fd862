"""Values as plain JSON: what goes into the trail, the outbox and the tables."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from store.clock import rfc3339
from store.types import decimal_text

#: Most of what a match or an order holds; these very types, since an enum's member is a `str` too.
_AS_IS = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:  # noqa: PLR0911 - one return a type
    """`value` with decimals as plain text, times as RFC 3339, tuples and sets as lists.

    A float becomes the decimal text of its shortest form: it is shown, never compared.

    Raises:
        TypeError: for a value that has no plain form.
    """
    if type(value) in _AS_IS or isinstance(value, int):
        return value
    if isinstance(value, str):
        return str(value)  # an enum's member becomes its word
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, float):
        return decimal_text(Decimal(repr(value)))
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {
            str(key): item if type(item) in _AS_IS else plain(item) for key, item in value.items()
        }
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"no plain form for {type(value).__name__}")
