"""What the commands are handed: who is who, the trading calendar, the policy, the channels."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from workorders.clocks import Calendar, OrderClock
from workorders.levels import Level
from workorders.model import Alert, OrderKind, WorkOrder
from workorders.policy import Policy, policy_from_json


class Routing(Protocol):
    """Whom an organisation's roster names, and why them."""

    @property
    def people(self) -> tuple[str, ...]:
        """Ids."""

    @property
    def reason(self) -> str:
        """A code."""


class Permission(Protocol):
    """Whether a person may, and why (not)."""

    @property
    def allowed(self) -> bool:
        """The answer."""

    @property
    def reason(self) -> str:
        """A code."""


class People(Protocol):
    """What is asked of the directory (`directory.Directory` fits)."""

    def assignees(
        self, org: str, level: str, at: datetime, *, about: Collection[str] = ()
    ) -> Routing:
        """Whom a matter of that level goes to in that organisation; never whom it is about."""

    def concerned(self, person: str, org: str, at: datetime) -> bool:
        """Whether the person sees the organisation, or works beneath it."""

    def called(self, names: Collection[str]) -> frozenset[str]:
        """The ids of the people whom sources call by one of `names`."""

    def may(self, person: str, permission: str, org: str, at: datetime) -> Permission:
        """Whether the person holds the permission for the organisation at that time."""


class TradingDays(Calendar, Protocol):
    """The calendar, with the trading day after a date."""

    def next_trading_day(self, product: str, day: date, org: str = "") -> date:
        """The first trading day after `day`."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the commands need besides the unit of work.

    Attributes:
        people: routing and permissions, asked at the time of the act.
        calendar: trading sessions and days.
        policy: for orders that open now; open orders keep the policy that was frozen into them.
        channels: names of the channels used at once for each notice.
        fallback: names of the channels tried when one of those fails, in order.
        zone: the zone in which days are counted (order numbers, 10:00 of the review).
    """

    people: People
    calendar: TradingDays
    policy: Policy = field(default_factory=Policy)
    channels: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))

    def may(self, person: str, permission: str, org: str, at: datetime) -> Permission:
        """Whether `person` holds `permission` for `org` at `at`."""
        return self.people.may(person, permission, org, at)

    def roster(
        self, org: str, level: Level, at: datetime, about: Collection[str] = ()
    ) -> tuple[str, ...]:
        """The people on duty for `org` at `level`, for a matter that is about `about`."""
        return tuple(self.people.assignees(org, level.value, at, about=about).people)

    def clock_of(self, order: WorkOrder) -> OrderClock:
        """The clock of an order under its own frozen policy."""
        return OrderClock(
            self.calendar,
            policy_from_json(order.policy) if order.policy else self.policy,
            order.level,
            order.kind,
            order.product,
            order.org,
        )

    def clock_of_alert(self, alert: Alert, kind: OrderKind = OrderKind.RISK) -> OrderClock:
        """The clock of an alert that waits for triage."""
        return OrderClock(self.calendar, self.policy, alert.level, kind, alert.product, alert.org)
