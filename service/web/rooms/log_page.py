"""The audit log: search, counts to filter by, events over time, list, workbook."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from auditlog.events import Event, EventKind
from auditlog.port import PAGE_LIMIT, Bucket, Query, StoredEvent
from service.web.rooms.here import Here
from service.web.rooms.log_axis import marks
from service.web.rooms.log_drawer import drawer_of
from service.web.rooms.log_search import NO_UNIT, Asked, moment, query_of, strays
from service.web.rooms.order_events import event_detail, number_of
from service.web.rooms.quarantine import quarantine_tabs
from service.web.rooms.sheets import Column
from service.web.views.log import LogLine, LogPage, Select
from service.web.views.parts import Chart, Choice, Facet, FormField, Pager, Series

PAGE = 50
EXPORTED = 20_000
_BARS = 48
_GROUPS = 30
#: Filters with a select each: the log's field and the head of its column.
_SELECTS = (
    ("unit", "org", "ui.column.unit"),
    ("actor", "actor", "ui.column.actor"),
    ("outcome", "outcome", "ui.column.outcome"),
)
_CHIPS = (*((name, head) for name, _, head in _SELECTS), ("source", "ui.column.source"),
          ("object", "ui.column.object"))  # fmt: skip
_FAILED = frozenset({"fail", "failed", "failure", "error", "denied", "timeout", "rejected"})


def log_page(here: Here, asked: Asked) -> LogPage:
    """The page."""
    log, query = here.app.log, query_of(here, asked)
    found = log.search(replace(query, cursor=asked.cursor, limit=PAGE))
    counts = {
        one.value: one.events for one in log.group_by(replace(query, kinds=()), "kind", limit=20)
    }
    total = counts.get(asked.kind, 0) if query.kinds else sum(counts.values())
    bars = _bars(here, query) if total else ()
    drawer = drawer_of(here, asked)
    picked = asked.pick or asked.object
    return LogPage(
        query=asked.q,
        chips=tuple(_chips(here, asked)),
        kinds=(*_kinds(here, asked, counts), *_no_unit(here, asked, query)),
        lines=tuple(log_line(here, one, asked, picked) for one in found.rows),
        pager=Pager(
            len(found.rows),
            total,
            next_url=asked.address(cursor=found.cursor) if found.cursor else "",
            previous_url=asked.address(cursor="") if asked.cursor else "",
        ),
        histogram=_over_time(here, bars, total) if len(bars) > 1 else None,
        fields=tuple(_fields(here, asked)),
        selects=tuple(_selects(here, asked, query)),
        drawer=drawer,
        export_url=asked.address("/log.xlsx", cursor="", pick="") if found.rows else "",
        tabs=quarantine_tabs(here, "/log"),
        note=_note(here, query) if asked.unit == NO_UNIT and total else "",
    )


def log_line(here: Here, stored: StoredEvent, asked: Asked, picked: str) -> LogLine:
    """One event of the list; its object opens the timeline beside the list as it is."""
    event = stored.event
    number = number_of(event) or event.event_id
    late = event.arrival_time - event.event_time
    return LogLine(
        at=event.event_time,
        kind=event.kind.value,
        type=event.type,
        text=_said(here, event),
        actor=here.names.actor(event.actor),
        unit=here.names.unit(event.org),
        object_name=number,
        object_url=asked.address(pick=number) if number else "",
        outcome=here.names.event_outcome(event.outcome),
        failed=_failed(event),
        late_s=int(late.total_seconds()) if stored.late else 0,
        current=bool(picked) and picked == number,
    )


def _said(here: Here, event: Event) -> str:
    words = here.names.event(event.type)
    detail = event_detail(here, replace(event, outcome=""))
    return " · ".join(one for one in (words, detail) if one)


def _failed(event: Event) -> bool:
    return event.kind is EventKind.EXCEPTION or event.outcome.casefold() in _FAILED


# --- filters ------------------------------------------------------------------------------------


def _kinds(here: Here, asked: Asked, counts: Mapping[str, int]) -> Iterator[Facet]:
    for kind in EventKind:
        current = asked.kind == kind.value
        yield Facet(
            here.text(f"ui.kind.{kind.value}"),
            asked.address(kind="" if current else kind.value, cursor=""),
            counts.get(kind.value, 0),
            current,
        )


def _no_unit(here: Here, asked: Asked, query: Query) -> Iterator[Facet]:
    """Events of no known unit, for who sees every unit."""
    current = asked.unit == NO_UNIT
    orgs = strays(here)
    count = here.app.log.count(replace(query, orgs=orgs, org="")) if orgs else 0
    if count or current:
        url = asked.address(unit="" if current else NO_UNIT, cursor="")
        yield Facet(here.text("ui.log.no_unit"), url, count, current)


def _note(here: Here, query: Query) -> str:
    """Why these events belong to no unit, of which sources they are, and what to do."""
    sources = [one.value for one in here.app.log.group_by(query, "source", _GROUPS)]
    return here.text("ui.log.no_unit_note", sources=here.text("ui.list_comma").join(sources))


def _chips(here: Here, asked: Asked) -> Iterator[Facet]:
    for name, head in _CHIPS:
        value = getattr(asked, name)
        if value and value != NO_UNIT:
            text = here.text("ui.log.chip", field=here.text(head), value=_called(here, name, value))
            yield Facet(text, asked.address(**{name: "", "cursor": ""}))


def _called(here: Here, name: str, value: str) -> str:
    if name == "unit":
        return here.names.unit(value)
    return here.names.actor(value) if name in {"actor", "source"} else value


def _selects(here: Here, asked: Asked, query: Query) -> Iterator[Select]:
    for name, field, head in _SELECTS:
        if getattr(asked, name):
            continue
        groups = [one for one in here.app.log.group_by(query, field, _GROUPS) if one.value]
        if len(groups) > 1:
            choices = tuple(
                Choice(
                    one.value,
                    here.text(
                        "ui.log.counted",
                        value=_called(here, name, one.value),
                        count=here.reader.format.number(one.events),
                    ),
                )
                for one in groups
            )
            yield Select(name, here.text(head), choices)


def _fields(here: Here, asked: Asked) -> Iterator[FormField]:
    text = here.text
    for name in ("kind", "unit", "actor", "outcome", "source"):
        if value := getattr(asked, name):
            yield FormField(name, kind="hidden", value=value)
    for name, head, value in (("from", "ui.field.from", asked.since),
                              ("to", "ui.field.to", asked.until)):  # fmt: skip
        yield FormField(name, text(head), "datetime-local", _clock(here, value))


def _clock(here: Here, text: str) -> str:
    """A time of the address as the field shows it, on the reader's clock."""
    at = moment(here, text)
    return "" if at is None else f"{here.reader.format.local(at):%Y-%m-%dT%H:%M:%S}"


