"""What a reader may not see: records, requests and lines of a hand-over on a matter about oneself.

Orders and alerts are left out by `workorders.reads` itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

import approvals
import trail
from approvals import State
from directory.scopes import Scopes
from trail import Record
from workorders.about import about_reader
from workorders.handover import Handover, Item, Move


@dataclass(frozen=True, slots=True)
class Matters:
    """What is kept from one reader.

    Attributes:
        ids: of orders, alerts and cases about the reader, and of the requests on them.
        any_seen: whether the reader sees orders and alerts at all; a temporary account does not.
    """

    ids: frozenset[str]
    any_seen: bool = True

    def shows_request(self, state: State, person: str) -> bool:
        """Whether the person may read this request; one's own request always."""
        return state.subject.requester == person or not _on(state, self.ids)

    def lines(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """The lines of a hand-over that the reader may see."""
        return tuple(one for one in items if one.id not in self.ids)

    def moved(self, moves: Iterable[Move]) -> tuple[Move, ...]:
        """What moved since, as far as the reader may see it."""
        return tuple(one for one in moves if one.item.id not in self.ids)

    def sheet(self, sheet: Handover) -> Handover:
        """A hand-over sheet as the reader may see it; its digest stays that of all its lines."""
        orders = tuple(one for one in sheet.orders if one not in self.ids)
        return replace(
            sheet, items=self.lines(sheet.items), moved=self.moved(sheet.moved), orders=orders
        )

    def shows_record(self, record: Record) -> bool:
        """Whether the reader may read this record of the trail."""
        return self.any_seen and not trail.names(record, self.ids)


def kept_from(connection: Connection, scopes: Sequence[str]) -> Matters:
    """What the reader whom `scopes` carry may not see; nothing for scopes without a reader."""
    seen = not isinstance(scopes, Scopes) or scopes.matters
    ids = about_reader(connection, scopes)
    if not ids:
        return Matters(ids, seen)
    requests = approvals.about(connection, ids)
    return Matters(ids | {one.id for one in requests}, seen)


def find_seen(
    connection: Connection,
    scopes: Sequence[str],
    *,
    org: Sequence[str] | None,
    limit: int,
    **conditions: Any,
) -> list[Record]:
    """The trail's records that the reader may see; arguments as of `trail.find`."""
    kept = kept_from(connection, scopes)
    inside = org if kept.any_seen else ()
    return trail.find(connection, org=inside, limit=limit, without=kept.ids, **conditions)


def seen_requests(
    connection: Connection, scopes: Sequence[str], person: str, status: str = "", limit: int = 100
) -> tuple[State, ...]:
    """The requests of the scopes that the person may read, newest first."""
    kept = kept_from(connection, scopes)
    found = approvals.list_requests(connection, scopes, status, limit + len(kept.ids))
    return tuple(islice((one for one in found if kept.shows_request(one, person)), limit))


def waiting_requests(
    connection: Connection, scopes: Sequence[str], person: str, now: datetime
) -> tuple[State, ...]:
    """The requests that the person can sign now and may read, oldest first."""
    kept = kept_from(connection, scopes)
    found = approvals.waiting_for(connection, person, now)
    return tuple(one for one in found if kept.shows_request(one, person))


def _on(state: State, ids: frozenset[str]) -> bool:
    return not ids.isdisjoint({state.id, state.subject.object_id, *state.subject.material.values()})
