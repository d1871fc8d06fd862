"""The policy of paging and deadlines; frozen into a work order when it opens."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import time, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson

from workorders.errors import BadPolicy
from workorders.levels import Level

#: In `LevelPolicy.rung_channels`: what comes after the last rung.
LAST_RESORT = "last_resort"
#: What two matters can have in common for one to inhibit the other.
INHIBIT_BY = frozenset({"org", "account", "product", "month", "measure"})


class ClockKind(StrEnum):
    """On which time a deadline runs.

    `WALL` always runs; `SESSION` only while the product trades; `SESSION_LEAD` also in the
    minutes before the next open.
    """

    WALL = "wall"
    SESSION = "session"
    SESSION_LEAD = "session_lead"


class ResolveBy(StrEnum):
    """How the resolve deadline is set."""

    MINUTES = "minutes"
    END_OF_SESSION = "end_of_session"
    END_OF_NEXT_SESSION = "end_of_next_session"


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """One colour.

    Attributes:
        step_minutes: between two rungs of the ladder; the first is the acknowledge deadline.
        rungs: rungs upwards before the last resort.
        resolve_by, resolve_minutes: the resolve deadline. Without a trading calendar (no product)
            the minutes count in every case.
        clock: the time on which both run.
        group_wait_s: seconds that the first notice waits for company.
        channels: names of the channels, all used at once; empty means the context's.
        rung_channels: by rung (``"0"`` is the first notice, `LAST_RESORT` what comes after the last
            rung) the channels used there in place of `channels`.
    """

    step_minutes: int
    rungs: int = 3
    resolve_by: ResolveBy = ResolveBy.MINUTES
    resolve_minutes: int = 120
    clock: ClockKind = ClockKind.WALL
    group_wait_s: int = 0
    channels: tuple[str, ...] = ()
    rung_channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.step_minutes < 1 or self.rungs < 0 or self.resolve_minutes < 1:
            raise BadPolicy("a step and a resolve time are at least one minute")
        if self.group_wait_s < 0:
            raise BadPolicy("a wait is not negative")
        if strange := set(self.rung_channels) - set(self.rung_names):
            raise BadPolicy("no rung of the ladder: " + ", ".join(sorted(strange)))
        if not all(self.rung_channels.values()):
            raise BadPolicy("a rung tells people on one channel at least")

    @property
    def rung_names(self) -> tuple[str, ...]:
        """The rungs as `rung_channels` names them, the last resort at the end."""
        return (*map(str, range(self.rungs + 1)), LAST_RESORT)

    def channels_at(self, rung: int) -> tuple[str, ...]:
        """The channels of a rung of the ladder; empty means the context's."""
        name = LAST_RESORT if rung > self.rungs else str(rung)
        return self.rung_channels.get(name, self.channels)


