"""Counts over the events of the DuckDB adapter: histogram, groups, state of the log."""

from datetime import UTC, timedelta
from typing import Final

import duckdb

from auditlog import duckdb_facts
from auditlog.duckdb_query import where
from auditlog.errors import BadQueryError, UnknownFieldError
from auditlog.port import (
    GROUP_FIELDS,
    PAGE_LIMIT,
    Bucket,
    Group,
    LogStats,
    Query,
    SourceStats,
)
from store.types import from_microseconds, to_microseconds

_BUCKETS_MOST: Final = 2000


def count(con: duckdb.DuckDBPyConnection, query: Query) -> int:
    """How many events the query selects."""
    clause, params = where(query)
    rows = con.execute(f"SELECT count(*) FROM log_events WHERE {clause}", params).fetchall()  # noqa: S608 (parameters)
    return int(rows[0][0])


def histogram(con: duckdb.DuckDBPyConnection, query: Query, buckets: int) -> list[Bucket]:
    """Counts over event time in equal buckets of whole microseconds, empty ones included.

    The span is the query's, else that of the events it selects.
    """
    if not 1 <= buckets <= _BUCKETS_MOST:
        raise BadQueryError(f"buckets must lie between 1 and {_BUCKETS_MOST}")
    clause, params = where(query)
    found = con.execute(
        "SELECT epoch_us(min(event_time)), epoch_us(max(event_time)) "  # noqa: S608 (parameters)
        f"FROM log_events WHERE {clause}",
        params,
    ).fetchall()
    low, high = found[0]
    if low is None:
        return []
    start = to_microseconds(query.since) if query.since else low
    end = to_microseconds(query.until) if query.until else high + 1
    width = max(1, -(-(end - start) // buckets))
    places = -(-(end - start) // width)
    rows = con.execute(
        "SELECT (epoch_us(event_time) - ?) // ? AS bucket, kind, count(*) "  # noqa: S608 (parameters)
        f"FROM log_events WHERE {clause} GROUP BY ALL ORDER BY ALL",
        [start, width, *params],
    ).fetchall()
    counts: list[dict[str, int]] = [{} for _ in range(places)]
    for bucket, kind, events in rows:
        if bucket < places:  # an event that came between the two queries
            counts[bucket][kind] = events
    first, step = from_microseconds(start), timedelta(microseconds=width)
    return [
        Bucket(first + place * step, first + (place + 1) * step, sum(kinds.values()), kinds)
        for place, kinds in enumerate(counts)
    ]


def group_by(con: duckdb.DuckDBPyConnection, query: Query, field: str, limit: int) -> list[Group]:
    """Counts by the values of a field, largest first, equal counts by value."""
    if field not in GROUP_FIELDS:
        raise UnknownFieldError(field)
    clause, params = where(query)
    rows = con.execute(
        f'SELECT "{field}", count(*) AS events, min(event_time), max(event_time) '  # noqa: S608 (parameters)
        f"FROM log_events WHERE {clause} GROUP BY 1 ORDER BY events DESC, 1 LIMIT ?",
        [*params, min(limit, PAGE_LIMIT)],
    ).fetchall()
    return [
        Group(value, events, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        for value, events, first, last in rows
    ]


def stats(con: duckdb.DuckDBPyConnection) -> LogStats:
    """The state of the log, all of it as of one commit."""
    con.execute("BEGIN TRANSACTION READ ONLY")
    sources = con.execute(
        "SELECT source, count(*), max(event_time), max(arrival_time), "
        "coalesce(min(seq) FILTER (seq > 0), 0), max(seq), "
        "count(DISTINCT seq) FILTER (seq > 0) FROM log_events GROUP BY 1 ORDER BY 1"
    ).fetchall()
    last = con.execute("SELECT coalesce(max(position), 0) FROM log_events").fetchall()
    held = con.execute("SELECT count(*) FROM log_quarantine WHERE state = 'open'").fetchall()
    facts = {
        kind: con.execute(f"SELECT count(*) FROM {duckdb_facts.table(kind)}").fetchall()[0][0]  # noqa: S608 (checked name)
        for kind in duckdb_facts.kinds(con)
    }
    con.execute("COMMIT")
    return LogStats(
        events=sum(row[1] for row in sources),
        last_position=last[0][0],
        quarantined=held[0][0],
        facts=facts,
        sources=tuple(
            SourceStats(
                source,
                events,
                event_time.replace(tzinfo=UTC),
                arrival_time.replace(tzinfo=UTC),
                low,
                high,
                high - low + 1 - distinct if high else 0,
            )
            for source, events, event_time, arrival_time, low, high, distinct in sources
        ),
    )
