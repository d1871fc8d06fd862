"""Facts in the DuckDB adapter: one table a kind, keyed by content."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from auditlog.duckdb_query import naive_utc, scope_clause
from auditlog.duckdb_schema import signed_key
from auditlog.errors import UnknownFieldError
from auditlog.port import FactReceipt, FactRow, Scope, StoredFact

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def table(kind: str) -> str:
    """The name of a kind's table.

    Raises:
        UnknownFieldError: when the kind is no plain lower-case word.
    """
    if not _KIND.fullmatch(kind):
        raise UnknownFieldError("a fact kind is a plain lower-case word")
    return f"facts_{kind}"


def kinds(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The kinds that have a table."""
    rows = con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'facts_') ORDER BY 1"
    ).fetchall()
    return [name.removeprefix("facts_") for (name,) in rows]


def create(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """The table of a kind, when it is not there yet."""
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {table(kind)} (position BIGINT NOT NULL, key BIGINT NOT NULL, "
        "hash VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, recorded_at TIMESTAMP NOT NULL, "
        "org VARCHAR NOT NULL, body VARCHAR NOT NULL)"
    )


def append(
    con: duckdb.DuckDBPyConnection, kind: str, rows: Sequence[FactRow], recorded_at: datetime
) -> FactReceipt:
    """Insert the facts whose hash is new."""
    name = table(kind)
    fresh = {row.hash: row for row in rows}
    keys = {digest: signed_key(digest) for digest in fresh}
    # A list as a parameter: for the few facts of a round a registered table costs three times that.
    known = con.execute(
        f"SELECT hash FROM {name} WHERE key IN (SELECT unnest(?))",  # noqa: S608 (checked name)
        [list(keys.values())],
    ).fetchall()
    for (digest,) in known:
        fresh.pop(digest, None)
    if fresh:
        found = con.execute(f"SELECT coalesce(max(position), 0) FROM {name}").fetchall()  # noqa: S608
        first = found[0][0] + 1
        con.register("fact_rows", _arrow(list(fresh.values()), keys, first, recorded_at))
        con.execute(f"INSERT INTO {name} SELECT * FROM fact_rows ORDER BY position")  # noqa: S608
        con.unregister("fact_rows")
    return FactReceipt(len(fresh), len(rows) - len(fresh))


def _arrow(
    rows: Sequence[FactRow], keys: dict[str, int], first: int, recorded_at: datetime
) -> pa.Table:
    time = pa.timestamp("us")
    bodies = [orjson.dumps(row.body, option=orjson.OPT_SORT_KEYS).decode() for row in rows]
    return pa.table(
        {
            "position": pa.array(range(first, first + len(rows)), pa.int64()),
            "key": pa.array([keys[row.hash] for row in rows], pa.int64()),
            "hash": pa.array([row.hash for row in rows], pa.string()),
            "event_time": pa.array([naive_utc(row.event_time) for row in rows], time),
            "recorded_at": pa.array([naive_utc(recorded_at)] * len(rows), time),
            "org": pa.array([row.org for row in rows], pa.string()),
            "body": pa.array(bodies, pa.string()),
        }
    )


def read(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    *,
    since: datetime | None,
    until: datetime | None,
    hashes: Sequence[str] | None,
    orgs: Scope,
    after: int,
    limit: int,
) -> list[StoredFact]:
    """Facts in the order they were recorded."""
    clause, params = scope_clause(orgs)
    params = [*params, after]
    clause += " AND position > ?"
    if since is not None:
        clause += " AND event_time >= ?"
        params.append(naive_utc(since))
    if until is not None:
        clause += " AND event_time < ?"
        params.append(naive_utc(until))
    if hashes is not None:
        clause += " AND list_contains(?, hash)"
        params.append(list(hashes))
    rows: list[tuple[Any, ...]] = con.execute(
        "SELECT position, hash, event_time, recorded_at, org, body "  # noqa: S608 (checked name)
        f"FROM {table(kind)} WHERE {clause} ORDER BY position LIMIT ?",
        [*params, limit],
    ).fetchall()
    return [
        StoredFact(
            position,
            digest,
            event_time.replace(tzinfo=UTC),
            recorded_at.replace(tzinfo=UTC),
            org,
            orjson.loads(body),
        )
        for position, digest, event_time, recorded_at, org, body in rows
    ]
