"""What a correlation is made of once its expressions are functions, and what it yields.

Everything here is in event time. A `Pattern` is a parsed correlation whose conditions have become
plain predicates; `rules.stateful` judges facts by it and yields `Correlation` values.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from rules.errors import RulesError
from rules.model import Decision
from store.types import to_microseconds

#: The fact kind under which one correlation is input of another.
DERIVED_KIND = "correlation"
#: Live facts that one key of one pattern may hold; reaching it is a data issue.
DEFAULT_CAP = 500
DEFAULT_LATENESS = timedelta(minutes=5)
_MAX_STEPS = 3

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class BadPattern(RulesError):  # noqa: N818 - named as the field says it
    """A pattern that cannot be judged: no steps, no key, no window, or an impossible mixture."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"correlation {rule!r}: {why}")
        self.rule = rule
        self.why = why


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """One fact as the stateful operators see it.

    Attributes:
        uid: its identity; a second delivery of the same uid changes nothing.
        kind: the fact kind (``event``).
        source: where it came from; decides its allowed lateness.
        event_time: when it happened, aware.
        fields: field name to value, as the schema types it; missing ones are absent or None.
        arrival_time: when it was received; None when unknown, then `Reference.advance` counts.
        parents: the facts that a derived fact stands for; empty for a fact from outside.
    """

    uid: str
    kind: str
    source: str
    event_time: datetime
    fields: Mapping[str, Any]
    arrival_time: datetime | None = None
    parents: tuple["Fact", ...] = ()


#: Facts by step alias, as far as they are joined.
Bound = Mapping[str, Fact]
#: Everything joined: a counted step has all its facts, in event time.
Members = Mapping[str, tuple[Fact, ...]]
Truth = bool | None


@dataclass(frozen=True, slots=True)
class Step:
    """One member of a pattern.

    Attributes:
        alias: the name by which conditions speak of it.
        kind: the fact kind it reads.
        where: the condition on the fact alone; None is UNKNOWN and does not match.
    """

    alias: str
    kind: str
    where: Callable[[Fact], Truth]


@dataclass(frozen=True, slots=True)
class Having:
    """A condition across steps.

    Attributes:
        aliases: the steps it speaks of; it is judged as soon as they are all joined.
        test: the condition; None is UNKNOWN and does not match.
    """

    aliases: frozenset[str]
    test: Callable[[Bound], Truth]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A fact whose presence refutes the pattern: `none_between`, or the awaited one of an absence.

    Attributes:
        kind: the fact kind it reads.
        where: the condition on the fact alone; decides what enters the state.
        test: the condition with the joined steps at hand.
        source: the source it is expected from; its lateness delays the decision.
    """

    kind: str
    where: Callable[[Fact], Truth]
    test: Callable[[Fact, Bound], Truth] = lambda _fact, _bound: True
    source: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """The last step is not followed, within `within`, by a fact that matches."""

    awaited: Forbidden
    within: timedelta


@dataclass(frozen=True, slots=True)
class Collect:
    """One figure of the evidence.

    Attributes:
        name: its key in `Correlation.evidence`.
        value: makes it from everything joined; None leaves it out.
    """

    name: str
    value: Callable[[Members], Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One correlation, ready to be judged.

    With `count` or `distinct` there is one step, and the pattern is a set of facts that are close
    together; otherwise it is one fact for each step.

    Attributes:
        rule: the rule's id.
        version: the rule's version.
        steps: one to three steps.
        by: the fields that must be equal in all facts; a fact without one of them never enters.
        within: the longest time between the first and the last member, both included.
        ordered: whether the steps must follow each other in event time (equal times are in order).
        count: least number of facts of the step within the window.
        distinct: (field, least number of its different values) within the window; beside `count`,
            both must hold.
        having: conditions across steps of a sequence.
        whole: a condition on everything joined, by alias, in event time.
        none_between: what must not happen between the first and the last member.
        absent: what must not follow the last member.
        collect: figures of the evidence.
        figures: whether the evidence also has the operator's own figures.
        decide: the decision on an object that a match entails.
        batch: judged only by a look-back (`run_batch`), never live.
        cap: live facts that one key may hold.
    """

    rule: str
    version: int
    steps: tuple[Step, ...]
    by: tuple[str, ...]
    within: timedelta
    ordered: bool = True
    count: int | None = None
    distinct: tuple[str, int] | None = None
    having: tuple[Having, ...] = ()
    whole: "Callable[[Members], Truth] | None" = None
    none_between: Forbidden | None = None
    absent: Absence | None = None
    collect: tuple[Collect, ...] = ()
    figures: bool = True
    decide: Callable[[Members], Decision | None] | None = None
    batch: bool = False
    cap: int = DEFAULT_CAP

    def __post_init__(self) -> None:
        """Refuse what cannot be judged.

        Raises:
            BadPattern: with the reason.
        """
        aliases = [step.alias for step in self.steps]
        clustered = self.count is not None or self.distinct is not None
        numbers = [1 if self.count is None else self.count]
        numbers += [self.distinct[1]] if self.distinct else []
        faults = {
            "one to three steps are allowed": not 1 <= len(aliases) <= _MAX_STEPS,
            "two steps share a name": len(set(aliases)) != len(aliases),
            "a join needs a key": not self.by,
            "a window is needed": self.within < timedelta(0)
            or (self.within == timedelta(0) and (clustered or len(aliases) > 1)),
            "count and distinct take one step": clustered and len(aliases) != 1,
            "count and distinct take no other condition": clustered
            and bool(self.having or self.none_between or self.absent),
            "the least number is one": min(numbers) < 1,
            "the cap is below the number needed": self.cap < max(*numbers, len(aliases)),
            "a single step needs count, distinct or absent": not clustered
            and len(aliases) == 1
            and self.absent is None,
        }
        for why, broken in faults.items():
            if broken:
                raise BadPattern(self.rule, why)

    @property
    def clustered(self) -> bool:
        """Whether the pattern is a set of facts close together (count or distinct)."""
        return self.count is not None or self.distinct is not None

    @property
    def waits(self) -> bool:
        """Whether a verdict needs the certainty that something did not happen."""
        return self.none_between is not None or self.absent is not None

    @property
    def derived(self) -> bool:
        """Whether the pattern reads other correlations."""
        return any(step.kind == DERIVED_KIND for step in self.steps)

    def key(self, fact: Fact) -> tuple[Any, ...] | None:
        """The fact's values of `by`, each with its type; None when one is missing."""
        values = [fact.fields.get(name) for name in self.by]
        if any(value is None for value in values):
            return None
        # True == 1 in Python, and a text never equals a number: the type is part of the key.
        return tuple((_sort(value), value) for value in values)


