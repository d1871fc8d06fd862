"""What happened on the last morning beside the incident: unusual, and nobody's emergency.

A duplicated payment, an approval of one's own order, an order on a closed market, failed logins, a
quote far from its basis. They go through the log, the detectors and the rules like everything else,
and end as alerts that wait for a person's judgement. They belong to the demo's own story: a file
of somebody else's incidents is played without them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from auditlog.events import Event, parse_event
from service.demo.group import HUB, REFERENCE_MONTH, REFINING, TRADING

_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_MORNING: Final = datetime(2024, 12, 30, tzinfo=_SHANGHAI)
_FINANCE: Final = "华东钢铁/财务部"
_SECOND: Final = timedelta(seconds=1)


def last_morning() -> list[Event]:
    """The events, in event time; each arrives a second after it happened."""
    return [
        _parsed(number, at, told)
        for number, (at, told) in enumerate(
            sorted([*_group(), *_finance()], key=lambda one: one[0]), 1
        )
    ]


def _at(hour: int, minute: int, second: int = 0, *, days: int = 0) -> datetime:
    return _MORNING + timedelta(days=days, hours=hour, minutes=minute, seconds=second)


def _group() -> Iterator[tuple[datetime, dict[str, Any]]]:
    """The trading group, watched by its risk officer."""
    yield from _order(
        {"org": TRADING, "product": "CL", "order": "OE-241229-CL9"},
        {"actor": "oe_zhao", "side": "buy", "qty": 3000, "unit": "bbl"},
        _at(20, 12, 9, days=-1),
    )
    own = {"org": REFINING, "product": "B", "order": "OE-241227-B7"}
    placed = {"actor": "oe_sun", "side": "buy", "qty": 4000, "unit": "bbl"}
    yield from _order(own, placed, _at(16, 10, 40, days=-3))
    approved = {"log_class": "risk", "type": "order.approve", "actor": "oe_sun"}
    yield _at(8, 24, 5), {**own, **approved, "month": REFERENCE_MONTH, "source": HUB}
    for number in range(14):
        failed = {"log_class": "system", "type": "login", "outcome": "failure"}
        at = _at(8, 2, 10 + 21 * number)
        yield at, {**failed, "org": TRADING, "actor": "oe_qian", "source": HUB}
    for minute, price in ((15, "72.60"), (45, "79.40")):
        quote = {"log_class": "market", "type": "spot.quote", "product": "CL", "currency": "USD"}
        told = {"org": TRADING, "actor": "feed:broker", "source": HUB, "price": price}
        yield _at(8, minute), {**quote, **told}


def _order(
    about: dict[str, Any], placed: dict[str, Any], at: datetime
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """A physical order and its entry in the ERP."""
    common = {**about, "month": REFERENCE_MONTH, "source": HUB, "log_class": "business"}
    yield at, {**common, **placed, "type": "order.create"}
    yield at + timedelta(seconds=11), {**common, "type": "erp.sync", "actor": "erp"}


def _finance() -> Iterator[tuple[datetime, dict[str, Any]]]:
    """The finance department of the incident that is left for the visitor."""
    payment = {
        "org": _FINANCE, "log_class": "business", "object_type": "payment", "currency": "CNY",
    }  # fmt: skip
    for minute, number, order, amount in (
        (6, "FK-202412-0931", "PO-5512", "412000.00"),
        (12, "FK-202412-0932", "PO-5520", "38800.00"),
    ):
        own = {**payment, "object_id": number, "order": order, "amount": amount}
        yield _at(8, minute, 12), {**own, "type": "payment.request", "actor": "u_fin2"}
        yield _at(8, minute + 2, 47), {**own, "type": "payment.approve", "actor": "u_fin2"}
    twice = {"object_id": "FK-202412-0927", "order": "PO-5498", "amount": "96350.00"}
    for minute in (3, 19):
        yield _at(8, minute, 30), {**payment, **twice, "type": "payment.post", "actor": "u_fin1"}


def _parsed(number: int, at: datetime, told: dict[str, Any]) -> Event:
    arrival = at + _SECOND
    mapping = {
        "event_id": f"LM-{number:04d}",
        "ts": at.astimezone(UTC).isoformat(),
        "arrival_ts": arrival.astimezone(UTC).isoformat(),
        "seq": number,
        **told,
    }
    parsed = parse_event(mapping, default_arrival=None, now=arrival)
    if isinstance(parsed, list):  # a mistake of ours: these events are made, not read
        raise ValueError(parsed)  # noqa: TRY004
    return parsed
