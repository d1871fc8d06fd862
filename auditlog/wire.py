"""Values of the port as JSON and back, for the socket between client and owner.

A time is RFC 3339, a decimal is text; nothing is guessed from a value's look, every type has its
own pair of functions.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from store.types import decimal_text


def plain(value: Any) -> Any:
    """A database value as JSON: times ISO 8601, decimals and big numbers as text."""
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: Any) -> int | str:
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    return str(value)
