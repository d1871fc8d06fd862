"""The alert budget: which findings become alerts, decided at once and never taken back.

Benjamini and Hochberg (1995) over the trailing 24 hours, one p-value per entity and cause: with n
events tested, the k smallest are raised when p₍ₖ₎ ≤ q·k/n. It is evaluated at every finding, so
nothing waits for a day's end; a finding that was too weak may be raised later by others beside it,
never withdrawn. The price rises: each alert spent halves q, and the last of the day's N slots is
kept for a case stronger than all before. Rules stand outside the budget, but are counted. After an
alert the same entity and cause stay quiet until the surprise rises by 30 % or 24 hours have passed.

Time is the findings' event time; the machine's clock is never read.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from detectors.protocol import CAP
from store.clock import parse_rfc3339, rfc3339

DAY: Final = timedelta(hours=24)
RISE: Final = 1.3
CANDIDATE: Final = 0.01
_SLICE_SECONDS: Final = 600


class Offer(NamedTuple):
    """A finding that asks to become an alert.

    Attributes:
        uid: the event.
        at: its event time.
        entity: whom or what it is about.
        cause: why.
        p_value: combined over the families; 0 for a rule.
    """

    uid: str
    at: datetime
    entity: str
    cause: str
    p_value: float

    @property
    def surprise(self) -> float:
        """−log10 p, at most 99."""
        return surprise_of(self.p_value)


class Raised(NamedTuple):
    """An alert of the last 24 hours."""

    at: datetime
    entity: str
    cause: str
    surprise: float
    hard: bool


@dataclass(slots=True)
class Tally:
    """Counts since the budget was made.

    Attributes:
        tested: events that were scored, rules left out.
        raised: alerts inside the budget.
        hard: alerts of rules.
        suppressed: findings about an entity and cause that had alerted.
        withheld: findings that only the price or the lack of a slot kept from alerting.
    """

    tested: int = 0
    raised: int = 0
    hard: int = 0
    suppressed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """The budget's terms.

    Attributes:
        q: the false-discovery rate aimed at, before any alert is spent.
        per_day: alerts in any 24 hours (N).
        per_entity: of them, about one entity: a flood by one account must not silence the rest.
        least_tests: n counts as at least this many, so that a quiet night is not cheap.
    """

    q: float = 0.1
    per_day: int = 5
    per_entity: int = 2
    least_tests: int = 1000


@dataclass(slots=True)
class AlertBudget:
    """The budget and its memory of the last 24 hours. Same offers, same answers."""

    policy: Policy = field(default_factory=Policy)
    tally: Tally = field(default_factory=Tally)
    clock: datetime | None = None
    _tests: deque[tuple[int, int]] = field(default_factory=deque)
    _in_window: int = 0
    _waiting: dict[tuple[str, str], Offer] = field(default_factory=dict)
    _alerts: deque[Raised] = field(default_factory=deque)

    def offer(self, one: Offer) -> list[Offer]:
        """One scored event; gives the offers, this and earlier ones, that are alerts now."""
        at = self._advance(one.at)
        if one.p_value == 0.0:
            return self._hard(one, at)
        self._count(at)
        if not one.p_value <= CANDIDATE:
            return []
        key = (one.entity, one.cause)
        if self._quiet(key, one.surprise):
            self.tally.suppressed += 1
            return []
        known = self._waiting.get(key)
        if known is not None and known.p_value <= one.p_value:
            return []
        self._waiting.pop(key, None)  # the youngest stands last, so that the old leave in front
        self._waiting[key] = one
        raised = self._spend(at)
        if one not in raised and one.p_value <= self._line(self.policy.q):
            self.tally.withheld += 1
        return raised

    def passed(self, at: datetime) -> None:
        """An event that was tested and is far from standing out."""
        self._count(self._advance(at))

    @property
    def waiting(self) -> tuple[str, ...]:
        """The events that may still be raised."""
        return tuple(offer.uid for offer in self._waiting.values())

    @property
    def spent(self) -> int:
        """Alerts inside the budget in the last 24 hours."""
        return sum(not alert.hard for alert in self._alerts)

    def line(self) -> float:
        """The p-value at or below which a waiting finding is an alert now; 0 for none."""
        return self._line(self.policy.q * 0.5**self.spent)

    def _line(self, q: float) -> float:
        n = max(self.policy.least_tests, self._in_window)
        known = [offer.p_value for offer in self._waiting.values()]
        known += [10.0**-alert.surprise for alert in self._alerts if not alert.hard]
        line = 0.0
        for rank, p_value in enumerate(sorted(known), start=1):
            if p_value <= q * rank / n:
                line = q * rank / n
        return line

    def as_dict(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {
            "policy": asdict(self.policy),
            "tally": asdict(self.tally),
            "clock": None if self.clock is None else rfc3339(self.clock),
            "tests": [list(one) for one in self._tests],
            "waiting": [[o.uid, rfc3339(o.at), *o[2:]] for o in self._waiting.values()],
            "alerts": [[rfc3339(alert.at), *alert[1:]] for alert in self._alerts],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The budget that gave this state; it goes on as that one would."""
        waiting = [Offer(o[0], parse_rfc3339(o[1]), *o[2:]) for o in state["waiting"]]
        tests = deque((int(at), int(count)) for at, count in state["tests"])
        return cls(
            Policy(**state["policy"]),
            Tally(**state["tally"]),
            None if state["clock"] is None else parse_rfc3339(state["clock"]),
            tests,
            sum(count for _, count in tests),
            {(offer.entity, offer.cause): offer for offer in waiting},
            deque(Raised(parse_rfc3339(a[0]), *a[1:]) for a in state["alerts"]),
        )

    # --- inside ---------------------------------------------------------------------------------

    def _advance(self, at: datetime) -> datetime:
        """Event time never goes back: a late event is decided at the latest time seen."""
        if self.clock is not None and at <= self.clock:
            return self.clock
        self.clock = at
        since = at - DAY
        while self._alerts and self._alerts[0].at <= since:
            self._alerts.popleft()
        oldest = since.timestamp()
        while self._tests and self._tests[0][0] <= oldest - _SLICE_SECONDS:
            self._in_window -= self._tests.popleft()[1]
        while self._waiting and next(iter(self._waiting.values())).at <= since:
            del self._waiting[next(iter(self._waiting))]
        return at

    def _count(self, at: datetime) -> None:
        start = int(at.timestamp()) // _SLICE_SECONDS * _SLICE_SECONDS
        if self._tests and self._tests[-1][0] == start:
            self._tests[-1] = (start, self._tests[-1][1] + 1)
        else:
            self._tests.append((start, 1))
        self._in_window += 1
        self.tally.tested += 1

    def _hard(self, one: Offer, at: datetime) -> list[Offer]:
        if self._quiet((one.entity, one.cause), one.surprise):
            self.tally.suppressed += 1
            return []
        self._alerts.append(Raised(at, one.entity, one.cause, one.surprise, hard=True))
        self.tally.hard += 1
        return [one]

    def _quiet(self, key: tuple[str, str], surprise: float) -> bool:
        """Whether an alert of the last 24 hours said this already, not much weaker."""
        return any(
            (alert.entity, alert.cause) == key and surprise < RISE * alert.surprise
            for alert in self._alerts
        )

    def _spend(self, at: datetime) -> list[Offer]:
        """Raise what lies at or below the line, strongest first, while slots last."""
        raised: list[Offer] = []
        while eligible := [one for one in self._waiting.values() if self._may_speak(one.entity)]:
            best = min(eligible, key=lambda offer: (offer.p_value, offer.uid))
            if best.p_value > self.line() or not self._has_slot(best):
                break
            del self._waiting[best.entity, best.cause]
            alert = Raised(at, best.entity, best.cause, best.surprise, hard=False)
            self._alerts.append(alert)
            self.tally.raised += 1
            raised.append(best)
        return raised

    def _may_speak(self, entity: str) -> bool:
        """Whether fewer than its share of the last 24 hours' alerts are about the entity."""
        told = sum(alert.entity == entity and not alert.hard for alert in self._alerts)
        return told < self.policy.per_entity

    def _has_slot(self, offer: Offer) -> bool:
        """The last slot is for a case stronger than every alert of the last 24 hours."""
        left = self.policy.per_day - self.spent
        if left > 1:
            return True
        before = max((alert.surprise for alert in self._alerts if not alert.hard), default=0.0)
        return left == 1 and offer.surprise > before


def surprise_of(p_value: float) -> float:
    """−log10 p between 0 and the cap."""
    return float(CAP) if p_value <= 0.0 else min(float(CAP), max(0.0, -math.log10(p_value)))
