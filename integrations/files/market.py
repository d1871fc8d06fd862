"""Rows of the market as facts: positions in futures and options, prices, limits."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from book.codes import Contract, parse_contract
from book.errors import UnknownSpecError
from book.limits import Limit, Measure
from book.positions import FuturesPosition, OptionPosition, Side
from book.prices import MarketPrice, PriceKind
from integrations.files.entry import Entry
from integrations.files.row_terms import PLACE, RowTerms
from integrations.files.values import RowReader
from store.problems import Problem
from store.types import decimal_text


class MarketRows(RowTerms):
    """Reads one row of the market; None, with the faults in the row, when it is no fact."""

    def position(self, row: RowReader) -> Entry | None:
        """A position in a futures contract or an option."""
        org = self.org(row)
        contract = self._code(row)
        side = self.choice(row, "side", "")
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
            **self.texts(row, PLACE),
        }
        greeks: dict[str, Any] = {
            name: row.number(name) for name in ("delta", "gamma", "vega", "theta")
        }
        since = self.since(row, product, org)
        self.month_gone(row, "contract", parts["month"], org, since)
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
            spec = self.terms.specs.spec(
                contract.product, self.terms.now.date(), row.text("exchange")
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
        found = parse_contract(text, self.terms.now.date(), self.terms.specs)
        if isinstance(found, Problem):
            allowed, hint = found.allowed, found.hint
            if found.code == "PRODUCT_UNKNOWN":
                allowed = self.terms.some_products(found.found)
                hint = self.terms.near_product(found.found)
            row.fault(found.code, "contract", allowed=allowed, hint=hint)
            return None
        return found

    def price(self, row: RowReader) -> Entry | None:
        """A price."""
        kind = self.choice(row, "kind", "")
        org = self.org(row)
        product = row.text("product").upper() if kind == PriceKind.FX else self.product(row)
        month = row.month("month")
        if kind == PriceKind.SETTLE:
            row.need("month", "2406")
        price = row.number("price")
        at = self._price_time(row, kind, product, org)
        self.month_gone(row, "month", month, org, at)
        parts: dict[str, Any] = {
            "quote_id": row.text("quote_id"),
            "currency": row.text("currency", "CNY"),
            "source": row.text("source", "file"),
            **self.texts(row, ("grade", "location")),
        }
        if row.problems or price is None or at is None:
            return None
        fact = MarketPrice(
            org=org, product=product, kind=PriceKind(kind), price=price, at=at, month=month, **parts
        )
        return Entry(fact, at, 0)

    def _price_time(self, row: RowReader, kind: str, product: str, org: str) -> datetime | None:
        found = row.time("at", self.terms.clock(org))
        if found is None:
            return None
        day = found.date() if isinstance(found, datetime) else found
        if kind == PriceKind.FX or not product:
            product = ""
        elif not self.day_known(row, "at", product, org, day):
            return None
        if isinstance(found, datetime):
            return found
        if product and kind == PriceKind.SETTLE:
            self.trading_day(row, "at", product, org, day)
        return self.terms.close_of(product, org, day)

    def limit(self, row: RowReader) -> Entry | None:
        """A limit."""
        org, product = self.org(row), self.product(row)
        measure = self.choice(row, "measure", "net")
        month = row.month("month", default="*", star=True)
        account, project = row.text("account", "*"), row.text("project", "*")
        amount = self.amount(row, "amount")
        start = self.time(row, "valid_from", product, org)
        end = self.time(row, "valid_to", "", org)
        self.month_gone(row, "month", month, org, start)
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
        return Entry(limit, start or self.terms.as_of, 0)

    def _limit_unit(self, row: RowReader, product: str) -> str:
        """A limit on quantity stands in the base unit; another would be compared wrongly."""
        unit = self.unit_word(row)
        if not unit or not product:
            return unit
        base = self.terms.base_unit(product)
        if base and unit != base:
            row.fault("IMPORT_LIMIT_UNIT", "unit", allowed=base)
        return unit
