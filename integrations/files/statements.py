"""Which accounts were listed in full, and as of when; rows that arrive late end where those say so.

A row that becomes known after a full statement of a later time, and that this statement did not
name, ends at the time of the statement. So the book is the same in whatever order files arrive.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from book.state import field_of, key_of
from book.tables import TABLES
from book.write import KEY_SEPARATOR, Dated
from integrations.files.kinds import Kind
from integrations.files.reading import Batch
from integrations.files.unmentioned import LISTED, Place, amount_of
from integrations.tables import StatementRow
from store import UnitOfWork

_TABLE: Final[Any] = getattr(StatementRow, "__table__")  # noqa: B009 - made by SQLModel, unknown to mypy


def keep_statement(uow: UnitOfWork, batch: Batch, at: Mapping[Place, datetime]) -> int:
    """Keep that the batch lists these accounts in full; how many of them were not known so."""
    c = _TABLE.c
    known = {
        (row.org, row.account, row.at)
        for row in uow.execute(
            select(c.org, c.account, c.at).where(
                c.kind == batch.kind.value, c.at.in_(set(at.values()))
            )
        )
    }
    rows = [
        {
            "kind": batch.kind.value,
            "org": org,
            "account": account,
            "at": moment,
            "source": batch.source,
            "digest": batch.digest,
            "recorded_at": uow.now,
        }
        for (org, account), moment in sorted(at.items())
        if (org, account, moment) not in known
    ]
    if rows:
        uow.execute(insert(_TABLE), rows)
    return len(rows)


def ended_later(connection: Connection, kind: Kind, dated: Sequence[Dated]) -> list[Dated]:
    """The end of each row that a full statement of a later time does not name.

    Args:
        connection: a reader's or a unit of work's, before the rows are written.
        kind: of the file that brings them.
        dated: rows that are new to the book.
    """
    if kind not in LISTED or not dated:
        return []
    first = min(one.valid_from for one in dated)
    at = _later(connection, kind, first)
    return list(_ends(connection, dated, at)) if at else []


def _later(connection: Connection, kind: Kind, first: datetime) -> dict[Place, list[datetime]]:
    c = _TABLE.c
    query = select(c.org, c.account, c.at).where(c.kind == kind.value, c.at > first).order_by(c.at)
    found: dict[Place, list[datetime]] = {}
    for org, account, moment in connection.execute(query):
        found.setdefault((org, account), []).append(moment)
    return found


def _ends(
    connection: Connection, dated: Iterable[Dated], at: Mapping[Place, Sequence[datetime]]
) -> Iterable[Dated]:
    for fact, since, _, _ in dated:
        place = (getattr(fact, "org", ""), getattr(fact, "account", ""))
        moment = next((one for one in at.get(place, ()) if one > since), None)
        if moment is None or not amount_of(fact):
            continue
        c = TABLES[field_of(fact)].c
        key = KEY_SEPARATOR.join(key_of(fact))
        after = connection.scalar(
            select(func.min(c.valid_from)).where(c.fact_key == key, c.valid_from > since)
        )
        # a row at the statement's time is what the statement itself says of it
        if after is None or moment < after:
            yield Dated(fact, moment, retired=True)
