"""Drills (演练): a marked order that runs the real ladder, touches nothing, and is scored.

It pages the people whom a real one would page. Every card and page says that it is a drill; no
instruction can be held and no approval asked for under it; no figure of the service counts it. It
ends by being closed as any other order is, by whoever planned it, or by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.acting import Act, perform_act
from workorders.context import Context
from workorders.levels import Level
from workorders.manual import ManualOrder, open_by_hand
from workorders.model import WorkOrder
from workorders.noise import Trigger
from workorders.notices import notify, told_people
from workorders.opening import stop_clocks
from workorders.reads import within
from workorders.rows import NOTICES, ORDERS, STREAM
from workorders.states import PERMISSIONS, TERMINAL, Outcome, Verb

DRILL = "workorders.drill"
#: The code of its title.
CODE = "DRILL"
#: Who plans the duty plans the drills.
PERMISSION = PERMISSIONS[Verb.END_DRILL]
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=8)
_PAGED = (Level.RED, Level.ORANGE)
#: A channel gave it up, or brought it back.
_NOT_TOLD = frozenset({"failed", "bounced"})


@dataclass(frozen=True, slots=True)
class DrillWish:
    """What is to be practised.

    Attributes:
        org: whose ladder runs.
        level: red or orange; the others page nobody.
        lasts: after that it ends by itself.
        text: what the people find under the order: the story of the drill.
    """

    org: str
    level: Level
    lasts: timedelta
    product: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """One person and how a card of the drill came to them.

    Attributes:
        sent_at: when a channel took the first card; None while none has.
        channels: those that took one, in order of name.
        failed: those that did not.
    """

    person: str
    queued_at: datetime
    sent_at: datetime | None
    channels: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """What a drill showed.

    Attributes:
        ends_at: when it ends, or ended, by itself; None for one without a timer.
        in_time: whether somebody acknowledged before the first deadline; None while it can still
            come.
        rungs: when each rung of the ladder was climbed.
        reached: everybody who was told, in the order of the first card.
        by_itself: nobody closed it; its time ran out.
    """

    order: WorkOrder
    ends_at: datetime | None
    in_time: bool | None
    rungs: tuple[tuple[int, datetime], ...] = ()
    reached: tuple[Reached, ...] = ()
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """What became of an act; `code` is ``DONE`` or the reason of the refusal."""

    ok: bool
    code: str
    order: WorkOrder | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def start_drill(uow: UnitOfWork, ctx: Context, wish: DrillWish) -> DrillOutcome:
    """Begin a drill: a marked order, its ladder, and the time at which it ends by itself."""
    allowed = ctx.may(uow.actor, PERMISSION, wish.org, uow.now)
    refused, params = "", dict[str, Any]()
    if not allowed.allowed:
        refused, params = "FORBIDDEN", {"permission": PERMISSION, "why": str(allowed.reason)}
    elif wish.level not in _PAGED:
        refused = "DRILL_LEVEL"
    elif not SHORTEST <= wish.lasts <= LONGEST:
        refused = "DRILL_LENGTH"
    elif running := list_drills(uow.connection, [wish.org], running=True, beneath=False):
        refused, params = "DRILL_RUNNING", {"order": running[0].id}
    if not refused:
        wanted = ManualOrder(
            CODE, wish.level, wish.org, product=wish.product, text=wish.text, drill=True
        )
        # Whoever may plan drills needs no right to open orders: the drill is none.
        opened = open_by_hand(uow, ctx, wanted, system=True).order
        assert opened is not None  # noqa: S101 - what the house opens is never refused
        ends_at = uow.now + wish.lasts
        timers.set_timer(
            uow, key=f"drill/{opened.id}", kind=DRILL, due_at=ends_at, payload={"order": opened.id}
        )
        body = {"level": wish.level.value, "ends_at": ends_at, "order": opened.id}
        _record(uow, wish.org, opened.id, "running", "", body)
        return DrillOutcome(True, "DONE", opened)
    _record(uow, wish.org, "", "refused", refused, params)
    return DrillOutcome(False, refused, params=params)


def end_drill(uow: UnitOfWork, ctx: Context, order_id: str) -> Outcome:
    """End it now, by whoever plans drills; everybody who was told learns that it is over."""
    return _end(uow, ctx, order_id, system=False)


def over(uow: UnitOfWork, ctx: Context, order_id: str) -> bool:
    """Its time is up (a timer); false when it had ended before."""
    order = rows.find_order(uow.connection, order_id)
    if order is None or order.state in TERMINAL:
        return False
    return _end(uow, ctx, order_id, system=True).changed


def list_drills(
    connection: Connection,
    scopes: Sequence[str],
    *,
    running: bool = False,
    beneath: bool = True,
    limit: int = 50,
) -> list[WorkOrder]:
    """Drills inside `scopes`, the latest first; without `beneath` only of exactly these units."""
    c = ORDERS.c
    inside = within(c.org, scopes) if beneath else c.org.in_(list(scopes))
    wanted = select(ORDERS).where(c.drill.is_(True), c.reopened_from == "", inside)
    if running:
        wanted = wanted.where(c.state.not_in([state.value for state in TERMINAL]))
    wanted = wanted.order_by(c.opened_at.desc(), c.id.desc()).limit(limit)
    return [rows.order_from(row) for row in connection.execute(wanted).mappings()]


def score_of(connection: Connection, order: WorkOrder, now: datetime) -> Score:
    """What the drill showed up to now."""
    c = STREAM.c
    entries = connection.execute(
        select(c.at, c.actor, c.code, c.params).where(c.order_id == order.id).order_by(c.seq)
    ).all()
    rungs = tuple(
        (int(one.params["rung"]), one.at)
        for one in entries
        if one.code == "order.escalate" and one.params.get("rung")
    )
    ended = next((one for one in entries if one.code == f"order.{Verb.END_DRILL.value}"), None)
    timer = next(iter(timers.find(connection, f"drill/{order.id}")), None)
    return Score(
        order,
        None if timer is None else timer.due_at,
        _in_time(order, now),
        rungs,
        tuple(_reached(connection, order)),
        ended is not None and ended.actor.startswith("system:"),
    )


def _in_time(order: WorkOrder, now: datetime) -> bool | None:
    if order.acknowledge_by is None:
        return None
    if order.answered_at is not None:
        return order.answered_at <= order.acknowledge_by
    return False if now > order.acknowledge_by or order.state in TERMINAL else None


def _reached(connection: Connection, order: WorkOrder) -> list[Reached]:
    c = NOTICES.c
    wanted = select(NOTICES).where(c.object_id == order.id).order_by(c.queued_at, c.key)
    found: dict[str, list[Any]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.person, []).append(row)
    return [
        Reached(
            person,
            cards[0].queued_at,
            min((one.sent_at for one in cards if _stayed(one)), default=None),
            tuple(sorted({one.channel for one in cards if _stayed(one)})),
            tuple(sorted({one.channel for one in cards if one.state in _NOT_TOLD})),
        )
        for person, cards in found.items()
    ]


def _stayed(card: Any) -> bool:
    """Whether a channel took it and did not bring it back."""
    return card.sent_at is not None and card.state != "bounced"


def _end(uow: UnitOfWork, ctx: Context, order_id: str, *, system: bool) -> Outcome:
    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        stop_clocks(uow, after)
        return after

    act = Act(reason="DRILL_OVER" if system else "DRILL_ENDED", change=change)
    outcome = perform_act(uow, ctx, order_id, Verb.END_DRILL, act, system=system)
    if outcome.changed and outcome.order is not None:
        if not system:
            timers.cancel(uow, key=f"drill/{order_id}")
        notify(uow, ctx, outcome.order, told_people(uow.connection, order_id), Trigger.CLOSED)
    return outcome


def _record(  # noqa: PLR0917 - one record
    uow: UnitOfWork, org: str, order_id: str, outcome: str, reason: str, body: Mapping[str, Any]
) -> None:
    journal.record(
        uow,
        "decision",
        "drill.start",
        object_type="work_order",
        object_id=order_id,
        org=org,
        outcome=outcome,
        reason=reason,
        body=body,
    )
