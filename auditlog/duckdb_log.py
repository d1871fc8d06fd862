"""The audit log on DuckDB, in the process that owns the file.

One connection writes under a lock, so positions rise in the order of commits; every read takes its
own cursor and sees the last commit. A commit flushes DuckDB's log to disk before `append` returns.
What each call does stands in the modules beside this one; here is the port.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from auditlog import (
    duckdb_analysis,
    duckdb_facts,
    duckdb_ingest,
    duckdb_quarantine,
    duckdb_sql,
)
from auditlog.duckdb_file import DuckDbFile
from auditlog.duckdb_query import (
    TIMELINE_FIELDS,
    any_of,
    cursor_after,
    ordering,
    paging,
    scope_clause,
    where,
)
from auditlog.duckdb_schema import (
    EVENTS_DDL,
    QUARANTINE_DDL,
    SELECTED,
    event_of,
    split_uid,
)
from auditlog.errors import UnknownRowError
from auditlog.events import Event, parse_event
from auditlog.lateness import DEFAULT_LATENESS, is_late
from auditlog.port import (
    PAGE_LIMIT,
    Bucket,
    FactReceipt,
    FactRow,
    Group,
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
from store.clock import Clock, system_clock
from store.problems import Problem

_CHUNK: Final = 5000
_MEMORY: Final = "1GB"


class DuckDbLog:
    """The log in one DuckDB file. The caller sees to it that no other process opens the file.

    Args:
        path: the file; made when absent, readable by its owner alone.
        clock: stamps quarantined rows.
        lateness: seconds an event may arrive late, by source or first word of its type.
        memory: DuckDB's memory limit.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = system_clock,
        lateness: Mapping[str, int] = DEFAULT_LATENESS,
        memory: str = _MEMORY,
    ) -> None:
        self._clock = clock
        self._lateness = lateness
        self._last = 0
        self._file = DuckDbFile(path, memory=memory, prepare=self._prepare)
        self._reading = self._file.reading
        self._writing = self._file.writing

    def _prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute(EVENTS_DDL)
        con.execute(QUARANTINE_DDL)
        # results are always fetched whole: DuckDB refuses the next statement before that
        rows = con.execute("SELECT coalesce(max(position), 0) FROM log_events").fetchall()
        self._last = int(rows[0][0])

    # -- writing

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> Receipt:
        """See `LogPort.append`."""
        with self._writing() as con:
            return self._append(con, events, rejects)

    def _append(
        self, con: duckdb.DuckDBPyConnection, events: Sequence[Event], rejects: Sequence[Reject]
    ) -> Receipt:
        receipt = duckdb_ingest.append(con, events, rejects, last=self._last, at=self._clock())
        self._last = receipt.last_position
        return receipt

    # -- reading

    def _rows(self, tail: str, params: Sequence[Any]) -> list[StoredEvent]:
        with self._reading() as con:
            rows = con.execute(
                f"SELECT {SELECTED} FROM log_events WHERE {tail}",  # noqa: S608 (clauses with parameters)
                list(params),
            ).fetchall()
        return [self._stored(row) for row in rows]

    def _stored(self, row: Sequence[Any]) -> StoredEvent:
        event = event_of(row)
        return StoredEvent(row[0], event, is_late(event, self._lateness))

    def read_after(self, position: int, limit: int = 1000) -> list[StoredEvent]:
        """See `LogPort.read_after`."""
        limit = min(limit, PAGE_LIMIT)
        return self._rows("position > ? ORDER BY position LIMIT ?", [position, limit])

    def get(self, uid: str) -> StoredEvent | None:
        """See `LogPort.get`."""
        place = split_uid(uid)
        rows = self._rows("day = ? AND key = ?", place) if place else []
        return next((row for row in rows if row.event.uid == uid), None)

    def search(self, query: Query) -> Page:
        """See `LogPort.search`."""
        clause, params = where(query)
        behind, more = paging(query)
        rows = self._rows(
            f"{clause} AND {behind} {ordering(query)} LIMIT ?",
            [*params, *more, query.limit + 1],
        )
        page = rows[: query.limit]
        return Page(tuple(page), cursor_after(page[-1]) if len(rows) > query.limit else "")

    def timeline(self, number: str, *, orgs: Scope = None, limit: int = 1000) -> list[StoredEvent]:
        """See `LogPort.timeline`."""
        scope, params = scope_clause(orgs)
        return self._rows(
            f"{any_of(TIMELINE_FIELDS)} AND {scope} ORDER BY event_time, position LIMIT ?",
            [*[number] * len(TIMELINE_FIELDS), *params, min(limit, PAGE_LIMIT)],
        )

    def history(self, query: Query) -> Iterator[StoredEvent]:
        """See `LogPort.history`."""
        clause, params = where(query)
        with self._reading() as con:
            days = con.execute(
                "SELECT day, max(position) FROM log_events "  # noqa: S608 (clauses with parameters)
                f"WHERE {clause} GROUP BY day ORDER BY day",
                params,
            ).fetchall()
        until = max((last for _, last in days), default=0)
        return self._chunks(clause, params, [day for day, _ in days], until)

    def _chunks(
        self, clause: str, params: Sequence[Any], days: Sequence[date], until: int
    ) -> Iterator[StoredEvent]:
        """Day by day and chunk by chunk: one sorted result of millions would not fit in memory.

        A day is put in order once, by its positions alone; the rows of a chunk are then read from
        between the first and the last of its positions, which the log can find without a scan.
        """
        for day in days:
            with self._reading() as con:
                places = con.execute(
                    "SELECT position FROM log_events "  # noqa: S608 (clauses with parameters)
                    f"WHERE day = ? AND position <= ? AND {clause} ORDER BY event_time, position",
                    [day, until, *params],
                ).fetchnumpy()["position"]
            for start in range(0, len(places), _CHUNK):
                chunk = places[start : start + _CHUNK].tolist()
                yield from self._rows(
                    "day = ? AND position BETWEEN ? AND ? AND position IN (SELECT unnest(?)) "
                    "ORDER BY event_time, position",
                    [day, min(chunk), max(chunk), chunk],
                )

    def count(self, query: Query) -> int:
        """See `LogPort.count`."""
        with self._reading() as con:
            return duckdb_analysis.count(con, query)

    def histogram(self, query: Query, buckets: int = 60) -> list[Bucket]:
        """See `LogPort.histogram`."""
        with self._reading() as con:
            return duckdb_analysis.histogram(con, query, buckets)

    def group_by(self, query: Query, field: str, limit: int = 50) -> list[Group]:
        """See `LogPort.group_by`."""
        with self._reading() as con:
            return duckdb_analysis.group_by(con, query, field, limit)

    def stats(self) -> LogStats:
        """See `LogPort.stats`."""
        with self._reading() as con:
            return duckdb_analysis.stats(con)

    def sql(
        self, text: str, *, orgs: Scope = None, seconds: float = 10.0, limit: int = PAGE_LIMIT
    ) -> SqlResult:
        """See `LogPort.sql`."""
        with self._reading() as con:
            return duckdb_sql.run(con, text, orgs, seconds, max(1, min(limit, PAGE_LIMIT)))

    # -- quarantine

    def quarantine(
        self,
        *,
        state: RejectState | None = "open",
        orgs: Scope = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[QuarantinedRow]:
        """See `LogPort.quarantine`."""
        with self._reading() as con:
            return duckdb_quarantine.read(
                con, state=state, orgs=orgs, after=after, limit=min(limit, PAGE_LIMIT)
            )

    def quarantine_read(self, number: int) -> QuarantinedRow | None:
        """See `LogPort.quarantine_read`."""
        with self._reading() as con:
            return duckdb_quarantine.get(con, number)

    def quarantine_replay(
        self, number: int, fields: Mapping[str, Any], *, by: str, now: datetime
    ) -> Receipt | list[Problem]:
        """See `LogPort.quarantine_replay`."""
        row = self.quarantine_read(number)
        if row is None or row.state != "open":
            raise UnknownRowError(f"no open row {number} in quarantine")
        try:
            loaded = orjson.loads(row.reject.raw)
        except orjson.JSONDecodeError:
            loaded = {}
        base = loaded if isinstance(loaded, dict) else {}
        event = parse_event(
            {**base, **fields},
            default_arrival=row.received_at,
            now=now,
            file=row.reject.file,
            line=row.reject.line,
        )
        if isinstance(event, list):
            return event
        with self._writing() as con:
            duckdb_quarantine.settle(con, number, "replayed", by=by, reason="", now=now)
            return self._append(con, [event], ())

    def quarantine_dismiss(self, number: int, *, by: str, reason: str, now: datetime) -> None:
        """See `LogPort.quarantine_dismiss`."""
        with self._writing() as con:
            duckdb_quarantine.settle(con, number, "dismissed", by=by, reason=reason, now=now)

    # -- facts

    def append_facts(
        self, kind: str, rows: Sequence[FactRow], *, recorded_at: datetime
    ) -> FactReceipt:
        """See `LogPort.append_facts`."""
        with self._writing() as con:
            duckdb_facts.create(con, kind)
            return duckdb_facts.append(con, kind, rows, recorded_at)

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
    ) -> list[StoredFact]:
        """See `LogPort.facts`."""
        with self._reading() as con:
            duckdb_facts.table(kind)
            if kind not in duckdb_facts.kinds(con):
                return []
            return duckdb_facts.read(
                con,
                kind,
                since=since,
                until=until,
                hashes=hashes,
                orgs=orgs,
                after=after,
                limit=min(limit, PAGE_LIMIT),
            )

    # -- end

    def close(self) -> None:
        """See `LogPort.close`."""
        self._file.close()
