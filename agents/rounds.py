"""What one round of the watcher gathers, and the pieces in which it reads."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from agents.assessor import Scope, Trigger
from agents.facts import Surroundings
from agents.lookback import OpenRuns, Run
from agents.reading import Stand
from auditlog.events import Event
from auditlog.port import FactRow, StoredEvent
from rules.patterns import Fact
from rules.rulebook import Rulebook
from store import UnitOfWork
from workorders.ingest import Result
from workorders.model import Match


@dataclass(slots=True)
class Round:
    """What one transaction gathers.

    Attributes:
        stand: how far the log had been read before it.
        at: when the present lot arrived.
        matches: of the present lot, not yet handed over.
        scopes, runs, correlated: of the present lot: to assess, to look back, to correlate.
        facts: of the whole round, for the log.
        open_runs: the look-backs that an event of the round may concern.
        results, matched: what the handed over matches led to, and how many they were.
    """

    uow: UnitOfWork
    around: Surroundings
    rulebook: Rulebook
    stand: Stand
    at: datetime
    matches: list[Match] = field(default_factory=list)
    scopes: dict[Scope, Trigger] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    correlated: list[Fact] = field(default_factory=list)
    facts: dict[str, list[FactRow]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    matched: int = 0
    open_runs: OpenRuns = field(init=False)

    def __post_init__(self) -> None:
        """Look-backs are asked for in the round's own transaction."""
        self.open_runs = OpenRuns(self.uow)

    def touch(self, scope: Scope, event: Event) -> None:
        """Note that `scope` must be assessed because of `event`."""
        old = self.scopes.get(scope, Trigger(event.event_time))
        self.scopes[scope] = Trigger(
            max(old.at, event.event_time), (*old.event_ids, event.event_id)
        )

    def keep(self, kind: str, row: FactRow) -> None:
        """Note a fact for the log."""
        self.facts.setdefault(kind, []).append(row)


def parts_of(stored: Sequence[StoredEvent], alone: Collection[str]) -> list[list[StoredEvent]]:
    """Runs of events for one transaction each; one of the types `alone` stands by itself."""
    parts: list[list[StoredEvent]] = []
    new = True
    for one in stored:
        apart = one.event.type in alone
        if apart or new:
            parts.append([])
        parts[-1].append(one)
        new = apart
    return parts


def lots(part: Sequence[StoredEvent]) -> Iterator[tuple[datetime, list[StoredEvent]]]:
    """The events that arrived together, with the time at which they did."""
    for arrival, lot in groupby(part, key=lambda one: one.event.arrival_time):
        yield arrival, list(lot)
