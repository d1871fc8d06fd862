"""Rows as Arrow: events, rejects and facts on their way through the socket, and back, checked.

Each `Rows` has one schema. What arrives in another, with an absent value where there must be one,
or with a value that no row can have, is refused whole: nothing of it is stored.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Final, NamedTuple

import orjson
import pyarrow as pa

from auditlog.duckdb_query import naive_utc
from auditlog.duckdb_schema import COLUMNS, event_columns, plain_decimal
from auditlog.errors import LogVersionError
from auditlog.events import Event, EventKind
from auditlog.port import FactRow, Reject, StoredEvent, StoredFact
from store.problems import Problem
from store.types import from_microseconds

BATCH_ROWS: Final = 500
"""Rows a record batch: what a reader of a large result holds at a time."""

_TIME: Final = pa.timestamp("us")
_KINDS: Final = {kind.value: kind for kind in EventKind}
_MAY_LACK: Final = frozenset({"latency_ms", "amount", "qty"})
_EVENT: Final = pa.schema([(name, arrow) for name, (_, arrow) in COLUMNS.items()])
_STORED: Final = pa.schema([("position", pa.int64()), ("late", pa.bool_()), *_EVENT])
_REJECT: Final = pa.schema(
    [
        ("raw", pa.string()),
        ("problems", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("org", pa.string()),
    ]
)
_FACT: Final = pa.schema(
    [("hash", pa.string()), ("event_time", _TIME), ("org", pa.string()), ("body", pa.string())]
)
_STORED_FACT: Final = pa.schema([("position", pa.int64()), ("recorded_at", _TIME), *_FACT])


class RowsRefusedError(ValueError):
    """Bytes that are no Arrow stream of the expected rows; the message says why."""


class Rows(NamedTuple):
    """One kind of rows.

    Attributes:
        schema: its columns.
        columns: rows → the columns, in the order of the schema.
        read: the columns by name → rows.
    """

    schema: pa.Schema
    columns: Callable[[Sequence[Any]], list[pa.Array]]
    read: Callable[[pa.Table], list[Any]]

    def batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """The rows as one record batch."""
        return pa.record_batch(self.columns(rows), schema=self.schema)

    def write(self, sink: IO[bytes], rows: Iterator[Any]) -> None:
        """An Arrow stream of `rows`, `BATCH_ROWS` at a time, closed with Arrow's end mark."""
        with pa.ipc.new_stream(sink, self.schema) as stream:
            taken: list[Any] = []
            for row in rows:
                taken.append(row)
                if len(taken) == BATCH_ROWS:
                    stream.write_batch(self.batch(taken))
                    taken.clear()
            if taken:
                stream.write_batch(self.batch(taken))

    def batches(self, source: Any) -> Iterator[list[Any]]:
        """The rows of the Arrow stream that begins at the place of `source`.

        Raises:
            LogVersionError: when it holds other columns.
            RowsRefusedError: for anything else that is not such rows.
        """
        try:
            reader = pa.ipc.open_stream(source)
            if not reader.schema.equals(self.schema):
                raise LogVersionError(_difference(reader.schema, self.schema))
            for batch in reader:
                batch.validate(full=True)
                yield self._rows(pa.table(batch))
        except (ConnectionError, TimeoutError):
            raise  # the source broke off
        except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
            # what Arrow cannot read, or a kind, time or JSON text that no row can have
            raise RowsRefusedError(str(error)) from error

    def _rows(self, table: pa.Table) -> list[Any]:
        for name in table.column_names:
            if name not in _MAY_LACK and table[name].null_count:
                raise RowsRefusedError(f"{name} is absent")
        return self.read(table)


def _difference(theirs: pa.Schema, ours: pa.Schema) -> str:
    had = {str(field) for field in theirs}
    want = {str(field) for field in ours}
    missing, strange = sorted(want - had)[:3], sorted(had - want)[:3]
    return f"other columns: {', '.join(missing) or '-'} / {', '.join(strange) or '-'}"[:300]


# --- events -------------------------------------------------------------------------------------


def _stored_columns(rows: Sequence[StoredEvent]) -> list[pa.Array]:
    return [
        pa.array([row.position for row in rows], pa.int64()),
        pa.array([row.late for row in rows], pa.bool_()),
        *event_columns([row.event for row in rows]),
    ]