def _default_levels() -> Mapping[Level, LevelPolicy]:
    return {
        Level.RED: LevelPolicy(step_minutes=5, resolve_minutes=30),
        Level.ORANGE: LevelPolicy(
            step_minutes=15, resolve_minutes=120, clock=ClockKind.SESSION_LEAD, group_wait_s=10
        ),
        Level.YELLOW: LevelPolicy(
            step_minutes=30,
            resolve_by=ResolveBy.END_OF_SESSION,
            resolve_minutes=480,
            clock=ClockKind.SESSION,
            group_wait_s=30,
        ),
        Level.BLUE: LevelPolicy(
            step_minutes=60,
            resolve_by=ResolveBy.END_OF_NEXT_SESSION,
            resolve_minutes=1440,
            clock=ClockKind.SESSION,
            group_wait_s=30,
        ),
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """All that an organisation may set about paging and deadlines.

    Attributes:
        lead_minutes: how long before an open the orange clock already runs.
        last_resort: people who are told when the ladder is climbed, again and again.
        group_interval_s: the tick of one order's notices, counted from its first one: new evidence
            waits for the next tick.
        repeat_interval_s: least time between notices about the same matches of one order; looked
            at in ticks only, so it is rounded up to the next.
        unanswered_after: how often the last resort is told before a matter counts as unanswered;
            from then on it is told once a day.
        cards_per_hour: cards per person and hour; red is never held back.
        cool_down_s: after closing, how long the same key re-fires without a new order.
        case_window_s: see `cases.WINDOW`.
        snooze_limit_s: the longest snooze.
        silence_limit_s: the longest silence.
        inhibit_equal: what a red order and a lighter one must have in common for the lighter to be
            quiet; where one of these is missing on either side they have nothing in common.
        flap_threshold: crossings within a day from which a condition is said to flap.
        open_dwell_s: how long a limit must stay at orange before that opens an order or raises one
            (`dwelling`); red never waits.
        clear_dwell_s: how long a limit must stay below orange before its order may be closed.
        review_time: until when (``HH:MM``) on the next trading day a second person closes a red
            order.
    """

    levels: Mapping[Level, LevelPolicy] = field(default_factory=_default_levels)
    lead_minutes: int = 30
    last_resort: tuple[str, ...] = ()
    group_interval_s: int = 300
    repeat_interval_s: int = 14_400
    unanswered_after: int = 6
    cards_per_hour: int = 20
    cool_down_s: int = 1_800
    case_window_s: int = 1_800
    snooze_limit_s: int = 14_400
    silence_limit_s: int = 604_800
    inhibit_equal: tuple[str, ...] = ("org", "account", "product", "measure")
    flap_threshold: int = 6
    open_dwell_s: int = 0
    clear_dwell_s: int = 0
    review_time: str = "10:00"

    def __post_init__(self) -> None:
        if min(self.group_interval_s, self.repeat_interval_s, self.silence_limit_s) < 1:
            raise BadPolicy("an interval and the longest silence are at least one second")
        if min(self.open_dwell_s, self.clear_dwell_s) < 0:
            raise BadPolicy("a dwell is not negative")
        if self.unanswered_after < 1:
            raise BadPolicy("the last resort is told at least once")
        if not self.inhibit_equal or not set(self.inhibit_equal) <= INHIBIT_BY:
            raise BadPolicy("inhibition compares " + ", ".join(sorted(INHIBIT_BY)))
        time.fromisoformat(self.review_time)

    @property
    def repeat_interval(self) -> timedelta:
        """Least time between notices about the same matches."""
        return timedelta(seconds=self.repeat_interval_s)

    def as_json(self) -> dict[str, Any]:
        """The policy as a JSON object, as it is frozen into an order."""
        data = {name: _plain(getattr(self, name)) for name in _FIELDS}
        data["levels"] = {
            level.value: {name: _plain(getattr(one, name)) for name in _LEVEL_FIELDS}
            for level, one in self.levels.items()
        }
        return data


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {name: list(channels) for name, channels in value.items()}
    return value.value if isinstance(value, StrEnum) else value


_FIELDS = tuple(one.name for one in fields(Policy) if one.name != "levels")
_LEVEL_FIELDS = tuple(one.name for one in fields(LevelPolicy))


def policy_from_json(data: Mapping[str, Any]) -> Policy:
    """The policy that `Policy.as_json` wrote; missing parts take the defaults.

    Raises:
        BadPolicy: for an unknown field or a value that cannot be meant.
    """
    try:
        written = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise BadPolicy(str(error)) from error
    return _read(written)


# The same few policies stand in thousands of orders.
@lru_cache(maxsize=64)
def _read(written: bytes) -> Policy:
    try:
        found = orjson.loads(written)
        levels = dict(_default_levels())
        for name, values in dict(found.pop("levels", {})).items():
            given = dict(values)
            given["channels"] = tuple(given.get("channels", ()))
            by_rung = dict(given.get("rung_channels", {}))
            given["rung_channels"] = {rung: tuple(named) for rung, named in by_rung.items()}
            for key, kind in (("clock", ClockKind), ("resolve_by", ResolveBy)):
                if key in given:
                    given[key] = kind(given[key])
            levels[Level(name)] = LevelPolicy(**given)
        for name in ("last_resort", "inhibit_equal"):
            if name in found:
                found[name] = tuple(found[name])
        return Policy(levels=MappingProxyType(levels), **found)
    except (TypeError, ValueError) as error:
        raise BadPolicy(str(error)) from error
