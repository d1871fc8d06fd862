"""The days of a roster: stretches of coverage cut at midnight, week by week."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from directory import Stretch

WEEK: Final = 7
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole weeks that are shown; `first` and `last` bound what is meant (a week or a month)."""

    view: str
    first: date
    last: date

    @property
    def start(self) -> date:
        """The Monday on or before the first day."""
        return self.first - timedelta(days=self.first.weekday())

    @property
    def end(self) -> date:
        """The Monday after the last day."""
        return self.last + timedelta(days=WEEK - self.last.weekday())

    @property
    def weeks(self) -> list[list[date]]:
        """The days, seven a week."""
        count = (self.end - self.start).days // WEEK
        return [
            [self.start + timedelta(days=WEEK * week + day) for day in range(WEEK)]
            for week in range(count)
        ]

    def beside(self, step: int) -> date:
        """A day of the span before (-1) or after (1)."""
        return self.last + DAY if step > 0 else self.first - DAY


def span_of(view: str, day: date) -> Span:
    """The week (Monday to Sunday) or the month of a day."""
    if view == "month":
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
        return Span("month", first, after - DAY)
    monday = day - timedelta(days=day.weekday())
    return Span("week", monday, monday + timedelta(days=WEEK - 1))


def midnight(day: date, zone: tzinfo) -> datetime:
    """When the day begins on the clock of `zone`."""
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True)
class Part:
    """What of a stretch lies on one day; None for the day's own beginning or end."""

    stretch: Stretch
    start: datetime | None
    end: datetime | None


def parts_of(stretches: Sequence[Stretch], day: date, zone: tzinfo) -> list[Part]:
    """The stretches of one day, each cut to it."""
    begins, ends = midnight(day, zone), midnight(day + DAY, zone)
    return [
        Part(
            one,
            one.start if one.start > begins else None,
            one.end if one.end < ends else None,
        )
        for one in stretches
        if one.start < ends and one.end > begins
    ]


def clock(at: datetime | None, local: Callable[[datetime], datetime]) -> str:
    """A time of the day without seconds; empty for none."""
    return "" if at is None else f"{local(at):%H:%M}"