def _events(table: pa.Table) -> list[Event]:
    columns = [_READ.get(name, _plain)(table[name]) for name in COLUMNS]
    # the columns stand in the order of the fields
    return [Event(*values) for values in zip(*columns, strict=True)]


def _stored(table: pa.Table) -> list[StoredEvent]:
    places, late = _plain(table["position"]), table["late"].to_pylist()
    return [StoredEvent(*row) for row in zip(places, _events(table), late, strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    # many times as fast as to_pylist, for texts and numbers that are all there
    found: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return found


def _times(column: pa.ChunkedArray) -> list[datetime]:
    return [from_microseconds(value) for value in _plain(column.cast(pa.int64()))]


def _kinds(column: pa.ChunkedArray) -> list[EventKind]:
    try:
        return [_KINDS[value] for value in _plain(column)]
    except KeyError as error:
        raise RowsRefusedError(f"the kind {error} is unknown") from error


def _decimals(column: pa.ChunkedArray) -> list[Any]:
    if column.null_count == len(column):
        return [None] * len(column)
    return [plain_decimal(value) for value in column.to_pylist()]


def _documents(column: pa.ChunkedArray) -> list[Any]:
    return [{} if text == "{}" else _document(text) for text in _plain(column)]


def _document(text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise RowsRefusedError("a document is a JSON object")
    return value


_READ: Final[dict[str, Callable[[pa.ChunkedArray], list[Any]]]] = {
    "event_time": _times,
    "arrival_time": _times,
    "kind": _kinds,
    "amount": _decimals,
    "qty": _decimals,
    "latency_ms": lambda column: column.to_pylist(),
    "attributes": _documents,
}


# --- rejects and facts --------------------------------------------------------------------------


def _reject_columns(rows: Sequence[Reject]) -> list[pa.Array]:
    problems = [
        orjson.dumps([problem.as_dict() for problem in row.problems]).decode() for row in rows
    ]
    return [
        pa.array([row.raw for row in rows], pa.string()),
        pa.array(problems, pa.string()),
        pa.array([row.file for row in rows], pa.string()),
        pa.array([row.line for row in rows], pa.int64()),
        pa.array([row.org for row in rows], pa.string()),
    ]


def _rejects(table: pa.Table) -> list[Reject]:
    return [
        Reject(raw, tuple(Problem(**one) for one in orjson.loads(problems)), file, line, org)
        for raw, problems, file, line, org in zip(
            *(_plain(table[name]) for name in _REJECT.names), strict=True
        )
    ]


def _fact_columns(rows: Sequence[FactRow] | Sequence[StoredFact]) -> list[pa.Array]:
    bodies = [orjson.dumps(row.body, option=orjson.OPT_SORT_KEYS).decode() for row in rows]
    return [
        pa.array([row.hash for row in rows], pa.string()),
        pa.array([naive_utc(row.event_time) for row in rows], _TIME),
        pa.array([row.org for row in rows], pa.string()),
        pa.array(bodies, pa.string()),
    ]


def _fact_values(table: pa.Table) -> Iterator[tuple[str, datetime, str, dict[str, Any]]]:
    return zip(
        _plain(table["hash"]),
        _times(table["event_time"]),
        _plain(table["org"]),
        _documents(table["body"]),
        strict=True,
    )


def _facts(table: pa.Table) -> list[FactRow]:
    return [FactRow(*values) for values in _fact_values(table)]


def _stored_fact_columns(rows: Sequence[StoredFact]) -> list[pa.Array]:
    return [
        pa.array([row.position for row in rows], pa.int64()),
        pa.array([row.recorded_at.astimezone(UTC) for row in rows], _TIME),
        *_fact_columns(rows),
    ]


def _stored_facts(table: pa.Table) -> list[StoredFact]:
    return [
        StoredFact(place, digest, event_time, recorded_at, org, body)
        for place, recorded_at, (digest, event_time, org, body) in zip(
            _plain(table["position"]),
            _times(table["recorded_at"]),
            _fact_values(table),
            strict=True,
        )
    ]


EVENTS: Final = Rows(_EVENT, event_columns, _events)
STORED: Final = Rows(_STORED, _stored_columns, _stored)
REJECTS: Final = Rows(_REJECT, _reject_columns, _rejects)
FACTS: Final = Rows(_FACT, _fact_columns, _facts)
STORED_FACTS: Final = Rows(_STORED_FACT, _stored_fact_columns, _stored_facts)
