"""Futures and option contract codes, read with the trading day.

``cu2406`` and ``m2405-C-3000`` carry two digits of the year. Zhengzhou writes one (``SR401``,
``SR401C5800``) and so do CME codes (``CLM4``; ``CLM24`` carries two): the year meant is the one
whose delivery month lies nearest to the trading day, so a code rolls over with the decade.
A delivery month is written YYMM, as in ``2406``.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from book.products import SpecBook
from store.problems import Problem, shorten

MONTH_LETTERS: Final = "FGHJKMNQUVXZ"
MONTHS: Final = 12
DECADE: Final = 10
CENTURY: Final = 100
_DIGITS = re.compile(
    r"(?P<product>[A-Za-z]{1,3}?)(?P<digits>\d{3,4})(?:-?(?P<right>[CPcp])-?(?P<strike>\d+(?:\.\d+)?))?"
)
_LETTER = re.compile(
    r"(?P<product>[A-Z]{1,3})(?P<letter>[FGHJKMNQUVXZ])(?P<year>\d{4}|\d{1,2})"
    r"(?:\s*(?P<right>[CP])\s*(?P<strike>\d+(?:\.\d+)?))?"
)
_THREE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Contract:
    """A futures contract, or an option on one when `right` is ``C`` or ``P``."""

    product: str
    year: int
    month: int
    code: str
    right: str = ""
    strike: Decimal | None = None

    @property
    def delivery_month(self) -> str:
        """The delivery month as YYMM."""
        return f"{self.year % CENTURY:02d}{self.month:02d}"


def nearest_year(last_digits: int, modulus: int, month: int, trading_day: date) -> int:
    """The year ending in `last_digits` whose `month` is nearest to the trading day's.

    Of two equally near years the later is meant: contracts are listed ahead.
    """
    start = trading_day.year - trading_day.year % modulus + last_digits
    today = trading_day.year * MONTHS + trading_day.month
    return min(
        (start - modulus, start, start + modulus),
        key=lambda year: (abs(year * MONTHS + month - today), -year),
    )


def parse_contract(
    code: str, trading_day: date, specs: SpecBook | None = None
) -> Contract | Problem:
    """The contract that `code` names on `trading_day`.

    With `specs` the product must be known; another case (``CU2406``) is read as the product meant.
    """
    text = code.strip()
    readings = [
        contract
        for read in (_read_digits, _read_letters)
        if (contract := read(text, trading_day, specs)) is not None
    ]
    if not readings:
        return Problem(
            "CONTRACT_CODE_INVALID",
            field="contract",
            found=shorten(code),
            allowed="cu2406, SR401, CLM24, m2405-C-3000",
        )
    if specs is None:
        return readings[0]
    # CLF2012 fits both forms (2012-01 by letter, 2020-12 of a product CLF): the known one is meant
    for contract in readings:
        if specs.match(contract.product):
            return contract
    return Problem(
        "PRODUCT_UNKNOWN",
        field="contract",
        found=shorten(readings[0].product),
        hint=specs.near(readings[0].product),
    )


def _named(product: str, specs: SpecBook | None) -> str:
    return (specs.match(product) or product) if specs is not None else product


def _strike(match: "re.Match[str]") -> Decimal | None:
    return Decimal(match["strike"]) if match["strike"] else None


def _read_digits(text: str, trading_day: date, specs: SpecBook | None) -> Contract | None:
    match = _DIGITS.fullmatch(text)
    if match is None:
        return None
    digits = match["digits"]
    month = int(digits[-2:])
    if not 1 <= month <= MONTHS:
        return None
    if len(digits) == _THREE_DIGITS:
        year = nearest_year(int(digits[0]), DECADE, month, trading_day)
    else:
        year = nearest_year(int(digits[:2]), CENTURY, month, trading_day)
    right = (match["right"] or "").upper()
    return Contract(_named(match["product"], specs), year, month, text, right, _strike(match))


def _read_letters(text: str, trading_day: date, specs: SpecBook | None) -> Contract | None:
    match = _LETTER.fullmatch(text)
    if match is None:
        return None
    month = MONTH_LETTERS.index(match["letter"]) + 1
    digits = match["year"]
    if len(digits) > _THREE_DIGITS:
        year = int(digits)
    else:
        year = nearest_year(int(digits), DECADE ** len(digits), month, trading_day)
    right = match["right"] or ""
    return Contract(_named(match["product"], specs), year, month, text, right, _strike(match))
