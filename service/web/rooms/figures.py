"""Figures of orders and alerts with the addresses of their rows."""

from decimal import Decimal
from urllib.parse import urlencode

from service.web.views.parts import NO_FIGURE, Figure
from workorders.model import Alert, WorkOrder


def exposure_url(org: str, product: str, month: str = "") -> str:
    """Where the exposure of a place is explained."""
    place = {"org": org, "product": product, "month": month or "*"}
    return f"/exposure?{urlencode(place)}"


def value_of(thing: WorkOrder | Alert) -> Figure:
    """What broke, leading to its rows."""
    if thing.value is None:
        return NO_FIGURE
    return Figure(thing.value, thing.unit, _rows(thing))


def limit_of(thing: WorkOrder | Alert) -> Figure:
    """What it was held against."""
    return NO_FIGURE if thing.limit is None else Figure(thing.limit, thing.unit, _rows(thing))


def _rows(thing: WorkOrder | Alert) -> str:
    if thing.measure.startswith("exposure") and thing.product:
        return exposure_url(thing.org, thing.product, thing.month)
    return ""


def money(amount: str, currency: str = "CNY") -> Figure:
    """An amount of a match's evidence."""
    return Figure(Decimal(amount), currency, kind="money")
