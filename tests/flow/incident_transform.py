"""The same incidents, told differently: renamed, moved in time, scaled, mixed, late.

`transform(incidents, seed)` maps setup, events and expected together, so that the comparison
stays what it was. What the product detects must not depend on any of it.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from directory.calendar import TradingCalendar

_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$")
_SCALED = {
    "qty_t", "qty", "lots", "net_t", "sale_contracts_priced_t", "inventory_recorded_t",
    "in_transit_t", "futures_lots", "submit_limit_t", "limit_t", "recorded_net_t", "unposted_t",
    "net_if_posted_t", "path_t", "recomputed", "difference_lots",
}  # fmt: skip
_LATENESS = 300
_REPLICA_LATENESS = 900


def copy_of(incidents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return json.loads(json.dumps(incidents))


def _walk(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    if isinstance(value, dict):
        return {
            str(change("", name)) if isinstance(name, str) else name: _walk(item, change, name)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_walk(item, change, key) for item in value]
    return change(key, value)


def rename(incident: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """People, orders, vouchers, receipts get other names, everywhere at once."""
    names: dict[str, str] = {}
    for person in incident["setup"]["people"]:
        names[person["id"]] = f"p{rng.randrange(10**8):08d}"
    for event in incident["events"]:
        for key, prefix in (("order", "OD"), ("voucher", "VC"), ("receipt", "RC")):
            if key in event:
                names.setdefault(event[key], f"{prefix}-{rng.randrange(10**9):09d}")
    for order in incident["setup"].get("documents", {}):
        names.setdefault(order, f"OD-{rng.randrange(10**9):09d}")
    keep = {"events": [dict(event) for event in incident["events"]]}
    mapped = _walk(
        {"setup": incident["setup"], "expected": incident["expected"], **keep},
        lambda key, value: names.get(value, value) if key != "event_id" else value,
    )
    return {**incident, **mapped}


def elsewhere(incident: dict[str, Any], name: str) -> dict[str, Any]:
    """The same incident in another company: organisations, people, accounts, ids of events."""
    org = str(incident["setup"]["org"])
    root = org.split("/", maxsplit=1)[0]
    names = {person["id"]: f"{name} {person['id']}" for person in incident["setup"]["people"]}
    names |= {event["event_id"]: f"{name}-{event['event_id']}" for event in incident["events"]}
    names |= {code: f"{code}88" for code in incident["setup"].get("accounts", {})}

    def change(_key: str, value: Any) -> Any:
        if isinstance(value, str) and (value == root or value.startswith(root + "/")):
            return f"{name} 集团{value[len(root) :]}"
        return names.get(value, value) if isinstance(value, str) else value

    parts = _walk({key: incident[key] for key in ("setup", "events", "expected")}, change)
    return {**incident, **parts, "id": f"{name} {incident['id']}"}


def scale(incident: dict[str, Any], factor: int) -> dict[str, Any]:
    """Quantities and limits times a whole factor; prices and money stay."""

    def change(key: str, value: Any) -> Any:
        if key in _SCALED and isinstance(value, int) and not isinstance(value, bool):
            return value * factor
        return value

    return {**incident, **_walk({k: incident[k] for k in ("setup", "events", "expected")}, change)}


def _stamps(incident: dict[str, Any]) -> Iterator[datetime]:
    for event in incident["events"]:
        for key in ("ts", "arrival_ts"):
            if key in event:
                yield datetime.fromisoformat(event[key])


def _same_kind_of_day(calendar: TradingCalendar, product: str, old: date, new: date) -> bool:
    """A trading day stays one, and keeps (or keeps lacking) its night session."""

    def kind(day: date) -> tuple[bool, bool]:
        evening = datetime.combine(day, time(21, 30), ZoneInfo("Asia/Shanghai"))
        night = calendar.session_at(product, evening) is not None
        return calendar.is_trading_day(product, day), night

    return kind(old) == kind(new)


def shift(
    incident: dict[str, Any], calendar: TradingCalendar, rng: random.Random
) -> dict[str, Any]:
    """Whole weeks, such that every event day keeps its kind, in a year that the calendar knows."""
    product = incident["setup"].get("product", "cu")
    days = {stamp.date() for stamp in _stamps(incident)}
    weeks = [week for week in range(-40, 41) if week]
    rng.shuffle(weeks)
    for week in weeks:
        by = timedelta(weeks=week)
        moved = {day: day + by for day in days}
        if not all(2023 <= day.year <= 2026 for day in moved.values()):
            continue
        if all(_same_kind_of_day(calendar, product, old, new) for old, new in moved.items()):
            break
    else:
        raise AssertionError("no whole number of weeks keeps the kinds of day")

    def change(key: str, value: Any) -> Any:
        if isinstance(value, str) and _STAMP.match(value):
            at = datetime.fromisoformat(value) + by
            return at.isoformat().replace("+00:00", "Z")
        if key == "as_of" and isinstance(value, str) and "T" not in value:
            return (date.fromisoformat(value) + by).isoformat()
        return value

    return {**incident, **_walk({k: incident[k] for k in ("setup", "events", "expected")}, change)}


def lateness_of(event: dict[str, Any], setup: dict[str, Any]) -> int:
    """How late this event may arrive, by the form's `lateness_s` and the product's defaults."""
    table = setup.get("lateness_s", {})
    source = event.get("source", event["actor"])
    if source in table:
        return int(table[source])
    kind = "replica" if "site" in event else event["type"].split(".")[0]
    if kind in table:
        return int(table[kind])
    return _REPLICA_LATENESS if kind == "replica" else _LATENESS


def shuffle(incident: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Each event arrives later by up to its source's lateness, so that the order changes."""
    events = []
    for event in incident["events"]:
        stamp = datetime.fromisoformat(event["ts"])
        base = datetime.fromisoformat(event.get("arrival_ts", event["ts"]))
        allowed = timedelta(seconds=lateness_of(event, incident["setup"]))
        room = allowed - (base - stamp) if base - stamp <= allowed else allowed
        late = base + timedelta(seconds=rng.randrange(int(room.total_seconds()) + 1))
        events.append({**event, "arrival_ts": late.isoformat().replace("+00:00", "Z")})
    # A person's review follows the alert that it reviews; it cannot overtake it.
    raised = {e["alert"]: e["arrival_ts"] for e in events if e["type"] == "alert.raised"}
    for event in events:
        named = [event["alert"]] if event["type"] == "alert.review" else event.get("alerts", [])
        after = max((raised[name] for name in named), default=event["arrival_ts"])
        event["arrival_ts"] = max(event["arrival_ts"], after)
    events.sort(key=lambda e: (datetime.fromisoformat(e["arrival_ts"]), e["seq"]))
    return {**incident, "events": events}


