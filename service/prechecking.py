"""What the rules say of a hedge order on the book as it is now, before anybody trades it."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from agents import hedge_orders
from agents.assessor import Scope, narrowed, views
from agents.feed_states import late_orgs
from agents.hedge_orders import Answer, HedgeOrder
from book.buckets import roll_up
from book.exposure import compute
from book.state import BookState
from rules.rulebook import Rulebook


def judged(
    connection: Connection, rulebook: Rulebook, order: HedgeOrder, book: BookState, at: datetime
) -> Answer:
    """The rulebook's answer, as the watcher gives it: figures behind a late feed are late here too.

    Args:
        connection: says which feeds are late.
        rulebook: in force.
        order: what is asked.
        book: of the order's group, at `at`.
        at: the time of the question.
    """
    place = Scope(order.org, order.product)
    late = late_orgs(connection)
    found = views(narrowed(book, order.product), place, at, late=late)
    return hedge_orders.judge(order, found, rulebook, at)


def coverage_moved(
    order: HedgeOrder, book: BookState, at: datetime
) -> tuple[Decimal, Decimal] | None:
    """套保比例 of the order's unit and product before and after it; None with nothing to hedge.

    The share is that of `book.buckets.Bucket.coverage`, over all months and accounts.
    """
    before = roll_up(
        compute(narrowed(book, order.product), at), org=order.org, product=order.product
    )
    after = replace(before, futures=before.futures + order.qty_signed)
    if before.coverage is None or after.coverage is None:
        return None
    return before.coverage, after.coverage
