"""The escalation ladder: who is told next, and when. Never silent.

Rung 0 is the first notice to the people whom the routing names. Each step without an
acknowledgement goes one organisation up; after the last rung the named last resort is told, again
and again: at the repeat interval at first, once a day when that has gone unanswered. An empty
roster goes upward at once and is reported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from workorders.clocks import OrderClock
from workorders.policy import Policy

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder.

    Attributes:
        number: 0 for the first notice.
        due_at: when it is climbed, unless somebody acknowledges before.
        last_resort: whether the named last resort is told.
    """

    number: int
    due_at: datetime
    last_resort: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a rung reaches.

    Attributes:
        people: ids, without those who were told before.
        org: the organisation whose roster answered.
        reason: ``ROUTED``, ``EMPTY_ROSTER`` (went further up), ``LAST_RESORT``,
            ``NO_LAST_RESORT`` (nobody is named: everyone told so far is told again).
    """

    people: tuple[str, ...]
    org: str
    reason: str


def rung_after(clock: OrderClock, number: int, due_at: datetime) -> Rung:
    """The rung after `number`, which was due at `due_at`.

    The true due time counts, not when it fired: after downtime the missed rungs fire once each, in
    order.
    """
    rungs = clock.policy.levels[clock.level].rungs
    if number > rungs:  # the last resort was told already; it is told again
        every = repeat_every(clock.policy, number - rungs)
        return Rung(number + 1, due_at + every, last_resort=True)
    return Rung(number + 1, clock.step_due(due_at), last_resort=number + 1 > rungs)


def plan(clock: OrderClock, start: datetime) -> tuple[Rung, ...]:
    """The whole ladder from the first notice up to the last resort."""
    rungs = [Rung(0, start, last_resort=False)]
    while not rungs[-1].last_resort:
        rungs.append(rung_after(clock, rungs[-1].number, rungs[-1].due_at))
    return tuple(rungs)


def unanswered(policy: Policy, told: int) -> bool:
    """Whether a matter about which the last resort was told so often counts as unanswered."""
    return told > policy.unanswered_after


def repeat_every(policy: Policy, told: int) -> timedelta:
    """How long until the last resort, told `told` times, is told again: at length once a day."""
    often = told < policy.unanswered_after
    return policy.repeat_interval if often else max(_DAY, policy.repeat_interval)


def next_repeat(rung: Rung, now: datetime, every: timedelta) -> datetime:
    """When the last resort is told again: the first repeat after `now`, however long we slept."""
    passed = max(now - rung.due_at, timedelta(0)) // every
    return rung.due_at + (passed + 1) * every


def ancestors(org: str) -> Iterator[str]:
    """The organisation itself, then its parents up to the root."""
    parts = org.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def whom(
    rung: Rung,
    org: str,
    *,
    roster: Callable[[str], tuple[str, ...]],
    told: tuple[str, ...],
    last_resort: tuple[str, ...],
) -> Told:
    """Whom `rung` reaches.

    Args:
        rung: the rung that is climbed.
        org: the order's organisation.
        roster: people on duty for an organisation at this level and time.
        told: people who were told on earlier rungs; they failed to answer and are skipped upward.
        last_resort: people named by the policy.
    """
    if not rung.last_resort:
        path = tuple(ancestors(org))
        # Rung 1 may still find people at home whom the first notice did not name (a deputy).
        for step, unit in enumerate(path[max(rung.number - 1, 0) :]):
            people = tuple(person for person in roster(unit) if person not in told)
            if people:
                return Told(people, unit, "ROUTED" if step == 0 else "EMPTY_ROSTER")
    if last_resort:
        return Told(last_resort, "", "LAST_RESORT")
    return Told(told, "", "NO_LAST_RESORT")
