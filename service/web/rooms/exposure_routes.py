"""The exposure's routes: the map at any two times, its rows and documents as workbooks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import select

from book.read import read_state
from book.state import BookState
from service.exposure_rows import FIGURES
from service.web.rooms.asking import moment_asked, one_of
from service.web.rooms.exposure import About, Asked, documents, exposure_page, table_of
from service.web.rooms.exposure_lines import ANY, MEASURES
from service.web.rooms.exposure_units import UNITS
from service.web.rooms.here import BookReader, Here, not_found
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.exposure import ExposureRow
from workorders import reads
from workorders.exemption_rows import read_in_force, seen_exemption
from workorders.exemptions import Exemption
from workorders.rows import ORDERS

router = APIRouter(include_in_schema=False)
Word = Annotated[str, Query(max_length=400)]
Start = Annotated[int, Query(ge=0, le=10**6)]


def _asked(
    here: Here, *, measure: str, unit: str, as_of: str, known_at: str, place: tuple[str, str, str]
) -> Asked:
    return Asked(
        one_of("measure", measure, MEASURES) or "net",
        one_of("unit", unit, UNITS) or "base",
        moment_asked(here, "as_of", as_of, past=True),
        moment_asked(here, "known_at", known_at, past=True),
        *place,
    )


def _book(here: Here, asked: Asked) -> BookState:
    if not here.scopes:
        return BookState()
    with here.app.store.reader() as connection:
        return read_state(
            connection,
            as_of=asked.as_of or here.now,
            known_at=asked.known_at or here.now,
            orgs=here.scopes,
        )


def _orders(here: Here, asked: Asked) -> list[str]:
    """The active work orders about the open cell, the newest first."""
    if not asked.opened or asked.as_of is not None or not here.may("view"):
        return []
    c = ORDERS.c
    found = (
        select(c.id)
        .where(reads.within(c.org, here.scopes), reads.within(c.org, [asked.org]))
        .where(c.product == asked.product, c.state.in_([one.value for one in reads.ACTIVE]))
        .order_by(c.opened_at.desc(), c.id.desc())
        .limit(1)
    )
    if asked.month not in {"", ANY}:
        found = found.where(c.month.in_(["", asked.month]))
    with here.app.store.reader() as connection:
        return list(connection.scalars(found))


def _exempt(here: Here, asked: Asked) -> list[Exemption]:
    """The exemptions in force about the open cell, as far as the reader may see them."""
    if not asked.opened or asked.as_of is not None or not here.may("view"):
        return []
    with here.app.store.reader() as connection:
        given = read_in_force(connection, here.now)
        return [
            one
            for one in given
            if (one.terms.org, one.terms.product) == (asked.org, asked.product)
            and (asked.month in {"", ANY} or one.terms.month in {"", asked.month})
            and seen_exemption(connection, one.id, here.scopes, here.person) is not None
        ]


@router.get("/exposure")
def show(
    here: BookReader, *, measure: Word = "", unit: Word = "", as_of: Word = "", known_at: Word = "",
    org: Word = "", product: Word = "", month: Word = "", start: Start = 0,
) -> Response:  # fmt: skip
    """The map, and the drawer of the cell that the address names."""
    if org and not here.signed.sees(org):
        raise not_found()
    asked = _asked(
        here, measure=measure, unit=unit, as_of=as_of, known_at=known_at,
        place=(org, product, month),
    )  # fmt: skip
    asked = replace(asked, start=start)
    about = About(_orders(here, asked), _exempt(here, asked))
    page = exposure_page(here, _book(here, asked), asked, about)
    return here.show("exposure.html", page, "exposure", live=asked.as_of is None)


@router.get("/exposure.xlsx")
def export(here: BookReader, *, as_of: Word = "", known_at: Word = "") -> Response:
    """Every place with all its figures."""
    asked = _asked(here, measure="", unit="", as_of=as_of, known_at=known_at, place=("", "", ""))
    table = table_of(here, _book(here, asked), asked)
    return sheet_response(here, "ui.nav.exposure", _PLACES, table.rows)


@router.get("/exposure/rows.xlsx")
def export_rows(
    here: BookReader, *, org: Word, product: Word, month: Word = "", as_of: Word = "",
    known_at: Word = "",
) -> Response:  # fmt: skip
    """The documents behind one cell."""
    if not here.signed.sees(org):
        raise not_found()
    asked = _asked(
        here, measure="", unit="", as_of=as_of, known_at=known_at, place=(org, product, month)
    )
    rows = documents(here, _book(here, asked), asked)
    return sheet_response(here, "ui.exposure.rows", _DOCUMENTS, rows)


_Place = dict[str, Any]


def _field(name: str) -> Column[_Place]:
    return Column(f"book.{name}", lambda row, _: row[name])


_PLACES: Sequence[Column[_Place]] = (
    *(_field(name) for name in ("org", "account", "product", "month", "project", "unit", *FIGURES)),
    Column("ui.column.limit", lambda row, _: row["limit"]),
    Column("ui.column.use", lambda row, _: row["use"]),
    Column(
        "ui.column.level",
        lambda row, here: here.text(f"ui.level.{row['level']}") if row["level"] else "",
    ),
    Column("book.data_state", lambda row, here: here.text(f"book.state.{row['data_state']}")),
    Column(
        "ui.column.reason",
        lambda row, here: " ".join(here.names.reason(code) for code in row["reasons"]),
    ),
)
_DOCUMENTS: Sequence[Column[ExposureRow]] = (
    Column("ui.column.document", lambda row, here: here.text(f"ui.document.{row.kind}")),
    Column("ui.column.number", lambda row, _: row.number),
    Column("ui.column.quantity", lambda row, _: row.figure.value),
    Column("ui.column.quantity_unit", lambda row, _: row.figure.unit),
    Column("ui.column.state", lambda row, here: here.text(f"ui.row_state.{row.state}")),
    Column("ui.column.time", lambda row, _: row.at),
)
