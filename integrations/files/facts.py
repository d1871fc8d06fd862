"""A row of a file as a fact of the book; everything wrong with the row is told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from book.codes import Contract, parse_contract
from book.errors import UnknownSpecError
from book.limits import Limit, Measure
from book.positions import (
    ContractStatus,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    PhysicalContract,
    PriceType,
    PricingFixation,
    Receipt,
    ReceiptStatus,
    Side,
)
from book.prices import MarketPrice, PriceKind
from book.state import Fact
from integrations.files.kinds import COLUMNS, FIXATION_NEEDS, Kind
from integrations.files.terms import Terms
from integrations.files.values import RowReader
from store.problems import Problem
from store.types import decimal_text

ZERO: Final = Decimal(0)
_PLACE: Final = ("hedge_book", "project", "strategy")
_GOODS: Final = ("grade", "location", "counterparty")
_UNITS: Final = {
    "吨": "t", "公吨": "t", "mt": "t", "千克": "kg", "公斤": "kg", "克": "g", "桶": "bbl",
    "磅": "lb", "蒲式耳": "bu", "加仑": "gal", "短吨": "short_ton", "金衡盎司": "oz_tr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that became a fact.

    Attributes:
        fact: the fact.
        valid_from: since when it is true; None when the row does not say.
        line: where it stands, with `cell` of its id.
        side: for a position with a side of its own, ``buy`` or ``sell``; else empty.
        rows: how many rows of the file it stands for.
    """

    fact: Fact
    valid_from: datetime | None
    line: int
    cell: str = ""
    side: str = ""
    rows: int = 1


