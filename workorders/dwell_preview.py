"""What a minimum dwell would have changed in the days before, from the crossings on record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, select

from workorders.flapping import Crossing
from workorders.levels import Level
from workorders.policy import Policy
from workorders.rows import CROSSINGS

#: The most that is looked back.
LONGEST = timedelta(days=90)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Episode:
    """A condition that stood at orange or worse.

    Attributes:
        condition: the key of the fact (`model.Clear.fact_key`).
        start, end: when; no end while it still stands.
        red_at: when it first was red in that time; None for never.
    """

    condition: str
    start: datetime
    end: datetime | None
    red_at: datetime | None = None

    def opens(self, dwell: timedelta, now: datetime) -> datetime | None:
        """When its order would open under that dwell; None when it fell (or may fall) before."""
        held = self.start + dwell
        over = now if self.end is None else self.end
        times = [at for at in (self.red_at, held if held <= over else None) if at is not None]
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class DwellPreview:
    """What would have been otherwise.

    Attributes:
        days: how far was looked back.
        episodes: how often a condition rose to orange or worse.
        unopened: those that would have opened no order (or not yet).
        later: those whose order would have opened later.
        gaps: times between two episodes of one condition in which closing would have been refused
            throughout.
        latest: the last of the unopened, newest first.
    """

    days: int
    episodes: int
    unopened: int
    later: int
    gaps: int
    latest: tuple[Episode, ...]


def dwell_preview(
    connection: Connection, policy: Policy, *, now: datetime, days: int = 30
) -> DwellPreview:
    """What `policy`'s dwells would have changed in the `days` (at most 90) before `now`."""
    c = CROSSINGS.c
    since = now - min(timedelta(days=days), LONGEST)
    found = connection.execute(
        select(c.condition, c.before, c.after, c.at)
        .where(c.at > since, c.at <= now)
        .order_by(c.condition, c.at, c.seq)
    )
    crossings = [Crossing(row.condition, "", row.before, row.after, row.at) for row in found]
    return foresee(crossings, policy, now=now, days=min(days, LONGEST.days))


def foresee(
    crossings: Iterable[Crossing], policy: Policy, *, now: datetime, days: int
) -> DwellPreview:
    """As `dwell_preview`, of crossings that stand in the order of condition and time."""
    dwell = timedelta(seconds=policy.open_dwell_s)
    clear = timedelta(seconds=policy.clear_dwell_s)
    episodes = later = gaps = 0
    unopened: list[Episode] = []
    for _, mine in groupby(crossings, key=lambda one: one.condition):
        before: Episode | None = None
        for one in episodes_of(mine):
            episodes += 1
            opens = one.opens(dwell, now)
            if opens is None:
                unopened.append(one)
            else:
                later += opens > one.start
            if before is not None and before.end is not None:
                gaps += one.start - before.end < clear
            before = one
    newest = sorted(unopened, key=lambda one: (one.start, one.condition), reverse=True)
    return DwellPreview(days, episodes, len(unopened), later, gaps, tuple(newest[:_SHOWN]))


def episodes_of(crossings: Iterable[Crossing]) -> Iterator[Episode]:
    """The episodes in one condition's crossings; one that began before them is left out."""
    start: datetime | None = None
    red: datetime | None = None
    condition = ""
    for one in crossings:
        condition = one.condition
        if start is None and not _grave(one.before) and _grave(one.after):
            start = one.at
        if start is None:
            continue
        if one.after == Level.RED.value and red is None:
            red = one.at
        if not _grave(one.after):
            yield Episode(condition, start, one.at, red)
            start = red = None
    if start is not None:
        yield Episode(condition, start, None, red)


def _grave(level: str) -> bool:
    return bool(level) and Level(level) >= Level.ORANGE
