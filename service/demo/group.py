"""The demo's trading group: who works there, what it holds, and its ordinary days.

Everything here is synthetic and made from a seed, except the spot prices (`service.demo.prices`).
Its ordinary life stays inside every limit and opens no orange or red order: the incidents are what
should be seen.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from directory import Directory
from directory.loading import load_directory
from service.demo.prices import SPOT_SOURCE, SYNTHETIC, DayPrice, day_prices, settlement

GROUP: Final = "远洋能源集团"
OFFICER: Final = "oe_chen"
TRADING: Final = f"{GROUP}/原油贸易部"
REFINING: Final = f"{GROUP}/炼化供应部"
REFERENCE_MONTH: Final = "2502"
#: The made curve narrows evenly: these are its own mean and spread over the year.
BASIS_MEAN: Final = Decimal("1.8")
BASIS_SD: Final = Decimal("0.7")
HUB: Final = "oe-hub"
_HAND_OVERS: Final = (time(12, 0), time(15, 30))
_HUB_LATENESS_S: Final = 8 * 3600
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")

_TRADERS: Final = {TRADING: ("oe_zhao", "oe_qian"), REFINING: ("oe_sun", "oe_li")}
_BACK: Final = ("oe_zhou", "oe_wu")
_PRODUCT_OF: Final = {TRADING: "CL", REFINING: "B"}

DIRECTORY: Final = f"""\
organisations:
  - path: {GROUP}
    name_zh: 远洋能源集团
    name_en: Ocean Energy Group
    routing: {{"*": [oe_chen, oe_wang]}}
    settings:
      exchange: NYMEX
      lateness_s: {{{HUB}: {_HUB_LATENESS_S}}}
  - path: {TRADING}
    name_zh: 原油贸易部
    name_en: Crude Trading
    routing: {{"*": [oe_chen, oe_wang]}}
    settings:
      product: CL
      month: "{REFERENCE_MONTH}"
      erp_sync_within_s: 60
      lateness_s: {{{HUB}: {_HUB_LATENESS_S}}}
  - path: {REFINING}
    name_zh: 炼化供应部
    name_en: Refinery Supply
    routing: {{"*": [oe_chen, oe_wang]}}
    settings:
      product: B
      month: "{REFERENCE_MONTH}"
      erp_sync_within_s: 60
      lateness_s: {{{HUB}: {_HUB_LATENESS_S}}}
roster:
  - {{org: {GROUP}, role: risk_officer, people: [oe_chen], deputies: [oe_wang]}}
people:
  - {{id: oe_chen, name: 陈芳, roles: [risk_officer], unit: {GROUP}}}
  - {{id: oe_wang, name: 王强, roles: [manager], unit: {GROUP}}}
  - id: oe_shen
    name: 沈清
    roles: [auditor]
    unit: {GROUP}
    grants: [{{grant: view, scope: {GROUP}}}]
  - {{id: oe_gui, name: 桂宁, roles: [compliance_editor], unit: {GROUP}}}
  - {{id: oe_zhao, name: 赵一, roles: [trader], unit: {TRADING}}}
  - {{id: oe_qian, name: 钱二, roles: [trader], unit: {TRADING}}}
  - {{id: oe_sun, name: 孙三, roles: [trader], unit: {REFINING}}}
  - {{id: oe_li, name: 李四, roles: [trader], unit: {REFINING}}}
  - {{id: oe_zhou, name: 周五, roles: [settlement], unit: {GROUP}}}
  - {{id: oe_wu, name: 吴六, roles: [settlement], unit: {GROUP}}}
"""


@cache
def directory() -> Directory:
    """The group's organisations and people.

    Raises:
        ValueError: when `DIRECTORY` has a fault: a mistake of ours, not of a user.
    """
    found, problems = load_directory(DIRECTORY, "group.yaml")
    if problems:
        raise ValueError(problems)
    return found


@dataclass(frozen=True, slots=True)
class OpeningPosition:
    """What one department holds on the first day: barrels and lots, long positive."""

    org: str
    product: str
    purchase: Decimal
    sale: Decimal
    inventory: Decimal
    unpriced: Decimal
    lots: int
    limit: Decimal


OPENING: Final = (
    OpeningPosition(
        TRADING, "CL", Decimal(900_000), Decimal(350_000), Decimal(420_000), Decimal(300_000), -800,
        Decimal(500_000),
    ),
    OpeningPosition(
        REFINING, "B", Decimal(600_000), Decimal(250_000), Decimal(300_000), Decimal(150_000), -480,
        Decimal(400_000),
    ),
)  # fmt: skip


class _Day:
    """One trading day's events, numbered as they are made."""

    def __init__(self, price_day: date, rng: random.Random, first_number: int) -> None:
        self.day = price_day
        self.rng = rng
        self.number = first_number

    def event(
        self, org: str, at: datetime, kind: str, what: str, actor: str, **more: Any
    ) -> dict[str, Any]:
        self.number += 1
        # The group's systems hand over what they have twice a day.
        handed = next(one for one in _HAND_OVERS if at.astimezone(_SHANGHAI).time() <= one)
        arrival = datetime.combine(self.day, handed, _SHANGHAI)
        return {
            "event_id": f"OE-{self.number:06d}",
            "org": org,
            "ts": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "arrival_ts": arrival.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "seq": self.number,
            "log_class": kind,
            "type": what,
            "actor": actor,
            "source": HUB,
            **more,
        }

    def at(self, hour: int, minute: int, second: int = 0) -> datetime:
        return datetime.combine(self.day, time(hour, minute, second), _SHANGHAI)


