"""The triage inbox: what may be done with an alert, and why it was put aside."""

import re
from dataclasses import dataclass
from enum import StrEnum

from workorders.levels import Level
from workorders.model import Alert, AlertState, SourceKind


class Reason(StrEnum):
    """Why an alert was dismissed."""

    FALSE = "false"
    KNOWN_BENIGN = "known_benign"
    DUPLICATE = "duplicate"
    DATA = "data"
    HANDLED = "handled"
    WITHIN_LIMITS = "within_limits"
    OTHER = "other"


# Words of outside systems and people, in the order in which they are tried.
_WORDS: tuple[tuple[str, Reason], ...] = (
    (r"within|band|tolerance|below limit|限额内|区间内|波动内", Reason.WITHIN_LIMITS),
    (r"duplicat|repeated|重复", Reason.DUPLICATE),
    (r"benign|expected|planned|known|良性|已知|计划内", Reason.KNOWN_BENIGN),
    (r"data|feed|quality|stale|数据|行情源", Reason.DATA),
    (r"handled|fixed|solved|已处理|已处置", Reason.HANDLED),
    (r"false|no issue|not an issue|误报|虚警", Reason.FALSE),
)


class TriageVerb(StrEnum):
    """What can be done with an alert."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    MERGE = "merge"


_TARGET = {
    TriageVerb.CONFIRM: AlertState.CONFIRMED,
    TriageVerb.DISMISS: AlertState.DISMISSED,
    TriageVerb.MERGE: AlertState.MERGED,
}


@dataclass(frozen=True, slots=True)
class TriageVerdict:
    """Whether an act on an alert is possible.

    Attributes:
        ok: false when refused.
        code: ``DONE``, ``ALREADY_DONE``, ``ALREADY_DECIDED``, ``ORDER_ACTIVE``, ``NEEDS_REASON``.
        changed: whether anything has to be written.
    """

    ok: bool
    code: str
    changed: bool = False


def map_reason(text: str) -> tuple[Reason, ...]:
    """The reasons that a free text names, in the order of the table; ``(OTHER,)`` for none.

    ``within basis band / duplicates`` gives ``(WITHIN_LIMITS, DUPLICATE)``. The text itself is
    kept beside the codes.
    """
    word = text.strip().lower()
    if word in set(Reason):
        return (Reason(word),)
    found = tuple(reason for pattern, reason in _WORDS if re.search(pattern, word[:500]))
    return found or (Reason.OTHER,)


def opens_order(level: Level | None, source_kind: SourceKind) -> bool:
    """Whether a match opens a work order without a person.

    From a rule orange and red do; from a model or a robot only red, orange waits for triage.
    """
    if level is None:
        return False
    if source_kind in {SourceKind.MODEL, SourceKind.ROBOT}:
        return level is Level.RED
    return level >= Level.ORANGE


def pages_when_overdue(level: Level) -> bool:
    """Whether a missed triage deadline escalates; yellow and blue only go into the hand-over."""
    return level >= Level.ORANGE


def decide(
    alert: Alert, verb: TriageVerb, *, reasons: tuple[Reason, ...] = (), order_active: bool = False
) -> TriageVerdict:
    """Whether `verb` is possible.

    Args:
        alert: the alert as it stands.
        verb: what is asked.
        reasons: why, for a dismissal.
        order_active: whether the alert's work order is still to be worked; then it is resolved
            there, with its second person, and not put aside here.
    """
    if alert.state is _TARGET[verb]:
        return TriageVerdict(ok=True, code="ALREADY_DONE")
    if alert.state is not AlertState.NEW:
        return TriageVerdict(ok=False, code="ALREADY_DECIDED")
    if verb is not TriageVerb.CONFIRM and order_active:
        return TriageVerdict(ok=False, code="ORDER_ACTIVE")
    if verb is TriageVerb.DISMISS and not reasons:
        return TriageVerdict(ok=False, code="NEEDS_REASON")
    return TriageVerdict(ok=True, code="DONE", changed=True)