def _sort(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | Decimal) else type(value).__name__


class Status(StrEnum):
    """What a correlation says."""

    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Correlation:
    """One confirmed pattern, or the withdrawal of one.

    Attributes:
        uid: SHA-256 over rule, version, key and members' uids: the same facts, the same uid.
        rule: the rule's id.
        version: the rule's version.
        key: the values of `by`, by field name.
        members: (alias, fact) in event time; of a counted step every fact of the cluster.
        evidence: figures: ``elapsed_s``, for clusters ``n`` (most in one window), ``total`` and
            ``window_s``; or what the rule itself states.
        event_time: when it became true: the last member's time, or the deadline of an absence.
        status: confirmed, or withdrawn by a later event.
        update: whether it replaces an earlier one of the same `instance` (more members, nearer
            members, or nothing left).
        supersedes: uids of the correlations that it replaces.
        instance: the uid under which this instance was confirmed first.
        decision: the decision on an object that it entails.
    """

    uid: str
    rule: str
    version: int
    key: Mapping[str, Any]
    members: tuple[tuple[str, Fact], ...]
    evidence: Mapping[str, Any]
    event_time: datetime
    status: Status = Status.CONFIRMED
    update: bool = False
    supersedes: tuple[str, ...] = ()
    instance: str = ""
    decision: Decision | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts from outside that it rests on, each once, in event time."""
        found: dict[str, Fact] = {}
        for _alias, member in self.members:
            for fact in member.parents or (member,):
                found[fact.uid] = fact
        return tuple(sorted(found.values(), key=lambda fact: (fact.event_time, fact.uid)))

    def derive(self) -> Fact:
        """The fact under which a second-level correlation sees this one.

        It carries the fields of the last member, with the time at which the correlation became
        true; its source names the rule (`derived_source`).
        """
        fields = dict(self.members[-1][1].fields)
        if isinstance(fields.get("event_time"), int):  # canonical
            fields["event_time"] = to_microseconds(self.event_time)
        elif "event_time" in fields:
            fields["event_time"] = self.event_time
        return Fact(
            uid=self.uid,
            kind=DERIVED_KIND,
            source=derived_source(self.rule),
            event_time=self.event_time,
            fields=fields,
            parents=self.facts,
        )


def derived_source(rule: str) -> str:
    """The source of the facts that the rule's correlations derive."""
    return f"rule:{rule}"


def correlation_uid(rule: str, version: int, key: Mapping[str, Any], *parts: str) -> str:
    """The deterministic identity of a correlation; the order of `parts` does not count."""
    text = json.dumps([rule, version, [[n, str(v)] for n, v in sorted(key.items())], sorted(parts)])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after the event a source may still deliver.

    Attributes:
        default: for sources that are not named.
        by_source: source to lateness.
        by_org: organisation path to source to lateness; goes before `by_source`.
    """

    default: timedelta = DEFAULT_LATENESS
    by_source: Mapping[str, timedelta] = field(default_factory=lambda: _EMPTY)
    by_org: Mapping[str, Mapping[str, timedelta]] = field(default_factory=lambda: _EMPTY)

    def of(self, source: str, org: str = "") -> timedelta:
        """The lateness of `source`; an organisation's own setting wins over the general one."""
        own = self.by_org.get(org, _EMPTY).get(source)
        return own if own is not None else self.by_source.get(source, self.default)

    @property
    def longest(self) -> timedelta:
        """The longest of all, which bounds what must be kept."""
        own = [value for settings in self.by_org.values() for value in settings.values()]
        return max([self.default, *self.by_source.values(), *own])
