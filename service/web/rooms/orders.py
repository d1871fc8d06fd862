"""The list of work orders: filters, cursor pages, workbook."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from sqlalchemy import Connection, func, or_, select

from service.by_hand import CODE, PERMISSION
from service.web.rooms.alert_rows import abouts
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.figures import limit_of, value_of
from service.web.rooms.here import Here, Viewer
from service.web.rooms.manual_orders import OPEN, faults_of, open_act, units
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.orders import OrderLine, OrderList
from service.web.views.parts import Choice, Pager
from workorders import reads
from workorders.levels import Level
from workorders.manual import ManualOrder, open_by_hand
from workorders.model import State, WorkOrder
from workorders.rows import ALERTS, ORDERS

PAGE = 50
EXPORTED = 5000
ACTIVE = "active"
ALL = "all"
_LEVELS = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address."""

    q: str = ""
    state: str = ACTIVE
    level: str = ""
    unit: str = ""
    cursor: str = ""

    def address(self, path: str, **changed: str) -> str:
        """The address of `path` with these filters, some of them changed."""
        values = {name: getattr(self, name) for name in ("q", "state", "level", "unit", "cursor")}
        values |= changed
        default = Asked()
        kept = {
            name: value
            for name, value in values.items()
            if value and value != getattr(default, name)
        }
        return f"{path}?{urlencode(kept)}" if kept else path


def order_list(
    here: Here, connection: Connection, asked: Asked, entered: Entered = NOTHING_ENTERED
) -> OrderList:
    """The page; `entered` is the form of a new order that was sent and not taken."""
    found = _find(here, connection, asked)
    total = _count(here, connection, asked)
    about = abouts(connection, found.items)
    text = here.text
    states = (ACTIVE, *(one.value for one in State))
    return OrderList(
        lines=tuple(order_line(here, one, about.get(one.id, "")) for one in found.items),
        states=tuple(Choice(one, _state(here, one), one == asked.state) for one in states),
        levels=tuple(Choice(one, text(f"ui.level.{one}"), one == asked.level) for one in _LEVELS),
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
        export_url=asked.address("/orders.xlsx", cursor="") if found.items else "",
        open_act=open_act(here, entered),
    )


def order_line(here: Here, order: WorkOrder, about: str = "") -> OrderLine:
    """One order of the list."""
    names = here.names
    subject = names.subject(str(order.title_params.get("code", "")), order.product, order.month)
    return OrderLine(
        level=order.level.value,
        number=order.id,
        subject=f"{subject} {about}" if about else subject,
        unit=names.unit(order.org),
        state=order.state.value,
        url=f"/orders/{quote(order.id)}",
        value=value_of(order),
        limit=limit_of(order),
        use=order.use,
        owner=names.person(order.owner),
        count=order.count,
        opened_at=order.opened_at,
        due=order.acknowledge_due or order.resolve_due,
    )


def _state(here: Here, code: str) -> str:
    return here.text(f"ui.orders.{code}" if code in {ACTIVE, ALL} else f"ui.state.{code}")


def _find(here: Here, connection: Connection, asked: Asked) -> reads.OrderPage:
    if not asked.q.strip():
        wanted = _filter(asked)
        return reads.list_orders(connection, here.scopes, wanted, cursor=asked.cursor, limit=PAGE)
    ids = _named(here, connection, asked)
    orders = [reads.get_order(connection, one, here.scopes) for one in ids]
    return reads.OrderPage(tuple(one for one in orders if one is not None), "")


def _filter(asked: Asked) -> reads.Filter:
    return reads.Filter(
        states=_states(asked.state),
        levels=[Level(asked.level)] if asked.level in _LEVELS else [],
        org=asked.unit,
    )


def _states(code: str) -> Sequence[str]:
    if code == ALL:
        return ()
    if code in set(State):
        return (code,)
    return tuple(one.value for one in reads.ACTIVE)


def _named(here: Here, connection: Connection, asked: Asked) -> list[str]:
    """Ids of the orders that a text names: number, product, person, code."""
    c, a = ORDERS.c, ALERTS.c
    text = asked.q.strip()
    people = [one.id for one in here.directory.people if text in {one.id, one.name}]
    products = [text, *_products(here, text)]
    by_alert = select(a.order_id).where(
        or_(
            a.actor == text,
            a.actor.in_(people),
            a.code == text,
            a.cause.contains(text, autoescape=True),
        )
    )
    found = (
        select(c.id)
        .where(
            reads.within(c.org, here.scopes),
            or_(
                c.id.contains(text, autoescape=True),
                c.product.in_(products),
                c.month == text,
                c.owner.in_(people),
                c.org.contains(text, autoescape=True),
                c.id.in_(by_alert),
            ),
        )
        .order_by(c.opened_at.desc())
        .limit(PAGE)
    )
    if states := _states(asked.state):
        found = found.where(c.state.in_(states))
    if asked.level in _LEVELS:
        found = found.where(c.level == asked.level)
    if asked.unit:
        found = found.where(reads.within(c.org, [asked.unit]))
    return list(connection.scalars(found))


def _products(here: Here, text: str) -> Iterable[str]:
    """Codes of products that are called so."""
    for key, name in here.reader.words.entries.items():
        if key.startswith("product.") and text in name:
            yield key.removeprefix("product.")


def _count(here: Here, connection: Connection, asked: Asked) -> int | None:
    if asked.q.strip():
        return None
    c = ORDERS.c
    statement = select(func.count()).select_from(ORDERS).where(reads.within(c.org, here.scopes))
    if states := _states(asked.state):
        statement = statement.where(c.state.in_(states))
    if asked.level in _LEVELS:
        statement = statement.where(c.level == asked.level)
    if asked.unit:
        statement = statement.where(reads.within(c.org, [asked.unit]))
    return connection.scalar(statement)


# --- routes -------------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=400)]
Posted = Annotated[str, Form()]


@router.get("/orders")
def show(
    here: Viewer, *, q: Text = "", state: Text = ACTIVE, level: Text = "", unit: Text = "",
    cursor: Text = "",
) -> Response:  # fmt: skip
    """The list."""
    with here.app.store.reader() as connection:
        page = order_list(here, connection, Asked(q, state or ALL, level, unit, cursor))
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
    here: Viewer, q: Text = "", state: Text = ACTIVE, level: Text = "", unit: Text = ""
) -> Response:
    """The filtered list as a workbook."""
    asked = Asked(q, state or ALL, level, unit)
    with here.app.store.reader() as connection:
        orders = list(_all(here, connection, asked))
    return sheet_response(here, "ui.nav.orders", _COLUMNS, orders)


def _all(here: Here, connection: Connection, asked: Asked) -> Iterable[WorkOrder]:
    cursor, left = "", EXPORTED
    while left > 0:
        if asked.q.strip():
            page = _find(here, connection, asked)
        else:
            page = reads.list_orders(
                connection, here.scopes, _filter(asked), cursor=cursor, limit=500
            )
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
    Column("ui.column.owner", lambda one, here: here.names.person(one.owner)),
    Column("ui.column.value", lambda one, _: one.value),
    Column("ui.column.limit", lambda one, _: one.limit),
    Column("ui.column.quantity_unit", lambda one, _: one.unit),
    Column("ui.column.use", lambda one, _: one.use),
    Column("ui.column.count", lambda one, _: one.count),
    Column("ui.column.opened", lambda one, _: one.opened_at),
    Column("ui.column.acknowledged", lambda one, _: one.acknowledged_at),
    Column("ui.column.resolved", lambda one, _: one.resolved_at),
    Column("ui.column.closed", lambda one, _: one.closed_at),
)
