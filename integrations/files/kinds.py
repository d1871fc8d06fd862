"""What can be imported, and the columns of each kind. The header of a template is the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from book.limits import Measure
from book.positions import ContractStatus, PriceType, ReceiptStatus, Side
from book.prices import PriceKind


class Kind(StrEnum):
    """What a file holds."""

    CONTRACTS = "contracts"
    INVENTORY = "inventory"
    RECEIPTS = "receipts"
    POSITIONS = "positions"
    PRICES = "prices"
    LIMITS = "limits"


class Form(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    ORG = "org"
    PRODUCT = "product"
    MONTH = "month"
    CONTRACT = "contract"
    UNIT = "unit"
    CHOICE = "choice"
    FLAG = "flag"
    POSITIVE = "positive"
    AMOUNT = "amount"
    NUMBER = "number"
    LOTS = "lots"
    TIME = "time"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: the header, which is also the field of the problem.
        form: how its cells are read. ``positive`` is above 0, ``amount`` is 0 or more, ``number``
            may be negative, ``lots`` is a whole number of either sign.
        needed: an empty cell is a problem.
        choices: the words that a ``choice`` allows.
        words: other words for them, Chinese ones among them, in lower case.
        example: what a cell may hold.
    """

    name: str
    form: Form = Form.TEXT
    needed: bool = False
    choices: tuple[str, ...] = ()
    words: Mapping[str, str] | None = None
    example: str = ""

    @property
    def allowed(self) -> str:
        """What a cell may hold, for a problem: each choice with the Chinese words for it."""
        return ", ".join(self._chosen(choice) for choice in self.choices) or self.example

    def _chosen(self, choice: str) -> str:
        theirs = [
            w for w, meant in (self.words or {}).items() if meant == choice and not w.isascii()
        ]
        return " / ".join((choice, *theirs))


_SIDES: Final = {
    "b": "buy", "purchase": "buy", "long": "buy", "买": "buy", "买入": "buy", "采购": "buy",
    "多": "buy", "多头": "buy", "s": "sell", "sale": "sell", "short": "sell", "卖": "sell",
    "卖出": "sell", "销售": "sell", "空": "sell", "空头": "sell",
}  # fmt: skip
_PRICE_TYPES: Final = {
    "固定价": "fixed", "一口价": "fixed", "已定价": "fixed", "点价": "unpriced",
    "未定价": "unpriced", "未点价": "unpriced", "均价": "formula", "公式价": "formula",
}  # fmt: skip
_STATUSES: Final = {
    "执行中": "open", "未完成": "open", "完成": "completed", "已完成": "completed",
    "取消": "cancelled", "已取消": "cancelled", "作废": "cancelled", "canceled": "cancelled",
}  # fmt: skip
_RECEIPTS: Final = {
    "入库中": "in_progress", "在途": "in_progress", "已入账": "posted", "已入库": "posted",
    "未入账": "unposted", "超时": "unposted", "timeout": "unposted", "已排除": "dismissed",
}  # fmt: skip
_PRICES: Final = {
    "现货": "spot", "结算": "settle", "结算价": "settle", "最新": "last", "最新价": "last",
    "点价": "fix", "定价": "fix", "汇率": "fx",
}  # fmt: skip
_MEASURES: Final = {"净": "net", "净敞口": "net", "总": "gross", "毛": "gross", "价差": "spread"}


def _choice(
    name: str,
    values: type[StrEnum],
    words: Mapping[str, str],
    example: str,
    *,
    needed: bool = False,
) -> Column:
    return Column(name, Form.CHOICE, needed, tuple(one.value for one in values), words, example)


_ORG: Final = Column("org", Form.ORG, needed=True, example="集团/子公司")
_PRODUCT: Final = Column("product", Form.PRODUCT, needed=True, example="cu")
_MONTH: Final = Column("month", Form.MONTH, example="2406")
_QUANTITY: Final = Column("quantity", Form.POSITIVE, needed=True, example="1000")
_UNIT: Final = Column("unit", Form.UNIT, example="t")
_AS_OF: Final = Column("as_of", Form.TIME, example="2024-05-14")
_CURRENCY: Final = Column("currency", example="CNY")
_ACCOUNT: Final = Column("account", example="880009")
_PLACE: Final = tuple(Column(name) for name in ("hedge_book", "project", "strategy"))
_GOODS: Final = tuple(Column(name) for name in ("grade", "location", "counterparty"))

