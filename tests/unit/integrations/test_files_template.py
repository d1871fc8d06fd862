"""A template as a person gets it: notes, drop-downs, a guide; brought back it is read."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from integrations.files import COLUMNS, Form, Kind, Terms, header, read_batch, xlsx_template
from service.i18n import load_words

DESK = "华东钢铁/铜贸易部"
HEADS = ["列名", "含义", "必填", "内容", "示例"]


def both(key: str) -> str:
    return " / ".join(load_words(language, strict=True).text(key) for language in ("zh", "en"))


@pytest.fixture
def made(tmp_path: Path) -> Any:
    def make(kind: Kind) -> Path:
        path = tmp_path / f"{kind}.xlsx"
        content = xlsx_template(
            kind,
            labels={one.name: both(f"import.field.{one.name}") for one in COLUMNS[kind]},
            lists={Form.PRODUCT: ["al", "cu"], Form.ORG: [DESK]},
            forms={form: both(f"import.form.{form.value}") for form in Form},
            guide=HEADS,
        )
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize("kind", list(Kind))
def test_each_column_has_a_note_and_a_line_in_the_guide(made: Any, kind: Kind) -> None:
    book = openpyxl.load_workbook(made(kind))
    sheet, guide = book.worksheets[0], book["说明 Guide"]
    assert tuple(cell.value for cell in sheet[1]) == header(kind)
    lines = {row[0]: row for row in guide.iter_rows(min_row=2, values_only=True)}
    assert tuple(lines) == header(kind)
    for cell, column in zip(sheet[1], COLUMNS[kind], strict=True):
        for language in ("zh", "en"):
            label = load_words(language).text(f"import.field.{column.name}")
            assert label in cell.comment.text
            assert label in lines[column.name][1]
        assert all(choice in cell.comment.text for choice in column.choices)
        assert (column.example or "") in cell.comment.text
        assert lines[column.name][2] == ("✓" if column.needed else "")
        assert lines[column.name][3]


@pytest.mark.parametrize("kind", list(Kind))
def test_an_untouched_template_is_empty_and_nothing_else(
    made: Any, terms: Terms, kind: Kind
) -> None:
    batch = read_batch(made(kind), kind, terms)
    assert [(one.code, one.severity) for one in batch.problems] == [("IMPORT_EMPTY", "error")]


def test_a_template_that_was_filled_in_is_read(made: Any, terms: Terms) -> None:
    path = made(Kind.LIMITS)
    book = openpyxl.load_workbook(path)
    row = {
        "limit_id": "N",
        "org": DESK,
        "product": "cu",
        "amount": 5000,
        "valid_from": "2024-05-14",
    }
    for place, name in enumerate(header(Kind.LIMITS), 1):
        book.worksheets[0].cell(2, place).value = row.get(name)
    book.save(path)
    batch = read_batch(path, Kind.LIMITS, terms)
    assert (len(batch.entries), batch.problems, batch.bad) == (1, (), ())


def test_closed_lists_are_chosen_from_a_list(made: Any) -> None:
    sheet = openpyxl.load_workbook(made(Kind.CONTRACTS)).worksheets[0]
    rules = {
        str(rule.sqref).split("2:")[0]: rule.formula1
        for rule in sheet.data_validations.dataValidation
    }
    letters = {cell.value: cell.column_letter for cell in sheet[1]}
    assert rules[letters["side"]] == '"buy,sell"'
    assert rules[letters["product"]] == '"al,cu"'
    assert {letters["org"], letters["price_type"], letters["status"]} <= set(rules)
