"""One work order: the page and its evidence as a workbook."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from service.attached import file_response
from service.web.rooms.evidence import last_by_rule, leaves_of, rule_of, spoken_rule
from service.web.rooms.here import Viewer, not_found
from service.web.rooms.order_page import order_page
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.orders import Leaf
from service.web.views.parts import Figure
from workorders import reads
from workorders.attachments import content_of, find_file

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]


@router.get("/orders/{number}.xlsx")
def export(here: Viewer, number: Number) -> Response:
    """The evidence: every compared field of every rule that matched."""
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        matches = reads.matches_of(connection, order_id=number)
    last = last_by_rule(matches, str(order.title_params.get("code", "")))
    rows: list[tuple[str, str, str, Leaf]] = []
    for match in last:
        rule = rule_of(here.app, match["rule"])
        words = spoken_rule(here, rule) if rule is not None else ""
        rows += [
            (number, here.names.title(match["code"]), words, leaf)
            for leaf in leaves_of(here, match)
        ]
    return sheet_response(here, "ui.order.evidence", _COLUMNS, rows)


@router.get("/orders/{number}/files/{digest}")
def download(
    here: Viewer, number: Number, digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> Response:
    """A file as it was attached; what no longer has its hash is refused."""
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        file = find_file(connection, number, digest) if order is not None else None
        if file is None:
            raise not_found()
        content = content_of(connection, file)
    if content is None:
        return here.refused(f"/orders/{number}", here.text("reason.FILE_CHANGED", name=file.name))
    return file_response(file, content)


@router.get("/orders/{number}")
def show(here: Viewer, number: Number) -> Response:
    """The page."""
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        page = order_page(here, connection, order)
    return here.show("order.html", page, "orders")


def _cell(figure: Figure) -> object:
    return figure.text if figure.kind == "text" else figure.value


_Row = tuple[str, str, str, Leaf]
_COLUMNS: Sequence[Column[_Row]] = (
    Column("ui.column.number", lambda row, _: row[0]),
    Column("ui.sheet.finding", lambda row, _: row[1]),
    Column("ui.rules.words", lambda row, _: row[2]),
    Column("ui.leaf.condition", lambda row, _: row[3].condition),
    Column("ui.leaf.value", lambda row, _: _cell(row[3].value)),
    Column("ui.leaf.threshold", lambda row, _: _cell(row[3].threshold)),
    Column("ui.leaf.margin", lambda row, _: _cell(row[3].margin)),
    Column("ui.column.quantity_unit", lambda row, _: row[3].value.unit),
    Column("ui.leaf.source", lambda row, _: row[3].source),
)
