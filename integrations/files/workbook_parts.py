"""What a workbook that is read row by row does not tell: merged ranges, formulas without a value.

Both are looked for in the parts of the file, piece by piece.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import openpyxl
from openpyxl.utils import range_boundaries

_PIECE: Final = 1024 * 1024
_CELL = re.compile(rb"<(?:\w+:)?c(\s[^>]*)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_PLACE = re.compile(rb'\sr="([A-Z]+[0-9]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_VALUE = re.compile(rb"<(?:\w+:)?v>[^<]|<(?:\w+:)?is>")
_MERGED = re.compile(rb'mergeCell\s[^>]*?ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_OVERLAP: Final = 200
_CELL_MOST: Final = 200_000


class Range(NamedTuple):
    """A merged range of a sheet: 1-based, inclusive."""

    first_column: int
    first_row: int
    last_column: int
    last_row: int
    name: str


def merged_ranges(path: Path) -> dict[str, tuple[Range, ...]]:
    """The merged ranges of each sheet; nothing for a file that is no workbook.

    A workbook that is read row by row does not tell them, so they are looked for in its parts.
    """
    found: dict[str, tuple[Range, ...]] = {}
    try:
        with _sheet_parts(path) as (packed, parts):
            for title, part in parts.items():
                names = dict.fromkeys(_references(packed, part))
                found[title] = tuple(_range(name) for name in names)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError):
        return {}  # told by the reading itself
    return found


def uncalculated(path: Path) -> dict[str, frozenset[str]]:
    """The cells of each sheet that hold a formula without its value.

    A program that writes formulas and does not calculate them leaves such cells; read as empty,
    they would change a figure without a word.
    """
    found: dict[str, frozenset[str]] = {}
    try:
        with _sheet_parts(path) as (packed, parts):
            for title, part in parts.items():
                found[title] = frozenset(_left_open(packed, part))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError):
        return {}  # told by the reading itself
    return found


def _left_open(packed: zipfile.ZipFile, part: str) -> Iterator[str]:
    tail = b""
    with packed.open(part) as stream:
        while piece := stream.read(_PIECE):
            text = tail + piece
            last = 0
            for match in _CELL.finditer(text):
                last = match.end()
                empty_text = b't="str"' in match[1]  # a formula that gives no text has a value
                if empty_text or not _FORMULA.search(match[2]) or _VALUE.search(match[2]):
                    continue
                if place := _PLACE.search(match[1]):
                    yield place[1].decode()
            # a cell that is cut by the end of the piece is read with the next one
            tail = text[max(last, len(text) - _CELL_MOST) :]


def _range(name: str) -> Range:
    first_column, first_row, last_column, last_row = range_boundaries(name)
    return Range(first_column, first_row, last_column, last_row, name)


@contextmanager
def _sheet_parts(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, str]]]:
    workbook = openpyxl.load_workbook(path, read_only=True)
    try:
        parts = {
            sheet.title: sheet._worksheet_path  # noqa: SLF001 - named nowhere else
            for sheet in workbook.worksheets
        }
    finally:
        workbook.close()
    with zipfile.ZipFile(path) as packed:
        yield packed, parts


def _references(packed: zipfile.ZipFile, part: str) -> Iterator[str]:
    tail = b""
    with packed.open(part) as stream:
        while piece := stream.read(_PIECE):
            text = tail + piece
            for match in _MERGED.finditer(text):
                yield match[1].decode()
            tail = text[-_OVERLAP:]
