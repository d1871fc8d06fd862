"""What the page of an order is made of, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from agents.hedge_orders import ALLOW
from agents.tables import HedgeOrderRow
from agents.world import root_of
from book.read import read_state
from book.state import BookState
from service.web.rooms.here import Here
from store.schema import table
from workorders import reads
from workorders.model import Entry, WorkOrder

_MOST_INSTRUCTIONS = 10
_HEDGE_ORDERS = table(str(HedgeOrderRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Rows:
    """What the page is made from.

    Attributes:
        matches: bodies of the order's matches, by event time.
        entries: its stream.
        book: of the order's group, as it is now; None when the order is about no product.
        instructions: hedge orders of the product that were not let through.
    """

    order: WorkOrder
    matches: Sequence[Mapping[str, Any]]
    entries: Sequence[Entry]
    book: BookState | None
    instructions: Sequence[RowMapping]


def read_rows(here: Here, connection: Connection, order: WorkOrder) -> Rows:
    """The rows behind an order, in one transaction."""
    book = None
    if order.product:
        book = read_state(
            connection,
            as_of=here.now,
            known_at=here.now,
            orgs=[root_of(order.org)],
            prices_since=here.now,
        )
    return Rows(
        order,
        reads.matches_of(connection, order_id=order.id),
        reads.stream(connection, order.id),
        book,
        _instructions(connection, order) if order.product else (),
    )


def _instructions(connection: Connection, order: WorkOrder) -> Sequence[RowMapping]:
    """Hedge orders that wait or were refused, at and below the order's unit."""
    c = _HEDGE_ORDERS.c
    found = (
        select(_HEDGE_ORDERS)
        .where(c.product == order.product, c.outcome != ALLOW, c.confirmed_by == "")
        .where(reads.within(c.org, [order.org]), c.queued_at >= order.first_seen)
        .order_by(c.queued_at, c.id)
        .limit(_MOST_INSTRUCTIONS)
    )
    return connection.execute(found).mappings().all()
