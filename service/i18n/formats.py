"""Figures, times and durations as a person reads them.

Signs are U+2212, units follow after a no-break space (−7,500 t), the use of a limit is written in
percent at any size (1,500 %). Yuan are shown whole (元) or, from one of it on, in the short
unit: 万元 in Chinese, millions in English.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from babel.dates import format_date

GAP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EM DASH}"
_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB", "xx": "en_GB"}
_WAN = Decimal(10_000)
_MILLION = Decimal(1_000_000)
_HOUR = 3600
_DAY = 86_400
_DURATION_WORDS = {
    "zh": ("秒", "分", "小时", "天"),
    "en": ("s", "min", "h", "d"),
    "xx": ("s", "min", "h", "d"),
}
# 分 alone also means cents and points; after hours or before seconds it can be nothing else.
_MINUTES_ALONE = {"zh": "分钟"}
_POINTS = {"zh": "个百分点", "en": "percentage points", "xx": "pp"}


@dataclass(frozen=True, slots=True)
class Format:
    """How figures look for one reader.

    Attributes:
        language: ``zh``, ``en`` or ``xx``.
        zone: the organisation's time zone.
        now: the service's clock when the page was made.
        money_unit: ``1`` whole amounts, ``10k`` short ones.
    """

    language: str
    zone: ZoneInfo
    now: datetime
    money_unit: str = "1"

    def number(self, value: Decimal | int | None, places: int | None = None) -> str:
        """A grouped number; `places` rounds half even, None keeps the digits that are there."""
        if value is None:
            return DASH
        # Decimal formats itself exactly at any size; both languages group by thousands.
        spec = ",f" if places is None else f",.{places}f"
        text = format(Decimal(value), spec)
        return text.replace("-", MINUS if text.strip("-0.,") else "")

    def quantity(
        self, value: Decimal | int | None, unit: str = "", places: int | None = None
    ) -> str:
        """A number with its unit, for example ``−7,500 t``."""
        if value is None:
            return DASH
        text = self.number(_plain(Decimal(value)), places)
        return f"{text}{GAP}{unit}" if unit else text

    def signed(self, value: Decimal | int | None, unit: str = "", places: int | None = None) -> str:
        """As `quantity`, with ``+`` before what is greater than zero."""
        text = self.quantity(value, unit, places)
        return f"+{text}" if value is not None and Decimal(value) > 0 else text

    def percent(self, ratio: Decimal | None, places: int = 0) -> str:
        """A ratio in percent: 0.96 is ``96 %``."""
        if ratio is None:
            return DASH
        return f"{self.number(ratio * 100, places)}{GAP}%"

    def use(self, ratio: Decimal | None) -> str:
        """The use of a limit, in percent at any size: 15 is ``1,500 %``."""
        return self.percent(ratio)

    def points(self, difference: Decimal | None) -> str:
        """The difference of two ratios, in percentage points: 13.8 is ``1,380 个百分点``."""
        if difference is None:
            return DASH
        return f"{self.number(difference * 100, 0)}{GAP}{_POINTS[self.language]}"

    def money(self, value: Decimal | None, currency: str = "CNY") -> str:
        """An amount: ``128.64 万元``, ``1,286,400.00 元``, ``CNY 1.29 m``, ``USD 1,286,400.00``.

        The short unit is for amounts of at least one of it: 38,800 yuan are no ``0.04 m``.
        """
        if value is None:
            return DASH
        scale = _WAN if self.language == "zh" else _MILLION
        short = self.money_unit == "10k" and currency == "CNY" and abs(value) >= scale
        if self.language == "zh" and currency == "CNY":
            text = self.number(value / _WAN if short else value, 2)
            return f"{text}{GAP}{'万元' if short else '元'}"
        text = self.number(value / _MILLION if short else value, 2)
        return f"{currency}{GAP}{text}{GAP + 'm' if short else ''}"

    def local(self, at: datetime) -> datetime:
        """`at` in the organisation's time zone."""
        return at.astimezone(self.zone)

    def time(self, at: datetime | None) -> str:
        """Hour, minute, second."""
        return DASH if at is None else self.local(at).strftime("%H:%M:%S")

    def minute(self, at: datetime | None) -> str:
        """Hour and minute, with the day before it when it is not today's."""
        if at is None:
            return DASH
        here = self.local(at)
        same_day = here.date() == self.local(self.now).date()
        return here.strftime("%H:%M" if same_day else "%m-%d %H:%M")

    def recent(self, at: datetime | None) -> str:
        """Hour, minute and second, with the day before it when it is not today's."""
        if at is None:
            return DASH
        here = self.local(at)
        same_day = here.date() == self.local(self.now).date()
        return here.strftime("%H:%M:%S" if same_day else "%m-%d %H:%M:%S")

    def moment(self, at: datetime | None) -> str:
        """Day and time to the second."""
        return DASH if at is None else self.local(at).strftime("%Y-%m-%d %H:%M:%S")

    def zoned(self, at: datetime) -> str:
        """Day and time to the second with the clock they are read on: … 18:56:38 UTC+8."""
        here = self.local(at)
        hours, minutes = divmod(int((here.utcoffset() or timedelta()).total_seconds()) // 60, 60)
        return f"{self.moment(at)} UTC{hours:+d}" + (f":{minutes:02d}" if minutes else "")

    def day(self, day: date | None) -> str:
        """A date as numbers, the same in both languages: 2026-11-23."""
        return DASH if day is None else day.isoformat()

    def long_day(self, day: date) -> str:
        """A date in words: 2026年11月23日, 23 November 2026."""
        text: str = format_date(day, format="long", locale=_LOCALES[self.language])
        return text

    def duration(self, span: timedelta | int | None) -> str:
        """A span in its two largest units: ``18 分钟``, ``1 小时 05 分``, ``1 h 05 min``."""
        if span is None:
            return DASH
        seconds = int(span.total_seconds()) if isinstance(span, timedelta) else span
        second, minute, hour, day = _DURATION_WORDS[self.language]
        if seconds < 0:
            return MINUS + self.duration(-seconds)
        if seconds < 60:  # noqa: PLR2004 - seconds of a minute
            return f"{seconds}{GAP}{second}"
        if seconds < _HOUR:
            alone = _MINUTES_ALONE.get(self.language, minute)
            return f"{seconds // 60}{GAP}{alone}"
        if seconds < _DAY:
            hours, rest = divmod(seconds // 60, 60)
            tail = f"{GAP}{rest:02d}{GAP}{minute}" if rest else ""
            return f"{hours}{GAP}{hour}{tail}"
        days, rest = divmod(seconds // _HOUR, 24)
        tail = f"{GAP}{rest}{GAP}{hour}" if rest else ""
        return f"{days}{GAP}{day}{tail}"

    def age(self, at: datetime | None) -> str:
        """How long ago `at` was."""
        return DASH if at is None else self.duration(max(self.now - at, timedelta()))

    def countdown(self, due: datetime) -> str:
        """What is left until `due`, in its two largest units: ``12 分 09 秒``, ``6 h 52 min``.

        Never as figures with a colon, which read as a time of the day. Without a sign when it is
        over. The page's clock (front/parts/clocks.js) writes the same.
        """
        second, minute, hour, day = _DURATION_WORDS[self.language]
        left = abs(int((due - self.now).total_seconds()))
        units = ((_DAY, day), (_HOUR, hour), (60, minute), (1, second))
        for (large, name), (small, next_name) in pairwise(units):
            if left >= large:
                rest = left % large // small
                return f"{left // large}{GAP}{name}{GAP}{rest:02d}{GAP}{next_name}"
        return f"{left}{GAP}{second}"

    @property
    def units(self) -> str:
        """The units of a countdown, largest first, for the page's clock."""
        return " ".join(reversed(_DURATION_WORDS[self.language]))


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent: 7500.000 is 7500."""
    text = format(value, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
