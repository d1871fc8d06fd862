"""Corrective actions (整改) that wait for a person, among what waits on the first page."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from directory import Directory
from directory.roles import Role
from service.web.rooms.here import Here
from service.web.views.today import WaitingLine
from workorders import rows
from workorders.correctives import Followed, open_correctives
from workorders.model import WorkOrder
from workorders.reads import within
from workorders.rows import ORDERS

#: The act that ends one stands there.
ACTS_URL = "/reviews#correctives"
_MOST = 500


def corrective_lines(here: Here, connection: Connection) -> list[WaitingLine]:
    """One's own open actions, and as the unit's manager the overdue ones of others."""
    found = open_correctives(connection, here.scopes, owner=here.person, limit=_MOST)
    if Role.MANAGER in here.signed.person.roles:
        # the first due come first: what is overdue stands before what is not
        every = open_correctives(connection, here.scopes, limit=_MOST)
        late = [
            one for one in every if one.owner != here.person and one.state(here.now) == "overdue"
        ]
        units = {one.org for one in late}
        mine = {org for org in units if manages(here.directory, here.person, org)}
        found = [*found, *(one for one in late if one.org in mine)]
    # the order says the colour; one about the reader is not shown, and its action neither
    numbers = [one.order_id for one in found]
    wanted = select(ORDERS).where(ORDERS.c.id.in_(numbers), within(ORDERS.c.org, here.scopes))
    orders = {row["id"]: rows.order_from(row) for row in connection.execute(wanted).mappings()}
    return list(_lines(here, ((one, orders.get(one.order_id)) for one in found)))


def _lines(here: Here, found: Iterable[tuple[Followed, WorkOrder | None]]) -> Iterable[WaitingLine]:
    for one, order in found:
        if order is None:
            continue
        state = here.text(f"corrective.{one.state(here.now)}")
        mine = one.owner == here.person
        yield WaitingLine(
            order.level.value,
            "corrective",
            one.order_id,
            one.text,
            here.names.unit(one.org),
            ACTS_URL,
            note=state if mine else f"{state} · {here.names.person(one.owner)}",
            since=order.closed_at,
            due=one.due_at,
        )


def manages(directory: Directory, person: str, org: str) -> bool:
    """Whether the person is a manager of the unit; where it has none, of the nearest above it."""
    while org:
        managers = {
            one.id
            for one in directory.people
            if one.active and one.unit == org and Role.MANAGER in one.roles
        }
        if managers:
            return person in managers
        org = org.rpartition("/")[0]
    return False
