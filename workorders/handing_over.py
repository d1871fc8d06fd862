"""Giving, taking and withdrawing a hand-over sheet. Each is a decision on record.

A refusal is an answer with a code and is recorded too. Nothing here commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy import text as sql

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.commands import take_over
from workorders.context import Context
from workorders.handover import (
    Handover,
    HandoverState,
    Item,
    Move,
    Refusal,
    Thing,
    digest_of,
    item_from,
    judge_take,
    move_from,
    moves,
)
from workorders.handover_items import Feed, counts, items_of
from workorders.model import State
from workorders.reads import within
from workorders.rows import HANDOVERS

#: Who settles orders hands them over and takes them; a trader only acknowledges.
PERMISSION = "order.resolve"
NOTE_LIMIT = 4000
_ADD = insert(HANDOVERS).inline()
# Holds whoever else would hand over the same unit until this transaction has ended; without it two
# of them could both see that no sheet waits. A row of the counters, because there is always one.
_HOLD = sql(
    "INSERT INTO workorders_counter (name, last) VALUES (:name, 0) "
    "ON CONFLICT (name) DO UPDATE SET last = workorders_counter.last"
)
_IN_HAND = frozenset({State.OPEN.value, State.ACKNOWLEDGED.value, State.IN_WORK.value})


@dataclass(frozen=True, slots=True)
class HandoverOutcome:
    """What became of an act.

    Attributes:
        ok: false when it was refused.
        code: ``DONE`` or the reason of the refusal.
        sheet: as it now stands; None when there is none.
        params: what the sentence names.
    """

    ok: bool
    code: str
    sheet: Handover | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def give(
    uow: UnitOfWork, ctx: Context, org: str, *, note: str = "", feeds: Iterable[Feed] = ()
) -> HandoverOutcome:
    """交班: sign what stands now. One sheet of a unit waits at a time."""
    refused = _barred(uow, ctx, org)
    if not refused.code:
        uow.connection.execute(_HOLD, {"name": f"handover {org}"})
    waiting = None if refused.code else waiting_sheet(uow.connection, org)
    if waiting is not None:
        refused = Refusal("HANDOVER_WAITING", {"handover": waiting.id, "by": waiting.given_by})
    if refused.code:
        return _refuse(uow, "handover.give", org, refused, waiting)
    items = items_of(uow.connection, ctx, org, uow.now, feeds)
    sheet = Handover(
        id=rows.next_id(uow, "HO", uow.now.astimezone(ctx.zone)),
        org=org,
        state=HandoverState.GIVEN,
        given_by=uow.actor,
        given_at=uow.now,
        given_note=note.strip()[:NOTE_LIMIT],
        items=items,
        digest=digest_of(items),
    )
    uow.execute(_ADD, _values(sheet))
    _record(uow, "handover.give", sheet, items=[item.as_json() for item in items])
    return HandoverOutcome(True, "DONE", sheet)


def take(
    uow: UnitOfWork,
    ctx: Context,
    handover_id: str,
    *,
    note: str = "",
    seen: str | None = None,
    own: bool = False,
    feeds: Iterable[Feed] = (),
) -> HandoverOutcome:
    """接班: the second signature, under the sheet and under all that moved since.

    Args:
        uow: the transaction; its actor signs.
        ctx: people, calendar, policy.
        handover_id: the sheet.
        note: what the second person adds.
        seen: `digest_of_moves` of what the person was shown; None asks for no such proof.
        own: whether the orders that the first person has in hand go over to the second.
        feeds: as for `items_of`.
    """
    sheet = _locked(uow, handover_id)
    if sheet is None:
        return HandoverOutcome(False, "UNKNOWN_HANDOVER")
    refused = _barred(uow, ctx, sheet.org)
    found = moves(sheet.items, items_of(uow.connection, ctx, sheet.org, uow.now, feeds))
    if not refused.code:
        refused = judge_take(sheet, uow.actor, found, seen)
    if refused.code:
        return _refuse(uow, "handover.take", sheet.org, refused, sheet)
    taken = replace(
        sheet,
        state=HandoverState.TAKEN,
        ended_by=uow.actor,
        ended_at=uow.now,
        taken_note=note.strip()[:NOTE_LIMIT],
        moved=found,
        orders=tuple(_orders_over(uow, ctx, sheet)) if own else (),
    )
    _save(uow, taken)
    moved = [move.as_json() for move in found]
    _record(uow, "handover.take", taken, moved=moved, orders=list(taken.orders))
    return HandoverOutcome(True, "DONE", taken)


def withdraw(uow: UnitOfWork, ctx: Context, handover_id: str, *, note: str = "") -> HandoverOutcome:
    """撤回: the first person takes the sheet back before anybody has taken it."""
    sheet = _locked(uow, handover_id)
    if sheet is None:
        return HandoverOutcome(False, "UNKNOWN_HANDOVER")
    refused = _barred(uow, ctx, sheet.org)
    if not refused.code and sheet.state is not HandoverState.GIVEN:
        params = {"handover": sheet.id, "state": sheet.state.value, "by": sheet.ended_by}
        refused = Refusal("HANDOVER_OVER", params)
    if not refused.code and uow.actor != sheet.given_by:
        refused = Refusal("HANDOVER_NOT_YOURS", {"person": sheet.given_by})
    if refused.code:
        return _refuse(uow, "handover.withdraw", sheet.org, refused, sheet)
    ended = replace(
        sheet,
        state=HandoverState.WITHDRAWN,
        ended_by=uow.actor,
        ended_at=uow.now,
        taken_note=note.strip()[:NOTE_LIMIT],
    )
    _save(uow, ended)
    _record(uow, "handover.withdraw", ended)
    return HandoverOutcome(True, "DONE", ended)


def moved_since(
    connection: Connection,
    ctx: Context,
    sheet: Handover,
    now: datetime,
    feeds: Iterable[Feed] = (),
) -> tuple[Move, ...]:
    """What moved since the sheet was given; of one that is over, what was frozen with it."""
    if sheet.state is not HandoverState.GIVEN:
        return sheet.moved
    return moves(sheet.items, items_of(connection, ctx, sheet.org, now, feeds))


def find_handover(
    connection: Connection, handover_id: str, scopes: Sequence[str] | None = None
) -> Handover | None:
    """The sheet, if it lies inside `scopes`; None for scopes means the house itself asks."""
    wanted = select(HANDOVERS).where(HANDOVERS.c.id == handover_id)
    if scopes is not None:
        wanted = wanted.where(within(HANDOVERS.c.org, scopes))
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _sheet(row)


def waiting_sheet(connection: Connection, org: str) -> Handover | None:
    """The sheet of exactly this unit that waits for its second signature."""
    c = HANDOVERS.c
    wanted = select(HANDOVERS).where(c.org == org, c.state == HandoverState.GIVEN.value)
    row = connection.execute(wanted.order_by(c.given_at)).mappings().first()
    return None if row is None else _sheet(row)


def list_handovers(
    connection: Connection,
    scopes: Sequence[str],
    *,
    state: HandoverState | None = None,
    limit: int = 50,
) -> list[Handover]:
    """Sheets inside `scopes`, the latest first."""
    c = HANDOVERS.c
    wanted = select(HANDOVERS).where(within(c.org, scopes))
    if state is not None:
        wanted = wanted.where(c.state == state.value)
    wanted = wanted.order_by(c.given_at.desc(), c.id.desc()).limit(limit)
    return [_sheet(row) for row in connection.execute(wanted).mappings()]


def in_hand(sheet: Handover) -> tuple[Item, ...]:
    """The orders on the sheet that its first person has in hand."""
    return tuple(
        item
        for item in sheet.items
        if item.thing is Thing.ORDER and item.owner == sheet.given_by and item.state in _IN_HAND
    )


def _orders_over(uow: UnitOfWork, ctx: Context, sheet: Handover) -> Iterable[str]:
    """Each order is taken over by its own act; what somebody else has by now stays there."""
    for item in in_hand(sheet):
        order = rows.lock_order(uow, item.id)
        if order is None or order.owner != sheet.given_by or order.state.value not in _IN_HAND:
            continue
        if take_over(uow, ctx, item.id, expected_version=order.version).ok:
            yield item.id


def _locked(uow: UnitOfWork, handover_id: str) -> Handover | None:
    wanted = select(HANDOVERS).where(HANDOVERS.c.id == handover_id).with_for_update()
    row = uow.execute(wanted).mappings().first()
    return None if row is None else _sheet(row)


def _barred(uow: UnitOfWork, ctx: Context, org: str) -> Refusal:
    allowed = ctx.may(uow.actor, PERMISSION, org, uow.now)
    if allowed.allowed:
        return Refusal()
    return Refusal("FORBIDDEN", {"permission": PERMISSION, "why": str(allowed.reason)})


def _values(sheet: Handover) -> dict[str, Any]:
    names = (
        "id", "org", "given_by", "given_at", "given_note", "digest", "ended_by", "ended_at",
        "taken_note",
    )  # fmt: skip
    return {
        **{name: getattr(sheet, name) for name in names},
        "state": sheet.state.value,
        "items": [item.as_json() for item in sheet.items],
        "moved": [move.as_json() for move in sheet.moved],
        "orders": list(sheet.orders),
    }


def _save(uow: UnitOfWork, sheet: Handover) -> None:
    names = ("state", "ended_by", "ended_at", "taken_note", "moved", "orders")
    values = _values(sheet)
    changed = {name: values[name] for name in names}
    uow.execute(update(HANDOVERS).where(HANDOVERS.c.id == sheet.id).values(changed))


def _sheet(row: RowMapping) -> Handover:
    return Handover(
        **{
            **row,
            "state": HandoverState(row["state"]),
            "items": tuple(item_from(one) for one in row["items"]),
            "moved": tuple(move_from(one) for one in row["moved"]),
            "orders": tuple(row["orders"]),
        }
    )


def _record(uow: UnitOfWork, action: str, sheet: Handover, **more: Any) -> None:
    journal.record(
        uow,
        "decision",
        action,
        object_type="handover",
        object_id=sheet.id,
        org=sheet.org,
        outcome=sheet.state.value,
        body={
            "digest": sheet.digest,
            "counts": {section.value: count for section, count in counts(sheet.items).items()},
            "given_by": sheet.given_by,
            "given_at": sheet.given_at,
            "note": sheet.taken_note if sheet.ended_by else sheet.given_note,
            **more,
        },
    )


def _refuse(
    uow: UnitOfWork, action: str, org: str, refused: Refusal, sheet: Handover | None
) -> HandoverOutcome:
    journal.record(
        uow,
        "decision",
        action,
        object_type="handover",
        object_id=sheet.id if sheet is not None else "",
        org=org,
        outcome="refused",
        reason=refused.code,
        body=dict(refused.params),
    )
    return HandoverOutcome(False, refused.code, sheet, refused.params)
