"""Records of the trail in words: what was done, to what, with which outcome and why."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from service.web.rooms.evidence import figure, label_of, leaves_of, rule_of, shown
from service.web.rooms.here import Here
from service.web.rooms.names import going_on
from service.web.rooms.trail_objects import called, object_url
from service.web.views.orders import Pair
from service.web.views.trail import RecordLine
from trail import Record

_BOOK = "book."
_VERSION = "version_"
_HASH_DIGITS = 16
_MOST_LEAVES = 20
_LEVEL_PLACES = frozenset({"red", "orange", "yellow", "blue", "none"})


def record_line(here: Here, record: Record) -> RecordLine:
    """The record as one line of the list."""
    thing = called(here, record)
    return RecordLine(
        seq=record.seq,
        at=record.at,
        kind=record.kind,
        text=record_title(here, record),
        actor=here.names.actor(record.actor),
        object_name=thing.name,
        object_whole=thing.whole,
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
        told = going_on(here.names.event(verb.removeprefix(_BOOK)))
        return here.text("ui.did.book", what=told or verb.removeprefix(_BOOK))
    return verb


def outcome(here: Here, record: Record) -> str:
    """What came of it, in words where there are any; of a match its colour or its verdict."""
    words = here.reader.words
    code = _of_match(record) if record.kind == "match" else record.outcome
    if not code:
        return ""
    if record.object_type == "lookback" and code == "none":
        return words.text("ui.record_outcome.nothing_found")
    if code in _LEVEL_PLACES:
        return words.text(f"ui.level.{code}")
    if code.startswith(_VERSION):
        return words.text("ui.record_outcome.version", number=code.removeprefix(_VERSION))
    for key in (f"ui.record_outcome.{code}", f"ui.outcome.{code}", f"ui.state.{code}"):
        if key in words:
            return words.text(key)
    return code


def _of_match(record: Record) -> str:
    """A match's title says its code already; what is left is its colour, or what it decided."""
    decided = record.body.get("decide")
    verdict = decided.get("outcome") if isinstance(decided, dict) else None
    return str(record.body.get("level") or verdict or "")


def facts_of(here: Here, record: Record) -> tuple[Pair, ...]:
    """Who, what, why, under which rule and numbers."""
    text, body = here.text, record.body
    found = [
        Pair(text("ui.column.actor"), here.names.actor(record.actor)),
        Pair(text("ui.column.what"), action(here, record.action)),
        Pair(text("ui.column.object"), called(here, record).full, object_url(here, record)),
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
