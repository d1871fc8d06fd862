"""Reading the book as it was at one time, known at another."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from book.buckets import ancestors
from book.codec import from_document
from book.positions import is_under
from book.snapshot import Snapshot
from book.state import FACT_TYPES, BookState
from book.tables import SNAPSHOT, TABLES


def read_state(
    connection: Connection,
    *,
    as_of: datetime,
    known_at: datetime,
    orgs: Collection[str] | None = None,
    prices_since: datetime | None = None,
) -> BookState:
    """The facts true at `as_of` as far as they were recorded by `known_at`.

    Per business key the row with the latest `valid_from` not after `as_of` holds; of several with
    that `valid_from` the source's highest version, then the one recorded last.

    Args:
        connection: a reader's or a unit of work's.
        as_of: 数据时点.
        known_at: 知晓时点.
        orgs: nodes whose facts, and whose sub-nodes' facts, are read, with those of their
            ancestors for limits and master data; all when None.
        prices_since: leaves older prices out.
    """
    fields: dict[str, Any] = {
        name: _facts(
            connection,
            name,
            as_of=as_of,
            known_at=known_at,
            orgs=orgs,
            since=prices_since if name == "prices" else None,
        )
        for name in TABLES
    }
    return BookState(**fields)


def next_valid_from(connection: Connection, after: datetime, root: str) -> datetime | None:
    """When the next fact of the group `root`, or a common one, comes into force; None for never."""
    found = []
    for table in TABLES.values():
        c = table.c
        place = or_(c.org == "", c.org == root, c.org.startswith(f"{root}/", autoescape=True))
        moment = connection.scalar(
            select(func.min(c.valid_from)).where(c.valid_from > after, place)
        )
        if moment is not None:
            found.append(moment)
    return min(found, default=None)


_SHARED = frozenset(
    {"prices", "basis_stats", "ledger_accounts", "limits", "own_specs", "own_units"}
)


def _ancestors(orgs: Collection[str]) -> set[str]:
    """Every node above one of `orgs`, and the empty one of what is common to all."""
    return {"", *(node for org in orgs for node in ancestors(org))}


def _facts(
    connection: Connection,
    name: str,
    *,
    as_of: datetime,
    known_at: datetime,
    orgs: Collection[str] | None,
    since: datetime | None,
) -> tuple[Any, ...]:
    table = TABLES[name]
    shared: set[str] = set()
    columns = table.c
    query = select(columns.fact_key, columns.org, columns.retired, columns.body).where(
        columns.valid_from <= as_of, columns.recorded_at <= known_at
    )
    if since is not None:
        query = query.where(columns.valid_from >= since)
    if orgs is not None:
        if name in _SHARED:
            shared = _ancestors(orgs)
        wanted = [columns.org.in_(shared | set(orgs))]
        wanted += [columns.org.startswith(f"{org}/", autoescape=True) for org in orgs]
        query = query.where(or_(*wanted))
    # ascending, so that the row that holds comes last for its key
    query = query.order_by(
        columns.valid_from, columns.version, columns.recorded_at, columns.content_hash
    )
    held: dict[str, tuple[bool, dict[str, Any]]] = {}
    for key, org, retired, body in connection.execute(query):
        # LIKE ignores the case of ASCII letters on SQLite; organisations do not
        if orgs is None or org in shared or any(is_under(node, org) for node in orgs):
            held[key] = (retired, body)
    kind = FACT_TYPES[name]
    return tuple(
        from_document(kind, body) for _, (retired, body) in sorted(held.items()) if not retired
    )


def _snapshot(row: Any) -> Snapshot:
    return Snapshot(
        hash=row.hash,
        as_of=row.as_of,
        known_at=row.known_at,
        manifest=row.manifest,
        outputs_hash=row.outputs_hash,
        outputs=tuple(row.outputs),
    )


def latest_snapshot(
    connection: Connection, *, org: str, purpose: str = "assessment", until: datetime | None = None
) -> Snapshot | None:
    """The snapshot of that purpose with the latest `as_of`, newest version."""
    table = SNAPSHOT
    query = select(table).where(table.c.org == org, table.c.purpose == purpose)
    if until is not None:
        query = query.where(table.c.as_of <= until)
    query = query.order_by(table.c.as_of.desc(), table.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _snapshot(row)


def snapshots(
    connection: Connection, *, org: str, purpose: str = "day_end", trading_day: date | None = None
) -> list[tuple[date, int, Snapshot]]:
    """Trading day, version and snapshot, oldest first; every version stays."""
    table = SNAPSHOT
    query = select(table).where(table.c.org == org, table.c.purpose == purpose)
    if trading_day is not None:
        query = query.where(table.c.trading_day == trading_day)
    rows = connection.execute(query.order_by(table.c.trading_day, table.c.version))
    return [(row.trading_day, row.version, _snapshot(row)) for row in rows]
