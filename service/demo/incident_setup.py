"""An incident's set-up as values: directory, opening book and what the officers need to know.

Directory and book of an incident come from its set-up alone. A fault in a field that makes one of
them leaves the incident out: a company without its limit would be played, and found in order.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

from book.basis import BasisStats
from book.limits import Limit
from book.positions import FuturesPosition, InventoryLot, OrderStatus, PhysicalContract, Side
from book.prices import MarketPrice, PriceKind
from book.products import shipped_specs
from book.state import Fact
from book.vouchers import AccountClass, DocumentAmount, HedgeRelationship, HedgeType, LedgerAccount
from book.write import Dated
from directory import Directory
from directory.loading import directory_from_mapping
from directory.organisation import is_path
from directory.roles import PERMISSIONS
from directory.schedule import parse_session, parse_sessions, shipped_schedules
from directory.setup import directory_from_setup
from service.demo.incident_fields import IncidentReader, Node
from store.problems import did_you_mean

SOURCE: Final = "setup"
FIELDS: Final = (
    "org", "units", "people", "assign", "missing_grant", "product", "month", "unit", "multiplier",
    "sessions", "limits", "futures_settle", "basis_history", "sale_contracts_priced_t",
    "inventory_recorded_t", "in_transit_t", "futures_lots", "accounts", "hedges", "documents",
    "period", "status_map", "submit_limit_t", "erp_sync_within_s", "lateness_s", "sites",
    "max_lag_s", "note",
)  # fmt: skip
_PERSON: Final = (
    "id", "name", "role", "roles", "unit", "grants", "shift", "email", "language", "active",
)  # fmt: skip
_LONGEST_S: Final = 366 * 24 * 3600
_MONTH: Final = re.compile(r"\d\d(0[1-9]|1[0-2])|spot", re.ASCII)
_PERIOD: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_SESSION: Final = "09:00-10:15, 21:00-01:00"
_PATH: Final = "集团/子公司"


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known before the first event.

    Attributes:
        directory: organisations, people, routing and settings.
        facts: of the book.
        product: the product meant where an event names none.
        month: its delivery month.
        settle: the settlement price of the last close.
    """

    directory: Directory
    facts: tuple[Fact, ...]
    product: str
    month: str
    settle: Decimal | None

    def dated(self, org: str, first: datetime) -> Iterator[Dated]:
        """The book's rows, true since the day before the first event at `first`."""
        for fact in self.facts:
            yield Dated(fact, first - timedelta(days=1))
        if self.settle is not None:
            at = first - timedelta(seconds=1)
            price = MarketPrice(
                product=self.product, kind=PriceKind.SETTLE, at=at, source=SOURCE,
                price=self.settle, month=self.month, org=org,
            )  # fmt: skip
            yield Dated(price, at)


@cache
def known_products() -> frozenset[str]:
    """All products with a contract specification or a session table."""
    specified = {spec.product for spec in shipped_specs().specs}
    return frozenset(specified | {code for code in shipped_schedules() if code})


def check_product(reader: IncidentReader, product: str, path: str) -> str:
    """`product` when it is known; told when not."""
    if product and product not in known_products():
        plain = sorted(code for code in known_products() if "." not in code)
        hint = did_you_mean(product, plain)
        reader.fault("INCIDENT_PRODUCT_UNKNOWN", path, product, ", ".join(plain[:8]) + " …", hint)
        return ""
    return product


def read_setup(reader: IncidentReader, setup: Node, incident: str) -> Opening | None:
    """The opening of an incident; None when its set-up has an error."""
    before = reader.errors
    reader.known(setup, FIELDS, "setup")
    org = _path(reader, setup, "org", "setup.org", needed=True)
    units = [
        _check_path(reader, reader.as_text(unit, where), where)
        for where, unit in reader.items(setup, "units", "setup.units")
    ]
    product = check_product(reader, reader.text(setup, "product", "setup.product"), "setup.product")
    month = _matching(reader, setup, "month", _MONTH, "2406, spot")
    _matching(reader, setup, "period", _PERIOD, "2024-12")
    people = _people(reader, setup, org)
    _settings(reader, setup)
    place: dict[str, Any] = {"org": org, "product": product, "month": month or "spot"}
    facts = [
        *_limits(reader, setup, place, incident),
        *_quantities(reader, setup, place),
        *_basis(reader, setup, place),
        *_ledger(reader, setup, org),
    ]
    settle = reader.number(setup, "futures_settle", "setup.futures_settle")
    if reader.errors > before:
        return None
    said = {key: value for key, value in setup.items() if value is not None}
    found, problems = directory_from_setup(
        {
            **said, "org": org, "units": units, "people": people, "product": product,
            "assign": reader.texts(setup, "assign", "setup.assign"),
        }
    )  # fmt: skip
    for one in problems:
        field = f"setup.{one.field}"
        reader.fault(one.code, field, one.found, one.allowed, one.hint, one.severity)
    if reader.errors > before:
        return None
    return Opening(found, tuple(facts), product, place["month"], settle)


