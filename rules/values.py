"""The value types of facts, and their canonical form: whole numbers, strings and booleans only.

A decimal, a quantity or an amount of money is an int64 with a declared scale (``1.25`` at scale 4
is 12500), a timestamp and a duration are microseconds, a missing value is ``None``. Nothing is a
binary float, so that every engine computes the same verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rules.allowances import allowance
from store.clock import rfc3339
from store.phrases import Phrase
from store.types import decimal_text, from_microseconds, to_microseconds

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
MAX_SCALE = 9
#: The unit of a quantity that is counted in its product's own unit (t, lots, bbl, ...).
PRODUCT_UNIT = "*"
_MICROSECOND = timedelta(microseconds=1)
_MONEY_PLACES = 2
_FAR = 400

#: A canonical value. Lists are tuples of scalars.
Encoded = int | str | bool | tuple["Encoded", ...] | None


class Base(StrEnum):
    """The basic kinds of value."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    QUANTITY = "quantity"
    ENUM = "enum"
    STRING = "string"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"


#: Bases that carry a declared scale.
SCALED = frozenset({Base.DECIMAL, Base.MONEY, Base.QUANTITY})
#: Bases whose values are ordered numbers.
NUMERIC = SCALED | {Base.INTEGER}
#: Bases held as a string.
TEXTUAL = frozenset({Base.STRING, Base.ENUM})
#: The scale of a field that declares none.
DEFAULT_SCALE = {Base.DECIMAL: 4, Base.MONEY: 4, Base.QUANTITY: 6}


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a field or of an expression.

    Attributes:
        base: the basic kind.
        scale: digits behind the point (decimal, money, quantity); 0 for the others.
        unit: the unit of a quantity (``t``, ``lots``, or ``*`` for the product's own), the
            currency of money (``CNY``); empty for the others.
        values: the allowed words of an enum.
        item: the element type of a list.
    """

    base: Base
    scale: int = 0
    unit: str = ""
    values: tuple[str, ...] = ()
    item: "ValueType | None" = None

    def describe(self) -> Phrase:
        """The type in one short phrase, as error messages name it."""
        if self.base is Base.LIST and self.item is not None:
            return allowance("LIST", item=self.item.describe())
        plain = allowance(f"TYPE_{self.base.value}")
        if self.unit and self.unit != PRODUCT_UNIT:
            return allowance("TYPE_IN", type=plain, unit=self.unit)
        return plain


BOOLEAN = ValueType(Base.BOOLEAN)
INTEGER = ValueType(Base.INTEGER)
STRING = ValueType(Base.STRING)
DURATION = ValueType(Base.DURATION)
TIMESTAMP = ValueType(Base.TIMESTAMP)


class ValueFault(ValueError):  # noqa: N818 - a fault in data, turned into a Problem by its caller
    """A value that does not fit its type.

    Attributes:
        code: the problem's code.
        allowed: what the type allows.
    """

    def __init__(self, code: str, allowed: str) -> None:
        super().__init__(code)
        self.code = code
        self.allowed = allowed


def in_int64(value: int) -> bool:
    """Whether `value` fits 64 bits with sign."""
    return INT64_MIN <= value <= INT64_MAX


def _bounded(value: int, value_type: ValueType) -> int:
    if not in_int64(value):
        raise ValueFault("VALUE_OVERFLOW", value_type.describe())
    return value


def scaled(value: Decimal | int, scale: int) -> int:
    """`value` · 10^`scale` as an exact whole number.

    Raises:
        ValueFault: for NaN, infinities and digits beyond the scale.
    """
    if isinstance(value, int):
        return value * int(10**scale)
    if not value.is_finite():
        raise ValueFault("VALUE_TYPE", allowance("FINITE"))
    sign, digits, exponent = value.as_tuple()
    shift = int(exponent) + scale
    # Far outside int64 (and keeps 1E+999999 from taking memory).
    if abs(shift) > _FAR or len(digits) > _FAR:
        if not any(digits):
            return 0
        raise ValueFault(
            "VALUE_OVERFLOW" if shift > 0 else "SCALE_EXCEEDED",
            allowance("SCALE", scale=str(scale)),
        )
    number: int = int("".join(map(str, digits)))
    if shift >= 0:
        number *= 10**shift
    else:
        number, rest = divmod(number, 10**-shift)
        if rest:
            raise ValueFault("SCALE_EXCEEDED", allowance("SCALE", scale=str(scale)))
    return -number if sign else number


def _encode_number(value: object, value_type: ValueType) -> int:
    if value_type.base is Base.MONEY and isinstance(value, tuple) and len(value) == 2:  # noqa: PLR2004 - (amount, currency)
        value, currency = value
        if currency != value_type.unit:
            raise ValueFault("CURRENCY_MISMATCH", value_type.unit)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueFault("VALUE_TYPE", value_type.describe())
    return _bounded(scaled(value, value_type.scale), value_type)


def _encode_text(value: object, value_type: ValueType) -> str:
    if not isinstance(value, str):
        raise ValueFault("VALUE_TYPE", value_type.describe())
    text = str(value)
    if value_type.base is Base.ENUM and text not in value_type.values:
        raise ValueFault("UNKNOWN_ENUM_VALUE", ", ".join(value_type.values))
    return text


def encode_value(  # noqa: PLR0911 - one way out a base
    value: object, value_type: ValueType
) -> Encoded:
    """The canonical form of one value.

    Args:
        value: a Python value; `None` stays `None` (missing).
        value_type: the declared type. An int is a whole decimal; no other type is converted.

    Raises:
        ValueFault: when the value is of another type, too large, too fine, or a binary float.
    """
    if value is None:
        return None
    base = value_type.base
    if base in NUMERIC:
        if base is Base.INTEGER and not isinstance(value, int):
            raise ValueFault("VALUE_TYPE", value_type.describe())
        return _encode_number(value, value_type)
    if base in TEXTUAL:
        return _encode_text(value, value_type)
    if base is Base.BOOLEAN and isinstance(value, bool):
        return value
    if base is Base.TIMESTAMP and isinstance(value, datetime) and value.tzinfo is not None:
        return _bounded(to_microseconds(value), value_type)
    if base is Base.DURATION and isinstance(value, timedelta):
        return _bounded(value // _MICROSECOND, value_type)
    if base is Base.LIST and value_type.item is not None and isinstance(value, list | tuple):
        return tuple(encode_value(item, value_type.item) for item in value)
    raise ValueFault("VALUE_TYPE", value_type.describe())


def to_decimal(value: int, scale: int) -> Decimal:
    """The exact decimal of `value` · 10^-`scale`."""
    sign, number = (1, -value) if value < 0 else (0, value)
    return Decimal((sign, tuple(map(int, str(number))), -scale))


def decode_value(value: Encoded, value_type: ValueType) -> Any:
    """The Python value of a canonical one: Decimal, int, str, bool, datetime, timedelta, list."""
    if value is None:
        return None
    if isinstance(value, tuple):
        item = value_type.item or STRING
        return [decode_value(element, item) for element in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if value_type.base in SCALED:
            return to_decimal(value, value_type.scale)
        if value_type.base is Base.TIMESTAMP:
            return from_microseconds(value)
        if value_type.base is Base.DURATION:
            return timedelta(microseconds=value)
    return value


def _money_text(value: Decimal) -> str:
    text = decimal_text(value)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(_MONEY_PLACES, '0')}"


def _time_text(value: int) -> str:
    """RFC 3339; a computed time that no calendar holds is shown as seconds since 1970."""
    try:
        return rfc3339(from_microseconds(value))
    except OverflowError:
        return decimal_text(to_decimal(value, 6))


def _seconds(value: int) -> int | float:
    """Microseconds as the number of seconds that JSON carries: whole, or with three digits."""
    whole, rest = divmod(value, 1_000_000)
    return round(value / 1_000_000, 3) if rest else whole


def json_value(value: Encoded, value_type: ValueType) -> Any:  # noqa: PLR0911 - one a base
    """A canonical value as it stands in evidence and in the trail.

    Decimals and quantities are plain strings (``"10.17"``), money keeps at least two places
    (``"1286400.00"``), times are RFC 3339, durations are numbers of seconds.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, tuple):
        item = value_type.item or STRING
        return [json_value(element, item) for element in value]
    if value_type.base is Base.MONEY:
        return _money_text(to_decimal(value, value_type.scale))
    if value_type.base in SCALED:
        return decimal_text(to_decimal(value, value_type.scale))
    if value_type.base is Base.TIMESTAMP:
        return _time_text(value)
    if value_type.base is Base.DURATION:
        return _seconds(value)
    return value


def words(values: Sequence[str], limit: int = 12) -> str:
    """A list of allowed words, shortened when it is long."""
    shown = ", ".join(values[:limit])
    return shown if len(values) <= limit else f"{shown}, …"
