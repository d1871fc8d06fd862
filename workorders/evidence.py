"""The number that evidence is about: what tells apart alerts and orders of one kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from workorders.model import WorkOrder
from workorders.rows import ALERTS


def number_of(evidence: Mapping[str, Any]) -> str:
    """The number that the evidence is about, of a pair both; empty when it names none."""
    pair = evidence.get("pair")
    if isinstance(pair, list):
        return " / ".join(str(one) for one in pair)
    named = (evidence.get(name) for name in ("alert", "voucher", "key", "order"))
    return next((str(one) for one in named if one), "")


def cause_of(evidence: Mapping[str, Any]) -> str:
    """The code of why a detector raised it; empty when no detector did."""
    return str(evidence.get("cause", "")) if is_finding(evidence) else ""


def is_finding(evidence: Mapping[str, Any]) -> bool:
    """Whether a detector raised it, and says why."""
    return isinstance(evidence.get("explanation"), Mapping)


def numbers_of(connection: Connection, orders: Sequence[WorkOrder]) -> dict[str, str]:
    """What the leading alerts of orders without a figure are about, by order."""
    wanted = {one.id: str(one.title_params.get("code", "")) for one in orders if one.value is None}
    c = ALERTS.c
    found = (
        select(c.order_id, c.code, c.evidence)
        .where(c.order_id.in_(list(wanted)))
        .order_by(c.raised_at.desc(), c.id.desc())
    )
    return {
        row.order_id: number_of(row.evidence)
        for row in connection.execute(found)
        if row.code == wanted[row.order_id]
    }
