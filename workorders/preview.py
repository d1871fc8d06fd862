"""What a silence keeps quiet now, and what it would have kept quiet, from the rows themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, or_, select

from workorders import rows
from workorders.levels import Level
from workorders.model import Alert, AlertState, State, WorkOrder
from workorders.muting import subject_of
from workorders.rows import ALERTS, NOTICES, ORDERS
from workorders.silences import Matchers, Subject, covers
from workorders.states import TERMINAL

#: The most that is looked back.
LONGEST = timedelta(days=90)
_ACTIVE = [state.value for state in State if state not in TERMINAL]


@dataclass(frozen=True, slots=True)
class Current:
    """Orders and alerts that stand now and would be kept quiet, and who caused them."""

    orders: tuple[WorkOrder, ...] = ()
    alerts: tuple[Alert, ...] = ()
    causers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PastCard:
    """A card that went out and would not have: what about, to whom, when, at which colour."""

    object_id: str
    person: str
    queued_at: datetime
    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a silence would do.

    Attributes:
        days: how far was looked back.
        now: what it keeps quiet from now on.
        cards: how many cards of that time it would have kept back; a card on two channels counts
            once.
        seen: how many cards there were inside the matchers' organisation.
        objects: orders and alerts that those cards were about.
        latest: the last of those cards, newest first.
    """

    days: int
    now: Current
    cards: int
    seen: int
    objects: int
    latest: tuple[PastCard, ...]


def mutes_now(connection: Connection, matchers: Matchers) -> Current:
    """What stands now and is covered by `matchers`, whatever their time."""
    orders, alerts = [], []
    causers: set[str] = set()
    for matter in _standing(connection, matchers):
        subject = subject_of(connection, matter)
        if not covers(matchers, subject, matchers.person):
            continue
        causers |= subject.causers
        if isinstance(matter, WorkOrder):
            orders.append(matter)
        else:
            alerts.append(matter)
    return Current(tuple(orders), tuple(alerts), frozenset(causers))


def _standing(connection: Connection, matchers: Matchers) -> list[WorkOrder | Alert]:
    orders = connection.execute(_narrowed(ORDERS, matchers).where(ORDERS.c.state.in_(_ACTIVE)))
    alerts = connection.execute(
        _narrowed(ALERTS, matchers).where(
            ALERTS.c.state == AlertState.NEW.value, ALERTS.c.order_id == ""
        )
    )
    return [
        *(rows.order_from(row) for row in orders.mappings()),
        *(rows.alert_from(row) for row in alerts.mappings()),
    ]


def _narrowed(table: Table, matchers: Matchers) -> Select[Any]:
    c = table.c
    wanted = select(table).where(
        or_(c.org == matchers.org, c.org.startswith(f"{matchers.org}/", autoescape=True)),
        c.level.in_([level.value for level in matchers.covered]),
    )
    for name in ("product", "account", "measure"):
        if value := getattr(matchers, name):
            wanted = wanted.where(c[name] == value)
    return wanted.order_by(c.id)


def preview(
    connection: Connection, matchers: Matchers, *, now: datetime, days: int = 7, show: int = 50
) -> Preview:
    """What a silence with these matchers would have kept back, and what it keeps quiet now.

    Args:
        connection: to read with.
        matchers: of the silence.
        now: the end of the time that is looked at.
        days: how far back, at most 90.
        show: how many of the cards are named.
    """
    since = now - min(timedelta(days=days), LONGEST)
    n = NOTICES.c
    found = connection.execute(
        select(n.object_id, n.person, n.queued_at, n.level, n.reason)
        .where(
            n.queued_at >= since,
            n.queued_at <= now,
            n.state != "held",
            n.object_id.in_(_under(ORDERS, matchers.org).union(_under(ALERTS, matchers.org))),
        )
        .distinct()
        .order_by(n.queued_at.desc(), n.object_id, n.person)
    )
    subjects: dict[str, Subject | None] = {}
    cards: list[PastCard] = []
    seen = 0
    for row in found:
        seen += 1
        if row.object_id not in subjects:
            subjects[row.object_id] = _subject(connection, row.object_id)
        subject = subjects[row.object_id]
        level = Level(row.level)
        if subject is None or level not in matchers.covered:
            continue
        # The colour that the card had, not the one that the order has come to since.
        then = Subject(
            subject.org, level, subject.product, subject.account, subject.measure, subject.rules
        )
        if covers(matchers, then, row.person):
            cards.append(PastCard(row.object_id, row.person, row.queued_at, level, row.reason))
    return Preview(
        days=days,
        now=mutes_now(connection, matchers),
        cards=len(cards),
        seen=seen,
        objects=len({one.object_id for one in cards}),
        latest=tuple(cards[:show]),
    )


def _under(table: Table, org: str) -> Select[Any]:
    c = table.c
    return select(c.id).where(or_(c.org == org, c.org.startswith(f"{org}/", autoescape=True)))


def _subject(connection: Connection, object_id: str) -> Subject | None:
    matter = rows.find_order(connection, object_id) or rows.find_alert(connection, object_id)
    return None if matter is None else subject_of(connection, matter)
