"""What stands in the address of a page: a value that cannot be meant is told, never passed over."""

from collections.abc import Collection
from datetime import datetime

from service.moments import SPAN, ahead_of, in_utc
from service.web.rooms.here import Here
from service.web.rooms.log_search import moment
from store.problems import Problem, did_you_mean, shorten

_AS = "2026-11-22T09:30"


class NotMeant(Exception):  # noqa: N818 - what it is
    """The address asks for something that there cannot be; its page is shown without that.

    Attributes:
        name: of the value in the address.
        problem: what stood there and what is allowed.
    """

    def __init__(self, name: str, problem: Problem) -> None:
        super().__init__(name)
        self.name = name
        self.problem = problem


def moment_asked(here: Here, name: str, text: str, *, past: bool = False) -> datetime | None:
    """A time of the address; one without an offset is on the reader's clock; None for no text.

    Args:
        here: the reader.
        name: of the value in the address.
        text: as it stands there.
        past: whether the time must have come.

    Raises:
        NotMeant: it is no time, lies beyond the calendar, or has not come yet.
    """
    if not text:
        return None
    found = moment(here, text)
    if found is None:
        raise NotMeant(name, Problem("TIME_UNREAD", field=name, found=shorten(text), allowed=_AS))
    at = in_utc(found)
    if at is None:
        wrong = Problem("TIME_OUT_OF_RANGE", field=name, found=shorten(text), allowed=SPAN)
        raise NotMeant(name, wrong)
    if past and ahead_of(at, here.now):
        allowed = f"≤ {here.reader.format.moment(here.now)}"
        raise NotMeant(
            name, Problem("TIME_AHEAD", field=name, found=shorten(text), allowed=allowed)
        )
    return found


def in_order(since: datetime | None, until: datetime | None, *, name: str, text: str) -> None:
    """A span begins before it ends.

    Args:
        since: its beginning; None leaves it open.
        until: its end; None leaves it open.
        name: of the end in the address, under which the fault is told.
        text: the end as it stands there.

    Raises:
        NotMeant: the end lies before the beginning.
    """
    if since is not None and until is not None and until < since:
        allowed = f"≥ {since:%Y-%m-%d %H:%M}"
        raise NotMeant(name, Problem("SPAN_REVERSED", field=name, found=text, allowed=allowed))


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """A value of the address that is one of `allowed`, or empty.

    Raises:
        NotMeant: it is none of them.
    """
    if value and value not in allowed:
        wrong = Problem(
            "INPUT_CHOICE",
            field=name,
            found=shorten(value),
            allowed=", ".join(allowed),
            hint=did_you_mean(value, list(allowed)),
        )
        raise NotMeant(name, wrong)
    return value
