"""Who is on call, and to whom a work order goes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from directory.roles import Role
from directory.schedule import parse_session

_WEEK = 7
_DAY_MINUTES = 24 * 60


class Rotation(StrEnum):
    """How a duty passes from one of its people to the next."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Duty:
    """One line of the duty roster.

    Attributes:
        org: the node for which the duty stands.
        role: in which role.
        people: who takes it; with a rotation one after the other, else all of them.
        deputies: who takes it when none of them can.
        shift: hours ``20:00-08:00`` on the node's clock; empty for the whole day.
        weekdays: 1 Monday to 7 Sunday, of the day on which the shift starts; empty for all.
        from_day: first day, inclusive; the rotation counts from it.
        to_day: last day, inclusive.
        rotate: how the duty passes on.
    """

    org: str
    role: Role
    people: tuple[str, ...]
    deputies: tuple[str, ...] = ()
    shift: str = ""
    weekdays: tuple[int, ...] = ()
    from_day: date | None = None
    to_day: date | None = None
    rotate: Rotation = Rotation.NONE


@dataclass(frozen=True, slots=True)
class DutyOverride:
    """One person in place of the roster's, from `start` (inclusive) to `end` (exclusive).

    Attributes:
        instead_of: whose duty the person takes; empty for everybody's at this node and role.
        by: who decided it; empty when it came with the directory file.
        reason: why, in their words.
        id: names it in commands; empty when it came with the file.
    """

    org: str
    role: Role
    person: str
    start: datetime
    end: datetime
    instead_of: str = ""
    by: str = ""
    reason: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class SwapSide:
    """One half of a swap: `person` gives this period away; start inclusive, end exclusive."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Swap:
    """Two people exchange two shifts. Without effect until both agreed or a manager confirmed.

    Attributes:
        first, second: what each of them gives to the other.
        by: who proposed it.
        consents: who of the two agreed, in the order in which they did.
        confirmed_by: the third person who confirmed it in their place; empty for nobody.
    """

    id: str
    org: str
    role: Role
    first: SwapSide
    second: SwapSide
    by: str
    reason: str = ""
    consents: tuple[str, ...] = ()
    confirmed_by: str = ""

    @property
    def agreed(self) -> bool:
        """Whether it is in force: two people stand behind it, or a third who is neither."""
        both = {self.first.person, self.second.person}
        return both <= set(self.consents) or self.confirmed_by not in {"", self.by, *both}


@dataclass(frozen=True, slots=True)
class Absence:
    """A person who cannot be called from `start` (inclusive) to `end` (exclusive).

    Attributes:
        deputy: who answers in their place; empty leaves it to the roster.
        by, reason, id: as in `DutyOverride`.
    """

    person: str
    start: datetime
    end: datetime
    deputy: str = ""
    by: str = ""
    reason: str = ""
    id: str = ""


class RoutingReason(StrEnum):
    """Why these people were chosen."""

    ROUTING_LIST = "ROUTING_LIST"
    ON_CALL = "ON_CALL"
    DEPUTY = "DEPUTY"
    OVERRIDE = "OVERRIDE"
    SWAP = "SWAP"
    ROLE_HOLDERS = "ROLE_HOLDERS"
    LAST_RESORT = "LAST_RESORT"
    NOBODY = "NOBODY"


ROSTER_EMPTY = "ROSTER_EMPTY"
"""The report that nobody stood on the roster of a node whose order had to go somewhere."""


@dataclass(frozen=True, slots=True)
class OnCall:
    """The people who answer for a role at one node."""

    org: str
    role: Role
    people: tuple[str, ...]
    reason: RoutingReason


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a work order goes.

    Attributes:
        people: person ids, the first is asked first; empty only with ``NOBODY``.
        reason: why they were chosen.
        escalated_from: the node whose own roster had nobody, when the order went upward.
        reports: codes that the caller must raise as faults of the set-up (``ROSTER_EMPTY``).
    """

    people: tuple[str, ...]
    reason: RoutingReason
    escalated_from: str = ""
    reports: tuple[str, ...] = ()


def shift_on(duty: Duty, day: date, timezone: tzinfo) -> tuple[datetime, datetime]:
    """When the shift that starts on `day` begins (inclusive) and ends (exclusive), in UTC.

    A time of day that the change of clocks skips is taken as far behind the change; one that comes
    twice is the first. One shift's end is thereby always the next one's start.
    """
    start, end = parse_session(duty.shift) if duty.shift else (0, _DAY_MINUTES)
    return _instant(day, start, timezone), _instant(day, end, timezone)


def _instant(day: date, minutes: int, timezone: tzinfo) -> datetime:
    """A time of a day on the node's clock; what lies beyond the calendar is its nearest end."""
    try:
        local = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return local.replace(tzinfo=timezone).astimezone(UTC)
    except OverflowError:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if day.year == date.min.year else last


def shift_day(duty: Duty, at: datetime, timezone: tzinfo) -> date | None:
    """The day on which the shift that runs at `at` started; None outside its hours."""
    today = at.astimezone(timezone).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        start, end = shift_on(duty, day, timezone)
        if start <= at < end:
            return day
    return None


def people_of(duty: Duty, at: datetime, timezone: tzinfo) -> tuple[str, ...]:
    """Who has this duty at `at`, absences apart; nobody outside its hours and days."""
    day = shift_day(duty, at, timezone) if duty.people else None
    if day is None:
        return ()
    if (duty.from_day and day < duty.from_day) or (duty.to_day and day > duty.to_day):
        return ()
    if duty.weekdays and day.isoweekday() not in duty.weekdays:
        return ()
    if duty.rotate is Rotation.NONE:
        return duty.people
    start = duty.from_day or date(2024, 1, 1)  # a Monday, so that weeks change on Mondays
    passed = (day - start).days
    turn = passed if duty.rotate is Rotation.DAILY else passed // _WEEK
    return (duty.people[turn % len(duty.people)],)
