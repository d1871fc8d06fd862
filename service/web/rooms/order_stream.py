"""The one stream of a work order: its own entries and the log's events behind its matches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any
from urllib.parse import quote, urlencode

from auditlog.events import Event
from service.web.rooms.here import Here
from service.web.rooms.order_events import event_line, events_of_case, left_out_line
from service.web.views.parts import Link, StreamEntry
from store.clock import parse_rfc3339
from workorders.model import Entry, EntryKind, WorkOrder

MOST_LINES = 160
_FIRST_LINES = 40
_KINDS = {
    EntryKind.MATCH: "risk",
    EntryKind.DECISION: "decision",
    EntryKind.NOTE: "note",
    EntryKind.MESSAGE: "message",
    EntryKind.NOTIFICATION: "message",
    EntryKind.APPROVAL: "approval",
    EntryKind.FILE: "file",
}
#: Said better by the entry beside them: the match, the order, the delivery.
_SILENT = frozenset({"alert.raise", "notice.queue", "order.attach"})
_MATCHED = frozenset({"match.record", "match.refire"})
UNCONFIRMED = "notice.sent_unconfirmed"
#: What stands in the stream when a channel took a notice.
SENT = frozenset({"notice.sent", UNCONFIRMED})
#: What stands there when a mail came back.
RETURNED = frozenset({"notice.bounced", "notice.bounced_next", "notice.bounced_last"})
_ESCALATED = "order.escalate"
_OVERDUE = "order.corrective_overdue"
#: What is said again and again until somebody acts, and how a run of it is told.
_REMINDERS = {_ESCALATED: "ui.stream.climbed", _OVERDUE: "ui.stream.reminded"}
_CONFIRMED = "alert.confirm"
_CLOSED = "order.close"
_PAGING = "paging"
_FEW = 2
#: Actors that are no persons; what a channel told says its sentence.
_NOBODY = ("system:", "channel:")
_REPEATED = frozenset({"order.refire", "match.refire"})
_PEOPLE = frozenset({"people", "told", "assignees"})
_KEYS = {
    "before": "level.{}",
    "after": "level.{}",
    "channel": "ui.channel.{}",
    "next": "ui.channel.{}",
    "status": "approvals.status.{}",
}


def stream_of(
    here: Here, order: WorkOrder, entries: Sequence[Entry], matches: Sequence[Mapping[str, Any]]
) -> tuple[list[StreamEntry], list[Event]]:
    """The stream, oldest first, and the events in it."""
    followed = events_of_case(here, order, matches)
    lines = [event_line(here, one.event) for one in followed.events]
    lines += entry_lines(here, [one for one in entries if one.order_id in {"", order.id}])
    for number in dict.fromkeys(one.order_id for one in entries):
        if number not in {"", order.id}:  # of an order that was merged in: its lines name it
            theirs = entry_lines(here, [one for one in entries if one.order_id == number])
            lines += [replace(one, links=(*one.links, _to(number))) for one in theirs]
    lines += left_out_line(here, order, followed)
    lines.sort(key=lambda one: one.at)
    return shortened(here, order.id, lines), [one.event for one in followed.events]


def _to(number: str) -> Link:
    return Link(number, f"/orders/{quote(number)}")


def shortened(here: Here, number: str, lines: list[StreamEntry]) -> list[StreamEntry]:
    """At most `MOST_LINES`, the first and the last; what is left out stands in the trail."""
    left_out = len(lines) - MOST_LINES
    if left_out <= 0:
        return lines
    head, tail = lines[:_FIRST_LINES], lines[_FIRST_LINES + left_out :]
    gap = StreamEntry(
        tail[0].at,
        "system",
        here.text("ui.stream.left_out", count=left_out),
        links=(Link(here.text("ui.nav.trail"), f"/trail?{urlencode({'q': number})}"),),
    )
    return [*head, gap, *tail]


# --- entries of the order -----------------------------------------------------------------------


def entry_lines(here: Here, entries: Iterable[Entry]) -> list[StreamEntry]:
    """The entries as sentences; what repeats itself is one line that says how often."""
    lines: list[StreamEntry] = []
    entries = list(entries)
    closed = frozenset(one.at for one in entries if one.code == _CLOSED)
    told = [
        one
        for before, one in pairwise([None, *entries])
        if one is not None and one.code not in _SILENT and not _said_before(before, one)
    ]
    for code, run in groupby(told, key=_run_of):
        found = list(run)
        reminder = _reminder_of(found) if code == _PAGING else ""
        if reminder:
            lines += _paging_lines(here, found, reminder)
        elif code == _PAGING:
            for sent, same in groupby(found, key=lambda one: one.code in SENT):
                some = list(same)
                lines += [_delivery_line(here, some)] if sent else _lines(here, some)
        elif code in _REPEATED:
            lines.append(entry_line(here, found[-1]))
        elif code == _CONFIRMED:
            lines += _confirmed_lines(here, found, closed)
        else:
            lines += _lines(here, found)
    return lines


def _confirmed_lines(
    here: Here, found: Sequence[Entry], closed: frozenset[datetime]
) -> list[StreamEntry]:
    """Alerts that were confirmed: by hand, or by the close of the order that answered for them."""
    by_hand = [one for one in found if one.at not in closed]
    lines = _lines(here, by_hand)
    if by_close := [one for one in found if one.at in closed]:
        count = len(by_close)
        line = entry_line(here, by_close[0])
        lines.append(replace(line, text=here.text("ui.stream.confirmed_by_close", count=count)))
    return lines


def _reminder_of(found: Sequence[Entry]) -> str:
    """What a run of reminders and deliveries repeats more than a few times; empty for nothing."""
    counts = {code: sum(one.code == code for one in found) for code in _REMINDERS}
    return next((code for code, count in counts.items() if count > _FEW), "")


def _said_before(before: Entry | None, entry: Entry) -> bool:
    """Whether the match in front of it says already that something occurred again."""
    return entry.code == "order.refire" and before is not None and before.code in _MATCHED


def _run_of(entry: Entry) -> str:
    """What a run of entries has in common; reminders and their deliveries are one run."""
    return _PAGING if entry.code in SENT or entry.code in _REMINDERS else entry.code


def _lines(here: Here, entries: Sequence[Entry]) -> list[StreamEntry]:
    """One line an entry; several that say the same are one."""
    lines: list[StreamEntry] = []
    said = (entry_line(here, one) for one in entries)
    for _, same in groupby(said, key=lambda one: (one.text, one.detail, one.actor, one.level)):
        first, *others = same
        if others:
            text = here.text("ui.stream.times", text=first.text, count=len(others) + 1)
            first = replace(first, text=text)
        lines.append(first)
    return lines


def _paging_lines(here: Here, found: Sequence[Entry], reminder: str) -> list[StreamEntry]:
    """What was said again and again: the first time, then how often, until when."""
    climbs = [one for one in found if one.code == reminder]
    first = entry_line(here, climbs[0])
    people = dict.fromkeys(
        str(person) for one in climbs[1:] for person in one.params.get("people", ())
    )
    again = StreamEntry(
        climbs[-1].at,
        "decision",
        here.text(
            _REMINDERS[reminder], count=len(climbs) - 1, people=here.names.people(list(people))
        ),
    )
    sent = [one for one in found if one.code in SENT]
    before = [one for one in sent if one.at < climbs[0].at]
    told = [_delivery_line(here, before)] if before else []
    after = [one for one in sent if one.at >= climbs[0].at]
    others = [one for one in found if one.code != reminder and one.code not in SENT]
    return [
        *_lines(here, others),
        *told,
        first,
        again,
        *([_delivery_line(here, after)] if after else []),
    ]


def _delivery_line(here: Here, sent: Sequence[Entry]) -> StreamEntry:
    """Deliveries that follow each other as one line."""
    people = dict.fromkeys(str(one.params.get("person", "")) for one in sent)
    unsure = all(one.code == UNCONFIRMED for one in sent)
    channels = dict.fromkeys(_way(here, one, unsure=unsure) for one in sent)
    return StreamEntry(
        sent[-1].at,
        "message",
        here.text(
            "ui.stream.unconfirmed" if unsure else "ui.stream.told",
            people=here.names.people(list(people)),
        ),
        here.text("ui.list_comma").join(channels),
    )


def _way(here: Here, sent: Entry, *, unsure: bool) -> str:
    """The channel of a delivery; unless all are unsure, also whether this one is."""
    name = here.reader.words.first(f"ui.channel.{sent.params.get('channel')}", "ui.channel.other")
    if unsure or sent.code != UNCONFIRMED:
        return name
    return here.text("ui.channel.unconfirmed", channel=name)


def entry_line(here: Here, entry: Entry) -> StreamEntry:
    """One entry as a sentence."""
    at = entry.at
    level = ""
    if entry.kind is EntryKind.MATCH:
        level = str(entry.params.get("level") or "")
        if happened := entry.params.get("event_time"):
            at = parse_rfc3339(str(happened))
    person = not entry.actor.startswith(_NOBODY)
    return StreamEntry(
        at,
        _KINDS[entry.kind],
        here.reader.words.first(
            f"ui.entry.{entry.code}", f"workorders.{entry.code}", **_params(here, entry)
        ),
        entry.text,
        level,
        here.names.actor(entry.actor) if person else "",
        _links(here, entry),
    )


def _params(here: Here, entry: Entry) -> dict[str, Any]:
    """The parameters of an entry as its sentence names them."""
    return {name: _spoken(here, name, value) for name, value in entry.params.items()}


def _spoken(here: Here, name: str, value: Any) -> Any:
    """One parameter in words."""
    names, words = here.names, here.reader.words
    if isinstance(value, list):
        listed = [names.person(one) if name in _PEOPLE else str(one) for one in value]
        return words.text("ui.list_comma").join(listed)
    if not isinstance(value, str) or not value:
        return value
    match name:
        case "person" | "actor":
            return names.actor(value)
        case "code":
            return names.title(value)
        case "until" | "at" | "due_at":
            return here.reader.format.minute(parse_rfc3339(value))
    key = _KEYS.get(name, "").format(value)
    return words.text(key) if key in words else value


def _links(here: Here, entry: Entry) -> tuple[Link, ...]:
    approval = entry.params.get("approval")
    if approval:
        return (Link(here.text("ui.thing.approval"), f"/approvals/{quote(str(approval))}"),)
    if entry.kind is EntryKind.FILE:
        size = here.reader.format.number(-(-int(entry.params["size"]) // 1024))
        url = f"/orders/{quote(entry.order_id)}/files/{entry.params['blobs']['file']}"
        return (Link(here.text("ui.stream.download", size=size), url),)
    message = entry.params.get("link")
    if isinstance(message, str) and message.startswith("https://"):
        return (Link(here.text("ui.stream.message"), message),)
    for name in ("new_order", "other", "reopened_from"):
        number = entry.params.get(name)
        if isinstance(number, str) and number.startswith("WO-"):
            return (_to(number),)
    return ()
