"""What a chat's server answers over HTTP, read without trust in it."""

from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from workorders.errors import ChannelRetry

#: How long to wait when the other side is in trouble and says no figure.
BACK_OFF_S = 15
TOO_MANY = 429
SERVER_FAULT = 500
#: Longer than this nobody is kept waiting, whatever a header says.
_LONGEST_S = 3600


class Answered(Protocol):
    """An answer of whichever HTTP client."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, in whatever case they are asked for."""


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """The object in an answer; an empty one when it holds none."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def wait_asked(answer: Answered, header: str = "retry-after") -> int:
    """The seconds that a header asks for, an hour at most; `BACK_OFF_S` without a figure."""
    after = answer.headers.get(header, "")
    whole = after.isascii() and after.isdigit() and len(after) < 10  # noqa: PLR2004
    return min(int(after), _LONGEST_S) if whole and int(after) else BACK_OFF_S


def pass_over(answer: httpx.Response, known: bool, whose: str) -> None:  # noqa: FBT001 - a fact
    """Refuse what is no answer of the service's own.

    Args:
        answer: as it came.
        known: whether it is in the service's form.
        whose: the service, for the words.

    Raises:
        ChannelRetry: rate limit, outage, or something that stands in between (a proxy's own page).
    """
    if answer.status_code == TOO_MANY:
        raise ChannelRetry(wait_asked(answer), "rate limited")
    if answer.status_code >= SERVER_FAULT:
        raise ChannelRetry(BACK_OFF_S, f"HTTP {answer.status_code}")
    if not known:
        raise ChannelRetry(BACK_OFF_S, f"HTTP {answer.status_code}, no answer of {whose}'s")
