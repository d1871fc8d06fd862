"""Constants of the expression language in canonical form."""

import re
from decimal import Decimal

from lark import Token

from rules.allowances import allowance
from rules.faults import Fault
from rules.tree import Literal, Span
from rules.values import (
    BOOLEAN,
    DURATION,
    INTEGER,
    MAX_SCALE,
    STRING,
    Base,
    ValueType,
    in_int64,
    scaled,
)

_DURATION_US = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_QUANTITY = re.compile(r"([0-9.]+)[ \t]*([a-z]\w*)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def read_duration(text: str) -> int | None:
    """Microseconds of ``60s``, ``15m``, ``2h``, ``1d``, ``500ms``; None when it is none."""
    digits = text.rstrip("mshd")
    unit = text[len(digits) :]
    if unit not in _DURATION_US or not digits.isascii() or not digits.isdigit():
        return None
    value = int(digits) * _DURATION_US[unit] if len(digits) < 19 else 2**63  # noqa: PLR2004 - int64 has 19 digits
    return value if in_int64(value) else None


def _unescape(text: str) -> str | None:
    """The text between the quotes; None for an escape that the language does not know."""
    parts: list[str] = []
    characters = iter(text[1:-1])
    for character in characters:
        if character != "\\":
            parts.append(character)
            continue
        escaped = _ESCAPES.get(next(characters, ""))
        if escaped is None:
            return None
        parts.append(escaped)
    return "".join(parts)


def _amount(text: str, span: Span, base: Base, unit: str) -> Literal | Fault:
    value = Decimal(text)
    scale = max(0, -int(value.as_tuple().exponent))
    if scale > MAX_SCALE:
        return Fault("SCALE_EXCEEDED", span, allowed=allowance("DIGITS", most=str(MAX_SCALE)))
    number = scaled(value, scale)
    if not in_int64(number):
        return Fault("VALUE_OVERFLOW", span, allowed=allowance("SIXTY_FOUR_BITS"))
    return Literal(number, ValueType(base, scale, unit), span)


def read_literal(token: Token) -> Literal | Fault:  # noqa: PLR0911 - one way out a token
    """The canonical constant that a token writes, or what is wrong with it."""
    span = Span(token.start_pos or 0, token.end_pos or 0)
    text = str(token)
    match token.type:
        case "TRUE" | "FALSE":
            return Literal(token.type == "TRUE", BOOLEAN, span)
        case "NULL":
            return Fault("NULL_LITERAL", span, allowed="has(field)")
        case "STRING":
            value = _unescape(text)
            return Fault("BAD_ESCAPE", span) if value is None else Literal(value, STRING, span)
        case "DURATION":
            microseconds = read_duration(text)
            if microseconds is None:
                return Fault("VALUE_OVERFLOW", span, allowed=allowance("SIXTY_FOUR_BITS"))
            return Literal(microseconds, DURATION, span)
        case "INTEGER":
            number = int(text) if len(text) <= 20 else 2**64  # noqa: PLR2004 - longer than any int64
            # 2^63 is let through for its negative, which is the smallest int64.
            if number > 2**63:
                return Fault("VALUE_OVERFLOW", span, allowed=allowance("SIXTY_FOUR_BITS"))
            return Literal(number, INTEGER, span)
        case "DECIMAL":
            return _amount(text, span, Base.DECIMAL, "")
        case "MONEY":
            return _amount(text[:-3].strip(), span, Base.MONEY, text[-3:])
        case _:
            match = _QUANTITY.fullmatch(text)
            amount, unit = match.groups() if match else ("0", "")
            return _amount(amount, span, Base.QUANTITY, "lots" if unit == "lot" else unit)
