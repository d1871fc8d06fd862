"""What crosses the socket between client and owner: typed JSON, checked on both ends.

An operation's arguments are a JSON list in a fixed order, its result one JSON value. Times are
RFC 3339, decimals text. `OPERATIONS` is the whole protocol.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from auditlog.events import Event
from auditlog.port import (
    Bucket,
    FactReceipt,
    FactRow,
    Group,
    LogPort,
    LogStats,
    Page,
    QuarantinedRow,
    Query,
    Receipt,
    Reject,
    RejectState,
    Scope,
    SqlResult,
    StoredEvent,
    StoredFact,
)
from store.problems import Problem
from store.types import decimal_text

SOCKET: Final = "log.sock"
VERSION: Final = "/v1/"
HISTORY: Final = "history"
BODY_MOST: Final = 512 * 1024 * 1024
HISTORY_LINE: Final = 500


class Operation(NamedTuple):
    """One call of the port.

    Attributes:
        arguments: the type of the argument list.
        result: the type of the result.
        run: the call itself.
        again: whether a client may repeat it after a broken connection: reads and idempotent
            writes, but not the settling of a quarantined row.
    """

    arguments: TypeAdapter[Any]
    result: TypeAdapter[Any]
    run: Callable[[LogPort, Any], Any]
    again: bool = True


def _operation(
    arguments: Any, result: Any, run: Callable[[LogPort, Any], Any], *, again: bool = True
) -> Operation:
    return Operation(TypeAdapter(arguments), TypeAdapter(result), run, again)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ping": _operation(tuple[()], int, lambda _log, _a: 1),
    "append": _operation(
        tuple[list[Event], list[Reject]], Receipt, lambda log, a: log.append(a[0], a[1])
    ),
    "read_after": _operation(
        tuple[int, int], list[StoredEvent], lambda log, a: log.read_after(a[0], a[1])
    ),
    "get": _operation(tuple[str], StoredEvent | None, lambda log, a: log.get(a[0])),
    "search": _operation(tuple[Query], Page, lambda log, a: log.search(a[0])),
    "timeline": _operation(
        tuple[str, Scope, int],
        list[StoredEvent],
        lambda log, a: log.timeline(a[0], orgs=a[1], limit=a[2]),
    ),
    "count": _operation(tuple[Query], int, lambda log, a: log.count(a[0])),
    "histogram": _operation(
        tuple[Query, int], list[Bucket], lambda log, a: log.histogram(a[0], a[1])
    ),
    "group_by": _operation(
        tuple[Query, str, int], list[Group], lambda log, a: log.group_by(a[0], a[1], a[2])
    ),
    "quarantine": _operation(
        tuple[RejectState | None, Scope, int, int],
        list[QuarantinedRow],
        lambda log, a: log.quarantine(state=a[0], orgs=a[1], after=a[2], limit=a[3]),
    ),
    "quarantine_read": _operation(
        tuple[int], QuarantinedRow | None, lambda log, a: log.quarantine_read(a[0])
    ),
    "quarantine_replay": _operation(
        tuple[int, dict[str, Any], str, datetime],
        Receipt | list[Problem],
        lambda log, a: log.quarantine_replay(a[0], a[1], by=a[2], now=a[3]),
        again=False,
    ),
    "quarantine_dismiss": _operation(
        tuple[int, str, str, datetime],
        None,
        lambda log, a: log.quarantine_dismiss(a[0], by=a[1], reason=a[2], now=a[3]),
        again=False,
    ),
    "append_facts": _operation(
        tuple[str, list[FactRow], datetime],
        FactReceipt,
        lambda log, a: log.append_facts(a[0], a[1], recorded_at=a[2]),
    ),
    "facts": _operation(
        tuple[str, datetime | None, datetime | None, list[str] | None, Scope, int, int],
        list[StoredFact],
        lambda log, a: log.facts(
            a[0], since=a[1], until=a[2], hashes=a[3], orgs=a[4], after=a[5], limit=a[6]
        ),
    ),
    "stats": _operation(tuple[()], LogStats, lambda log, _a: log.stats()),
    "sql": _operation(
        tuple[str, Scope, float, int],
        SqlResult,
        lambda log, a: log.sql(a[0], orgs=a[1], seconds=a[2], limit=a[3]),
    ),
}

# history is a stream: lines of event lists, then one line with their number, so that a broken
# stream is never taken for the end
HISTORY_ARGUMENTS: Final[TypeAdapter[Any]] = TypeAdapter(tuple[Query])
HISTORY_ROWS: Final[TypeAdapter[Any]] = TypeAdapter(list[StoredEvent] | int)


def plain(value: Any) -> Any:
    """A database value as JSON: times ISO 8601, decimals and big numbers as text."""
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: Any) -> int | str:
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    return str(value)
