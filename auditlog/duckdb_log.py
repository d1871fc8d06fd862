"""The audit log on DuckDB, in the process that owns the file.

One connection writes under a lock, so positions rise in the order of commits; every read takes its
own cursor and sees the last commit. A commit flushes DuckDB's log to disk before `append` returns.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from auditlog import duckdb_analysis, duckdb_facts, duckdb_quarantine, duckdb_sql
from auditlog.duckdb_query import (
    TIMELINE_FIELDS,
    after_place,
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
    event_key,
    event_of,
    events_table,
    keys_table,
    split_uid,
)
from auditlog.errors import (
    LogClosedError,
    LogFailedError,
    SqlRefusedError,
    SqlTimeoutError,
    UnknownRowError,
)
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
from auditlog.wire import plain
from store.clock import Clock, system_clock
from store.problems import Problem

_CHUNK: Final = 5000
_DAYS_LISTED: Final = 64
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
        self._lock = threading.Lock()
        self._con = duckdb.connect(
            str(path),
            config={
                # queries of users must not reach files, the network or the caller's variables
                "enable_external_access": "false",
                "python_enable_replacements": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": memory,
                "lock_configuration": "true",
            },
        )
        path.chmod(0o600)
        self._con.execute(EVENTS_DDL)
        self._con.execute(QUARANTINE_DDL)
        # results are always fetched whole: DuckDB refuses the next statement before that
        rows = self._con.execute("SELECT coalesce(max(position), 0) FROM log_events").fetchall()
        self._last = int(rows[0][0])
        self._open = True

    # -- writing

    @contextlib.contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            self._check_open()
            last = self._last
            self._con.execute("BEGIN TRANSACTION")
            try:
                yield self._con
                self._con.execute("COMMIT")
            except BaseException as error:
                self._last = last
                with contextlib.suppress(duckdb.Error):
                    self._con.execute("ROLLBACK")
                if isinstance(error, duckdb.Error):
                    raise LogFailedError(str(error)) from error
                raise

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> Receipt:
        """See `LogPort.append`."""
        with self._writing() as con:
            return self._append(con, events, rejects)

    def _append(
        self, con: duckdb.DuckDBPyConnection, events: Sequence[Event], rejects: Sequence[Reject]
    ) -> Receipt:
        order = sorted(events, key=lambda event: (event.arrival_time, event.seq))
        keys = [event_key(event) for event in order]
        known = self._known(con, order, keys)
        fresh: list[Event] = []
        fresh_keys: list[int] = []
        reused: list[Reject] = []
        duplicates = 0
        for event, key in zip(order, keys, strict=True):
            identity = (event.source, event.event_id, event.day)
            there = known.get(identity)
            if there is None:
                known[identity] = event
                fresh.append(event)
                fresh_keys.append(key)
            elif _same(there, event):
                duplicates += 1
            else:
                reused.append(_reused(event, there))
        if fresh:
            con.register("batch", events_table(fresh, fresh_keys, self._last + 1))
            # DuckDB keeps the order of what it reads; sorting all columns again costs a fifth
            con.execute("INSERT INTO log_events SELECT * FROM batch")
            con.unregister("batch")
            self._last += len(fresh)
        rows = [*rejects, *reused]
        quarantined = duckdb_quarantine.add(con, rows, self._clock())
        duplicates += len(rows) - quarantined
        return Receipt(len(fresh), duplicates, quarantined, self._last)

    def _known(
        self, con: duckdb.DuckDBPyConnection, events: Sequence[Event], keys: Sequence[int]
    ) -> dict[tuple[Any, ...], Event]:
        """The stored events that share an identity with the batch: those days, narrow columns."""
        if not events or not self._last:
            return {}
        days = sorted({event.day for event in events})
        if len(days) <= _DAYS_LISTED:
            span = "day IN (" + ", ".join(f"DATE '{day}'" for day in days) + ")"
        else:
            span = f"day BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
        con.register("batch", keys_table(events, keys))
        found = con.execute(
            f"SELECT position FROM log_events SEMI JOIN batch USING (day, key) WHERE {span}"  # noqa: S608 (dates)
        ).fetchall()
        con.unregister("batch")
        if not found:
            return {}
        positions = [position for (position,) in found]
        rows = con.execute(
            f"SELECT {SELECTED} FROM log_events WHERE position BETWEEN ? AND ? "  # noqa: S608 (constants)
            "AND list_contains(?, position)",
            [min(positions), max(positions), positions],
        ).fetchall()
        stored = map(event_of, rows)
        return {(event.source, event.event_id, event.day): event for event in stored}

    # -- reading

    @contextlib.contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._check_open()
        cursor = self._con.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            raise LogFailedError(str(error)) from error
        finally:
            cursor.close()

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
        """Day by day and chunk by chunk: one sorted result of millions would not fit in memory."""
        for day in days:
            behind, more = "TRUE", list[Any]()
            while rows := self._rows(
                f"day = ? AND position <= ? AND {clause} AND {behind} "
                "ORDER BY event_time, position LIMIT ?",
                [day, until, *params, *more, _CHUNK],
            ):
                yield from rows
                if len(rows) < _CHUNK:
                    break
                behind, more = after_place(rows[-1])

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
        scope, params = scope_clause(orgs)
        limit = max(1, min(limit, PAGE_LIMIT))
        with self._reading() as con:
            timer = threading.Timer(seconds, con.interrupt)
            timer.daemon = True
            timer.start()
            try:
                tree = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
                duckdb_sql.check(text, tree[0][0])
                con.execute("BEGIN TRANSACTION READ ONLY")
                result = con.execute(duckdb_sql.scoped(text, scope), [*params, limit + 1])
                names = tuple(str(column[0]) for column in result.description or ())
                rows = result.fetchall()
            except duckdb.InterruptException as error:
                raise SqlTimeoutError(f"stopped after {seconds:g} s") from error
            except duckdb.Error as error:
                raise SqlRefusedError(str(error).partition("\n")[0]) from error
            finally:
                timer.cancel()
        values = tuple(tuple(plain(value) for value in row) for row in rows[:limit])
        return SqlResult(names, values, len(rows) > limit)

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

    def _check_open(self) -> None:
        if not self._open:
            raise LogClosedError("the log is closed")

    def close(self) -> None:
        """See `LogPort.close`."""
        with self._lock:
            if self._open:
                self._open = False
                self._con.close()


def _same(stored: Event, event: Event) -> bool:
    """Equal but for the arrival, which differs when a batch is sent again."""
    return stored.as_dict() | {"arrival_time": ""} == event.as_dict() | {"arrival_time": ""}


def _reused(event: Event, stored: Event) -> Reject:
    # without the arrival, so that a row sent again is known as the same row
    values = {name: value for name, value in event.as_dict().items() if name != "arrival_time"}
    raw = orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()
    problem = Problem(
        "EVENT_ID_REUSED", field="event_id", found=event.event_id, params={"uid": stored.uid}
    )
    return Reject(raw, (problem,), org=event.org)
