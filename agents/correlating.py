"""The correlations of a rulebook, live and in look-backs: facts in, matches out.

One `Correlations` serves one rulebook and one directory version; when either changes it is made
anew and filled from the log.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from agents.facts import Surroundings, event_fact, is_late, lateness_class
from agents.matching import match_of_correlation, object_type
from auditlog.events import Event, EventKind
from auditlog.port import StoredEvent, fact_row
from rules.binding import bind
from rules.correlator import Correlator
from rules.durable_child import Child
from rules.model import CorrelationRule, Mode
from rules.patterns import Correlation, Fact, Lateness, Status
from rules.proposer import ChildFault
from rules.rulebook import Rulebook
from rules.stateful import run_batch
from workorders.model import Match, ObjectDecision

KIND = "event"
_REPLICA = timedelta(seconds=900)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A correlation, and the match it makes unless it was withdrawn."""

    correlation: Correlation
    match: Match | None
    org: str


def lateness_of(around: Surroundings) -> Lateness:
    """The allowed lateness of every organisation's sources, as the directory has it."""
    by_org: dict[str, Mapping[str, timedelta]] = {}
    for path in around.directory.nodes:
        own = around.directory.settings(path).lateness_s
        by_org[path] = {source: timedelta(seconds=value) for source, value in own.items()}
    return Lateness(by_source={"replica": _REPLICA}, by_org=by_org)


def correlation_fact(
    event: Event, fields: Mapping[str, Any], rulebook: Rulebook, around: Surroundings
) -> Fact:
    """The fact that the stateful operators see; `fields` are those of `event_fact`."""
    encoded, _ = rulebook.schema.encode(KIND, fields)
    return Fact(
        uid=event.uid,
        kind=KIND,
        source=lateness_class(event, around),
        event_time=event.event_time,
        fields=encoded,
        arrival_time=event.arrival_time,
    )


class Correlations:
    """The live correlations of one rulebook.

    Args:
        rulebook: the rules in force.
        around: the directory, for the lateness of its sources.
        child: makes the process of durable_rules; None runs the reference alone.
        alone: rules that go on with the reference alone.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        around: Surroundings,
        *,
        child: Callable[[], Child] | None = Child,
        alone: Collection[str] = (),
    ) -> None:
        self._rulebook = rulebook
        self._around = around
        self._rules = {rule.id: rule for rule in rulebook.correlations}
        live = [bind(rule) for rule in rulebook.correlations if rule.heading.mode is Mode.LIVE]
        self._correlator = Correlator(
            live,
            lateness_of(around),
            use_child=child is not None,
            child=child() if child is not None else None,
            alone=alone,
        )

    def feed(self, facts: Iterable[Fact]) -> list[Told]:
        """Take facts in, in order of arrival."""
        return self._tell(self._correlator.feed(facts))

    def advance(self, now: datetime) -> list[Told]:
        """Decide what has become certain by `now`."""
        return self._tell(self._correlator.advance(now))

    def rebuild(self, facts: Iterable[Fact], until: datetime | None) -> list[Told]:
        """Fill the state from the log; what is told was perhaps recorded before the stop."""
        return self._tell(self._correlator.rebuild(facts, until))

    def fact(self, event: Event) -> Fact | None:
        """The fact of an event, if some correlation concerns itself with it."""
        found = correlation_fact(
            event, event_fact(event, self._around), self._rulebook, self._around
        )
        return found if self._correlator.concerns(found) else None

    def is_late(self, event: Event) -> bool:
        """Whether the event came too late to be judged live."""
        return is_late(event, self._around)

    def reach(self) -> timedelta:
        """How far back the log must be read to fill the state."""
        return self._correlator.reach()

    def next_due(self) -> datetime | None:
        """When `advance` may next decide something; None when nothing waits."""
        return self._correlator.next_due()

    def faults(self) -> list[ChildFault]:
        """Faults of the child since the last call."""
        return self._correlator.faults()

    def close(self) -> None:
        """End the child process."""
        self._correlator.close()

    def _tell(self, found: Sequence[Correlation]) -> list[Told]:
        return [told for one in found if (told := tell(one, self._rules, self._rulebook))]


def past_facts(history: Iterable[StoredEvent], correlations: Correlations) -> list[Fact]:
    """What correlations concern themselves with of the past, in order of arrival.

    Only that is kept in memory. An event that cannot be read was set aside when it came; it must
    not keep the others from being seen.
    """
    kept: list[tuple[int, Fact]] = []
    for one in history:
        if one.event.kind is EventKind.MARKET:
            continue
        try:
            fact = None if correlations.is_late(one.event) else correlations.fact(one.event)
        except Exception as fault:  # noqa: BLE001 - whatever it was
            _log.warning("event left out", event_id=one.event.event_id, fault=repr(fault))
            continue
        if fact is not None:
            kept.append((one.position, fact))
    kept.sort(key=lambda pair: pair[0])
    return [fact for _position, fact in kept]


def tell(
    found: Correlation,
    rules: Mapping[str, CorrelationRule],
    rulebook: Rulebook,
    batch_run: str = "",
) -> Told | None:
    """What a correlation says; None for one that only feeds others."""
    rule = rules[found.rule]
    if not rule.code or not rule.level:
        return None
    facts = [fact.fields for fact in found.facts]
    org = str(facts[-1].get("org", "")) if facts else str(found.key.get("org", ""))
    if found.status is Status.WITHDRAWN:
        return Told(found, None, org)
    decision = None
    if found.decision is not None:
        one = found.decision
        kind = object_type(one.object, facts)
        decision = ObjectDecision(kind, one.object, one.outcome, one.reason)
    row = fact_row(
        "correlation",
        {"uid": found.uid, "members": [fact.uid for fact in found.facts]},
        event_time=found.event_time,
        org=org,
    )
    match = match_of_correlation(
        found,
        rule,
        found.evidence,
        decision,
        facts_hash=row.hash,
        rulebook=rulebook.hash,
        batch_run=batch_run,
    )
    return Told(found, match, org)


def look_back(
    rulebook: Rulebook, events: Iterable[Event], around: Surroundings, batch_run: str
) -> list[Told]:
    """The batch correlations over a stretch of history, in event time."""
    rules = {rule.id: rule for rule in rulebook.correlations if rule.heading.mode is Mode.BATCH}
    facts = [
        correlation_fact(event, event_fact(event, around), rulebook, around) for event in events
    ]
    found = run_batch([bind(rule) for rule in rules.values()], facts)
    return [told for one in found if (told := tell(one, rules, rulebook, batch_run))]
