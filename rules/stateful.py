"""The plain event-time reference of the stateful operators: the evaluator of record.

Which correlations stand is a function of the set of facts alone. So the order of arrival does not
matter within the allowed lateness, a second delivery changes nothing, and a late fact that changes
a verdict yields a correlation that names the old one. Positive patterns are told as soon as their
last fact is known; an absence, and a pattern with `none_between`, when the watermark has passed its
deadline plus the awaited source's lateness.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from rules.groups import Group, Horizon, microseconds
from rules.patterns import DERIVED_KIND, BadPattern, Correlation, Fact, Lateness, Pattern, Status
from rules.windows import Live, roles_of
from store.problems import Problem, shorten
from store.types import from_microseconds, to_microseconds

_GroupKey = tuple[int, tuple[Any, ...]]
#: (pattern's index, roles as bits, key values)
Placement = tuple[int, int, tuple[Any, ...]]
_ISSUE_LIMIT = 1000


class Reference:
    """Judges facts by patterns, in event time.

    The watermark is moved by `advance` alone. It must be the time up to which the log has been
    read: the clock's time once the log's end is reached, the arrival time of the last fact read
    before that. A fact older than its source's lateness is counted (`late`) and not judged.

    Args:
        patterns: the live correlations; `batch` ones are left to `run_batch`.
        lateness: how long each source may deliver after the event.

    Raises:
        BadPattern: when a second-level pattern waits for an absence, or two patterns share a rule.
    """

    def __init__(self, patterns: Iterable[Pattern], lateness: Lateness | None = None) -> None:
        self._patterns = [pattern for pattern in patterns if not pattern.batch]
        _check(self._patterns)
        self._lateness = lateness or Lateness()
        self._horizon = Horizon(self._lateness)
        self._longest = microseconds(self._lateness.longest)
        self._groups: dict[_GroupKey, Group] = {}
        self._second = {pattern.rule for pattern in self._patterns if pattern.derived}
        self._second_groups: dict[_GroupKey, Group] = {}
        self._due: list[tuple[int, int, _GroupKey, Live]] = []
        self._aging: list[tuple[int, int, _GroupKey]] = []
        self._entry = 0
        self._late = 0
        self._issues: list[Problem] = []
        self._full: set[_GroupKey] = set()

    @property
    def patterns(self) -> Sequence[Pattern]:
        """The patterns it judges."""
        return tuple(self._patterns)

    @property
    def watermark(self) -> datetime | None:
        """The time last given to `advance`."""
        now = self._horizon.now
        return None if now is None else from_microseconds(now)

    @property
    def late(self) -> int:
        """How many facts came after their source's lateness."""
        return self._late

    def issues(self) -> list[Problem]:
        """Data issues since the last call: a key that reached its cap of live facts."""
        found, self._issues = self._issues, []
        return found

    def standing(self) -> list[Correlation]:
        """What stands confirmed among the live facts, by event time and uid."""
        found = [s.correlation for group in self._groups.values() for s in group.standing.values()]
        return sorted(found, key=_in_event_time)

    def live(self) -> int:
        """How many facts are held."""
        return sum(len(group.lives) for group in self._groups.values())

    def placements(self, fact: Fact) -> list[Placement]:
        """Where `fact` would enter."""
        found = []
        for index, pattern in enumerate(self._patterns):
            roles = roles_of(pattern, fact)
            key = pattern.key(fact) if roles else None
            if key is not None:
                found.append((index, roles, key))
        return found

    def is_late(self, fact: Fact) -> bool:
        """Whether the fact came after its source's lateness."""
        if fact.parents:
            return False
        at, now = to_microseconds(fact.event_time), self._horizon.now
        allowed = self._lateness.of(fact.source, str(fact.fields.get("org") or ""))
        if fact.arrival_time is not None:
            if fact.arrival_time - fact.event_time > allowed:
                return True
            return now is not None and at < now - self._longest
        return now is not None and at < now - microseconds(allowed)

    def feed(self, fact: Fact, places: Sequence[Placement] | None = None) -> list[Correlation]:
        """Take one fact in.

        Args:
            fact: the fact.
            places: its `placements`, when they are known already.

        Returns:
            What is confirmed, updated or withdrawn by it now, the first level before the second.
        """
        if self.is_late(fact):
            self._late += 1
            return []
        found: list[Correlation] = []
        self._enter(fact, found, places)
        return found

    def advance(self, now: datetime) -> list[Correlation]:
        """Move the watermark: decide what has become certain, forget what is too old.

        Args:
            now: aware time; one before the watermark changes nothing.

        Returns:
            Absences and `none_between` patterns decided by it, in the order of their decision.
        """
        at = to_microseconds(now)
        if self._horizon.now is not None and at < self._horizon.now:
            return []
        self._horizon = Horizon(self._lateness, at)
        found: list[Correlation] = []
        while self._due and self._due[0][0] <= at:
            _settles, _entry, group_key, anchor = heappop(self._due)
            group = self._groups.get(group_key)
            if group and anchor.uid in group.uids and anchor.uid not in group.standing:
                self._tell(group.judge([anchor], self._horizon), found)
        while self._aging and self._aging[0][0] <= at:
            _expires, _entry, group_key = heappop(self._aging)
            self._age(group_key, at)
        return found

    def rebuild(self, facts: Iterable[Fact], until: datetime | None = None) -> list[Correlation]:
        """Make the state again from the log, after a start.

        Args:
            facts: the facts since `reach()` before the watermark, in order of arrival.
            until: the watermark up to which the log had been read; None when there was none.

        Returns:
            What was told on the way. Uids are deterministic: what was recorded before the stop is
            recognised by its uid, and what the stop cut off is not lost.
        """
        told: list[Correlation] = []
        for fact in facts:
            if fact.arrival_time is not None:
                told += self.advance(fact.arrival_time)
            told += self.feed(fact)
        if until is not None:
            told += self.advance(until)
        return told

    def next_due(self) -> datetime | None:
        """When `advance` may next decide something; None when nothing waits."""
        return from_microseconds(self._due[0][0]) if self._due else None

    def reach(self) -> timedelta:
        """How far before the watermark facts may still matter: `rebuild` needs these."""
        spans = [p.within + (p.absent.within if p.absent else timedelta(0)) for p in self._patterns]
        return max(spans, default=timedelta(0)) + self._lateness.longest

    def _enter(
        self,
        fact: Fact,
        found: list[Correlation],
        places: Sequence[Placement] | None = None,
    ) -> None:
        at = to_microseconds(fact.event_time)
        for index, roles, key in self.placements(fact) if places is None else places:
            pattern = self._patterns[index]
            group_key = (index, key)
            group = self._groups.get(group_key)
            if group is None:
                named = dict(zip(pattern.by, (value for _sort, value in key), strict=True))
                group = self._groups[group_key] = Group(pattern, named)
                if pattern.derived:
                    self._second_groups[group_key] = group
            live = Live(at, fact.uid, roles, fact)
            if not group.add(live):
                continue
            if len(group.lives) > pattern.cap:
                self._report_full(group_key, group)
                group.evict()
            self._schedule(group_key, group, live)
            if pattern.clustered:
                self._tell(group.judge_clusters(), found)
                continue
            affected = group.affected(at)
            if pattern.waits:
                # New verdicts that need certainty are told by `advance`; told ones may change now.
                self._await(group_key, group, live, affected)
                affected = [anchor for anchor in affected if anchor.uid in group.standing]
            self._tell(group.judge(affected, self._horizon), found)

    def _await(
        self, group_key: _GroupKey, group: Group, live: Live, affected: Iterable[Live]
    ) -> None:
        """Note when the instances that `live` may change are certain."""
        members = (1 << len(group.pattern.steps)) - 1
        now = self._horizon.now
        for anchor in affected:
            if not anchor.roles & members:
                continue
            settles = group.settles(anchor, self._horizon)
            # An anchor is noted when it enters, and again when its own time has already passed.
            if anchor.uid == live.uid or (now is not None and settles <= now):
                heappush(self._due, (settles, self._next(), group_key, anchor))

    def _tell(self, correlations: Iterable[Correlation], found: list[Correlation]) -> None:
        for correlation in correlations:
            found.append(correlation)
            if correlation.rule in self._second:
                continue
            # Facts of the second level change places before their clusters are judged, so that a
            # cluster whose member was replaced is updated and not withdrawn and found again.
            touched: list[Group] = []
            for old in correlation.supersedes:
                for group in list(self._second_groups.values()):
                    if old not in group.uids:
                        continue
                    if group.pattern.clustered:
                        group.remove(old)
                        touched.append(group)
                    else:
                        found.extend(group.retract(old, self._horizon))
            if correlation.status is Status.CONFIRMED:
                self._enter(correlation.derive(), found)
            for group in touched:
                found.extend(group.judge_clusters())

    def _schedule(self, group_key: _GroupKey, group: Group, live: Live) -> None:
        span = group.window + group.absence + self._longest
        heappush(self._aging, (live.at + span + 1, self._next(), group_key))

    def _age(self, group_key: _GroupKey, now: int) -> None:
        group = self._groups.get(group_key)
        if group is None:
            return
        span = group.window + group.absence + self._longest
        group.expire(now - span)
        if not group.lives:
            del self._groups[group_key]
            self._second_groups.pop(group_key, None)
            self._full.discard(group_key)

    def _report_full(self, group_key: _GroupKey, group: Group) -> None:
        if group_key in self._full or len(self._issues) >= _ISSUE_LIMIT:
            return
        self._full.add(group_key)
        key = ", ".join(f"{name}={value}" for name, value in group.key.items())
        self._issues.append(
            Problem(
                "CORRELATION_CAP",
                field=group.pattern.rule,
                found=shorten(key),
                allowed=str(group.pattern.cap),
                severity="warning",
                params={"rule": group.pattern.rule, "cap": str(group.pattern.cap)},
            )
        )

    def _next(self) -> int:
        self._entry += 1
        return self._entry


