"""隔离区's routes, alike for the log's rows and the book's: list, workbook, mend, dismiss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import Response

from auditlog.errors import LogError, UnknownRowError
from auditlog.port import QuarantinedRow
from integrations.errors import UnknownQuarantineRow
from integrations.files import Quarantined
from service.web.rooms import book_quarantine, quarantine
from service.web.rooms.here import Here, LogReader, not_found
from service.web.rooms.log_search import scope_of
from service.web.rooms.quarantine import Done, Shown
from service.web.rooms.sheets import Column, sheet_response

router = APIRouter(include_in_schema=False)
Row = TypeVar("Row")
Number = Annotated[int, Path(ge=1, le=2**53)]
Reason = Annotated[str, Form(max_length=2000)]
_EXPORTED = 5000


def shown(
    state: Literal["open", "replayed", "dismissed"] = "open",
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Shown:
    """The rows that an address asks for."""
    return Shown(state, after)


async def _form(request: Request) -> Mapping[str, str]:
    """Every text of the form."""
    async with request.form(max_fields=60, max_files=0) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _book_reader(here: LogReader) -> Here:
    here.signed.check(book_quarantine.READ)
    return here


Wanted = Annotated[Shown, Depends(shown)]
Fields = Annotated[Mapping[str, str], Depends(_form)]
BookReader = Annotated[Here, Depends(_book_reader)]


@dataclass(frozen=True, slots=True)
class _Held(Generic[Row]):
    """One of the two quarantines.

    Attributes:
        path: of its page.
        find: the open row of a number; None for one that the person must not see. Raises
            `UnknownRowError` or `UnknownQuarantineRow` for one that is settled.
        mend: lay a form over the row and store it: what was done, or sentences on what is wrong.
        drop: close the row without storing it.
    """

    path: str
    find: Callable[[Here, int], Row | None]
    mend: Callable[[Here, Row, Mapping[str, str]], Done | str]
    drop: Callable[[Here, Row, str], None]

    def replay(self, here: Here, number: int, form: Mapping[str, str]) -> Response:
        """修正重放."""

        def mend(row: Row) -> Response:
            answer = self.mend(here, row, form)
            if isinstance(answer, str):
                return here.refused(self.path, answer)
            return here.done(self.path, answer.key, number=str(number))

        return self._settle(here, number, mend)

    def dismiss(self, here: Here, number: int, reason: str) -> Response:
        """排除, with the reason."""

        def drop(row: Row) -> Response:
            if not reason.strip():
                return here.refused(self.path, here.names.reason("NEEDS_REASON"))
            self.drop(here, row, reason.strip())
            return here.done(self.path, "ui.said.row_dismissed", number=str(number))

        return self._settle(here, number, drop)

    def _settle(self, here: Here, number: int, act: Callable[[Row], Response]) -> Response:
        try:
            row = self.find(here, number)
            if row is None:
                raise not_found()
            return act(row)
        except (UnknownRowError, UnknownQuarantineRow):
            return here.refused(self.path, here.text("ui.log.row_settled"))
        except LogError as error:
            why = here.text(f"problem.{error.code}")
            return here.refused(self.path, here.text("ui.log.act_waits", why=why))


_LOG: _Held[QuarantinedRow] = _Held(
    quarantine.PATH, quarantine.open_row, quarantine.mend, quarantine.dismiss
)
_BOOK: _Held[Quarantined] = _Held(
    book_quarantine.PATH,
    book_quarantine.open_row,
    book_quarantine.mend,
    book_quarantine.dismiss,
)


# --- rows of the log ----------------------------------------------------------------------------


@router.get("/log/quarantine")
def show_log(here: LogReader, wanted: Wanted) -> Response:
    """The rows that wait to be mended, or those that were settled."""
    page = quarantine.quarantine_page(here, wanted)
    return here.show("quarantine.html", page, "log", live=False)


@router.get("/log/quarantine.xlsx")
def export_log(here: LogReader, wanted: Wanted) -> Response:
    """The same as a workbook."""
    rows = here.app.log.quarantine(state=wanted.state, orgs=scope_of(here), limit=_EXPORTED)
    return sheet_response(here, "ui.log.quarantine", _COLUMNS, rows)


@router.post("/log/quarantine/{number}/replay")
def replay_log(here: LogReader, number: Number, form: Fields) -> Response:
    """修正重放."""
    return _LOG.replay(here, number, form)


@router.post("/log/quarantine/{number}/dismiss")
def dismiss_log(here: LogReader, number: Number, reason: Reason = "") -> Response:
    """排除, with the reason."""
    return _LOG.dismiss(here, number, reason)


# --- rows of the book's files -------------------------------------------------------------------


@router.get("/log/quarantine/book")
def show_book(here: BookReader, wanted: Wanted) -> Response:
    """The rows of imported files that wait to be mended, or those that were settled."""
    page = book_quarantine.book_page(here, wanted)
    return here.show("quarantine.html", page, "log", live=False)


@router.get("/log/quarantine/book.xlsx")
def export_book(here: BookReader, wanted: Wanted) -> Response:
    """The same as a workbook."""
    rows = book_quarantine.book_rows(here, Shown(wanted.state), limit=_EXPORTED)
    return sheet_response(here, "ui.log.quarantine_book", _BOOK_COLUMNS, rows)


@router.post("/log/quarantine/book/{number}/replay")
def replay_book(here: BookReader, number: Number, form: Fields) -> Response:
    """修正重放."""
    return _BOOK.replay(here, number, form)


@router.post("/log/quarantine/book/{number}/dismiss")
def dismiss_book(here: BookReader, number: Number, reason: Reason = "") -> Response:
    """排除, with the reason."""
    return _BOOK.dismiss(here, number, reason)


# --- workbooks ----------------------------------------------------------------------------------

_COLUMNS: Sequence[Column[QuarantinedRow]] = (
    Column("ui.column.row", lambda row, _: row.number),
    Column("ui.column.source", lambda row, _: quarantine.source_of(row)),
    Column("ui.column.received", lambda row, _: row.received_at),
    Column("ui.column.reason", lambda row, here: quarantine.reason_of(here, row)),
    Column("ui.column.raw", lambda row, _: row.reject.raw),
    Column("ui.column.settled", lambda row, here: quarantine.settled_of(here, row)),
)
_BOOK_COLUMNS: Sequence[Column[Quarantined]] = (
    Column("ui.column.row", lambda row, _: row.number),
    Column("ui.column.kind", lambda row, here: here.text(f"import.kind.{row.kind.value}")),
    Column("ui.column.source", lambda row, _: book_quarantine.book_place(row)),
    Column("ui.column.received", lambda row, _: row.received_at),
    Column("ui.column.reason", lambda row, here: book_quarantine.book_reason(here, row)),
    Column("ui.column.raw", lambda row, _: book_quarantine.book_raw(row)),
    Column("ui.column.settled", lambda row, here: quarantine.settled_of(here, row)),
)
