"""Delivered cards that an act made untrue: found, shown anew, and noted.

One truth on every surface: whoever decides on one, the cards on all others follow.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.card import Card
from workorders.cards import alert_card, order_card
from workorders.channel import Handle
from workorders.rows import NOTICES
from workorders.states import recorded


@dataclass(frozen=True, slots=True)
class StaleCard:
    """A delivered card that has to be shown anew.

    Attributes:
        key: the notice's key.
        handle: where it was delivered.
        card: what it should show now.
    """

    key: str
    handle: Handle
    card: Card


def stale_cards(
    connection: Connection, limit: int = 100, *, channels: Collection[str] | None = None
) -> list[StaleCard]:
    """Delivered cards that show what no longer holds, with the card to show instead.

    Args:
        connection: to read from.
        limit: how many at most.
        channels: only those of these channels; others must not take the places of theirs.
    """
    statement = select(NOTICES).where(NOTICES.c.state == "stale").order_by(NOTICES.c.key)
    if channels is not None:
        statement = statement.where(NOTICES.c.channel.in_(sorted(channels)))
    found: list[StaleCard] = []
    for row in connection.execute(statement.limit(limit)).mappings():
        order = rows.find_order(connection, row["object_id"])
        alert = None if order else rows.find_alert(connection, row["object_id"])
        if order is not None:
            card = order_card(
                order,
                row["person"],
                notice_id=row["key"],
                reason="UPDATED",
                params=recorded(order),
            )
        elif alert is not None:
            card = alert_card(alert, row["person"], notice_id=row["key"], reason="TRIAGED")
        else:
            continue
        found.append(StaleCard(row["key"], Handle(row["channel"], row["handle"]), card))
    return found


def record_refresh(uow: UnitOfWork, stale: StaleCard, *, outcome: str) -> None:
    """Note that a card was shown anew; it stays stale when the order has moved once more.

    Args:
        uow: a transaction after the channel's answer.
        stale: as `stale_cards` gave it.
        outcome: ``updated``, ``superseded``, or ``failed`` (given up).
    """
    object_id = stale.card.object_id
    order = rows.find_order(uow.connection, object_id)
    if order is not None and order.version != stale.card.version and outcome != "failed":
        return
    uow.execute(
        update(NOTICES)
        .where(NOTICES.c.key == stale.key, NOTICES.c.state == "stale")
        .values(state="sent")
    )
    alert = None if order else rows.find_alert(uow.connection, object_id)
    matter = order or alert
    journal.record(
        uow,
        "notification",
        f"notice.{outcome}",
        object_type="work_order" if order else "alert",
        object_id=object_id,
        org=matter.org if matter else "",
        outcome=outcome,
        body={"key": stale.key, "channel": stale.handle.channel, "version": stale.card.version},
    )
