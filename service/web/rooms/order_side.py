"""The right column of an order's page: how it closed, its people and deadlines, what is related."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, func, select

from auditlog.events import Event
from service.web.rooms.here import Here
from service.web.rooms.order_events import timeline_url
from service.web.rooms.order_stream import RETURNED, SENT, UNCONFIRMED
from service.web.views.orders import (
    Pair,
)
from service.web.views.parts import Link
from store.clock import parse_rfc3339
from workorders import reads, rows
from workorders.model import Entry, EntryKind, State, WorkOrder
from workorders.rows import ALERTS


def closing_of(here: Here, order: WorkOrder) -> Iterable[Pair]:
    """How the order was closed: the answers that its closing recorded."""
    if order.state is not State.CLOSED:
        return
    closing, words = order.closing, here.reader.words
    yield Pair(here.text("ui.column.owner"), here.names.actor(order.handler) or "—")
    disposition = str(closing.get("disposition") or "")
    yield Pair(
        here.text("ui.field.disposition"),
        words.first(f"disposition.{disposition}", "disposition.fixed"),
    )
    cause = str(closing.get("root_cause") or "")
    known = f"root_cause.{cause}" in words
    yield Pair(
        here.text("ui.field.root_cause"), words.text(f"root_cause.{cause}") if known else cause
    )
    if corrective := closing.get("corrective"):
        yield Pair(here.text("ui.field.corrective"), str(corrective.get("text") or ""))
        owner = here.names.person(str(corrective.get("owner") or ""))
        yield Pair(here.text("ui.field.corrective_owner"), owner)
        due = parse_rfc3339(str(corrective["due"])) if corrective.get("due") else None
        yield Pair(here.text("ui.field.corrective_due"), here.reader.format.minute(due))
    if closing.get("override"):
        yield Pair(here.text("ui.field.override"), str(closing["override"]))


def people_of(here: Here, order: WorkOrder, entries: Sequence[Entry]) -> Iterable[Pair]:
    """Who was told, who answered, and when it goes up next."""
    form = here.reader.format
    told = [one for one in entries if one.kind is EntryKind.NOTIFICATION]
    for person in order.assignees:
        text = _told(here, [one for one in told if one.params.get("person") == person])
        if person == order.acknowledged_by and order.acknowledged_at is not None:
            text = here.text("ui.people.acknowledged", at=form.minute(order.acknowledged_at))
        if person == order.owner:
            text = here.text("ui.people.owner")
        yield Pair(_with_role(here, person), text)
    if order.acknowledge_due is not None:
        yield Pair(
            here.text("ui.people.next"),
            here.text("ui.people.escalates", at=form.minute(order.acknowledge_due)),
        )


def _told(here: Here, entries: Sequence[Entry]) -> str:
    """Whether a person was told: what came back told nobody, and of some mail nobody knows."""
    minute = here.reader.format.minute
    back = {one.params.get("key"): one.at for one in entries if one.code in RETURNED}
    sent = [one for one in entries if one.code in SENT]
    stayed = [one for one in sent if one.params.get("key") not in back]
    if stayed:
        unsure = all(one.code == UNCONFIRMED for one in stayed)
        key = "ui.people.unconfirmed" if unsure else "ui.people.told"
        return here.text(key, at=minute(stayed[0].at))
    if sent:
        return here.text("ui.people.returned", at=minute(max(back.values())))
    return here.text("ui.people.listed")


def _with_role(here: Here, person: str) -> str:
    known = here.directory.person(person)
    if known is None or not known.roles:
        return here.names.person(person)
    role = here.text(f"ui.role.{known.roles[0].value}")
    return here.text("ui.people.with_role", name=known.name, role=role)


def tags_of(order: WorkOrder) -> Iterable[Link]:
    """The tags, each with the orders of every state that carry it."""
    for tag in order.tags:
        yield Link(tag, f"/orders?{urlencode({'tag': tag, 'state': 'all'})}")


def related_of(
    here: Here, connection: Connection, order: WorkOrder, events: Sequence[Event]
) -> Iterable[Pair]:
    """Documents that the evidence names, and orders of the same kind."""
    for kind, numbers in (
        ("order", [one.order for one in events]),
        ("voucher", [one.voucher for one in events]),
        ("receipt", [one.receipt for one in events]),
        ("alert", [one.alert for one in events]),
    ):
        found = list(dict.fromkeys(one for one in numbers if one))
        if not found:
            continue
        text = (
            found[0]
            if len(found) == 1
            else here.text("ui.related.several", first=found[0], count=len(found))
        )
        yield Pair(here.text(f"ui.related.{kind}"), text, timeline_url(found[0]))
    code = str(order.title_params.get("code", ""))
    a = ALERTS.c
    same = select(func.count(func.distinct(a.order_id))).where(
        a.code == code, a.order_id.not_in(["", order.id]), reads.within(a.org, here.scopes)
    )
    if number := connection.scalar(same) or 0:
        url = f"/orders?{urlencode({'q': code, 'state': 'all'})}"
        yield Pair(
            here.text("ui.related.similar"), here.text("ui.related.count", count=number), url
        )
    for one in rows.find_orders(connection, reads.merged_in(connection, order.id)).values():
        subject = here.names.subject(str(one.title_params.get("code", "")), one.product, one.month)
        text = here.text("ui.related.merged_order", number=one.id, subject=subject)
        yield Pair(here.text("ui.related.merged_in"), text, f"/orders/{quote(one.id)}")
    for name, other in (
        ("merged_into", order.merged_into),
        ("reopened_from", order.reopened_from),
    ):
        if other:
            yield Pair(here.text(f"ui.related.{name}"), other, f"/orders/{quote(other)}")
