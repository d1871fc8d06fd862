"""The rows of a file under our field names, each with its places. Headers are found and checked."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from openpyxl.utils import get_column_letter

from auditlog.reader_files import find_encoding
from auditlog.rows import Fault, Row, text_rows, workbook_rows
from integrations.files.cell_marks import Marks, cell_marks, per_cent, shown
from integrations.files.file_form import other_form
from integrations.files.headings import Heading, Headings, unread_column
from integrations.files.kinds import COLUMNS, Kind, needed
from integrations.files.mapping import ColumnMapping
from integrations.files.row_checks import (
    FIGURES,
    PER_CENT,
    Head,
    Layout,
    blank,
    header_names,
    row_problems,
)
from integrations.files.template import GUIDE_SHEET, LIST_SHEET
from integrations.files.unread import UnreadColumns
from integrations.files.values import plain, read_number
from integrations.files.workbook_parts import Range, merged_ranges, uncalculated
from store.problems import Problem, shorten
from store.types import number_text

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx")
_TITLE_ROWS: Final = 10
_RECOGNISED: Final = 2
_NO_MARKS: Final = Marks()


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row under our names.

    Attributes:
        line: 1-based line or row.
        values: field → cell, constants of the mapping among them.
        cells: field → spreadsheet cell; empty for text.
        problems: what is wrong with the row as a whole (merged, too short).
        headers: field → the column's name as it stands in the file.
        original: the whole row as it stood: header of the file → cell, what is not read among it.
    """

    line: int
    values: Mapping[str, Any]
    cells: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict)


