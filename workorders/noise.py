"""Whether a happening becomes a notice, to one person, now. What is not notified is still recorded.

Pure functions over what was sent before; each answer names its reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from workorders.levels import Level
from workorders.model import State
from workorders.policy import Policy


class Trigger(StrEnum):
    """What happened."""

    OPENED = "opened"
    LEVEL_RAISED = "level_raised"
    ATTACHED = "attached"
    REFIRE = "refire"
    RUNG = "rung"
    RESOLVE_OVERDUE = "resolve_overdue"
    REVIEW_OVERDUE = "review_overdue"
    TRIAGE_OVERDUE = "triage_overdue"
    SNOOZE_ENDED = "snooze_ended"
    SILENCE_ENDED = "silence_ended"
    INHIBITION_ENDED = "inhibition_ended"
    CORRECTIVE_OVERDUE = "corrective_overdue"
    REASSIGNED = "reassigned"
    CLOSED = "closed"
    LATE_EVIDENCE = "late_evidence"


def ladder_step(trigger: Trigger, rung: int) -> int:
    """The rung whose channels a notice goes by; what climbs no rung goes as the first notice.

    Args:
        trigger: what happened.
        rung: the number that the notice carries.
    """
    match trigger:
        case Trigger.RUNG | Trigger.RESOLVE_OVERDUE:
            return rung
        case Trigger.TRIAGE_OVERDUE:  # the first late notice comes before the rungs
            return max(rung - 1, 0)
        case _:
            return 0


@dataclass(frozen=True, slots=True)
class History:
    """What one person was sent before.

    Attributes:
        last_sent: when the last notice about this order left or was to leave; None for none.
        drawn_at: when that notice was drawn; what happened before stands in it.
        changed_at: when the new evidence came that is to be told; None for none.
        sent_in_hour: cards to this person within the last hour, about anything, per channel the
            most.
    """

    last_sent: datetime | None = None
    drawn_at: datetime | None = None
    changed_at: datetime | None = None
    sent_in_hour: int = 0


@dataclass(frozen=True, slots=True)
class NoticeVerdict:
    """Whether to notify.

    Attributes:
        notify: whether a card goes out.
        reason: a code: the trigger's name in capitals, or why it is held back
            (``REPEAT_INTERVAL``, ``ALREADY_TOLD``, ``ACKNOWLEDGED``, ``RESOLVED``, ``SNOOZED``,
            ``CLOSED``, ``PERSON_HOUR_LIMIT``).
        not_before: the earliest time of delivery.
    """

    notify: bool
    reason: str
    not_before: datetime


# Re-fires and new evidence stay quiet while somebody has the matter in hand.
_IN_HAND = {
    State.ACKNOWLEDGED: "ACKNOWLEDGED",
    State.IN_WORK: "ACKNOWLEDGED",
    State.RESOLVED: "RESOLVED",
    State.SNOOZED: "SNOOZED",
    State.CLOSED: "CLOSED",
    State.MERGED: "CLOSED",
}


def decide_notice(
    trigger: Trigger,
    level: Level,
    state: State,
    history: History,
    *,
    at: datetime,
    policy: Policy,
) -> NoticeVerdict:
    """Whether `trigger` on an order of `level` in `state` becomes a card to one person at `at`."""
    held = _held_back(trigger, state, history, at, policy)
    # Red pierces every limit: a person may be flooded, but is never left in the dark.
    if not held and level is not Level.RED and history.sent_in_hour >= policy.cards_per_hour:
        held = "PERSON_HOUR_LIMIT"
    if held:
        return NoticeVerdict(notify=False, reason=held, not_before=at)
    wait = policy.levels[level].group_wait_s if trigger is Trigger.OPENED else 0
    return NoticeVerdict(
        notify=True, reason=trigger.value.upper(), not_before=at + timedelta(seconds=wait)
    )


def _held_back(
    trigger: Trigger, state: State, history: History, at: datetime, policy: Policy
) -> str:
    if trigger not in {Trigger.REFIRE, Trigger.ATTACHED}:
        return ""
    if state in _IN_HAND:
        return _IN_HAND[state]
    if history.last_sent is None:
        return ""
    if trigger is Trigger.ATTACHED:
        drawn, changed = history.drawn_at, history.changed_at
        stands = drawn is not None and changed is not None and drawn >= changed
        return "ALREADY_TOLD" if stands else ""
    elapsed = at - history.last_sent
    return "REPEAT_INTERVAL" if elapsed < policy.repeat_interval else ""


def in_hand(state: State) -> str:
    """Why re-fires and new evidence stay quiet in this state, a code; empty when they do not."""
    return _IN_HAND.get(state, "")