def _matching(
    reader: IncidentReader, setup: Node, key: str, pattern: re.Pattern[str], allowed: str
) -> str:
    text = reader.text(setup, key, f"setup.{key}")
    if text and not pattern.fullmatch(text):
        reader.fault("INCIDENT_NOT_A_MONTH", f"setup.{key}", text, allowed)
        return ""
    return text


# --- directory ----------------------------------------------------------------------------------


def _path(
    reader: IncidentReader, holder: Node, key: str, path: str, *, needed: bool = False
) -> str:
    return _check_path(reader, reader.text(holder, key, path, needed=needed), path)


def _check_path(reader: IncidentReader, text: str, path: str) -> str:
    if text and not is_path(text):
        reader.fault("INCIDENT_NOT_A_PATH", path, text, _PATH)
        return ""
    return text


def _people(reader: IncidentReader, setup: Node, org: str) -> list[dict[str, Any]]:
    """Each person by itself, so that a fault names whose it is; then who is named elsewhere."""
    ids: dict[str, str] = {}
    people: list[dict[str, Any]] = []
    for path, value in reader.items(setup, "people", "setup.people"):
        told = reader.as_node(value, path)
        if not told:
            continue
        reader.known(told, _PERSON, path)
        person = {key: told[key] for key in _PERSON if told.get(key) is not None}
        person["unit"] = _path(reader, person, "unit", f"{path}.unit") or org
        people.append(person)
        number = _person(reader, person, path)
        if number and ids.setdefault(number, path) != path:
            reader.fault("INCIDENT_ID_REPEATED", f"{path}.id", number)
    for path, value in reader.items(setup, "assign", "setup.assign"):
        _named(reader, reader.as_text(value, path), path, ids)
    wanted = reader.node(setup, "missing_grant", "setup.missing_grant")
    if wanted:
        where = "setup.missing_grant"
        person_id = reader.text(wanted, "person", f"{where}.person", needed=True)
        _named(reader, person_id, f"{where}.person", ids)
        grant = reader.text(wanted, "grant", f"{where}.grant", needed=True)
        if grant and grant not in PERMISSIONS:
            hint = did_you_mean(grant, PERMISSIONS)
            reader.fault("UNKNOWN_PERMISSION", f"{where}.grant", grant, hint=hint)
    return people


def _named(reader: IncidentReader, person: str, path: str, ids: Mapping[str, str]) -> None:
    if person and person not in ids:
        hint = did_you_mean(person, ids)
        reader.fault("INCIDENT_PERSON_UNKNOWN", path, person, ", ".join([*ids][:8]), hint)


def _person(reader: IncidentReader, person: Node, path: str) -> str:
    before = reader.errors
    number = reader.text(person, "id", f"{path}.id", needed=True)
    for key in ("name", "role", "shift", "email", "language"):
        reader.text(person, key, f"{path}.{key}")
    reader.flag(person, "active", f"{path}.active")
    for key in ("roles", "grants"):
        for where, one in reader.items(person, key, f"{path}.{key}"):
            if not (key == "grants" and isinstance(one, Mapping)):
                reader.as_text(one, where)
    if reader.errors == before and person["unit"]:
        alone = {"organisations": [{"path": person["unit"]}], "people": [person]}
        _, problems = directory_from_mapping(alone)
        for one in problems:
            field = f"{path}.{one.field}" if one.field in _PERSON else path
            reader.fault(one.code, field, one.found, one.allowed, one.hint, one.severity)
    return number


def _settings(reader: IncidentReader, setup: Node) -> None:
    """What stands at the organisation: only checked here, read by the directory."""
    statuses = tuple(OrderStatus)
    status_map = reader.node(setup, "status_map", "setup.status_map")
    for name in status_map:
        reader.choice(status_map, name, f"setup.status_map.{name}", statuses)
    reader.number(setup, "submit_limit_t", "setup.submit_limit_t", least=0)
    for key in ("erp_sync_within_s", "max_lag_s"):
        reader.whole(setup, key, f"setup.{key}", least=0, most=_LONGEST_S)
    lateness = reader.node(setup, "lateness_s", "setup.lateness_s")
    for name in lateness:
        reader.whole(lateness, name, f"setup.lateness_s.{name}", least=0, most=_LONGEST_S)
    reader.texts(setup, "sites", "setup.sites")
    sessions = [
        text
        for where, value in reader.items(setup, "sessions", "setup.sessions")
        if (text := _session(reader, value, where))
    ]
    try:
        parse_sessions(sessions)
    except ValueError:
        reader.fault("INCIDENT_NOT_SESSIONS", "setup.sessions", ", ".join(sessions), _SESSION)


