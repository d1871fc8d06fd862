"""What is wrong with a row before its cells are read: width, merges, formulas, hidden rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from openpyxl.utils import get_column_letter

from auditlog.rows import Row, uneven
from integrations.files.cell_marks import Marks, per_cent
from integrations.files.kinds import Form
from integrations.files.unread import UnreadColumns
from integrations.files.values import plain
from integrations.files.workbook_parts import Range
from store.problems import Problem, shorten

#: Columns that hold per cent, so that a cell that shows 5% means 5.
PER_CENT: Final = frozenset({"tolerance_pct"})
#: What a cell of each form may hold, in place of a formula without its value.
_SAMPLES: Final[Mapping[Form, str]] = {
    **dict.fromkeys(Form, "abc"),
    **dict.fromkeys((Form.POSITIVE, Form.AMOUNT, Form.NUMBER), "1286400.00"),
    Form.LOTS: "20",
    Form.MONTH: "2406, spot",
    Form.TIME: "2024-05-14",
    Form.DAYS: "2024-05-14",
    Form.FLAG: "yes, no, 是, 否",
}
FIGURES: Final = frozenset({Form.POSITIVE, Form.AMOUNT, Form.NUMBER, Form.LOTS})


@dataclass(frozen=True, slots=True)
class Head:
    """A header that was found.

    Attributes:
        fields: the field of each column, ``""`` for one that is left out.
        usable: whether the rows below it can be read.
        unread: the columns that are left out.
        headers: field → the column's name as it stands in the file.
        names: the name of each column as it stands in the file, each but once.
        line: where it stands.
    """

    fields: tuple[str, ...]
    usable: bool
    unread: UnreadColumns
    headers: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """What a sheet shows besides its values; nothing for text.

    Attributes:
        prefix: what stands before a cell's name on any sheet but the first.
        marks: formats and what is hidden.
        merged: merged ranges.
        uncalculated: cells with a formula and no value.
    """

    prefix: str
    marks: Marks
    merged: Sequence[Range]
    uncalculated: frozenset[str]


def row_problems(
    row: Row, head: Head, layout: Layout, *, file: str, forms: Mapping[str, Form]
) -> tuple[Problem, ...]:
    """Why the row cannot be read; the first kind of fault that is found, each place of it."""
    for check in (_width, _formulas, _hidden, _percentages, _merges):
        found = tuple(check(row, head, layout, forms))
        if found:
            return tuple(_at(file, row, one, head) for one in found)
    return ()


def header_names(cells: Sequence[Any]) -> tuple[str, ...]:
    """The columns' names as they stand; one that is bare or stands twice has its letter: [C]."""
    found: list[str] = []
    for place, cell in enumerate(cells, 1):
        text = "" if blank(cell) else shorten(plain(cell).strip())
        alone = text and text not in found
        found.append(text if alone else f"{text} [{get_column_letter(place)}]".strip())
    return tuple(found)


def blank(cell: Any) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


_Found = dict[str, Any]


def _at(file: str, row: Row, parts: _Found, head: Head) -> Problem:
    name = parts.get("field", "")
    theirs = {"column": head.headers[name]} if name in head.headers else {}
    params = {**theirs, **parts.pop("params", {})}
    return Problem(file=file, line=row.line, params=params, **parts)


def _width(row: Row, head: Head, _: Layout, __: Mapping[str, Form]) -> Iterator[_Found]:
    given = len(row.values)
    while given > len(head.fields) and blank(row.values[given - 1]):
        given -= 1
    if given > len(head.fields) or (given < len(head.fields) and not row.sheet):
        named = uneven(head.fields, given)
        found, allowed = str(given), str(len(head.fields))
        yield {"code": "LOG_COLUMNS", "field": named, "found": found, "allowed": allowed}


def _formulas(row: Row, head: Head, layout: Layout, forms: Mapping[str, Form]) -> Iterator[_Found]:
    for column, name in enumerate(head.fields, 1):
        place = f"{get_column_letter(column)}{row.line}"
        if name and place in layout.uncalculated:
            cell, allowed = layout.prefix + place, _SAMPLES[forms[name]]
            yield {
                "code": "IMPORT_NOT_CALCULATED", "field": name, "cell": cell, "found": "=…",
                "allowed": allowed,
            }  # fmt: skip


def _hidden(row: Row, _: Head, layout: Layout, __: Mapping[str, Form]) -> Iterator[_Found]:
    if row.line in layout.marks.hidden:
        yield {"code": "IMPORT_ROW_HIDDEN"}


def _percentages(
    row: Row, head: Head, layout: Layout, forms: Mapping[str, Form]
) -> Iterator[_Found]:
    cells = zip(head.fields, row.values, strict=False) if layout.marks.percent else ()
    for column, (name, value) in enumerate(cells, 1):
        place = f"{get_column_letter(column)}{row.line}"
        figure = forms.get(name) in FIGURES and name not in PER_CENT
        if figure and place in layout.marks.percent and _number(value):
            cell, found = layout.prefix + place, f"{per_cent(value)}%"
            yield {"code": "IMPORT_PERCENTAGE", "field": name, "cell": cell, "found": found}


def _merges(row: Row, head: Head, layout: Layout, _: Mapping[str, Form]) -> Iterator[_Found]:
    for one in layout.merged:
        columns = range(one.first_column, one.last_column + 1)
        named = [head.fields[c - 1] for c in columns if c <= len(head.fields)]
        if any(named) and one.first_row <= row.line <= one.last_row:
            yield {
                "code": "IMPORT_MERGED_CELLS",
                "field": next(filter(None, named)),
                "found": one.name,
                "allowed": "1 × 1",
                "cell": f"{layout.prefix}{get_column_letter(one.first_column)}{row.line}",
            }


def _number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)
