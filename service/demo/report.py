"""The one object that `demo --once --json` prints."""

from typing import Any

from sqlalchemy import func, select

import trail
from service.demo.comparison import Found, compare, records, unexpected
from service.demo.stage import Stage
from trail.tables import RECORD
from workorders.rows import ALERTS, NOTICES, ORDERS, order_from

LEVELS = ("red", "orange", "yellow", "blue")


def report(stage: Stage, elapsed_s: float) -> dict[str, Any]:
    """Counts from the tables, the comparison from the trail, and whether the trail is whole."""
    app = stage.app
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
        for incident in stage.incidents:
            found = Found(
                records(connection, "match", incident.org),
                records(connection, "decision", incident.org),
                records(connection, "notification", incident.org),
                tuple(one for one in orders if _under(one.org, incident.org)),
            )
            mine |= {one.id for one in found.orders}
            pairs.append((incident, found))
        verified = trail.verify(connection, verifiers=[app.keys.trail.verifier])
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


def _under(org: str, node: str) -> bool:
    return org == node or org.startswith(node + "/")
