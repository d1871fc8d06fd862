"""Live correlation: durable_rules proposes, the event-time reference disposes.

The child joins facts as they come; what it proposes becomes a correlation only when
`rules.stateful.Reference` confirms it. What the reference finds and the child did not propose is
told as well, and counted: the reference is of record. Absences, `none_between` and correlations of
correlations are the reference's alone to decide.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import Lock

from rules.durable_child import Child
from rules.groups import microseconds
from rules.patterns import Correlation, Fact, Lateness, Pattern, Status
from rules.proposer import ChildFault, Fault, Prepared, Proposal, Proposer
from rules.stateful import Reference
from store.problems import Problem
from store.types import to_microseconds

#: Facts that one request to the child may carry.
BATCH = 200


@dataclass(slots=True)
class Figures:
    """How the child does.

    Attributes:
        proposed: proposals made.
        confirmed: correlations told that had been proposed.
        missed: correlations told that had not been proposed.
    """

    proposed: int = 0
    confirmed: int = 0
    missed: int = 0


class Correlator:
    """Feeds facts to the reference and to the child. Calls from several threads take turns.

    Args:
        patterns: the correlations; `batch` ones are left to `rules.stateful.run_batch`.
        lateness: how long each source may deliver after the event.
        use_child: whether durable_rules runs beside the reference.
        child: the child's process; made when not given.
        alone: rules that go on with the reference alone, since the child died on their facts.
    """

    def __init__(
        self,
        patterns: Iterable[Pattern],
        lateness: Lateness | None = None,
        *,
        use_child: bool = True,
        child: Child | None = None,
        alone: Collection[str] = (),
    ) -> None:
        self._alone = frozenset(alone)
        self._lateness = lateness or Lateness()
        self._child = (child or Child()) if use_child else None
        self._lock = Lock()
        self.figures = Figures()
        self._load(patterns)

    @property
    def missed(self) -> int:
        """How many correlations the reference confirmed and the child never proposed."""
        return self.figures.missed

    @property
    def late(self) -> int:
        """How many facts came after their source's lateness."""
        return self._reference.late

    @property
    def watermark(self) -> datetime | None:
        """The time last given to `advance`."""
        return self._reference.watermark

    @property
    def child_pid(self) -> int | None:
        """The child's process id; None when none runs."""
        return self._proposer.pid

    def faults(self) -> list[ChildFault]:
        """The child's faults since the last call."""
        return self._proposer.faults()

    def issues(self) -> list[Problem]:
        """Data issues since the last call; see `Reference.issues`."""
        return self._reference.issues()

    def standing(self) -> list[Correlation]:
        """What stands confirmed among the live facts."""
        return self._reference.standing()

    def next_due(self) -> datetime | None:
        """When `advance` may next decide something; None when nothing waits."""
        return self._reference.next_due()

    def concerns(self, fact: Fact) -> bool:
        """Whether some pattern takes the fact in."""
        return bool(self._reference.placements(fact))

    def reach(self) -> timedelta:
        """How far before the watermark facts may still matter: `rebuild` needs these."""
        return self._reference.reach()

    def feed(self, facts: Iterable[Fact]) -> list[Correlation]:
        """Take facts in, in order of arrival; returns after the child's answer, or its death.

        Returns:
            What is confirmed, updated or withdrawn by them now.
        """
        told: list[Correlation] = []
        with self._lock:
            given = list(facts)
            for start in range(0, len(given), BATCH):
                prepared = [self._prepare(fact) for fact in given[start : start + BATCH]]
                proposals = self._proposer.propose(prepared)
                self._remember(proposals)
                for one in prepared:
                    found = self._reference.feed(one.fact, one.places)
                    self._account(found, proposals)
                    told += found
        return told

    def advance(self, now: datetime) -> list[Correlation]:
        """Move the watermark; see `Reference.advance`."""
        with self._lock:
            told = self._reference.advance(now)
            self._account(told, set())
            at = to_microseconds(now)
            self._proposer.expire(at)
            while self._awaited_until and self._awaited_until[0][0] < at:
                self._awaited.discard(heappop(self._awaited_until)[1])
            return told

    def rebuild(self, facts: Iterable[Fact], until: datetime | None = None) -> list[Correlation]:
        """Make the state again from the log; see `Reference.rebuild`.

        Args:
            facts: the facts since `reach()` before the watermark, in order of arrival.
            until: the watermark up to which the log had been read.

        Returns:
            What was told on the way, for the caller to compare by uid with what it has recorded.
        """
        told: list[Correlation] = []
        with self._lock:
            for fact in facts:
                if fact.arrival_time is not None:
                    told += self._reference.advance(fact.arrival_time)
                one = self._prepare(fact)
                told += self._reference.feed(fact, one.places)
            if until is not None:
                told += self._reference.advance(until)
            now = self._reference.watermark
            at = None if now is None else to_microseconds(now)
            self._remember(self._proposer.restore(at))
        return told

    def reload(self, patterns: Iterable[Pattern], facts: Iterable[Fact] = ()) -> list[Correlation]:
        """Take other correlations: a fresh child, and the state made from `facts`."""
        with self._lock:
            until = self._reference.watermark
            self._load(patterns)
        return self.rebuild(facts, until)

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._proposer.close()

    def _load(self, patterns: Iterable[Pattern]) -> None:
        self._reference = Reference(patterns, self._lateness)
        given = self._reference.patterns
        self._index = {pattern.rule: index for index, pattern in enumerate(given)}
        self._longest = microseconds(self._lateness.longest)
        self._proposer = Proposer(given, self._longest, self._child, self._alone)
        self._newest = 0
        self._awaited: set[Proposal] = set()
        self._awaited_until: list[tuple[int, Proposal]] = []

    def _prepare(self, fact: Fact) -> Prepared:
        if self._reference.is_late(fact):
            return Prepared(fact)
        self._newest = max(self._newest, to_microseconds(fact.event_time))
        return self._proposer.prepare(fact, self._reference.placements(fact))

    def _remember(self, proposals: set[Proposal]) -> None:
        """Keep the proposals of patterns whose verdict must wait."""
        self.figures.proposed += len(proposals)
        for proposal in proposals:
            pattern = self._reference.patterns[proposal[0]]
            if pattern.waits and proposal not in self._awaited:
                absence = microseconds(pattern.absent.within) if pattern.absent else 0
                until = self._newest + absence + 2 * self._longest
                self._awaited.add(proposal)
                heappush(self._awaited_until, (until, proposal))

    def _account(self, told: Iterable[Correlation], proposals: set[Proposal]) -> None:
        """Hold what the reference tells against what the child proposed."""
        for correlation in told:
            index = self._index[correlation.rule]
            if correlation.status is not Status.CONFIRMED or not self._proposer.proposes(index):
                continue
            if self._proposed(index, correlation, proposals):
                self.figures.confirmed += 1
            else:
                self.figures.missed += 1
                self._proposer.report(Fault.MISSED, rules=(correlation.rule,), why=correlation.uid)

    def _proposed(self, index: int, correlation: Correlation, proposals: set[Proposal]) -> bool:
        pattern = self._reference.patterns[index]
        if pattern.clustered:
            uids = {fact.uid for _alias, fact in correlation.members}
            # The proposal names the newest fact, and another to show that enough are live.
            return any(at == index and ids[-1] in uids for at, ids in proposals)
        by_alias = {alias: fact.uid for alias, fact in correlation.members}
        wanted = (index, tuple(by_alias[step.alias] for step in pattern.steps))
        return wanted in proposals or wanted in self._awaited
