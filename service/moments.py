"""Times that a person or program names: which of them can be meant.

The book, the log and the trail keep every time between 1900 and 2199; what lies outside is a slip
of the hand, and would leave the range of a date once a time zone is applied. A look back cannot
end after now: nothing is known of what has not happened yet.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
SPAN: Final = "1900-01-01 … 2199-12-31"
#: A delivery month as the book writes it.
DELIVERY: Final = re.compile(r"\d\d(0[1-9]|1[0-2])|spot")
#: How far a caller's clock may run ahead of ours.
AHEAD: Final = timedelta(minutes=5)


def in_utc(given: datetime) -> datetime | None:
    """The moment in UTC; None when it lies outside the years that can be meant."""
    try:
        at = given.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return at if FIRST <= at < LAST else None


def ahead_of(at: datetime, now: datetime) -> bool:
    """Whether a moment of a look back has not come yet."""
    return at > now + AHEAD
