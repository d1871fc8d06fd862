"""The work orders as a board: a column for each state of the bar, and the acts on each card."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from service.web.reader import local_path
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.order_asked import Asked, conditions_of, states_of
from service.web.rooms.order_buttons import OFFERED, acts_of
from service.web.rooms.order_conditions import live_conditions
from service.web.rooms.order_line import order_line
from service.web.rooms.order_page import STEPS, review_due_of
from service.web.views.orders import BoardCard, BoardColumn, CardActs
from service.web.views.parts import Act
from workorders import reads
from workorders.evidence import numbers_of
from workorders.model import State, WorkOrder
from workorders.rows import ORDERS, order_from
from workorders.states import MOVES, PERMISSIONS, TERMINAL, Verb

CARDS = 30
_COLUMNS = (*STEPS, State.MERGED.value)


def board_of(here: Here, connection: Connection, asked: Asked) -> Iterable[BoardColumn]:
    """The columns in the order of the state bar; merged orders only where they are asked for.

    In each the red ones stand first, then the nearest deadline; in what is over, the newest.
    """
    through = frozenset(states_of(asked.state)) or frozenset(one.value for one in State)
    wanted = conditions_of(here, asked)
    back = asked.address("/orders", cursor="")
    for code in _COLUMNS:
        # a snoozed order stands where it would stand awake
        if code not in through and not (State.SNOOZED in through and code not in TERMINAL):
            if code != State.MERGED:
                show = asked.address("/orders", state=code, cursor="")
                yield BoardColumn(code, left_out=True, show_url=show)
            continue
        inside = [*wanted, _stands_in(code)]
        total = connection.scalar(select(func.count()).select_from(ORDERS).where(*inside)) or 0
        found = (
            connection.execute(
                select(ORDERS).where(*inside).order_by(*_sorted(code)).limit(CARDS)
            ).mappings()
            if total
            else ()
        )
        orders = [order_from(row) for row in found]
        about = numbers_of(connection, orders)
        cards = tuple(_card(here, one, about.get(one.id, ""), back) for one in orders)
        more = asked.address("/orders", state=code, cursor="") if total > len(cards) else ""
        # where this state is all that is asked for already, the page itself would be no help
        yield BoardColumn(code, cards, total, "" if asked.state == code else more)


def _stands_in(code: str) -> ColumnElement[bool]:
    c = ORDERS.c
    return or_(c.state == code, and_(c.state == State.SNOOZED.value, c.snoozed_from == code))


def _sorted(code: str) -> list[ColumnElement[Any]]:
    c = ORDERS.c
    newest: list[ColumnElement[Any]] = [c.opened_at.desc(), c.id.desc()]
    if State(code) in TERMINAL:
        return newest
    # a red order that is resolved has until the trading day after: the earliest comes first
    due = func.coalesce(c.acknowledge_due, c.resolve_due, c.resolved_at)
    return [reads.rank_of(ORDERS).desc(), due.is_(None), due, *newest]


def _card(here: Here, order: WorkOrder, about: str, back: str) -> BoardCard:
    second = review_due_of(here, order)
    clocks = (
        ("acknowledge", order.acknowledge_due),
        ("resolve", order.resolve_due),
        ("review", second),
    )
    clock, due = next(((name, at) for name, at in clocks if at is not None), ("", None))
    may = any(
        here.may(PERMISSIONS[verb], order.org) for verb in OFFERED if (order.state, verb) in MOVES
    )
    acts = f"/orders/{quote(order.id)}/acts?{urlencode({'next': back})}"
    return BoardCard(
        order_line(here, order, about), acts if may else "", clock, due, order.snoozed_until
    )


# --- the acts on a card -------------------------------------------------------------------------


def card_acts(
    here: Here, connection: Connection, order: WorkOrder, *, to: str = "", back: str = ""
) -> CardActs:
    """The acts of the order's page; with `to`, those alone that lead to this column."""
    matches = reads.matches_of(connection, order_id=order.id)
    found = acts_of(
        here, connection, order, matches, conditions=live_conditions(here, connection, order)
    )
    acts = [one for one in found if not to or leads_to(order, Verb(one.code)) == to]
    about = numbers_of(connection, [order]).get(order.id, "")
    return CardActs(
        order_line(here, order, about), tuple(_leading(one, back) for one in acts), back, to
    )


def leads_to(order: WorkOrder, verb: Verb) -> str:
    """The column in which the order stands after `verb`; empty where it is another order's."""
    if verb is Verb.REOPEN:
        return ""
    if verb is Verb.CLOSE:  # offered, and greyed with the reason, before it is a legal move
        return State.CLOSED.value
    target = MOVES.get((order.state, verb))
    if target is None:
        return ""
    if verb is Verb.WAKE or target is State.SNOOZED:
        return order.snoozed_from or order.state.value
    return target.value


def _leading(act: Act, back: str) -> Act:
    return replace(act, url=f"{act.url}?{urlencode({'next': back})}") if back else act


router = APIRouter(include_in_schema=False)
Word = Annotated[str, Query(max_length=400)]


@router.get("/orders/{number}/acts")
def show(
    here: Viewer,
    number: Annotated[str, Path(max_length=40)],
    to: Word = "",
    next: Word = "",  # noqa: A002 - the address's name
) -> Response:
    """The menu of a card; without script a page of its own."""
    back = local_path(next, "/orders")
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        page = card_acts(here, connection, order, to=to if to in _COLUMNS else "", back=back)
    return here.show("order_acts.html", page, "orders", live=False)
