"""The child seen from the correlator: facts go in, proposals come out, deaths are survived.

When the child dies it is started again and its live facts are asserted again. A fact on which it
dies twice goes to quarantine: its patterns get no more proposals and go on with the reference
alone. A child that does not come up, or dies again and again, is given up. Nothing of this loses a
correlation.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rules.durable_child import Child, ChildDied
from rules.durable_compile import Message, compile_patterns
from rules.mirror import Mirror, Operation
from rules.patterns import Fact, Pattern
from rules.stateful import Placement

#: Operations that one request to the child may carry.
BATCH = 500
_DEATHS = 2
_STARTS = 3
#: After so many deaths, without so many answered requests in between, the child is given up.
_MOST_DEATHS = 12
_CALM = 1000
_FAULT_LIMIT = 1000

#: (pattern's index, uids of the joined facts in the order of the steps)
Proposal = tuple[int, tuple[str, ...]]


class Fault(StrEnum):
    """What went wrong between the correlator and its child."""

    DIED = "DIED"
    HUNG = "HUNG"
    QUARANTINED = "QUARANTINED"
    DOWN = "DOWN"
    ENGINE_ERROR = "ENGINE_ERROR"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class ChildFault:
    """One fault of the child; no correlation is lost by it.

    Attributes:
        fault: what happened. QUARANTINED: the child died twice on the fact, and the fact's patterns
            go on with the reference alone. DOWN: the child does not come up any more. MISSED: the
            reference confirmed what the child never proposed.
        fact: the fact's uid; empty when it was none's.
        rules: the rules concerned.
        detail: for people who look into it.
    """

    fault: Fault
    fact: str = ""
    rules: tuple[str, ...] = ()
    detail: str = ""


@dataclass(slots=True)
class Prepared:
    """One fact, where it enters, and what the child must do for it."""

    fact: Fact
    places: list[Placement] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


class Proposer:
    """durable_rules in a child process, for one set of patterns.

    Args:
        patterns: the reference's patterns, in its order.
        lateness: the longest lateness in microseconds.
        child: the process; None runs without one and proposes nothing.
        alone: rules for which it proposes nothing.
    """

    def __init__(
        self,
        patterns: Sequence[Pattern],
        lateness: int,
        child: Child | None,
        alone: Collection[str] = (),
    ) -> None:
        plans, self._rulesets = compile_patterns(patterns, alone)
        self._patterns = patterns
        self._markers = {marker: plan.index for plan in plans for marker in plan.markers}
        self._mirror = Mirror(patterns, plans, lateness)
        self._applied: dict[int, tuple[int, Message]] = {}
        self._faults: list[ChildFault] = []
        self._deaths = 0
        self._calm = 0
        self._child = child
        self.up = child is not None and bool(plans)
        if self.up:
            self._start()

    @property
    def pid(self) -> int | None:
        """The child's process id; None when none runs."""
        return self._child.pid if self._child and self.up else None

    def proposes(self, index: int) -> bool:
        """Whether the child proposes for the pattern now."""
        return self.up and self._mirror.plan(index) is not None

    def report(
        self, fault: Fault, fact: str = "", rules: tuple[str, ...] = (), why: str = ""
    ) -> None:
        """Note a fault."""
        if len(self._faults) < _FAULT_LIMIT:
            self._faults.append(ChildFault(fault, fact, rules, why))

    def faults(self) -> list[ChildFault]:
        """Faults since the last call."""
        found, self._faults = self._faults, []
        return found

    def prepare(self, fact: Fact, places: list[Placement]) -> Prepared:
        """Note that `fact` enters; `propose` tells the child."""
        return Prepared(fact, places, self._mirror.operations(fact, places) if self.up else [])

    def propose(self, prepared: Iterable[Prepared]) -> set[Proposal]:
        """The child's answer; a fact it dies on is tried alone, at most twice."""
        busy = [one for one in prepared if one.operations]
        if not self.up or not busy:
            return set()
        try:
            return self._apply([operation for one in busy for operation in one.operations])
        except ChildDied as died:
            self._report_death(died, busy[0].fact.uid if len(busy) == 1 else "")
        self._start()
        found: set[Proposal] = set()
        for one in busy:
            found |= self._propose_alone(one, deaths=1 if len(busy) == 1 else 0)
        return found

    def expire(self, now: int) -> None:
        """Retract what is too old at `now` in microseconds."""
        operations = self._mirror.expire(now)
        if not self.up or not operations:
            return
        try:
            self._apply(operations)
        except ChildDied as died:
            self._report_death(died, "")
            for _asserted, _host, fact in operations:
                self._applied.pop(int(fact["id"]), None)
            self._start()

    def restore(self, now: int | None) -> set[Proposal]:
        """Make the child's state again from everything that was prepared and is live at `now`.

        Returns:
            What the child proposes among those facts.
        """
        if now is not None:
            self._mirror.expire(now)
        self._mirror.settle()
        self._applied = self._mirror.live()
        return self._start() if self.up else set()

    def close(self) -> None:
        """End the child."""
        self.up = False
        if self._child is not None:
            self._child.close()

    def _propose_alone(self, one: Prepared, deaths: int) -> set[Proposal]:
        while self.up:
            try:
                return self._apply(one.operations)
            except ChildDied as died:
                deaths += 1
                self._report_death(died, one.fact.uid)
            if deaths >= _DEATHS:
                self._quarantine(one)
            self._start()
            if deaths >= _DEATHS:
                break
        return set()

    def _quarantine(self, one: Prepared) -> None:
        indexes = sorted({index for index, _roles, _key in one.places})
        planned = [index for index in indexes if self._mirror.plan(index) is not None]
        for index in planned:
            for _asserted, _host, fact in self._mirror.drop_plan(index):
                self._applied.pop(int(fact["id"]), None)
        self._markers = {m: index for m, index in self._markers.items() if index not in planned}
        rules = tuple(self._patterns[index].rule for index in planned)
        self.report(Fault.QUARANTINED, one.fact.uid, rules)

    def _start(self) -> set[Proposal]:
        """Start the child, with everything that had been applied; gives up after a few deaths."""
        live = [(True, host, fact) for _number, (host, fact) in sorted(self._applied.items())]
        why = f"{self._deaths} deaths"
        starts = _STARTS if self._child and self._deaths < _MOST_DEATHS else 0
        for _attempt in range(starts):
            try:
                return self._start_once(live)
            except ChildDied as died:
                why = str(died)
        self.close()
        rules = tuple(self._patterns[index].rule for index in sorted(set(self._markers.values())))
        self.report(Fault.DOWN, rules=rules, why=why)
        return set()

    def _start_once(self, live: Sequence[Operation]) -> set[Proposal]:
        found: set[Proposal] = set()
        if self._child is not None:
            self._child.start(self._rulesets)
            for start in range(0, len(live), BATCH):
                proposals, _errors = self._child.apply(live[start : start + BATCH])
                found |= self._resolved(proposals)
        return found

    def _resolved(self, proposals: Iterable[tuple[int, tuple[int, ...]]]) -> set[Proposal]:
        """Proposals by patterns and facts; one fact in two places of a pattern is none."""
        found: set[Proposal] = set()
        for marker, numbers in proposals:
            index = self._markers.get(marker)
            uids = tuple(self._mirror.uid(number) for number in numbers)
            if index is not None and len(set(uids)) == len(uids):
                found.add((index, uids))
        return found

    def _apply(self, operations: Iterable[Operation]) -> set[Proposal]:
        known: list[Operation] = []
        changes: dict[int, tuple[int, Message] | None] = {}
        for asserted, host, fact in operations:
            number = int(fact["id"])
            held = changes.get(number) if number in changes else self._applied.get(number)
            if int(fact["_k"]) in self._markers and (asserted or held is not None):
                known.append((asserted, host, fact))
                changes[number] = (host, fact) if asserted else None
        found: set[Proposal] = set()
        if self._child is not None and known:
            proposals, errors = self._child.apply(known)
            self._calm += 1
            if self._calm >= _CALM:
                self._deaths = self._calm = 0
            for number, change in changes.items():
                self._applied.pop(number, None)
                if change is not None:
                    self._applied[number] = change
            for error in errors:
                self.report(Fault.ENGINE_ERROR, why=error)
            found = self._resolved(proposals)
        self._mirror.settle()
        return found

    def _report_death(self, died: ChildDied, fact: str) -> None:
        self._deaths += 1
        self._calm = 0
        self.report(Fault.HUNG if died.hung else Fault.DIED, fact, why=str(died))
