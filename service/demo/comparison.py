"""What was found beside what was expected: read from the trail, after the run, for the print-out.

Seconds of a detection run from the arrival of the last event that it needs (or of the first of
those that each suffice) to the clock of the decision; an absence counts from its deadline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

import trail
from book.positions import is_under
from service.demo.incidents import Incident
from store.clock import parse_rfc3339
from trail.reading import Record
from workorders.levels import Level
from workorders.model import WorkOrder

WITHIN_S: Final = 60
_ON_OBJECTS: Final = ("hold", "deny", "stale")
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one organisation that the comparison needs."""

    matches: tuple[Record, ...]
    decisions: tuple[Record, ...]
    notices: tuple[Record, ...]
    orders: tuple[WorkOrder, ...]


def records(connection: Connection, kind: str, org: str) -> tuple[Record, ...]:
    """All records of a kind at a node and below, oldest first."""
    found: list[Record] = []
    after = 0
    while True:
        page = trail.find(connection, kind=kind, org=org, after_seq=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return tuple(sorted(found, key=lambda record: record.seq))
        after = max(record.seq for record in page)


def owner(org: str, nodes: Sequence[str]) -> str:
    """The nearest of `nodes` at or above a node: one incident may stand below another's place."""
    return max((one for one in nodes if is_under(one, org)), key=len, default="")


def arrivals(incident: Incident) -> dict[str, datetime]:
    """When each event of an incident arrived."""
    return {event.event_id: event.arrival_time for event in incident.events}


def compare(incident: Incident, found: Found) -> dict[str, Any]:
    """One line of the demo's report; see the module for the meaning of its seconds."""
    expected = incident.expected
    came = arrivals(incident)
    detections: dict[str, Any] = {}
    good = not incident.doubtful
    for detection in expected.get("detections", []):
        seconds, right = _detection(detection, found.matches, came)
        good = good and right and seconds is not None and 0 <= seconds <= WITHIN_S
        rule = str(detection["rule"])
        twice = sum(one["rule"] == rule for one in expected["detections"]) > 1
        detections.setdefault(rule, [] if twice else None)
        if twice:
            detections[rule].append(seconds)
        else:
            detections[rule] = seconds
    decisions = [
        {"object": one.object_id, "outcome": one.outcome, "reason": one.reason}
        for one in found.decisions
        if one.outcome in _ON_OBJECTS
    ]
    wanted = [dict(one) for one in expected.get("decisions", [])]
    level = max((order.level for order in found.orders), default=None)
    assignees = sorted({one for order in found.orders for one in order.assignees})
    return {
        "id": incident.id,
        "detected": good
        and all(one in decisions for one in wanted)
        and (level.value if level else None) == expected.get("level")
        and assignees == sorted(expected.get("assignees", []))
        and not beside(incident, found),
        "detections": detections,
        "level": level.value if level else None,
        "expected_level": expected.get("level"),
        "decisions": list({tuple(one.items()): one for one in decisions}.values()),
        "assignees": assignees,
        "seconds_to_alert": _to_alert(found, came),
    }


def unexpected(
    incidents: Sequence[tuple[Incident, Found]], others: Sequence[WorkOrder]
) -> list[dict[str, Any]]:
    """Orange and red orders beside those that the incidents should open."""
    more = [*others, *(order for one, found in incidents for order in beside(one, found))]
    return [
        {
            "id": order.id,
            "level": order.level.value,
            "rule": str(order.title_params.get("code", "")),
        }
        for order in more
        if order.level >= Level.ORANGE
    ]


def beside(incident: Incident, found: Found) -> list[WorkOrder]:
    """Orange and red orders of an incident beyond those that it should open."""
    grave = [order for order in found.orders if order.level >= Level.ORANGE]
    allowed = len(incident.expected.get("orders_opened_for", [])) or 1
    return sorted(grave, key=lambda order: order.opened_at)[allowed:]


def _detection(
    wanted: Mapping[str, Any], matches: Sequence[Record], came: Mapping[str, datetime]
) -> tuple[float | None, bool]:
    """Seconds to the first match of a detection, and whether its evidence is in a why-trace."""
    mine = [
        record
        for record in matches
        if record.body.get("code") == wanted["rule"] and _same_alert(wanted, record)
    ]
    if not mine:
        return None, False
    # the first match counts; its evidence may be complete only in a later one
    right = any(_shows(record, wanted.get("evidence", {})) for record in mine)
    first = mine[0]
    if "needs_any" in wanted:
        since = min((came[one] for one in wanted["needs_any"] if one in came), default=first.at)
    else:
        since = max((came[one] for one in wanted["needs"] if one in came), default=first.at)
    moment = str(first.body.get("event_time", ""))
    deadline = parse_rfc3339(moment) if moment else since
    return seconds(max(since, deadline), first.at), right


def _shows(record: Record, evidence: Mapping[str, Any]) -> bool:
    held = record.body.get("evidence", {})
    return all(same(held.get(name), value) for name, value in evidence.items())


def _same_alert(wanted: Mapping[str, Any], record: Record) -> bool:
    return "alert" not in wanted or wanted["alert"] in record.body.get("objects", [])


def _to_alert(found: Found, came: Mapping[str, datetime]) -> float | None:
    """From the arrival of what opened the first order to the first delivered notice about it."""
    if not found.orders:
        return None
    first = min(found.orders, key=lambda order: (order.opened_at, order.id))
    told = [one for one in found.notices if one.outcome == "sent" and one.object_id == first.id]
    if not told:
        return None
    before = [at for at in came.values() if at <= first.opened_at]
    return seconds(max(before, default=first.opened_at), told[0].at)


def seconds(since: datetime, until: datetime) -> float:
    """Seconds with three digits."""
    return round((until - since).total_seconds(), 3)


def same(found: Any, wanted: Any) -> bool:
    """Whether a figure of the why-trace is the expected one, whatever JSON type either has."""
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(same(one, other) for one, other in zip(found, wanted, strict=True))
        )
    try:
        return Decimal(str(found)) == Decimal(str(wanted))
    except ArithmeticError:
        return str(found) == str(wanted)
