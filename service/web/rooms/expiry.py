"""Last trading days of contracts, where the exchange's rule is known. Pure.

Rules as the exchanges publish them for the delivery month: the 15th or the next trading day
(上期所 and 能源中心 unless named), the last trading day of the month before (原油, 燃料油,
低硫燃料油), the tenth trading day (郑商所, 大商所, 广期所 unless named), the fourth last trading
day (鸡蛋, 生猪, 乙二醇, 苯乙烯, 液化石油气). Anything else is not known and gives nothing.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from directory.calendar import TradingCalendar
from directory.errors import DirectoryError

_FIFTEENTH = frozenset(
    "cu al zn pb ni sn ss rb wr hc ru sp au ag bu br ao nr bc".split()  # noqa: SIM905 - a list
)
_MONTH_BEFORE = frozenset({"sc", "fu", "lu"})
_TENTH = frozenset(
    [
        "AP",
        "CF",
        "CJ",
        "CY",
        "FG",
        "MA",
        "OI",
        "PF",
        "PK",
        "PX",
        "RM",
        "RS",
        "SA",
        "SF",
        "SH",
        "SM",
        "SR",
        "TA",
        "UR",
        "a",
        "b",
        "m",
        "y",
        "p",
        "c",
        "cs",
        "i",
        "j",
        "jm",
        "l",
        "v",
        "pp",
        "rr",
        "fb",
        "bb",
        "si",
        "lc",
    ]
)
_FOURTH_LAST = frozenset({"jd", "lh", "eg", "eb", "pg"})
_DAY = timedelta(days=1)
_AFTERNOON = time(16, 30)


def last_trading_day(
    calendar: TradingCalendar, product: str, month: str, org: str = ""
) -> date | None:
    """The last trading day of ``product`` for delivery in ``YYMM``; None when not known."""
    if len(month) != 4 or not month.isdigit():  # noqa: PLR2004 - YYMM
        return None
    try:
        first = date(2000 + int(month[:2]), int(month[2:]), 1)
        if product in _MONTH_BEFORE:
            return calendar.previous_trading_day(product, first, org)
        if product in _FIFTEENTH:
            fifteenth = first.replace(day=15)
            return calendar.next_trading_day(product, fifteenth - _DAY, org)
        days = list(_days_of(calendar, product, first, org))
        if product in _TENTH:
            return days[9]
        return days[-4] if product in _FOURTH_LAST else None
    except (DirectoryError, ValueError, IndexError):
        return None


def _days_of(calendar: TradingCalendar, product: str, first: date, org: str) -> Iterator[date]:
    day = first
    while day.month == first.month:
        if calendar.is_trading_day(product, day, org):
            yield day
        day += _DAY


def without_night(
    calendar: TradingCalendar, product: str, first: date, days: int, org: str = ""
) -> list[date]:
    """The trading days from `first` on whose evening has no session although others have one.

    Before a holiday the exchanges leave the night session out.
    """
    try:
        found = [
            day
            for day in (first + _DAY * number for number in range(days))
            if calendar.is_trading_day(product, day, org)
        ]
        usual = any(
            _has_night(calendar, product, first - _DAY * back, org) for back in range(1, 11)
        )
        return [day for day in found if usual and not _has_night(calendar, product, day, org)]
    except DirectoryError:
        return []


def _has_night(calendar: TradingCalendar, product: str, day: date, org: str) -> bool:
    """Whether a night session begins on that evening."""
    zone = calendar.schedule(product, org).timezone
    afternoon = datetime.combine(day, _AFTERNOON, zone)
    return calendar.next_open(product, afternoon, org).astimezone(zone).date() == day
