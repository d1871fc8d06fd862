"""What the rows of several kinds share: places, products, units, quantities and times."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from integrations.files.kinds import Column
from integrations.files.terms import Terms
from integrations.files.values import RowReader

ZERO: Final = Decimal(0)
PLACE: Final = ("hedge_book", "project", "strategy")
#: Chinese and common words for units, in lower case → the code.
UNIT_WORDS: Final = {
    "吨": "t", "公吨": "t", "mt": "t", "千克": "kg", "公斤": "kg", "克": "g", "桶": "bbl",
    "磅": "lb", "蒲式耳": "bu", "加仑": "gal", "短吨": "short_ton", "金衡盎司": "oz_tr",
}  # fmt: skip


class RowTerms:
    """Reads the cells that must agree with the terms; what does not is a fault of the row.

    Args:
        terms: what rows are read against.
        columns: the kind's columns by name.
    """

    def __init__(self, terms: Terms, columns: Mapping[str, Column]) -> None:
        self.terms = terms
        self.columns = columns

    def choice(self, row: RowReader, name: str, default: str) -> str:
        """One of the words that the column allows."""
        return row.choice(self.columns[name], default)

    def org(self, row: RowReader) -> str:
        """The organisation; one that the directory does not know is a fault."""
        parts = [part.strip() for part in row.text("org").strip("/").split("/")]
        org = "/".join(parts)
        if org and (not all(parts) or not self.terms.knows_org(org)):
            near = self.terms.near_org(org)
            row.fault("ORG_UNKNOWN", "org", allowed=self.terms.some_orgs(org), hint=near)
        return org

    def product(self, row: RowReader) -> str:
        """The product's code in the letters of the specifications; empty when unknown."""
        given = row.text("product")
        known = self.terms.specs.match(given)
        if given and not known:
            near = self.terms.near_product(given)
            row.fault(
                "PRODUCT_UNKNOWN", "product", allowed=self.terms.some_products(given), hint=near
            )
        return known

    def unit(self, row: RowReader, product: str) -> str:
        """The unit; one that does not lead to the base unit of `product` is a fault."""
        unit = self.unit_word(row)
        if unit and product and (wrong := self.terms.unit_problem(unit, product)):
            row.fault("IMPORT_UNIT_UNKNOWN", "unit", allowed=wrong[0], hint=wrong[1])
        return unit

    def unit_word(self, row: RowReader) -> str:
        """The code of the unit that the cell names, in Chinese too."""
        unit = row.text("unit")
        return UNIT_WORDS.get(unit.casefold(), unit)

    def texts(self, row: RowReader, names: tuple[str, ...]) -> dict[str, str]:
        """Several texts by name."""
        return {name: row.text(name) for name in names}

    def amount(self, row: RowReader, name: str) -> Decimal:
        """A number of 0 or more; 0 for an empty cell."""
        return row.number(name, least=0) or ZERO

    def quantity(self, row: RowReader) -> Decimal:
        """The quantity, above 0 or not below it as the kind's column says."""
        column = self.columns["quantity"]
        positive = column.form.value == "positive"
        number = row.number("quantity", above=0) if positive else row.number("quantity", least=0)
        return number or ZERO

    def day_known(self, row: RowReader, name: str, product: str, org: str, day: date) -> bool:
        """Whether the product's calendar knows the year; a fault when not."""
        if product and self.terms.year_unknown(product, org, day):
            years = self.terms.known_years(product, org)
            params = {"year": str(day.year)}
            row.fault("CALENDAR_YEAR_UNKNOWN", name, allowed=years, params=params)
            return False
        return True

    def time(self, row: RowReader, name: str, product: str, org: str) -> datetime | None:
        """A time, or the midnight of a day, in a year that the product's calendar knows."""
        found = row.time(name, self.terms.clock(org))
        if found is None:
            return None
        day = found.date() if isinstance(found, datetime) else found
        if not self.day_known(row, name, product, org, day):
            return None
        return found if isinstance(found, datetime) else self.terms.start_of(org, day)

    def since(self, row: RowReader, product: str, org: str) -> datetime | None:
        """Since when the row is true; None for the time of the import."""
        return self.time(row, "as_of", product, org) or self.terms.as_of

    def trading_day(self, row: RowReader, name: str, product: str, org: str, day: date) -> None:
        """A day on which the product does not trade is a fault."""
        if not self.terms.is_trading_day(product, org, day):
            row.fault("NOT_A_TRADING_DAY", name, found=day.isoformat())

    def month_gone(
        self, row: RowReader, name: str, month: str, org: str, since: datetime | None
    ) -> None:
        """A delivery month that had passed when the row is true is noted: it may be a slip."""
        if not month.isdigit():
            return
        day = (since or self.terms.now).astimezone(self.terms.clock(org)).date()
        if (2000 + int(month[:2]), int(month[2:])) < (day.year, day.month):
            row.warn("IMPORT_MONTH_PAST", name, params={"since": day.isoformat()})
