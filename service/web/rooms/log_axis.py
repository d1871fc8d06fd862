"""Where the time axis of the log's chart has its marks: its first bar, then round times."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from auditlog.port import Bucket

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
#: Steps between two marks of a short span; each divides the day, or is whole days.
_STEPS = (
    *(timedelta(seconds=one) for one in (1, 5, 15, 30)),
    *(timedelta(minutes=one) for one in (1, 5, 10, 15, 30)),
    *(timedelta(hours=one) for one in (1, 2, 3, 6, 12)),
    *(timedelta(days=one) for one in (1, 2, 7, 14)),
)
_WEEK = 7
#: Steps of a longer span, in months: marks stand at the first of a month.
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MOST = 7
_MONTH = timedelta(days=31)
#: A mark this near to the first one, as a share of the span, would be written over it.
_NEAR = 8


def marks(bars: Sequence[Bucket], zone: ZoneInfo) -> dict[int, str]:
    """The bars at which a mark stands, with its words.

    The first bar always says when the chart begins: its date, and its time where the marks are
    less than a day apart. Each further mark stands at the bar that holds a round time of the
    reader's clock: weeks begin on Monday, months on their first. Midnight is written as its date
    (``05-14``), all else as a time.

    Args:
        bars: one behind the other, without gaps.
        zone: of the reader.
    """
    starts = [one.start for one in bars]
    first, end = bars[0].start.astimezone(zone), bars[-1].end
    span = end - bars[0].start
    step = next((one for one in _STEPS if span <= one * _MOST), None)
    found, told = {0: _first_words(first, step)}, first.date()
    for at in _round_times(first, end, step):
        if (at - first) * _NEAR < span:
            continue
        words = _words(at, step)
        if at.date() != told and ":" in words:  # its midnight was too near to the first bar
            words = f"{at:%m-%d} {words}"
        told = at.date()
        found.setdefault(bisect_right(starts, at) - 1, words)
    return found


def _round_times(first: datetime, end: datetime, step: timedelta | None) -> Iterator[datetime]:
    """Round times of the wall clock after `first` and before `end`; by months without a step."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step is None:
        yield from _months(day, end)
        return
    if step.days >= _WEEK:
        day -= timedelta(days=day.weekday())
    at = day
    while at < end:
        if at > first:
            yield at
        # Added on the wall clock: a day stays a day where clocks change.
        at += step


def _months(day: datetime, end: datetime) -> Iterator[datetime]:
    step = next((one for one in _MONTHS if end - day <= _MONTH * one * _MOST), _MONTHS[-1])
    # Counted from January, so that quarters and half-years begin where they do in a calendar.
    number = (day.year * 12 + day.month - 1) // step * step + step
    while (at := day.replace(year=number // 12, month=number % 12 + 1, day=1)) < end:
        yield at
        number += step


def _words(at: datetime, step: timedelta | None) -> str:
    if step is None:
        return f"{at:%Y-%m-%d}"
    if at.hour == at.minute == at.second == 0:
        return f"{at:%m-%d}"
    return f"{at:%H:%M:%S}" if step < _MINUTE else f"{at:%H:%M}"


def _first_words(at: datetime, step: timedelta | None) -> str:
    if step is None:
        return f"{at:%Y-%m-%d}"
    day = f"{at:%m-%d}"
    clock = _words(at, step)
    return day if step >= _DAY or clock == day else f"{day} {clock}"
