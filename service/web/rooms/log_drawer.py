"""The timeline of one object: what happened to it across all kinds, the exposure above it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from auditlog.errors import LogError
from auditlog.events import Event
from auditlog.port import StoredEvent, StoredFact
from service.matters import find_seen
from service.web.rooms.here import Here
from service.web.rooms.log_search import TIMELINE, Asked, timeline_of
from service.web.rooms.order_events import event_line, number_of
from service.web.rooms.trail_words import outcome, record_title
from service.web.views.log import TimelineDrawer
from service.web.views.orders import Pair
from service.web.views.parts import Chart, Link, Series, StreamEntry

_AROUND = timedelta(minutes=30)
_POINTS = 200
_FACTS = 5000
_RECORDS = 100
_DECIDED = ("decision", "match")


def drawer_of(here: Here, asked: Asked) -> TimelineDrawer | None:
    """The open timeline, or None."""
    number, rows = timeline_of(here, asked)
    if not number:
        return None
    events = [one.event for one in rows]
    lines = [_line(here, one, number) for one in events] + _decided(here, number)
    stream = tuple(sorted(lines, key=lambda one: one.at))
    days = {here.reader.format.local(one.at).date() for one in stream}
    closed = asked.address(pick="", object="", cursor="")
    if not asked.pick and not asked.object:
        closed = asked.address(q="", cursor="")
    return TimelineDrawer(
        title=_title(here, number),
        stream=stream,
        chart=_curve(here, events),
        facts=tuple(_facts(here, rows, number)),
        close_url=closed,
        clock="time" if len(days) < 2 else "minute",  # noqa: PLR2004 - one day
        empty="" if stream else here.text("ui.log.timeline_empty"),
    )


def _title(here: Here, number: str) -> str:
    return here.names.person(number) if here.directory.person(number) is not None else number


def _line(here: Here, event: Event, number: str) -> StreamEntry:
    line = event_line(here, event)
    if number_of(event) != number:
        return line
    return StreamEntry(line.at, line.kind, line.text, line.detail, line.level, line.actor)


def _decided(here: Here, number: str) -> list[StreamEntry]:
    """What was decided about the object, from the trail; nothing for who may not read it."""
    if not here.may("trail.read"):
        return []
    with here.app.store.reader() as connection:
        found = find_seen(
            connection,
            here.scopes,
            kind=_DECIDED,
            object_id=number,
            org=here.scopes,
            limit=_RECORDS,
        )
    return [
        StreamEntry(
            one.at,
            "decision",
            record_title(here, one),
            " · ".join(part for part in (outcome(here, one), _reason(here, one.reason)) if part),
            actor=here.names.actor(one.actor) if not one.actor.startswith("system:") else "",
            links=(Link(here.text("ui.nav.trail"), f"/trail/records/{one.seq}"),),
        )
        for one in found
    ]


def _reason(here: Here, code: str) -> str:
    return here.names.reason(code) if code else ""


def _facts(here: Here, rows: Sequence[StoredEvent], number: str) -> list[Pair]:
    """How much there is, where it belongs, and what else it is tied to."""
    if not rows:
        return []
    form, text = here.reader.format, here.text
    events = [one.event for one in rows]
    count = form.number(len(rows)) + ("+" if len(rows) == TIMELINE else "")
    found = [Pair(text("ui.log.events"), count)]
    span = text(
        "ui.log.span",
        start=form.moment(events[0].event_time),
        end=form.moment(events[-1].event_time),
    )
    found.append(Pair(text("ui.column.time"), span))
    units = list(dict.fromkeys(here.names.unit(one.org) for one in events if one.org))
    found.append(Pair(text("ui.column.unit"), text("ui.list_comma").join(units[:3]) or "—"))
    for name in ("order", "voucher", "receipt", "alert"):
        numbers = dict.fromkeys(getattr(one, name) for one in events)
        others = [one for one in numbers if one and one != number]
        if len(others) == 1:
            found.append(Pair(text(f"auditlog.field.{name}"), others[0], _url(others[0])))
    return found


def _url(number: str) -> str:
    return Asked(object=number).address()


# --- the exposure over the same time ------------------------------------------------------------


def _curve(here: Here, events: Sequence[Event]) -> Chart | None:
    """Net exposure of the place that the events touch; None when nothing was computed there."""
    places = {(one.org, one.product) for one in events if one.product}
    if len(places) != 1 or not here.may("book.read", events[0].org):
        return None
    ((org, product),) = places
    try:
        rows = here.app.log.facts(
            "exposure",
            since=events[0].event_time - _AROUND,
            until=events[-1].event_time + _AROUND,
            orgs=here.scopes,
            limit=_FACTS,
        )
    except LogError:
        return None
    own = [one for one in rows if (one.body.get("org"), one.body.get("product")) == (org, product)]
    months = {one.month for one in events if one.month}
    month = next(iter(months)) if len(months) == 1 else ""
    own = _one_place(own, month)[-_POINTS:]
    if len(own) < 2:  # noqa: PLR2004 - one point is no curve
        return None
    form = here.reader.format
    values = tuple(Decimal(one.body["net"]) for one in own)
    unit = str(own[-1].body.get("unit") or "")
    limit = own[-1].body.get("limit")
    return Chart(
        "steps",
        tuple(_on_clock(here, one.event_time, own[0].event_time) for one in own),
        (Series("accent", here.text("ui.log.net", unit=unit), values),),
        here.text(
            "ui.log.exposure_moved",
            place=here.names.contract(product, month),
            before=form.quantity(values[0], unit),
            after=form.quantity(values[-1], unit),
        ),
        limit=Decimal(limit) if limit else None,
        times=tuple(form.local(one.event_time) for one in own),
    )


def _on_clock(here: Here, at: datetime, first: datetime) -> str:
    """The time; with its day when the curve begins on another."""
    form = here.reader.format
    same = form.local(at).date() == form.local(first).date()
    return form.time(at) if same else form.minute(at)


def _one_place(facts: Sequence[StoredFact], month: str) -> list[StoredFact]:
    """Of several roll-ups the one for the month, else the widest; in the order of event time."""
    by_place: dict[tuple[str, str], list[StoredFact]] = {}
    for fact in facts:
        if fact.body.get("net") is not None:
            key = (str(fact.body.get("month") or "*"), str(fact.body.get("account") or "*"))
            by_place.setdefault(key, []).append(fact)
    if not by_place:
        return []
    best = min(by_place, key=lambda one: (one[0] != (month or "*"), one[1] != "*", one))
    return sorted(by_place[best], key=lambda one: one.event_time)