def _session(reader: IncidentReader, value: object, path: str) -> str:
    text = reader.as_text(value, path)
    try:
        if text:
            parse_session(text)
    except ValueError:
        reader.fault("INCIDENT_NOT_SESSIONS", path, text, _SESSION)
        return ""
    return text


# --- book ---------------------------------------------------------------------------------------


def _limits(
    reader: IncidentReader, setup: Node, place: Mapping[str, Any], incident: str
) -> Iterator[Fact]:
    limits = reader.node(setup, "limits", "setup.limits")
    reader.known(limits, ("net_t",), "setup.limits")
    unit = reader.text(setup, "unit", "setup.unit")
    amount = reader.number(limits, "net_t", "setup.limits.net_t", least=0)
    if amount is not None:
        yield Limit(
            limit_id=f"{incident}-net_t", org=place["org"], product=place["product"],
            amount=amount, unit=unit,
        )  # fmt: skip


def _quantities(reader: IncidentReader, setup: Node, place: dict[str, Any]) -> Iterator[Fact]:
    """Opening quantities; those of 0 say that there is nothing."""

    def quantity(key: str) -> Decimal | None:
        return reader.number(setup, key, f"setup.{key}", least=0)

    if sale := quantity("sale_contracts_priced_t"):
        yield PhysicalContract(**place, contract_id="SETUP-SALE", side=Side.SELL, quantity=sale)
    if stock := quantity("inventory_recorded_t"):
        yield InventoryLot(**{**place, "month": "spot"}, lot_id="SETUP-STOCK", quantity=stock)
    if transit := quantity("in_transit_t"):
        yield InventoryLot(
            **place, lot_id="SETUP-TRANSIT", quantity=transit, in_transit=True, pool=True
        )
    reader.number(setup, "multiplier", "setup.multiplier", above=0)
    if lots := reader.whole(setup, "futures_lots", "setup.futures_lots"):
        yield FuturesPosition(**place, key="SETUP-FUTURES", lots=lots)


def _basis(reader: IncidentReader, setup: Node, place: dict[str, Any]) -> Iterator[Fact]:
    path = "setup.basis_history"
    stats = reader.node(setup, "basis_history", path)
    if not stats:
        return
    reader.known(stats, ("mean", "sd", "n"), path)
    for name in ("mean", "sd", "n"):
        if stats.get(name) is None:
            reader.fault("INCIDENT_FIELD_MISSING", f"{path}.{name}", allowed="…")
    mean = reader.number(stats, "mean", f"{path}.mean")
    sd = reader.number(stats, "sd", f"{path}.sd", least=0)
    n = reader.whole(stats, "n", f"{path}.n", least=0)
    if mean is not None and sd is not None and n is not None:
        yield BasisStats(**place, mean=mean, sd=sd, n=n)


def _ledger(reader: IncidentReader, setup: Node, org: str) -> Iterator[Fact]:
    accounts = reader.node(setup, "accounts", "setup.accounts")
    for code in accounts:
        path = f"setup.accounts.{code}"
        if name := reader.text(accounts, code, path):
            is_class = name in set(AccountClass)
            if not is_class and (hint := did_you_mean(name, AccountClass)):
                reader.fault("INCIDENT_NOT_A_CHOICE", path, name, ", ".join(AccountClass), hint)
            known = AccountClass(name) if is_class else AccountClass.OTHER
            yield LedgerAccount(org=org, code=code, account_class=known, name=name)
    yield from _hedges(reader, setup, org)
    documents = reader.node(setup, "documents", "setup.documents")
    for document in documents:
        path = f"setup.documents.{document}"
        amounts = reader.node(documents, document, path)
        for kind in amounts:
            amount = reader.number(amounts, kind, f"{path}.{kind}", least=0)
            if amount is not None:
                yield DocumentAmount(org=org, document_id=document, kind=kind, amount=amount)


def _hedges(reader: IncidentReader, setup: Node, org: str) -> Iterator[Fact]:
    hedges = reader.node(setup, "hedges", "setup.hedges")
    for hedge in hedges:
        path = f"setup.hedges.{hedge}"
        about = reader.node(hedges, hedge, path)
        reader.known(about, ("type", "effective"), path)
        kind = reader.choice(about, "type", f"{path}.type", tuple(HedgeType))
        effective = reader.flag(about, "effective", f"{path}.effective")
        for name in ("type", "effective"):
            if about.get(name) is None:
                reader.fault("INCIDENT_FIELD_MISSING", f"{path}.{name}", allowed="…")
        if kind and effective is not None:
            yield HedgeRelationship(
                org=org, hedge_id=hedge, hedge_type=HedgeType(kind), effective=effective
            )
