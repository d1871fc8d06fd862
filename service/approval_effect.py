"""What approving changes: the figures before and after, on the book as it is now."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from agents.hedge_orders import Answer, HedgeOrder
from agents.world import root_of
from approvals import State, Subject
from book.limits import classify
from book.read import read_state
from book.state import BookState
from service.application import Application
from service.approval_cards import Effect
from service.exemption_effect import Permitted, permitted_by
from service.prechecking import coverage_moved, judged
from store.schema import table
from store.types import decimal_text
from workorders import rows
from workorders.card import Figure, Line, grouped
from workorders.levels import Level
from workorders.model import WorkOrder

_HEDGE_ORDERS = table("agents_hedge_order")


def level_of(connection: Connection, state: State) -> Level | None:
    """The colour of the work order that a request stands under, or of what it would permit."""
    permitted = permitted_by(connection, state)
    if permitted is not None:
        return permitted.level
    number = state.subject.material.get("order", "")
    order = rows.find_order(connection, number) if number else None
    return order.level if order is not None else None


def effect_of(connection: Connection, app: Application, state: State) -> Effect:
    """What approving changes: net exposure, use of the limit, coverage, before and after."""
    subject = state.subject
    permitted = permitted_by(connection, state)
    if permitted is not None:
        return _permitting(permitted)
    order = None
    if number := subject.material.get("order", ""):
        order = rows.find_order(connection, number)
    level = order.level if order is not None else None
    if subject.kind == "hedge_order":
        found = hedge_order_of(connection, subject)
        if found is not None:
            now = app.clock()
            book = _book_of(connection, found, now)
            answer = judged(connection, app.rulebook, found, book, now)
            moved = _figures(answer, coverage_moved(found, book, now), order)
            trade = {
                "contract": found.contract or f"{found.product}{found.month}",
                "side": found.side,
                "lots": grouped(str(found.lots)),
            }
            lines = tuple(_told_beside(answer))
            return Effect(moved, level, str(answer.fact["data_state"]), trade, lines)
    if order is None or order.value is None:
        return Effect((), level)
    figures = [Figure("card.value", decimal_text(order.value), unit=order.unit)]
    if order.limit is not None:
        figures.append(Figure("card.limit", decimal_text(order.limit), unit=order.unit))
    if order.use is not None:
        figures.append(Figure("card.use", decimal_text(order.use), unit="ratio"))
    return Effect(tuple(figures), level)


def _permitting(permitted: Permitted) -> Effect:
    """What stands now beside what would be permitted; the limit itself stays as it is."""
    terms, found = permitted.exemption.terms, permitted.worst
    lines = tuple(
        Line(f"exemption.card.beside_{why}", {"value": decimal_text(one.value), "unit": one.unit})
        for one, why in permitted.beside
        if one.value is not None
    )
    if found is None or found.value is None:
        return Effect((), None, lines=lines or (Line("exemption.card.nothing_stands"),))
    cap = Figure("exemption.cap", decimal_text(terms.cap), unit=terms.unit)
    figures = [Figure("card.value", decimal_text(found.value), unit=found.unit)]
    if found.limit is not None:
        figures.append(Figure("card.limit", decimal_text(found.limit), unit=found.unit))
    if found.use is not None:
        figures.append(Figure("card.use", decimal_text(found.use), unit="ratio"))
    return Effect((*figures, cap), found.level, lines=lines)


def _figures(
    answer: Answer, coverage: tuple[Decimal, Decimal] | None, order: WorkOrder | None
) -> tuple[Figure, ...]:
    fact = answer.fact
    unit = order.unit if order is not None else ""
    figures = [
        Figure(
            "approval.net", decimal_text(fact["net_before"]), decimal_text(fact["net_after"]), unit
        )
    ]
    if "use_before" in fact and "use_after" in fact:
        use = decimal_text(fact["use_before"]), decimal_text(fact["use_after"])
        figures.append(Figure("card.use", *use, "ratio"))
    if coverage is not None:
        before, after = coverage
        figures.append(
            Figure("approval.coverage", decimal_text(before), decimal_text(after), "ratio")
        )
    return tuple(figures)


def _told_beside(answer: Answer) -> Iterator[Line]:
    """The colour of the limit's use before and after, and what the book has no data for.

    The colour is that of the table of tiers; a standing colour may outlast it by the rule's band.
    """
    before, after = (_colour(answer.fact.get(name)) for name in ("use_before", "use_after"))
    if before and after:
        change = "same" if before == after else "change"
        params = {"level_before": before, "level_after": after}
        yield Line(f"approval.card.colour_{change}", params)
    else:
        yield Line("approval.card.no_limit")
    # The book keeps neither margin rates nor the equity of an account.
    yield Line("approval.card.no_margin")


def _colour(use: Decimal | None) -> str:
    """The colour of a use of the limit, ``none`` below the table; empty where there is no use."""
    if use is None:
        return ""
    step = classify(use)
    return "none" if step is None else step.level


def hedge_order_of(connection: Connection, subject: Subject) -> HedgeOrder | None:
    """The hedge order that a request is about; None when it is not known."""
    c = _HEDGE_ORDERS.c
    row = connection.execute(
        select(_HEDGE_ORDERS).where(c.org == subject.org, c.object_id == subject.object_id)
    ).first()
    if row is None:
        return None
    return HedgeOrder(**{name: getattr(row, name) for name in HedgeOrder.__slots__})


def judged_now(connection: Connection, app: Application, order: HedgeOrder) -> Answer:
    """What the rules say of the order at this moment."""
    now = app.clock()
    return judged(connection, app.rulebook, order, _book_of(connection, order, now), now)


def _book_of(connection: Connection, order: HedgeOrder, now: datetime) -> BookState:
    return read_state(connection, as_of=now, known_at=now, orgs=[root_of(order.org)])
