"""Taking a batch into the book: one transaction, one record of the import, bad rows kept aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

import trail
from book.prices import MarketPrice
from book.write import put_dated
from integrations.files import quarantine
from integrations.files.dating import Dating, date_entries
from integrations.files.price_jumps import price_jumps
from integrations.files.reading import Batch, scopes_of
from integrations.files.unmentioned import count_of, unmentioned
from store import UnitOfWork
from store.problems import Problem


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file; `rows` = `accepted` + `duplicates` + `quarantined`.

    Attributes:
        rows: rows under the header; 0 for a file that could not be read.
        accepted: new to the book.
        duplicates: the book said so already.
        quarantined: bad rows, each with at least one error.
        errors: what kept the file or a row out.
        warnings: what was noticed besides.
        scopes: organisations and products whose exposure may have moved.
        written: False for a dry run.
        prices: those among what is new.
        unmentioned: rows that stand in the book of an account of the file and that it does not
            name; they stay as they are.
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


def preview(connection: Connection, batch: Batch, now: datetime) -> ImportResult:
    """What taking the batch in would do; nothing is written."""
    dating = date_entries(connection, batch.entries, now)
    told = (*_jumps(connection, batch, dating), *unmentioned(connection, batch, now))
    return _result(batch, dating, told, written=False)


def take_in(uow: UnitOfWork, batch: Batch) -> ImportResult:
    """Record the good rows as facts and keep the bad ones; the same file again changes nothing."""
    dating = date_entries(uow.connection, batch.entries, uow.now)
    told = (*_jumps(uow.connection, batch, dating), *unmentioned(uow.connection, batch, uow.now))
    put_dated(uow, [dated for _, dated in dating.fresh], source=batch.source)
    kept = quarantine.keep(uow, batch)
    result = _result(batch, dating, told, written=True)
    if dating.fresh or kept:
        _record(uow, batch, result, kept)
    return result


def _jumps(connection: Connection, batch: Batch, dating: Dating) -> tuple[Problem, ...]:
    return price_jumps(connection, [entry for entry, _ in dating.fresh], batch.file)


def _result(
    batch: Batch, dating: Dating, told: Sequence[Problem], *, written: bool
) -> ImportResult:
    return ImportResult(
        rows=batch.rows,
        accepted=sum(entry.rows for entry, _ in dating.fresh),
        duplicates=sum(entry.rows for entry in dating.known),
        quarantined=len(batch.bad),
        errors=batch.errors,
        warnings=(*batch.warnings, *told),
        scopes=frozenset(scopes_of([entry for entry, _ in dating.fresh])),
        written=written,
        prices=tuple(
            entry.fact for entry, _ in dating.fresh if isinstance(entry.fact, MarketPrice)
        ),
        unmentioned=count_of(told),
    )


def _record(uow: UnitOfWork, batch: Batch, result: ImportResult, kept: int) -> None:
    trail.record(
        uow,
        kind="change",
        action="import.file",
        object_type="file",
        object_id=batch.digest,
        org=_org(batch),
        outcome="imported",
        body={
            "kind": batch.kind.value,
            "file": batch.file,
            "sha256": batch.digest,
            "source": batch.source,
            "rows": result.rows,
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "quarantined": result.quarantined,
            "newly_quarantined": kept,
            "unmentioned": result.unmentioned,
            "codes": _codes(result.errors),
        },
    )


def _org(batch: Batch) -> str:
    orgs = {getattr(entry.fact, "org", "") for entry in batch.entries}
    return orgs.pop() if len(orgs) == 1 else ""


def _codes(problems: Sequence[Problem]) -> dict[str, int]:
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    return dict(sorted(found.items()))
