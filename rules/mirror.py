"""What the child holds: engine facts by the parent's own small numbers, ready to be made again."""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from rules.durable_compile import Message, Plan, SmallIds, message
from rules.patterns import Fact, Pattern
from store.types import to_microseconds

Operation = tuple[bool, int, Message]
#: Engine facts that all patterns together may hold (about 8 KB each in the child).
MAX_LIVE = 100_000


@dataclass(slots=True)
class _Key:
    """The facts of one pattern under one key; `held` has each one's engine ids, a step each."""

    number: int
    in_time: list[tuple[int, str]] = field(default_factory=list)
    in_arrival: list[int] = field(default_factory=list)
    held: dict[str, list[int]] = field(default_factory=dict)


class Mirror:
    """Turns facts into engine facts and back, and keeps what must be retracted when.

    Args:
        patterns: the reference's patterns.
        plans: those of them that the child proposes for.
        lateness: the longest lateness in microseconds.
        limit: engine facts held at most; the oldest go first.
    """

    def __init__(
        self,
        patterns: Sequence[Pattern],
        plans: Iterable[Plan],
        lateness: int,
        limit: int = MAX_LIVE,
    ) -> None:
        self._patterns = patterns
        self._plans = {plan.index: plan for plan in plans}
        self._lateness = lateness
        self._limit = limit
        self._ids = SmallIds()
        self._keys: dict[tuple[int, tuple[Any, ...]], _Key] = {}
        self._last_key = 0
        self._uids: dict[int, str] = {}
        self._retired: list[int] = []
        self._live: dict[int, tuple[int, Message]] = {}
        self._aging: list[tuple[int, int, int, tuple[Any, ...], str]] = []
        self._entry = 0

    def __len__(self) -> int:
        """Engine facts held."""
        return len(self._live)

    def uid(self, number: int) -> str:
        """The fact behind an engine id; empty when it is gone."""
        return self._uids.get(number, "")

    def settle(self) -> None:
        """The proposals of all operations so far are read: retracted ids may be forgotten."""
        for number in self._retired:
            self._uids.pop(number, None)
        self._retired.clear()

    def plan(self, index: int) -> Plan | None:
        """How the child proposes for the pattern; None when it does not."""
        return self._plans.get(index)

    def drop_plan(self, index: int) -> list[Operation]:
        """The pattern goes on with the reference alone; its engine facts are retracted."""
        self._plans.pop(index, None)
        return [
            operation
            for at_key in [at_key for at_key in self._keys if at_key[0] == index]
            for uid in list(self._keys[at_key].held)
            for operation in self._retract(at_key, uid)
        ]

    def operations(
        self, fact: Fact, places: Iterable[tuple[int, int, tuple[Any, ...]]]
    ) -> list[Operation]:
        """What the child must do when `fact` enters at `places` (see `Reference.placements`)."""
        at = to_microseconds(fact.event_time)
        found: list[Operation] = []
        for index, roles, key in places:
            plan = self._plans.get(index)
            steps = [step for step in range(len(plan.markers)) if roles >> step & 1] if plan else []
            if plan and steps:
                found += self._enter(plan, (index, key), fact.uid, at, steps)
        return found

    def expire(self, now: int) -> list[Operation]:
        """Retract what is too old at the watermark `now` in microseconds, or beyond the limit."""
        found: list[Operation] = []
        while self._aging and (self._aging[0][0] <= now or len(self._live) > self._limit):
            _expires, _entry, index, key, uid = heappop(self._aging)
            found += self._retract((index, key), uid)
        return found

    def live(self) -> dict[int, tuple[int, Message]]:
        """Everything held: engine id to host and message."""
        return dict(self._live)

    def _enter(
        self,
        plan: Plan,
        at_key: tuple[int, tuple[Any, ...]],
        uid: str,
        at: int,
        steps: Iterable[int],
    ) -> list[Operation]:
        key = self._keys.get(at_key)
        if key is None:
            self._last_key += 1
            key = self._keys[at_key] = _Key(self._last_key)
        if uid in key.held:
            return []
        found: list[Operation] = []
        held = key.held[uid] = []
        for step in steps:
            number = self._ids.take()
            values = {"_k": plan.markers[step], "k": key.number}
            if plan.need:
                before = (
                    key.in_arrival[-(plan.need - 1)] if len(key.in_arrival) >= plan.need - 1 else 0
                )
                values |= {"i": number, "r": before}
                key.in_arrival.append(number)
            else:
                values |= {"t": at, "u": at + plan.within}
            fact = message(number, **values)
            held.append(number)
            self._uids[number] = uid
            self._live[number] = (plan.host, fact)
            found.append((True, plan.host, fact))
        insort(key.in_time, (at, uid))
        pattern = self._patterns[plan.index]
        if len(key.in_time) > pattern.cap:
            found += self._retract(at_key, key.in_time[0][1])
        self._entry += 1
        expires = at + plan.within + self._lateness + 1
        heappush(self._aging, (expires, self._entry, *at_key, uid))
        return found

    def _retract(self, at_key: tuple[int, tuple[Any, ...]], uid: str) -> list[Operation]:
        key = self._keys.get(at_key)
        held = key.held.pop(uid, None) if key else None
        if key is None or held is None:
            return []
        found: list[Operation] = []
        for number in held:
            host, fact = self._live.pop(number)
            self._retired.append(number)
            self._ids.release(number)
            if number in key.in_arrival:
                key.in_arrival.remove(number)
            found.append((False, host, fact))
        key.in_time = [pair for pair in key.in_time if pair[1] != uid]
        if not key.held:
            del self._keys[at_key]
        return found
