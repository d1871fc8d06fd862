"""The one event type of the audit log, and how a mapping becomes one.

An event says what happened (`type`), where and when, who did it and to what. Five kinds: business,
system, risk, exception and market. What the type does not name stays in `attributes`.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

from auditlog.fields import (
    LEVELS,
    NAMES,
    TARGET,
    TEXT_FIELDS,
    EventKind,
    ecs_kind,
    flatten,
    kind_of,
)
from auditlog.values import EVENT_BYTES, FieldReader
from store.clock import rfc3339
from store.problems import Problem, did_you_mean
from store.types import decimal_text

__all__ = ["Event", "EventKind", "event_hash", "event_uid", "parse_event"]

_EMPTY = (None, "")
_PLAIN = frozenset({str, int, bool, Decimal, type(None), float, list})
_HASH_DIGITS = 24
_KINDS = "business, system, risk, exception, market"


@dataclass(frozen=True, slots=True)
class Event:
    """One audit-log event. An absent text is ``""``, an absent number is None.

    Attributes:
        source: the system or feed that reported it; with `event_id` and the event day its identity.
        event_id: the reporter's own id, unique in the source for a day.
        event_time: when it happened (UTC); rules and detectors go by it.
        arrival_time: when it reached us (UTC).
        kind: business, system, risk, exception or market.
        type: the dotted verb (``order.create``).
        seq: the reporter's running number; 0 when it numbers nothing.
        org: the organisation path (``集团/子公司/条线``).
        actor: the person or service that acted.
        role: the actor's role as reported.
        account: the trading or bank account.
        product: the commodity (``cu``).
        month: the delivery month (``2406``).
        object_type: the kind of object acted on.
        object_id: its id.
        order: the order's number; like voucher, receipt and alert a promoted hot key.
        outcome: what came of it (``success``, ``failure`` …).
        latency_ms: how long it took.
        amount: an exact amount of `currency`.
        qty: an exact quantity, in the unit of its type.
        source_system: the system behind the source, when they differ.
        region: data centre or country.
        address: network address of the actor.
        message: free text.
        attributes: everything else, JSON without binary floats (fractions are decimal text).
    """

    source: str
    event_id: str
    event_time: datetime
    arrival_time: datetime
    kind: EventKind
    type: str
    seq: int = 0
    org: str = ""
    actor: str = ""
    role: str = ""
    account: str = ""
    product: str = ""
    month: str = ""
    object_type: str = ""
    object_id: str = ""
    order: str = ""
    voucher: str = ""
    receipt: str = ""
    alert: str = ""
    outcome: str = ""
    latency_ms: int | None = None
    amount: Decimal | None = None
    currency: str = ""
    qty: Decimal | None = None
    source_system: str = ""
    region: str = ""
    address: str = ""
    message: str = ""
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def day(self) -> date:
        """The event day (UTC): the unit of identity, pruning and retention."""
        return self.event_time.date()

    @property
    def uid(self) -> str:
        """The stable identity: the event day and a hash of source and id."""
        return event_uid(self.source, self.event_id, self.day)

    def as_dict(self) -> dict[str, Any]:
        """The native JSON form: empty fields left out, times RFC 3339, decimals as text."""
        out: dict[str, Any] = {
            "source": self.source,
            "event_id": self.event_id,
            "event_time": rfc3339(self.event_time),
            "arrival_time": rfc3339(self.arrival_time),
            "kind": self.kind.value,
            "type": self.type,
        }
        for name in _OPTIONAL:
            value = getattr(self, name)
            if value not in _EMPTY:
                out[name] = decimal_text(value) if isinstance(value, Decimal) else value
        if self.seq:
            out["seq"] = self.seq
        if self.attributes:
            out["attributes"] = dict(self.attributes)
        return out


_REQUIRED = ("source", "event_id", "event_time", "arrival_time", "kind", "type")
_OPTIONAL = tuple(
    field.name
    for field in dataclasses.fields(Event)
    if field.name not in {*_REQUIRED, "seq", "attributes"}
)


def event_uid(source: str, event_id: str, day: date) -> str:
    """``YYYYMMDD-`` and 24 hexadecimal digits of SHA-256 over the source's length, source and id.

    The day stands in front so that one look-up reads one day only.
    """
    return f"{day:%Y%m%d}-{event_hash(source, event_id).hex()[:_HASH_DIGITS]}"


def event_hash(source: str, event_id: str) -> bytes:
    """SHA-256 over the source's length in bytes, a colon, the source and the id."""
    return hashlib.sha256(_head(source) + event_id.encode()).digest()


@lru_cache(4096)
def _head(source: str) -> bytes:
    """What the hashes of a source's events begin with; a batch has few sources."""
    name = source.encode()
    return b"%d:%b" % (len(name), name)


