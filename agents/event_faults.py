"""What is wrong with an event that concerns the book or raises an alert.

Asked at the ways in, where a faulty event goes to quarantine, and once more by the watcher, for
events that came another way: they never change the book. Pure.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from agents.facts import (
    HEDGE_ORDER_TYPES,
    Surroundings,
    level_of,
    month_of,
    object_of,
    origin_of,
    product_of,
)
from agents.hedge_orders import read_order
from auditlog.events import Event
from book.apply import EVENT_TYPES, Change, Defaults, order_status
from book.positions import OrderStatus, ReceiptStatus
from book.products import SpecBook
from book.state import BookState, Fact
from directory.errors import UnknownProduct, UnknownYear
from store.problems import Problem, shorten

RAISED: Final = "alert.raised"
LEVELS_ALLOWED: Final = "red 红, orange 橙, yellow 黄, blue 蓝"
_FRIDAY: Final = 4


def defaults_of(around: Surroundings, org: str) -> Defaults:
    """What the events of `org` leave unsaid."""
    settings = around.directory.settings(org)
    return Defaults(
        product=settings.product, month=settings.month or "spot", status_map=settings.status_map
    )


def concerns_book(event: Event, defaults: Defaults) -> bool:
    """Whether an event of that type can change the book."""
    return event.type in EVENT_TYPES or order_status(event.type, defaults) is not None


def raises_alert(event: Event, around: Surroundings) -> bool:
    """Whether a robot raises an alert; what a person notes down raises none."""
    return event.type == RAISED and origin_of(event, around) == "robot"


def level_fault(event: Event, around: Surroundings) -> Problem | None:
    """``LEVEL_UNKNOWN`` for a robot's alert whose level nobody can read."""
    if not raises_alert(event, around) or level_of(event) is not None:
        return None
    found = event.attributes.get("level", "")
    return Problem(
        "LEVEL_UNKNOWN",
        field="level",
        found=shorten(found if isinstance(found, str) else str(found)),
        allowed=LEVELS_ALLOWED,
        params={"event_id": event.event_id, "type": event.type},
    )


def in_our_letters(event: Event, specs: SpecBook) -> Event:
    """The event with the product's code as the specifications write it (``CU`` is cu)."""
    known = specs.match(event.product) if event.product else ""
    return event if known in {"", event.product} else replace(event, product=known)


def book_faults(
    event: Event, change: Change, around: Surroundings, specs: SpecBook
) -> list[Problem]:
    """Why `change` must not go into the book.

    Args:
        event: what happened.
        change: what the book's own reader made of it.
        around: directory and calendar; a directory without organisations knows every one.
        specs: the products.

    Returns:
        The reader's own problems; ``PRODUCT_MISSING`` where neither the event nor its unit names a
        product; ``ORG_UNKNOWN``, ``PRODUCT_UNKNOWN``, ``CALENDAR_YEAR_UNKNOWN``.
    """
    products = dict.fromkeys(
        str(fact.product) for fact in change.facts if hasattr(fact, "product")
    ) or {event.product: None}
    places = list(place_faults(event, tuple(products), around, specs, needed=bool(change.facts)))
    if any(one.code == "ORG_UNKNOWN" for one in places):
        # which product a unit means by default is known of a known one alone
        return [*change.problems, *places]
    return [*change.problems, *_without_product(event, change), *places]


def _without_product(event: Event, change: Change) -> Iterator[Problem]:
    """A fact of no product would count nowhere; what ends an order or a receipt takes it out."""
    if any(getattr(fact, "product", "-") == "" and not _ends(fact) for fact in change.facts):
        yield _product_missing(event)


def _ends(fact: Fact) -> bool:
    status = getattr(fact, "status", None)
    return status in {OrderStatus.NONE, ReceiptStatus.POSTED, ReceiptStatus.DISMISSED}


def _product_missing(event: Event) -> Problem:
    return Problem(
        "PRODUCT_MISSING",
        field="product",
        params={"event_id": event.event_id, "type": event.type},
    )


def is_hedge_order(event: Event) -> bool:
    """Whether a hedge system asks for an order."""
    return event.type in HEDGE_ORDER_TYPES


def hedge_order_faults(event: Event, around: Surroundings, specs: SpecBook) -> list[Problem]:
    """Why an order of a hedge system cannot be judged.

    Args:
        event: an event of `HEDGE_ORDER_TYPES`.
        around: directory and calendar.
        specs: the products known.

    Returns:
        What the reader of orders refuses (side, lots, contract); a product that nobody names; an
        organisation, a product or a year that nobody knows.
    """
    product, contract = product_of(event, around), event.attributes.get("contract", "")
    places = place_faults(event, (event.product,), around, specs, needed=True)
    if not product and not contract:
        return list(places) or [_product_missing(event)]
    order = read_order(
        event,
        object_of(event),
        BookState(shipped=specs),
        product=product,
        month=month_of(event, around),
        origin=origin_of(event, around),
    )
    found = list(places)
    if isinstance(order, Problem) and not (order.code == "UNKNOWN_PRODUCT" and found):
        params = {"event_id": event.event_id, "type": event.type}
        found.insert(0, replace(order, params={**order.params, **params}))
    return found


def place_faults(
    event: Event,
    products: tuple[str, ...],
    around: Surroundings,
    specs: SpecBook,
    *,
    needed: bool = False,
) -> Iterator[Problem]:
    """An organisation, a product or a year that nobody knows.

    Args:
        event: what happened.
        products: those it is about.
        around: directory and calendar.
        specs: the products known.
        needed: whether an organisation must be named.
    """
    params = {"event_id": event.event_id, "type": event.type}
    nodes = around.directory.nodes
    if nodes and event.org not in nodes and (event.org or needed):
        yield Problem("ORG_UNKNOWN", field="org", found=shorten(event.org), params=params)
    for product in products:
        if product and not specs.match(product):
            yield Problem(
                "PRODUCT_UNKNOWN",
                field="product",
                found=shorten(product),
                hint=specs.near(product),
                params=params,
            )
    known = next(filter(None, map(specs.match, products)), "")
    year = _unknown_year(event, known, around)
    if year:
        found = event.event_time.isoformat()
        more: dict[str, Any] = {"params": {**params, "year": str(year)}}
        yield Problem("CALENDAR_YEAR_UNKNOWN", field="event_time", found=found, **more)


def _unknown_year(event: Event, product: str, around: Surroundings) -> int:
    """The year of the event where the product's calendar lacks it; else 0."""
    product = product or around.directory.settings(event.org).product
    if not product:
        return 0
    day = event.event_time.astimezone(around.directory.timezone(event.org)).date()
    # on a weekend no calendar is asked: the Friday before stands for it
    asked = day - timedelta(days=max(0, day.weekday() - _FRIDAY))
    try:
        around.calendar.is_trading_day(product, asked, event.org)
    except UnknownYear:
        return day.year
    except UnknownProduct:
        return 0
    return 0
