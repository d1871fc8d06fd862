"""The exposure of one place, and how places add up.

net = purchases + sales + floating + inventory + futures + option delta, all signed, long positive.
theoretical (理论敞口) = net without hedges; actual (实际敞口) = net. coverage (套保比例) =
-hedges / theoretical, None when theoretical is 0. gross = sum of sizes of all contributions.
spread = sum of the sizes of the nets by delivery month: May against September does not cancel.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final

from book.basis import rounded
from book.errors import ProductMixError
from book.positions import ZERO, is_under
from book.prices import DataState, worst

ANY: Final = "*"
DIMENSIONS: Final = (
    "org",
    "account",
    "product",
    "month",
    "hedge_book",
    "project",
    "strategy",
    "grade",
    "location",
    "counterparty",
)
DEFAULT_DIMENSIONS: Final = ("org", "account", "product", "month", "project")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Exposure of one organisation x account x product x month x project (and further dimensions).

    A dimension that was added up holds ``*`` in a roll-up and is empty where it was not asked for.

    Attributes:
        unit: base unit of the product; empty when its specification is not known.
        purchases: priced purchases still open (+).
        sales: priced sales still open (-).
        floating: goods that came or went before their price was fixed (收货未点价), offsets the
            goods in the inventory.
        inventory: goods held, those in transit too (+).
        in_transit: of the inventory, what is on its way.
        futures: signed futures.
        option_delta: signed delta equivalent of options.
        unpriced: bought or sold, price not fixed: basis risk only, not in the net.
        basis: quantity that carries basis risk.
        unsynced: of the orders in the net, those the ERP does not know.
        unposted: receipts timed out, not in the net.
        forecast: plans, not in the net.
        gross: sum of sizes of what is in the net.
        spread: sum over months of |net|.
        data_state: current, late, or not assessable.
        reasons: codes behind the data state, sorted.
        rows: contributions counted.
    """

    org: str
    account: str
    product: str
    month: str
    project: str
    hedge_book: str = ""
    strategy: str = ""
    grade: str = ""
    location: str = ""
    counterparty: str = ""
    unit: str = ""
    purchases: Decimal = ZERO
    sales: Decimal = ZERO
    floating: Decimal = ZERO
    inventory: Decimal = ZERO
    in_transit: Decimal = ZERO
    futures: Decimal = ZERO
    option_delta: Decimal = ZERO
    unpriced: Decimal = ZERO
    basis: Decimal = ZERO
    unsynced: Decimal = ZERO
    unposted: Decimal = ZERO
    forecast: Decimal = ZERO
    gross: Decimal = ZERO
    spread: Decimal = ZERO
    data_state: DataState = DataState.CURRENT
    reasons: tuple[str, ...] = ()
    rows: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """The dimensions in order."""
        return tuple(getattr(self, name) for name in DIMENSIONS)

    @property
    def priced(self) -> Decimal:
        """Physical contracts with a price, signed."""
        return self.purchases + self.sales

    @property
    def theoretical(self) -> Decimal:
        """Before hedges."""
        return self.purchases + self.sales + self.floating + self.inventory

    @property
    def hedges(self) -> Decimal:
        """Futures and option delta."""
        return self.futures + self.option_delta

    @property
    def net(self) -> Decimal:
        """The recorded net."""
        return self.theoretical + self.hedges

    @property
    def actual(self) -> Decimal:
        """After hedges: the recorded net."""
        return self.net

    @property
    def coverage(self) -> Decimal | None:
        """-hedges / theoretical at four places; None when there is nothing to hedge."""
        return rounded(-self.hedges / self.theoretical) if self.theoretical else None

    @property
    def net_if_posted(self) -> Decimal:
        """The net if every receipt that timed out were posted."""
        return self.net + self.unposted


QUANTITIES: Final = tuple(
    f.name for f in fields(Bucket) if f.type in {Decimal, "Decimal"} and f.name != "spread"
)


def _units(buckets: Iterable[Bucket]) -> str:
    units = sorted({bucket.unit for bucket in buckets if bucket.unit})
    return units[0] if len(units) == 1 else ""


def _sum(buckets: Sequence[Bucket], place: Bucket) -> Bucket:
    by_month: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for bucket in buckets:
        by_month[bucket.month, bucket.grade, bucket.location] += bucket.net
    sums: dict[str, Any] = {
        name: sum((getattr(b, name) for b in buckets), ZERO) for name in QUANTITIES
    }
    return replace(
        place,
        unit=_units(buckets),
        spread=sum(map(abs, by_month.values()), ZERO),
        data_state=worst(bucket.data_state for bucket in buckets),
        reasons=tuple(sorted({reason for bucket in buckets for reason in bucket.reasons})),
        rows=sum(bucket.rows for bucket in buckets),
        **sums,
    )


def under(
    buckets: Iterable[Bucket],
    *,
    org: str,
    product: str,
    month: str = ANY,
    account: str = ANY,
    project: str = ANY,
) -> list[Bucket]:
    """The buckets of `product` at and below the node `org`; ``*`` takes a dimension as it comes."""
    wanted = {"month": month, "account": account, "project": project}
    return [
        bucket
        for bucket in buckets
        if bucket.product == product
        and (org == ANY or is_under(org, bucket.org))
        and all(value in {ANY, getattr(bucket, name)} for name, value in wanted.items())
    ]


def roll_up(
    buckets: Iterable[Bucket],
    *,
    org: str,
    product: str,
    month: str = ANY,
    account: str = ANY,
    project: str = ANY,
) -> Bucket:
    """Everything of `product` at and below the node `org`; ``*`` adds a dimension up.

    Units differ between products, so a roll-up is always of one product. A place without any
    bucket rolls up to zeros.
    """
    chosen = under(buckets, org=org, product=product, month=month, account=account, project=project)
    place = Bucket(org=org, account=account, product=product, month=month, project=project)
    return _sum(chosen, place)


def add(first: Bucket, second: Bucket) -> Bucket:
    """Two buckets of the same place and product as one.

    Raises:
        ProductMixError: when the products differ.
    """
    if first.product != second.product:
        raise ProductMixError(f"{first.product} + {second.product}")
    return _sum((first, second), first)


def ancestors(org: str) -> list[str]:
    """The node and all above it, the node first."""
    parts = org.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]


def tree(buckets: Iterable[Bucket], *, by_month: bool = False) -> list[Bucket]:
    """The roll-up of every node of the tree x product (x month), in order."""
    groups: dict[tuple[str, str, str], list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        for node in ancestors(bucket.org):
            groups[node, bucket.product, bucket.month if by_month else ANY].append(bucket)
    return [
        _sum(
            members,
            Bucket(org=node, account=ANY, product=product, month=month, project=ANY),
        )
        for (node, product, month), members in sorted(groups.items())
    ]


def totals(buckets: Iterable[Bucket]) -> dict[str, Bucket]:
    """The roll-up of the whole group by product."""
    held = list(buckets)
    return {
        product: roll_up(held, org=ANY, product=product)
        for product in sorted({bucket.product for bucket in held})
    }
