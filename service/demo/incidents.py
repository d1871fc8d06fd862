"""The five incidents, from a file in the form that `docs/en/incidents.md` describes.

Of an incident only `setup` makes the product's directory and book; `expected` serves the comparison
that is printed, and nothing that detects or decides reads it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from book.basis import BasisStats
from book.limits import Limit
from book.positions import (
    FuturesPosition,
    InventoryLot,
    PhysicalContract,
    Side,
)
from book.prices import MarketPrice, PriceKind
from book.state import Fact
from book.vouchers import AccountClass, DocumentAmount, HedgeRelationship, HedgeType, LedgerAccount
from book.write import Dated
from directory import Directory
from directory.setup import directory_from_setup
from store.problems import Problem, shorten

SOURCE: Final = "setup"
_NEEDED: Final = ("id", "setup", "events", "expected")


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of a file."""

    id: str
    title: str
    setup: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    expected: Mapping[str, Any]

    @property
    def org(self) -> str:
        """Where it happens."""
        return str(self.setup["org"])

    @property
    def first(self) -> datetime:
        """The earliest event time."""
        return min(datetime.fromisoformat(event["ts"]) for event in self.events).astimezone(UTC)


def shipped() -> Path:
    """The file that ships."""
    return Path(str(files("service.demo"))) / "data" / "incidents.json"


def read_incidents(path: Path) -> tuple[list[Incident], list[Problem]]:
    """The incidents of a file, and what is wrong with it; good incidents are kept."""
    name = path.name
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        return [], [Problem("FILE_UNREADABLE", file=name, found=str(fault.strerror or ""))]
    except (ValueError, RecursionError) as fault:
        line = getattr(fault, "lineno", 0)
        return [], [Problem("JSON_INVALID", file=name, line=line, found=shorten(str(fault)))]
    if not isinstance(found, list):
        return [], [Problem("EXPECTED_LIST", file=name, found=type(found).__name__, allowed="[…]")]
    incidents: list[Incident] = []
    problems: list[Problem] = []
    for number, one in enumerate(found, 1):
        fault_in = _fault(one)
        if fault_in:
            problems.append(
                Problem("INCIDENT_INCOMPLETE", file=name, field=fault_in, found=f"#{number}")
            )
            continue
        incidents.append(
            Incident(
                str(one["id"]), str(one.get("title", "")), one["setup"],
                tuple(one["events"]), one["expected"],
            )
        )  # fmt: skip
    return incidents, problems


def _fault(one: Any) -> str:
    """The first field of an incident that is missing or of the wrong shape."""
    if not isinstance(one, dict):
        return "incident"
    setup, events = one.get("setup"), one.get("events")
    good = {
        **{key: key in one for key in _NEEDED},
        "setup.org": isinstance(setup, dict) and isinstance(setup.get("org"), str),
        "setup.people": isinstance(setup, dict) and isinstance(setup.get("people", []), list),
        "events.ts": isinstance(events, list)
        and bool(events)
        and all(isinstance(e, dict) and isinstance(e.get("ts"), str) for e in events),
        "expected": isinstance(one.get("expected"), dict),
    }
    return next((name for name, right in good.items() if not right), "")


def directory_of(incident: Incident) -> tuple[Directory, list[Problem]]:
    """Organisation, people, routing and settings, from the set-up alone."""
    return directory_from_setup({"people": [], **incident.setup})


def book_of(incident: Incident) -> Iterator[Dated]:
    """The book's opening facts, from the set-up alone, true since the day before the first event.

    The settlement price is that of the last close before the first event.
    """
    setup = incident.setup
    since = incident.first - timedelta(days=1)
    place: dict[str, Any] = {
        "org": incident.org,
        "product": str(setup.get("product", "")),
        "month": str(setup.get("month", "")) or "spot",
    }
    for fact in _facts(setup, place, incident):
        yield Dated(fact, since)
    if "futures_settle" in setup:
        at = incident.first - timedelta(seconds=1)
        yield Dated(
            MarketPrice(
                product=place["product"], kind=PriceKind.SETTLE, at=at, source=SOURCE,
                price=Decimal(str(setup["futures_settle"])), month=place["month"],
                org=incident.org,
            ),
            at,
        )  # fmt: skip


def _facts(setup: Mapping[str, Any], place: dict[str, Any], incident: Incident) -> Iterator[Fact]:
    org, product = incident.org, place["product"]
    for name, amount in setup.get("limits", {}).items():
        yield Limit(
            limit_id=f"{incident.id}-{name}", org=org, product=product,
            amount=Decimal(str(amount)), unit=str(setup.get("unit", "")),
        )  # fmt: skip
    yield from _quantities(setup, place)
    if "basis_history" in setup:
        stats = setup["basis_history"]
        yield BasisStats(
            org=org, product=product, month=place["month"], mean=Decimal(str(stats["mean"])),
            sd=Decimal(str(stats["sd"])), n=int(stats["n"]),
        )  # fmt: skip
    for code, name in setup.get("accounts", {}).items():
        known = AccountClass(name) if name in set(AccountClass) else AccountClass.OTHER
        yield LedgerAccount(org=org, code=code, account_class=known, name=name)
    for hedge, about in setup.get("hedges", {}).items():
        yield HedgeRelationship(
            org=org, hedge_id=hedge, hedge_type=HedgeType(about["type"]),
            effective=bool(about["effective"]),
        )  # fmt: skip
    for document, amounts in setup.get("documents", {}).items():
        for kind, amount in amounts.items():
            yield DocumentAmount(
                org=org, document_id=document, kind=kind, amount=Decimal(str(amount))
            )


def _quantities(setup: Mapping[str, Any], place: dict[str, Any]) -> Iterator[Fact]:
    """Opening quantities; those of 0 say that there is nothing."""
    sale = Decimal(str(setup.get("sale_contracts_priced_t", 0)))
    if sale:
        yield PhysicalContract(**place, contract_id="SETUP-SALE", side=Side.SELL, quantity=sale)
    stock = Decimal(str(setup.get("inventory_recorded_t", 0)))
    if stock:
        yield InventoryLot(**{**place, "month": "spot"}, lot_id="SETUP-STOCK", quantity=stock)
    transit = Decimal(str(setup.get("in_transit_t", 0)))
    if transit:
        yield InventoryLot(
            **place, lot_id="SETUP-TRANSIT", quantity=transit, in_transit=True, pool=True
        )
    lots = int(setup.get("futures_lots", 0))
    if lots:
        yield FuturesPosition(**place, key="SETUP-FUTURES", lots=lots)


def reachable(directory: Directory, team: str) -> Directory:
    """The directory with an address on each of the demo's channels for everybody."""
    people = tuple(
        replace(
            person,
            email=person.email or f"{number:03d}@demo.invalid",
            slack=person.slack or (team, f"U{number:05d}"),
        )
        for number, person in enumerate(directory.people, 1)
    )
    return replace(directory, people=people)
