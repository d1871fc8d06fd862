"""What an event of the business changes in the book, as values to record.

Nothing here depends on the order in which events arrive: receipts and orders are facts with their
own event time, the ERP's word is a fact beside the order, and positions are claims.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from book.codes import Contract, parse_contract
from book.positions import (
    SPOT,
    Commitment,
    ErpSync,
    InventoryLot,
    OrderStatus,
    PositionClaim,
    PriceType,
    Receipt,
    ReceiptStatus,
    Side,
)
from book.prices import MarketPrice, PriceKind
from book.state import BookState, Fact, below_zero, out_of_range
from book.versions import Conflict, conflicts
from store.problems import Problem, shorten

STATUS_MAP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "order.create": "commitment",
        "order.created": "commitment",
        "order.submit": "pending",
        "order.draft": "draft",
        "order.cancel": "none",
    }
)


class Happening(Protocol):
    """What is read of an event; an audit-log event has all of it."""

    @property
    def type(self) -> str: ...  # noqa: D102 - fields of an event, named like theirs
    @property
    def org(self) -> str: ...  # noqa: D102
    @property
    def actor(self) -> str: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def product(self) -> str: ...  # noqa: D102
    @property
    def month(self) -> str: ...  # noqa: D102
    @property
    def order(self) -> str: ...  # noqa: D102
    @property
    def receipt(self) -> str: ...  # noqa: D102
    @property
    def qty(self) -> Decimal | None: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def event_id(self) -> str: ...  # noqa: D102
    @property
    def event_time(self) -> datetime: ...  # noqa: D102
    @property
    def attributes(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What an organisation's events leave unsaid.

    Attributes:
        product: the product meant when none is named.
        month: the delivery month meant when none is named.
        account: the account meant when none is named.
        project: the project that orders and goods belong to.
        status_map: event type to order status; types it lacks are read by `STATUS_MAP`.
    """

    product: str = ""
    month: str = SPOT
    account: str = ""
    project: str = ""
    status_map: Mapping[str, str] = field(default_factory=dict)


class Change(NamedTuple):
    """Facts to record, true from the event's time on.

    Attributes:
        facts: nothing when the event does not concern the book.
        conflict: the claim on a position that is refused because of this event; it may be an
            earlier arrival.
        problems: why an event that concerns the book could not be read.
    """

    facts: tuple[Fact, ...] = ()
    conflict: Conflict | None = None
    problems: tuple[Problem, ...] = ()


def order_status(happening_type: str, defaults: Defaults) -> OrderStatus | None:
    """What an event of that type makes of an order; None when it is about no order's status."""
    text = defaults.status_map.get(happening_type) or STATUS_MAP.get(happening_type)
    return OrderStatus(text) if text in set(OrderStatus) else None


def apply(state: BookState, happening: Happening, defaults: Defaults) -> Change:
    """The change that `happening` makes to a book that stands at `state`."""
    if order_status(happening.type, defaults) is not None:
        change = _order(state, happening, defaults)
    elif happening.type in _HANDLERS:
        change = _HANDLERS[happening.type](state, happening, defaults)
    else:
        return Change()
    for fact in change.facts:
        if name := out_of_range(fact):
            return _problem("QUANTITY_RANGE", happening, name, getattr(fact, name))
        if name := below_zero(fact):
            return _problem("IMPORT_NEGATIVE", happening, name, getattr(fact, name), allowed="≥ 0")
    return change


def _problem(
    code: str, happening: Happening, name: str, found: object = "", *, allowed: str = ""
) -> Change:
    problem = Problem(
        code,
        field=name,
        found=shorten(found if isinstance(found, str) else str(found)),
        allowed=allowed,
        params={"event_id": happening.event_id, "type": happening.type},
    )
    return Change(problems=(problem,))


def _text(happening: Happening, name: str) -> str:
    value = happening.attributes.get(name, "")
    return value if isinstance(value, str) else str(value)


