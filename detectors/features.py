"""From audit events to what detectors see: the only place where the past is remembered.

`History.view` turns one event into a `CellView` and remembers it. Events go in by event time; the
same events in the same order give the same views, so a history is rebuilt by replaying the log.
"""

import hashlib
import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self

from auditlog.events import Event
from detectors.protocol import CellView, Numbers
from directory import Directory
from directory.errors import DirectoryError
from directory.roles import PERMISSIONS
from store.types import decimal_text

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)
BAND_HOURS: Final = 4
AMOUNTS_KEPT: Final = 500
DAY_EVENTS_KEPT: Final = 20_000
ENTRY_VERBS: Final = frozenset({"create", "submit", "request", "enter", "draft", "post", "open"})
APPROVAL_VERBS: Final = frozenset(
    {"approve", "approved", "authorise", "authorize", "release", "countersign", "sign"}
)
_BOOKINGS: Final = frozenset({"voucher", "payment", "invoice"})
_FAILURES: Final = frozenset({"failure", "failed", "denied", "error", "timeout", "rejected"})
_MACHINES: Final = ("system", "robot", "feed:", "svc", "cli:", "channel:")
_REFERENCES: Final = (
    "debit",
    "credit",
    "side",
    "price",
    "counterparty",
    "from_account",
    "to_account",
    "from_dept",
    "to_dept",
    "document",
    "invoice",
)


def _no_role(actor: str) -> str:
    del actor
    return ""


def _utc(org: str) -> tzinfo:
    del org
    return UTC


def _not_known(*_: Any) -> bool | None:
    return None


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a history asks about people and calendars; None means that nobody can say.

    Attributes:
        role_of: actor → role; ``""`` falls back on the role that the event reports.
        zone_of: organisation → the clock on which hours are read.
        in_session: (product, time, organisation) → whether the product trades.
        in_shift: (actor, time) → whether the actor is on shift.
        in_scope: (actor, verb, organisation, time) → whether the actor may use the verb.
    """

    role_of: Callable[[str], str] = _no_role
    zone_of: Callable[[str], tzinfo] = _utc
    in_session: Callable[[str, datetime, str], bool | None] = _not_known
    in_shift: Callable[[str, datetime], bool | None] = _not_known
    in_scope: Callable[[str, str, str, datetime], bool | None] = _not_known

    @classmethod
    def from_directory(cls, current: Callable[[], Directory]) -> Self:
        """Look-ups in the directory that `current` gives at the time of asking."""

        def role_of(actor: str) -> str:
            person = current().person(actor)
            return ",".join(sorted(person.roles)) if person else ""

        def in_session(product: str, at: datetime, org: str) -> bool | None:
            try:
                return current().calendar.is_open(product, at, org)
            except DirectoryError:
                return None

        def in_shift(actor: str, at: datetime) -> bool | None:
            person = current().person(actor)
            return current().in_shift(actor, at) if person and person.shift else None

        def in_scope(actor: str, verb: str, org: str, at: datetime) -> bool | None:
            if verb not in PERMISSIONS or current().person(actor) is None:
                return None
            return current().may(actor, verb, org, at).allowed

        return cls(role_of, lambda org: current().timezone(org), in_session, in_shift, in_scope)


class _Seen(NamedTuple):
    at: datetime
    failed: bool
    new: bool
    after_hours: bool


@dataclass(slots=True)
class _Actor:
    """What is remembered of one actor."""

    previous: str = "^"
    types: set[str] = field(default_factory=set)
    day: deque[_Seen] = field(default_factory=lambda: deque(maxlen=DAY_EVENTS_KEPT))
    hour: deque[_Seen] = field(default_factory=lambda: deque(maxlen=DAY_EVENTS_KEPT))
    new: int = 0
    after_hours: int = 0
    failures: int = 0
    amounts: list[float] = field(default_factory=list)

    def drop_before(self, at: datetime) -> None:
        """Forget what lies an hour or a day back."""
        while self.hour and self.hour[0].at <= at - HOUR:
            self.failures -= self.hour.popleft().failed
        while self.day and self.day[0].at <= at - DAY:
            old = self.day.popleft()
            self.new -= old.new
            self.after_hours -= old.after_hours

    def add(self, seen: _Seen) -> None:
        """Remember one event."""
        if len(self.hour) == DAY_EVENTS_KEPT:
            self.failures -= self.hour.popleft().failed
        if len(self.day) == DAY_EVENTS_KEPT:
            old = self.day.popleft()
            self.new -= old.new
            self.after_hours -= old.after_hours
        self.hour.append(seen)
        self.day.append(seen)
        self.failures += seen.failed
        self.new += seen.new
        self.after_hours += seen.after_hours

    def ratio(self, amount: Decimal | None) -> float:
        """The amount over the median of the earlier ones; then remembered."""
        if amount is None:
            return math.nan
        value, known = abs(float(amount)), self.amounts
        median = known[len(known) // 2] if known else math.nan
        if len(known) >= AMOUNTS_KEPT:  # thin out evenly: a median needs no more
            self.amounts = known[::2]
        insort(self.amounts, value)
        return value / median if median > 0 else math.nan


@dataclass(slots=True)
class _Object:
    done: frozenset[str] = frozenset()
    entered_by: str = ""


class History:
    """The memory behind the views.

    Args:
        lookups: people and calendars.
    """

    def __init__(self, lookups: Lookups | None = None) -> None:
        self._lookups = lookups or Lookups()
        self._actors: dict[str, _Actor] = {}
        self._objects: dict[str, _Object] = {}
        self._contents: dict[bytes, str] = {}

    def views(self, events: Iterable[Event]) -> list[CellView]:
        """The events as views, each remembered before the next."""
        return [self.view(event) for event in events]

    def view(self, event: Event, uid: str = "") -> CellView:
        """One event as a view; then it belongs to the past. `uid` spares computing it again."""
        lookups = self._lookups
        local = event.event_time.astimezone(lookups.zone_of(event.org))
        person = is_person(event.actor)
        in_session = (
            lookups.in_session(event.product, event.event_time, event.org)
            if event.product
            else None
        )
        in_shift = lookups.in_shift(event.actor, event.event_time) if person else None
        numbers = self._numbers(event, after_hours=in_session is False or in_shift is False)
        kind, key = object_of(event)
        known = self._objects.setdefault(key, _Object()) if key else _Object()
        done, entered_by = known.done, known.entered_by
        if event.type not in done:
            known.done = done | {event.type}
        if not entered_by and verb_of(event.type) in ENTRY_VERBS:
            known.entered_by = event.actor
        actor = self._actors[event.actor]
        previous, actor.previous = actor.previous, event.type
        band = local.hour // BAND_HOURS * BAND_HOURS
        uid = uid or event.uid
        return CellView(
            uid=uid,
            at=event.event_time,
            org=event.org,
            actor=event.actor,
            role=lookups.role_of(event.actor) or event.role,
            type=event.type,
            previous=previous,
            object_type=kind,
            object_key=key,
            hour_band=f"{band:02d}-{band + BAND_HOURS:02d}",
            weekday=str(local.isoweekday()),
            product=event.product,
            region=event.region,
            source=event.source,
            outcome=event.outcome,
            numbers=numbers,
            done=done,
            entered_by=entered_by,
            duplicate_of=self._duplicate(event, uid),
            in_session=in_session,
            in_shift=in_shift,
            in_scope=(
                lookups.in_scope(event.actor, event.type, event.org, event.event_time)
                if person
                else None
            ),
        )

    def _numbers(self, event: Event, *, after_hours: bool) -> Numbers:
        actor = self._actors.get(event.actor)
        if actor is None:
            actor = self._actors[event.actor] = _Actor()
        new = event.type not in actor.types
        actor.types.add(event.type)
        actor.drop_before(event.event_time)
        failed = has_failed(event)
        actor.add(_Seen(event.event_time, failed, new, after_hours))
        count = len(actor.day)
        return Numbers(
            count_hour=len(actor.hour),
            count_day=count,
            failures_hour=actor.failures,
            new_day=actor.new / count,
            after_hours_day=actor.after_hours / count,
            amount_ratio=actor.ratio(event.amount),
            latency_ms=math.nan if event.latency_ms is None else float(event.latency_ms),
        )

    def _duplicate(self, event: Event, uid: str) -> str:
        content = content_hash(event)
        if content is None:
            return ""
        earlier = self._contents.setdefault(content, uid)
        return "" if earlier == uid else earlier


def is_person(actor: str) -> bool:
    """Whether the actor's name is not one of a machine."""
    return bool(actor) and not actor.startswith(_MACHINES)


