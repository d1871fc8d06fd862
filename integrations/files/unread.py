"""Columns that nobody reads: whether one of them could be the field that the file lacks.

A file without a column of months is a file of spot goods, one without units is in the base unit.
Where such a column does stand there under a name that is not known, taking the default would be a
guess, so the file is kept out until somebody says what the column is, or that it is to be left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Final

from book.units import shipped_units
from integrations.files.kinds import COLUMNS, Column, Form, Kind
from integrations.files.row_terms import UNIT_WORDS
from integrations.files.trade_words import plain_header
from integrations.files.values import month_of, plain
from store.problems import did_you_mean

#: Parts of a header that speak of a field; the first field that the file lacks is the candidate.
_STEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "month": ("月", "交割", "交货期", "到期", "month", "maturity", "expiry", "tenor"),
    "price_type": ("价方式", "价类型", "计价", "点价", "定价", "pricing"),
    "premium": ("升贴", "升水", "贴水", "premium", "discount"),
    "price": ("价", "price"),
    "unit_cost": ("成本", "cost"),
    "delivered": ("已交", "已发", "已提", "deliver"),
    "tolerance_pct": ("溢短", "toleran"),
    "unit": ("计量", "uom"),
    "currency": ("币", "currenc"),
    "side": ("方向", "买卖", "购销", "多空", "direction"),
    "lots": ("手数",),
    "status": ("状态", "status"),
    "forecast": ("预测", "forecast"),
    "in_transit": ("在途", "transit"),
    "title_held": ("货权",),
    "pledged": ("质押", "pledge"),
    "multiplier": ("乘数", "multiplier"),
    "delta": ("delta",),
    "measure": ("口径",),
    "valid_from": ("生效", "起始"),
    "valid_to": ("失效", "截止"),
}
_CURRENCIES: Final = frozenset(
    {"aud", "cad", "chf", "cnh", "cny", "eur", "gbp", "hkd", "jpy", "krw", "myr", "rmb", "sgd",
     "usd", "人民币", "美元", "欧元", "港币", "日元", "英镑"}
)  # fmt: skip
_FIRST_YEAR: Final = 15
_LAST_YEAR: Final = 45


@dataclass(slots=True)
class _Unread:
    """One column: where it stands, what its header says, and what its cells could be so far."""

    column: int
    text: str
    could_be: list[Column]
    filled: bool = False


@dataclass(slots=True)
class UnreadColumns:
    """The columns of one table that are not read.

    Args:
        kind: what the file holds.
        absent: fields without a column.
        words: field → what a header may say for it.
    """

    kind: Kind
    absent: Collection[str]
    words: Mapping[str, Sequence[str]]
    _waiting: list[_Unread] = field(default_factory=list)

    def near(self, text: str) -> str:
        """The nearest word for a field that the file lacks; empty when none is near."""
        known = {
            plain_header(word): word
            for name, words in self.words.items()
            if name in self.absent
            for word in reversed(words)  # of two that read alike our own name is told
        }
        return known.get(did_you_mean(plain_header(text), known), "")

    def spoken_of(self, text: str) -> str:
        """The field that the file lacks and a part of the header speaks of; empty for none."""
        said = plain_header(text)
        return next(
            (
                name
                for name, stems in _STEMS.items()
                if name in self.absent and any(stem in said for stem in stems)
            ),
            "",
        )

    def watch(self, column: int, text: str) -> None:
        """Look at the cells of a column (from 1) as they are read."""
        could_be = [
            one for one in COLUMNS[self.kind] if one.name in self.absent and one.name in _GUESSED
        ]
        self._waiting.append(_Unread(column, text, could_be))

    def see(self, values: Sequence[Any]) -> None:
        """Take note of one row."""
        for one in self._waiting:
            cell = values[one.column - 1] if one.column <= len(values) else None
            if one.could_be and cell is not None and plain(cell).strip():
                one.filled = True
                one.could_be = [column for column in one.could_be if _could_be(column, cell)]

    def telling(self) -> Iterator[tuple[int, str, str]]:
        """Column, header and field of each whose every filled cell could be a field's value."""
        for one in self._waiting:
            if one.filled and one.could_be:
                yield one.column, one.text, one.could_be[0].name


#: Fields of which the default would change a figure and whose values can be told by their look.
_GUESSED: Final = frozenset(
    {"month", "price_type", "unit", "currency", "side", "status", "measure"}
)


def _could_be(column: Column, cell: Any) -> bool:
    if column.form is Form.MONTH:
        return _is_month(cell)
    text = plain(cell).strip().casefold()
    if column.form is Form.CHOICE:
        return text in column.choices or text in (column.words or {})
    return text in (_units() if column.name == "unit" else _CURRENCIES)


def _is_month(cell: Any) -> bool:
    """Whether a cell reads as a month of these years; a whole day is none, save a month's first."""
    if isinstance(cell, date):  # Excel keeps a month as its first day
        return cell.day == 1
    found = month_of(plain(cell))
    return found is not None and (
        not found.isdigit() or _FIRST_YEAR <= int(found[:2]) <= _LAST_YEAR
    )


@cache
def _units() -> frozenset[str]:
    known = shipped_units().conversions
    names = {unit for one in known for unit in (one.from_unit, one.to_unit)}
    return frozenset({name.casefold() for name in names} | UNIT_WORDS.keys())
