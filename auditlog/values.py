"""Reads one field's value strictly; what is wrong with it becomes a `Problem`.

Limits keep one bad row from harming the others: 64 KB a field, 256 KB an event, decimals that fit
DECIMAL(38, 9) (29 digits before the point and 9 behind it), times from 1970 to one day ahead.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from store.problems import Problem, code_point, shorten
from store.types import decimal_text, number_text

FIELD_BYTES = 64 * 1024
EVENT_BYTES = 256 * 1024
DECIMAL_DIGITS = 29
DECIMAL_PLACES = 9
#: 29 digits before the point and 9 behind it, in signs that every reader knows.
DECIMAL_RANGE = "-10^29 < x < 10^29, 0.000000001"
FUTURE = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

_DEPTH = 8
_SAFE_INTEGER = 2**53
_BIG_INTEGER = 10**40
_WIDEST_EXPONENT = 64
# control characters, direction overrides (they let a name read as another) and lone surrogates
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
)
_FORBIDDEN_IN_PROSE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
)
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
# a decimal as we write it ourselves: no zeros before or behind, well inside the column
_CANONICAL = re.compile(r"-?(?:[1-9]\d{0,17}|0(?=\.))(?:\.\d{0,8}[1-9])?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII)


class FieldReader:
    """Reads the fields of one event and collects what is wrong with them.

    Args:
        now: the latest credible time is one day after it.
        zone: the zone of times without an offset; without it they are refused.
        file: the file's name as the user gave it.
        line: the 1-based line or row.
        cells: field name to spreadsheet cell, for problems in workbooks.
    """

    __slots__ = ("_cells", "_file", "_line", "_now", "_zone", "problems", "size")

    def __init__(
        self,
        *,
        now: datetime,
        zone: tzinfo | None = None,
        file: str = "",
        line: int = 0,
        cells: Mapping[str, str] | None = None,
    ) -> None:
        self.problems: list[Problem] = []
        self.size = 0
        self._now = now
        self._zone = zone
        self._file = file
        self._line = line
        self._cells = cells or {}

    def fault(
        self, code: str, field: str = "", found: object = "", allowed: str = "", hint: str = ""
    ) -> None:
        """Keep one problem at this reader's place."""
        self.problems.append(
            Problem(
                code,
                file=self._file,
                line=self._line,
                cell=self._cells.get(field, ""),
                field=shorten(field),
                found=_shown(found),
                allowed=allowed,
                hint=hint,
            )
        )

    def text(self, field: str, value: object, *, prose: bool = False) -> str:
        """A trimmed text. Whole numbers are taken as ids; `prose` may hold tabs and newlines."""
        if isinstance(value, str):
            text = value if prose else value.strip()
            size = len(text)
            if size <= FIELD_BYTES and text.isascii() and text.isprintable():
                self.size += size
                return text  # nearly every field
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BIG_INTEGER:
            text = str(value)
        else:
            self.fault("EVENT_FIELD_TYPE", field, value, "text")
            return ""
        return text if self._admit(field, text, prose=prose) else ""

    def _admit(self, field: str, text: str, *, prose: bool) -> bool:
        pattern = _FORBIDDEN_IN_PROSE if prose else _FORBIDDEN
        if not text.isprintable() and (strange := pattern.search(text)):
            self.size += len(text)
            self.fault("EVENT_CONTROL_CHARACTER", field, text, f"≠ {code_point(strange[0])}")
            return False
        size = len(text.encode())
        self.size += size
        if size > FIELD_BYTES:
            self.fault("EVENT_TEXT_TOO_LONG", field, text, "64 KB")
            return False
        return True

    def integer(self, field: str, value: object) -> int | None:
        """A whole number from 0 to 2^63 - 1; digits in text are accepted."""
        if isinstance(value, str) and _INTEGER.fullmatch(text := number_text(value)):
            value = int(text)
        elif isinstance(value, (Decimal, float)):
            value = _whole(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault("EVENT_FIELD_TYPE", field, value, "0, 1, 2 …")
            return None
        if not 0 <= value < 2**63:
            self.fault("EVENT_NUMBER_RANGE", field, value, "0 … 9223372036854775807")
            return None
        return value

    def decimal(self, field: str, value: object) -> Decimal | None:
        """An exact decimal; text may group thousands with commas (``1,286,400.00``)."""
        if isinstance(value, str) and _CANONICAL.fullmatch(value):
            return Decimal(value)
        number = self._number(field, value)
        if number is None:
            return None
        if not number:
            return Decimal(0)
        # the exponent is looked at first: 1e-999999999 must never be written out
        if -DECIMAL_PLACES <= number.adjusted() < DECIMAL_DIGITS:
            text = decimal_text(number)
            if len(text.partition(".")[2]) <= DECIMAL_PLACES:
                return Decimal(text)
        self.fault("EVENT_NUMBER_RANGE", field, value, DECIMAL_RANGE)
        return None

    def _number(self, field: str, value: object) -> Decimal | None:
        if isinstance(value, str):
            text = number_text(value)
            if len(text) > _WIDEST_EXPONENT or not _NUMBER.fullmatch(text):
                code = "EVENT_NUMBER_NOT_FINITE" if _is_not_finite(text) else "EVENT_NUMBER"
                self.fault(code, field, value, "1286400.00")
                return None
            value = text.replace(",", "")
        elif isinstance(value, float):
            # repr is the shortest text that names this float: what the sender had written
            value = repr(value)
        elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            self.fault("EVENT_FIELD_TYPE", field, value, "1286400.00")
            return None
        elif isinstance(value, int) and abs(value) >= _BIG_INTEGER:
            self.fault("EVENT_NUMBER_RANGE", field, "9" * 40, DECIMAL_RANGE)
            return None
        try:
            number = Decimal(value)
        except (InvalidOperation, ValueError):
            self.fault("EVENT_NUMBER", field, value, "1286400.00")
            return None
        if not number.is_finite():
            self.fault("EVENT_NUMBER_NOT_FINITE", field, value, "1286400.00")
            return None
        return number

    def time(self, field: str, value: object) -> datetime | None:
        """An aware UTC time between 1970 and one day ahead."""
        at = self._instant(field, value)
        if at is None:
            return None
        if at.tzinfo is None:
            if self._zone is None:
                self.fault("EVENT_TIME_NAIVE", field, value, "2024-05-14T18:52:10+08:00")
                return None
            at = at.replace(tzinfo=self._zone)
        if at.tzinfo is not UTC:
            try:
                at = at.astimezone(UTC)
            except OverflowError:
                at = EARLIEST - FUTURE
        if at < EARLIEST:
            self.fault("EVENT_TIME_RANGE", field, value, "≥ 1970-01-01")
            return None
        if at > self._now + FUTURE:
            self.fault("EVENT_TIME_FUTURE", field, value, "+24 h")
            return None
        return at

    def _instant(self, field: str, value: object) -> datetime | None:
        if isinstance(value, datetime):
            return value
        if isinstance(value, str):
            text = value.strip()
            if len(text) < FIELD_BYTES and _TIME.match(text):
                try:
                    return datetime.fromisoformat(text)
                except ValueError:
                    pass  # 30 February, 25 o'clock, a stray letter: told below
            self.fault("EVENT_TIME", field, value, "2024-05-14T18:52:10+08:00")
            return None
        self.fault("EVENT_FIELD_TYPE", field, value, "2024-05-14T18:52:10+08:00")
        return None

    def attribute(self, field: str, value: object, depth: int = 0) -> Any:
        """A JSON value without binary floats: fractions become plain decimal text."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return str(value) if self._admit(field, value, prose=True) else ""
        if isinstance(value, (int, float, Decimal)):
            return self._attribute_number(field, value)
        if isinstance(value, (list, tuple, Mapping)):
            return self._nested(field, value, depth)
        if isinstance(value, (date, time)):
            return value.isoformat()
        self.fault("EVENT_FIELD_TYPE", field, value, "JSON")
        return None

    def _attribute_number(self, field: str, value: float | Decimal) -> int | str:
        if not isinstance(value, int):
            return self._fraction(field, value)
        self.size += 8
        # beyond 2^53 other readers of JSON round, so the number travels as text
        return value if abs(value) < _SAFE_INTEGER else self.text(field, value)

    def _fraction(self, field: str, value: float | Decimal) -> str:
        if not math.isfinite(value):
            self.fault("EVENT_NUMBER_NOT_FINITE", field, value)
            return ""
        number = Decimal(repr(value)) if isinstance(value, float) else value
        if number and not -_WIDEST_EXPONENT < number.adjusted() < _WIDEST_EXPONENT:
            self.fault("EVENT_NUMBER_RANGE", field, value)
            return ""
        text = decimal_text(number) if number else "0"
        self.size += len(text)
        return text

    def _nested(
        self, field: str, value: list[Any] | tuple[Any, ...] | Mapping[Any, Any], depth: int
    ) -> Any:
        if depth >= _DEPTH:
            self.fault("EVENT_TOO_DEEP", field, allowed=str(_DEPTH))
            return None
        self.size += 2 * len(value)
        if self.size > EVENT_BYTES:
            return None  # refused as a whole by the caller; no need to read on
        if isinstance(value, Mapping):
            return self.named(value.items(), depth + 1)
        return [self.attribute(field, item, depth + 1) for item in value]

    def named(self, items: Iterable[tuple[Any, Any]], depth: int = 0) -> dict[str, Any]:
        """Attributes by trimmed name; two names that become one are refused."""
        out: dict[str, Any] = {}
        for key, item in items:
            name = self.text("attributes", key)
            if name in out:
                self.fault("EVENT_FIELD_REPEATED", name, key)
            if type(item) is str:
                out[name] = self.text(name, item, prose=True)
            else:
                out[name] = self.attribute(name, item, depth)
        return out


def _whole(value: Decimal | float) -> Decimal | float:
    """The integer that `value` is, or `value` itself."""
    if math.isfinite(value) and -_SAFE_INTEGER < value < _SAFE_INTEGER and value == int(value):
        return int(value)
    return value


def _shown(value: object) -> str:
    """What stood there as its sender wrote it: `null` and `1E+300`, not the names Python gives."""
    if isinstance(value, str):
        return shorten(value) if value else ""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (Decimal, date, time)):
        return str(value)
    if isinstance(value, (list, dict)):
        try:
            return shorten(json.dumps(value, ensure_ascii=False, default=str))
        except (ValueError, RecursionError):
            return "{…}"
    return shorten(value)


def _is_not_finite(text: str) -> bool:
    return text.lower().lstrip("+-") in {"nan", "inf", "infinity", "snan"}
