"""What the book holds of an account that a statement of it does not mention.

A file of positions or inventory changes the rows it names and no others. Where it was meant as the
full picture of an account, a position that was closed is simply absent from it and would stand in
the book for ever, so what is absent is counted and told; `integrations.files.closing` ends it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from book.codec import from_document
from book.state import FACT_TYPES, field_of, key_of
from book.tables import TABLES
from book.write import KEY_SEPARATOR
from integrations.files.kinds import Kind
from integrations.files.reading import Batch
from store.problems import Problem, shorten

#: The kinds of facts that a statement of each kind lists.
LISTED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.POSITIONS: ("futures", "options"),
    Kind.INVENTORY: ("lots",),
}
_NAMED: Final = 5

#: An organisation and an account of it; the account is empty for goods that name none.
Place = tuple[str, str]


class Standing(NamedTuple):
    """A row of the book that holds at a time."""

    fact: Any
    valid_from: datetime
    version: int

    @property
    def amount(self) -> Any:
        """Lots, or the quantity of goods."""
        return amount_of(self.fact)


def unmentioned(connection: Connection, batch: Batch, now: datetime) -> tuple[Problem, ...]:
    """A warning for each account of the batch of which the book holds more than the batch names.

    Args:
        connection: a reader's or a unit of work's, before the batch is written.
        batch: rows in quarantine count as not mentioned, as nothing of them is taken in.
        now: the time of rows that name none.

    Returns:
        Warnings with the organisation, the account, the count and the first keys; what is retired
        or stands at nothing at the statement's latest time is not counted.
    """
    names = LISTED.get(batch.kind, ())
    said = keys_of(batch)
    found = []
    for place, moment in sorted(times_of(batch, now).items()) if names else ():
        left = [
            key
            for name in names
            for key in standing(connection, name, place, moment)
            if (name, key) not in said
        ]
        if left:
            found.append(_problem(batch, place, left))
    return tuple(found)


def times_of(batch: Batch, now: datetime) -> dict[Place, datetime]:
    """Each account of the good rows → the latest time of its rows; `now` for those without one."""
    at: dict[Place, datetime] = {}
    for entry in batch.entries:
        place = (getattr(entry.fact, "org", ""), getattr(entry.fact, "account", ""))
        since = entry.valid_from or now
        at[place] = max(at.get(place, since), since)
    return at


def keys_of(batch: Batch) -> set[tuple[str, str]]:
    """The kind of fact and the business key of each good row."""
    return {
        (field_of(entry.fact), KEY_SEPARATOR.join(key_of(entry.fact))) for entry in batch.entries
    }


def count_of(problems: Iterable[Problem]) -> int:
    """How many rows the warnings speak of."""
    return sum(
        int(one.params["count"]) for one in problems if one.code == "IMPORT_ROWS_NOT_MENTIONED"
    )


def some(ids: Iterable[str]) -> str:
    """The first of them, for a sentence."""
    every = list(ids)
    return shorten(", ".join(every[:_NAMED]) + (" …" if len(every) > _NAMED else ""))


def _problem(batch: Batch, place: Place, keys: list[str]) -> Problem:
    org, account = place
    return Problem(
        "IMPORT_ROWS_NOT_MENTIONED",
        file=batch.file,
        found=some(key.partition(KEY_SEPARATOR)[2] for key in keys),
        severity="warning",
        params={"org": org, "account": account or "-", "count": str(len(keys))},
    )


def amount_of(fact: Any) -> Any:
    """Lots of a position, or the quantity of goods."""
    return fact.quantity if field_of(fact) == "lots" else fact.lots


def standing(
    connection: Connection, name: str, place: Place, moment: datetime
) -> dict[str, Standing]:
    """Business key → what stands on the account then at more or less than nothing."""
    held = rows_of(connection, name, place, moment)
    return {key: row for key, row in held.items() if row.amount}


def rows_of(
    connection: Connection, name: str, place: Place, moment: datetime
) -> dict[str, Standing]:
    """Business key → the row of the account that holds then, in the order of the keys.

    What moved to another account or is retired at `moment` is left out.
    """
    org, account = place
    c = TABLES[name].c
    ever = select(c.fact_key).where(c.org == org, c.account == account, c.valid_from <= moment)
    query = (
        select(c.fact_key, c.account, c.retired, c.valid_from, c.version, c.body)
        .where(c.org == org, c.fact_key.in_(ever), c.valid_from <= moment)
        # ascending, so that the row that holds comes last for its key
        .order_by(c.valid_from, c.version, c.recorded_at, c.content_hash)
    )
    rows = {row.fact_key: row for row in connection.execute(query)}
    return {
        key: Standing(from_document(FACT_TYPES[name], row.body), row.valid_from, row.version)
        for key, row in sorted(rows.items())
        if not row.retired and row.account == account
    }