class FactReader:
    """Reads the rows of one kind."""

    def __init__(self, kind: Kind, terms: Terms) -> None:
        self._terms = terms
        self._columns = {column.name: column for column in COLUMNS[kind]}
        readers: Mapping[Kind, Callable[[RowReader], Entry | None]] = {
            Kind.CONTRACTS: self._contract,
            Kind.INVENTORY: self._lot,
            Kind.RECEIPTS: self._receipt,
            Kind.POSITIONS: self._position,
            Kind.PRICES: self._price,
            Kind.LIMITS: self._limit,
        }
        self._read = readers[kind]
        self.kind = kind

    def read(
        self,
        values: Mapping[str, Any],
        *,
        file: str,
        line: int,
        cells: Mapping[str, str] | None = None,
    ) -> Entry | list[Problem]:
        """The entry, or everything that is wrong with the row."""
        row = RowReader(values, file=file, line=line, cells=cells)
        fixation = self.kind is Kind.CONTRACTS and row.has("fixation_id")
        for column in self._columns.values():
            wanted = column.name in FIXATION_NEEDS if fixation else column.needed
            if wanted:
                row.need(column.name, ", ".join(column.choices) or column.example)
        entry = self._read(row)
        if row.problems or entry is None:
            return row.problems
        return Entry(
            entry.fact,
            entry.valid_from,
            line,
            next(iter((cells or {}).values()), ""),
            entry.side,
        )

    # --- what several kinds share ---------------------------------------------------------------

    def _choice(self, row: RowReader, name: str, default: str) -> str:
        return row.choice(self._columns[name], default)

    def _org(self, row: RowReader) -> str:
        parts = [part.strip() for part in row.text("org").strip("/").split("/")]
        org = "/".join(parts)
        if org and (not all(parts) or not self._terms.knows_org(org)):
            near = self._terms.near_org(org)
            row.fault("ORG_UNKNOWN", "org", allowed=self._terms.some_orgs(org), hint=near)
        return org

    def _product(self, row: RowReader) -> str:
        given = row.text("product")
        known = self._terms.specs.match(given)
        if given and not known:
            near = self._terms.specs.near(given)
            row.fault(
                "PRODUCT_UNKNOWN", "product", allowed=self._terms.some_products(given), hint=near
            )
        return known

    def _unit(self, row: RowReader, product: str) -> str:
        unit = self._unit_word(row)
        if unit and product and (wrong := self._terms.unit_problem(unit, product)):
            row.fault("IMPORT_UNIT_UNKNOWN", "unit", allowed=wrong[0], hint=wrong[1])
        return unit

    def _unit_word(self, row: RowReader) -> str:
        unit = row.text("unit")
        return _UNITS.get(unit.casefold(), unit)

    def _texts(self, row: RowReader, names: tuple[str, ...]) -> dict[str, str]:
        return {name: row.text(name) for name in names}

    def _amount(self, row: RowReader, name: str) -> Decimal:
        return row.number(name, least=0) or ZERO

    def _quantity(self, row: RowReader) -> Decimal:
        column = self._columns["quantity"]
        positive = column.form.value == "positive"
        number = row.number("quantity", above=0) if positive else row.number("quantity", least=0)
        return number or ZERO

    def _day_known(self, row: RowReader, name: str, product: str, org: str, day: date) -> bool:
        if product and self._terms.year_unknown(product, org, day):
            years = self._terms.known_years(product, org)
            params = {"year": str(day.year)}
            row.fault("CALENDAR_YEAR_UNKNOWN", name, allowed=years, params=params)
            return False
        return True

    def _time(self, row: RowReader, name: str, product: str, org: str) -> datetime | None:
        """A time, or the midnight of a day, in a year that the product's calendar knows."""
        found = row.time(name, self._terms.clock(org))
        if found is None:
            return None
        day = found.date() if isinstance(found, datetime) else found
        if not self._day_known(row, name, product, org, day):
            return None
        return found if isinstance(found, datetime) else self._terms.start_of(org, day)

    def _since(self, row: RowReader, product: str, org: str) -> datetime | None:
        return self._time(row, "as_of", product, org) or self._terms.as_of

    # --- the kinds ------------------------------------------------------------------------------

    def _contract(self, row: RowReader) -> Entry | None:
        org = self._org(row)
        if row.has("fixation_id"):
            return self._fixation(row, org)
        product = self._product(row)
        side = self._choice(row, "side", "")
        price_type = self._choice(row, "price_type", "fixed")
        status = self._choice(row, "status", "open")
        days = row.days("pricing_days")
        for day in days:
            if self._day_known(row, "pricing_days", product, org, day) and product:
                self._trading_day(row, "pricing_days", product, org, day)
        parts: dict[str, Any] = {
            "contract_id": row.text("contract_id"),
            "quantity": self._quantity(row),
            "unit": self._unit(row, product),
            "delivered": self._amount(row, "delivered"),
            "tolerance_pct": self._amount(row, "tolerance_pct"),
            "price": row.number("price"),
            "premium": row.number("premium"),
            "currency": row.text("currency", "CNY"),
            "month": row.month("month"),
            "forecast": row.flag("forecast"),
            "account": row.text("account"),
            **self._texts(row, _PLACE + _GOODS),
        }
        since = self._since(row, product, org)
        if row.problems:
            return None
        contract = PhysicalContract(
            org=org,
            product=product,
            side=Side(side),
            price_type=PriceType(price_type),
            status=ContractStatus(status),
            pricing_days=days,
            **parts,
        )
        return Entry(contract, since, 0)

    def _fixation(self, row: RowReader, org: str) -> Entry | None:
        parts: dict[str, Any] = {
            "fixation_id": row.text("fixation_id"),
            "contract_id": row.text("contract_id"),
            "quantity": self._quantity(row),
            "price": row.number("price") or ZERO,
        }
        at = self._time(row, "as_of", "", org)
        if row.problems or at is None:
            return None
        return Entry(PricingFixation(org=org, at=at, **parts), at, 0)

    def _lot(self, row: RowReader) -> Entry | None:
        org, product = self._org(row), self._product(row)
        parts: dict[str, Any] = {
            "lot_id": row.text("lot_id"),
            "quantity": self._quantity(row),
            "unit": self._unit(row, product),
            "unit_cost": row.number("unit_cost"),
            "in_transit": row.flag("in_transit"),
            "title_held": row.flag("title_held", default=True),
            "pledged": row.flag("pledged"),
            "pool": row.flag("pool"),
            "receipt_id": row.text("receipt_id"),
            "month": row.month("month"),
            "account": row.text("account"),
            **self._texts(row, _PLACE + _GOODS),
        }
        since = self._since(row, product, org)
        return None if row.problems else Entry(
            InventoryLot(org=org, product=product, **parts), since, 0
        )  # fmt: skip

    def _receipt(self, row: RowReader) -> Entry | None:
        org, product = self._org(row), self._product(row)
        status = self._choice(row, "status", "")
        parts: dict[str, Any] = {
            "receipt_id": row.text("receipt_id"),
            "quantity": self._quantity(row),
            "unit": self._unit(row, product),
            "contract_id": row.text("contract_id"),
            "pool_id": row.text("pool_id"),
            "month": row.month("month"),
            "account": row.text("account"),
            **self._texts(row, _PLACE + _GOODS),
        }
        since = self._since(row, product, org)
        if row.problems:
            return None
        receipt = Receipt(org=org, product=product, status=ReceiptStatus(status), **parts)
        return Entry(receipt, since, 0)

    def _position(self, row: RowReader) -> Entry | None:
        org = self._org(row)
        contract = self._code(row)
        side = self._choice(row, "side", "")
        lots = row.lots("lots")
        if lots is not None and side and lots < 0:
            row.fault("IMPORT_NEGATIVE", "lots", allowed="≥ 0")
        product = contract.product if contract else ""
        # in the exchange's own letters, so that CU2406 and cu2406 are one position
        code = product + contract.code[len(product) :] if contract else ""
        account = row.text("account")
        parts: dict[str, Any] = {
            "account": account,
            "contract": code,
            "month": contract.delivery_month if contract else "",
            "key": row.text("key") or f"{code}/{account}",
            "exchange": row.text("exchange"),
            "multiplier": self._multiplier(row, contract),
            "counterparty": row.text("counterparty"),
            **self._texts(row, _PLACE),
        }
        greeks: dict[str, Any] = {
            name: row.number(name) for name in ("delta", "gamma", "vega", "theta")
        }
        since = self._since(row, product, org)
        if row.problems or contract is None or lots is None:
            return None
        signed = -lots if side == Side.SELL else lots
        place: dict[str, Any] = {"org": org, "product": product, "lots": signed, **parts}
        fact = OptionPosition(**place, **greeks) if contract.right else FuturesPosition(**place)
        return Entry(fact, since, 0, side=side)

    def _multiplier(self, row: RowReader, contract: Contract | None) -> Decimal | None:
        """Base units a lot; what contradicts the master data would scale the exposure unseen."""
        given = row.number("multiplier", above=0)
        if given is None or contract is None:
            return given
        try:
            spec = self._terms.specs.spec(
                contract.product, self._terms.now.date(), row.text("exchange")
            )
        except UnknownSpecError:
            return given
        lot = spec.quantity(1)
        if given != lot:
            row.fault("IMPORT_MULTIPLIER_DIFFERS", "multiplier", allowed=decimal_text(lot))
        return given

    def _code(self, row: RowReader) -> Contract | None:
        text = row.text("contract")
        if not text:
            return None
        found = parse_contract(text, self._terms.now.date(), self._terms.specs)
        if isinstance(found, Problem):
            row.fault(found.code, "contract", allowed=found.allowed, hint=found.hint)
            return None
        return found

    def _price(self, row: RowReader) -> Entry | None:
        kind = self._choice(row, "kind", "")
        org = self._org(row)
        product = row.text("product").upper() if kind == PriceKind.FX else self._product(row)
        month = row.month("month")
        if kind == PriceKind.SETTLE:
            row.need("month", "2406")
        price = row.number("price")
        at = self._price_time(row, kind, product, org)
        parts: dict[str, Any] = {
            "quote_id": row.text("quote_id"),
            "currency": row.text("currency", "CNY"),
            "source": row.text("source", "file"),
            **self._texts(row, ("grade", "location")),
        }
        if row.problems or price is None or at is None:
            return None
        fact = MarketPrice(
            org=org, product=product, kind=PriceKind(kind), price=price, at=at, month=month, **parts
        )
        return Entry(fact, at, 0)

    def _price_time(self, row: RowReader, kind: str, product: str, org: str) -> datetime | None:
        found = row.time("at", self._terms.clock(org))
        if found is None:
            return None
        day = found.date() if isinstance(found, datetime) else found
        if kind == PriceKind.FX or not product:
            product = ""
        elif not self._day_known(row, "at", product, org, day):
            return None
        if isinstance(found, datetime):
            return found
        if product and kind == PriceKind.SETTLE:
            self._trading_day(row, "at", product, org, day)
        return self._terms.close_of(product, org, day)

    def _trading_day(self, row: RowReader, name: str, product: str, org: str, day: date) -> None:
        if not self._terms.is_trading_day(product, org, day):
            row.fault("NOT_A_TRADING_DAY", name, found=day.isoformat())

    def _limit(self, row: RowReader) -> Entry | None:
        org, product = self._org(row), self._product(row)
        measure = self._choice(row, "measure", "net")
        month = row.month("month", default="*", star=True)
        account, project = row.text("account", "*"), row.text("project", "*")
        amount = self._amount(row, "amount")
        start = self._time(row, "valid_from", product, org)
        end = self._time(row, "valid_to", "", org)
        if start is not None and end is not None and end <= start:
            row.fault("EMPTY_PERIOD", "valid_to")
        unit = row.text("unit") if measure == Measure.VALUE else self._limit_unit(row, product)
        own = f"{product}|{measure}|{month}|{account}|{project}"
        limit_id = row.text("limit_id") or own
        if row.problems:
            return None
        limit = Limit(
            limit_id=limit_id,
            org=org,
            product=product,
            amount=amount,
            measure=Measure(measure),
            month=month,
            account=account,
            project=project,
            unit=unit,
            valid_from=start,
            valid_to=end,
        )
        return Entry(limit, start or self._terms.as_of, 0)

    def _limit_unit(self, row: RowReader, product: str) -> str:
        """A limit on quantity stands in the base unit; another would be compared wrongly."""
        unit = self._unit_word(row)
        if not unit or not product:
            return unit
        base = self._terms.base_unit(product)
        if base and unit != base:
            row.fault("IMPORT_LIMIT_UNIT", "unit", allowed=base)
        return unit
