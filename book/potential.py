"""What working orders could do to the exposure: before trade only, never in the book's figures."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from book.codes import Contract, parse_contract
from book.limits import Limit, use_of
from book.positions import ZERO, Side
from book.products import SpecBook
from store.problems import Problem


class Potential(NamedTuple):
    """The net if nothing, all buys, all sells fill, and the worst of the three by size."""

    net: Decimal
    all_bought: Decimal
    all_sold: Decimal
    worst: Decimal


class Precheck(NamedTuple):
    """An order's effect on one net.

    Attributes:
        reduces_risk: the size of the net falls. An order that crosses zero to the same size or
            more does not reduce risk.
        use_before: |net_before| / limit at four places; None without a limit.
    """

    net_before: Decimal
    net_after: Decimal
    use_before: Decimal | None
    use_after: Decimal | None
    limit: Decimal | None
    reduces_risk: bool


class HedgeQuantity(NamedTuple):
    """A futures order in base units."""

    contract: Contract
    quantity: Decimal
    unit: str


def potential(net: Decimal, working: Iterable[Decimal]) -> Potential:
    """The net with signed quantities of `working` orders filled on one side only."""
    quantities = list(working)
    bought = net + sum((q for q in quantities if q > 0), ZERO)
    sold = net + sum((q for q in quantities if q < 0), ZERO)
    return Potential(net, bought, sold, max((net, bought, sold), key=abs))


def precheck(net: Decimal, signed: Decimal, limit: Decimal | None = None) -> Precheck:
    """`net` before and after an order of `signed` quantity (buy positive)."""
    after = net + signed
    return Precheck(
        net_before=net,
        net_after=after,
        use_before=None if limit is None else use_of(net, limit),
        use_after=None if limit is None else use_of(after, limit),
        limit=limit,
        reduces_risk=abs(after) < abs(net),
    )


def precheck_limits(
    nets: Iterable[tuple[Limit, Decimal]], signed: Decimal
) -> list[tuple[Limit, Precheck]]:
    """The order against every limit that binds it, nearest use of the limit after it first."""
    checks = [(limit, precheck(net, signed, limit.amount)) for limit, net in nets]
    return sorted(checks, key=lambda pair: (-(pair[1].use_after or ZERO), pair[0].limit_id))


def order_quantity(
    specs: SpecBook, code: str, side: Side, lots: Decimal | int, trading_day: date
) -> HedgeQuantity | Problem:
    """Signed base units of `lots` of the contract `code`.

    Raises:
        UnknownSpecError: two exchanges have the product and the code does not tell them apart.
    """
    contract = parse_contract(code, trading_day, specs)
    if isinstance(contract, Problem):
        return contract
    spec = specs.spec(contract.product, trading_day)
    return HedgeQuantity(contract, side.sign * spec.quantity(lots), spec.base_unit)
