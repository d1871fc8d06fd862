"""What a row is read against: organisations, products, units, the calendar, the clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from difflib import get_close_matches
from functools import cached_property
from zoneinfo import ZoneInfo

from book.errors import BookError
from book.products import SpecBook, shipped_specs
from book.units import UnitTable, shipped_units
from directory import Directory
from directory.calendar import TradingCalendar
from directory.errors import UnknownProduct, UnknownYear
from store.problems import did_you_mean

_NOON = time(12)
_SHOWN = 5
_FOUND_MOST = 80
_CLOSE = time(15)


@dataclass(frozen=True)
class Terms:
    """The terms of one reading.

    Attributes:
        now: the clock's time; also the day for specifications.
        directory: an empty one accepts every organisation.
        specs: contract specifications, the company's own among them.
        units: conversions, the company's own among them.
        zone: the clock of times without an offset; None takes the organisation's.
        as_of: since when rows that say nothing are true; None for the time of the import.
        names: names of products in small letters → their code; they are suggested, never taken.
        decimal: the decimal sign that is agreed, ``.`` or ``,``; empty: none is, and a number that
            can be read with either is refused.
    """

    now: datetime
    directory: Directory = field(default_factory=Directory)
    specs: SpecBook = field(default_factory=shipped_specs)
    units: UnitTable = field(default_factory=shipped_units)
    zone: tzinfo | None = None
    as_of: datetime | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""

    @cached_property
    def _day(self) -> date:
        return self.now.date()

    @cached_property
    def _organisations(self) -> tuple[str, ...]:
        return tuple(self.directory.nodes)

    @cached_property
    def _calendar(self) -> TradingCalendar:
        return self.directory.calendar

    def clock(self, org: str) -> tzinfo:
        """The clock of times without an offset at `org`."""
        return self.zone or self.directory.timezone(org)

    def knows_org(self, org: str) -> bool:
        """Whether the organisation stands in the directory, or nobody stands there yet."""
        return not self.directory.nodes or org in self.directory.nodes

    def near_org(self, org: str) -> str:
        """A known organisation that looks like it."""
        last = org.rpartition("/")[2]
        ends = {path.rpartition("/")[2]: path for path in self._organisations}
        return did_you_mean(org, self._organisations) or ends.get(did_you_mean(last, ends), "")

    def some_orgs(self, org: str) -> str:
        """The five known organisations nearest to `org`, and how many more there are."""
        return _nearest(org, self._organisations)

    def near_product(self, given: str) -> str:
        """A known code that may be meant: a name of one, a contract's code, or one that is near."""
        text = given[:_FOUND_MOST].strip().casefold()
        if text in self.names:
            return self.names[text]
        if near := self.specs.near(given):
            return near
        named = sorted((name for name in self.names if text in name), key=lambda n: (len(n), n))
        return self.names[named[0]] if named and text else ""

    def some_products(self, product: str) -> str:
        """The five known product codes nearest to `product`, and how many more there are."""
        return _nearest(product, {spec.product for spec in self.specs.specs})

    def base_unit(self, product: str) -> str:
        """The product's base unit; empty when no specification tells."""
        try:
            return self.specs.spec(product, self._day).base_unit
        except BookError:
            return ""

    def unit_problem(self, unit: str, product: str) -> tuple[str, str] | None:
        """The allowed units and a near one, when `unit` does not lead to the base unit."""
        try:
            base = self.specs.spec(product, self._day).base_unit
            self.units.factor(unit, base, self._day, product)
        except BookError:
            known = {one.from_unit for one in self.units.conversions}
            known |= {one.to_unit for one in self.units.conversions}
            allowed = self._leading_to(product, known)
            return ", ".join(allowed), did_you_mean(unit, sorted(known))
        return None

    def _leading_to(self, product: str, units: set[str]) -> list[str]:
        found = []
        for unit in sorted(units):
            try:
                base = self.specs.spec(product, self._day).base_unit
                self.units.factor(unit, base, self._day, product)
            except BookError:
                continue
            found.append(unit)
        return found

    def known_years(self, product: str, org: str) -> str:
        """The years whose holidays are known for a product, as ``2010-2026``."""
        try:
            region = self._calendar.schedule(product, org).region
        except UnknownProduct:
            return ""
        years = self._calendar.holidays.get(region, {})
        return f"{min(years)}-{max(years)}" if years else ""

    def year_unknown(self, product: str, org: str, day: date) -> bool:
        """Whether the calendar lacks the year, whatever the weekday.

        A product without sessions has no calendar.
        """
        try:
            region = self._calendar.schedule(product, org).region
        except UnknownProduct:
            return False
        return day.year not in self._calendar.holidays.get(region, {})

    def is_trading_day(self, product: str, org: str, day: date) -> bool:
        """Whether the product trades that day; True where no calendar can say."""
        try:
            return self._calendar.is_trading_day(product, day, org)
        except (UnknownProduct, UnknownYear):
            return True

    def close_of(self, product: str, org: str, day: date) -> datetime:
        """The end of the day's trading, for a price that names only its day."""
        try:
            zone: tzinfo = self._calendar.schedule(product, org).timezone
            if self._calendar.is_trading_day(product, day, org):
                noon = datetime.combine(day, _NOON, zone)
                return self._calendar.end_of_session(product, noon, org)
        except (UnknownProduct, UnknownYear):
            zone = self.clock(org) if org else ZoneInfo("Asia/Shanghai")
        return datetime.combine(day, _CLOSE, zone).astimezone(UTC)

    def start_of(self, org: str, day: date) -> datetime:
        """Midnight at the organisation, from when a fact of that day is true."""
        return datetime.combine(day, time(), self.clock(org)).astimezone(UTC)


def _nearest(found: str, known: Iterable[str]) -> str:
    every = sorted(known)
    near = get_close_matches(found[:_FOUND_MOST], every, n=_SHOWN, cutoff=0.0)
    left = len(every) - len(near)
    return ", ".join(near) + (f" … (+{left})" if left else "")
