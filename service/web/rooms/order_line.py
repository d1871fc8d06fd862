"""One order as lists and boards show it."""

from urllib.parse import quote

from service.web.rooms.figures import limit_of, value_of
from service.web.rooms.here import Here
from service.web.views.orders import OrderLine
from workorders.model import WorkOrder


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
        owner=names.actor(order.handler),
        count=order.count,
        opened_at=order.opened_at,
        due=order.acknowledge_due or order.resolve_due,
        drill=order.drill,
        tags=order.tags,
    )
