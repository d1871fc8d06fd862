"""Empty files to fill in: the header of each kind, and a workbook with drop-downs and notes."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import xlsxwriter

from integrations.files.kinds import COLUMNS, Column, Form, Kind, header

_ROWS: Final = 5_000
#: The sheets of a template that hold no rows.
LIST_SHEET: Final = "lists"
GUIDE_SHEET: Final = "说明 Guide"
_INLINE_MOST: Final = 255
_WIDTH: Final = 14


def csv_template(kind: Kind) -> str:
    """The header of a kind as one line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(header(kind))
    return out.getvalue()


def xlsx_template(
    kind: Kind,
    *,
    labels: Mapping[str, str],
    lists: Mapping[Form, Sequence[str]],
    forms: Mapping[Form, str],
    guide: Sequence[str],
) -> bytes:
    """A workbook with the header, a note on each column, drop-downs, and a sheet that explains it.

    The first sheet's header is the contract; the guide is never read.

    Args:
        kind: what the workbook is for.
        labels: field → its label, in both languages.
        lists: what may be chosen for products, organisations and units.
        forms: how a cell of each form is written, in both languages.
        guide: the heads of the guide's five columns: column, label, needed, cell, example.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet(kind.value)
    explained = book.add_worksheet(GUIDE_SHEET)
    hidden = book.add_worksheet(LIST_SHEET)
    hidden.hide()
    needed = book.add_format({"bold": True, "bg_color": "#DCE6F1", "text_wrap": True})
    optional = book.add_format({"bg_color": "#F2F2F2", "text_wrap": True})
    text = book.add_format({"num_format": "@"})
    for place, column in enumerate(COLUMNS[kind]):
        sheet.write_string(0, place, column.name, needed if column.needed else optional)
        sheet.write_comment(0, place, _note(column, labels, forms), {"x_scale": 3, "y_scale": 1.5})
        # ids, codes and months are text: 0011 must not become 11, nor 2406 a number
        sheet.set_column(place, place, _WIDTH, None if _is_number(column) else text)
        choices = column.choices or tuple(lists.get(column.form, ()))
        if choices:
            source = _source(hidden, place, choices)
            rule = {"validate": "list", "source": source, "error_type": "warning"}
            sheet.data_validation(1, place, _ROWS, place, rule)
    sheet.freeze_panes(1, 0)
    lines = [
        (
            column.name,
            labels[column.name],
            "✓" if column.needed else "",
            _allowed(column, forms),
            column.example,
        )
        for column in COLUMNS[kind]
    ]
    _explain(explained, guide, lines, (needed, text))
    book.close()
    return out.getvalue()


def _note(column: Column, labels: Mapping[str, str], forms: Mapping[Form, str]) -> str:
    parts = [labels[column.name], _allowed(column, forms), column.example]
    return "\n".join(part for part in parts if part)


def _allowed(column: Column, forms: Mapping[Form, str]) -> str:
    return ", ".join(column.choices) or forms[column.form]


def _explain(
    sheet: Any, heads: Sequence[str], lines: Sequence[Sequence[str]], formats: tuple[Any, Any]
) -> None:
    bold, plain = formats
    sheet.write_row(0, 0, heads, bold)
    for number, line in enumerate(lines, 1):
        for place, cell in enumerate(line):
            sheet.write_string(number, place, cell, plain)
    for place, width in enumerate((18, 36, 12, 60, 26)):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 0)


def _is_number(column: Column) -> bool:
    return column.form in {Form.POSITIVE, Form.AMOUNT, Form.NUMBER, Form.LOTS}


def _source(hidden: Any, place: int, choices: Sequence[str]) -> Any:
    if len(",".join(choices)) <= _INLINE_MOST and not any("," in one for one in choices):
        return list(choices)
    hidden.write_column(0, place, list(choices))
    letter = xlsxwriter.utility.xl_col_to_name(place)
    return f"={LIST_SHEET}!${letter}$1:${letter}${len(choices)}"
