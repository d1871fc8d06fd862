"""The one object that `demo --once --json` prints."""

from hashlib import sha256
from typing import Any

from sqlalchemy import func, select

from service.demo.comparison import Found, compare, owner, records, unexpected
from service.demo.stage import Stage
from service.verifying import verify_trail
from trail.tables import RECORD
from workorders.rows import ALERTS, NOTICES, ORDERS, order_from

LEVELS = ("red", "orange", "yellow", "blue")


def nothing_played(elapsed_s: float) -> dict[str, Any]:
    """The same object for a file of which nothing could be played: no record, an empty tree."""
    return {
        "events": 0,
        "facts": 0,
        "decisions": 0,
        "alerts": 0,
        "work_orders": dict.fromkeys(LEVELS, 0),
        "notifications": {},
        "incidents": [],
        "unexpected_orders": [],
        "trail": {"size": 0, "root": sha256().hexdigest(), "ok": True, "anchored": False},
        "elapsed_s": round(elapsed_s, 3),
    }


def report(stage: Stage, elapsed_s: float) -> dict[str, Any]:
    """Counts from the tables, the comparison from the trail, and whether the trail is whole."""
    app = stage.app
    app.seal()
    stats = app.log.stats()
    with app.store.reader() as connection:
        decisions = connection.scalar(
            select(func.count()).select_from(RECORD).where(RECORD.c.kind == "decision")
        )
        alerts = connection.scalar(select(func.count()).select_from(ALERTS))
        orders = [order_from(row) for row in connection.execute(select(ORDERS)).mappings()]
        sent = connection.execute(
            select(NOTICES.c.channel, func.count())
            .where(NOTICES.c.state.in_(["sent", "stale"]))
            .group_by(NOTICES.c.channel)
        )
        notifications = {str(channel): int(count) for channel, count in sent}
        pairs = []
        mine: set[str] = set()
        nodes = [incident.org for incident in stage.incidents]
        for incident in stage.incidents:
            org = incident.org
            matches, decisions_of, notices = (
                tuple(one for one in records(connection, kind, org) if owner(one.org, nodes) == org)
                for kind in ("match", "decision", "notification")
            )
            own = tuple(one for one in orders if owner(one.org, nodes) == org)
            found = Found(matches, decisions_of, notices, own)
            mine |= {one.id for one in found.orders}
            pairs.append((incident, found))
        verified = verify_trail(app, connection)
    others = [one for one in orders if one.id not in mine]
    return {
        "events": stats.events,
        "facts": sum(stats.facts.values()),
        "decisions": int(decisions or 0),
        "alerts": int(alerts or 0),
        "work_orders": {level: sum(one.level == level for one in orders) for level in LEVELS},
        "notifications": {name: notifications.get(name, 0) for name in app.channel_names},
        "incidents": [compare(incident, found) for incident, found in pairs],
        "unexpected_orders": unexpected(pairs, others),
        "trail": {
            "size": verified.size,
            "root": verified.root,
            "ok": verified.ok,
            "anchored": verified.anchored,
        },
        "elapsed_s": round(elapsed_s, 3),
    }
