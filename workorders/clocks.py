"""Deadlines on wall-clock and on trading time.

The calendar is handed in (`directory.TradingCalendar` fits). Where it cannot answer (no product, or
a product or a year that it does not know) wall-clock counts: an early page is better than a late
one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from directory.errors import DirectoryError
from workorders.levels import Level
from workorders.model import OrderKind
from workorders.policy import ClockKind, LevelPolicy, Policy, ResolveBy


class Calendar(Protocol):
    """What is asked of a trading calendar. Times are aware."""

    def add_open_time(
        self,
        product: str,
        start: datetime,
        duration: timedelta,
        lead_minutes: int = 0,
        org: str = "",
    ) -> datetime:
        """When `duration` of open time (and of `lead_minutes` before each open) has passed."""

    def end_of_session(
        self, product: str, at: datetime, org: str = "", following: int = 0
    ) -> datetime:
        """When the trading that runs at `at`, or starts next, is over; `following` goes on."""


@dataclass(frozen=True, slots=True)
class OrderClock:
    """The clock of one order: which time counts for it.

    Attributes:
        calendar: the trading calendar.
        policy: the order's policy.
        level: its colour.
        kind: data and system faults run on wall-clock always, as red does.
        product: whose sessions count; empty when there is none.
        org: the organisation, which may keep sessions of its own.
    """

    calendar: Calendar
    policy: Policy
    level: Level
    kind: OrderKind = OrderKind.RISK
    product: str = ""
    org: str = ""

    @property
    def runs_on(self) -> ClockKind:
        """The kind of time that counts."""
        always = self.level is Level.RED or self.kind in {OrderKind.DATA, OrderKind.SYSTEM}
        return ClockKind.WALL if always or not self.product else self._level.clock

    @property
    def _level(self) -> LevelPolicy:
        return self.policy.levels[self.level]

    def after(self, start: datetime, duration: timedelta) -> datetime:
        """When `duration` has passed on this clock."""
        runs_on = self.runs_on
        if runs_on is ClockKind.WALL:
            return start + duration
        lead = self.policy.lead_minutes if runs_on is ClockKind.SESSION_LEAD else 0
        try:
            return self.calendar.add_open_time(self.product, start, duration, lead, self.org)
        except DirectoryError:
            return start + duration

    def step_due(self, start: datetime) -> datetime:
        """One ladder step after `start`."""
        return self.after(start, timedelta(minutes=self._level.step_minutes))

    def resolve_due(self, start: datetime) -> datetime:
        """The resolve deadline of an order that was acknowledged at `start`."""
        level = self._level
        duration = timedelta(minutes=level.resolve_minutes)
        if level.resolve_by is ResolveBy.MINUTES or self.runs_on is ClockKind.WALL:
            return self.after(start, duration)
        following = 1 if level.resolve_by is ResolveBy.END_OF_NEXT_SESSION else 0
        try:
            return self.calendar.end_of_session(self.product, start, self.org, following)
        except DirectoryError:
            return start + duration

    def triage_due(self, start: datetime) -> datetime:
        """When an alert should have been looked at.

        Orange one ladder step; yellow and blue by the end of the session (they never page).
        """
        if self.level in {Level.RED, Level.ORANGE}:
            return self.step_due(start)
        return self.resolve_due(start)