def _prices(day: _Day, prices: list[DayPrice]) -> Iterator[dict[str, Any]]:
    for price in prices:
        org = next(o for o, product in _PRODUCT_OF.items() if product == price.product)
        yield day.event(
            org, day.at(8, 30), "market", "futures.settle", f"feed:{SYNTHETIC}",
            product=price.product, month=REFERENCE_MONTH, currency="USD",
            price=str(settlement(price.spot, REFERENCE_MONTH, price.day)),
        )  # fmt: skip
        yield day.event(
            org, day.at(8, 31), "market", "spot.quote", f"feed:{SPOT_SOURCE}",
            product=price.product, price=str(price.spot), currency="USD",
        )  # fmt: skip


def _work(day: _Day, orders_a_day: int) -> Iterator[dict[str, Any]]:
    rng = day.rng
    for org, traders in _TRADERS.items():
        for trader in traders:
            yield day.event(org, day.at(8, 50, rng.randrange(60)), "system", "login", trader)
    turn = day.day.toordinal() % len(_TRADERS)  # the departments take turns
    org, traders = list(_TRADERS.items())[turn]
    trader = rng.choice(traders)
    quantity = 0
    for number in range(orders_a_day):
        at = day.at(9 + number * 2, rng.randrange(10, 25), rng.randrange(60))
        order = f"OE-{day.day:%y%m%d}-{_PRODUCT_OF[org]}{number}"
        if number % 2 == 0:
            quantity = rng.randrange(5, 25) * 1000
            side = "buy"
        else:
            quantity += rng.randrange(-2, 3) * 1000
            side = "sell"
        body = {"order": order, "side": side, "qty": quantity, "unit": "bbl"}
        yield from _order(day, org, trader, at, body)
    yield from _evening(day)


def _evening(day: _Day) -> Iterator[dict[str, Any]]:
    """A clerk posts the day's voucher; everybody goes home."""
    rng = day.rng
    clerk = rng.choice(_BACK)
    yield day.event(GROUP, day.at(15, 1, rng.randrange(60)), "system", "login", clerk)
    amount = Decimal(rng.randrange(100_000, 9_000_000)) / 100
    yield day.event(
        GROUP, day.at(15, 3, rng.randrange(60)), "business", "voucher.post", clerk,
        voucher=f"OE-V-{day.day:%y%m%d}", order=f"OE-{day.day:%y%m%d}-0", amount=f"{amount:.2f}",
        debit="1122", credit="6001",
    )  # fmt: skip
    for org, traders in _TRADERS.items():
        for trader in traders:
            yield day.event(org, day.at(15, 4, rng.randrange(60)), "system", "logout", trader)


def _order(
    day: _Day, org: str, trader: str, at: datetime, body: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """A physical order, its entry in the ERP, and the approval that belongs to it."""
    common = {"product": _PRODUCT_OF[org], "month": REFERENCE_MONTH}
    yield day.event(org, at, "business", "order.create", trader, **body, **common)
    after = {"order": body["order"], **common}
    synced = at + timedelta(seconds=day.rng.randrange(4, 30))
    yield day.event(org, synced, "business", "erp.sync", "erp", **after)
    approved = at + timedelta(minutes=day.rng.randrange(2, 9))
    yield day.event(org, approved, "risk", "approval.granted", "oe_wang", **after)


def ordinary_days(
    seed: int, spans: Sequence[tuple[date, date]], orders_a_day: int = 2
) -> Iterator[dict[str, Any]]:
    """The group's ordinary events on the days of `spans`, in the form of the incident files.

    Orders come in pairs that nearly cancel, so that the exposure wanders and stays in its limit.
    """
    rng = random.Random(seed)  # noqa: S311 - a story, not a secret
    by_day: dict[date, list[DayPrice]] = {}
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    for price in day_prices(first, last):
        if any(start <= price.day <= end for start, end in spans):
            by_day.setdefault(price.day, []).append(price)
    number = 0
    for price_day, prices in by_day.items():
        day = _Day(price_day, rng, number)
        yield from _prices(day, prices)
        yield from _work(day, orders_a_day)
        number = day.number
