"""The close-guard: a work order cannot be closed while what it warns of still holds.

Pure. The caller evaluates every condition in the closing transaction, on a snapshot no older than
the staleness limit of its inputs, and hands the answers in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from workorders.levels import Level
from workorders.model import Clear, Closing, WorkOrder
from workorders.plain import plain

DISPOSITIONS = frozenset({"fixed", "accepted", "false_alarm", "duplicate", "handed_over"})
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


class Holding(StrEnum):
    """Whether a condition holds now.

    `DWELLS` has cleared, but not for long enough yet; `EXEMPT` holds, and an exemption permits it.
    """

    HOLDS = "holds"
    CLEARED = "cleared"
    DWELLS = "dwells"
    NOT_ASSESSABLE = "not_assessable"
    STALE = "stale"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it is now.

    Attributes:
        clear: which condition of the order this answers.
        holding: the answer.
        value, limit, unit: the live figures.
        use: how much of the limit is used by what it bounds; None where nothing bounds it.
        as_of: the time of the snapshot.
        until: when what `DWELLS` will have been clear for long enough, or the end of what makes
            it `EXEMPT`.
        exemption: that permits what is `EXEMPT`.
    """

    clear: Clear
    holding: Holding
    value: Decimal | None = None
    limit: Decimal | None = None
    use: Decimal | None = None
    unit: str = ""
    as_of: datetime | None = None
    until: datetime | None = None
    exemption: str = ""


#: What lets an order be closed.
ALLOWING = frozenset({Holding.CLEARED, Holding.EXEMPT})


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """Whether the order may be closed.

    Attributes:
        allowed: the answer.
        code: ``CLOSE_ALLOWED``, ``CLOSE_OVERRIDDEN`` or the reason of the refusal:
            ``CONDITION_HOLDS``, ``NOT_ASSESSABLE``, ``STALE_INPUTS``, ``CLEAR_DWELL``,
            ``NEEDS_DISPOSITION``, ``NEEDS_ROOT_CAUSE``, ``NEEDS_CORRECTIVE``,
            ``NEEDS_SECOND_PERSON``, ``OVERRIDE_NOT_ALLOWED``.
        params: the live value and limit, or who would have to close.
    """

    allowed: bool
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


# The gravest answer is reported first.
_REFUSALS = (
    (Holding.HOLDS, "CONDITION_HOLDS"),
    (Holding.NOT_ASSESSABLE, "NOT_ASSESSABLE"),
    (Holding.STALE, "STALE_INPUTS"),
    (Holding.DWELLS, "CLEAR_DWELL"),
)


def decide_close(
    order: WorkOrder,
    conditions: Sequence[Condition],
    closing: Closing,
    *,
    closer: str,
    may_override: bool,
) -> GuardVerdict:
    """Whether `closer` may close `order` now.

    Args:
        order: the resolved order.
        conditions: the live answer to each of the order's conditions; one that is missing counts
            as not assessable.
        closing: disposition, root cause, corrective action, and the override's reason.
        closer: who closes. Red needs another person than the one who acknowledged or resolved.
        may_override: whether the closer stands on the next level and may override.
    """
    missing = _missing_answer(order, closing)
    if missing:
        return GuardVerdict(allowed=False, code=missing)
    if order.level is Level.RED and closer in {order.resolved_by, order.acknowledged_by}:
        return GuardVerdict(
            allowed=False,
            code="NEEDS_SECOND_PERSON",
            params={"acknowledged_by": order.acknowledged_by, "resolved_by": order.resolved_by},
        )
    code, params = _live(order, conditions)
    if not code:
        return GuardVerdict(allowed=True, code="CLOSE_ALLOWED")
    if not closing.override.strip():
        return GuardVerdict(allowed=False, code=code, params=params)
    if not may_override:
        return GuardVerdict(
            allowed=False, code="OVERRIDE_NOT_ALLOWED", params={**params, "refusal": code}
        )
    return GuardVerdict(allowed=True, code="CLOSE_OVERRIDDEN", params={**params, "refusal": code})


def _missing_answer(order: WorkOrder, closing: Closing) -> str:
    if closing.disposition not in DISPOSITIONS:
        return "NEEDS_DISPOSITION"
    if not _CODE.fullmatch(closing.root_cause):
        return "NEEDS_ROOT_CAUSE"
    corrective = closing.corrective
    grave = order.level >= Level.ORANGE
    if grave and (corrective is None or not corrective.text.strip() or not corrective.owner):
        return "NEEDS_CORRECTIVE"
    return ""


def _live(order: WorkOrder, conditions: Sequence[Condition]) -> tuple[str, dict[str, Any]]:
    answers = {condition.clear: condition for condition in conditions}
    unanswered = [clear for clear in order.clears if clear not in answers]
    for holding, code in _REFUSALS:
        for clear in order.clears:
            answer = answers.get(clear)
            if answer is not None and answer.holding is holding:
                return code, {
                    "rule": clear.rule,
                    "value": plain(answer.value),
                    "limit": plain(answer.limit),
                    "unit": answer.unit,
                    "as_of": plain(answer.as_of),
                    "until": plain(answer.until),
                }
        if holding is Holding.NOT_ASSESSABLE and unanswered:
            return "NOT_ASSESSABLE", {
                "rule": unanswered[0].rule,
                "value": None,
                "limit": None,
                "unit": "",
                "as_of": None,
                "until": None,
            }
    return "", {}


def may_execute(approved_at: Sequence[datetime], at: datetime) -> bool:
    """Whether something may be carried out under an order at `at`: only after a person approved.

    Args:
        approved_at: times of people's approvals on the same work order.
        at: when it is to be carried out.
    """
    return any(moment <= at for moment in approved_at)