def parse_event(
    mapping: object,
    *,
    default_arrival: datetime | None,
    now: datetime,
    file: str = "",
    line: int = 0,
    cells: Mapping[str, str] | None = None,
    zone: tzinfo | None = None,
) -> Event | list[Problem]:
    """An event from our native form, the incident form or ECS; strict.

    Args:
        mapping: a JSON object; nested objects are read as dotted names.
        default_arrival: the arrival of an event that names none; None takes its event time.
        now: more than a day after it an event is refused.
        file: the file's name as the user gave it.
        line: the 1-based line or row of the file.
        cells: field name to spreadsheet cell, for the problems of workbooks.
        zone: the zone of times without an offset; without it they are refused.

    Returns:
        The event, or every problem found in it.
    """
    reader = FieldReader(now=now, zone=zone, file=file, line=line, cells=cells)
    if not isinstance(mapping, Mapping):
        reader.fault("EVENT_NOT_AN_OBJECT", found=mapping, allowed="{…}")
        return reader.problems
    flat: Mapping[Any, Any] = mapping
    # nearly every row holds plain values only; the names of their types tell it at once
    if not _PLAIN.issuperset(map(type, mapping.values())) and any(
        isinstance(value, Mapping) for value in mapping.values()
    ):
        flat = flatten(mapping)
    picked, rest = _sort(flat)
    if "kind" not in picked and (kind := ecs_kind(flat)):
        picked["kind"] = ("kind", kind.value)
    values = _read(reader, picked)
    values["attributes"] = _attributes(reader, rest)
    arrival = default_arrival.astimezone(UTC) if default_arrival else values.get("event_time")
    values.setdefault("arrival_time", arrival)
    if not values.get("source"):
        values["source"] = values.get("actor", "")
    _require(reader, values, picked, rest)
    if reader.size > EVENT_BYTES:
        reader.fault("EVENT_TOO_LARGE", allowed="256 KB")
    return reader.problems or Event(**values)


def _sort(flat: Mapping[Any, Any]) -> tuple[dict[str, tuple[str, Any]], dict[Any, Any]]:
    """Field → (the name it came under, value); and what no field takes."""
    picked: dict[str, tuple[str, Any]] = {}
    rest: dict[Any, Any] = {}
    for name, value in flat.items():
        if value is None or (isinstance(value, str) and not value):
            continue
        target = TARGET.get(name)
        if target is None:
            rest[name] = value
            continue
        field, rank = target
        if field in picked:
            beaten, beaten_value = picked[field]
            if TARGET[beaten][1] <= rank:
                rest[name] = value
                continue
            rest[beaten] = beaten_value
        picked[field] = (name, value)
        if name == "qty_t":
            rest[name] = value
    return picked, rest


def _read(reader: FieldReader, picked: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    text = reader.text
    for field, (name, value) in picked.items():
        if field in _NAMED:
            values[field] = text(name, value)
        elif field in _TIMES:
            values[field] = reader.time(name, value)
        elif field == "kind":
            values[field] = _kind(reader, name, value)
        elif field == "message":
            values[field] = text(name, value, prose=True)
        elif field in _DECIMALS:
            values[field] = reader.decimal(name, value)
        elif field == "role":
            roles = value if isinstance(value, (list, tuple)) else (value,)
            values[field] = ",".join(text(name, role) for role in roles)
        else:
            number = reader.integer(name, value)
            values[field] = number if number is not None or field == "latency_ms" else 0
    if values.get("org"):
        values["org"] = _org(reader, picked["org"][0], values["org"])
    return values


_NAMED = frozenset(TEXT_FIELDS) - {"role", "message"}
_TIMES = frozenset({"event_time", "arrival_time"})
_DECIMALS = frozenset({"amount", "qty"})


def _kind(reader: FieldReader, name: str, value: object) -> EventKind | None:
    word = reader.text(name, value)
    kind = kind_of(word)
    if word and kind is None:
        hint = did_you_mean(word, [known.value for known in EventKind])
        reader.fault("EVENT_KIND_UNKNOWN", name, value, _KINDS, hint)
    return kind


def _org(reader: FieldReader, name: str, org: str) -> str:
    path = _path(org)
    if not path:
        reader.fault("EVENT_ORG", name, org, "集团/子公司")
    return path


@lru_cache(4096)
def _path(org: str) -> str:
    """The path without outer slashes; an empty step would let two spellings name one node."""
    steps = [step.strip() for step in org.strip("/").split("/")]
    return "/".join(steps) if all(steps) else ""


def _attributes(reader: FieldReader, rest: dict[Any, Any]) -> dict[str, Any]:
    if not rest:
        return {}
    own = rest.get("attributes", {})
    if not isinstance(own, Mapping):
        reader.fault("EVENT_FIELD_TYPE", "attributes", own, "{…}")
        own = {}
    if "attributes" in rest:
        del rest["attributes"]
        attributes = reader.named(chain(own.items(), rest.items()))
    else:
        attributes = reader.named(rest.items())
    level = attributes.get("level")
    if isinstance(level, str) and (known := LEVELS.get(level.strip().lower())):
        attributes["level"] = known
    return attributes


def _require(
    reader: FieldReader,
    values: Mapping[str, Any],
    picked: Mapping[str, Any],
    rest: Mapping[Any, Any],
) -> None:
    if not reader.problems and all(map(values.get, _REQUIRED)):
        return
    faulty = {problem.field for problem in reader.problems}
    for field in _REQUIRED:
        if values.get(field) or field == "arrival_time":
            continue  # an arrival can lack only where the event time is told to
        stood = "actor" if field == "source" and field not in picked else field
        if stood in picked and picked[stood][0] in faulty:
            continue  # said already, with what stood there
        known = NAMES[field]
        hint = next((str(key) for key in rest if did_you_mean(str(key), known)), "")
        # an event without a source has its actor for one, under whatever name
        instead = NAMES["actor"] if field == "source" else ()
        allowed = ", ".join((*known, *instead))
        reader.fault("EVENT_FIELD_MISSING", field, allowed=allowed, hint=hint)
