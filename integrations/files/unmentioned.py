"""What the book holds of an account that a statement of it does not mention.

A file of positions or inventory changes the rows it names and no others. Where it was meant as the
full picture of an account, a position that was closed is simply absent from it and would stand in
the book for ever, so what is absent is counted and told.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from book.codec import from_document
from book.state import FACT_TYPES, field_of, key_of
from book.tables import TABLES
from book.write import KEY_SEPARATOR
from integrations.files.kinds import Kind
from integrations.files.reading import Batch
from store.problems import Problem, shorten

#: The kinds of facts that a statement of each kind lists.
_LISTED: Final = {Kind.POSITIONS: ("futures", "options"), Kind.INVENTORY: ("lots",)}
_NAMED: Final = 5


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
    names = _LISTED.get(batch.kind, ())
    at: dict[tuple[str, str], datetime] = {}
    for entry in batch.entries if names else ():
        place = (getattr(entry.fact, "org", ""), getattr(entry.fact, "account", ""))
        since = entry.valid_from or now
        at[place] = max(at.get(place, since), since)
    said = {
        (field_of(entry.fact), KEY_SEPARATOR.join(key_of(entry.fact))) for entry in batch.entries
    }
    found = []
    for (org, account), moment in sorted(at.items()):
        left = [
            key
            for name in names
            for key in _held(connection, name, org, account, moment)
            if (name, key) not in said
        ]
        if left:
            found.append(_problem(batch, org, account, left))
    return tuple(found)


def count_of(problems: Iterable[Problem]) -> int:
    """How many rows the warnings speak of."""
    return sum(
        int(one.params["count"]) for one in problems if one.code == "IMPORT_ROWS_NOT_MENTIONED"
    )


def _problem(batch: Batch, org: str, account: str, keys: list[str]) -> Problem:
    ids = [key.partition(KEY_SEPARATOR)[2] for key in keys]
    more = " …" if len(ids) > _NAMED else ""
    return Problem(
        "IMPORT_ROWS_NOT_MENTIONED",
        file=batch.file,
        found=shorten(", ".join(ids[:_NAMED]) + more),
        severity="warning",
        params={"org": org, "account": account or "-", "count": str(len(keys))},
    )


def _held(connection: Connection, name: str, org: str, account: str, moment: datetime) -> list[str]:
    """Keys of what stands on the account at that time; one that moved to another does not."""
    c = TABLES[name].c
    ever = select(c.fact_key).where(c.org == org, c.account == account, c.valid_from <= moment)
    query = (
        select(c.fact_key, c.account, c.retired, c.body)
        .where(c.org == org, c.fact_key.in_(ever), c.valid_from <= moment)
        # ascending, so that the row that holds comes last for its key
        .order_by(c.valid_from, c.version, c.recorded_at, c.content_hash)
    )
    rows = {row.fact_key: row for row in connection.execute(query)}
    return sorted(
        key
        for key, row in rows.items()
        if not row.retired and row.account == account and _amount(name, row.body)
    )


def _amount(name: str, body: dict[str, Any]) -> Any:
    fact: Any = from_document(FACT_TYPES[name], body)
    return fact.quantity if name == "lots" else fact.lots
