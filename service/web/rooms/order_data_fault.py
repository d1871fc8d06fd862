"""Where the data are at fault: what is held because of it, and what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from book.exposure import compute
from book.positions import ReceiptStatus
from book.prices import DataState
from service.web.rooms.here import Here
from service.web.rooms.order_events import timeline_url
from service.web.rooms.order_rows import Rows
from service.web.views.orders import (
    DecisionLine,
)

_NAMED = 5


def fault_of(here: Here, rows: Rows) -> str:
    """Why the exposure cannot be assessed now, or empty."""
    order, book = rows.order, rows.book
    if book is None:
        return ""
    buckets = [
        one
        for one in compute(book, here.now)
        if one.product == order.product
        and _under(order.org, one.org)
        and one.data_state is DataState.NOT_ASSESSABLE
    ]
    if not buckets:
        return ""
    parts = []
    late = [
        one
        for one in book.receipts
        if one.status is ReceiptStatus.UNPOSTED
        and one.product == order.product
        and _under(order.org, one.org)
    ]
    if late:
        numbers = here.text("ui.list_comma").join(one.receipt_id for one in late[:_NAMED])
        unposted = sum((one.unposted for one in buckets), Decimal(0))
        parts.append(
            here.text(
                "ui.order.fault_receipts",
                count=len(late),
                receipts=numbers if len(late) <= _NAMED else f"{numbers} …",
                quantity=here.reader.format.quantity(unposted, buckets[0].unit),
            )
        )
    reasons = sorted({code for one in buckets for code in one.reasons} - {"RECEIPT_UNPOSTED"})
    parts += [here.names.reason(code) for code in reasons]
    return " ".join(parts)


def instructions_of(here: Here, rows: Rows) -> Iterable[DecisionLine]:
    """The hedge orders of this product that are held or refused."""
    for row in rows.instructions:
        side = here.text(f"book.side.{row['side']}")
        lots = here.text("ui.lots", count=here.reader.format.number(row["lots"]))
        contract = here.names.contract(row["product"], row["month"])
        yield DecisionLine(
            here.text("ui.object.hedge_order", number=f"{contract} {side} {lots}"),
            here.reader.words.first(f"ui.outcome.{row['outcome']}", "ui.outcome.other"),
            here.names.reason(row["reason"]),
            timeline_url(row["object_id"]),
        )


def decisions_of(here: Here, matches: Sequence[Mapping[str, Any]]) -> Iterable[DecisionLine]:
    """What was decided about single objects, the last word on each."""
    last: dict[str, Mapping[str, Any]] = {}
    for one in matches:
        if one.get("decide"):
            last[one["decide"]["object_id"]] = one["decide"]
    for number, decided in last.items():
        kind = here.reader.words.first(
            f"ui.object.{decided['object_type']}", "ui.object.other", number=number
        )
        yield DecisionLine(
            kind,
            here.reader.words.first(f"ui.outcome.{decided['outcome']}", "ui.outcome.other"),
            here.names.reason(decided["reason"]),
            timeline_url(number),
        )


def _under(node: str, org: str) -> bool:
    return org == node or org.startswith(f"{node}/")
