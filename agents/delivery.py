"""The outbox emptied: every message to its channel, every attempt on record.

A message is claimed in one transaction, sent outside of any, and settled in another. Who dies in
between leaves a lease that runs out; the message goes out again under the same idempotency id.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import orjson
import structlog

from store import Store, UnitOfWork, outbox
from store.outbox import OutboxRow
from workorders import notices
from workorders.card import card_from_json
from workorders.channel import Channel, Handle
from workorders.context import Context
from workorders.errors import ChannelFailed, ChannelRetry
from workorders.refresh import record_refresh, stale_cards

ACTOR = "system:escalator"
LEASE_S = 60.0
BATCH = 50
MOST_BATCHES = 20
GO_ON = timedelta(seconds=0.5)
MAX_ATTEMPTS = 8

_log = structlog.get_logger(__name__)

Address = Callable[[str, str], str]
"""(person, channel) → the person's address on that channel; empty when they have none."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did."""

    sent: int = 0
    retried: int = 0
    failed: int = 0


def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    address: Address,
    context: Callable[[], Context],
    holder: str,
) -> Delivered:
    """Send what is due: a batch, and more of them while they are full and quickly sent.

    Args:
        store: for the transactions.
        channels: adapters by name.
        address: where a person is reached.
        context: what `workorders` needs, as of now.
        holder: this process, for the leases.
    """
    begun, total = store.clock(), Delivered()
    for _ in range(MOST_BATCHES):
        done = _batch(store, channels, address, context, holder)
        total = Delivered(
            total.sent + done.sent, total.retried + done.retried, total.failed + done.failed
        )
        # Whoever waits for the next round, the watcher first of all, must not wait for a backlog.
        if done.sent + done.retried + done.failed < BATCH or store.clock() - begun > GO_ON:
            break
    return total


def _batch(
    store: Store,
    channels: Mapping[str, Channel],
    address: Address,
    context: Callable[[], Context],
    holder: str,
) -> Delivered:
    with store.unit_of_work(ACTOR) as uow:
        rows = outbox.claim(uow, limit=BATCH, lease_s=LEASE_S, holder=holder)
    sent = retried = failed = 0
    for row in rows:
        outcome = _attempt(row, channels, address)
        with store.unit_of_work(ACTOR) as uow:
            if isinstance(outcome, Handle):
                sent += _sent(uow, row, outcome, context())
            elif isinstance(outcome, ChannelRetry) and row.attempts < MAX_ATTEMPTS:
                retried += _retry(uow, row, outcome, context())
            else:
                failed += _failed(uow, row, outcome, context())
    return Delivered(sent, retried, failed)


def _attempt(
    row: OutboxRow, channels: Mapping[str, Channel], address: Address
) -> Handle | ChannelRetry | ChannelFailed:
    channel = channels.get(row.channel)
    if channel is None:
        return ChannelFailed("NO_SUCH_CHANNEL")
    target = address(row.target, row.channel)
    if not target:
        return ChannelFailed("NO_ADDRESS")
    try:
        return channel.send(card_from_json(row.payload), target)
    except (ChannelRetry, ChannelFailed) as fault:
        return fault
    except Exception as fault:  # noqa: BLE001 - one message must not hold back the others
        _log.error("channel fault", channel=row.channel, key=row.key, fault=repr(fault))
        return ChannelRetry(0, f"CHANNEL_ERROR {type(fault).__name__}")


def _sent(uow: UnitOfWork, row: OutboxRow, handle: Handle, context: Context) -> int:
    if not outbox.delivered(uow, row.id, orjson.dumps(dict(handle.reference)).decode()):
        return 0
    notices.record_delivery(uow, context, row.key, outcome="sent", handle=handle.reference)
    return 1


def _retry(uow: UnitOfWork, row: OutboxRow, fault: ChannelRetry, context: Context) -> int:
    at = uow.now + back_off(row.attempts, fault.after_s)
    if not outbox.retry(uow, row.id, str(fault), at):
        return 0
    notices.record_delivery(uow, context, row.key, outcome="retry", error=str(fault))
    return 1


def _failed(
    uow: UnitOfWork, row: OutboxRow, fault: Handle | ChannelRetry | ChannelFailed, context: Context
) -> int:
    code = fault.code if isinstance(fault, ChannelFailed) else "ATTEMPTS_USED_UP"
    if not outbox.dead(uow, row.id, f"{code}: {fault}"):
        return 0
    took_over = notices.record_delivery(uow, context, row.key, outcome="failed", error=code)
    _log.warning("notice given up", key=row.key, channel=row.channel, code=code, next=took_over)
    return 1


def refresh(store: Store, channels: Mapping[str, Channel], editable: Collection[str]) -> int:
    """Show delivered cards anew that an act has made untrue; returns how many were.

    Args:
        store: for the transactions.
        channels: adapters by name.
        editable: channels whose cards can be edited. On the others the page behind the link tells
            the outcome, and the closing is told to everybody.
    """
    with store.reader() as connection:
        stale = stale_cards(connection, channels=editable)
    shown = 0
    for one in stale:
        outcome = "failed"
        channel = channels.get(one.handle.channel)
        if channel is not None:
            try:
                outcome = channel.update(one.handle, one.card).value
            except ChannelRetry:
                continue
            except ChannelFailed as fault:
                _log.warning("card not refreshed", key=one.key, code=fault.code)
            except Exception as fault:  # noqa: BLE001 - one card must not hold back the others
                _log.error("card not refreshed", key=one.key, fault=repr(fault))
        with store.unit_of_work(ACTOR) as uow:
            record_refresh(uow, one, outcome=outcome)
        shown += outcome != "failed"
    return shown


def back_off(attempts: int, asked_s: int) -> timedelta:
    """How long to wait: at least what the other side asked, doubling up to a quarter of an hour."""
    return timedelta(seconds=max(asked_s, min(5 * 2 ** max(attempts - 1, 0), 900)))
