"""An order turns out to be about somebody who answers for it: others take over."""

from dataclasses import replace

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import subjects_of
from workorders.context import Context
from workorders.model import Match, WorkOrder
from workorders.noise import Trigger
from workorders.notices import OWN_MATTER, notify
from workorders.opening import route


def relieve(uow: UnitOfWork, ctx: Context, order: WorkOrder, match: Match) -> WorkOrder:
    """The order without whom `match` is about among its people; it is not saved here.

    When nobody is left, it is routed anew. Who takes over is told.
    """
    if not match.actor:
        return order
    return _relieved(uow, ctx, order, subjects_of(uow.connection, order) | {match.actor})


def relieve_joined(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> None:
    """An order into which another was merged is now about the people of both."""
    relieved = _relieved(uow, ctx, order, subjects_of(uow.connection, order))
    if relieved is not order:
        rows.save_order(uow, relieved, was=order.version)


def _relieved(uow: UnitOfWork, ctx: Context, order: WorkOrder, about: frozenset[str]) -> WorkOrder:
    never = ctx.people.called(about).intersection((*order.assignees, order.owner))
    if not never:
        return order
    left = tuple(one for one in order.assignees if one not in never)
    people = left or route(uow, ctx, order.org, order.level, about)[0]
    owner = "" if order.owner in never else order.owner
    changed = replace(order, assignees=people, owner=owner)
    rows.assign(uow, order.id, people)
    journal.decision(
        uow,
        "order.relieve",
        org=order.org,
        outcome=order.state.value,
        reason=OWN_MATTER,
        params={"people": sorted(never), "assignees": list(people)},
        order_id=order.id,
        case_id=order.case_id,
    )
    if not left or not owner:
        notify(uow, ctx, changed, people, Trigger.REASSIGNED)
    return changed