class SheetReader:
    """Reads one file.

    Args:
        path: the file; the ending of `name` tells the form.
        kind: what it holds.
        name: the file's name as the user gave it.
        mapping: the company's own headers.
        labels: other headers → our field, such as the labels of the catalogues.
        ignored: headers that are left out on purpose, besides those that the mapping names.

    Attributes:
        problems: what is wrong with the file as a whole, warnings among them.
        withheld: a column turned out to be one that the file lacks, so that no row of it counts.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind,
        *,
        name: str,
        mapping: ColumnMapping,
        labels: Mapping[str, str],
        ignored: Collection[str] = (),
    ) -> None:
        self.problems: list[Problem] = []
        self.withheld = False
        self._path = path
        self._kind = kind
        self._name = name
        self._mapping = mapping
        self._headings = Headings(kind, mapping, labels, ignored)
        self._sheets_read: list[str] = []
        self._hidden: list[str] = []
        self._uncalculated: Mapping[str, frozenset[str]] = {}
        self._marks: Mapping[str, Marks] = {}
        self._forms = {column.name: column.form for column in COLUMNS[kind]}

    def rows(self) -> Iterator[FileRow]:
        """The rows in their order; faults of the file gather in `problems`."""
        suffix = Path(self._name).suffix.lower()
        if suffix not in SUFFIXES:
            self._fault("LOG_FILE_FORM", found=suffix, allowed=" ".join(SUFFIXES))
            return
        try:
            if other := other_form(self._path, suffix):
                self._fault(other.code, found=suffix, allowed=other.meant)
                return
            if suffix == ".xlsx":
                yield from self._workbook()
            else:
                yield from self._text()
        except OSError as error:
            self._fault("LOG_FILE_NOT_OPENED", found=error.strerror or "", allowed=suffix)

    # --- the two forms --------------------------------------------------------------------------

    def _text(self) -> Iterator[FileRow]:
        encoding, clean = find_encoding(self._path)
        if not clean:
            self._fault("LOG_FILE_ENCODING", allowed="UTF-8, GB18030", severity="warning")
        errors = "replace" if encoding == "utf-16" else "surrogateescape"
        with self._path.open(encoding=encoding, errors=errors, newline="") as stream:
            yield from self._table(text_rows(stream), ())

    def _workbook(self) -> Iterator[FileRow]:
        merged = merged_ranges(self._path)
        self._uncalculated = uncalculated(self._path)
        self._marks = cell_marks(self._path)
        visible = (row for row in workbook_rows(self._path) if self._wanted(row))
        # a fault ends the sheet in which it stands, or the file
        sheets = groupby(visible, key=lambda row: "" if isinstance(row, Fault) else row.sheet)
        for sheet, rows in sheets:
            yield from self._table(rows, merged.get(sheet, ()), sheet)

    def _wanted(self, row: Row | Fault) -> bool:
        """Whether the row is read; a hidden sheet is left out and said once."""
        if isinstance(row, Fault):
            return True
        if row.hidden and row.sheet not in {LIST_SHEET, *self._hidden}:
            self._hidden.append(row.sheet)
            self._fault("IMPORT_SHEET_HIDDEN", found=row.sheet, severity="warning")
        return not row.hidden and row.sheet != GUIDE_SHEET

    # --- one table ------------------------------------------------------------------------------

    def _table(
        self, rows: Iterator[Row | Fault], merged: Sequence[Range], sheet: str = ""
    ) -> Iterator[FileRow]:
        head: Head | None = None
        waiting: list[Row] = []
        for row in rows:
            if isinstance(row, Fault):
                parts = {"found": row.found, "allowed": row.allowed}
                if row.code in _ROW_FAULTS and head is not None and head.usable:
                    # one row is lost, so it counts as one and goes to the quarantine
                    yield FileRow(row.line, {}, {}, (self._problem(row.code, row.line, **parts),))
                else:
                    self._fault(row.code, row.line, **parts)
            elif head is None:
                waiting.append(row)
                if self._recognised(row) >= _RECOGNISED or len(waiting) == _TITLE_ROWS:
                    head, following = self._head(waiting, sheet, merged)
                    yield from self._body(head, following, merged, sheet)
            else:
                yield from self._body(head, [row], merged, sheet)
        if head is None and waiting:
            head, following = self._head(waiting, sheet, merged)
            yield from self._body(head, following, merged, sheet)
        if head is not None:
            self._tell_unread(head, sheet)
        elif head is None and not self._sheets_read and not self.problems:
            self._fault("IMPORT_NO_HEADER", 1, allowed=", ".join(needed(self._kind)))

    def _body(
        self, head: Head, rows: Sequence[Row], merged: Sequence[Range], sheet: str
    ) -> Iterator[FileRow]:
        if not head.usable:
            return
        for row in rows:
            head.unread.see(row.values)
            yield self._row(head, row, merged, sheet)

    def _row(self, head: Head, row: Row, merged: Sequence[Range], sheet: str) -> FileRow:
        values: dict[str, Any] = dict(self._mapping.constants)
        prefix = f"{sheet}!" if sheet and self._sheets_read[0] != sheet else ""
        marks = self._marks.get(sheet, _NO_MARKS) if sheet else _NO_MARKS
        for column, (name, cell) in enumerate(zip(head.fields, row.values, strict=False), 1):
            if name and not blank(cell):
                place = f"{get_column_letter(column)}{row.line}" if sheet else ""
                values[name] = self._translated(name, _as_shown(name, cell, place, marks))
        # of the whole header: a row of a sheet may end before it, and an empty cell has a place too
        places = enumerate(head.fields, 1) if sheet else ()
        cells = {
            name: f"{prefix}{get_column_letter(column)}{row.line}"
            for column, name in places
            if name
        }
        layout = Layout(prefix, marks, merged, self._uncalculated.get(sheet, frozenset()))
        problems = row_problems(row, head, layout, file=self._name, forms=self._forms)
        ends = range(len(head.names) + 1, len(row.values) + 1)
        beyond = [f"[{get_column_letter(column)}]" for column in ends]
        named = zip((*head.names, *beyond), row.values, strict=False)
        original = {name: cell for name, cell in named if not blank(cell)}
        return FileRow(row.line, values, cells, problems, head.headers, original)

    def _translated(self, name: str, cell: Any) -> Any:
        words = self._mapping.values.get(name, {})
        cell = words.get(plain(cell).strip(), cell) if words else cell
        if self._mapping.decimal and isinstance(cell, str) and self._forms.get(name) in FIGURES:
            # as a number from here on, so that the quarantine need not know the file's sign
            number = read_number(number_text(cell), self._mapping.decimal)
            return cell if number is None else number
        return cell

    # --- headers --------------------------------------------------------------------------------

    def _recognised(self, row: Row) -> int:
        return len({self._headings.field(cell) for cell in row.values} - {""})

    def _header_row(self, rows: Sequence[Row]) -> Row:
        """The first row that names most of our fields; titles above it are passed over."""
        return max(rows, key=self._recognised)

    def _head(
        self, rows: Sequence[Row], sheet: str, merged: Sequence[Range]
    ) -> tuple[Head, Sequence[Row]]:
        """The header among the first rows, and the rows after it."""
        row = self._header_row(rows)
        following = rows[rows.index(row) + 1 :]
        fields = [self._headings.field(cell) for cell in row.values]
        while fields and not fields[-1] and blank(row.values[len(fields) - 1]):
            fields.pop()
        if sheet and self._sheets_read and not any(fields):
            # a sheet of notes beside the one that was read
            return Head(tuple(fields), False, UnreadColumns(self._kind, (), {})), following
        self._sheets_read.append(sheet)
        before = len(self.problems)
        unread = self._headings.unread(fields)
        for found in self._headings.check(row, fields, unread):
            self._tell(found, row.line, sheet)
        self._check_layout(row, fields, sheet, merged)
        usable = not any(one.severity == "error" for one in self.problems[before:])
        headers = {
            name: shorten(plain(cell).strip())
            for name, cell in zip(fields, row.values, strict=False)
            if name
        }
        names = header_names(row.values[: len(fields)])
        return Head(tuple(fields), usable, unread, headers, names, row.line), following

    def _check_layout(
        self, row: Row, fields: Sequence[str], sheet: str, merged: Sequence[Range]
    ) -> None:
        """Columns that nobody sees, and header cells over several columns."""
        hidden = self._marks.get(sheet, _NO_MARKS).columns if sheet else frozenset()
        for column, name in enumerate(fields, 1):
            if name and column in hidden:
                cell = f"{get_column_letter(column)}{row.line}"
                parts = {
                    "field": name,
                    "params": {"column": shorten(plain(row.values[column - 1]))},
                }
                self._fault(
                    "IMPORT_COLUMN_HIDDEN", row.line, cell=cell, severity="warning", **parts
                )
        for one in merged:
            wide = one.last_column > one.first_column
            if wide and one.first_row <= row.line <= one.last_row:
                cell = f"{get_column_letter(one.first_column)}{row.line}"
                self._fault("IMPORT_HEADER_MERGED", row.line, cell=cell, found=one.name)

    def _tell_unread(self, head: Head, sheet: str) -> None:
        """Now that every row was seen: a column whose cells look like a field that is lacking."""
        for column, text, name in head.unread.telling() if head.usable else ():
            self.withheld = True
            self._tell(unread_column(column, text, name), head.line, sheet)

    def _tell(self, found: Heading, line: int, sheet: str) -> None:
        cell = ""
        if sheet and found.column:
            prefix = f"{sheet}!" if self._sheets_read[0] != sheet else ""
            cell = f"{prefix}{get_column_letter(found.column)}{line}"
        self._fault(found.code, line, cell=cell, **found.parts)

    # --- problems -------------------------------------------------------------------------------

    def _problem(self, code: str, line: int = 0, **parts: Any) -> Problem:
        return Problem(code, file=self._name, line=line, **parts)

    def _fault(self, code: str, line: int = 0, **parts: Any) -> None:
        self.problems.append(self._problem(code, line, **parts))


_ROW_FAULTS = frozenset({"LOG_CELL_TOO_LONG", "LOG_ROW_UNREADABLE"})


def _as_shown(name: str, cell: Any, place: str, marks: Marks) -> Any:
    if name in PER_CENT and place in marks.percent:
        return per_cent(cell)
    return shown(cell, marks.padded[place]) if place in marks.padded else cell
