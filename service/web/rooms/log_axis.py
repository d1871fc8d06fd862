"""Where the time axis of the log's chart has its marks: round times, days by their date."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from auditlog.port import Bucket

#: Steps between two marks; each divides the day, or is whole days.
_STEPS = (
    *(timedelta(seconds=one) for one in (1, 5, 15, 30)),
    *(timedelta(minutes=one) for one in (1, 5, 10, 15, 30)),
    *(timedelta(hours=one) for one in (1, 2, 3, 6, 12)),
    *(timedelta(days=one) for one in (1, 2, 7, 14, 30, 90, 365)),
)
_MOST = 7
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def marks(bars: Sequence[Bucket], zone: ZoneInfo) -> dict[int, str]:
    """The bars at which a mark stands, with its words.

    A mark stands at the bar that holds a round time of the reader's clock. Midnight is written as
    its date (``05-14``), all else as a time; the first mark has its date before it, so that a
    chart without a midnight says its day as well.

    Args:
        bars: one behind the other, without gaps.
        zone: of the reader.
    """
    starts = [one.start for one in bars]
    span = bars[-1].end - bars[0].start
    step = next((one for one in _STEPS if span <= one * _MOST), _STEPS[-1])
    found: dict[int, str] = {}
    for at in _round_times(bars[0].start.astimezone(zone), bars[-1].end, step):
        place = bisect_right(starts, at) - 1
        found.setdefault(place, _words(at, step, first=not found))
    return found


def _round_times(first: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Round times of the wall clock from `first` to before `end`."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    at = day
    while at < end:
        if at >= first:
            yield at
        # Added on the wall clock: a day stays a day where clocks change.
        at += step


def _words(at: datetime, step: timedelta, *, first: bool) -> str:
    if at.hour == at.minute == at.second == 0:
        return f"{at:%Y-%m-%d}" if step >= 30 * _DAY else f"{at:%m-%d}"
    clock = f"{at:%H:%M:%S}" if step < _MINUTE else f"{at:%H:%M}"
    return f"{at:%m-%d} {clock}" if first else clock
