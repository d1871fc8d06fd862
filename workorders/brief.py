"""The brief (简报) before an open: what stands on one person's list, and what was kept back.

Reading and drawing only; `agents/briefing.py` decides when and puts it into the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from workorders.card import Card, CardKind, Line
from workorders.levels import Level
from workorders.model import AlertState, State
from workorders.reads import ACTIVE, Waiting, waiting_for
from workorders.rows import ALERTS, ASSIGNMENTS, NOTICES, ORDERS

#: Lines of single matters on one brief; the rest is counted and stands in the console.
MOST = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """Cards that were kept back from a person: why, and about how many matters."""

    reason: str
    matters: int


@dataclass(frozen=True, slots=True)
class Brief:
    """What one person is told before an open.

    Attributes:
        waiting: what stands on the person's list, most urgent first.
        snoozed: orders of the list that are snoozed.
        kept: what was kept back since the last brief, by reason.
    """

    person: str
    opens_at: datetime
    waiting: tuple[Waiting, ...]
    snoozed: tuple[str, ...]
    kept: tuple[Kept, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.waiting or self.snoozed or self.kept)


def people_with_matters(connection: Connection) -> dict[str, frozenset[str]]:
    """Whoever has an order or an alert on their list → the products that these are about."""
    found: dict[str, set[str]] = {}
    for table, states in ((ORDERS, list(ACTIVE)), (ALERTS, [AlertState.NEW])):
        statement = (
            select(ASSIGNMENTS.c.person, table.c.product)
            .join(table, table.c.id == ASSIGNMENTS.c.object_id)
            .where(table.c.state.in_([state.value for state in states]))
            .distinct()
        )
        for person, product in connection.execute(statement):
            found.setdefault(person, set()).add(product)
    return {person: frozenset(products) for person, products in found.items()}


def brief_for(connection: Connection, person: str, *, opens_at: datetime, since: datetime) -> Brief:
    """What `person` is told before `opens_at`; what was kept back counts from `since` on."""
    n = NOTICES.c
    kept = connection.execute(
        select(n.reason, func.count(n.object_id.distinct()))
        .where(n.person == person, n.state == "held", n.queued_at >= since)
        .group_by(n.reason)
        .order_by(n.reason)
    )
    mine = select(ASSIGNMENTS.c.object_id).where(ASSIGNMENTS.c.person == person)
    snoozed = connection.scalars(
        select(ORDERS.c.id)
        .where(ORDERS.c.id.in_(mine), ORDERS.c.state == State.SNOOZED.value)
        .order_by(ORDERS.c.id)
    )
    waiting = waiting_for(connection, person)
    return Brief(
        person,
        opens_at,
        tuple(waiting),
        tuple(snoozed),
        tuple(Kept(reason, matters) for reason, matters in kept),
    )


def brief_card(brief: Brief, *, notice_id: str) -> Card:
    """The brief as a card without buttons: single acts stand on the matters' own pages."""
    lines = [Line("brief.waiting", {"count": len(brief.waiting)})]
    lines += [_line(one) for one in brief.waiting[:MOST]]
    if len(brief.waiting) > MOST:
        lines.append(Line("brief.more", {"count": len(brief.waiting) - MOST}))
    if brief.snoozed:
        lines.append(Line("brief.snoozed", {"which": list(brief.snoozed[:MOST])}))
    lines += [
        Line(f"brief.kept.{one.reason.lower()}", {"count": one.matters}) for one in brief.kept
    ]
    return Card(
        kind=CardKind.BRIEF,
        notice_id=notice_id,
        object_id=notice_id,
        version=1,
        person=brief.person,
        level=_worst(brief.waiting),
        title=Line("brief.title", {"count": len(brief.waiting)}),
        lines=tuple(lines),
        deadline=brief.opens_at,
        path="/",
    )


def _worst(waiting: Sequence[Waiting]) -> Level | None:
    return max((one.level for one in waiting), key=lambda level: level.rank, default=None)


def _line(one: Waiting) -> Line:
    matter = one.order or one.alert
    place = () if matter is None else (f"{matter.product} {matter.month}".strip(), matter.org)
    what = " · ".join(part for part in (one.matter_id, *place) if part)
    return Line(f"brief.{one.why.lower()}.{one.level.value}", {"what": what})
