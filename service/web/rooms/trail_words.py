"""Records of the trail in words: what was done, to what, with which outcome and why."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from service.web.rooms.evidence import figure, label_of, leaves_of, rule_of, shown
from service.web.rooms.here import Here
from service.web.rooms.order_events import timeline_url
from service.web.views.orders import Pair
from service.web.views.trail import RecordLine
from trail import Record

_BOOK = "book."
_LONGEST = 60
_HASH_DIGITS = 16
_MOST_LEAVES = 20
_LEVEL_PLACES = frozenset({"red", "orange", "yellow", "blue", "none"})
#: Types whose ids the timeline of the log knows.
_IN_LOG = frozenset({"order", "hedge_order", "voucher", "receipt", "event"})


def record_line(here: Here, record: Record) -> RecordLine:
    """The record as one line of the list."""
    return RecordLine(
        seq=record.seq,
        at=record.at,
        kind=record.kind,
        text=record_title(here, record),
        actor=here.names.actor(record.actor),
        object_name=object_name(here, record),
        url=f"/trail/records/{record.seq}",
        object_url=object_url(here, record),
        outcome=outcome(here, record),
        reason=here.names.reason(record.reason) if record.reason else "",
    )


def record_title(here: Here, record: Record) -> str:
    """What was done, in a few words; a match says what it found."""
    if record.kind == "match" and record.outcome:
        body = record.body
        return here.names.subject(
            record.outcome, str(body.get("product") or ""), str(body.get("month") or "")
        )
    return action(here, record.action)


def action(here: Here, verb: str) -> str:
    """A dotted verb of the trail in words; what came from the log is called as it is there."""
    key = f"ui.did.{verb}"
    if key in here.reader.words:
        return here.text(key)
    if verb.startswith(_BOOK):
        told = here.names.event(verb.removeprefix(_BOOK))
        return here.text("ui.did.book", what=told or verb.removeprefix(_BOOK))
    return verb


def object_name(here: Here, record: Record) -> str:
    """The object as people call it."""
    if record.object_type == "person":
        return here.names.person(record.object_id)
    if record.object_type == "trail_record":
        number = here.reader.format.number(int(record.object_id))
        return here.text("ui.record.title", seq=number)
    if record.object_type == "trail":
        return here.text("ui.nav.trail")
    # The book's keys begin with the organisation, which stands on the record already.
    parts = [one for one in record.object_id.split("|") if one and one != record.org]
    name = " · ".join(parts)
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def object_url(here: Here, record: Record) -> str:
    """The page of the object; empty when it has none."""
    identity = quote(record.object_id, safe="")
    match record.object_type:
        case "work_order":
            return f"/orders/{identity}"
        case "alert":
            return f"/alerts?alert={identity}"
        case "trail_record":
            return f"/trail/records/{identity}"
        case kind if kind in _IN_LOG and here.may("log.read"):
            return timeline_url(record.object_id)
    return ""


def outcome(here: Here, record: Record) -> str:
    """What came of it, in words where there are any."""
    code, words = record.outcome, here.reader.words
    if not code:
        return ""
    if record.kind == "match":
        return here.names.title(code)
    if code in _LEVEL_PLACES:
        return words.text(f"ui.level.{code}")
    for key in (f"ui.record_outcome.{code}", f"ui.outcome.{code}", f"ui.state.{code}"):
        if key in words:
            return words.text(key)
    return code


def facts_of(here: Here, record: Record) -> tuple[Pair, ...]:
    """Who, what, why, under which rule and numbers."""
    text, body = here.text, record.body
    found = [
        Pair(text("ui.column.actor"), here.names.actor(record.actor)),
        Pair(text("ui.column.what"), action(here, record.action)),
        Pair(text("ui.column.object"), object_name(here, record), object_url(here, record)),
        Pair(text("ui.column.unit"), here.names.unit(record.org)),
        Pair(text("ui.column.outcome"), outcome(here, record)),
        Pair(text("ui.column.reason"), here.names.reason(record.reason)),
        Pair(text("ui.record.typed"), _string(body, "text")),
        *_rule(here, body),
        Pair(text("ui.record.clause"), _string(body, "clause")),
        Pair(text("ui.rulebook"), _string(body, "rulebook")[:_HASH_DIGITS]),
        Pair(text("ui.record.snapshot"), _string(body, "snapshot")[:_HASH_DIGITS]),
        *_numbers(here, body),
    ]
    return tuple(one for one in found if one.text)


def _rule(here: Here, body: Mapping[str, Any]) -> list[Pair]:
    name = _string(body, "rule")
    if not name:
        return []
    known = rule_of(here.app, name) is not None and here.may("rules.read")
    version = body.get("version")
    told = f"{name} · v{version}" if version else name
    return [Pair(here.text("ui.record.rule"), told, f"/rules?rule={quote(name)}" if known else "")]


def _numbers(here: Here, body: Mapping[str, Any]) -> list[Pair]:
    """What a rule compared, with thresholds; a decision's own figures."""
    leaves, rule = body.get("leaves"), _string(body, "rule")
    if rule and isinstance(leaves, list):
        found = []
        for leaf in leaves_of(here, body)[:_MOST_LEAVES]:
            told = shown(here, leaf.value)
            if leaf.threshold.value is not None or leaf.threshold.text:
                if not leaf.broken:  # a branch that did not hold is no reason
                    continue
                told = f"{told} / {shown(here, leaf.threshold)}"
            found.append(Pair(leaf.condition, told))
        return found
    evidence = body.get("evidence")
    if not isinstance(evidence, dict):
        return []
    return [
        Pair(label_of(here, name, None), shown(here, figure(here, name, value)))
        for name, value in list(evidence.items())[:_MOST_LEAVES]
        if not isinstance(value, dict)
    ]


def _string(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