def _decimal(happening: Happening, name: str) -> Decimal | None:
    value = happening.attributes.get(name)
    if value is None or isinstance(value, bool | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _integer(happening: Happening, name: str) -> int | None:
    number = _decimal(happening, name)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _month(happening: Happening, defaults: Defaults) -> str:
    return happening.month or defaults.month


def _order(state: BookState, happening: Happening, defaults: Defaults) -> Change:
    status = order_status(happening.type, defaults) or OrderStatus.NONE
    if not happening.order:
        return _problem("ORDER_MISSING", happening, "order")
    held = state.commitment(happening.org, happening.order)
    if held is not None and status is OrderStatus.NONE:
        return Change((replace(held, status=status),))
    side = _text(happening, "side").lower()
    if happening.qty is not None and happening.qty < 0:
        return _problem("IMPORT_NEGATIVE", happening, "qty", happening.qty, allowed="> 0")
    if side not in set(Side) or happening.qty is None or happening.qty <= 0:
        if held is not None and held.status is not status:
            return Change((replace(held, status=status),))
        bad = "qty" if side in set(Side) else "side"
        found = happening.qty if bad == "qty" else side
        return _problem("ORDER_INCOMPLETE", happening, bad, found)
    price_type = _text(happening, "price_type")
    order = Commitment(
        org=happening.org,
        product=happening.product or defaults.product,
        month=_month(happening, defaults),
        account=happening.account or defaults.account,
        project=_text(happening, "project") or defaults.project,
        counterparty=_text(happening, "counterparty"),
        order_id=happening.order,
        side=Side(side),
        quantity=happening.qty,
        unit=_text(happening, "unit"),
        price=_decimal(happening, "price"),
        price_type=PriceType(price_type) if price_type in set(PriceType) else PriceType.FIXED,
        status=status,
        actor=happening.actor,
        created_at=happening.event_time,
    )
    return Change((order,))


def _sync(_state: BookState, happening: Happening, _defaults: Defaults) -> Change:
    if not happening.order:
        return _problem("ORDER_MISSING", happening, "order")
    return Change((ErpSync(org=happening.org, order_id=happening.order),))


def _pool(state: BookState, org: str, product: str, month: str) -> InventoryLot | None:
    pools = [lot for lot in state.lots if lot.pool and (lot.org, lot.product) == (org, product)]
    return min(pools, key=lambda lot: (lot.month != month, lot.lot_id), default=None)


def _receipt_as(
    status: ReceiptStatus,
) -> Callable[[BookState, Happening, Defaults], Change]:
    def change(state: BookState, happening: Happening, defaults: Defaults) -> Change:
        if not happening.receipt:
            return _problem("RECEIPT_MISSING", happening, "receipt")
        held = state.receipt(happening.org, happening.receipt)
        quantity = happening.qty
        if quantity is not None and quantity <= 0:
            code = "IMPORT_NEGATIVE" if quantity < 0 else "IMPORT_NOT_POSITIVE"
            return _problem(code, happening, "qty", quantity, allowed="> 0")
        if held is not None:
            known = held.quantity if quantity is None else quantity
            return Change((replace(held, status=status, quantity=known),))
        if quantity is None:
            return _problem("RECEIPT_UNKNOWN", happening, "receipt", happening.receipt)
        product = happening.product or defaults.product
        month = _month(happening, defaults)
        contract_id = _text(happening, "contract_id")
        # goods that came in anonymously are drawn from the pool they were counted in
        pool = None if contract_id else _pool(state, happening.org, product, month)
        receipt = Receipt(
            org=happening.org,
            product=product,
            month=pool.month if pool else month,
            account=pool.account if pool else happening.account or defaults.account,
            hedge_book=pool.hedge_book if pool else "",
            project=pool.project if pool else defaults.project,
            strategy=pool.strategy if pool else "",
            grade=pool.grade if pool else _text(happening, "grade"),
            location=pool.location if pool else _text(happening, "location"),
            receipt_id=happening.receipt,
            quantity=quantity,
            status=status,
            unit=_text(happening, "unit"),
            contract_id=contract_id,
            pool_id=pool.lot_id if pool else "",
        )
        return Change((receipt,))

    return change


def _key_contract(key: str, happening: Happening) -> Contract | None:
    contract = parse_contract(key.partition("/")[0], happening.event_time.date())
    return None if isinstance(contract, Problem) else contract


def _position(state: BookState, happening: Happening, defaults: Defaults) -> Change:
    key, site = _text(happening, "key"), _text(happening, "site")
    version = _integer(happening, "version")
    if not key or version is None or version <= 0:
        return _problem("POSITION_VERSION_MISSING", happening, "version", version or key)
    quantity = happening.qty
    if quantity is None or quantity != quantity.to_integral_value():
        return _problem("LOTS_INVALID", happening, "qty", quantity)
    contract = _key_contract(key, happening)
    claim = PositionClaim(
        org=happening.org,
        product=happening.product or (contract.product if contract else defaults.product),
        month=happening.month or (contract.delivery_month if contract else defaults.month),
        account=happening.account or key.partition("/")[2] or defaults.account,
        project=defaults.project,
        key=key,
        version=version,
        site=site,
        lots=int(quantity),
        at=happening.event_time,
        event_id=happening.event_id,
        contract=contract.code if contract else "",
    )
    rivals = [
        c
        for c in state.claims
        if (c.org, c.key, c.version) == (claim.org, key, version) and c.site != site
    ]
    found = [
        conflict
        for conflict in conflicts([*rivals, claim])
        if claim in {conflict.refused, conflict.standing}
    ]
    return Change((claim,), found[0] if found else None)


def _price(kind: PriceKind) -> Callable[[BookState, Happening, Defaults], Change]:
    def change(_state: BookState, happening: Happening, defaults: Defaults) -> Change:
        price = _decimal(happening, "price")
        if price is None:
            found = happening.attributes.get("price", "")
            return _problem("PRICE_INVALID", happening, "price", found)
        spot = kind is PriceKind.SPOT
        quote = MarketPrice(
            product=happening.product or defaults.product,
            kind=kind,
            price=price,
            at=happening.event_time,
            source=happening.source,
            month=SPOT if spot else _month(happening, defaults),
            quote_id=happening.event_id,
            org=happening.org,
            currency=_text(happening, "currency") or "CNY",
            grade=_text(happening, "grade"),
            location=_text(happening, "location"),
        )
        return Change((quote,))

    return change


_HANDLERS: Final[Mapping[str, Callable[[BookState, Happening, Defaults], Change]]] = {
    "erp.sync": _sync,
    "inbound.start": _receipt_as(ReceiptStatus.IN_PROGRESS),
    "inbound.timeout": _receipt_as(ReceiptStatus.UNPOSTED),
    "inbound.post": _receipt_as(ReceiptStatus.POSTED),
    "inbound.posted": _receipt_as(ReceiptStatus.POSTED),
    "inbound.dismiss": _receipt_as(ReceiptStatus.DISMISSED),
    "inbound.dismissed": _receipt_as(ReceiptStatus.DISMISSED),
    "receipt.post": _receipt_as(ReceiptStatus.POSTED),
    "receipt.dismiss": _receipt_as(ReceiptStatus.DISMISSED),
    "position.update": _position,
    "spot.quote": _price(PriceKind.SPOT),
    "futures.settle": _price(PriceKind.SETTLE),
}
EVENT_TYPES: Final = frozenset(_HANDLERS) | frozenset(STATUS_MAP)
