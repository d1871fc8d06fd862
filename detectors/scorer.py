"""The scorer: events in, anomalies out.

For every event each family gives a calibrated p-value; the strongest evidence stands, corrected for
the number of families, 1 − (1 − min p)^K. What the alert budget lets through becomes an `Anomaly`.
The scorer remembers (previous types, windows, documents, budget); replaying the same events into a
new one gives the same memory. Events delivered again, because the transaction that took them
failed, change nothing and bring the same anomalies again.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import numpy as np

from auditlog.events import Event, EventKind
from detectors.budget import CANDIDATE, AlertBudget, Offer, surprise_of
from detectors.conformance import ABOUT_OBJECT
from detectors.explain import ABSENT
from detectors.features import History, Lookups
from detectors.models import ModelSet
from detectors.protocol import CAP, CellView, Explanation, Score
from detectors.training import by_event_time
from store.clock import rfc3339

_SCALE = Decimal("0.0001")
_NOW = timedelta(0)
REMEMBERED = 100_000
"""So many events back a repeated delivery is recognised."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An event that stands out enough to be told.

    Attributes:
        event: the event.
        org: its organisation.
        product: its commodity; ``""`` for none.
        actor: who acted.
        family: the kind of evidence that was strongest.
        detector: the detector's name.
        cause: a rule's code, or the field or number that decided.
        surprise: −log10 p over all families; scale 4, half even, at most 99.
        hard: whether a rule found it, outside the budget.
        explanation: why.
        model: id of the model set.
    """

    event: Event
    org: str
    product: str
    actor: str
    family: str
    detector: str
    cause: str
    surprise: Decimal
    hard: bool
    explanation: Explanation
    model: str

    @property
    def event_uid(self) -> str:
        """The event's identity."""
        return self.event.uid

    def fact(self) -> dict[str, Any]:
        """The fact of kind ``anomaly``; empty fields left out."""
        names = ("org", "product", "actor", "family", "detector", "cause", "surprise")
        fact = {name: getattr(self, name) for name in names}
        return {name: value for name, value in fact.items() if value != ""}


class _Case(NamedTuple):
    """A finding that is, or may yet become, an anomaly."""

    event: Event
    view: CellView
    detector: int
    score: Score
    p_value: float


class Scorer:
    """Scores events as they come.

    Args:
        models: the set in service.
        budget: of alerts; a fresh one when left out.
        lookups: people and calendars; `Lookups(role_of=…)` is the least.
        lateness: how long to wait in event time for events that arrive out of order. 0 scores at
            once, in the order of event time within each call.
    """

    def __init__(
        self,
        models: ModelSet,
        budget: AlertBudget | None = None,
        *,
        lookups: Lookups | None = None,
        lateness: timedelta = _NOW,
    ) -> None:
        self.models = models
        self.budget = budget or AlertBudget()
        self._history = History(lookups)
        self._lateness = lateness
        self._latest: datetime | None = None
        self._held: list[tuple[tuple[datetime, str, str], int, str, Event]] = []
        self._taken = 0
        self._seen: OrderedDict[str, list[Anomaly]] = OrderedDict()
        self._cases: dict[str, _Case] = {}

    def observe(self, events: Iterable[Event], *, now: datetime | None = None) -> list[Anomaly]:
        """The anomalies that these events bring, in the order in which they were decided.

        An anomaly may be about an event of an earlier call, when later ones made it stand out.

        Args:
            events: of the log; market events are passed over.
            now: with a `lateness`, events up to `now` less that are scored; without it the latest
                event time stands for it. Call with no events to let time pass.
        """
        again: list[Anomaly] = []
        first = ""
        for event in events:
            if event.kind is EventKind.MARKET:
                pass
            elif (uid := event.uid) in self._seen:
                again += self._seen[uid]
            else:
                first = first or uid
                self._seen[uid] = []
                self._taken += 1  # tells equal keys apart: events have no order of their own
                heapq.heappush(self._held, (by_event_time(event), self._taken, uid, event))
            if self._latest is None or event.event_time > self._latest:
                self._latest = event.event_time
        line = now or self._latest
        if line is None:
            return again
        ready: list[tuple[str, Event]] = []
        while self._held and self._held[0][0][0] <= line - self._lateness:
            ready.append(heapq.heappop(self._held)[2:])
        found = self._decide(ready) if ready else []
        if first:
            self._seen[first] = found
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return again + found

    def replay(self, events: Iterable[Event]) -> None:
        """Rebuild the memory from events of the past; nothing is told."""
        self.observe(events)

    def _decide(self, ready: Sequence[tuple[str, Event]]) -> list[Anomaly]:
        views = [self._history.view(event, uid) for uid, event in ready]
        scores, p_values = self.models.score(views)
        strongest = p_values.argmin(axis=0)
        combined = combine(p_values)
        out: list[Anomaly] = []
        for at, ((_, event), view) in enumerate(zip(ready, views, strict=True)):
            p_value = float(combined[at])
            if p_value > CANDIDATE:
                self.budget.passed(view.at)
                continue
            which = int(strongest[at])
            score = scores[which][at]
            case = _Case(event, view, which, score, p_value)
            self._cases[view.uid] = case
            offer = Offer(view.uid, view.at, entity_of(view, score), cause_of(score), p_value)
            for raised in self.budget.offer(offer):
                known = self._cases.get(raised.uid)
                if known is not None:
                    out.append(self._anomaly(known))
        waiting = set(self.budget.waiting)
        self._cases = {uid: case for uid, case in self._cases.items() if uid in waiting}
        return out

    def _anomaly(self, case: _Case) -> Anomaly:
        detector = self.models.detectors[case.detector]
        return Anomaly(
            event=case.event,
            org=case.view.org,
            product=case.view.product,
            actor=case.view.actor,
            family=detector.family.value,
            detector=detector.name,
            cause=cause_of(case.score),
            surprise=reported(case.p_value),
            hard=case.score.hard,
            explanation=told(detector.explain(case.view), case.view),
            model=self.models.id,
        )


def told(given: Explanation, view: CellView) -> Explanation:
    """The explanation with who, what and when in it and in its parts."""
    about = {
        "actor": view.actor or view.source,
        "role": view.role or ABSENT,
        "type": view.type,
        "at": rfc3339(view.at),
    }
    parts = tuple(Explanation(part.code, about | dict(part.params)) for part in given.parts)
    return Explanation(given.code, about | dict(given.params), parts)


def combine(p_values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[Any]]:
    """1 − (1 − min p)^K over the K rows; a 0 stays 0. Shape (families, events) to (events,)."""
    least = p_values.min(axis=0)
    with np.errstate(divide="ignore"):
        out: np.ndarray[Any, np.dtype[Any]] = -np.expm1(len(p_values) * np.log1p(-least))
    return out


def reported(p_value: float) -> Decimal:
    """−log10 p as rules read it: scale 4, half even, at most 99."""
    surprise = Decimal(CAP) if p_value <= 0.0 else Decimal(surprise_of(p_value))
    return surprise.quantize(_SCALE, ROUND_HALF_EVEN)


def cause_of(score: Score) -> str:
    """The rule's code, the number's name, or the field that was surprising."""
    return score.cause.partition("|")[0]


def entity_of(view: CellView, score: Score) -> str:
    """Whom an alert is about: the document for findings about one, else the actor."""
    if score.cause in ABOUT_OBJECT and view.object_key:
        return view.object_key
    return view.actor or view.source
