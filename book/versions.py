"""Which of several sites' claims on a position holds.

Decided in event time, so the order of arrival does not matter: of two claims of the same key and
version from different sites the earlier one holds and the later one is refused; a claim of the
same site takes the place of its own earlier one. The highest version that holds is in force.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from book.positions import FuturesPosition, PositionClaim


class Conflict(NamedTuple):
    """`refused` claims what `standing` had already claimed."""

    refused: PositionClaim
    standing: PositionClaim


class StaleRead(NamedTuple):
    """A calculation that saw an older version than was in force at its time.

    Attributes:
        current: the claim in force then.
        recomputed: lots of the claim in force.
        difference: lots calculated with - recomputed.
    """

    current: PositionClaim
    recomputed: Decimal
    difference: Decimal | None


def _by_version(
    claims: Iterable[PositionClaim],
) -> dict[tuple[str, str], dict[int, list[PositionClaim]]]:
    found: dict[tuple[str, str], dict[int, list[PositionClaim]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for claim in sorted(claims, key=lambda c: (c.at, c.event_id, c.site, c.lots)):
        found[claim.org, claim.key][claim.version].append(claim)
    return found


def conflicts(claims: Iterable[PositionClaim]) -> list[Conflict]:
    """Every refused claim beside the one that stands, in event time."""
    found = []
    for versions in _by_version(claims).values():
        for rivals in versions.values():
            standing = rivals[0]
            found += [Conflict(c, standing) for c in rivals if c.site != standing.site]
    return sorted(found, key=lambda conflict: (conflict.refused.at, conflict.refused.event_id))


def in_force(claims: Iterable[PositionClaim], at: datetime) -> list[PositionClaim]:
    """One claim per key: of those made by `at`, the highest version, first site, its last word."""
    held = []
    for _, versions in sorted(_by_version(c for c in claims if c.at <= at).items()):
        rivals = versions[max(versions)]
        held.append([c for c in rivals if c.site == rivals[0].site][-1])
    return held


def stale_read(
    claims: Iterable[PositionClaim],
    *,
    org: str,
    key: str,
    at: datetime,
    version_seen: int,
    lots: Decimal | None = None,
) -> StaleRead | None:
    """What a calculation at `at` missed; None when it saw the version in force or a later one."""
    current = next(iter(in_force((c for c in claims if (c.org, c.key) == (org, key)), at)), None)
    if current is None or version_seen >= current.version:
        return None
    recomputed = Decimal(current.lots)
    return StaleRead(current, recomputed, None if lots is None else lots - recomputed)


def as_position(claim: PositionClaim) -> FuturesPosition:
    """The futures position that a claim in force stands for."""
    return FuturesPosition(
        org=claim.org,
        product=claim.product,
        month=claim.month,
        account=claim.account,
        hedge_book=claim.hedge_book,
        project=claim.project,
        strategy=claim.strategy,
        grade=claim.grade,
        location=claim.location,
        counterparty=claim.counterparty,
        key=claim.key,
        lots=claim.lots,
        contract=claim.contract,
        exchange=claim.exchange,
        multiplier=claim.multiplier,
    )