COLUMNS: Final[Mapping[Kind, tuple[Column, ...]]] = {
    Kind.CONTRACTS: (
        Column("contract_id", needed=True, example="P-2024-001"),
        Column("fixation_id", example="D-001"),
        _ORG,
        _PRODUCT,
        _choice("side", Side, _SIDES, "buy", needed=True),
        _QUANTITY,
        _UNIT,
        _MONTH,
        _choice("price_type", PriceType, _PRICE_TYPES, "fixed"),
        Column("price", Form.NUMBER, example="71250.00"),
        Column("premium", Form.NUMBER, example="-120"),
        _CURRENCY,
        Column("delivered", Form.AMOUNT, example="0"),
        Column("tolerance_pct", Form.AMOUNT, example="5"),
        Column("pricing_days", Form.DAYS, example="2024-05-13; 2024-05-14"),
        _choice("status", ContractStatus, _STATUSES, "open"),
        Column("forecast", Form.FLAG, example="no"),
        _ACCOUNT,
        *_PLACE,
        *_GOODS,
        _AS_OF,
    ),
    Kind.INVENTORY: (
        Column("lot_id", needed=True, example="L-001"),
        _ORG,
        _PRODUCT,
        Column("quantity", Form.AMOUNT, needed=True, example="1000"),
        _UNIT,
        _MONTH,
        Column("unit_cost", Form.NUMBER, example="70800.00"),
        Column("in_transit", Form.FLAG, example="no"),
        Column("title_held", Form.FLAG, example="yes"),
        Column("pledged", Form.FLAG, example="no"),
        Column("receipt_id", example="R-001"),
        Column("pool", Form.FLAG, example="no"),
        _ACCOUNT,
        *_PLACE,
        *_GOODS,
        _AS_OF,
    ),
    Kind.RECEIPTS: (
        Column("receipt_id", needed=True, example="R-001"),
        _ORG,
        _PRODUCT,
        _QUANTITY,
        _choice("status", ReceiptStatus, _RECEIPTS, "in_progress", needed=True),
        _UNIT,
        _MONTH,
        Column("contract_id", example="P-2024-001"),
        Column("pool_id", example="L-001"),
        _ACCOUNT,
        *_PLACE,
        *_GOODS,
        _AS_OF,
    ),
    Kind.POSITIONS: (
        _ORG,
        Column("account", needed=True, example="880009"),
        Column("contract", Form.CONTRACT, needed=True, example="cu2406"),
        Column("lots", Form.LOTS, needed=True, example="-20"),
        _choice("side", Side, _SIDES, ""),
        Column("key", example="cu2406/880009"),
        Column("exchange", example="SHFE"),
        Column("multiplier", Form.POSITIVE, example="5"),
        Column("delta", Form.NUMBER, example="0.45"),
        Column("gamma", Form.NUMBER),
        Column("vega", Form.NUMBER),
        Column("theta", Form.NUMBER),
        *_PLACE,
        Column("counterparty"),
        _AS_OF,
    ),
    Kind.PRICES: (
        _PRODUCT,
        _choice("kind", PriceKind, _PRICES, "settle", needed=True),
        Column("price", Form.NUMBER, needed=True, example="71250.00"),
        Column("at", Form.TIME, needed=True, example="2024-05-14 15:00"),
        _MONTH,
        _CURRENCY,
        Column("source", example="SHFE"),
        Column("quote_id"),
        Column("org", Form.ORG, example="集团"),
        Column("grade"),
        Column("location"),
    ),
    Kind.LIMITS: (
        Column("limit_id", example="NET-CU"),
        _ORG,
        _PRODUCT,
        Column("amount", Form.AMOUNT, needed=True, example="5000"),
        _choice("measure", Measure, _MEASURES, "net"),
        Column("month", Form.MONTH, example="*"),
        Column("account", example="*"),
        Column("project", example="*"),
        Column("unit", example="t"),
        Column("valid_from", Form.TIME, example="2024-01-01"),
        Column("valid_to", Form.TIME, example="2025-01-01"),
    ),
}
"""In the order of the template. A row with a `fixation_id` prices part of the contract that it
names (点价) and needs neither product nor side."""

FIXATION_NEEDS: Final = ("contract_id", "org", "quantity", "price", "as_of")


def header(kind: Kind) -> tuple[str, ...]:
    """The header of the kind's template."""
    return tuple(column.name for column in COLUMNS[kind])


def needed(kind: Kind) -> tuple[str, ...]:
    """The columns that every file of the kind has."""
    return tuple(column.name for column in COLUMNS[kind] if column.needed)
