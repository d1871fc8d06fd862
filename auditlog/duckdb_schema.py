"""The tables of the DuckDB adapter, and the way of events into columns and back.

Times are TIMESTAMP in UTC microseconds, decimals DECIMAL(38, 9), attributes JSON text with sorted
keys. `day` (event day) and `key` (64 bits of the event's hash) make the search for duplicates read
two narrow columns of the days in the batch; a full primary key costs twenty times as much.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from auditlog.events import Event, EventKind, event_hash
from store.types import decimal_text

_DECIMAL = pa.decimal128(38, 9)
_TIME = pa.timestamp("us")
_TEXT = pa.string()

# field of Event → SQL type, Arrow type
COLUMNS: Final[dict[str, tuple[str, pa.DataType]]] = {
    "source": ("VARCHAR", pa.string()),
    "event_id": ("VARCHAR", pa.string()),
    "event_time": ("TIMESTAMP", _TIME),
    "arrival_time": ("TIMESTAMP", _TIME),
    "kind": ("VARCHAR", pa.string()),
    "type": ("VARCHAR", pa.string()),
    "seq": ("BIGINT", pa.int64()),
    "org": ("VARCHAR", pa.string()),
    "actor": ("VARCHAR", pa.string()),
    "role": ("VARCHAR", pa.string()),
    "account": ("VARCHAR", pa.string()),
    "product": ("VARCHAR", pa.string()),
    "month": ("VARCHAR", pa.string()),
    "object_type": ("VARCHAR", pa.string()),
    "object_id": ("VARCHAR", pa.string()),
    "order": ("VARCHAR", pa.string()),
    "voucher": ("VARCHAR", pa.string()),
    "receipt": ("VARCHAR", pa.string()),
    "alert": ("VARCHAR", pa.string()),
    "outcome": ("VARCHAR", pa.string()),
    "latency_ms": ("BIGINT", pa.int64()),
    "amount": ("DECIMAL(38, 9)", _DECIMAL),
    "currency": ("VARCHAR", pa.string()),
    "qty": ("DECIMAL(38, 9)", _DECIMAL),
    "source_system": ("VARCHAR", pa.string()),
    "region": ("VARCHAR", pa.string()),
    "address": ("VARCHAR", pa.string()),
    "message": ("VARCHAR", pa.string()),
    "attributes": ("VARCHAR", pa.string()),
}

SELECTED: Final = ", ".join(["position", *(f'"{name}"' for name in COLUMNS)])

EVENTS_DDL: Final = (
    "CREATE TABLE IF NOT EXISTS log_events ("
    "position BIGINT NOT NULL, day DATE NOT NULL, key BIGINT NOT NULL, "
    + ", ".join(f'"{name}" {sql}' for name, (sql, _) in COLUMNS.items())
    + ")"
)
QUARANTINE_DDL: Final = (
    "CREATE TABLE IF NOT EXISTS log_quarantine ("
    "number BIGINT NOT NULL, key VARCHAR NOT NULL, raw VARCHAR NOT NULL, "
    "problems VARCHAR NOT NULL, file VARCHAR NOT NULL, line BIGINT NOT NULL, "
    "org VARCHAR NOT NULL, state VARCHAR NOT NULL, received_at TIMESTAMP NOT NULL, "
    "settled_by VARCHAR NOT NULL, settled_at TIMESTAMP, reason VARCHAR NOT NULL)"
)

_KEY_BYTES = 8
_KEY_DIGITS = 2 * _KEY_BYTES
_GET: Final[dict[str, Callable[[Event], Any]]] = {name: attrgetter(name) for name in COLUMNS}
_TIME_PLACE: Final = tuple(COLUMNS).index("event_time")


def signed_key(digits: str) -> int:
    """The first 64 bits of a hexadecimal hash as a signed integer, as the column holds them."""
    return int.from_bytes(bytes.fromhex(digits[:_KEY_DIGITS]), signed=True)


def event_keys(events: Sequence[Event]) -> NDArray[np.int64]:
    """The `key` column of each event: the first 64 bits of the hash in its uid."""
    digests = b"".join([event_hash(event.source, event.event_id) for event in events])
    words = np.frombuffer(digests, dtype=">i8")
    return words[:: hashlib.sha256().digest_size // _KEY_BYTES].astype(np.int64)


def split_uid(uid: str) -> tuple[date, int] | None:
    """Day and key of an event's uid; None when the text is none."""
    day, dash, digits = uid.partition("-")
    try:
        return (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date(), signed_key(digits))
    except ValueError:
        del dash
        return None


def events_table(events: Sequence[Event]) -> pa.Table:
    """The batch as the columns of `log_events` behind `position`; one row an event."""
    columns = event_columns(events)
    days = columns[_TIME_PLACE].cast(pa.date32())
    keys = pa.array(event_keys(events), pa.int64())
    return pa.table([days, keys, *columns], names=["day", "key", *COLUMNS])


def placed(table: pa.Table, first: int) -> pa.Table:
    """All columns of `log_events`: `table` with positions from `first` on."""
    positions = pa.array(np.arange(first, first + len(table), dtype=np.int64))
    return table.add_column(0, "position", positions)


def event_columns(events: Sequence[Event]) -> list[pa.Array]:
    """The events' own fields, in the order of `COLUMNS`."""
    # column by column: a tuple for each event would keep the garbage collector busy
    columns = []
    for name, (_, arrow) in COLUMNS.items():
        values = list(map(_GET[name], events))
        if name == "attributes":
            columns.append(pa.array([_json(value) for value in values], arrow))
        elif arrow == _TEXT and not any(values):
            columns.append(pa.repeat("", len(events)))
        else:
            # Arrow turns aware times into UTC by itself
            columns.append(pa.array(values, arrow))
    return columns


def _json(attributes: Any) -> str:
    if not attributes:
        return "{}"
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row selected by `SELECTED`."""
    values = dict(zip(COLUMNS, row[1:], strict=True))
    values["event_time"] = values["event_time"].replace(tzinfo=UTC)
    values["arrival_time"] = values["arrival_time"].replace(tzinfo=UTC)
    values["kind"] = EventKind(values["kind"])
    values["amount"] = plain_decimal(values["amount"])
    values["qty"] = plain_decimal(values["qty"])
    attributes = values["attributes"]
    values["attributes"] = {} if attributes == "{}" else orjson.loads(attributes)
    return Event(**values)


def plain_decimal(value: Decimal | None) -> Decimal | None:
    """Without the column's trailing zeros."""
    return None if value is None else Decimal(decimal_text(value))
