"""隔离区 of the book's files: rows that could not be read, mended and taken in, or dismissed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import trail
from integrations.errors import UnknownQuarantineRow
from integrations.files import COLUMNS, Column, Entry, Form, Quarantined, quarantined
from integrations.files import dismiss as dismiss_row
from integrations.files import replay as replay_row
from service.assessing import assess_in
from service.import_terms import terms_of
from service.web.rooms.here import Here
from service.web.rooms.log_search import known_unit, scope_of
from service.web.rooms.manual_orders import units
from service.web.rooms.quarantine import (
    PAGE,
    PREFIX,
    WRITE,
    Done,
    Shown,
    acts_of,
    page_of,
    said,
    settled_of,
)
from service.web.views.log import QuarantineLine, QuarantinePage
from service.web.views.orders import Pair
from service.web.views.parts import Choice, FormField
from store.problems import Problem

PATH = "/log/quarantine/book"
READ = "book.read"
#: Of a cell; the workbook holds all of it.
_SHOWN = 2000


def book_page(here: Here, wanted: Shown) -> QuarantinePage:
    """The rows that are open, or those that were settled."""
    rows = book_rows(here, wanted, limit=PAGE + 1)
    lines = [_line_of(here, row) for row in rows]
    return page_of(here, lines, wanted, PATH, "ui.log.quarantine_book")


def book_rows(here: Here, wanted: Shown, *, limit: int) -> list[Quarantined]:
    """Rows of the units that the person sees; who sees every unit sees the strays too."""
    with here.app.store.reader() as connection:
        return quarantined(
            connection, state=wanted.state, orgs=scope_of(here), after=wanted.after, limit=limit
        )


def open_row(here: Here, number: int) -> Quarantined:
    """The open row with this number, if the person sees it.

    Raises:
        UnknownQuarantineRow: when somebody settled it, or it was never theirs to see.
    """
    found = book_rows(here, Shown(after=number - 1), limit=1)
    if not found or found[0].number != number:
        raise UnknownQuarantineRow(number)
    return found[0]


def book_place(row: Quarantined) -> str:
    """File and line."""
    return f"{row.file}:{row.line}" if row.line else row.file


def book_reason(here: Here, row: Quarantined) -> str:
    """All that is wrong with it, in the reader's words."""
    return " ".join(_said(here, problem) for problem in row.problems)


def book_raw(row: Quarantined) -> str:
    """The row as it was, one line."""
    return "; ".join(f"{name}={value}" for name, value in row.original.items())


def _line_of(here: Here, row: Quarantined) -> QuarantineLine:
    mending, dismissing = acts_of(
        here,
        f"{PATH}/{row.number}",
        row.org,
        book_form(here, row) if row.state == "open" else None,
    )
    return QuarantineLine(
        number=row.number,
        source=book_place(row),
        kind=here.text(f"import.kind.{row.kind.value}"),
        received_at=row.received_at,
        reason=book_reason(here, row),
        raw="",
        cells=tuple(
            Pair(_label(here, name), value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
            for name, value in row.original.items()
        ),
        replay=mending,
        dismiss=dismissing,
        settled=settled_of(here, row),
    )


def _said(here: Here, problem: Problem) -> str:
    """One fault as a sentence that calls the column by its name."""
    return said(here, replace(problem, field=_label(here, problem.field)))


def _label(here: Here, name: str) -> str:
    key = f"import.field.{name}"
    return here.text(key) if key in here.reader.words else name


def book_form(here: Here, row: Quarantined) -> Iterator[FormField]:
    """What to mend: the cells that are wrong or missing; the whole row when no cell is named."""
    wrong: dict[str, str] = {}
    for problem in row.problems:
        if problem.field:
            wrong.setdefault(problem.field, _said(here, problem))
    columns = COLUMNS[row.kind]
    chosen = [
        one for one in columns if one.name in wrong or (one.needed and not row.raw.get(one.name))
    ]
    for column in chosen or columns:
        yield _field(here, column, row.raw.get(column.name, ""), wrong.get(column.name, ""))


def _field(here: Here, column: Column, value: str, error: str) -> FormField:
    name, label = PREFIX + column.name, _label(here, column.name)
    choices: list[Choice] = []
    if column.form is Form.ORG:
        choices = [Choice(path, here.names.unit(path), path == value) for path in units(here)]
    elif column.form is Form.CHOICE:
        choices = [Choice(one, one, one == value) for one in column.choices]
    if choices:
        return FormField(
            name, label, "select", value, column.needed, choices=tuple(choices), error=error
        )
    hint = "" if error or not column.example else column.example
    return FormField(name, label, "text", value, column.needed, error=error, hint=hint)


def replay_book_row(here: Here, row: Quarantined, form: Mapping[str, str]) -> list[Problem]:
    """Lay the form over the row and take it in, with all that follows; or what is still wrong.

    Raises:
        Forbidden: when the person may not bring in data for the unit of the row as mended.
        UnknownQuarantineRow: when somebody settled it in between.
    """
    fields = {
        one.name.removeprefix(PREFIX): form[one.name].strip()
        for one in book_form(here, row)
        if one.name in form
    }
    with here.app.store.unit_of_work(here.person) as uow:
        found = replay_row(uow, row.number, fields, terms_of(here.app, uow.connection, uow.now))
        if isinstance(found, Entry):
            org = str(getattr(found.fact, "org", ""))
            here.signed.check(WRITE, org)
            assess_in(uow, here.app, [(org, str(getattr(found.fact, "product", "")))])
            return []
        here.signed.check(WRITE)
        trail.record(
            uow,
            kind="decision",
            action="import.row",
            object_type="import_row",
            object_id=str(row.number),
            org=row.org,
            outcome="refused",
            reason=found[0].code,
            body={"file": row.file, "line": row.line, "fields": fields},
        )
    return found


def mend(here: Here, row: Quarantined, form: Mapping[str, str]) -> Done | str:
    """Mend the row and take it in: what was done, or in sentences what is still wrong with it."""
    wrong = replay_book_row(here, row, form)
    return " ".join(said(here, one) for one in wrong) or Done("ui.said.row_taken_in")


def dismiss(here: Here, row: Quarantined, reason: str) -> None:
    """Close the row without taking it in; it stays readable.

    Raises:
        Forbidden: when the person may not bring in data for the unit of the row.
        UnknownQuarantineRow: when somebody settled it in between.
    """
    here.signed.check(WRITE, known_unit(here, row.org))
    with here.app.store.unit_of_work(here.person) as uow:
        dismiss_row(uow, row.number, reason)