def run_batch(patterns: Iterable[Pattern], facts: Iterable[Fact]) -> list[Correlation]:
    """Judge a whole history at once, in event time, without lateness and without cap.

    Args:
        patterns: what to judge by, live or batch alike; a second level sees the first.
        facts: the history, in any order; a uid counts once.

    Returns:
        What stands confirmed, by event time and uid.

    Raises:
        BadPattern: as `Reference`.
    """
    given = list(patterns)
    _check(given)
    found: list[Correlation] = []
    pool = list(facts)
    for level in (False, True):
        chosen = [pattern for pattern in given if pattern.derived is level]
        found.extend(_judge_all(chosen, pool))
        pool = [correlation.derive() for correlation in found]
    return sorted(found, key=_in_event_time)


def _judge_all(patterns: Sequence[Pattern], facts: Iterable[Fact]) -> list[Correlation]:
    groups: dict[_GroupKey, Group] = {}
    for fact in facts:
        at = to_microseconds(fact.event_time)
        for index, pattern in enumerate(patterns):
            roles = roles_of(pattern, fact)
            key = pattern.key(fact) if roles else None
            if key is None:
                continue
            if (index, key) not in groups:
                named = dict(zip(pattern.by, (value for _sort, value in key), strict=True))
                groups[index, key] = Group(pattern, named)
            groups[index, key].add(Live(at, fact.uid, roles, fact))
    horizon = Horizon(Lateness(), final=True)
    found: list[Correlation] = []
    for group in groups.values():
        clustered = group.pattern.clustered
        found += group.judge_clusters() if clustered else group.judge(list(group.lives), horizon)
    return found


def _in_event_time(correlation: Correlation) -> tuple[datetime, str]:
    return correlation.event_time, correlation.uid


def _check(patterns: Sequence[Pattern]) -> None:
    rules: set[str] = set()
    for pattern in patterns:
        if pattern.rule in rules:
            raise BadPattern(pattern.rule, "two correlations share the rule's id")
        rules.add(pattern.rule)
        if pattern.derived and (
            pattern.waits or any(step.kind != DERIVED_KIND for step in pattern.steps)
        ):
            raise BadPattern(
                pattern.rule, "a correlation of correlations takes nothing else and no absence"
            )