def mix(incident: dict[str, Any], rng: random.Random, count: int = 40) -> dict[str, Any]:
    """Unrelated everyday events around the incident's, in the same organisation and beside it."""
    stamps = sorted(_stamps(incident))
    first, last = stamps[0], stamps[-1]
    span = min((last - first).total_seconds(), 7200) + 600
    events = list(incident["events"])
    org = incident["setup"]["org"]
    for number in range(count):
        at = last - timedelta(seconds=rng.uniform(0, span))
        stamp = at.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        who = f"bystander{rng.randrange(5)}"
        where = rng.choice([org, org + "/旁系班组"])
        body = rng.choice(
            [
                {"log_class": "system", "type": "login", "actor": who},
                {"log_class": "system", "type": "report.view", "actor": who},
                {"log_class": "business", "type": "memo.write", "actor": who, "memo": f"m{number}"},
                {"log_class": "business", "type": "contract.view", "actor": who},
            ]
        )
        events.append(
            {"event_id": f"{incident['id']}-x{number:03d}", "org": where, "ts": stamp,
             "seq": 1000 + number, **body}
        )  # fmt: skip
    return {**incident, "events": events}


def without(incident: dict[str, Any], event_ids: set[str]) -> dict[str, Any]:
    """The incident with some events never sent."""
    return {
        **incident,
        "events": [event for event in incident["events"] if event["event_id"] not in event_ids],
    }


def transform(
    incidents: list[dict[str, Any]], seed: int, calendar: TradingCalendar
) -> list[dict[str, Any]]:
    """All five, renamed, moved, scaled, mixed and shuffled by `seed`."""
    rng = random.Random(seed)
    told = []
    for incident in copy_of(incidents):
        step = rename(incident, rng)
        step = shift(step, calendar, rng)
        step = scale(step, rng.randrange(2, 10))
        step = mix(step, rng)
        told.append(shuffle(step, rng))
    return told


def as_decimal(value: Any) -> Decimal | None:
    """A figure of `evidence`, whatever JSON type it has; None for text."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None
