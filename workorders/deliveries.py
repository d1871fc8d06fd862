"""What became of a card: taken, put off or refused by its channel, and who takes over then."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from store.unit_of_work import UnitOfWork
from workorders import journal, probes, rows
from workorders.context import Context
from workorders.model import Alert, EntryKind, State, WorkOrder
from workorders.noise import NoticeVerdict
from workorders.notices import number_of, queue_card
from workorders.probe import is_probe
from workorders.rows import NOTICES

_FIND = (
    select(NOTICES)
    .where(NOTICES.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(NOTICES.c.queued_at, NOTICES.c.key)
)
_TRIED = update(NOTICES).where(NOTICES.c.key == bindparam("_key")).values(error=bindparam("_error"))
_SENT = _TRIED.values(state="sent", sent_at=bindparam("_at"), handle=bindparam("_handle"))
_AFTER = {
    "retry": _TRIED,
    "called_off": _TRIED.values(state="cancelled"),
    "failed": _TRIED.values(state="failed"),
    "bounced": _TRIED.values(state="bounced"),
}
#: Receipts that a mail system alone gives.
_OF_MAIL = frozenset({"bounced", "delayed", "relayed"})
#: Receipts that say the person was not told.
_NOT_TOLD = frozenset({"failed", "bounced"})
#: In a handle: whether the channel would hear of a notice that does not arrive.
CONFIRMABLE = "confirmable"
#: The stream's line about a notice that was handed over while nobody hears whether it arrives.
_UNCONFIRMED = "sent_unconfirmed"
#: The reason of a notice that came back; what the mail system said stands beside it.
BOUNCED = "MAIL_BOUNCED"
#: States in which nobody is told any more what was queued before.
_OVER = frozenset({State.SNOOZED, State.MERGED})


def record_delivery(
    uow: UnitOfWork,
    ctx: Context,
    key: str,
    *,
    outcome: str,
    error: str = "",
    handle: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> str:
    """Note what a channel said about a notice; a failed one goes to the next channel at once.

    Args:
        uow: the transaction that also settles the outbox row.
        ctx: for the fallback channels.
        key: the notice's key (`Card.notice_id`, the outbox row's key).
        outcome: ``sent``, ``retry``, ``called_off`` (not taken, and not tried again) or ``failed``.
        error: the reason of a failure.
        handle: where the card can be found again.
        at: when the channel took it; default now.

    Returns:
        The name of the fallback channel that takes over, or an empty string.
    """
    if outcome == "sent":
        record_sent(uow, {key: handle or {}}, at=at)
        return ""
    row = uow.connection.execute(_FIND, {"keys": [key]}).mappings().first()
    if row is None:  # a message that is no notice of ours
        probes.record_attempt(uow, key, outcome, error)
        return ""
    uow.execute(_AFTER[outcome], {"_key": key, "_error": error[:2_000]})
    matter = rows.find_order(uow.connection, row["object_id"]) or rows.find_alert(
        uow.connection, row["object_id"]
    )
    if matter is None:
        return ""
    _attempted(uow, matter, row, "retry" if outcome == "called_off" else outcome, error)
    return _fall_back(uow, ctx, matter, row) if outcome == "failed" else ""


def record_receipt(  # noqa: PLR0911, PLR0917 - what is known of one receipt; one return a code
    uow: UnitOfWork, ctx: Context, key: str, channel: str, status: str, error: str = ""
) -> str:
    """Note what came back about a notice that its channel took, once in the caller's inbox.

    Args:
        uow: the transaction.
        ctx: for the fallback channels.
        key: the notice's key.
        channel: that it went out on.
        status: ``delivered``, ``answered`` or ``failed``; of a mail also ``bounced``, ``delayed``
            or ``relayed``. What failed or bounced goes to the next channel at once, unless somebody
            acted meanwhile.
        error: the reason of a failure; of a mail the status code (``5.1.1``).

    Returns:
        Empty when it is noted, else ``UNKNOWN_NOTICE`` or, for a failure of what is still on its
        way, ``NOTICE_ON_ITS_WAY``: it is to be told again.
    """
    row = uow.connection.execute(_FIND, {"keys": [key]}).mappings().first()
    if row is None and is_probe(key):
        return probes.record_receipt(uow, key, channel, status, error)
    if row is None or row["channel"] != channel:
        return "UNKNOWN_NOTICE"
    if status in _NOT_TOLD and row["state"] == "queued":
        return "NOTICE_ON_ITS_WAY"
    if status in _OF_MAIL:
        return _mail_receipt(uow, ctx, row, status, error)
    if status == "failed" and not overtaken(uow.connection, key):
        record_delivery(uow, ctx, key, outcome="failed", error=error)
        return ""
    matter = rows.find_order(uow.connection, row["object_id"]) or rows.find_alert(
        uow.connection, row["object_id"]
    )
    if matter is None:
        return "UNKNOWN_NOTICE"
    _attempted(uow, matter, row, status, error)
    return ""


def _mail_receipt(uow: UnitOfWork, ctx: Context, row: RowMapping, status: str, told: str) -> str:
    """What a mail system reported of a notice, under its status code."""
    matter = rows.find_order(uow.connection, row["object_id"]) or rows.find_alert(
        uow.connection, row["object_id"]
    )
    if matter is None:
        return "UNKNOWN_NOTICE"
    said: dict[str, Any] = {"status": told}
    if status != "bounced":
        _attempted(uow, matter, row, status, "", said)
        return ""
    uow.execute(_AFTER[status], {"_key": row["key"], "_error": BOUNCED})
    code = "bounced"
    if not overtaken(uow.connection, row["key"]):
        said["next"] = _fall_back(uow, ctx, matter, row)
        code = "bounced_next" if said["next"] else "bounced_last"
    _attempted(uow, matter, row, status, BOUNCED, said, code)
    return ""


def overtaken(connection: Connection, key: str) -> bool:
    """Whether somebody acted after this notice was drawn, so that it is not to be tried again.

    An act cancels what is queued; what was on its way at that moment comes back only here.
    """
    row = connection.execute(_FIND, {"keys": [key]}).mappings().first()
    if row is None:  # a message that is no notice of ours
        return probes.settled(connection, key)
    order = rows.find_order(connection, row["object_id"])
    if order is not None and order.state in _OVER:
        return True
    alert = None if order else rows.find_alert(connection, row["object_id"])
    return any(moment > row["queued_at"] for moment in _acts(order, alert))


def record_sent(
    uow: UnitOfWork, handles: Mapping[str, Mapping[str, Any]], *, at: datetime | None = None
) -> None:
    """Note that channels took these notices, in the transaction that settles the outbox rows.

    Args:
        uow: the transaction.
        handles: the notice's key → where the card can be found again.
        at: when the channels took them; default now.
    """
    probes.record_sent(uow, handles, at)
    found = uow.connection.execute(_FIND, {"keys": list(handles)}).mappings().all()
    if not found:  # messages that are no notices of ours
        return
    taken = {"_error": "", "_at": at or uow.now}
    uow.execute(
        _SENT,
        [{**taken, "_key": row["key"], "_handle": dict(handles[row["key"]])} for row in found],
    )
    orders = rows.find_orders(uow.connection, {row["object_id"] for row in found})
    stale: set[str] = set()
    for row in found:
        order = orders.get(row["object_id"])
        alert = None if order else rows.find_alert(uow.connection, row["object_id"])
        matter = order or alert
        if matter is None:
            continue
        if _moved_since(order, alert, row["queued_at"]):
            stale.add(matter.id)
        # Only a channel that could tell, and as it is set up will not, has anything to say of this.
        unsure = handles[row["key"]].get(CONFIRMABLE) is False
        _attempted(uow, matter, row, "sent", "", line=_UNCONFIRMED if unsure else "")
    for object_id in sorted(stale):
        rows.mark_stale(uow, object_id)


def _attempted(  # noqa: PLR0917 - one line
    uow: UnitOfWork,
    matter: WorkOrder | Alert,
    row: RowMapping,
    outcome: str,
    error: str,
    said: Mapping[str, Any] = MappingProxyType({}),
    line: str = "",
) -> None:
    """One attempt at one notice: record and line of the stream (`line`: under another code)."""
    is_order = isinstance(matter, WorkOrder)
    params = {
        "person": row["person"],
        "channel": row["channel"],
        "outcome": outcome,
        "key": row["key"],
        **said,
    }
    journal.record(
        uow,
        "notification",
        f"notice.{outcome}",
        object_type="work_order" if is_order else "alert",
        object_id=matter.id,
        org=matter.org,
        outcome=outcome,
        reason=error[:200],
        body=params,
    )
    rows.entry(
        uow,
        EntryKind.NOTIFICATION,
        f"notice.{line or outcome}",
        params,
        order_id=matter.id if is_order else "",
        alert_id="" if is_order else matter.id,
        case_id=matter.case_id,
    )


def _moved_since(order: WorkOrder | None, alert: Alert | None, queued_at: datetime) -> bool:
    """Whether somebody acted while the card was on its way."""
    return any(moment >= queued_at for moment in _acts(order, alert))


def _acts(order: WorkOrder | None, alert: Alert | None) -> list[datetime]:
    """When somebody took it in hand, ended or decided it."""
    moments = (
        (order.acknowledged_at, order.resolved_at, order.closed_at)
        if order
        else (alert.decided_at if alert else None,)
    )
    return [moment for moment in moments if moment is not None]


def _fall_back(uow: UnitOfWork, ctx: Context, matter: WorkOrder | Alert, row: RowMapping) -> str:
    used = set(
        uow.connection.scalars(
            select(NOTICES.c.channel).where(
                NOTICES.c.object_id == matter.id,
                NOTICES.c.person == row["person"],
                NOTICES.c.rung == row["rung"],
            )
        )
    )
    channel = next((name for name in ctx.fallback if name not in used), "")
    if channel:
        verdict = NoticeVerdict(notify=True, reason=row["reason"], not_before=uow.now)
        queue_card(
            uow,
            matter,
            row["person"],
            channel,
            number=number_of(uow, matter.id),
            verdict=verdict,
            rung=row["rung"],
            params={},
        )
    return channel
