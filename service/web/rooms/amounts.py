"""Amounts as people type them into a form."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

_PLAIN: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")


def amount_of(text: str) -> Decimal | None:
    """An amount with a decimal point, commas only between thousands; none for an empty field.

    ``1,5`` can be meant in two ways and ``1e6`` is no way to write money: both are refused, because
    what comes of them bounds what somebody may sign.

    Raises:
        InvalidOperation: for what is no amount.
    """
    typed = text.strip().replace("，", ",")
    if not typed:
        return None
    if not _PLAIN.fullmatch(typed) or not typed.isascii():
        raise InvalidOperation(text)
    return Decimal(typed.replace(",", ""))
