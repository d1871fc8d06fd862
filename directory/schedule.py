"""Session tables and exchange holidays as values, and the files that ship with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

_DAY = 24 * 60
_EVENING = 17 * 60
"""A session that starts at or after 17:00 is the evening session of the next trading day."""


class Evening(StrEnum):
    """On which evening the first session of a trading day begins."""

    PREVIOUS_TRADING_DAY = "previous_trading_day"
    PREVIOUS_CALENDAR_DAY = "previous_calendar_day"


class SessionTimes(NamedTuple):
    """One session in the exchange's wall-clock minutes.

    Attributes:
        start: minutes after midnight, 0 to 1439.
        end: minutes after the same midnight, exclusive; above 1440 when it crosses midnight.
    """

    start: int
    end: int

    @property
    def evening(self) -> bool:
        """Whether it belongs to the trading day after the one on which it starts."""
        return self.start >= _EVENING


class Period(NamedTuple):
    """The sessions of a product from one trading day on."""

    from_day: date
    sessions: tuple[SessionTimes, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When one product trades.

    Attributes:
        product: its code; empty for the default schedule.
        timezone: the exchange's time zone, in which the sessions are written.
        region: the holiday table it follows.
        evening: where its evening session begins.
        periods: dated session tables, the oldest first.
    """

    product: str
    exchange: str
    timezone: ZoneInfo
    region: str
    evening: Evening
    periods: tuple[Period, ...]

    def sessions_on(self, trading_day: date) -> tuple[SessionTimes, ...]:
        """The session times in force on `trading_day`; empty before the product was listed."""
        for period in reversed(self.periods):
            if period.from_day <= trading_day:
                return period.sessions
        return ()


def _minutes(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    if len(minutes) != 2 or not (hours + minutes).isdecimal():  # noqa: PLR2004 - two digits
        raise ValueError(f"{text!r} is no time of day")
    value = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or value >= _DAY:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text!r} is no time of day")
    return value


def parse_session(text: str) -> SessionTimes:
    """The session that ``21:00-01:00`` names; an end not after the start is on the next day.

    Raises:
        ValueError: when `text` is no pair of times of day.
    """
    start_text, dash, end_text = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no session such as 09:00-10:15")
    start, end = _minutes(start_text), _minutes(end_text)
    return SessionTimes(start, end if end > start else end + _DAY)


def parse_sessions(texts: Sequence[str]) -> tuple[SessionTimes, ...]:
    """The sessions of one trading day in the order in which they happen, evening first.

    Raises:
        ValueError: when a text is no session, or two sessions overlap.
    """

    def begins(session: SessionTimes) -> int:
        return session.start - _DAY if session.evening else session.start

    sessions = sorted((parse_session(text) for text in texts), key=begins)
    for earlier, later in pairwise(sessions):
        if begins(earlier) + earlier.end - earlier.start > begins(later):
            raise ValueError("sessions overlap")
    return tuple(sessions)


def _schedule(product: str, entry: Mapping[str, Any], table: Mapping[str, Any]) -> Schedule:
    exchange = table["exchanges"][entry["exchange"]]
    periods = [
        Period(
            row["from"],
            parse_sessions(
                [*table["days"][row["day"]], *([row["night"]] if row.get("night") else [])]
            ),
        )
        for row in entry["sessions"]
    ]
    return Schedule(
        product=product,
        exchange=entry["exchange"],
        timezone=ZoneInfo(exchange["timezone"]),
        region=exchange["holidays"],
        evening=Evening(exchange["evening"]),
        periods=tuple(sorted(periods)),
    )


def _read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(
        files("directory").joinpath(name).read_text(encoding="utf-8")
    )


@cache
def shipped_schedules() -> Mapping[str, Schedule]:
    """The schedules of `sessions.yaml`, by product; the empty product is the default.

    A product also stands under ``EXCHANGE.product``; where two exchanges use one code, the plain
    code is the first exchange's and the other has only the long form (``CBOT.SM``).
    """
    table = _read("sessions.yaml")
    schedules = {"": _schedule("", table["default"], table)}
    for key, entry in table["products"].items():
        product = key.rpartition(".")[2]
        schedule = _schedule(product, entry, table)
        schedules[f"{entry['exchange']}.{product}"] = schedule
        schedules[key] = schedule
    return schedules


@cache
def shipped_holidays() -> Mapping[str, Mapping[int, frozenset[date]]]:
    """The exchange holidays of `holidays.yaml`: region → year → weekdays without trading."""
    return {
        region: {year: frozenset(days) for year, days in years.items()}
        for region, years in _read("holidays.yaml")["regions"].items()
    }
