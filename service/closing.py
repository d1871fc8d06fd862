"""The close-guard's answers: each condition of an order, looked at anew in the closing transaction.

API, console and command line all ask here, so that none of them closes on yesterday's figures.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Connection

import approvals
from agents.assessor import ExposureView, Scope, narrowed, views
from agents.feed_states import known_fact, late_orgs
from agents.watcher import POSITION
from agents.world import PRICE_SPAN, root_of
from approvals.state import OVERRIDE_KIND
from auditlog.errors import LogError
from book.prices import DataState
from book.read import read_state
from book.state import BookState
from rules.errors import UnknownRule
from service.application import Application
from service.approval_refresh import ACTOR, queue_refresh
from service.exemptable import exemptable_rules
from store import UnitOfWork, positions
from workorders import Closing, close
from workorders.context import Context
from workorders.dwelling import settled
from workorders.exemption_rows import read_in_force
from workorders.exemptions import NET, Exemption, Measured, permits
from workorders.guard import Condition, Holding
from workorders.model import Clear, WorkOrder
from workorders.states import Outcome

#: An event that waits longer than this to be read makes the book too old to close on.
STALENESS = timedelta(seconds=60)


class Moment(Protocol):
    """One transaction: a unit of work, or for a page a reader with its time."""

    @property
    def connection(self) -> Connection:
        """What is read."""

    @property
    def now(self) -> datetime:
        """The time of the transaction."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A reader with its time, as a `Moment`."""

    connection: Connection
    now: datetime


def close_order(
    uow: UnitOfWork,
    app: Application,
    ctx: Context,
    order: WorkOrder,
    closing: Closing,
    *,
    expected_version: int | None = None,
) -> Outcome:
    """Close an order on the book as it is now; what asked to close it in spite of that is moot."""
    conditions = conditions_of(uow, app, order)
    outcome = close(
        uow, ctx, order.id, closing, conditions=conditions, expected_version=expected_version
    )
    return over(uow, app, order.id, outcome, "ORDER_CLOSED")


def over(
    uow: UnitOfWork, app: Application, order_id: str, outcome: Outcome, reason: str
) -> Outcome:
    """The outcome, with what asked to override the order's guard taken back where it ended it."""
    if not outcome.changed:
        return outcome
    directory = app.directories.around(uow.connection).directory
    for state in approvals.about(uow.connection, [order_id]):
        if state.subject.kind != OVERRIDE_KIND or state.status.final:
            continue
        if state.subject.material.get("order") != order_id:
            continue
        approvals.act(
            uow, state.id, ACTOR, approvals.Verb.WITHDRAW, state.version,
            directory=directory, reason=reason,
        )  # fmt: skip
        queue_refresh(uow, state.id)
    return outcome


def conditions_of(uow: Moment, app: Application, order: WorkOrder) -> list[Condition]:
    """The live answer to each of the order's `clears`, on the book as it is in this transaction.

    What is missing or cannot be assessed is `NOT_ASSESSABLE`; with events that the watcher should
    have read and has not, everything is `STALE`. What holds under an exemption is `EXEMPT`.
    """
    if not order.clears:
        return []
    behind = _behind(uow, app)
    late = late_orgs(uow.connection)
    given = read_in_force(uow.connection, uow.now)
    books: dict[str, BookState] = {}
    found = []
    for clear in order.clears:
        if behind:
            found.append(Condition(clear, Holding.STALE, as_of=uow.now))
            continue
        feed = known_fact(uow.connection, clear.fact_key)
        if feed is not None:
            found.append(Condition(clear, _holding(app, clear, feed), as_of=uow.now))
            continue
        root = root_of(clear.fact_key.partition("|")[0])
        if root not in books:
            books[root] = _book(uow, root)
        view = _view(clear, books[root], uow.now, late)
        condition = _condition(app, clear, view, uow.now)
        if view is not None and condition.holding is Holding.HOLDS:
            condition = _permitted(app, given, view, condition, uow.now)
        found.append(settled(uow.connection, order, condition, uow.now))
    return found


def _book(uow: Moment, root: str) -> BookState:
    return read_state(
        uow.connection,
        as_of=uow.now,
        known_at=uow.now,
        orgs=[root],
        prices_since=uow.now - PRICE_SPAN,
    )


def _behind(uow: Moment, app: Application) -> bool:
    """Whether an event has waited too long for the watcher, or the log cannot be asked."""
    position = int(positions.read(uow.connection, POSITION) or 0)
    try:
        unread = app.log.read_after(position, 1)
    except LogError:
        return True
    return bool(unread) and uow.now - unread[0].event.arrival_time > STALENESS


def _condition(
    app: Application, clear: Clear, view: ExposureView | None, at: datetime
) -> Condition:
    if view is None:
        return Condition(clear, Holding.NOT_ASSESSABLE, as_of=at)
    holding = Holding.NOT_ASSESSABLE
    if view.bucket.data_state is not DataState.NOT_ASSESSABLE:
        holding = _holding(app, clear, view.fact)
    net, use = view.fact.get("net"), view.fact.get("use")
    return Condition(
        clear,
        holding,
        value=net if isinstance(net, Decimal) else None,
        limit=view.limit.amount if view.limit is not None else None,
        use=use if isinstance(use, Decimal) else None,
        unit=str(view.fact.get("unit", "")),
        as_of=at,
    )


def _permitted(
    app: Application,
    given: Sequence[Exemption],
    view: ExposureView,
    condition: Condition,
    at: datetime,
) -> Condition:
    """The condition as `EXEMPT` where an exemption in force permits it on current data."""
    rule, fact = condition.clear.rule, view.fact
    net = condition.clear.fact_key.rpartition("|")[2] == NET
    if not net or view.bucket.data_state is not DataState.CURRENT:
        return condition
    found = Measured(
        org=str(fact.get("org", "")),
        product=str(fact.get("product", "")),
        rule=rule,
        month=str(fact.get("month", "")),
        account=str(fact.get("account", "")),
        unit=condition.unit,
        value=condition.value,
    )
    fitting = next((one for one in given if permits(one.terms, found)), None)
    if fitting is None or rule not in exemptable_rules(app.rulebook, at):
        return condition
    until = fitting.terms.ends_at
    return replace(condition, holding=Holding.EXEMPT, exemption=fitting.id, until=until)


def _view(
    clear: Clear, book: BookState, at: datetime, late: Collection[str]
) -> ExposureView | None:
    parts = clear.fact_key.split("|")
    if len(parts) != 5:  # noqa: PLR2004 - organisation, account, product, month, measure
        return None
    scope = Scope(parts[0], parts[2])
    found = views(narrowed(book, scope.product), scope, at, late=late)
    return next((view for view in found if view.key == clear.fact_key), None)


def _holding(app: Application, clear: Clear, fact: Mapping[str, Any]) -> Holding:
    try:
        holds = app.rulebook.still_holds(clear.rule, fact)
    except UnknownRule:
        return Holding.NOT_ASSESSABLE
    if holds is None:
        return Holding.NOT_ASSESSABLE
    return Holding.HOLDS if holds else Holding.CLEARED