def verb_of(type_: str) -> str:
    """The last step of the dotted verb."""
    return type_.rpartition(".")[2]


def has_failed(event: Event) -> bool:
    """By its outcome, else by its verb."""
    return (event.outcome.lower() or verb_of(event.type)) in _FAILURES


def object_of(event: Event) -> tuple[str, str]:
    """The kind of the object acted on, and its key; two empty texts without one.

    Without an object type it is what the promoted numbers name: voucher, receipt, alert or order.
    """
    kind, number = event.object_type, event.object_id
    if not number:
        for name in ("voucher", "receipt", "alert", "order"):
            number = getattr(event, name)
            if number:
                kind = name
                break
    return (kind, f"{event.org}\x1f{kind}\x1f{number}") if number else ("", "")


def content_hash(event: Event) -> bytes | None:
    """What makes two events the same document: all but its own number, its time and its text.

    Only bookings (vouchers, payments, invoices) with an amount and the number of the order or the
    receipt that they stand for can be duplicates: equal rents every month are none, and a transfer
    that is asked for again after a failure is none either.
    """
    booking = event.voucher or event.type.partition(".")[0] in _BOOKINGS
    if not booking or event.amount is None or not (event.order or event.receipt):
        return None
    own = [event.org, event.type, event.account, event.order, event.receipt, event.currency]
    own += [decimal_text(event.amount), "" if event.qty is None else decimal_text(event.qty)]
    own += [str(event.attributes.get(name, "")) for name in _REFERENCES]
    if not event.voucher:
        own.append(event.object_id)
    return hashlib.sha256("\x1f".join(own).encode()).digest()[:16]
