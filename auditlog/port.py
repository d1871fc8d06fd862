"""The port of the audit log: what every adapter offers, and the values that cross it.

Adapters: DuckDB in this process (`auditlog.duckdb_log`), the owner over a Unix socket
(`auditlog.client`). One contract suite runs on all of them.

Scope: `orgs` is None for everything, else a tuple of organisation paths; a row is seen when its
path is one of them or lies below one. An empty tuple sees nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol

import orjson

from auditlog.events import Event, EventKind
from store.clock import rfc3339
from store.problems import Problem
from store.types import decimal_text

Scope = tuple[str, ...] | None
RejectState = Literal["open", "replayed", "dismissed"]

PAGE_LIMIT: Final = 10_000
RAW_BYTES: Final = 256 * 1024
GROUP_FIELDS: Final = (
    "source",
    "kind",
    "type",
    "org",
    "actor",
    "role",
    "account",
    "product",
    "month",
    "object_type",
    "object_id",
    "order",
    "voucher",
    "receipt",
    "alert",
    "outcome",
    "currency",
    "source_system",
    "region",
    "address",
)


class Receipt(NamedTuple):
    """What became of a batch; all of it is on disk when the caller holds this.

    A resent event counts as a duplicate. One that reuses an id with other content goes to
    quarantine (``EVENT_ID_REUSED``): an audit log must not drop it silently. A bad row that lies
    in quarantine already is no duplicate event: it counts as `already_quarantined`. `reused` names
    the events that reuse an id, by `Event.uid`, whether quarantine had them before or not.
    """

    accepted: int
    duplicates: int
    quarantined: int
    last_position: int
    already_quarantined: int = 0
    reused: tuple[str, ...] = ()


class StoredEvent(NamedTuple):
    """An event and its place in the order of insertion.

    `late` tells that it arrived later after its event time than its source's lateness allows.
    """

    position: int
    event: Event
    late: bool


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: what stood there and why.

    `raw` is the row's text (JSON where the reader could form it), cut to 256 KB of valid UTF-8, so
    that a hostile row cannot hurt the log that keeps it; `org` is the organisation it named, if
    any, so that quarantine can be shown by scope.
    """

    raw: str
    problems: tuple[Problem, ...]
    file: str = ""
    line: int = 0
    org: str = ""

    def __post_init__(self) -> None:
        for name in ("raw", "file", "org"):
            object.__setattr__(self, name, _storable(getattr(self, name)))

    @property
    def key(self) -> str:
        """The identity of the row: a resent bad row is kept once."""
        return hashlib.sha256(f"{self.file}\n{self.line}\n{self.raw}".encode()).hexdigest()


class QuarantinedRow(NamedTuple):
    """A row in quarantine; `number` is its place in the order of arrival."""

    number: int
    reject: Reject
    state: RejectState
    received_at: datetime
    settled_by: str
    settled_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Query:
    """A filter; every part that is set must hold. Empty tuples and texts do not filter.

    Attributes:
        text: words, each of which must stand, case-insensitive, somewhere in message, ids, names
            or attributes.
        orgs: scope (see the module); the one part where an empty tuple filters everything out.
        org: one organisation and all below it, within the scope.
        types: dotted verbs; ``inbound.*`` takes every verb below ``inbound``.
        object: any number the event carries: order, voucher, receipt, alert, object or event id.
        since, until: event time, from inclusive to exclusive.
        after_position, until_position: insertion order, both for batch runs: after exclusive,
            until inclusive.
        cursor: `Page.cursor` of the page before.
        limit: rows a page, at most 10,000.
        order: by event time, newest or oldest first.
    """

    text: str = ""
    kinds: tuple[EventKind, ...] = ()
    types: tuple[str, ...] = ()
    orgs: Scope = None
    org: str = ""
    sources: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    object: str = ""
    outcomes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after_position: int = 0
    until_position: int | None = None
    cursor: str = ""
    limit: int = 100
    order: Literal["newest", "oldest"] = "newest"


class Page(NamedTuple):
    """One page; `cursor` is empty on the last."""

    rows: tuple[StoredEvent, ...]
    cursor: str


class Bucket(NamedTuple):
    """Events from `start` (inclusive) to `end` (exclusive), by kind."""

    start: datetime
    end: datetime
    events: int
    kinds: Mapping[str, int]


class Group(NamedTuple):
    """The events that share one value of a field."""

    value: str
    events: int
    first: datetime
    last: datetime


class FactRow(NamedTuple):
    """A fact: a value computed from the book or the log, keyed by its content.

    `body` is JSON without floats. Make one with `fact_row`, which computes the hash.
    """

    hash: str
    event_time: datetime
    org: str
    body: Mapping[str, Any]


class StoredFact(NamedTuple):
    """A fact as it was recorded."""

    position: int
    hash: str
    event_time: datetime
    recorded_at: datetime
    org: str
    body: Mapping[str, Any]


