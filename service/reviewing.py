"""The review centre as plain values, for API, command line and workbook."""

from datetime import datetime
from typing import Any

from workorders.correctives import Followed
from workorders.figures import Period
from workorders.levels import Level
from workorders.model import WorkOrder
from workorders.review import Reviewed, Wanted


def wanted_of(
    period: Period,
    *,
    what: str = "",
    rule: str = "",
    levels: tuple[Level, ...] = (),
    disposition: str = "",
    root_cause: str = "",
    corrective: str = "",
) -> Wanted:
    """The filters over the endings of a period."""
    return Wanted(
        period.since,
        period.until,
        what=what,
        rule=rule,
        levels=levels,
        disposition=disposition,
        root_cause=root_cause,
        corrective=corrective,
    )


def reviewed_document(one: Reviewed, now: datetime) -> dict[str, Any]:
    """One matter that has ended."""
    matter = one.matter
    opened = matter.opened_at if isinstance(matter, WorkOrder) else matter.raised_at
    names = ("told_s", "acknowledged_s", "resolved_s", "closed_s", "earlier", "override")
    return {
        "id": matter.id,
        "what": "order" if one.is_order else "alert",
        "level": matter.level.value,
        "org": matter.org,
        "product": matter.product,
        "month": matter.month,
        "code": one.code,
        "rule": one.rule,
        "opened_at": opened,
        "ended_at": one.ended_at,
        "ended_by": one.ended_by,
        "disposition": one.disposition,
        "root_cause": one.root_cause,
        **{name: getattr(one, name) for name in names},
        "corrective": None if one.corrective is None else corrective_document(one.corrective, now),
    }


def corrective_document(one: Followed, now: datetime) -> dict[str, Any]:
    """One corrective action, with its state now."""
    return {name: getattr(one, name) for name in Followed.__slots__} | {"state": one.state(now)}
