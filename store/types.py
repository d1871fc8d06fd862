"""Column types that keep the same value on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WIDE = range(0xFF01, 0xFF5F)
_PLAIN = {code: code - 0xFEE0 for code in _WIDE} | {0x3000: " ", ord("\N{MINUS SIGN}"): "-"}


def to_microseconds(at: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC, exact."""
    if at.tzinfo is None:
        raise ValueError("a time without an offset cannot be stored")
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The aware UTC time of `value` microseconds since 1970-01-01."""
    return _EPOCH + timedelta(microseconds=value)


def number_text(value: str) -> str:
    """The text of a number in plain letters: full-width digits and the minus sign made plain.

    The one rule for numbers that people and other systems write, in files and in events. Only
    width is made plain: under all of NFKC ``10²`` would be 102.
    """
    text = value.strip()
    return text if text.isascii() else text.translate(_PLAIN).strip()


def decimal_text(value: Decimal) -> str:
    """Plain notation without exponent and without trailing zeros; ``-0`` is written ``0``.

    Raises:
        ValueError: for NaN and the infinities, which are no amounts.
    """
    if not value.is_finite():
        raise ValueError("a decimal must be finite")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time as microseconds since 1970-01-01 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database."""
        del dialect
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        return None if value is None else from_microseconds(int(value))


class DecimalText(TypeDecorator[Decimal]):
    """An exact decimal as canonical text; sums are made in Python, never in SQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """From the database."""
        del dialect
        return None if value is None else Decimal(value)


class CanonicalJson(TypeDecorator[Any]):
    """A JSON document, stored as bytes with sorted keys."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """To the database."""
        del dialect
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """From the database."""
        del dialect
        return None if value is None else orjson.loads(bytes(value))
