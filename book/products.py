"""Products and their dated contract specifications.

Signs and units first: a quantity stands in the product's *base unit* (t, bbl, g ...), long is
positive. A futures or option position of `lots` is ``lots x multiplier x unit_factor`` base units.
Specifications are dated: a change of tick or multiplier is a new row with its first day.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from importlib.resources import files

from book.errors import UnknownSpecError
from store.problems import Problem, did_you_mean, shorten

_LETTERS = re.compile(r"[A-Za-z]+", re.ASCII)
_CODE_MOST = 40


class TaxMode(StrEnum):
    """Whether the quoted price includes value added tax."""

    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSpec:
    """What one lot is, from `from_date` on.

    Attributes:
        exchange: the exchange, empty for a company's own product.
        product: the exchange's product code, case as the exchange writes it.
        multiplier: quote units in a lot.
        tick: smallest price step, in quoted price.
        quote_unit: the unit that the price is quoted for.
        base_unit: the unit in which quantities of the product are kept.
        unit_factor: base units in a quote unit (jd: 0.5 t in 500 kg).
        price_scale: money in one step of quoted price (0.01 where cents are quoted).
        currency: currency of the price.
        tax_mode: whether the price includes value added tax.
        close_today: the exchange tells today's lots from older ones when closing.
        from_date: first day on which the row holds.
        source: where the row comes from.
    """

    product: str
    multiplier: Decimal
    base_unit: str
    exchange: str = ""
    tick: Decimal = Decimal(1)
    quote_unit: str = ""
    unit_factor: Decimal = Decimal(1)
    price_scale: Decimal = Decimal(1)
    currency: str = "CNY"
    tax_mode: TaxMode = TaxMode.GROSS
    close_today: bool = False
    from_date: date = date(2000, 1, 1)
    source: str = ""

    def quantity(self, lots: Decimal | int) -> Decimal:
        """Base units in signed `lots`."""
        return lots * self.multiplier * self.unit_factor

    def money(self, price: Decimal, lots: Decimal | int) -> Decimal:
        """Contract value of signed `lots` at a quoted `price`, in `currency`."""
        return lots * self.multiplier * price * self.price_scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A commodity as the company keeps it."""

    code: str
    exchange: str
    base_unit: str
    currency: str
    tax_mode: TaxMode


@dataclass(frozen=True, slots=True)
class SpecBook:
    """All specifications known, the company's own rows after the shipped ones."""

    specs: tuple[ContractSpec, ...] = ()

    def with_specs(self, more: Iterable[ContractSpec]) -> "SpecBook":
        """A book in which rows of `more` win over rows of the same product and day."""
        return SpecBook((*self.specs, *more))

    def spec(self, product: str, on: date, exchange: str = "") -> ContractSpec:
        """The row in force on that day.

        Raises:
            UnknownSpecError: no row is in force, or two exchanges have the code and none is named.
        """
        found = [
            spec
            for spec in self.specs
            if spec.product == product
            and spec.from_date <= on
            and (not exchange or spec.exchange in {"", exchange})
        ]
        own = [spec for spec in found if not spec.exchange]
        if own:
            found = own
        if not found or len({spec.exchange for spec in found}) > 1:
            raise UnknownSpecError(f"{exchange}.{product} on {on.isoformat()}")
        day = max(spec.from_date for spec in found)
        return [spec for spec in found if spec.from_date == day][-1]

    def product(self, code: str, on: date, exchange: str = "") -> Product:
        """The product of that code.

        Raises:
            UnknownSpecError: as `spec`.
        """
        spec = self.spec(code, on, exchange)
        return Product(
            code=spec.product,
            exchange=spec.exchange,
            base_unit=spec.base_unit,
            currency=spec.currency,
            tax_mode=spec.tax_mode,
        )

    def match(self, code: str, exchange: str = "") -> str:
        """The product code meant by `code` in any case ("CU" is cu); empty when none or several."""
        codes = {s.product for s in self.specs if not exchange or s.exchange in {"", exchange}}
        if code in codes:
            return code
        near = [c for c in codes if c.casefold() == code.casefold()]
        return near[0] if len(near) == 1 else ""

    def near(self, code: str) -> str:
        """A known product code that begins `code` (``cu2406``) or looks like it, for a hint."""
        letters = _LETTERS.match(code.strip()[:_CODE_MOST])
        if letters is not None and (begun := self.match(letters[0])):
            return begun
        return did_you_mean(code, sorted({spec.product for spec in self.specs}))


def _flag(text: str) -> bool:
    return text.strip() == "1"


def _positive(text: str) -> Decimal:
    value = Decimal(text)
    if not (value.is_finite() and value > 0):
        raise ValueError(text)
    return value


def load_specs(text: str, file: str) -> tuple[list[ContractSpec], list[Problem]]:
    """Specifications of a CSV text; faulty rows are problems, good rows are kept."""
    specs: list[ContractSpec] = []
    problems: list[Problem] = []
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            specs.append(
                ContractSpec(
                    exchange=row["exchange"],
                    product=row["product"],
                    multiplier=_positive(row["multiplier"]),
                    tick=_positive(row["tick"]),
                    quote_unit=row["quote_unit"],
                    base_unit=row["base_unit"],
                    unit_factor=_positive(row["unit_factor"]),
                    price_scale=_positive(row["price_scale"]),
                    currency=row["currency"],
                    tax_mode=TaxMode(row["tax_mode"]),
                    close_today=_flag(row["close_today"]),
                    from_date=date.fromisoformat(row["from_date"]),
                    source=row["source"],
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
            problems.append(
                Problem("SPEC_ROW_INVALID", file=file, line=line, found=shorten(dict(row)))
            )
    return specs, problems


@cache
def shipped_specs() -> SpecBook:
    """The specifications that ship: 101 products of eleven exchanges."""
    text = (files("book") / "data" / "contract_specs.csv").read_text(encoding="utf-8")
    specs, _ = load_specs(text, "contract_specs.csv")
    return SpecBook(tuple(specs))
