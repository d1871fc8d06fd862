"""Rows of a table on disk, CSV or Excel, each with its place; nothing in them is interpreted.

Events and the importers of the book read their files through here.
"""

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

_UNPACKED_MOST: Final = 1024**3
#: No text between two tags of a workbook is longer; Excel's own cells end at 32,767 characters.
_TEXT_MOST: Final = 1024 * 1024
#: The table of shared texts is held as a whole: so large it may be, and of so many texts.
_SHARED_SIZE: Final = 128 * 1024 * 1024
_SHARED_MOST: Final = 3_000_000
_SHARED: Final = re.compile(rb"<(?:\w{1,32}:)?si[\s/>]")
#: A comment or a block of plain text is held as a whole, whatever stands in it; Excel writes none.
_MARKUP: Final = re.compile(rb"<!|<\?(?!xml[\s?])")
#: A row is held as a whole, with all of its cells.
_ROW_MOST: Final = 16 * 1024 * 1024
_ROW: Final = re.compile(rb"<(?:\w{1,32}:)?row[\s/>]")
_HEADER_MOST: Final = 64 * 1024
#: A cell up to this is a row like any other, so that its field can be told; csv itself stops at
#: 128 KB and drops the row.
_CELL_MOST: Final = 16 * 1024 * 1024


class Row(NamedTuple):
    """One row that is not blank.

    Attributes:
        line: 1-based line of the text on which the row begins, or row of the sheet.
        values: the cells; text in CSV, what Excel keeps in a workbook. A row of a sheet may be
            shorter than the header.
        sheet: the sheet's name; empty for text.
        hidden: whether the sheet is hidden.
        delimiter: what separates the cells of a text.
    """

    line: int
    values: Sequence[Any]
    sheet: str = ""
    hidden: bool = False
    delimiter: str = ","


class Fault(NamedTuple):
    """A row, or the rest of the file, that cannot be read; `code` is a problem's."""

    code: str
    line: int = 0
    found: str = ""
    allowed: str = ""


def text_rows(stream: IO[str]) -> Iterator[Row | Fault]:
    """Rows of comma, semicolon or tab separated text, quoted as RFC 4180 says, header included."""
    csv.field_size_limit(_CELL_MOST)
    head = stream.readline(_HEADER_MOST)
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(chain([head], stream), delimiter=delimiter, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            values = next(rows, None)
        except csv.Error as error:
            if "unexpected end" in str(error):
                yield Fault("LOG_FILE_TRUNCATED", line, allowed='"')
                return
            if "field larger" in str(error):
                yield Fault("LOG_CELL_TOO_LONG", line, allowed="≤ 16 MB")
                continue
            yield Fault("LOG_ROW_UNREADABLE", line, allowed='"…", ""')
            continue
        if values is None:
            return
        if any(cell.strip() for cell in values):
            yield Row(line, values, delimiter=delimiter)


def uneven(fields: Sequence[str], given: int) -> str:
    """Where a row and its header part: the first field without a cell, or the last with one."""
    return fields[min(given, len(fields) - 1)] if fields else ""


def oversized(path: Path) -> Fault | None:
    """What in a workbook is too large to be held in memory; None for nothing.

    A sheet is read row by row, a cell as a whole, and the table of shared texts at once: so no text
    may be longer than Excel could ever write, nor that table beyond measure. Each part is unpacked
    a piece at a time here, and never further than its header says.

    Raises:
        zipfile.BadZipFile: it is no workbook, or a part is not what its header says.
    """
    with zipfile.ZipFile(path) as packed:
        parts = packed.infolist()
        if sum(part.file_size for part in parts) > _UNPACKED_MOST:
            return Fault("LOG_FILE_TOO_LARGE", allowed="1 GB")
        for part in parts:
            if (fault := _too_much(packed, part)) is not None:
                return fault
    return None


def _too_much(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> Fault | None:
    """A part with a text beyond measure, or a table of shared texts that is; read in pieces."""
    if part.file_size <= _TEXT_MOST:
        return None
    shared = row = 0
    with packed.open(part) as stream:
        while piece := stream.read(_TEXT_MOST):
            if b"<" not in piece and len(piece) == _TEXT_MOST:
                return Fault("LOG_FILE_TEXT_TOO_LONG", found=part.filename, allowed="≤ 1 MB")
            begun = [one.start() for one in _ROW.finditer(piece)]
            if begun:
                row = len(piece) - begun[-1]
            elif row:
                row += len(piece)
            if row > _ROW_MOST:
                return Fault("LOG_FILE_ROW_TOO_LONG", found=part.filename, allowed="≤ 16 MB")
            if _MARKUP.search(piece):
                return Fault("LOG_FILE_MARKUP", found=part.filename, allowed=".xlsx")
            shared += sum(1 for _ in _SHARED.finditer(piece))
            if shared > _SHARED_MOST or (shared and part.file_size > _SHARED_SIZE):
                allowed = f"≤ {_SHARED_SIZE // 1024**2} MB, ≤ {_SHARED_MOST:,}"
                return Fault("LOG_FILE_TEXTS_TOO_MANY", found=part.filename, allowed=allowed)
    return None


def workbook_rows(path: Path) -> Iterator[Row | Fault]:
    """Rows of every sheet of a workbook, headers included; formulas give their stored result."""
    try:
        if (too_large := oversized(path)) is not None:
            yield too_large
            return
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError,
            SyntaxError) as error:  # fmt: skip
        # SyntaxError is broken XML; what the library says is in its own words, and English
        yield Fault("LOG_FILE_UNREADABLE", found=type(error).__name__, allowed=".xlsx")
        return
    try:
        for sheet in workbook.worksheets:
            # Some writers note a wrong extent; without the note every row is read.
            sheet.reset_dimensions()
            hidden = sheet.sheet_state != "visible"
            for line, values in enumerate(sheet.iter_rows(values_only=True), 1):
                if any(cell is not None and cell != "" for cell in values):
                    yield Row(line, values, sheet.title, hidden)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        # the parts of a workbook are unpacked as they are read; SyntaxError is broken XML
        yield Fault("LOG_FILE_CUT", found=type(error).__name__, allowed=".xlsx")
    finally:
        workbook.close()
