"""Hedge orders before they trade: held while the figures cannot be trusted.

Held is not denied, and both are decisions. A late event that changes the figures decides an order
anew, by a decision that names the old one; a held order waits for a person, whatever comes later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select, update

import trail
from agents.assessor import ExposureView, Scope, content_hash
from agents.facts import ratio
from agents.tables import HedgeOrderRow
from auditlog.events import Event
from book.errors import BookError
from book.limits import binding
from book.positions import Side
from book.potential import (
    FuturesOrder,
    Precheck,
    order_quantity,
    precheck,
    weighed,
    with_order,
)
from book.prices import DataState
from book.state import BookState
from directory.calendar import TradingCalendar
from directory.errors import DirectoryError
from rules.model import Leaf, Verdict
from rules.rulebook import Rulebook
from store import UnitOfWork
from store.problems import Problem, shorten
from store.schema import table
from workorders.plain import plain

KIND = "hedge_order"
ALLOW = "allow"
HOLD = "hold"
DENY = "deny"
_ORDERS = table(str(HedgeOrderRow.__tablename__))
#: No source delivers later than this, so no verdict changes later while the market is open.
_LATENESS = timedelta(seconds=900)
_LONGEST_CLOSURE = timedelta(days=15)
_GRAVITY = {DENY: 3, HOLD: 2, "require_approval": 1, ALLOW: 0}


@dataclass(frozen=True, slots=True)
class HedgeOrder:
    """One hedge order as it was asked for; `qty_signed` in base units, buy positive."""

    object_id: str
    event_uid: str
    org: str
    product: str
    month: str
    account: str
    contract: str
    side: str
    lots: int
    qty_signed: Decimal
    origin: str
    actor: str
    queued_at: datetime
    confirmed_by: str = ""

    @property
    def terms(self) -> tuple[str, str, str, int]:
        """What is asked: product, month, side, lots."""
        return self.product, self.month, self.side, self.lots


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rulebook says of an order, with the figures before and after it."""

    outcome: str
    reason: str
    fact: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]


def read_order(
    event: Event, object_id: str, book: BookState, *, product: str, month: str, origin: str
) -> HedgeOrder | Problem:
    """The order that an event of a hedge system describes."""
    side = str(event.attributes.get("side", "")).lower()
    lots = event.attributes.get("lots")
    code = str(event.attributes.get("contract", ""))
    if side not in set(Side):
        return Problem("SIDE_UNKNOWN", field="side", found=shorten(side), allowed="buy, sell")
    if not isinstance(lots, int) or isinstance(lots, bool) or lots <= 0:
        return Problem("LOTS_INVALID", field="lots", found=shorten(lots), allowed="1, 2, 3 …")
    day = event.event_time.date()
    try:
        if code:
            known = order_quantity(book.specs, code, Side(side), lots, day)
            if isinstance(known, Problem):
                return known
            quantity = known.quantity
            month = known.contract.delivery_month
        else:
            quantity = Side(side).sign * book.specs.spec(product, day).quantity(lots)
    except BookError:
        return Problem("UNKNOWN_PRODUCT", field="contract", found=shorten(code or product))
    return HedgeOrder(
        object_id=object_id,
        event_uid=event.uid,
        org=event.org,
        product=product,
        month=month,
        account=event.account,
        contract=code,
        side=side,
        lots=lots,
        qty_signed=quantity,
        origin="person" if origin == "person" else "robot",
        actor=event.actor,
        queued_at=event.event_time,
    )


def judge(order: HedgeOrder, found: list[ExposureView], rulebook: Rulebook, at: datetime) -> Answer:
    """The rulebook's answer on the tightest limit that binds the order.

    `found` are the views of the order's scope. A bucket that cannot be assessed anywhere in the
    scope gates the order; only limits on the order's own month and account bound it. The figures
    before and after are of what the limit bounds: its net, gross or spread.
    """
    check = _tightest(found, order, at)
    state = _worst_state(found)
    fact: dict[str, Any] = {
        "org": order.org,
        "product": order.product,
        "month": order.month,
        "side": order.side,
        "origin": order.origin,
        "lots": order.lots,
        "qty": abs(order.qty_signed),
        "qty_signed": order.qty_signed,
        "net_before": check.net_before,
        "net_after": check.net_after,
        "limit": check.limit,
        "has_limit": check.limit is not None,
        "use_before": ratio(abs(check.net_before), check.limit),
        "use_after": ratio(abs(check.net_after), check.limit),
        "data_state": state.value,
        "reduces_risk": check.reduces_risk,
        "confirmed": bool(order.confirmed_by),
        "object": order.object_id,
    }
    fact = {name: value for name, value in fact.items() if value is not None}
    verdicts = tuple(v for v in rulebook.evaluate(KIND, fact, at=at) if v.truth)
    outcome, reason = ALLOW, "WITHIN_RULES"
    gated = state is DataState.NOT_ASSESSABLE and any(_holds(one) for one in verdicts)
    for verdict in verdicts:
        said = verdict.decide.outcome if verdict.decide else verdict.outcome.value
        if gated and said == DENY:
            continue  # figures that cannot be trusted deny nothing: the gate holds
        if _GRAVITY.get(said, 0) > _GRAVITY[outcome]:
            outcome = said
            reason = verdict.decide.reason if verdict.decide else verdict.code
    return Answer(outcome, reason, fact, verdicts)


