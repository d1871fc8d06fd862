"""What a hand-over sheet would hold now, read from orders, alerts, silences and approvals."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

import approvals
from store.types import decimal_text
from workorders import rows
from workorders.card import grouped
from workorders.context import Context
from workorders.evidence import cause_of, number_of, numbers_of
from workorders.exemption_rows import list_exemptions
from workorders.exemptions import ExemptionState
from workorders.handover import Item, Section, Thing
from workorders.levels import Level
from workorders.model import AlertState, OrderKind, State, WorkOrder
from workorders.opening import review_due
from workorders.reads import ACTIVE, within
from workorders.rows import ALERTS, ORDERS
from workorders.silencing import list_silences

_ALL = 5000
_LAST = datetime.max.replace(tzinfo=UTC)
_SECTIONS = list(Section)


class Feed(NamedTuple):
    """A feed that is late or dead, as the house last told it."""

    org: str
    source: str
    state: str


def items_of(
    connection: Connection,
    ctx: Context,
    org: str,
    now: datetime,
    feeds: Iterable[Feed] = (),
    *,
    scopes: Sequence[str] = (),
) -> tuple[Item, ...]:
    """All that is on the desk of `org` and of what lies beneath, section by section.

    Within a section the gravest colour comes first, then the nearest deadline.

    Args:
        connection: to read with.
        ctx: the calendar that tells when a red order must have been reviewed.
        org: the unit whose shift ends.
        now: the moment of the sheet.
        feeds: those at fault; the others are left out by the caller.
        scopes: the unit as one reader sees it, without orders and alerts about that reader; empty
            for the sheet that is signed, which holds everything.
    """
    found = [
        *_orders(connection, ctx, scopes or [org]),
        *_alerts(connection, scopes or [org]),
        *_approvals(connection, org),
        *_silences(connection, org, now),
        *_exemptions(connection, org, now),
        *_feeds(feeds, org),
    ]
    return tuple(sorted(found, key=_place))


def _place(item: Item) -> tuple[int, int, datetime, str, str]:
    rank = -Level(item.level).rank if item.level else 0
    return _SECTIONS.index(item.section), rank, item.due or _LAST, item.id, item.org


def _orders(connection: Connection, ctx: Context, places: Sequence[str]) -> Iterable[Item]:
    c = ORDERS.c
    states = [one.value for one in ACTIVE]
    wanted = select(ORDERS).where(within(c.org, places), c.state.in_(states))
    found = [rows.order_from(row) for row in connection.execute(wanted).mappings()]
    numbers = numbers_of(connection, found)
    for order in found:
        section, due = _of_order(order, ctx)
        yield Item(
            section, Thing.ORDER, order.id, order.org, order.state.value,
            str(order.title_params.get("code", "")), order.level.value, order.product,
            order.month, order.owner, due, about=numbers.get(order.id, ""),
        )  # fmt: skip


def _of_order(order: WorkOrder, ctx: Context) -> tuple[Section, datetime | None]:
    """Where an order stands on the sheet, and its next deadline."""
    if order.state is State.SNOOZED:
        return Section.SNOOZED, order.snoozed_until
    if order.state is State.RESOLVED:
        at = order.resolved_at
        red = order.level is Level.RED and at is not None
        return Section.WAITING, review_due(ctx, order, at) if red and at else None
    due = order.acknowledge_due if order.state is State.OPEN else order.resolve_due
    return (Section.FAULTS if order.kind is OrderKind.DATA else Section.OPEN), due


def _alerts(connection: Connection, places: Sequence[str]) -> Iterable[Item]:
    c = ALERTS.c
    wanted = select(ALERTS).where(
        within(c.org, places), c.state == AlertState.NEW.value, c.order_id == ""
    )
    for row in connection.execute(wanted).mappings():
        alert = rows.alert_from(row)
        yield Item(
            Section.WAITING, Thing.ALERT, alert.id, alert.org, alert.state.value, alert.code,
            alert.level.value, alert.product, alert.month, "", alert.due_at,
            cause_of(alert.evidence), number_of(alert.evidence), alert.actor,
        )  # fmt: skip


def _approvals(connection: Connection, org: str) -> Iterable[Item]:
    for status in approvals.Status:
        if status.final:
            continue
        for one in approvals.list_requests(connection, [org], status.value, _ALL):
            yield Item(
                Section.WAITING, Thing.APPROVAL, one.id, one.subject.org, one.status.value,
                one.subject.kind, "", one.subject.product, "", one.subject.requester, one.due,
            )  # fmt: skip


def _silences(connection: Connection, org: str, now: datetime) -> Iterable[Item]:
    for one in list_silences(connection, [org], live_only=True, now=now, limit=_ALL):
        what = one.matchers
        yield Item(
            Section.SILENCED, Thing.SILENCE, one.id, what.org, f"{one.state.value}/{one.version}",
            what.rule, "", what.product, "", one.author, one.ends_at,
            about=" · ".join(part for part in (what.measure, what.account) if part),
            actor=what.person, levels=tuple(level.value for level in what.covered),
        )  # fmt: skip


def _exemptions(connection: Connection, org: str, now: datetime) -> Iterable[Item]:
    """Those that are given and not over; who asks for one stands among the approvals."""
    given = [ExemptionState.GRANTED]
    for one in list_exemptions(connection, [org], states=given, limit=_ALL):
        terms = one.terms
        if terms.ends_at > now:
            yield Item(
                Section.SILENCED, Thing.EXEMPTION, one.id, terms.org, one.state.value,
                terms.rule, "", terms.product, terms.month, one.requested_by, terms.ends_at,
                about=f"{grouped(decimal_text(terms.cap))} {terms.unit}",
            )  # fmt: skip


def _feeds(feeds: Iterable[Feed], org: str) -> Iterable[Item]:
    """Feeds of the unit itself, of what lies beneath, and of what lies above it."""
    for feed in feeds:
        near = feed.org == org or feed.org.startswith(f"{org}/") or org.startswith(f"{feed.org}/")
        if near:
            yield Item(Section.FAULTS, Thing.FEED, feed.source, feed.org, feed.state, feed.state)


def counts(items: Sequence[Item]) -> dict[Section, int]:
    """How many lines each section has; every section is named."""
    return {section: sum(one.section is section for one in items) for section in Section}
