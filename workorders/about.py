"""What a reader may not see because it is about the reader."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from directory.scopes import Scopes
from workorders.rows import ALERTS

_A = ALERTS.c


def about_reader(connection: Connection, scopes: Sequence[str]) -> frozenset[str]:
    """The ids of the orders, alerts and cases that are about the reader whom `scopes` carry.

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
    return frozenset(one for row in found for one in row if one)
