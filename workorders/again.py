"""What was kept back is told when what kept it back is over; nothing is lost."""

from sqlalchemy import bindparam, func, select

from store.unit_of_work import UnitOfWork
from workorders import rows
from workorders.context import Context
from workorders.model import Alert, AlertState, State, WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify
from workorders.rows import NOTICES
from workorders.states import TERMINAL

_OVER = TERMINAL | {State.SNOOZED}
_C = NOTICES.c
_KEPT = (
    select(_C.object_id, _C.person, func.max(_C.queued_at).label("kept"))
    .where(_C.muted_by == bindparam("by"), _C.state == "held")
    .group_by(_C.object_id, _C.person)
    .order_by(_C.object_id, _C.person)
)
_TOLD = select(func.max(_C.queued_at)).where(
    _C.object_id == bindparam("object"),
    _C.person == bindparam("person"),
    _C.state.in_(["queued", "sent", "stale"]),
)


def tell_again(uow: UnitOfWork, ctx: Context, by: str, trigger: Trigger) -> tuple[str, ...]:
    """Tell what `by` (a silence or a red order) kept back and what still stands.

    Who was told since, by another way, is not told again. Another silence or red order may keep it
    back further; then its end will tell it.

    Returns:
        Ids of the orders and alerts that were told.
    """
    waiting: dict[str, list[str]] = {}
    for row in uow.connection.execute(_KEPT, {"by": by}):
        told = uow.connection.scalar(_TOLD, {"object": row.object_id, "person": row.person})
        if told is None or told < row.kept:
            waiting.setdefault(row.object_id, []).append(row.person)
    found = []
    for object_id, people in waiting.items():
        matter = _standing(uow, object_id)
        if matter is not None and notify(uow, ctx, matter, people, trigger).people:
            found.append(object_id)
    return tuple(found)


def _standing(uow: UnitOfWork, object_id: str) -> WorkOrder | Alert | None:
    order = rows.lock_order(uow, object_id)
    if order is not None:
        return None if order.state in _OVER else order
    alert = rows.lock_alert(uow, object_id)
    if alert is None or alert.state is not AlertState.NEW or alert.order_id:
        return None
    return alert
