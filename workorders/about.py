"""Whom a matter is about: they neither read it, nor answer for it, nor are told of it."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, or_, select

from directory.scopes import Scopes
from workorders.model import Alert, WorkOrder
from workorders.rows import ALERTS, EXEMPTION_SUBJECTS

_A = ALERTS.c
_OF_ORDER = (
    select(_A.actor)
    .where(_A.order_id.in_(bindparam("orders", expanding=True)), _A.actor != "")
    .distinct()
)
_OF_CASE = select(_A.actor).where(_A.case_id == bindparam("case"), _A.actor != "").distinct()


def subjects_of(connection: Connection, matter: WorkOrder | Alert) -> frozenset[str]:
    """What the sources call the people whom an order or alert is about.

    An order is about those of its alerts, and of the order that it follows or was merged into.
    """
    if isinstance(matter, Alert):
        return frozenset({matter.actor} - {""})
    orders = [one for one in (matter.id, matter.reopened_from, matter.merged_into) if one]
    return frozenset(connection.scalars(_OF_ORDER, {"orders": orders}))


def subjects_of_case(connection: Connection, case_id: str) -> frozenset[str]:
    """What the sources call the people whom the alerts of a case are about."""
    return frozenset(connection.scalars(_OF_CASE, {"case": case_id}))


def about_reader(connection: Connection, scopes: Sequence[str]) -> frozenset[str]:
    """The ids of the orders, alerts, cases and exemptions about the reader whom `scopes` carry.

    An order is about everybody whom one of its alerts is about; then all of its alerts and cases
    are. Empty for scopes without a reader.
    """
    if not isinstance(scopes, Scopes) or not scopes.subjects:
        return frozenset()
    orders = select(_A.order_id).where(_A.actor.in_(scopes.subjects), _A.order_id != "")
    found = connection.execute(
        select(_A.id, _A.case_id, _A.order_id).where(
            or_(_A.actor.in_(scopes.subjects), _A.order_id.in_(orders))
        )
    )
    given = EXEMPTION_SUBJECTS.c
    exempt = connection.scalars(
        select(given.exemption).where(given.actor.in_(scopes.subjects)).distinct()
    )
    return frozenset(one for row in found for one in row if one) | frozenset(exempt)
