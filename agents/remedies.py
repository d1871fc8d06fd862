"""What would bring an exposure back, and what of it is possible now. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from agents.facts import Surroundings
from book.buckets import Bucket
from book.errors import BookError
from book.limits import Limit
from book.positions import ReceiptStatus
from book.prices import DataState
from book.state import BookState
from directory.errors import DirectoryError
from store.clock import rfc3339
from store.types import decimal_text

Remedy = tuple[str, Mapping[str, Any]]


def remedies_for(
    bucket: Bucket, limit: Limit | None, state: BookState, around: Surroundings, now: datetime
) -> tuple[Remedy, ...]:
    """The ways back, the one that mends the data first.

    Posting receipts is always possible. A hedge is not while the figures cannot be trusted, nor
    while the market is closed: then the reason stands beside it.
    """
    found: list[Remedy] = []
    if bucket.unposted:
        receipts = [
            one
            for one in state.receipts
            if one.status is ReceiptStatus.UNPOSTED and one.product == bucket.product
        ]
        found.append(
            (
                "post_receipts",
                {
                    "count": len(receipts),
                    "quantity": decimal_text(bucket.unposted),
                    "unit": bucket.unit,
                    "net_after": decimal_text(bucket.net_if_posted),
                    "possible": True,
                },
            )
        )
    if limit is not None and abs(bucket.net) > limit.amount:
        found += _hedge(bucket, limit, state, around, now)
    return tuple(found)


def _hedge(
    bucket: Bucket, limit: Limit, state: BookState, around: Surroundings, now: datetime
) -> list[Remedy]:
    try:
        spec = state.specs.spec(bucket.product, now.date())
        a_lot = spec.quantity(1)
    except BookError:
        return []
    lots = int(((abs(bucket.net) - limit.amount) / a_lot).to_integral_value(ROUND_DOWN)) + 1
    side = "buy" if bucket.net < 0 else "sell"
    sign = 1 if side == "buy" else -1
    why, opens = _why_not(bucket, around, now)
    params: dict[str, Any] = {
        "side": side,
        "lots": lots,
        "product": bucket.product,
        "net_after": decimal_text(bucket.net + sign * Decimal(lots) * a_lot),
        "unit": bucket.unit,
        "possible": not why,
    }
    if why:
        params["why"] = why
    if opens:
        params["opens"] = opens
    return [("hedge_lots", params)]


def _why_not(bucket: Bucket, around: Surroundings, now: datetime) -> tuple[str, str]:
    """The reason why no hedge can be placed now, and when the market opens if it is closed."""
    opens = ""
    try:
        if not around.calendar.is_open(bucket.product, now, bucket.org):
            opens = rfc3339(around.calendar.next_open(bucket.product, now, bucket.org))
    except DirectoryError:
        opens = ""
    if bucket.data_state is DataState.NOT_ASSESSABLE:
        return "NOT_ASSESSABLE", opens
    return ("SESSION_CLOSED" if opens else ""), opens
