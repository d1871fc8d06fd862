"""Tables as Excel workbooks: one sheet, a head that says what and as of when, typed cells."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import xlsxwriter
from fastapi.responses import Response

from service.web.rooms.here import Here

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FIRST_ROW = 3
_WIDEST = 60
_WIDE_SCRIPT = 0x2E80

Line = TypeVar("Line")


@dataclass(frozen=True)
class Column(Generic[Line]):
    """One column: the key of its head, and the value of a line (text, number, time or None)."""

    head: str
    value: Callable[[Line, Here], Any]


def sheet_response(
    here: Here, title: str, columns: Sequence[Column[Line]], lines: Iterable[Line]
) -> Response:
    """The workbook as a download; `title` is a key of the catalogue."""
    name = here.text(title)
    heads = [here.text(column.head) for column in columns]
    values = ([column.value(line, here) for column in columns] for line in lines)
    local = here.reader.format.local
    data = workbook(
        name,
        here.text(
            "ui.sheet.made",
            at=here.reader.format.moment(here.now),
            who=here.names.person(here.person),
        ),
        heads,
        values,
        local,
    )
    file = quote(f"{name}-{local(here.now):%Y%m%d-%H%M}.xlsx")
    return Response(
        data,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{file}"},
    )


def workbook(
    title: str,
    note: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    local: Callable[[datetime], datetime],
) -> bytes:
    """One sheet.

    Text stays text, so that a cell that begins with ``=`` is never a formula. Decimals become
    numbers where a double says the same digits, else text.
    """
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(made, options) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        bold, plain = book.add_format({"bold": True, "font_size": 14}), book.add_format()
        head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EDF0F5"})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_string(0, 0, title, bold)
        sheet.write_string(1, 0, note, plain)
        cells = _Cells(sheet, time, local)
        widths = [len(text) + 4 for text in heads]
        for column, text in enumerate(heads):
            sheet.write_string(_FIRST_ROW, column, text, head)
        for row, values in enumerate(rows, start=_FIRST_ROW + 1):
            for column, value in enumerate(values):
                shown = cells.write(row, column, value)
                widths[column] = max(widths[column], min(shown + 2, _WIDEST))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(_FIRST_ROW + 1, 0)
    return made.getvalue()


@dataclass(frozen=True, slots=True)
class _Cells:
    """Writes typed cells of one sheet; each call tells how wide the cell is."""

    sheet: Any
    time: Any
    local: Callable[[datetime], datetime]

    def write(self, row: int, column: int, value: Any) -> int:
        """Write one value: time, number, or text."""
        if value is None or value == "":
            return 0
        if isinstance(value, datetime):
            self.sheet.write_datetime(
                row, column, self.local(value).replace(tzinfo=None), self.time
            )
            return 19
        if isinstance(value, (Decimal, int)) and not isinstance(value, bool):
            number = float(value)
            if Decimal(repr(number)) == value:
                self.sheet.write_number(row, column, number)
                return len(str(value))
        text = str(value)
        self.sheet.write_string(row, column, text[:32_767])
        return sum(2 if ord(letter) > _WIDE_SCRIPT else 1 for letter in text)


def _sheet_name(title: str) -> str:
    return "".join(" " if letter in "[]:*?/\\'" else letter for letter in title)[:31]
