"""The audit log's routes: search box, page, workbook, quarantine."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from auditlog.errors import BadQueryError, LogError, UnknownRowError
from auditlog.port import QuarantinedRow
from integrations.errors import UnknownQuarantineRow
from integrations.files import Quarantined
from service.web.rooms.book_quarantine import PATH as BOOK_PATH
from service.web.rooms.book_quarantine import (
    READ,
    book_page,
    book_place,
    book_raw,
    book_reason,
    book_row,
    book_rows,
    dismiss_book_row,
    replay_book_row,
)
from service.web.rooms.here import Anyone, Here, LogReader, not_found
from service.web.rooms.log_page import COLUMNS, exported, log_page, search_url
from service.web.rooms.log_search import Asked, scope_of
from service.web.rooms.quarantine import (
    PATH,
    dismiss,
    open_row,
    quarantine_page,
    reason_of,
    replay,
    said,
    source_of,
)
from service.web.rooms.sheets import Column, sheet_response
from workorders import reads

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=400)]
Number = Annotated[int, Path(ge=1, le=2**53)]
_NUMBER = re.compile(r"(?:WO|AL)-[\w-]{1,36}", re.ASCII | re.IGNORECASE)
_QUARANTINE = PATH
_BOOK = BOOK_PATH
_EXPORTED = 5000


def asked(
    *, q: Text = "", object: Text = "", pick: Text = "", kind: Text = "",  # noqa: A002 - as in the address
    unit: Text = "", actor: Text = "", outcome: Text = "", source: Text = "",
    since: Annotated[str, Query(alias="from", max_length=60)] = "",
    until: Annotated[str, Query(alias="to", max_length=60)] = "",
    cursor: Annotated[str, Query(max_length=100)] = "",
) -> Asked:  # fmt: skip
    """The search of an address."""
    return Asked(
        q.strip(), object.strip(), pick.strip(), kind, unit, actor, outcome, source, since, until,
        cursor,
    )  # fmt: skip


Search = Annotated[Asked, Depends(asked)]


@router.get("/search")
def search(here: Anyone, q: Text = "") -> Response:
    """The box of the top bar: work orders and alerts open, all else is looked for in the log."""
    text = q.strip()
    page = _page_of(here, text)
    if page:
        return RedirectResponse(page, 303)
    if here.may("log.read"):
        return RedirectResponse(search_url(text), 303)
    return RedirectResponse(f"/orders?{urlencode({'q': text, 'state': 'all'})}", 303)


@router.get("/log")
def show(here: LogReader, search: Search) -> Response:
    """The page."""
    page = _page_of(here, search.q)
    if page:
        return RedirectResponse(page, 303)
    try:
        return here.show("log.html", log_page(here, search), "log", live=False)
    except BadQueryError:
        # a cursor or a span of another search: the search without them is still right
        return RedirectResponse(search.address(cursor="", since="", until=""), 303)


@router.get("/log.xlsx")
def export(here: LogReader, search: Search) -> Response:
    """The events of the search as a workbook."""
    return sheet_response(here, "ui.nav.log", COLUMNS, exported(here, search))


@router.get("/log/quarantine")
def show_quarantine(here: LogReader, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
    """The rows that wait to be mended."""
    return here.show("quarantine.html", quarantine_page(here, after), "log", live=False)


@router.get("/log/quarantine.xlsx")
def export_quarantine(here: LogReader) -> Response:
    """The same as a workbook."""
    rows = here.app.log.quarantine(orgs=scope_of(here), limit=_EXPORTED)
    return sheet_response(here, "ui.log.quarantine", _COLUMNS, rows)


async def _form(request: Request) -> Mapping[str, str]:
    """Every text of the form."""
    async with request.form(max_fields=60, max_files=0) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


@router.post("/log/quarantine/{number}/replay")
def replay_row(
    here: LogReader, number: Number, form: Annotated[Mapping[str, str], Depends(_form)]
) -> Response:
    """修正重放."""

    def mend(row: QuarantinedRow) -> Response:
        found = replay(here, row, form)
        if isinstance(found, list):
            return here.refused(_QUARANTINE, " ".join(said(here, one) for one in found))
        if found is not None and found.quarantined:
            return here.refused(_QUARANTINE, here.text("ui.log.id_reused"))
        # None: the same wish was carried to its end by the job, and its counts are not known
        known = found is not None and not found.accepted
        key = "ui.said.replayed_known" if known else "ui.said.replayed"
        return here.done(_QUARANTINE, key, number=str(number))

    return _settle(here, number, mend)


@router.post("/log/quarantine/{number}/dismiss")
def dismiss_row(
    here: LogReader, number: Number, reason: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """排除, with the reason."""

    def drop(row: QuarantinedRow) -> Response:
        if not reason.strip():
            return here.refused(_QUARANTINE, here.names.reason("NEEDS_REASON"))
        dismiss(here, row, reason.strip())
        return here.done(_QUARANTINE, "ui.said.row_dismissed", number=str(number))

    return _settle(here, number, drop)


def _settle(here: Here, number: int, act: Callable[[QuarantinedRow], Response]) -> Response:
    try:
        row = open_row(here, number)
        if row is None:
            raise not_found()
        return act(row)
    except UnknownRowError:
        return here.refused(_QUARANTINE, here.text("ui.log.row_settled"))
    except LogError as error:
        said_why = here.text(f"problem.{error.code}")
        return here.refused(_QUARANTINE, here.text("ui.log.act_waits", why=said_why))


# --- rows of the book's files -------------------------------------------------------------------


def _book_reader(here: LogReader) -> Here:
    here.signed.check(READ)
    return here


BookRows = Annotated[Here, Depends(_book_reader)]


@router.get("/log/quarantine/book")
def show_book(here: BookRows, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
    """The rows of imported files that wait to be mended."""
    return here.show("quarantine.html", book_page(here, after), "log", live=False)


@router.get("/log/quarantine/book.xlsx")
def export_book(here: BookRows) -> Response:
    """The same as a workbook."""
    return sheet_response(here, "ui.log.quarantine_book", _BOOK_COLUMNS, book_rows(here))


@router.post("/log/quarantine/book/{number}/replay")
def replay_book(
    here: BookRows, number: Number, form: Annotated[Mapping[str, str], Depends(_form)]
) -> Response:
    """修正重放."""

    def mend(row: Quarantined) -> Response:
        wrong = replay_book_row(here, row, form)
        if wrong:
            return here.refused(_BOOK, " ".join(said(here, one) for one in wrong))
        return here.done(_BOOK, "ui.said.row_taken_in", number=str(number))

    return _settle_book(here, number, mend)


@router.post("/log/quarantine/book/{number}/dismiss")
def dismiss_book(
    here: BookRows, number: Number, reason: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """排除, with the reason."""

    def drop(row: Quarantined) -> Response:
        if not reason.strip():
            return here.refused(_BOOK, here.names.reason("NEEDS_REASON"))
        dismiss_book_row(here, row, reason.strip())
        return here.done(_BOOK, "ui.said.row_dismissed", number=str(number))

    return _settle_book(here, number, drop)


def _settle_book(here: Here, number: int, act: Callable[[Quarantined], Response]) -> Response:
    row = book_row(here, number)
    if row is None:
        # settled by somebody else, or never theirs to see: the same answer
        return here.refused(_BOOK, here.text("ui.log.row_settled"))
    try:
        return act(row)
    except UnknownQuarantineRow:
        return here.refused(_BOOK, here.text("ui.log.row_settled"))


def _page_of(here: Here, text: str) -> str:
    """The page of the work order or alert that a text names, if the person sees it."""
    if not _NUMBER.fullmatch(text) or not here.may("view"):
        return ""
    number = text.upper()
    with here.app.store.reader() as connection:
        if number.startswith("AL-"):
            if reads.get_alert(connection, number, here.scopes) is not None:
                return f"/alerts?{urlencode({'alert': number})}"
        elif reads.get_order(connection, number, here.scopes) is not None:
            return f"/orders/{quote(number)}"
    return ""


_COLUMNS: Sequence[Column[QuarantinedRow]] = (
    Column("ui.column.row", lambda row, _: row.number),
    Column("ui.column.source", lambda row, _: source_of(row)),
    Column("ui.column.received", lambda row, _: row.received_at),
    Column("ui.column.reason", lambda row, here: reason_of(here, row)),
    Column("ui.column.raw", lambda row, _: row.reject.raw),
)
_BOOK_COLUMNS: Sequence[Column[Quarantined]] = (
    Column("ui.column.row", lambda row, _: row.number),
    Column("ui.column.kind", lambda row, here: here.text(f"import.kind.{row.kind.value}")),
    Column("ui.column.source", lambda row, _: book_place(row)),
    Column("ui.column.received", lambda row, _: row.received_at),
    Column("ui.column.reason", lambda row, here: book_reason(here, row)),
    Column("ui.column.raw", lambda row, _: book_raw(row)),
)