# --- events over time ---------------------------------------------------------------------------


def _bars(here: Here, query: Query) -> Sequence[Bucket]:
    """At most `_BARS` bars, none shorter than a second."""
    bars = here.app.log.histogram(query, buckets=_BARS)
    if not bars:
        return ()
    seconds = -(-(bars[-1].end - bars[0].start) // timedelta(seconds=1))
    return bars if seconds >= _BARS else here.app.log.histogram(query, buckets=seconds)


def _over_time(here: Here, bars: Sequence[Bucket], total: int) -> Chart:
    form, text = here.reader.format, here.text
    most = max(bars, key=lambda one: one.events)
    present = {kind for one in bars for kind in one.kinds}
    return Chart(
        "histogram",
        # what a bar says when it is pointed at: from when to when, with the day
        tuple(
            text("ui.log.bar", start=form.moment(one.start), end=form.moment(one.end))
            for one in bars
        ),
        tuple(
            Series(
                kind.value,
                text(f"ui.kind.{kind.value}"),
                tuple(one.kinds.get(kind.value, 0) for one in bars),
            )
            for kind in EventKind
            if kind.value in present
        ),
        text(
            "ui.log.bars",
            start=form.minute(bars[0].start),
            end=form.minute(bars[-1].end),
            total=form.number(total),
            most=form.number(most.events),
            at=form.minute(most.start),
        ),
        tuple(_second(one.start).isoformat() for one in bars),
        tuple(_second(one.end + timedelta(microseconds=999_999)).isoformat() for one in bars),
        marks=marks(bars, form.zone),
    )


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


# --- workbook -----------------------------------------------------------------------------------


def exported(here: Here, asked: Asked) -> Iterator[StoredEvent | None]:
    """The events of the search, newest first; None at the end when there were more."""
    query = replace(query_of(here, asked), limit=min(PAGE_LIMIT, EXPORTED))
    left, cursor = EXPORTED, ""
    while left > 0:
        page = here.app.log.search(replace(query, cursor=cursor))
        yield from page.rows
        left, cursor = left - len(page.rows), page.cursor
        if not cursor:
            return
    yield None


def _cell(name: str) -> Column[StoredEvent | None]:
    return Column(
        f"auditlog.field.{name}",
        lambda one, _: getattr(one.event, name) if one is not None else None,
    )


COLUMNS: Sequence[Column[StoredEvent | None]] = (
    Column(
        "auditlog.field.event_time",
        lambda one, here: one.event.event_time
        if one is not None
        else here.text("ui.log.sheet_cut", most=here.reader.format.number(EXPORTED)),
    ),
    _cell("arrival_time"),
    Column(
        "auditlog.field.kind",
        lambda one, here: here.text(f"ui.kind.{one.event.kind.value}") if one is not None else None,
    ),
    *(_cell(name) for name in (
        "type", "source", "event_id", "org", "actor", "role", "account", "product", "month",
        "order", "voucher", "receipt", "alert", "object_id", "outcome", "qty", "amount",
        "currency", "message",
    )),
)  # fmt: skip


def search_url(text: str) -> str:
    """Where the search of the top bar leads."""
    return f"/log?{urlencode({'q': text})}" if text else "/log"
