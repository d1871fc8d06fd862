"""Rows in quarantine, in the DuckDB adapter: functions inside the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from auditlog.duckdb_query import naive_utc, scope_clause
from auditlog.errors import UnknownRowError
from auditlog.port import QuarantinedRow, Reject, RejectState, Scope
from store.problems import Problem

_COLUMNS = (
    "number, raw, problems, file, line, org, state, received_at, settled_by, settled_at, reason"
)


def add(con: duckdb.DuckDBPyConnection, rejects: Sequence[Reject], at: datetime) -> int:
    """Keep the rows that are not there yet; how many were new."""
    fresh = {reject.key: reject for reject in rejects}
    if not fresh:
        return 0
    known = con.execute("SELECT key FROM log_quarantine WHERE list_contains(?, key)", [list(fresh)])
    for (key,) in known.fetchall():
        del fresh[key]
    if not fresh:
        return 0
    found = con.execute("SELECT coalesce(max(number), 0) FROM log_quarantine").fetchall()
    first = found[0][0] + 1
    con.executemany(
        "INSERT INTO log_quarantine VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, '', NULL, '')",
        [
            [
                first + place,
                key,
                reject.raw,
                orjson.dumps([problem.as_dict() for problem in reject.problems]).decode(),
                reject.file,
                reject.line,
                reject.org,
                naive_utc(at),
            ]
            for place, (key, reject) in enumerate(fresh.items())
        ],
    )
    return len(fresh)


def read(
    con: duckdb.DuckDBPyConnection,
    *,
    state: RejectState | None,
    orgs: Scope,
    after: int,
    limit: int,
) -> list[QuarantinedRow]:
    """Rows by their number."""
    scope, params = scope_clause(orgs)
    rows = con.execute(
        f"SELECT {_COLUMNS} FROM log_quarantine WHERE {scope} AND number > ? "  # noqa: S608 (constants)
        "AND (? IS NULL OR state = ?) ORDER BY number LIMIT ?",
        [*params, after, state, state, limit],
    ).fetchall()
    return [_row(row) for row in rows]


def get(con: duckdb.DuckDBPyConnection, number: int) -> QuarantinedRow | None:
    """One row, whatever its state."""
    rows = con.execute(
        f"SELECT {_COLUMNS} FROM log_quarantine WHERE number = ?",  # noqa: S608 (constants)
        [number],
    ).fetchall()
    return _row(rows[0]) if rows else None


def settle(
    con: duckdb.DuckDBPyConnection,
    number: int,
    state: RejectState,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Close an open row.

    Raises:
        UnknownRowError: when there is no such open row.
    """
    changed = con.execute(
        "UPDATE log_quarantine SET state = ?, settled_by = ?, settled_at = ?, reason = ? "
        "WHERE number = ? AND state = 'open'",
        [state, by, naive_utc(now), reason, number],
    ).fetchall()
    if changed != [(1,)]:
        raise UnknownRowError(f"no open row {number} in quarantine")


def _row(row: tuple[Any, ...]) -> QuarantinedRow:
    number, raw, problems, file, line, org, state, received, settled_by, settled_at, reason = row
    return QuarantinedRow(
        number=number,
        reject=Reject(
            raw, tuple(Problem(**values) for values in orjson.loads(problems)), file, line, org
        ),
        state=state,
        received_at=received.replace(tzinfo=UTC),
        settled_by=settled_by,
        settled_at=settled_at.replace(tzinfo=UTC) if settled_at else None,
        reason=reason,
    )
