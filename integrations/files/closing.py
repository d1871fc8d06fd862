"""A full statement ends what the book holds of its accounts and the statement does not mention.

Nothing is closed on a guess. A statement that was not read to the end closes nothing; one that
would close more than half of what an account holds is refused until its sender names the number of
rows that end. A row ends at the time of the statement, so that the book as of an earlier time, and
as it was known before, stays what it was; a later row opens it again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from book.state import key_of
from book.versions import in_force
from book.write import KEY_SEPARATOR, Dated
from integrations.errors import NoStatementError
from integrations.files.entry import Entry
from integrations.files.kinds import Kind
from integrations.files.reading import Batch
from integrations.files.unmentioned import LISTED, Place, keys_of, rows_of, some, standing, times_of
from store.clock import rfc3339
from store.problems import Problem

#: The kinds of which a file can be the full statement of an account.
STATEMENTS: Final = tuple(LISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """That a file is the full picture of its accounts, each as of one time.

    Attributes:
        covers: further accounts that hold nothing any more, so that no row of the file names them,
            and since when.
        confirmed: how many rows its sender agreed to close; None when nobody was asked.
    """

    covers: Mapping[Place, datetime] = field(default_factory=dict)
    confirmed: int | None = None


class Closed(NamedTuple):
    """A row of the book that ends; `kind` is ``futures``, ``options`` or ``lots``."""

    kind: str
    fact: Any
    amount: Decimal | int
    since: datetime
    version: int

    @property
    def id(self) -> str:
        """Its business key within the organisation."""
        return key_of(self.fact)[1]

    @property
    def dated(self) -> Dated:
        """As the book records it."""
        return Dated(self.fact, self.since, self.version, retired=True)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the amount is what stood there, as plain text."""
        return {
            "kind": self.kind,
            "org": self.fact.org,
            "account": self.fact.account,
            "id": self.id,
            "amount": f"{Decimal(self.amount).normalize():f}",
            "since": self.since,
        }


class Closing(NamedTuple):
    """What a full statement ends.

    Attributes:
        at: its accounts, and since when it is true of each; empty when it is not believed.
        rows: what ends, by account; what would end, when it is refused.
        refused: errors because of which nothing of the file is taken in.
        told: warnings.
        withheld: the good rows are taken in and nothing is closed, as `told` says.
    """

    at: Mapping[Place, datetime] = {}
    rows: tuple[Closed, ...] = ()
    refused: tuple[Problem, ...] = ()
    told: tuple[Problem, ...] = ()
    withheld: bool = False


def closing(connection: Connection, batch: Batch, full: Full, now: datetime) -> Closing:
    """What the statement ends in the book as it stands before the batch is written.

    Args:
        connection: a reader's or a unit of work's.
        batch: of a kind of `STATEMENTS`.
        full: what its sender said of it.
        now: nothing can be stated of what comes later.

    Raises:
        NoStatementError: a file of this kind is no statement of an account.
    """
    if batch.kind not in LISTED:
        raise NoStatementError(batch.kind.value)
    if faults := unread(batch, full):
        return Closing(told=(_withheld(batch, faults),), withheld=True)
    if wrong := (*_mistimed(batch), *_ahead(batch, full, now)):
        return Closing(refused=wrong)
    at = {**full.covers, **times_of(batch, now)}
    said = keys_of(batch)
    rows: list[Closed] = []
    doubtful: list[Problem] = []
    told: list[Problem] = []
    for place, moment in sorted(at.items()):
        held = [
            (name, key, row)
            for name in LISTED[batch.kind]
            for key, row in standing(connection, name, place, moment).items()
        ]
        ending = [
            # a row of the very time at which it ends gives way to a later version only
            Closed(name, row.fact, row.amount, moment, row.version + (row.valid_from == moment))
            for name, key, row in held
            if (name, key) not in said
        ]
        if not held and place in full.covers:
            told.append(_problem("IMPORT_FULL_NOTHING", batch, place, severity="warning"))
        if 2 * len(ending) > len(held):
            doubtful.append(_doubt(batch, place, ending, len(held)))
        rows += ending
        told += _claimed(connection, batch, place, moment)
    refused = _refused(batch, full, len(rows), doubtful)
    return Closing(at, tuple(rows), refused, tuple(told))


def unread(batch: Batch, full: Full) -> tuple[Problem, ...]:
    """The errors because of which nobody can say what the statement leaves out.

    That a file has no row says just what its sender says of the accounts that it covers.
    """
    return tuple(one for one in batch.errors if not (one.code == "IMPORT_EMPTY" and full.covers))


def _mistimed(batch: Batch) -> tuple[Problem, ...]:
    """A statement is true as of one time: the first row that names none, or another."""
    at: dict[Place, Entry] = {}
    for entry in batch.entries:
        place = (getattr(entry.fact, "org", ""), getattr(entry.fact, "account", ""))
        first = at.setdefault(place, entry)
        if entry.valid_from is not None and entry.valid_from == first.valid_from:
            continue
        code = "IMPORT_FULL_UNDATED" if entry.valid_from is None else "IMPORT_FULL_TIMES"
        one = _problem(code, batch, place, other=str(first.line))
        cell = entry.cells.get("as_of", "")
        return (replace(one, line=entry.line, cell=cell, field="as_of"),)
    return ()


def _ahead(batch: Batch, full: Full, now: datetime) -> Iterator[Problem]:
    at = {**full.covers, **times_of(batch, now)}
    for place, moment in sorted(at.items()):
        if moment > now:
            yield _problem("IMPORT_FULL_AHEAD", batch, place, found=rfc3339(moment))


def _withheld(batch: Batch, faults: Sequence[Problem]) -> Problem:
    count = len(batch.bad) or len(faults)
    params = {"count": str(count)}
    return Problem("IMPORT_FULL_WITHHELD", file=batch.file, severity="warning", params=params)


def _refused(
    batch: Batch, full: Full, count: int, doubtful: Sequence[Problem]
) -> tuple[Problem, ...]:
    if full.confirmed is None:
        return tuple(doubtful)
    if full.confirmed == count:
        return ()
    return (
        Problem(
            "IMPORT_FULL_OTHER_COUNT",
            file=batch.file,
            found=str(full.confirmed),
            allowed=str(count),
        ),
    )


def _doubt(batch: Batch, place: Place, ending: Sequence[Closed], held: int) -> Problem:
    return _problem(
        "IMPORT_FULL_UNCONFIRMED",
        batch,
        place,
        found=some(one.id for one in ending),
        count=str(len(ending)),
        held=str(held),
    )


def _claimed(
    connection: Connection, batch: Batch, place: Place, moment: datetime
) -> Iterator[Problem]:
    """Sites' own claims on positions of the account; they count before what a statement says."""
    if batch.kind is not Kind.POSITIONS:
        return
    named = {key.partition(KEY_SEPARATOR)[2] for _, key in keys_of(batch)}
    claims = [row.fact for row in rows_of(connection, "claims", place, moment).values()]
    left = sorted({one.key for one in in_force(claims, moment) if one.lots} - named)
    if left:
        yield _problem(
            "IMPORT_FULL_CLAIMED",
            batch,
            place,
            found=some(left),
            severity="warning",
            count=str(len(left)),
        )


def _problem(
    code: str, batch: Batch, place: Place, *, found: str = "", severity: str = "error", **more: str
) -> Problem:
    org, account = place
    params = {"org": org, "account": account or "-", **more}
    return Problem(code, file=batch.file, found=found, severity=severity, params=params)
