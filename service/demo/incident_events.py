"""An incident's events: what the log takes, and what the book and the rules need of each type.

An event with a fault is left out and told; the others are delivered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from auditlog.events import Event, parse_event
from auditlog.fields import LEVELS, NAMES
from book.positions import Side
from directory.calendar import TradingCalendar
from service.demo.incident_fields import IncidentReader, Node
from service.demo.incident_setup import check_product
from store.problems import did_you_mean

ZONE: Final = ZoneInfo("Asia/Shanghai")
_VERSION_MOST: Final = 2**53
_MS_MOST: Final = 10**12
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)  # what lies behind it no clock can reach

Check = Callable[[IncidentReader, Node, str, str], object]
"""Reads one field: reader, event, name, path."""


def _number(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.number(event, name, path)


def _positive(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.number(event, name, path, above=0)


def _not_negative(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.number(event, name, path, least=0)


def _lots(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.whole(event, name, path)


def _count(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.whole(event, name, path, least=0, most=_MS_MOST)


def _version(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.whole(event, name, path, least=0, most=_VERSION_MOST)


def _one_lot(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.whole(event, name, path, least=1)


def _text(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.text(event, name, path)


def _texts(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.texts(event, name, path)


def _day(reader: IncidentReader, event: Node, name: str, path: str) -> object:
    return reader.day(event, name, path)


def _word(*allowed: str) -> Check:
    def check(reader: IncidentReader, event: Node, name: str, path: str) -> object:
        text = reader.text(event, name, path)
        if text and text.lower() not in allowed:
            hint = did_you_mean(text.lower(), allowed)
            reader.fault("INCIDENT_NOT_A_CHOICE", path, text, ", ".join(allowed), hint)
        return text

    return check


_side: Final = _word(*Side)
_level: Final = _word(*LEVELS)
_verdict: Final = _word("confirmed", "dismissed")


class _Form(NamedTuple):
    """What an event of a type must have, and how its fields are read where they stand."""

    needed: tuple[str, ...] = ()
    read: Mapping[str, Check] = {}


_ANY: Final[Mapping[str, Check]] = {
    "price": _number, "qty_t": _number, "limit_t": _not_negative, "timeout_ms": _count,
    "key": _text, "site": _text, "contract": _text, "reason": _text,
    "version": _version, "version_seen": _version,
}  # fmt: skip
_RECEIPT: Final = _Form(("receipt",), {"qty_t": _positive, "qty": _positive})
_NEW_ORDER: Final = _Form(
    ("order", "side", "qty"), {"side": _side, "qty_t": _positive, "qty": _positive}
)
_SAME_ORDER: Final = _Form(("order",), _NEW_ORDER.read)
_QUOTE: Final = _Form(("price",))
_FORMS: Final[Mapping[str, _Form]] = {
    "inbound.start": _RECEIPT,
    "inbound.timeout": _RECEIPT,
    "inbound.post": _RECEIPT,
    "inbound.dismiss": _RECEIPT,
    "receipt.post": _RECEIPT,
    "receipt.dismiss": _RECEIPT,
    "order.create": _NEW_ORDER,
    "order.submit": _SAME_ORDER,
    "order.cancel": _SAME_ORDER,
    "erp.sync": _Form(("order",)),
    "spot.quote": _QUOTE,
    "futures.settle": _QUOTE,
    "fund.transfer.request": _Form((), {"amount": _not_negative, "from_dept": _text,
                                        "to_dept": _text}),
    "fund.transfer.failed": _Form((), {"reason": _text}),
    "permission.denied": _Form((), {"permission": _text}),
    "hedge.order.queued": _Form(("side", "lots"), {"side": _side, "lots": _one_lot,
                                                   "activate_at": _text}),
    "voucher.post": _Form(("voucher",), {"amount": _number, "debit": _text, "credit": _text}),
    "recon.run": _Form((), {"as_of": _day}),
    "position.update": _Form(("key", "version", "qty"), {"qty": _lots}),
    "replica.apply": _Form(("key", "version")),
    "exposure.calc": _Form((), {"qty": _lots}),
    "alert.raised": _Form(("alert",), {"level": _level, "loss_est": _not_negative}),
    "alert.review": _Form(("alert",), {"verdict": _verdict}),
    "alert.bulk_review": _Form((), {"alerts": _texts, "verdict": _verdict}),
}  # fmt: skip


class EventReader:
    """Reads the events of all incidents of one file, so that none stands there twice."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._calendar = TradingCalendar()

    def read(self, reader: IncidentReader, raw: object, org: str, product: str) -> list[Event]:
        """The good events of one incident; `org` and `product` are meant where none is named."""
        found = []
        for path, value in reader.items({"events": raw}, "events", "events"):
            event = self._event(reader, value, path, org, product)
            if event is not None:
                found.append(event)
        return found

    def _event(
        self, reader: IncidentReader, value: object, path: str, org: str, product: str
    ) -> Event | None:
        before = reader.errors
        given = reader.as_node(value, path)
        if not given:
            if reader.errors == before:
                reader.fault("INCIDENT_NOT_AN_OBJECT", path, value, "{…}")
            return None
        told: dict[str, Any] = dict(given)
        for name, default in (("org", org), ("product", product)):
            if _absent(told, NAMES[name]):
                told[name] = default
        parsed = parse_event(told, default_arrival=None, now=_latest(told))
        if isinstance(parsed, list):
            for one in parsed:
                where = f"{path}.{one.field}" if one.field else path
                reader.fault(one.code, where, one.found, one.allowed, one.hint)
        kind = told.get("type")
        _fields(reader, told, path, _FORMS.get(kind, _Form()) if isinstance(kind, str) else _Form())
        if isinstance(parsed, list) or reader.errors > before:
            return None
        if check_product(reader, parsed.product, f"{path}.product") == parsed.product:
            self._year(reader, parsed, told, path)
        self._once(reader, parsed, path)
        return parsed if reader.errors == before else None

    def _once(self, reader: IncidentReader, event: Event, path: str) -> None:
        if event.uid in self._seen:
            other = self._seen[event.uid]
            reader.fault("INCIDENT_EVENT_REPEATED", f"{path}.event_id", event.event_id, other)
        else:
            self._seen[event.uid] = f"{reader.entry} {path}"

    def _year(self, reader: IncidentReader, event: Event, told: Node, path: str) -> None:
        """The calendar knows the years of both times; it never guesses a holiday."""
        region = self._calendar.schedule(event.product).region
        known = self._calendar.holidays[region]
        for name, at in (("event_time", event.event_time), ("arrival_time", event.arrival_time)):
            year = at.astimezone(ZONE).year
            if year not in known:
                stood = next((one for one in NAMES[name] if told.get(one)), name)
                allowed = f"{min(known)}-{max(known)}"
                reader.fault("INCIDENT_YEAR_UNKNOWN", f"{path}.{stood}", str(year), allowed)
                return


def _fields(reader: IncidentReader, event: Node, path: str, form: _Form) -> None:
    for name in form.needed:
        names = NAMES.get(name, (name,))
        if _absent(event, names):
            reader.fault("INCIDENT_FIELD_MISSING", f"{path}.{name}", allowed=", ".join(names))
    said = {problem.field for problem in reader.problems}
    for name, check in {**_ANY, **form.read}.items():
        if f"{path}.{name}" not in said:
            check(reader, event, name, f"{path}.{name}")


def _absent(event: Node, names: Iterable[str]) -> bool:
    return all(event.get(one) is None or event.get(one) == "" for one in names)


def _latest(event: Node) -> datetime:
    """The later of the two times that an event names: nothing in it may lie a day behind that."""
    return min(max(_times(event), default=_LAST), _LAST)


def _times(event: Node) -> Iterator[datetime]:
    for field in ("arrival_time", "event_time"):
        for name in NAMES[field]:
            value = event.get(name)
            if not isinstance(value, str) or len(value) > len("2024-05-14T18:52:10.123456+08:00"):
                continue
            try:
                at = datetime.fromisoformat(value.strip())
            except ValueError:
                continue
            if at.tzinfo is not None:
                yield at
