"""Units of quantity and the dated conversions between them.

A conversion is master data: it has a first day and a source, and may be limited to one product
(a bushel of corn is not a bushel of wheat). Formula: quantity in `to_unit` = quantity in
`from_unit` x factor.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files

from book.errors import UnknownConversionError
from store.problems import Problem, shorten

ONE = Decimal(1)
MAX_HOPS = 3


@dataclass(frozen=True, slots=True)
class UnitConversion:
    """1 `from_unit` = `factor` `to_unit`, from `from_date` on; `product` empty means any."""

    from_unit: str
    to_unit: str
    factor: Decimal
    from_date: date
    source: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class UnitTable:
    """All conversions known; lookups are pure and take the day."""

    conversions: tuple[UnitConversion, ...] = ()

    def with_conversions(self, more: Iterable[UnitConversion]) -> "UnitTable":
        """A table that knows `more` as well."""
        return UnitTable((*self.conversions, *more))

    def factor(self, from_unit: str, to_unit: str, on: date, product: str = "") -> Decimal:
        """How many `to_unit` one `from_unit` is on that day, over at most three steps.

        Raises:
            UnknownConversionError: when no chain of conversions leads there.
        """
        if from_unit == to_unit:
            return ONE
        edges = self._edges(on, product)
        front = [(from_unit, ONE)]
        seen = {from_unit}
        for _ in range(MAX_HOPS):
            following: list[tuple[str, Decimal]] = []
            for unit, so_far in front:
                for target, factor in edges.get(unit, ()):
                    if target == to_unit:
                        return so_far * factor
                    if target not in seen:
                        seen.add(target)
                        following.append((target, so_far * factor))
            front = following
        raise UnknownConversionError(f"{from_unit} -> {to_unit} on {on.isoformat()}")

    def convert(
        self, quantity: Decimal, from_unit: str, to_unit: str, on: date, product: str = ""
    ) -> Decimal:
        """`quantity` of `from_unit`, in `to_unit` (not rounded beyond the decimal context)."""
        return quantity * self.factor(from_unit, to_unit, on, product)

    def _edges(self, on: date, product: str) -> dict[str, list[tuple[str, Decimal]]]:
        chosen: dict[tuple[str, str], UnitConversion] = {}
        for conversion in self.conversions:
            if conversion.from_date > on or conversion.product not in {"", product}:
                continue
            pair = (conversion.from_unit, conversion.to_unit)
            held = chosen.get(pair)
            # the product's own conversion beats the general one, then the younger one wins
            if held is None or (bool(conversion.product), conversion.from_date) >= (
                bool(held.product),
                held.from_date,
            ):
                chosen[pair] = conversion
        edges: dict[str, list[tuple[str, Decimal]]] = {}
        for (source, target), conversion in sorted(chosen.items()):
            edges.setdefault(source, []).append((target, conversion.factor))
            edges.setdefault(target, []).append((source, ONE / conversion.factor))
        return edges


def load_conversions(text: str, file: str) -> tuple[list[UnitConversion], list[Problem]]:
    """Conversions of a CSV text; faulty rows are problems, good rows are kept."""
    rows: list[UnitConversion] = []
    problems: list[Problem] = []
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            factor = Decimal(row["factor"])
            if not (factor.is_finite() and factor > 0):
                raise ValueError(row["factor"])
            rows.append(
                UnitConversion(
                    from_unit=row["from_unit"],
                    to_unit=row["to_unit"],
                    factor=factor,
                    from_date=date.fromisoformat(row["from_date"]),
                    source=row["source"],
                    product=row["product"],
                )
            )
        except (KeyError, TypeError, ValueError, InvalidOperation):
            problems.append(
                Problem("UNIT_ROW_INVALID", file=file, line=line, found=shorten(dict(row)))
            )
    return rows, problems


@cache
def shipped_units() -> UnitTable:
    """The conversions that ship with the product."""
    text = (files("book") / "data" / "units.csv").read_text(encoding="utf-8")
    rows, _ = load_conversions(text, "units.csv")
    return UnitTable(tuple(rows))
