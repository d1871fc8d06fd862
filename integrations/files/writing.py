"""Taking a batch into the book: one transaction, one record of the import, bad rows kept aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

import trail
from book.prices import MarketPrice
from book.state import key_of
from book.write import Dated, put_dated
from integrations.files import quarantine
from integrations.files.closing import Closed, Closing, Full, closing, unread
from integrations.files.dating import Dating, date_entries
from integrations.files.price_jumps import price_jumps
from integrations.files.reading import Batch, scopes_of
from integrations.files.statements import ended_later, keep_statement
from integrations.files.unmentioned import Place, count_of, some, unmentioned
from store import UnitOfWork, is_sqlite
from store.clock import rfc3339
from store.problems import Problem

#: How many of the rows that end stand in the record; the book holds them all.
_NAMED: Final = 50
_LOCK: Final = int.from_bytes(b"hwimport")  # PostgreSQL names its advisory locks by number


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file.

    `rows` = `accepted` + `duplicates` + `quarantined` + `already_quarantined`.

    Attributes:
        rows: rows under the header; 0 for a file that could not be read.
        accepted: new to the book.
        duplicates: the book said so already.
        quarantined: bad rows that are new to quarantine, each with at least one error.
        already_quarantined: bad rows that quarantine holds from an earlier import, settled or not.
        errors: what kept the file or a row out.
        warnings: what was noticed besides.
        scopes: organisations and products whose exposure may have moved.
        written: False for a dry run.
        prices: those among what is new.
        unmentioned: rows that stand in the book of an account of the file and that it does not
            name; they stay as they are.
        closed: rows that a full statement ends; for a dry run or a refusal, that it would end.
        refused: a full statement that is not believed: nothing of it was taken in.
    """

    rows: int
    accepted: int
    duplicates: int
    quarantined: int
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    scopes: frozenset[tuple[str, str]]
    written: bool
    prices: tuple[MarketPrice, ...] = ()
    unmentioned: int = 0
    closed: tuple[Closed, ...] = ()
    refused: bool = False
    already_quarantined: int = 0


def preview(
    connection: Connection, batch: Batch, now: datetime, full: Full | None = None
) -> ImportResult:
    """What taking the batch in would do; nothing is written.

    Raises:
        NoStatementError: a full statement of a kind that lists no account.
    """
    return _planned(connection, batch, now, full).result


def take_in(uow: UnitOfWork, batch: Batch, full: Full | None = None) -> ImportResult:
    """Record the good rows as facts and keep the bad ones; the same file again changes nothing.

    Args:
        uow: the caller's.
        batch: what the file holds.
        full: that it is the full statement of its accounts: what it does not mention ends. One
            that is refused leaves nothing behind.

    Raises:
        NoStatementError: a full statement of a kind that lists no account.
    """
    _take_turns(uow)
    plan = _planned(uow.connection, batch, uow.now, full)
    if plan.result.refused:
        return plan.result
    result = replace(plan.result, written=True)
    put_dated(uow, [dated for _, dated in plan.dating.fresh], source=batch.source)
    ending = [one.dated for one in result.closed]
    put_dated(uow, [*ending, *plan.later], source=batch.source, action="book.retire")
    stated = keep_statement(uow, batch, plan.at)
    kept = quarantine.keep(uow, batch)
    if plan.dating.fresh or kept or ending or stated:
        _record(uow, batch, result, kept, full)
    return result


def _take_turns(uow: UnitOfWork) -> None:
    """Imports come one after the other, so that each sees what the one before it brought.

    On SQLite every writing unit waits for the one before it.
    """
    if not is_sqlite(uow.connection):
        uow.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


class _Plan(NamedTuple):
    """What taking a batch in comes to, before anything is written."""

    dating: Dating
    result: ImportResult
    later: Sequence[Dated] = ()
    at: Mapping[Place, datetime] = {}


def _planned(connection: Connection, batch: Batch, now: datetime, full: Full | None) -> _Plan:
    dating = date_entries(connection, batch.entries, now)
    ends = closing(connection, batch, full, now) if full else Closing(withheld=True)
    left = unmentioned(connection, batch, now) if ends.withheld else ()
    later = ended_later(connection, batch.kind, [dated for _, dated in dating.fresh])
    told = (*_jumps(connection, batch, dating), *ends.told, *left, *_ended(batch, later))
    held = quarantine.count_kept(connection, batch)
    result = _result(batch, dating, told, held)
    if full is None or ends.withheld:
        return _Plan(dating, result, later)
    closed = {(one.fact.org, one.fact.product) for one in ends.rows}
    result = replace(
        result,
        errors=(*unread(batch, full), *ends.refused),
        scopes=result.scopes | closed,
        closed=ends.rows,
        refused=bool(ends.refused),
    )
    return _Plan(dating, result, later, ends.at)


def _ended(batch: Batch, later: Sequence[Dated]) -> tuple[Problem, ...]:
    if not later:
        return ()
    return (
        Problem(
            "IMPORT_ENDED_LATER",
            file=batch.file,
            found=some(key_of(one.fact)[1] for one in later),
            severity="warning",
            params={"count": str(len(later)), "since": rfc3339(min(o.valid_from for o in later))},
        ),
    )


def _jumps(connection: Connection, batch: Batch, dating: Dating) -> tuple[Problem, ...]:
    return price_jumps(connection, [entry for entry, _ in dating.fresh], batch.file)


def _result(batch: Batch, dating: Dating, told: Sequence[Problem], held: int) -> ImportResult:
    return ImportResult(
        rows=batch.rows,
        accepted=sum(entry.rows for entry, _ in dating.fresh),
        duplicates=sum(entry.rows for entry in dating.known),
        quarantined=len(batch.bad) - held,
        already_quarantined=held,
        errors=batch.errors,
        warnings=(*batch.warnings, *told),
        scopes=frozenset(scopes_of([entry for entry, _ in dating.fresh])),
        written=False,
        prices=tuple(
            entry.fact for entry, _ in dating.fresh if isinstance(entry.fact, MarketPrice)
        ),
        unmentioned=count_of(told),
    )


def _record(
    uow: UnitOfWork, batch: Batch, result: ImportResult, kept: int, full: Full | None
) -> None:
    trail.record(
        uow,
        kind="change",
        action="import.file",
        object_type="file",
        object_id=batch.digest,
        org=_org(batch, result),
        outcome="imported",
        body={
            "kind": batch.kind.value,
            "file": batch.file,
            "sha256": batch.digest,
            "source": batch.source,
            "rows": result.rows,
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "quarantined": len(batch.bad),
            "newly_quarantined": kept,
            "unmentioned": result.unmentioned,
            "codes": _codes(result.errors),
            **(_statement(result, full) if full else {}),
        },
    )


def _statement(result: ImportResult, full: Full) -> dict[str, Any]:
    """What the sender said of the statement, and what it ended: all counted, the first named."""
    return {
        "full": {
            "closed": len(result.closed),
            "confirmed": full.confirmed,
            "covers": [
                {"org": org, "account": account, "as_of": at}
                for (org, account), at in sorted(full.covers.items())
            ],
            "rows": [one.as_dict() for one in result.closed[:_NAMED]],
        }
    }


def _org(batch: Batch, result: ImportResult) -> str:
    orgs = {getattr(entry.fact, "org", "") for entry in batch.entries}
    orgs |= {one.fact.org for one in result.closed}
    return orgs.pop() if len(orgs) == 1 else ""


def _codes(problems: Sequence[Problem]) -> dict[str, int]:
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    return dict(sorted(found.items()))
