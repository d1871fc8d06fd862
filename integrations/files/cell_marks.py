"""What a workbook shows otherwise than it stores: percentages, padded numbers, hidden rows.

A cell that shows 5% stores 0.05, one that shows 000123 stores 123, and a row that a filter hides is
stored like any other. Values alone do not tell, so formats and rows are looked for in the parts.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter

from auditlog.rows import oversized

_PIECE: Final = 1024 * 1024
_TAG_MOST: Final = 4096
_TAG = re.compile(rb"<(?:\w+:)?(row|col|c)(?:\s([^>]*))?>")
_ATTRIBUTE = re.compile(rb'(\w+)\s*=\s*["\']([^"\']*)["\']')
_PLACE = re.compile(r"([A-Z]+)[0-9]+")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_PADDED = re.compile(r"0{2,}")
_TRUE: Final = frozenset({b"1", b"true", b"on"})
_DIGITS: Final = 15
_COLUMNS_MOST: Final = 16_384


@dataclass(frozen=True, slots=True)
class Marks:
    """One sheet's.

    Attributes:
        percent: cells that show a percentage.
        padded: cells that show leading zeros, and to how many digits.
        hidden: rows that are filtered out or hidden.
        columns: columns that are hidden, from 1.
    """

    percent: frozenset[str] = frozenset()
    padded: Mapping[str, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()


def cell_marks(path: Path) -> dict[str, Marks]:
    """The marks of each sheet; nothing for a file that is no workbook."""
    try:
        if oversized(path) is not None:
            return {}  # told by the reading itself
        workbook = openpyxl.load_workbook(path, read_only=True)
        try:
            codes = _codes(workbook)
            parts = {
                sheet.title: sheet._worksheet_path  # noqa: SLF001 - named nowhere else
                for sheet in workbook.worksheets
            }
        finally:
            workbook.close()
        with zipfile.ZipFile(path) as packed:
            return {title: _marks(packed, part, codes) for title, part in parts.items()}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError):
        return {}  # told by the reading itself


def shown(value: Any, digits: int) -> Any:
    """A whole number as its cell shows it, with leading zeros; anything else as it is."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or value < 0 or value != int(value):
        return value
    return str(int(value)).zfill(digits)


def per_cent(value: Any) -> Any:
    """The number that a percentage shows (5 for 0.05), exact; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    # Excel shows 15 digits; what stands behind them is noise of its binary fractions
    return format(Decimal(f"{value:.{_DIGITS}g}") * 100, "f")


def _codes(workbook: Any) -> list[str]:
    """The format of each style by its number: of numbers above 0, without words and colours."""
    return [
        _LITERAL.sub("", _format(workbook, style.numFmtId)).split(";")[0]
        for style in workbook._cell_styles  # noqa: SLF001 - named nowhere else
    ]


def _format(workbook: Any, number: int) -> str:
    builtin = openpyxl.styles.numbers.BUILTIN_FORMATS
    own = openpyxl.styles.numbers.BUILTIN_FORMATS_MAX_SIZE
    formats = workbook._number_formats  # noqa: SLF001 - named nowhere else
    if number >= own and number - own < len(formats):
        return str(formats[number - own])
    return str(builtin.get(number, "General"))


def _marks(packed: zipfile.ZipFile, part: str, codes: list[str]) -> Marks:
    percent, hidden = set(), set()
    columns: set[int] = set()
    padded: dict[str, int] = {}
    row = column = 0
    for tag, given in _tags(packed, part):
        if tag == b"row":
            row, column = int(given.get(b"r", row + 1)), 0
            if given.get(b"hidden", b"") in _TRUE:
                hidden.add(row)
            continue
        if tag == b"col":
            if given.get(b"hidden", b"") in _TRUE:
                last = min(int(given[b"max"]), _COLUMNS_MOST)
                columns |= set(range(int(given[b"min"]), last + 1))
            continue
        column += 1
        place = given[b"r"].decode() if b"r" in given else f"{get_column_letter(column)}{row}"
        if found := _PLACE.fullmatch(place):
            column = openpyxl.utils.column_index_from_string(found[1])
        style = int(given.get(b"s", b"0"))
        code = codes[style] if style < len(codes) else ""
        if "%" in code:
            percent.add(place)
        elif _PADDED.fullmatch(code):
            padded[place] = len(code)
    return Marks(frozenset(percent), padded, frozenset(hidden), frozenset(columns))


def _tags(packed: zipfile.ZipFile, part: str) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    tail = b""
    with packed.open(part) as stream:
        while piece := stream.read(_PIECE):
            text = tail + piece
            last = 0
            for match in _TAG.finditer(text):
                last = match.end()
                yield match[1], dict(_ATTRIBUTE.findall(match[2] or b""))
            # a tag that is cut by the end of the piece is read with the next one
            tail = text[max(last, len(text) - _TAG_MOST) :]