def _holds(verdict: Verdict) -> bool:
    return verdict.decide is not None and verdict.decide.outcome == HOLD


def _tightest(found: list[ExposureView], order: HedgeOrder, at: datetime) -> Precheck:
    """The order against the limit whose use would be greatest after it."""
    limits = [view.limit for view in found if view.limit is not None]
    binds = binding(
        limits,
        at,
        org=order.org,
        product=order.product,
        month=order.month,
        account=order.account,
    )
    placed = FuturesOrder(order.org, order.account, order.month, order.qty_signed)
    checks = []
    for view in found:
        if view.limit is None or view.limit not in binds:
            continue
        moved = with_order(view.parts, view.limit.measure, placed)
        if moved is not None:
            checks.append(weighed(*moved, view.limit.amount))
    if not checks:
        net = sum((view.bucket.net for view in found if view.limit is None), Decimal(0))
        return precheck(net, order.qty_signed)
    return max(checks, key=lambda one: (one.use_after or Decimal(0), abs(one.net_after)))


def _worst_state(found: list[ExposureView]) -> DataState:
    return max(
        (v.bucket.data_state for v in found), key=lambda s: s.rank, default=DataState.CURRENT
    )


def decide(
    uow: UnitOfWork, order: HedgeOrder, answer: Answer, rulebook: Rulebook, old: str = ""
) -> str:
    """Record the decision and keep it; returns the record's uid. `old` is the one it replaces."""
    body = plain(
        {
            "fact": answer.fact,
            "event": order.event_uid,
            "rulebook": rulebook.hash,
            "rules": [_ruled(verdict) for verdict in answer.verdicts],
            "supersedes": old,
        }
    )
    ref = trail.record(
        uow,
        kind="decision",
        action="hedge_order.decide",
        object_type="hedge_order",
        object_id=order.object_id,
        org=order.org,
        outcome=answer.outcome,
        reason=answer.reason,
        body=body,
    )
    values = {name: getattr(order, name) for name in HedgeOrder.__slots__} | {
        "outcome": answer.outcome,
        "reason": answer.reason,
        "decision": ref.uid,
        "fact_hash": content_hash(answer.fact),
    }
    place = (_ORDERS.c.org == order.org, _ORDERS.c.object_id == order.object_id)
    if uow.execute(update(_ORDERS).where(*place).values(**values)).rowcount == 0:
        uow.execute(insert(_ORDERS).values(**values))
    return ref.uid


def known(uow: UnitOfWork, org: str, object_id: str) -> str:
    """The uid of the last decision on an order; empty for a new one."""
    c = _ORDERS.c
    found = uow.execute(select(c.decision).where(c.org == org, c.object_id == object_id)).scalar()
    return str(found or "")


class Standing(NamedTuple):
    """An order as it was last decided on; `decision` is the uid of that record."""

    order: HedgeOrder
    decision: str
    outcome: str
    reason: str

    @property
    def for_a_person(self) -> bool:
        """Whether it is held until a person confirms it."""
        return self.outcome == HOLD and not self.order.confirmed_by


def standing(uow: UnitOfWork, asked: HedgeOrder) -> Standing | None:
    """The order of that number, if it stands on the same terms; other terms make it a new one."""
    c = _ORDERS.c
    place = (c.org == asked.org, c.object_id == asked.object_id)
    row = uow.execute(select(_ORDERS).where(*place)).first()
    if row is None:
        return None
    found = _standing(row)
    same = (one.terms for one in (found.order, asked))
    return found if next(same) == next(same) else None


def waiting(
    uow: UnitOfWork, scope: Scope, calendar: TradingCalendar, at: datetime
) -> list[Standing]:
    """The orders of a scope that wait at `at` and that no person has to confirm, by age.

    New figures decide them anew. An order waits while the market stays closed, and as long as late
    events may still come in; what is older has been traded, and its verdict stands.
    """
    c = _ORDERS.c
    rows = uow.execute(
        select(_ORDERS)
        .where(c.product == scope.product, c.outcome != HOLD, c.confirmed_by == "")
        .where(c.queued_at >= at - _LONGEST_CLOSURE)
        .where((c.org == scope.org) | c.org.startswith(scope.org + "/", autoescape=True))
        .order_by(c.queued_at, c.id)
    )
    return [one for one in map(_standing, rows) if _waits(one.order, at, calendar)]


def _waits(order: HedgeOrder, at: datetime, calendar: TradingCalendar) -> bool:
    if at - order.queued_at <= _LATENESS:
        return True
    try:
        traded = calendar.open_time(order.product, order.queued_at, at, order.org)
    except DirectoryError:
        return False
    return traded <= _LATENESS


def _standing(row: Row[Any]) -> Standing:
    order = HedgeOrder(**{name: getattr(row, name) for name in HedgeOrder.__slots__})
    return Standing(order, str(row.decision), str(row.outcome), str(row.reason))


def _ruled(verdict: Verdict) -> dict[str, Any]:
    def leaf(one: Leaf) -> dict[str, Any]:
        return {"text": one.text, "value": one.value, "truth": one.truth, "margin": one.margin}

    return {
        "rule": verdict.rule,
        "version": verdict.version,
        "code": verdict.code,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "leaves": [leaf(one) for one in verdict.leaves],
    }
