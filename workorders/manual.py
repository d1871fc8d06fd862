"""Orders that a person or another part of the house opens by hand: findings, faults, drills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from store.unit_of_work import UnitOfWork
from workorders import journal
from workorders.context import Context
from workorders.levels import Level
from workorders.model import OrderKind
from workorders.opening import Lead, open_order
from workorders.states import OPEN, Outcome


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """The message in a chat from which an order was made, kept as it stood.

    Attributes:
        channel: name of the chat.
        sender: who wrote it, in the chat's own terms.
        sent_at: when.
        link: where it stands; empty when the chat gives messages no address.
        text: verbatim.
    """

    channel: str
    sender: str
    sent_at: datetime
    link: str
    text: str


@dataclass(frozen=True, slots=True)
class ManualOrder:
    """What is known when an order is opened by hand.

    Attributes:
        code: what it is about, a code (``AUDIT_FINDING``, ``BACKUP_FAILED``); it is the title.
        text: what the person wrote.
        assignees: people beside those whom the routing names.
        drill: a drill (演练): cards say so and no exposure is touched.
        message: what it was made from, if from a message.
    """

    code: str
    level: Level
    org: str
    kind: OrderKind = OrderKind.RISK
    product: str = ""
    month: str = ""
    measure: str = ""
    value: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    text: str = ""
    assignees: Sequence[str] = ()
    happened_at: datetime | None = None
    drill: bool = False
    message: ChatMessage | None = None


def open_by_hand(
    uow: UnitOfWork, ctx: Context, wanted: ManualOrder, *, system: bool = False
) -> Outcome:
    """Open an order by hand; `system` is true for the house's own faults (no permission asked)."""
    if not system and not ctx.may(uow.actor, OPEN, wanted.org, uow.now).allowed:
        return refuse_by_hand(uow, wanted.code, wanted.org)
    lead = Lead(
        key="",
        code=wanted.code,
        rule="",
        rule_version="",
        level=wanted.level,
        org=wanted.org,
        event_time=wanted.happened_at or uow.now,
        product=wanted.product,
        month=wanted.month,
        measure=wanted.measure,
        value=wanted.value,
        limit=wanted.limit,
        unit=wanted.unit,
        kind=wanted.kind,
        text=wanted.text.strip(),
    )
    order = open_order(
        uow,
        ctx,
        lead,
        case=None,
        reason="BY_HAND",
        assignees=tuple(wanted.assignees),
        drill=wanted.drill,
    )
    message = wanted.message
    if message is not None:
        journal.decision(
            uow,
            "order.message",
            org=order.org,
            outcome=order.state.value,
            params={
                "channel": message.channel,
                "sender": message.sender,
                "at": message.sent_at,
                "link": message.link,
            },
            text=message.text,
            order_id=order.id,
        )
    said_there = message is not None and message.text.strip() == wanted.text.strip()
    if wanted.text.strip() and not said_there:
        journal.decision(
            uow,
            "order.note",
            org=order.org,
            outcome=order.state.value,
            params={},
            text=wanted.text,
            order_id=order.id,
        )
    return Outcome(ok=True, code="DONE", order=order, changed=True, new_order=order.id)


def refuse_by_hand(uow: UnitOfWork, code: str, org: str) -> Outcome:
    """Refuse to open an order in `org`, on record."""
    journal.record(
        uow,
        "decision",
        "order.open",
        object_type="work_order",
        object_id="",
        org=org,
        outcome="refused",
        reason="FORBIDDEN",
        body={"code": code},
    )
    return Outcome(ok=False, code="FORBIDDEN", order=None)
