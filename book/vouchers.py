"""Vouchers against the ledger's account classes, hedge relationships and documents.

The effective part of a cash-flow hedge belongs in other comprehensive income (IFRS 9 6.5.11,
CAS 24); rules judge, this module only says what the numbers of a voucher mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from book.positions import is_under


class AccountClass(StrEnum):
    """What a ledger account is for; a company maps its account codes onto these."""

    CASH = "cash"
    MARGIN = "margin"
    RECEIVABLE = "receivable"
    PAYABLE = "payable"
    INVENTORY = "inventory"
    REVENUE = "revenue"
    COST_OF_SALES = "cost_of_sales"
    HEDGING_INSTRUMENT = "hedging_instrument"
    HEDGED_ITEM = "hedged_item"
    INVESTMENT_INCOME = "investment_income"
    FAIR_VALUE_CHANGE = "fair_value_change"
    OTHER_COMPREHENSIVE_INCOME = "other_comprehensive_income"
    OTHER = "other"


class HedgeType(StrEnum):
    """The three hedges of hedge accounting."""

    CASH_FLOW = "cash_flow"
    FAIR_VALUE = "fair_value"
    NET_INVESTMENT = "net_investment"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """An account code and its class."""

    org: str
    code: str
    account_class: AccountClass
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeRelationship:
    """A designated hedge; `effective` as last assessed."""

    org: str
    hedge_id: str
    hedge_type: HedgeType
    effective: bool
    designated_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAmount:
    """What a document says was due: `kind` is ``order``, ``receipt``, ``invoice`` ..."""

    org: str
    document_id: str
    kind: str
    amount: Decimal
    currency: str = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherMeaning:
    """What a voucher's codes mean; empty or None where the master data is silent."""

    debit_class: str = ""
    credit_class: str = ""
    hedge_type: str = ""
    hedge_effective: bool | None = None
    documents: tuple[DocumentAmount, ...] = ()
    largest_difference: Decimal | None = None


def _account_class(accounts: Iterable[LedgerAccount], org: str, code: str) -> str:
    # the chart of accounts nearest to the organisation wins over its parents'
    found = [a for a in accounts if a.code == code and is_under(a.org, org)]
    return max(found, key=lambda a: len(a.org)).account_class.value if found and code else ""


def classify(
    *,
    org: str,
    order: str,
    amount: Decimal | None,
    debit: str,
    credit: str,
    accounts: Iterable[LedgerAccount],
    hedges: Iterable[HedgeRelationship],
    documents: Iterable[DocumentAmount] = (),
) -> VoucherMeaning:
    """The classes of the accounts, the hedge that `order` names, and the documents' amounts.

    `largest_difference` is amount - document amount with the greatest size, None without either.
    """
    accounts = tuple(accounts)
    hedge = next((h for h in hedges if h.hedge_id == order and is_under(h.org, org)), None)
    known = tuple(
        sorted(
            (d for d in documents if d.document_id == order and is_under(d.org, org)),
            key=lambda d: (d.kind, d.amount),
        )
    )
    differences = [amount - d.amount for d in known] if amount is not None else []
    return VoucherMeaning(
        debit_class=_account_class(accounts, org, debit),
        credit_class=_account_class(accounts, org, credit),
        hedge_type=hedge.hedge_type.value if hedge else "",
        hedge_effective=hedge.effective if hedge else None,
        documents=known,
        largest_difference=max(differences, key=abs, default=None),
    )
