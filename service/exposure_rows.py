"""The exposure as rows, shaped once for command line, API and console.

`rows` are the places of the book (organisation, account, product, month, project); `limits` the
limits in force with what stands against each; `totals` the roll-up by product. Quantities are
decimals in the product's base unit, long positive; a field without meaning is None.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from book.buckets import ANY, Bucket, roll_up
from book.exposure import compute
from book.limits import Limit, LimitUse, assess, binding
from book.positions import is_under
from book.read import read_state
from book.state import BookState
from store.clock import rfc3339
from store.types import decimal_text

FIGURES = (
    "purchases",
    "sales",
    "floating",
    "inventory",
    "in_transit",
    "futures",
    "option_delta",
    "theoretical",
    "net",
    "gross",
    "spread",
    "unpriced",
    "unsynced",
    "unposted",
    "net_if_posted",
    "forecast",
    "coverage",
)


class Filter(NamedTuple):
    """What to show; an empty text does not restrict."""

    org: str = ""
    product: str = ""
    month: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """The exposure at one time.

    Attributes:
        as_of: 数据时点.
        known_at: 知晓时点.
        rows: one a place, with the limit that binds it and stands highest (its whole roll-up).
        limits: one a limit in force.
        totals: one a product, over the rows shown.
    """

    as_of: datetime
    known_at: datetime
    rows: tuple[dict[str, Any], ...]
    limits: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """The table with times in RFC 3339 and decimals as plain text."""
        return {
            "as_of": rfc3339(self.as_of),
            "known_at": rfc3339(self.known_at),
            "rows": [plain_row(row) for row in self.rows],
            "limits": [plain_row(row) for row in self.limits],
            "totals": [plain_row(row) for row in self.totals],
        }


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its decimals as plain text."""
    return {
        name: decimal_text(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def read_exposure(
    connection: Connection,
    *,
    as_of: datetime,
    known_at: datetime,
    scopes: Sequence[str] | None,
    wanted: Filter | None = None,
    late: Collection[str] = (),
) -> ExposureTable:
    """The exposure of what `scopes` let a reader see; None is everything, no scope is nothing."""
    if scopes is not None and not scopes:
        return ExposureTable(as_of, known_at, (), (), ())
    book = read_state(
        connection, as_of=as_of, known_at=known_at, orgs=None if scopes is None else tuple(scopes)
    )
    return exposure_table(
        book, as_of, known_at=known_at, scopes=scopes, wanted=wanted or Filter(), late=late
    )


def exposure_table(
    book: BookState,
    as_of: datetime,
    *,
    known_at: datetime | None = None,
    scopes: Sequence[str] | None = None,
    wanted: Filter = Filter(),  # noqa: B008 - immutable
    late: Collection[str] = (),
) -> ExposureTable:
    """The exposure of a book, filtered. Pure.

    A limit of a node that the reader does not see is left out: its roll-up holds what siblings do.
    """
    visible = [one for one in compute(book, as_of, late=late) if _visible(one.org, scopes)]
    buckets = [bucket for bucket in visible if _shown(bucket, wanted)]
    # A limit is judged on all that it adds up, whatever part of it is shown.
    uses = assess((one for one in book.limits if _visible(one.org, scopes)), visible, as_of)
    rows = tuple(_place_row(bucket, uses, as_of) for bucket in buckets)
    products = sorted({bucket.product for bucket in buckets})
    totals = tuple(
        _row(roll_up(buckets, org=wanted.org or ANY, product=product)) for product in products
    )
    limits = tuple(_limit_row(use) for use in uses if _wanted(use.limit, wanted))
    return ExposureTable(as_of, known_at or as_of, rows, limits, totals)


def _visible(org: str, scopes: Sequence[str] | None) -> bool:
    return scopes is None or any(is_under(scope, org) for scope in scopes)


def _shown(bucket: Bucket, wanted: Filter) -> bool:
    return (
        (not wanted.org or is_under(wanted.org, bucket.org))
        and wanted.product in {"", bucket.product}
        and wanted.month in {"", bucket.month}
        and wanted.account in {"", bucket.account}
    )


def _wanted(limit: Limit, wanted: Filter) -> bool:
    return (
        (not wanted.org or is_under(wanted.org, limit.org))
        and wanted.product in {"", limit.product}
        and (not wanted.month or limit.month in {"*", wanted.month})
        and (not wanted.account or limit.account in {"*", wanted.account})
    )


def _row(bucket: Bucket) -> dict[str, Any]:
    place = {
        name: getattr(bucket, name) for name in ("org", "account", "product", "month", "project")
    }
    figures = {name: getattr(bucket, name) for name in FIGURES}
    return {
        **place,
        "unit": bucket.unit,
        **figures,
        "data_state": bucket.data_state.value,
        "reasons": list(bucket.reasons),
    }


def _place_row(bucket: Bucket, uses: Sequence[LimitUse], at: datetime) -> dict[str, Any]:
    bound = binding(
        [use.limit for use in uses],
        at,
        org=bucket.org,
        product=bucket.product,
        month=bucket.month,
        account=bucket.account,
        project=bucket.project,
    )
    against = [use for use in uses if use.limit in bound and use.use is not None]
    highest = max(against, key=lambda use: use.use or Decimal(0), default=None)
    return {**_row(bucket), **_against(highest)}


def _limit_row(use: LimitUse) -> dict[str, Any]:
    limit = use.limit
    return {
        "org": limit.org,
        "account": limit.account,
        "product": limit.product,
        "month": limit.month,
        "project": limit.project,
        "measure": limit.measure.value,
        "unit": limit.unit or use.total.unit,
        "value": use.value,
        **_against(use),
        "data_state": use.total.data_state.value,
        "reasons": list(use.total.reasons),
    }


def _against(use: LimitUse | None) -> dict[str, Any]:
    if use is None:
        return {"limit": None, "limit_id": "", "use": None, "level": "", "tier": ""}
    return {
        "limit": use.limit.amount,
        "limit_id": use.limit.limit_id,
        "use": use.use,
        "level": use.step.level if use.step else "",
        "tier": use.step.tier.value if use.step else "",
    }
