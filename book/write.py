"""Recording facts: insert-only, repeatable, one trail record per batch.

Every function takes the unit of work of the caller and never commits. Recording the same fact of
the same source again changes nothing and leaves no record.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from book.codec import to_document
from book.errors import NegativeQuantityError, QuantityRangeError, TimelessError
from book.limits import Limit
from book.positions import (
    FuturesPosition,
    OptionPosition,
    PhysicalContract,
    PositionClaim,
    Receipt,
)
from book.prices import MarketPrice
from book.snapshot import DayEnd, Snapshot
from book.state import Fact, below_zero, field_of, key_of, out_of_range
from book.tables import SNAPSHOT, TABLES
from store import UnitOfWork, is_sqlite
from trail import canonical, record

KEY_SEPARATOR: Final = "\u001f"
_CHUNK: Final = 500
_BODY_LIMIT: Final = 20_000
_OBJECTS: Final[dict[str, str]] = {
    "contracts": "book.contract",
    "fixations": "book.fixation",
    "receipts": "book.receipt",
    "lots": "book.lot",
    "commitments": "book.order",
    "syncs": "book.sync",
    "futures": "book.futures",
    "claims": "book.claim",
    "options": "book.option",
    "prices": "book.price",
    "limits": "book.limit",
    "basis_stats": "book.basis_stats",
    "ledger_accounts": "book.ledger_account",
    "hedges": "book.hedge",
    "documents": "book.document",
    "quotas": "book.quota",
    "own_specs": "book.spec",
    "own_units": "book.unit",
}


class Dated(NamedTuple):
    """A fact and since when it is true; `retired` says that it no longer is.

    `version` is the source's own: among corrections with the same `valid_from` the highest holds,
    and a source that goes back to what it said before needs a new one to be heard.
    """

    fact: Fact
    valid_from: datetime
    version: int = 0
    retired: bool = False


class Written(NamedTuple):
    """What a batch did. `hash` covers the content of all rows given, in any order."""

    inserted: int
    duplicates: int
    hash: str


def _row(dated: Dated, source: str, recorded_at: datetime) -> dict[str, Any]:
    fact = dated.fact
    if dated.valid_from.tzinfo is None:
        raise TimelessError(f"{type(fact).__name__} {key_of(fact)}")
    if name := out_of_range(fact):
        raise QuantityRangeError(f"{type(fact).__name__}.{name}")
    if name := below_zero(fact):
        raise NegativeQuantityError(f"{type(fact).__name__}.{name}")
    document = to_document(fact)
    content = {
        "fact": document,
        "valid_from": dated.valid_from,
        "version": dated.version,
        "retired": dated.retired,
    }
    return {
        "fact_key": KEY_SEPARATOR.join(key_of(fact)),
        "org": getattr(fact, "org", ""),
        "product": getattr(fact, "product", ""),
        "month": getattr(fact, "month", ""),
        "account": getattr(fact, "account", ""),
        "valid_from": dated.valid_from,
        "recorded_at": recorded_at,
        "source": source,
        "version": dated.version,
        "content_hash": sha256(canonical(content)).hexdigest(),
        "retired": dated.retired,
        "body": document,
    }


def _new_rows(
    uow: UnitOfWork, table: Any, source: str, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    known: set[tuple[str, str]] = set()
    hashes = [row["content_hash"] for row in rows]
    for start in range(0, len(hashes), _CHUNK):
        found = uow.execute(
            select(table.c.fact_key, table.c.content_hash).where(
                table.c.source == source,
                table.c.content_hash.in_(hashes[start : start + _CHUNK]),
            )
        )
        known.update((row.fact_key, row.content_hash) for row in found)
    fresh = []
    for row in rows:
        mark = (row["fact_key"], row["content_hash"])
        if mark not in known:
            known.add(mark)
            fresh.append(row)
    return fresh


def put_dated(
    uow: UnitOfWork, facts: Iterable[Dated], *, source: str, action: str = "book.import"
) -> Written:
    """Record facts of any kinds; those of the same source and content are skipped.

    One record of kind ``change`` is left when anything is new: with the fact itself when it is one,
    else with the counts per kind and the hash of the contents.

    Raises:
        TimelessError: a `valid_from` without an offset.
        QuantityRangeError: a decimal that is not finite or is 10^15 or more, or 10^9 lots or more.
        NegativeQuantityError: a quantity or a limit below zero.
    """
    given: dict[str, list[dict[str, Any]]] = {}
    for dated in facts:
        given.setdefault(field_of(dated.fact), []).append(_row(dated, source, uow.now))
    dialect = sqlite if is_sqlite(uow.connection) else postgresql
    fresh: list[tuple[str, dict[str, Any]]] = []
    for name, rows in given.items():
        new = _new_rows(uow, TABLES[name], source, rows)
        if new:
            # two writers on PostgreSQL may bring the same row at once; the second gives way
            uow.execute(dialect.insert(TABLES[name]).on_conflict_do_nothing(), new)
            fresh += [(name, row) for row in new]
    total = sum(len(rows) for rows in given.values())
    digest = sha256(
        b"".join(sorted(row["content_hash"].encode() for rows in given.values() for row in rows))
    ).hexdigest()
    if fresh:
        _leave_record(uow, fresh, source=source, action=action, total=total, digest=digest)
    return Written(len(fresh), total - len(fresh), digest)


def _leave_record(
    uow: UnitOfWork,
    fresh: Sequence[tuple[str, dict[str, Any]]],
    *,
    source: str,
    action: str,
    total: int,
    digest: str,
) -> None:
    orgs = {row["org"] for _, row in fresh}
    body: dict[str, Any] = {"source": source}
    name, row = fresh[0]
    if len(fresh) == 1 and len(canonical(row["body"])) <= _BODY_LIMIT:
        object_type, object_id = _OBJECTS[name], row["fact_key"].replace(KEY_SEPARATOR, "|")
        body |= {key: row[key] for key in ("valid_from", "content_hash", "retired")}
        body["fact"] = row["body"]
    else:
        object_type, object_id = "book.batch", digest[:24]
        counts = Counter(_OBJECTS[name] for name, _ in fresh)
        body |= {"inserted": dict(counts), "given": total, "hash": digest}
    record(
        uow,
        kind="change",
        action=action,
        object_type=object_type,
        object_id=object_id,
        org=orgs.pop() if len(orgs) == 1 else "",
        body=body,
    )


def put(
    uow: UnitOfWork,
    facts: Iterable[Fact],
    *,
    valid_from: datetime,
    source: str,
    version: int = 0,
    action: str = "book.import",
) -> Written:
    """Record facts of any kinds that are true since `valid_from`; see `put_dated`."""
    dated = [Dated(fact, valid_from, version) for fact in facts]
    return put_dated(uow, dated, source=source, action=action)


def retire(uow: UnitOfWork, fact: Fact, *, valid_from: datetime, source: str) -> Written:
    """Record that `fact` is no longer true from `valid_from` on."""
    return put_dated(
        uow, [Dated(fact, valid_from, retired=True)], source=source, action="book.retire"
    )


def put_contract(
    uow: UnitOfWork, contract: PhysicalContract, *, valid_from: datetime, source: str
) -> bool:
    """Record a physical contract; False when it was known."""
    return put(uow, [contract], valid_from=valid_from, source=source).inserted == 1


def put_receipt(uow: UnitOfWork, receipt: Receipt, *, valid_from: datetime, source: str) -> bool:
    """Record a receipt's status; False when it was known."""
    return put(uow, [receipt], valid_from=valid_from, source=source).inserted == 1


