"""Rosters that had nobody when an order needed somebody: reported once, not for each alert."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from agents.house_faults import HouseFault
from directory import ROSTER_EMPTY, Directory, Role, coverage
from store.clock import rfc3339
from workorders.levels import highest, parse_level
from workorders.model import OrderKind
from workorders.reads import ACTIVE
from workorders.rows import ORDERS

_BACK = timedelta(days=14)


def empty_rosters(
    connection: Connection, directory: Directory, now: datetime
) -> Iterator[HouseFault]:
    """One fault for each unit with work to do whose roster names nobody at `now`.

    The key is the beginning of the gap: the next night without anybody is another fault, a
    hundred orders in one night are the same.
    """
    c = ORDERS.c
    wanted = select(c.org, c.level).where(
        c.state.in_([one.value for one in ACTIVE]), c.kind != OrderKind.SYSTEM.value
    )
    levels: dict[str, list[str]] = {}
    for row in connection.execute(wanted.distinct()):
        levels.setdefault(row.org, []).append(row.level)
    for org, found in sorted(levels.items()):
        level = highest(parse_level(one) for one in found)
        routing = directory.assignees(org, level or "red", now)
        if org in directory.nodes and ROSTER_EMPTY in routing.reports:
            since = _since(directory, org, now)
            yield HouseFault(
                code=ROSTER_EMPTY,
                key=f"roster/{org}/{rfc3339(since) if since else 'standing'}",
                org=org,
                text=", ".join(routing.people),
                body={"people": list(routing.people), "routing": routing.reason.value},
            )


def _since(directory: Directory, org: str, now: datetime) -> datetime | None:
    """When the gap began; None when it has stood for two weeks."""
    until = now + timedelta(microseconds=1)
    stretches = coverage(directory, org, Role.RISK_OFFICER, now - _BACK, until)
    began = None
    for one in reversed(stretches):
        if not one.gap:
            return began
        began = one.start
    return None
