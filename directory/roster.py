"""Who is on call, and to whom a work order goes."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum

from directory.people import in_shift
from directory.roles import Role

_WEEK = 7


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
    """One person in place of the roster's, from `start` (inclusive) to `end` (exclusive)."""

    org: str
    role: Role
    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """A person who cannot be called from `start` (inclusive) to `end` (exclusive)."""

    person: str
    start: datetime
    end: datetime


class RoutingReason(StrEnum):
    """Why these people were chosen."""

    ROUTING_LIST = "ROUTING_LIST"
    ON_CALL = "ON_CALL"
    DEPUTY = "DEPUTY"
    OVERRIDE = "OVERRIDE"
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


def _shift_day(duty: Duty, at: datetime, timezone: tzinfo) -> date:
    """The day on which the shift that runs at `at` started."""
    local = at.astimezone(timezone)
    day = local.date()
    if duty.shift:
        start, _, end = duty.shift.partition("-")
        if end <= start and local.strftime("%H:%M") < end:
            return date.fromordinal(day.toordinal() - 1)
    return day


def people_of(duty: Duty, at: datetime, timezone: tzinfo) -> tuple[str, ...]:
    """Who has this duty at `at`, absences apart; nobody outside its hours and days."""
    if not duty.people or not in_shift(duty.shift, at, timezone):
        return ()
    day = _shift_day(duty, at, timezone)
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
