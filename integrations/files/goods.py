"""Rows of goods as facts: contracts, fixations (点价), lots of inventory, receipts."""

from typing import Any, Final

from book.positions import (
    ContractStatus,
    InventoryLot,
    PhysicalContract,
    PriceType,
    PricingFixation,
    Receipt,
    ReceiptStatus,
    Side,
)
from integrations.files.entry import Entry
from integrations.files.row_terms import PLACE, ZERO, RowTerms
from integrations.files.values import RowReader

_GOODS: Final = (*PLACE, "grade", "location", "counterparty")


class GoodsRows(RowTerms):
    """Reads one row of goods; None, with the faults in the row, when it is no fact."""

    def contract(self, row: RowReader) -> Entry | None:
        """A contract, or with a `fixation_id` the fixation of part of one."""
        org = self.org(row)
        if row.has("fixation_id"):
            return self._fixation(row, org)
        product = self.product(row)
        side = self.choice(row, "side", "")
        price_type = self.choice(row, "price_type", "fixed")
        status = self.choice(row, "status", "open")
        days = row.days("pricing_days")
        for day in days:
            if self.day_known(row, "pricing_days", product, org, day) and product:
                self.trading_day(row, "pricing_days", product, org, day)
        parts: dict[str, Any] = {
            "contract_id": row.text("contract_id"),
            "quantity": self.quantity(row),
            "unit": self.unit(row, product),
            "delivered": self.amount(row, "delivered"),
            "tolerance_pct": self.amount(row, "tolerance_pct"),
            "price": row.number("price"),
            "premium": row.number("premium"),
            "currency": row.text("currency", "CNY"),
            "month": row.month("month"),
            "forecast": row.flag("forecast"),
            "account": row.text("account"),
            **self.texts(row, _GOODS),
        }
        since = self.since(row, product, org)
        self.month_gone(row, "month", parts["month"], org, since)
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
            "quantity": self.quantity(row),
            "price": row.number("price") or ZERO,
        }
        at = self.time(row, "as_of", "", org)
        if row.problems or at is None:
            return None
        return Entry(PricingFixation(org=org, at=at, **parts), at, 0)

    def lot(self, row: RowReader) -> Entry | None:
        """A lot of inventory."""
        org, product = self.org(row), self.product(row)
        parts: dict[str, Any] = {
            "lot_id": row.text("lot_id"),
            "quantity": self.quantity(row),
            "unit": self.unit(row, product),
            "unit_cost": row.number("unit_cost"),
            "in_transit": row.flag("in_transit"),
            "title_held": row.flag("title_held", default=True),
            "pledged": row.flag("pledged"),
            "pool": row.flag("pool"),
            "receipt_id": row.text("receipt_id"),
            "month": row.month("month"),
            "account": row.text("account"),
            **self.texts(row, _GOODS),
        }
        since = self.since(row, product, org)
        self.month_gone(row, "month", parts["month"], org, since)
        return None if row.problems else Entry(
            InventoryLot(org=org, product=product, **parts), since, 0
        )  # fmt: skip

    def receipt(self, row: RowReader) -> Entry | None:
        """A receipt of goods."""
        org, product = self.org(row), self.product(row)
        status = self.choice(row, "status", "")
        parts: dict[str, Any] = {
            "receipt_id": row.text("receipt_id"),
            "quantity": self.quantity(row),
            "unit": self.unit(row, product),
            "contract_id": row.text("contract_id"),
            "pool_id": row.text("pool_id"),
            "month": row.month("month"),
            "account": row.text("account"),
            **self.texts(row, _GOODS),
        }
        since = self.since(row, product, org)
        self.month_gone(row, "month", parts["month"], org, since)
        if row.problems:
            return None
        receipt = Receipt(org=org, product=product, status=ReceiptStatus(status), **parts)
        return Entry(receipt, since, 0)
