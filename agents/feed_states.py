"""How the feeds stand, as they were last told: what depends on them reads it here."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from agents.tables import ConditionRow
from store import UnitOfWork
from store.schema import table
from workorders.handover_items import Feed

KIND = "feed"
CURRENT, LATE, DEAD = "current", "late", "dead"
_CONDITION = table(str(ConditionRow.__tablename__))


def feed_key(org: str, source: str) -> str:
    """Names the condition of a feed."""
    return f"{KIND}|{org}|{source}"


def _is_feed(key: str) -> bool:
    return key.startswith(f"{KIND}|") and key.count("|") == 2  # noqa: PLR2004 - as `feed_key`


def states(connection: Connection) -> dict[tuple[str, str], str]:
    """The state of each feed by (organisation, source), as last told."""
    c = _CONDITION.c
    # A range of the key, so that its index serves.
    query = select(c.fact_key, c.fact).where(c.fact_key >= f"{KIND}|", c.fact_key < f"{KIND}}}")
    found = (row for row in connection.execute(query) if _is_feed(row.fact_key))
    return {(row.fact["org"], row.fact["source"]): row.fact["state"] for row in found}


def known_fact(connection: Connection, key: str) -> dict[str, Any] | None:
    """The fact of a feed as last told; None for a key that is no feed's."""
    if not _is_feed(key):
        return None
    return connection.scalar(select(_CONDITION.c.fact).where(_CONDITION.c.fact_key == key))


def late_orgs(connection: Connection) -> tuple[str, ...]:
    """The organisations with a feed that is late or dead; what is below them is late as well."""
    found = {org for (org, _source), state in states(connection).items() if state != CURRENT}
    return tuple(sorted(found))


def remember(uow: UnitOfWork, key: str, fact: Mapping[str, Any], content: str) -> None:
    """Keep how a feed stands now."""
    uow.execute(delete(_CONDITION).where(_CONDITION.c.fact_key == key))
    uow.execute(
        insert(_CONDITION).values(
            fact_key=key,
            facts_hash=content,
            level="",
            at=uow.now,
            fact=dict(fact),
            series=[],
            note="",
        )
    )


def feeds_at_fault(connection: Connection) -> list[Feed]:
    """The feeds that are late or dead, as last told, by organisation and source."""
    return [
        Feed(org, source, state)
        for (org, source), state in sorted(states(connection).items())
        if state != CURRENT
    ]