class FactReceipt(NamedTuple):
    """How many facts were new, and how many were there already."""

    accepted: int
    duplicates: int


class SourceStats(NamedTuple):
    """What one source has delivered; `missing` counts the gaps in its running numbers."""

    source: str
    events: int
    last_event_time: datetime
    last_arrival_time: datetime
    first_seq: int
    last_seq: int
    missing: int


class LogStats(NamedTuple):
    """The log as a whole."""

    events: int
    last_position: int
    quarantined: int
    facts: Mapping[str, int]
    sources: tuple[SourceStats, ...]


class SqlResult(NamedTuple):
    """Rows of a read-only query as JSON values; `truncated` when there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


class LogPort(Protocol):
    """The audit log. Safe to use from several threads."""

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> Receipt:
        """Store a batch in one transaction, on disk when this returns; resending is harmless.

        Positions rise with arrival time within the batch, then `seq`, then the order given.
        """

    def read_after(self, position: int, limit: int = 1000) -> Sequence[StoredEvent]:
        """The events inserted after `position`, in the order of insertion."""

    def get(self, uid: str) -> StoredEvent | None:
        """The event with this `Event.uid`."""

    def search(self, query: Query) -> Page:
        """One page of the events that the query selects."""

    def timeline(
        self, number: str, *, orgs: Scope = None, limit: int = 1000
    ) -> Sequence[StoredEvent]:
        """All that concerns an order, voucher, receipt, alert, object, person or account.

        Oldest first, across every kind; `number` is matched exactly.
        """

    def history(self, query: Query) -> Iterator[StoredEvent]:
        """Every event that the query selects, oldest first, as the log stood at the call.

        `limit`, `cursor` and `order` are not used; memory stays flat.
        """

    def count(self, query: Query) -> int:
        """How many events the query selects."""

    def histogram(self, query: Query, buckets: int = 60) -> Sequence[Bucket]:
        """Counts over event time in equal buckets, empty ones included."""

    def group_by(self, query: Query, field: str, limit: int = 50) -> Sequence[Group]:
        """Counts by the values of a field (one of `GROUP_FIELDS`), largest first."""

    def quarantine(
        self,
        *,
        state: RejectState | None = "open",
        orgs: Scope = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[QuarantinedRow]:
        """Rows in quarantine by their number, those after `after`."""

    def quarantine_read(self, number: int) -> QuarantinedRow | None:
        """One row in quarantine, whatever its state."""

    def quarantine_replay(
        self, number: int, fields: Mapping[str, Any], *, by: str, now: datetime
    ) -> Receipt | list[Problem]:
        """Lay `fields` over the row and store it, or say what is still wrong.

        Raises:
            UnknownRowError: when no open row has this number.
        """

    def quarantine_dismiss(self, number: int, *, by: str, reason: str, now: datetime) -> None:
        """Close a row without storing it; it stays readable.

        Raises:
            UnknownRowError: when no open row has this number.
        """

    def append_facts(
        self, kind: str, rows: Sequence[FactRow], *, recorded_at: datetime
    ) -> FactReceipt:
        """Store facts, each content once; durable when this returns."""

    def facts(
        self,
        kind: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        hashes: Sequence[str] | None = None,
        orgs: Scope = None,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[StoredFact]:
        """Facts of a kind in the order they were recorded, those after position `after`."""

    def stats(self) -> LogStats:
        """Counts, and per source the last event, its arrival and the gaps in its numbers."""

    def sql(
        self, text: str, *, orgs: Scope = None, seconds: float = 10.0, limit: int = 10_000
    ) -> SqlResult:
        """Run one query over the view `events`, which holds what `orgs` may see.

        Raises:
            SqlRefusedError: anything but one plain query over that view.
            SqlTimeoutError: when it ran longer than `seconds`.
        """

    def close(self) -> None:
        """Release the file or the socket; later calls raise `LogClosedError`."""


def fact_row(kind: str, body: Mapping[str, Any], *, event_time: datetime, org: str) -> FactRow:
    """A fact with its content hash: SHA-256 over the canonical JSON of kind, time and body.

    Decimals are written as plain text, times as RFC 3339; floats are refused.

    Raises:
        TypeError: for a float or anything else that has no exact JSON form.
    """
    exact = _exact(body)
    document = {"kind": kind, "event_time": rfc3339(event_time), "org": org, "body": exact}
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return FactRow(digest, event_time, org, exact)


def _storable(text: str) -> str:
    data = text[:RAW_BYTES].encode("utf-8", "replace")[:RAW_BYTES]
    return data.decode("utf-8", "ignore").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item) for item in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "as_tuple"):
        return decimal_text(value)
    raise TypeError(f"{type(value).__name__} has no exact JSON form")
