"""The demo's prices: real crude spot, a synthetic futures curve on it, real CL1 history.

Spot (WTI, Brent) comes from the U.S. Energy Information Administration and is in the public domain.
The curve is made: a month stands below spot by a fixed amount for each day until its first, so that
its basis narrows evenly towards delivery and jumps on no day.
Pages and exports label it as synthetic.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

SYNTHETIC: Final = "synthetic-curve"
SPOT_SOURCE: Final = "eia"
_CENT: Final = Decimal("0.01")
_DISCOUNT_A_DAY: Final = Decimal("0.012")
CURVE_MONTHS: Final = 12
_COLUMNS: Final = {"CL": "wti_spot", "B": "brent_spot"}


@dataclass(frozen=True, slots=True)
class DayPrice:
    """One product on one trading day, USD a barrel.

    Attributes:
        spot: real spot.
        curve: delivery month (YYMM) → synthetic settlement.
    """

    product: str
    day: date
    spot: Decimal
    curve: dict[str, Decimal]


@cache
def _spots() -> dict[date, dict[str, Decimal]]:
    text = (files("service.demo") / "data" / "spot_wti_brent_hh_daily_to_2026.csv").read_text()
    rows = csv.DictReader(text.splitlines())
    return {
        date.fromisoformat(row["date"]): {
            product: Decimal(row[column]) for product, column in _COLUMNS.items() if row[column]
        }
        for row in rows
    }


def months_after(day: date, count: int) -> list[str]:
    """The next `count` delivery months as YYMM, from the month after `day`."""
    first = day.year * 12 + day.month  # the month after, counted from zero
    return [f"{(first + i) // 12 % 100:02d}{(first + i) % 12 + 1:02d}" for i in range(count)]


def settlement(spot: Decimal, month: str, day: date) -> Decimal:
    """The made settlement price of a delivery month (YYMM) on a day."""
    return (spot - _DISCOUNT_A_DAY * _days_until(month, day)).quantize(_CENT)


def _days_until(month: str, day: date) -> int:
    return (date(2000 + int(month[:2]), int(month[2:]), 1) - day).days


def day_prices(first: date, last: date) -> Iterator[DayPrice]:
    """Both products on each day with a spot price, oldest first."""
    for day, spots in sorted(_spots().items()):
        if not first <= day <= last:
            continue
        for product, spot in sorted(spots.items()):
            curve = {
                month: settlement(spot, month, day) for month in months_after(day, CURVE_MONTHS)
            }
            yield DayPrice(product, day, spot, curve)


@cache
def front_month_history() -> tuple[tuple[date, Decimal], ...]:
    """NYMEX crude contract 1 by day, 1983-2022 (EIA), for VaR and stress; -37.63 is in it."""
    text = (files("service.demo") / "data" / "eia_spot_and_cl1_daily_1983_2022.csv").read_text()
    rows = csv.DictReader(text.splitlines())
    return tuple(
        (date.fromisoformat(row["date"]), Decimal(row["cl1_fut"])) for row in rows if row["cl1_fut"]
    )
