"""What working orders could do to the exposure: before trade only, never in the book's figures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from book.buckets import Bucket
from book.codes import Contract, parse_contract
from book.limits import Limit, Measure, use_of
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
    return weighed(net, net + signed, limit)


def weighed(before: Decimal, after: Decimal, limit: Decimal | None = None) -> Precheck:
    """A figure before and after an order; its size is what stands against the limit."""
    return Precheck(
        net_before=before,
        net_after=after,
        use_before=None if limit is None else use_of(before, limit),
        use_after=None if limit is None else use_of(after, limit),
        limit=limit,
        reduces_risk=abs(after) < abs(before),
    )


class FuturesOrder(NamedTuple):
    """Where a futures order would stand, and its signed quantity in base units."""

    org: str
    account: str
    month: str
    signed: Decimal


def with_order(
    parts: Sequence[Bucket], measure: Measure, order: FuturesOrder
) -> tuple[Decimal, Decimal] | None:
    """A limit's figure before and after a futures order that the limit counts.

    net: + q. spread: only the net of the order's month moves, by |month + q| - |month|. gross: a
    position at the order's own organisation, account and month is closed or added to, by
    |held + q| - |held|; where none stands one is opened, by |q|; of several (projects) the one
    that leaves the most counts, as it is not known which is meant.

    Args:
        parts: the buckets that the limit adds up.
        measure: what the limit bounds.
        order: the order.

    Returns:
        None for a measure that futures do not move, so that its limit does not bind the order.
    """
    signed = order.signed
    if measure is Measure.NET:
        net = sum((part.net for part in parts), ZERO)
        return net, net + signed
    if measure is Measure.SPREAD:
        nets: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for part in parts:
            nets[part.month, part.grade, part.location] += part.net
        before = sum(map(abs, nets.values()), ZERO)
        held = nets[order.month, "", ""]
        return before, before - abs(held) + abs(held + signed)
    if measure is Measure.GROSS:
        before = sum((part.gross for part in parts), ZERO)
        place = (order.org, order.account, order.month)
        held_here = [
            part.futures for part in parts if (part.org, part.account, part.month) == place
        ]
        growth = max((abs(held + signed) - abs(held) for held in held_here), default=abs(signed))
        return before, before + growth
    return None


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
