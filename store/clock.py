"""The clock port and the one form in which a time is written.

A clock is any callable that returns an aware UTC time. The demo and the tests hand in a simulated
one; nothing below `service/` asks the machine for the time.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; the fraction (microseconds) only when it is not zero.

    Raises:
        ValueError: when `at` carries no offset.
    """
    if at.tzinfo is None:
        raise ValueError("a time without an offset cannot be written")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class TimeBeyondCalendarError(ValueError):
    """A time that is written well and lies, in UTC, before the year 1 or after the year 9999."""


def parse_rfc3339(text: str) -> datetime:
    """The aware UTC time that `text` names.

    Raises:
        TimeBeyondCalendarError: when its offset takes it out of the calendar.
        ValueError: when `text` is no date and time, or carries no offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs an offset, such as Z or +08:00")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise TimeBeyondCalendarError(text) from error
