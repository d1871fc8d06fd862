"""Limits at the nodes of the organisation tree, their use, and the one table of tiers.

use = |measure| / limit, four places, half to even. The table maps use to the colours 蓝黄橙红 and
the tiers 基础/超额/临界; everything that needs a threshold reads it here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from book.basis import rounded
from book.buckets import ANY, Bucket, roll_up
from book.positions import is_under

USE_CAP: Final = Decimal("9999.9999")
HYSTERESIS: Final = Decimal("0.05")
DEBOUNCE: Final = timedelta(seconds=60)


class Measure(StrEnum):
    """What a limit bounds."""

    NET = "net"
    GROSS = "gross"
    SPREAD = "spread"
    THEORETICAL = "theoretical"
    UNPRICED = "unpriced"
    BASIS = "basis"
    OPTION_DELTA = "option_delta"
    VALUE = "value"


class Tier(StrEnum):
    """基础, 超额, 临界."""

    BASE = "base"
    EXCESS = "excess"
    CRITICAL = "critical"


_MEASURED: Final = {measure: measure.value for measure in Measure} | {Measure.VALUE: "net"}


class Step(NamedTuple):
    """From `use` on: this colour and tier."""

    use: Decimal
    level: str
    tier: Tier


TIERS: Final = (
    Step(Decimal("0.6"), "blue", Tier.BASE),
    Step(Decimal("0.8"), "yellow", Tier.BASE),
    Step(Decimal("1.0"), "orange", Tier.EXCESS),
    Step(Decimal("1.2"), "red", Tier.CRITICAL),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound at one node; ``*`` in `month`, `account`, `project` adds them all up.

    Attributes:
        org: the node; the measure adds up everything at and below it.
        amount: the bound, >= 0, in `unit` (the product's base unit, or a currency for ``value``).
        valid_from: first moment; None for always.
        valid_to: the moment it ends; None for open.
    """

    limit_id: str
    org: str
    product: str
    amount: Decimal
    measure: Measure = Measure.NET
    month: str = ANY
    account: str = ANY
    project: str = ANY
    unit: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether the limit binds at that time."""
        began = self.valid_from is None or self.valid_from <= at
        return began and (self.valid_to is None or at < self.valid_to)


class LimitUse(NamedTuple):
    """A limit and what stands against it.

    Attributes:
        limit: the limit.
        total: the roll-up it bounds.
        value: the signed measure; None when it cannot be had (a value without a price).
        use: |value| / limit at four places, None with `value`.
        step: the row of the table reached, None under its first row.
    """

    limit: Limit
    total: Bucket
    value: Decimal | None
    use: Decimal | None
    step: Step | None


def use_of(value: Decimal, amount: Decimal) -> Decimal:
    """|value| / amount at four places; a limit of 0 is used wholly by anything at all."""
    if amount == 0:
        return USE_CAP if value else Decimal("0.0000")
    return rounded(min(abs(value) / amount, USE_CAP))


def classify(use: Decimal | None) -> Step | None:
    """The highest row of the table that `use` reaches."""
    if use is None:
        return None
    return next((step for step in reversed(TIERS) if use >= step.use), None)


def measured(total: Bucket, measure: Measure) -> Decimal:
    """The signed quantity that a limit of that measure bounds."""
    quantity: Decimal = getattr(total, _MEASURED[measure])
    return quantity


def assess(
    limits: Iterable[Limit],
    buckets: Sequence[Bucket],
    at: datetime,
    value_of: Callable[[Bucket], Decimal | None] = lambda _total: None,
) -> list[LimitUse]:
    """The use of every limit in force, in the order of node, product, month, measure.

    `value_of` gives the money of a roll-up for limits on value; each node is judged by itself.
    """
    uses = []
    for limit in sorted(
        limits, key=lambda held: (held.org, held.product, held.month, held.limit_id)
    ):
        if not limit.in_force(at):
            continue
        total = roll_up(
            buckets,
            org=limit.org,
            product=limit.product,
            month=limit.month,
            account=limit.account,
            project=limit.project,
        )
        if limit.measure is Measure.VALUE:
            value = value_of(total)
        else:
            value = measured(total, limit.measure)
        use = None if value is None else use_of(value, limit.amount)
        uses.append(LimitUse(limit, total, value, use, classify(use)))
    return uses


def binding(
    limits: Iterable[Limit],
    at: datetime,
    *,
    org: str,
    product: str,
    month: str,
    account: str = "",
    project: str = "",
) -> list[Limit]:
    """The limits that a position at that place counts against, at its node and all above."""
    return [
        limit
        for limit in limits
        if limit.in_force(at)
        and limit.product == product
        and is_under(limit.org, org)
        and limit.month in {ANY, month}
        and limit.account in {ANY, account}
        and limit.project in {ANY, project}
    ]


def unlimited(buckets: Iterable[Bucket], limits: Iterable[Limit], at: datetime) -> list[Bucket]:
    """The buckets that no limit counts, so that a missing limit is seen."""
    limits = tuple(limits)
    return [
        bucket
        for bucket in buckets
        if not binding(
            limits,
            at,
            org=bucket.org,
            product=bucket.product,
            month=bucket.month,
            account=bucket.account,
            project=bucket.project,
        )
    ]


@dataclass(frozen=True, slots=True)
class TierState:
    """The colour shown, and the lower one that waits out the debounce.

    Attributes:
        step: what is shown; None under the table.
        falling_to: the lower row last seen.
        falling_since: since when it has been seen without a break; None when not falling.
    """

    step: Step | None = None
    falling_to: Step | None = None
    falling_since: datetime | None = None


def settle(
    state: TierState,
    use: Decimal,
    at: datetime,
    hysteresis: Decimal = HYSTERESIS,
    debounce: timedelta = DEBOUNCE,
) -> TierState:
    """The state after `use` was seen at `at`.

    A rise shows at once. A fall shows when use stands more than `hysteresis` under the row's
    threshold and has stayed there for `debounce`.
    """
    reached = classify(use)
    held = state.step
    if held is None or (reached is not None and reached.use >= held.use):
        return TierState(step=reached)
    # the lowest row that hysteresis still lets stand
    low = classify(use + hysteresis)
    if low is not None and low.use >= held.use:
        return TierState(step=held)
    since = state.falling_since if state.falling_since is not None else at
    if at - since >= debounce:
        return TierState(step=low)
    return replace(state, falling_to=low, falling_since=since)
