"""Reads the cells of one row strictly; what is wrong with one becomes a `Problem` at its place."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

from book.positions import SPOT
from book.state import LOTS_BOUND, QUANTITY_BOUND
from integrations.files.kinds import Column
from store.problems import Problem, code_point, did_you_mean, shorten
from store.types import number_text

TEXT_MOST: Final = 500
#: The years that a row can mean; at the ends of the calendar no zone could be applied.
YEARS: Final = range(1901, 2199)
EXCEL_ERRORS: Final = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
)
_PLACES: Final = 9
_EXCEL_DIGITS: Final = 15
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
#: A point and three digits: decimals here, thousands elsewhere. After a 0 it parts no thousands.
_TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_EXCHANGED: Final = str.maketrans(",.", ".,")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_BARE_DAY = re.compile(r"(20\d\d)(\d\d)(\d\d)", re.ASCII)
_MONTH = re.compile(r"(?:20)?(\d\d)[-/.年]?(\d\d?)月?", re.ASCII)
_FORBIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NUMBER_MOST: Final = 60
_MONTHS: Final = 12
_TRUE: Final = frozenset({"yes", "y", "true", "1", "是"})
_FALSE: Final = frozenset({"no", "n", "false", "0", "否"})

Cell = object
"""What a reader found in a cell: text, or what Excel keeps (int, float, bool, datetime, None)."""


class RowReader:
    """The cells of one row by field name, and the problems found so far.

    Args:
        values: field name → cell.
        file: the file's name as the user gave it.
        line: the 1-based line or row.
        cells: field name → spreadsheet cell.
        headers: field name → the column's name as it stands in the file.
        decimal: the decimal sign of numbers in text; empty where none is agreed.

    Attributes:
        problems: what keeps the row out.
        warnings: what was noticed and does not.
    """

    __slots__ = (
        "_cells",
        "_decimal_sign",
        "_file",
        "_headers",
        "_line",
        "_values",
        "problems",
        "warnings",
    )

    def __init__(
        self,
        values: Mapping[str, Cell],
        *,
        file: str,
        line: int,
        cells: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        decimal: str = "",
    ) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._values = values
        self._file = file
        self._line = line
        self._cells = cells or {}
        self._headers = headers or {}
        self._decimal_sign = decimal

    def fault(
        self,
        code: str,
        field: str,
        *,
        allowed: str = "",
        hint: str = "",
        found: Cell = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Keep one problem at the cell of `field`."""
        self.problems.append(self._problem(code, field, allowed, hint, found, params))

    def warn(
        self,
        code: str,
        field: str,
        *,
        allowed: str = "",
        found: Cell = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Note something at the cell of `field` that does not keep the row out."""
        problem = self._problem(code, field, allowed, "", found, params)
        self.warnings.append(replace(problem, severity="warning"))

    def _problem(  # noqa: PLR0917 - the parts of a problem
        self,
        code: str,
        field: str,
        allowed: str,
        hint: str,
        found: Cell,
        params: Mapping[str, str] | None,
    ) -> Problem:
        shown = self._values.get(field) if found is None else found
        theirs = {"column": self._headers[field]} if field in self._headers else {}
        return Problem(
            code,
            file=self._file,
            line=self._line,
            cell=self._cells.get(field, ""),
            field=field,
            found="" if shown is None else shorten(plain(shown)),
            allowed=allowed,
            hint=hint,
            params={**theirs, **(params or {})},
        )

    def has(self, field: str) -> bool:
        """Whether the row says anything there."""
        value = self._values.get(field)
        return value is not None and not (isinstance(value, str) and not value.strip())

    def need(self, field: str, allowed: str = "") -> bool:
        """As `has`; an empty cell is a problem."""
        if self.has(field):
            return True
        self.fault("IMPORT_VALUE_MISSING", field, allowed=allowed, found="")
        return False

    def text(self, field: str, default: str = "") -> str:
        """Trimmed text; whole numbers are taken as ids."""
        if not self.has(field):
            return default
        value = self._values[field]
        if isinstance(value, (bool, datetime, date, time)) or (
            isinstance(value, float) and not value.is_integer()
        ):
            self.fault("IMPORT_NOT_TEXT", field)
            return default
        text = plain(value).strip()
        if self._cells and self._spoilt(field, value, text):
            return default
        if len(text) > TEXT_MOST:
            self.fault("IMPORT_TEXT_TOO_LONG", field, allowed=str(TEXT_MOST))
            return default
        strange = () if text.isprintable() else (c for c in text if _is_forbidden(c))
        if one := next(iter(strange), ""):
            self.fault("IMPORT_CONTROL_CHARACTER", field, allowed=f"≠ {code_point(one)}")
            return default
        return text

    def _spoilt(self, field: str, value: Cell, text: str) -> bool:
        """Whether a cell of a workbook holds what Excel made of a text, not the text."""
        if text in EXCEL_ERRORS:
            self.fault("IMPORT_EXCEL_ERROR", field)
            return True
        if isinstance(value, (int, float)) and abs(value) >= 10**_EXCEL_DIGITS:
            # a long id kept as a number: its last digits have become zeros
            self.fault("IMPORT_DIGITS_LOST", field, allowed=str(_EXCEL_DIGITS))
            return True
        return False

    def choice(self, column: Column, default: str = "") -> str:
        """One of the words that the column allows, or a word known to mean one."""
        if not self.has(column.name):
            return default
        text = self.text(column.name).casefold()
        words = column.words or {}
        found = text if text in column.choices else words.get(text, "")
        if not found and not self._told(column.name):
            hint = did_you_mean(text, [*column.choices, *words])
            allowed = column.allowed
            self.fault("IMPORT_NOT_A_CHOICE", column.name, allowed=allowed, hint=hint)
        return found

    def flag(self, field: str, *, default: bool = False) -> bool:
        """Yes or no."""
        if not self.has(field):
            return default
        value = self._values[field]
        word = (
            plain(value).strip().casefold() if not isinstance(value, bool) else str(value).lower()
        )
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        self.fault("IMPORT_NOT_A_FLAG", field, allowed="yes, no, 是, 否")
        return default

    def number(
        self, field: str, *, least: int | None = None, above: int | None = None
    ) -> Decimal | None:
        """An exact decimal; text may group thousands with commas (``1,286,400.00``)."""
        if not self.has(field):
            return None
        number = self._decimal(field)
        if number is None:
            return None
        if abs(number) >= QUANTITY_BOUND or -number.as_tuple().exponent > _PLACES:  # type: ignore[operator]
            self.fault("IMPORT_NUMBER_RANGE", field, allowed=f"< 10^15, {_PLACES} decimals")
            return None
        if least is not None and number < least:
            self.fault("IMPORT_NEGATIVE", field, allowed=f"≥ {least}")
            return None
        if above is not None and number <= above:
            code = "IMPORT_NEGATIVE" if number < 0 else "IMPORT_NOT_POSITIVE"
            self.fault(code, field, allowed=f"> {above}")
            return None
        return number

    def lots(self, field: str) -> int | None:
        """A whole number of either sign, below 10^9."""
        if not self.has(field):
            return None
        number = self._decimal(field)
        if number is None:
            return None
        if number != number.to_integral_value():
            self.fault("IMPORT_NOT_WHOLE", field, allowed="0, 20, 35")
            return None
        if abs(number) >= LOTS_BOUND:
            self.fault("IMPORT_NUMBER_RANGE", field, allowed="< 10^9")
            return None
        return int(number)

    def _decimal(self, field: str) -> Decimal | None:
        value = self._values[field]
        number: Decimal | None = None
        if isinstance(value, float):
            # Excel shows 15 digits; what stands behind them is noise of its binary fractions.
            text = f"{value:.{_EXCEL_DIGITS}g}"
            number = Decimal(text)
            number = number if number.is_finite() else None
        elif isinstance(value, int) and not isinstance(value, bool):
            number = Decimal(value)
        elif isinstance(value, Decimal):
            number = value
        elif isinstance(value, str):
            text = number_text(value)
            if not self._decimal_sign and _TWO_WAYS.fullmatch(text):
                self._two_ways(field, text)
                return None
            number = read_number(text, self._decimal_sign or ".")
        if number is None:
            self.fault("IMPORT_NOT_A_NUMBER", field, allowed="1286400.00")
            return None
        return number or Decimal(0)  # -0 is 0

    def _two_ways(self, field: str, text: str) -> None:
        """``1.200`` is 1200 to one who parts thousands with points; neither reading is taken."""
        # the decimals are named with a further 0, as only so are they read one way
        params = {"thousands": text.replace(".", ""), "decimals": f"{text}0"}
        allowed = f"{params['thousands']}, {params['decimals']}"
        self.fault("IMPORT_NUMBER_TWO_WAYS", field, allowed=allowed, params=params)

    def month(self, field: str, *, default: str = SPOT, star: bool = False) -> str:
        """A delivery month as YYMM, ``spot``, or ``*`` where that is allowed."""
        if not self.has(field):
            return default
        value = self._values[field]
        if isinstance(value, (date, datetime)):
            return f"{value.year % 100:02d}{value.month:02d}"
        text = plain(value)
        if star and text.strip().casefold() in {"*", "＊", "全部"}:
            return "*"
        if (found := month_of(text)) is not None:
            return found
        self.fault("IMPORT_NOT_A_MONTH", field, allowed="2406, spot" + (", *" if star else ""))
        return default

    def time(self, field: str, zone: tzinfo) -> datetime | date | None:
        """A point in time, or a bare day; times without an offset are on `zone`'s clock."""
        if not self.has(field):
            return None
        value = self._values[field]
        found: datetime | date | None = None
        if isinstance(value, datetime):
            # Excel keeps a day as midnight
            bare = value.tzinfo is None and value.time() == time()
            found = value.date() if bare else value
        elif isinstance(value, date):
            found = value
        elif isinstance(value, (str, int)) and not isinstance(value, bool):
            found = parse_time(str(value))
        if found is None or found.year not in YEARS:
            self.fault("IMPORT_NOT_A_DATE", field, allowed="2024-05-14, 2024-05-14 15:00")
            return None
        if isinstance(found, datetime):
            try:
                aware = found if found.tzinfo else found.replace(tzinfo=zone)
                return aware.astimezone(UTC)
            except OverflowError:
                self.fault("IMPORT_NOT_A_DATE", field, allowed="2024-05-14")
                return None
        return found

    def days(self, field: str) -> tuple[date, ...]:
        """Days, separated by semicolons or spaces."""
        if not self.has(field):
            return ()
        value = self._values[field]
        if isinstance(value, datetime):
            return (value.date(),)
        parts = re.split(r"[;；、\s]+", plain(value)[: TEXT_MOST * 10].strip())
        found = [parse_time(part) for part in parts if part]
        if any(
            not isinstance(day, date) or isinstance(day, datetime) or day.year not in YEARS
            for day in found
        ):
            self.fault("IMPORT_NOT_A_DATE", field, allowed="2024-05-13; 2024-05-14")
            return ()
        return tuple(sorted({day for day in found if day is not None}))

    def _told(self, field: str) -> bool:
        return any(problem.field == field for problem in self.problems)


def parse_time(text: str) -> datetime | date | None:
    """The day or time that `text` names: ``2024-05-14``, ``2024/5/14 15:00``, ``2024年5月14日``."""
    text = unicodedata.normalize("NFKC", text[:TEXT_MOST]).strip()
    try:
        if bare := _BARE_DAY.fullmatch(text):
            return date(int(bare[1]), int(bare[2]), int(bare[3]))
        found = _DAY.match(text)
        if found is None:
            return None
        day = date(int(found[1]), int(found[2]), int(found[3]))
        rest = text[found.end() :].lstrip("T").strip()
        rest = f"0{rest}" if rest[1:2] == ":" else rest
        return datetime.fromisoformat(f"{day.isoformat()}T{rest}") if rest else day
    except ValueError:
        return None


def _is_forbidden(character: str) -> bool:
    return unicodedata.category(character) in _FORBIDDEN


def month_of(text: str) -> str | None:
    """The delivery month that `text` names as YYMM, or ``spot``; None when it names none."""
    text = unicodedata.normalize("NFKC", text[:TEXT_MOST]).strip().casefold()
    if text in {SPOT, "现货"}:
        return SPOT
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= _MONTHS:
        return None
    return f"{found[1]}{int(found[2]):02d}"


def plain(value: Cell) -> str:
    """The text of a cell as a person reads it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_EXCEL_DIGITS:
        return str(int(value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return f"{text}0" if _TWO_WAYS.fullmatch(text) else text
    if isinstance(value, (datetime, date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return value if isinstance(value, str) else str(value)


def read_number(text: str, decimal: str) -> Decimal | None:
    """The number that `text` writes with `decimal` as its sign and the other between thousands."""
    if len(text) > _NUMBER_MOST:
        return None
    plainly = text if decimal == "." else text.translate(_EXCHANGED)
    if not _NUMBER.fullmatch(plainly):
        return None
    try:
        return Decimal(plainly.replace(",", ""))
    except InvalidOperation:
        return None
