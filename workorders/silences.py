"""Silences (静默): what they cover, and for how long. Pure.

A silence names an organisation and whatever else narrows it down; it has an author, a reason and
an end. It covers red only when it names red, and then only after a second person confirmed it.
Nobody's silence covers what that person caused.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from store.clock import rfc3339
from workorders.levels import Level
from workorders.policy import Policy

_QUIET = (Level.ORANGE, Level.YELLOW, Level.BLUE)


class SilenceState(StrEnum):
    """Where one version of a silence stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Matchers:
    """What a silence covers; an empty field does not restrict, save for the levels.

    Attributes:
        org: path of the organisation; what lies below it is covered too. Never empty.
        levels: the colours; none named means all but red.
        person: whose cards; empty for everybody's.
    """

    org: str
    product: str = ""
    account: str = ""
    measure: str = ""
    rule: str = ""
    levels: tuple[Level, ...] = ()
    person: str = ""

    @property
    def covered(self) -> tuple[Level, ...]:
        """The colours that are covered."""
        return self.levels or _QUIET

    @property
    def names_red(self) -> bool:
        """Whether red is covered, which takes a second person."""
        return Level.RED in self.levels

    def as_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {**asdict(self), "levels": [level.value for level in self.levels]}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a silence is held against: an order or an alert, as far as silences can tell.

    Attributes:
        rules: the rules behind it. A silence of one rule leaves alone what another broke too.
        causers: people whose doing it is.
    """

    org: str
    level: Level
    product: str = ""
    account: str = ""
    measure: str = ""
    rules: frozenset[str] = frozenset()
    causers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Silence:
    """One version of a silence.

    Attributes:
        version: begins with 1; an edit makes the next.
        starts_at, ends_at: start included, end excluded.
        confirmed_by: the second person, for red.
    """

    id: str
    version: int
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    state: SilenceState
    created_at: datetime
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether it counts at `at`."""
        return self.state is SilenceState.ACTIVE and self.starts_at <= at < self.ends_at

    @property
    def signers(self) -> frozenset[str]:
        """Who answers for it."""
        return frozenset({self.author, self.confirmed_by} - {""})


def covers(matchers: Matchers, subject: Subject, person: str = "") -> bool:
    """Whether the matchers fit; a field that the subject lacks fits no matcher that names one.

    Args:
        matchers: of the silence.
        subject: the order or alert.
        person: whose card it is; empty asks about everybody's, which a silence for one does not
            cover.
    """
    under = subject.org == matchers.org or subject.org.startswith(f"{matchers.org}/")
    return (
        bool(matchers.org)
        and under
        and subject.level in matchers.covered
        and matchers.product in {"", subject.product}
        and matchers.account in {"", subject.account}
        and matchers.measure in {"", subject.measure}
        and (not matchers.rule or subject.rules == {matchers.rule})
        and matchers.person in {"", person}
    )


def silenced_by(
    silences: Iterable[Silence], subject: Subject, person: str, at: datetime
) -> Silence | None:
    """The silence that keeps this card to `person` back at `at`; the oldest of several."""
    fitting = (
        one
        for one in silences
        if one.in_force(at)
        and covers(one.matchers, subject, person)
        and not (one.signers & subject.causers)
    )
    return min(fitting, key=lambda one: (one.created_at, one.id), default=None)


@dataclass(frozen=True, slots=True)
class Wish:
    """A silence as somebody asks for it."""

    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a wish can be granted.

    Attributes:
        code: empty when it can; else ``NEEDS_REASON``, ``NEEDS_ORG``, ``SILENCE_ENDS_EARLY``,
            ``SILENCE_TOO_LONG``, ``OWN_BREACH``.
        params: what the sentence names.
    """

    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def judge(
    wish: Wish, *, now: datetime, policy: Policy, author: str, causers: Collection[str]
) -> Ruling:
    """Whether the silence may be made.

    Args:
        wish: what is asked for.
        now: the time of asking.
        policy: for the longest silence, counted from its start.
        author: who asks.
        causers: people whose doing is what the silence would keep quiet now.
    """
    if not wish.reason.strip():
        return Ruling("NEEDS_REASON")
    if not wish.matchers.org:
        return Ruling("NEEDS_ORG")
    if wish.ends_at <= max(now, wish.starts_at):
        return Ruling("SILENCE_ENDS_EARLY")
    latest = max(now, wish.starts_at) + timedelta(seconds=policy.silence_limit_s)
    if wish.ends_at > latest:
        return Ruling("SILENCE_TOO_LONG", {"until": rfc3339(latest)})
    if author in causers:
        return Ruling("OWN_BREACH", {"person": author})
    return Ruling()
