"""The audit log's routes: search box, page, workbook."""

import re
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query
from fastapi.responses import RedirectResponse, Response

from auditlog.errors import BadQueryError
from auditlog.events import EventKind
from service.web.rooms.asking import in_order, moment_asked, one_of
from service.web.rooms.here import Anyone, Here, LogReader
from service.web.rooms.log_page import COLUMNS, exported, log_page, search_url
from service.web.rooms.log_search import Asked
from service.web.rooms.sheets import sheet_response
from workorders import reads

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=400)]
_NUMBER = re.compile(r"(?:WO|AL)-[\w-]{1,36}", re.ASCII | re.IGNORECASE)


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
    _check(here, search)
    try:
        return here.show("log.html", log_page(here, search), "log", live=False)
    except BadQueryError:
        # a cursor or a span of another search: the search without them is still right
        return RedirectResponse(search.address(cursor="", since="", until=""), 303)


@router.get("/log.xlsx")
def export(here: LogReader, search: Search) -> Response:
    """The events of the search as a workbook."""
    _check(here, search)
    return sheet_response(here, "ui.nav.log", COLUMNS, exported(here, search))


def _check(here: Here, search: Asked) -> None:
    """What the search narrows by is something that there can be."""
    since = moment_asked(here, "from", search.since)
    until = moment_asked(here, "to", search.until)
    in_order(since, until, name="to", text=search.until)
    one_of("kind", search.kind, [one.value for one in EventKind])


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
