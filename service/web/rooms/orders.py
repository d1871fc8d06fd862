"""The list of work orders: filters, cursor pages, workbook."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from sqlalchemy import Connection, func, select

from service.by_hand import CODE, PERMISSION
from service.web.reader import ORDERS_COOKIE
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.here import Here, Viewer
from service.web.rooms.manual_orders import OPEN, faults_of, open_act, units
from service.web.rooms.order_asked import (
    ACTIVE,
    ALL,
    LEVELS,
    MINE,
    Asked,
    check,
    conditions_of,
    filter_of,
)
from service.web.rooms.order_board import board_of
from service.web.rooms.order_line import order_line
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.orders import OrderList
from service.web.views.parts import Choice, Facet, Filter, Link, Pager
from workorders import reads
from workorders.evidence import numbers_of
from workorders.levels import Level
from workorders.manual import ManualOrder, open_by_hand
from workorders.model import OrderKind, State, WorkOrder
from workorders.rows import ORDERS
from workorders.tags import tags_in_use

PAGE = 50
EXPORTED = 5000
#: Tags that are offered as filters, what many orders carry first.
_TAGS = 12
#: Lists that hold what is over, where the newest say more than the reddest.
_OVER = frozenset({ALL, State.CLOSED.value, State.MERGED.value})


def order_list(
    here: Here, connection: Connection, asked: Asked, entered: Entered = NOTHING_ENTERED
) -> OrderList:
    """The page; `entered` is the form of a new order that was sent and not taken."""
    if here.request.cookies.get(ORDERS_COOKIE) == "board":
        found, total = reads.OrderPage((), ""), None
        columns = tuple(board_of(here, connection, asked))
    else:
        found, total, columns = _find(here, connection, asked), _count(here, connection, asked), ()
    about = numbers_of(connection, found.items)
    return OrderList(
        lines=tuple(order_line(here, one, about.get(one.id, "")) for one in found.items),
        filters=tuple(_filters(here, connection, asked)),
        kept=_kept(asked),
        wider=tuple(_wider(here, asked)),
        units=tuple(
            Choice(path, here.names.unit(path), path == asked.unit) for path in units(here)
        ),
        query=asked.q,
        pager=Pager(
            len(found.items),
            total,
            next_url=asked.address("/orders", cursor=found.cursor) if found.cursor else "",
            previous_url=asked.address("/orders", cursor="") if asked.cursor else "",
        ),
        export_url=(
            asked.address("/orders.xlsx", cursor="")
            if found.items or any(one.total for one in columns)
            else ""
        ),
        open_act=open_act(here, entered),
        board=columns,
    )


def _filters(here: Here, connection: Connection, asked: Asked) -> Iterable[Filter]:
    """The groups of links; each link changes one filter and keeps the others.

    Tags are offered where an order that the other filters let through carries one.
    """
    states = (ACTIVE, ALL, *(one.value for one in State))
    wanted = filter_of(here, replace(asked, tag=""))
    tags = tags_in_use(connection, here.scopes, wanted, _TAGS)
    if asked.tag and asked.tag not in tags:
        tags = (*tags, asked.tag)
    for name, first, values in (
        ("level", "", LEVELS),
        ("kind", "", tuple(one.value for one in OrderKind)),
        ("whose", "", (MINE,)),
        ("state", None, states),
        *((("tag", "", tags),) if tags else ()),
    ):
        codes = values if first is None else (first, *values)
        chosen = getattr(asked, name)
        links = tuple(
            Facet(
                _value(here, name, code),
                asked.address("/orders", **{name: code, "cursor": ""}),
                None,
                code == chosen,
            )
            for code in codes
        )
        yield Filter(here.text(f"ui.filters.{name}"), links)


def _value(here: Here, name: str, code: str) -> str:
    if not code:
        return here.text("ui.filters.all")
    if name == "whose":
        return here.text(f"ui.filters.{code}")
    if name == "tag":
        return code
    if name == "unit":
        return here.names.unit(code)
    words = {"level": "level", "kind": "ui.order_kind", "state": "ui.state"}[name]
    return here.text(f"ui.orders.{code}" if code in {ACTIVE, ALL} else f"{words}.{code}")


def _kept(asked: Asked) -> tuple[tuple[str, str], ...]:
    """The filters that are links, for the form of the others."""
    return tuple(
        (name, value)
        for name, value in asked.narrowed.items()
        if name not in {"q", "unit", "cursor"}
    )


def _wider(here: Here, asked: Asked) -> Iterable[Link]:
    """From an empty list: one filter less each, then all orders of every state."""
    narrowed = {name: value for name, value in asked.narrowed.items() if name != "cursor"}
    for name, value in narrowed.items():
        if name == "state":
            continue
        told = value if name == "q" else _value(here, name, value)
        text = here.text("ui.orders.without", filter=here.text(f"ui.filters.{name}"), value=told)
        yield Link(text, asked.address("/orders", **{name: "", "cursor": ""}))
    if asked.state != ALL:
        url = asked.address("/orders", state=ALL, cursor="")
        yield Link(here.text("ui.orders.every_state"), url)


def _find(here: Here, connection: Connection, asked: Asked) -> reads.OrderPage:
    if not asked.q.strip():
        return _page(here, connection, asked, asked.cursor, PAGE)
    ids = _named(here, connection, asked)
    orders = [reads.get_order(connection, one, here.scopes) for one in ids]
    return reads.OrderPage(tuple(one for one in orders if one is not None), "")


def _page(
    here: Here, connection: Connection, asked: Asked, cursor: str, limit: int
) -> reads.OrderPage:
    """Red first among those that somebody still has to act upon, else the newest first."""
    return reads.list_orders(
        connection, here.scopes, filter_of(here, asked),
        cursor=cursor, limit=limit, worst_first=asked.state not in _OVER,
    )  # fmt: skip


def _named(here: Here, connection: Connection, asked: Asked) -> list[str]:
    """Ids of the orders that a text names."""
    found = (
        select(ORDERS.c.id)
        .where(*conditions_of(here, asked))
        .order_by(reads.rank_of(ORDERS).desc(), ORDERS.c.opened_at.desc())
        .limit(PAGE)
    )
    return list(connection.scalars(found))


def _count(here: Here, connection: Connection, asked: Asked) -> int | None:
    if asked.q.strip():
        return None
    wanted = conditions_of(here, asked)
    return connection.scalar(select(func.count()).select_from(ORDERS).where(*wanted))


# --- routes -------------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=400)]
Posted = Annotated[str, Form()]


@router.get("/orders")
def show(
    here: Viewer, *, q: Text = "", state: Text = ACTIVE, level: Text = "", unit: Text = "",
    kind: Text = "", whose: Text = "", tag: Text = "", cursor: Text = "",
) -> Response:  # fmt: skip
    """The list."""
    asked = Asked(q, state or ALL, level, unit, kind, whose, tag, cursor)
    check(asked)
    with here.app.store.reader() as connection:
        page = order_list(here, connection, asked)
    return here.show("orders.html", page, "orders")


@router.post("/orders/new")
def open_new(
    here: Viewer, org: Posted = "", level: Posted = "", text: Posted = "", product: Posted = ""
) -> Response:
    """Open it, and show it; a form with faults comes back as it was filled in."""
    form = {"org": org, "level": level, "text": text, "product": product}
    if org:
        here.signed.check(PERMISSION, org)
    with here.app.store.reader() as connection:
        errors, known = faults_of(here, connection, form)
        if errors:
            entered = Entered(OPEN, form, errors)
            page = order_list(here, connection, Asked(), entered)
            return here.show("orders.html", page, "orders", live=False, status=422)
    wanted = ManualOrder(CODE, Level(level), org, product=known, text=text)
    with here.app.store.unit_of_work(here.person) as uow:
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = open_by_hand(uow, context, wanted)
    if not outcome.ok:
        return here.refused("/orders", here.names.reason(outcome.code))
    return here.done(f"/orders/{outcome.new_order}", "ui.said.opened", number=outcome.new_order)


@router.get("/orders.xlsx")
def export(
    here: Viewer, *, q: Text = "", state: Text = ACTIVE, level: Text = "", unit: Text = "",
    kind: Text = "", whose: Text = "", tag: Text = "",
) -> Response:  # fmt: skip
    """The filtered list as a workbook."""
    asked = Asked(q, state or ALL, level, unit, kind, whose, tag)
    check(asked)
    with here.app.store.reader() as connection:
        orders = list(_all(here, connection, asked))
    return sheet_response(here, "ui.nav.orders", _COLUMNS, orders)


def _all(here: Here, connection: Connection, asked: Asked) -> Iterable[WorkOrder]:
    cursor, left = "", EXPORTED
    while left > 0:
        if asked.q.strip():
            page = _find(here, connection, asked)
        else:
            page = _page(here, connection, asked, cursor, 500)
        yield from page.items
        cursor, left = page.cursor, left - len(page.items)
        if not cursor:
            return


_COLUMNS: Sequence[Column[WorkOrder]] = (
    Column("ui.column.number", lambda one, _: one.id),
    Column("ui.column.level", lambda one, here: here.text(f"ui.level.{one.level.value}")),
    Column("ui.column.state", lambda one, here: here.text(f"ui.state.{one.state.value}")),
    Column(
        "ui.column.subject",
        lambda one, here: here.names.subject(
            str(one.title_params.get("code", "")), one.product, one.month
        ),
    ),
    Column("ui.column.unit", lambda one, _: one.org),
    Column("ui.column.owner", lambda one, here: here.names.actor(one.handler)),
    Column("ui.column.value", lambda one, _: one.value),
    Column("ui.column.limit", lambda one, _: one.limit),
    Column("ui.column.quantity_unit", lambda one, _: one.unit),
    Column("ui.column.use", lambda one, _: one.use),
    Column("ui.column.count", lambda one, _: one.count),
    Column("ui.column.tags", lambda one, _: ", ".join(one.tags)),
    Column("ui.column.opened", lambda one, _: one.opened_at),
    Column("ui.column.acknowledged", lambda one, _: one.acknowledged_at),
    Column("ui.column.resolved", lambda one, _: one.resolved_at),
    Column("ui.column.closed", lambda one, _: one.closed_at),
)
