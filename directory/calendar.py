"""The trading calendar: trading days, sessions, and time counted on the session clock.

Times go in and come out as aware instants; the exchange's wall clock and time zone are inside.
Every answer that needs a year without a holiday table raises `UnknownYear`; none is guessed.
Half days are not modelled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from directory.errors import UnknownProduct, UnknownYear
from directory.organisation import ancestors
from directory.schedule import (
    Evening,
    Period,
    Schedule,
    parse_sessions,
    shipped_holidays,
    shipped_schedules,
)
from store.problems import did_you_mean

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_LONGEST_LEAD = 60


class TradingSession(NamedTuple):
    """One session of one trading day; `start` is inside, `end` is not. UTC instants."""

    trading_day: date
    start: datetime
    end: datetime
    evening: bool


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """When products trade. All methods take the product's code and an optional organisation path.

    An organisation's own session table (`with_sessions`) holds for it and everything beneath it;
    the nearest one up the tree wins, then the shipped table. The empty product stands for an
    organisation without one: the mainland exchanges' day sessions.

    Attributes:
        schedules: product → schedule.
        holidays: region → year → weekdays without trading.
        overrides: (organisation path, product) → schedule; an empty path is everybody's.
    """

    schedules: Mapping[str, Schedule] = field(default_factory=shipped_schedules)
    holidays: Mapping[str, Mapping[int, frozenset[date]]] = field(default_factory=shipped_holidays)
    overrides: Mapping[tuple[str, str], Schedule] = field(default_factory=dict)
    _days: dict[tuple[int, date], tuple[TradingSession, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    # --- building -------------------------------------------------------------------------------

    def with_year(self, region: str, year: int, days: Iterable[date]) -> "TradingCalendar":
        """This calendar, knowing that in `year` exactly these weekdays of `region` are holidays.

        Raises:
            ValueError: when a day lies in another year.
        """
        closed = frozenset(days)
        if any(day.year != year for day in closed):
            raise ValueError(f"a holiday lies outside {year}")
        years = {**self.holidays.get(region, {}), year: closed}
        return replace(self, holidays={**self.holidays, region: years}, _days={})

    def with_sessions(
        self, product: str, sessions: Sequence[str], org: str | None = None
    ) -> "TradingCalendar":
        """This calendar with `product` trading in `sessions` (``21:00-01:00``) under `org`.

        A product that the shipped table does not know follows the mainland exchanges.

        Raises:
            ValueError: when a session is malformed or two overlap.
        """
        base = self.schedules.get(product) or self.schedules[""]
        schedule = replace(
            base, product=product, periods=(Period(date.min, parse_sessions(sessions)),)
        )
        return replace(self, overrides={**self.overrides, (org or "", product): schedule}, _days={})

    def schedule(self, product: str, org: str = "") -> Schedule:
        """The schedule that holds for `product` at `org`.

        Raises:
            UnknownProduct: when neither an override nor the shipped table knows the product.
        """
        for node in (*ancestors(org), ""):
            found = self.overrides.get((node, product))
            if found is not None:
                return found
        shipped = self.schedules.get(product)
        if shipped is None:
            raise UnknownProduct(product, did_you_mean(product, filter(None, self.schedules)))
        return shipped

    # --- days -----------------------------------------------------------------------------------

    def is_trading_day(self, product: str, day: date, org: str = "") -> bool:
        """Whether the product's exchange trades on `day`.

        Raises:
            UnknownYear: when the year's holidays are not known.
        """
        return self._trades(self.schedule(product, org), day)

    def next_trading_day(self, product: str, day: date, org: str = "") -> date:
        """The first trading day after `day`."""
        schedule = self.schedule(product, org)
        day += _ONE_DAY
        while not self._trades(schedule, day):
            day += _ONE_DAY
        return day

    def previous_trading_day(self, product: str, day: date, org: str = "") -> date:
        """The last trading day before `day`."""
        schedule = self.schedule(product, org)
        day -= _ONE_DAY
        while not self._trades(schedule, day):
            day -= _ONE_DAY
        return day

    def trading_day(self, product: str, at: datetime, org: str = "") -> date:
        """The trading day to which an instant belongs; never falls as `at` grows.

        Inside a session and in the pauses between sessions of one trading day, that day (a night
        session belongs to the next trading day). Between two trading days, the earlier one until
        midnight of the exchange's clock, the later one from then on.
        """
        schedule = self.schedule(product, org)
        session = next(self._sessions_until(schedule, at))
        day = session.trading_day
        today = at.astimezone(schedule.timezone).date()
        begun = self._sessions_of(schedule, day)[0].start <= at
        if not begun and today < day and self._trades(schedule, today):
            return today
        return day

    # --- sessions -------------------------------------------------------------------------------

    def session_at(self, product: str, at: datetime, org: str = "") -> TradingSession | None:
        """The session that is running, or nothing."""
        session = next(self._sessions_until(self.schedule(product, org), at))
        return session if session.start <= at else None

    def is_open(self, product: str, at: datetime, org: str = "") -> bool:
        """Whether a session is running; a session's end is already closed."""
        return self.session_at(product, at, org) is not None

    def next_open(self, product: str, at: datetime, org: str = "") -> datetime:
        """The start of the first session that begins after `at`."""
        sessions = self._sessions_until(self.schedule(product, org), at)
        return next(session.start for session in sessions if session.start > at)

    def previous_close(self, product: str, at: datetime, org: str = "") -> datetime:
        """The end of the last session that had ended at `at`."""
        schedule = self.schedule(product, org)
        day = at.astimezone(schedule.timezone).date()
        running = next(self._sessions_until(schedule, at))
        day = max(day, running.trading_day)
        while True:
            if self._trades(schedule, day):
                ended = [s.end for s in self._sessions_of(schedule, day) if s.end <= at]
                if ended:
                    return ended[-1]
            day -= _ONE_DAY

    def end_of_session(
        self, product: str, at: datetime, org: str = "", following: int = 0
    ) -> datetime:
        """When the night or day trading that runs at `at`, or starts next, is over.

        Pauses do not end it: on a day with lunch it is the afternoon's close. `following` says how
        many further blocks of night or day trading to go on.
        """
        session = next(self._sessions_until(self.schedule(product, org), at))
        block = [
            other
            for other in self._sessions_of(self.schedule(product, org), session.trading_day)
            if other.evening == session.evening
        ]
        if following > 0:
            return self.end_of_session(product, block[-1].end, org, following - 1)
        return block[-1].end

    # --- the session clock ----------------------------------------------------------------------

    def open_time(
        self, product: str, a: datetime, b: datetime, org: str = "", lead_minutes: int = 0
    ) -> timedelta:
        """How long the market was open between two instants; zero when `b` is not after `a`."""
        total = timedelta()
        if b <= a:
            return total
        for start, end in self._stretches(self.schedule(product, org), a, lead_minutes):
            if start >= b:
                break
            total += min(end, b) - max(start, a)
            if end >= b:
                break
        return total

    def open_seconds(
        self, product: str, a: datetime, b: datetime, org: str = "", lead_minutes: int = 0
    ) -> int:
        """Whole seconds of `open_time`: the age of a price on the session clock."""
        return self.open_time(product, a, b, org, lead_minutes) // timedelta(seconds=1)

    def add_open_time(
        self,
        product: str,
        start: datetime,
        duration: timedelta,
        lead_minutes: int = 0,
        org: str = "",
    ) -> datetime:
        """The first instant at which `duration` of open time has passed since `start`.

        `lead_minutes` (at most 60) before each open count as open too.

        Raises:
            ValueError: when the duration is negative.
        """
        if duration < timedelta():
            raise ValueError("a duration on the session clock cannot be negative")
        left = duration
        if not left:
            return start
        for opens, closes in self._stretches(self.schedule(product, org), start, lead_minutes):
            begin = max(opens, start)
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        raise AssertionError("the walk over sessions has no end")

    # --- inside ---------------------------------------------------------------------------------

    def _trades(self, schedule: Schedule, day: date) -> bool:
        if day.weekday() >= _SATURDAY:
            return False
        closed = self.holidays.get(schedule.region, {}).get(day.year)
        if closed is None:
            raise UnknownYear(day.year, schedule.region)
        return day not in closed

    def _evening_of(self, schedule: Schedule, trading_day: date) -> date | None:
        """The date on which the evening session of `trading_day` begins, if there is one."""
        day = trading_day - _ONE_DAY
        if schedule.evening is Evening.PREVIOUS_CALENDAR_DAY:
            return day
        while day.weekday() >= _SATURDAY:
            day -= _ONE_DAY
        # A weekday without trading in between is a public holiday: no session on its eve.
        return day if self._trades(schedule, day) else None

    def _sessions_of(self, schedule: Schedule, trading_day: date) -> tuple[TradingSession, ...]:
        key = (id(schedule), trading_day)
        known = self._days.get(key)
        if known is not None:
            return known
        found: list[TradingSession] = []
        for times in schedule.sessions_on(trading_day):
            first = self._evening_of(schedule, trading_day) if times.evening else trading_day
            if first is not None:
                start = _instant(first, times.start, schedule.timezone)
                end = _instant(first, times.end, schedule.timezone)
                found.append(TradingSession(trading_day, start, end, times.evening))
        self._days[key] = tuple(found)
        return self._days[key]

    def _from_day(self, schedule: Schedule, day: date) -> Iterator[TradingSession]:
        while True:
            if self._trades(schedule, day):
                yield from self._sessions_of(schedule, day)
            day += _ONE_DAY

    def _sessions_until(self, schedule: Schedule, at: datetime) -> Iterator[TradingSession]:
        """The sessions that end after `at`, in order; endless until a year is unknown."""
        day = at.astimezone(schedule.timezone).date()
        if any(not s.evening and s.end > 24 * 60 for p in schedule.periods for s in p.sessions):
            day -= _ONE_DAY  # yesterday's last session may still run
        return (session for session in self._from_day(schedule, day) if session.end > at)

    def _stretches(
        self, schedule: Schedule, at: datetime, lead_minutes: int
    ) -> Iterator[tuple[datetime, datetime]]:
        """Open stretches that end after `at`, each begun `lead_minutes` early, none overlapping."""
        if not 0 <= lead_minutes <= _LONGEST_LEAD:
            raise ValueError(f"lead_minutes must lie between 0 and {_LONGEST_LEAD}")
        lead = timedelta(minutes=lead_minutes)
        before: datetime | None = None
        day = at.astimezone(schedule.timezone).date()
        # From the day before, so that the first lead cannot reach into a session that has ended.
        if (day - _ONE_DAY).year in self.holidays.get(schedule.region, {}):
            day -= _ONE_DAY
        for session in self._from_day(schedule, day):
            start = session.start - lead
            if before is not None:
                start = max(start, before)
            before = session.end
            if session.end > at:
                yield start, session.end


def _instant(day: date, minutes: int, timezone: ZoneInfo) -> datetime:
    days, minutes = divmod(minutes, 24 * 60)
    day += timedelta(days=days)
    hours, minutes = divmod(minutes, 60)
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=timezone)
    return local.astimezone(UTC)
