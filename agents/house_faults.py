"""Faults of the house itself that a person must see: each opens one work order of kind `system`.

The trail remembers which were told, so that neither a restart nor a second look opens another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import trail
from store import UnitOfWork
from workorders.context import Context
from workorders.levels import Level
from workorders.manual import ManualOrder, open_by_hand
from workorders.model import OrderKind

ACTION = "system.fault"


@dataclass(frozen=True, slots=True)
class HouseFault:
    """One fault.

    Attributes:
        code: what it is (``CORRELATOR_QUARANTINE``); the order's title.
        key: names it; the same key is told once.
        org: whose order it is.
        text: the particulars: rules, events.
        body: the same for the record, as JSON values.
        happened_at: when; None is now.
    """

    code: str
    key: str
    org: str
    text: str
    body: Mapping[str, Any] = field(default_factory=dict)
    level: Level = Level.ORANGE
    happened_at: datetime | None = None


def tell_once(uow: UnitOfWork, ctx: Context, fault: HouseFault) -> str:
    """Open the order of a fault, on record; returns its number, empty when it was told before."""
    known = trail.find(
        uow.connection, action=ACTION, object_type="fault", object_id=fault.key, limit=1
    )
    if known:
        return ""
    wanted = ManualOrder(
        code=fault.code,
        level=fault.level,
        org=fault.org,
        kind=OrderKind.SYSTEM,
        measure="system",
        text=fault.text,
        happened_at=fault.happened_at,
    )
    opened = open_by_hand(uow, ctx, wanted, system=True)
    trail.record(
        uow,
        kind="decision",
        action=ACTION,
        object_type="fault",
        object_id=fault.key,
        org=fault.org,
        outcome="order_opened",
        reason=fault.code,
        body={**fault.body, "order": opened.new_order},
    )
    return opened.new_order
