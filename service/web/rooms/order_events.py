"""The log's events of a work order: those behind its matches, and what came of their objects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from auditlog.errors import LogError
from auditlog.events import Event
from auditlog.port import Query, StoredEvent
from service.events_behind import LOOKED_UP, REACH
from service.events_behind import events_behind as events_of
from service.web.rooms.here import Here
from service.web.views.parts import Link, StreamEntry
from store.clock import parse_rfc3339
from workorders.model import WorkOrder

#: So many objects of an order are followed, and so many events of each.
MOST_OBJECTS = 20
MOST_OF_ONE = 40


@dataclass(frozen=True, slots=True)
class Followed:
    """The events of an order's case.

    Attributes:
        events: oldest first, each once.
        left_out: objects of the case that have more events than are listed, or were not asked for.
    """

    events: tuple[StoredEvent, ...] = ()
    left_out: tuple[str, ...] = ()


def events_of_case(here: Here, order: WorkOrder, matches: Sequence[Mapping[str, Any]]) -> Followed:
    """The events behind the matches, and those about the same objects until the order is resolved.

    None for who may not read the log.
    """
    behind = events_behind(here, order, matches)
    if not here.may("log.read") or not matches:
        return Followed(tuple(behind))
    found = {one.event.uid: one for one in behind}
    numbers = list(dict.fromkeys(_objects(behind, matches)))
    left_out = numbers[MOST_OBJECTS:]
    since = min(parse_rfc3339(one["event_time"]) for one in matches) - REACH
    until = (order.resolved_at or here.now) + timedelta(seconds=1)
    for number in numbers[:MOST_OBJECTS]:
        query = Query(
            orgs=here.scopes, org=order.org, object=number, since=since, until=until,
            limit=MOST_OF_ONE, order="oldest",
        )  # fmt: skip
        try:
            page = here.app.log.search(query)
        except LogError:
            left_out.append(number)
            continue
        found |= {one.event.uid: one for one in page.rows}
        if page.cursor:
            left_out.append(number)
    ordered = sorted(found.values(), key=lambda one: (one.event.event_time, one.position))
    return Followed(tuple(ordered), tuple(left_out))


def _objects(behind: Iterable[StoredEvent], matches: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """The documents that the case names: in its events, its matches and what they decided."""
    for one in behind:
        event = one.event
        named = (event.order, event.voucher, event.receipt, event.alert, event.object_id)
        yield from (number for number in named if number)
    for match in matches:
        if match.get("decide"):
            yield str(match["decide"]["object_id"])
        yield from (str(one) for one in match.get("objects", ()) if one)


def left_out_line(here: Here, order: WorkOrder, followed: Followed) -> list[StreamEntry]:
    """Says which objects have more events than are listed; nothing when all are there."""
    if not followed.left_out:
        return []
    return [
        StreamEntry(
            order.resolved_at or here.now,
            "system",
            here.text("ui.stream.more_events"),
            links=tuple(Link(one, timeline_url(one)) for one in followed.left_out[:LOOKED_UP]),
        )
    ]


def events_behind(
    here: Here, order: WorkOrder, matches: Sequence[Mapping[str, Any]]
) -> list[StoredEvent]:
    """The log's events behind the matches, oldest first; none for who may not read the log."""
    if not here.may("log.read"):
        return []
    try:
        return events_of(here.app.log, here.scopes, order.org, matches)
    except LogError:
        return []


def event_line(here: Here, event: Event) -> StreamEntry:
    """One event of the log as a line, leading to the timeline of its object."""
    number = number_of(event)
    text = here.names.event(event.type) or event.type
    links = (Link(number, timeline_url(number)),) if number else ()
    return StreamEntry(
        event.event_time,
        event.kind.value,
        text,
        event_detail(here, event),
        "",
        here.names.actor(event.actor),
        links,
    )


def number_of(event: Event) -> str:
    """The number by which people know what the event is about."""
    return event.order or event.voucher or event.receipt or event.alert or event.object_id


def timeline_url(number: str) -> str:
    """The timeline of an object in the log."""
    return f"/log?{urlencode({'object': number})}"


def event_detail(here: Here, event: Event) -> str:
    """The figures of an event in words: product, side, quantity, price, amount, outcome."""
    form, words = here.reader.format, here.reader.words
    found = [here.names.contract(event.product, event.month)]
    side = str(event.attributes.get("side", ""))
    if f"book.side.{side}" in words:
        found.append(words.text(f"book.side.{side}"))
    if event.qty is not None:
        unit = str(event.attributes.get("unit", ""))
        found.append(form.quantity(event.qty, unit or ("t" if "qty_t" in event.attributes else "")))
    lots = event.attributes.get("lots")
    if isinstance(lots, int):
        found.append(here.text("ui.lots", count=form.number(lots)))
    price = event.attributes.get("price")
    if isinstance(price, str) and _is_number(price):
        found.append(here.text("ui.price", price=form.number(Decimal(price))))
    if event.amount is not None:
        found.append(form.money(event.amount, event.currency or "CNY"))
    found.append(here.names.event_outcome(event.outcome))
    reason = event.attributes.get("reason")
    found.append(_reason(here, reason) if isinstance(reason, str) else "")
    found.append(event.message)
    return " · ".join(one for one in found if one)


def _reason(here: Here, said: str) -> str:
    """Why, in the reader's words where a source says it by a code of ours; else as it said it."""
    words = here.names.reason(said)
    return words if words != said else here.names.title(said)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False
