"""值班表: who answers on which day, what changes it, and where nobody does."""

from dataclasses import dataclass
from datetime import date, datetime

from service.web.views.parts import Act, FormField, Link


@dataclass(frozen=True, slots=True)
class Watch:
    """A stretch of one day.

    Attributes:
        start, end: as the clock shows them; empty for the day's own beginning and end.
        people: who answers, each with the reason where it is not the roster itself.
        gap: whether the roster names nobody; then `people` are those beyond it.
        now: whether it runs at this moment.
    """

    start: str
    end: str
    people: tuple[str, ...]
    gap: bool = False
    now: bool = False


@dataclass(frozen=True, slots=True)
class RosterDay:
    """One day of the calendar; `outside` for days of the neighbouring months."""

    day: date
    watches: tuple[Watch, ...]
    today: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True)
class RosterCalendar:
    """One roster: a unit's role with its people, week by week."""

    unit: str
    role: str
    primary: str
    deputies: str
    weeks: tuple[tuple[RosterDay, ...], ...]


@dataclass(frozen=True, slots=True)
class RosterChange:
    """An override, swap or absence.

    Attributes:
        kind: ``override``, ``swap`` or ``absence``.
        text: who does what for whom; `note` by whom and why.
        state: ``open`` for a swap that waits for consent, else ``agreed``.
    """

    id: str
    kind: str
    text: str
    start: datetime
    end: datetime
    note: str
    state: str = "agreed"
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoAt:
    """The answer to "who is on call at"."""

    head: str
    people: tuple[str, ...]
    next_change: str
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReachWay:
    """One channel of a person, and what the last test call on it found.

    Attributes:
        channel: empty for somebody who has an address on none.
        status: words; `tone` is ``good``, ``note``, ``warn`` or ``bad``.
        why: why it failed, or is not sent yet.
        confirmed: when a test was last confirmed; `after` says how soon.
    """

    channel: str
    status: str
    tone: str
    why: str = ""
    confirmed: datetime | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class ReachPerson:
    """A person and all channels; `act` starts a test, None where the reader may not."""

    name: str
    unit: str
    ways: tuple[ReachWay, ...]
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class ReachPanel:
    """Test calls: the people of the coming `days`."""

    days: int
    people: tuple[ReachPerson, ...]


@dataclass(frozen=True, slots=True)
class RosterPage:
    """The page.

    Attributes:
        period: the days shown, in words.
        views: week and month.
        faults: what does not fit together, a sentence each.
        who_fields: of the form that asks who answers at a time; `who` its answer.
        acts: override, absence, swap.
        reach: test calls; None leaves the panel out.
    """

    period: str
    views: tuple[Link, ...]
    previous_url: str
    next_url: str
    today_url: str
    calendars: tuple[RosterCalendar, ...]
    faults: tuple[str, ...]
    changes: tuple[RosterChange, ...]
    who_fields: tuple[FormField, ...]
    who: WhoAt | None
    acts: tuple[Act, ...]
    reach: ReachPanel | None = None