def put_position(
    uow: UnitOfWork,
    position: FuturesPosition | OptionPosition | PositionClaim,
    *,
    valid_from: datetime,
    source: str,
) -> bool:
    """Record a position or a claim on one; False when it was known."""
    return put(uow, [position], valid_from=valid_from, source=source).inserted == 1


def put_price(uow: UnitOfWork, price: MarketPrice) -> bool:
    """Record a price, true from its own time on; False when it was known."""
    return put(uow, [price], valid_from=price.at, source=price.source).inserted == 1


def put_limit(uow: UnitOfWork, limit: Limit, *, valid_from: datetime, source: str) -> bool:
    """Record a limit; False when it was known."""
    facts = [limit]
    return put(uow, facts, valid_from=valid_from, source=source, action="limit.set").inserted == 1


def put_snapshot(
    uow: UnitOfWork,
    snapshot: Snapshot,
    *,
    org: str,
    trading_day: date,
    purpose: str = "assessment",
    signer: str = "",
) -> DayEnd:
    """Keep a snapshot; of one day and purpose, a different hash is the next version.

    The same hash as the day's latest version gives that version again and changes nothing.
    """
    table = SNAPSHOT
    place = (table.c.org == org, table.c.purpose == purpose, table.c.trading_day == trading_day)
    newest = select(func.max(table.c.version)).where(*place).scalar_subquery()
    held = uow.execute(
        select(table.c.version, table.c.hash, table.c.outputs_hash, table.c.recorded_at).where(
            *place, table.c.version == newest
        )
    ).first()
    if held is not None and (held.hash, held.outputs_hash) == (
        snapshot.hash,
        snapshot.outputs_hash,
    ):
        return DayEnd(
            org=org,
            trading_day=trading_day,
            snapshot_hash=held.hash,
            version=held.version,
            recorded_at=held.recorded_at,
        )
    version = 1 if held is None else held.version + 1
    row = {
        "org": org,
        "purpose": purpose,
        "trading_day": trading_day,
        "version": version,
        "hash": snapshot.hash,
        "outputs_hash": snapshot.outputs_hash,
        "as_of": snapshot.as_of,
        "known_at": snapshot.known_at,
        "recorded_at": uow.now,
        "manifest": snapshot.manifest,
        "outputs": list(snapshot.outputs),
    }
    uow.execute(insert(table), [row])
    record(
        uow,
        kind="change",
        action="snapshot.keep" if purpose != "day_end" else "snapshot.sign",
        object_type="book.snapshot",
        object_id=snapshot.hash,
        org=org,
        body={
            "purpose": purpose,
            "trading_day": trading_day,
            "version": version,
            "outputs_hash": snapshot.outputs_hash,
            "signer": signer,
        },
    )
    return DayEnd(
        org=org,
        trading_day=trading_day,
        snapshot_hash=snapshot.hash,
        version=version,
        recorded_at=uow.now,
    )
