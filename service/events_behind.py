"""The audit log's events behind the matches of an order or alert."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from auditlog.port import LogPort, Query, StoredEvent
from store.clock import parse_rfc3339

#: How long before the first match an event of it may lie, in one look.
REACH: Final = timedelta(hours=1)
#: Events farther away that are looked up one by one.
LOOKED_UP: Final = 20


def events_behind(
    log: LogPort, orgs: tuple[str, ...], org: str, matches: Sequence[Mapping[str, Any]]
) -> list[StoredEvent]:
    """The events that the matches name, oldest first.

    Args:
        log: the audit log.
        orgs: what the reader may see of it.
        org: of the order.
        matches: as `workorders.reads.matches_of` gives them.

    Raises:
        LogError: when the log cannot be asked.
    """
    wanted = {event_id for one in matches for event_id in one["event_ids"]}
    if not wanted:
        return []
    times = [parse_rfc3339(one["event_time"]) for one in matches]
    query = Query(
        orgs=orgs,
        org=org,
        since=min(times) - REACH,
        until=max(times) + timedelta(seconds=1),
        limit=1000,
        order="oldest",
    )
    found = dict(_named(log.search(query).rows, wanted))
    for event_id in sorted(wanted - {one.event.event_id for one in found.values()})[:LOOKED_UP]:
        by_id = Query(orgs=orgs, org=org, object=event_id, limit=5)
        found |= _named(log.search(by_id).rows, {event_id})
    return sorted(found.values(), key=lambda one: (one.event.event_time, one.position))


def _named(rows: Iterable[StoredEvent], wanted: set[str]) -> dict[str, StoredEvent]:
    return {one.event.uid: one for one in rows if one.event.event_id in wanted}
