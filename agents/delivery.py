"""The outbox emptied: every message to its channel, every attempt on record.

A message is claimed in one transaction, sent outside of any, and settled in another. Who dies in
between leaves a lease that runs out; the message goes out again under the same idempotency id.
Several lanes send to several people at once; to one person on one channel messages go out one after
the other, in the order in which they were due.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic

import orjson
import structlog

from store import Store, UnitOfWork, outbox
from store.outbox import OutboxRow
from workorders import deliveries
from workorders.card import card_from_json
from workorders.channel import Channel, Handle
from workorders.context import Context
from workorders.errors import ChannelFailed, ChannelRetry
from workorders.probe import is_probe
from workorders.refresh import record_refresh, stale_cards

ACTOR = "system:escalator"
LEASE_S = 60.0
#: No attempt begins later after the claim: the slowest channel then ends within the lease.
BEGIN_WITHIN_S = 30.0
BATCH = 50
#: How many people are sent to at once by the service.
LANES = 4
#: At most so many sent messages are settled in one transaction.
_SETTLED_AT_ONCE = 25
#: So long does an ended attempt wait for others to be settled with. Every settling is a commit that
#: keeps the watcher from writing; the lanes go on sending meanwhile.
GATHER_S = 0.02
MOST_BATCHES = 20
GO_ON = timedelta(seconds=0.5)
MAX_ATTEMPTS = 8

_log = structlog.get_logger(__name__)

Address = Callable[[str, str], str]
"""(person, channel) → the person's address on that channel; empty when they have none."""


class Untried:
    """The lease was too far gone to begin an attempt that might outlast it."""


Outcome = Handle | ChannelRetry | ChannelFailed | Untried
Attempt = tuple[OutboxRow, Outcome]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did."""

    sent: int = 0
    retried: int = 0
    failed: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        """Both together."""
        return Delivered(
            self.sent + other.sent, self.retried + other.retried, self.failed + other.failed
        )

    @property
    def tried(self) -> int:
        """How many messages it dealt with."""
        return self.sent + self.retried + self.failed


def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    address: Address,
    context: Callable[[], Context],
    holder: str,
    *,
    lanes: int = 1,
) -> Delivered:
    """Send what is due: a batch, and more of them while they are full and quickly sent.

    Args:
        store: for the transactions.
        channels: adapters by name.
        address: where a person is reached.
        context: what `workorders` needs, as of now.
        holder: this process, for the leases.
        lanes: to how many people at once; with one lane everything goes out in order.
    """
    begun, total = store.clock(), Delivered()
    for _ in range(MOST_BATCHES):
        done = _batch(store, channels, address, context, holder, lanes)
        total += done
        # Whoever waits for the next round, the watcher first of all, must not wait for a backlog.
        if done.tried < BATCH or store.clock() - begun > GO_ON:
            break
    return total


def _batch(  # noqa: PLR0917 - one step of `deliver`
    store: Store,
    channels: Mapping[str, Channel],
    address: Address,
    context: Callable[[], Context],
    holder: str,
    lanes: int,
) -> Delivered:
    with store.unit_of_work(ACTOR) as uow:
        rows = outbox.claim(uow, limit=BATCH, lease_s=LEASE_S, holder=holder)
    latest = store.clock() + timedelta(seconds=BEGIN_WITHIN_S)
    # Looked up once a person: each look is a transaction of its own.
    known = {(one.target, one.channel) for one in rows if one.channel in channels}
    addresses = {place: address(*place) for place in sorted(known)}

    def attempt(row: OutboxRow) -> Outcome:
        if store.clock() > latest:
            return Untried()
        return _attempt(row, channels=channels, addresses=addresses)

    alone = lanes == 1 or len(rows) < 2  # noqa: PLR2004 - nobody to overtake
    attempts = _in_turn(rows, attempt) if alone else _at_once(rows, attempt, lanes)
    done = Delivered()
    with closing(attempts):
        for group in attempts:
            done += _settle(store, context, group)
    return done


def _in_turn(
    rows: Sequence[OutboxRow], attempt: Callable[[OutboxRow], Outcome]
) -> Generator[list[Attempt], None, None]:
    for row in rows:
        yield [(row, attempt(row))]


def _at_once(
    rows: Sequence[OutboxRow], attempt: Callable[[OutboxRow], Outcome], lanes: int
) -> Generator[list[Attempt], None, None]:
    """What came of the attempts, as they end; those that ended meanwhile come together."""
    ended: SimpleQueue[Attempt | BaseException] = SimpleQueue()
    stopping = Event()
    people: dict[tuple[str, str], list[OutboxRow]] = {}
    for row in rows:
        people.setdefault((row.channel, row.target), []).append(row)
    left = len(rows)
    with ThreadPoolExecutor(min(lanes, len(people)), thread_name_prefix="delivery") as pool:
        try:
            for part in people.values():
                pool.submit(_lane, part, attempt, ended, stopping)
            while left:
                found = _gather(ended, min(left, _SETTLED_AT_ONCE))
                group = [one for one in found if not isinstance(one, BaseException)]
                if group:
                    yield group
                for fault in found:
                    if isinstance(fault, BaseException):
                        raise fault
                left -= len(found)
        finally:
            stopping.set()


def _gather(
    ended: "SimpleQueue[Attempt | BaseException]", most: int
) -> list[Attempt | BaseException]:
    """The next attempt to end, and those that end within `GATHER_S` of it; `most` at the most."""
    found = [ended.get()]
    until = monotonic() + GATHER_S
    while len(found) < most and not isinstance(found[-1], BaseException):
        try:
            found.append(ended.get(timeout=max(until - monotonic(), 0)))
        except Empty:
            break
    return found


def _lane(
    part: Sequence[OutboxRow],
    attempt: Callable[[OutboxRow], Outcome],
    ended: "SimpleQueue[Attempt | BaseException]",
    stopping: Event,
) -> None:
    """One person's messages on one channel, one after the other."""
    for row in part:
        if stopping.is_set():
            return
        try:
            ended.put((row, attempt(row)))
        except BaseException as fault:  # noqa: BLE001 - raised where it is waited for
            ended.put(fault)
            return


def _settle(store: Store, context: Callable[[], Context], group: Sequence[Attempt]) -> Delivered:
    """Settle attempts in one transaction; when that fails each in its own.

    So a message that cannot be settled has no other sent again.
    """
    try:
        with store.unit_of_work(ACTOR) as uow:
            codes = [*_sent(uow, group)]
            untried = [row.id for row, came in group if isinstance(came, Untried)]
            if untried:
                outbox.give_back(uow, untried, group[0][0].holder)
            others = [
                (row, came) for row, came in group if isinstance(came, ChannelRetry | ChannelFailed)
            ]
            if others:
                known = context()
                codes += [_settle_one(uow, known, row, fault) for row, fault in others]
    except Exception:
        if len(group) == 1:
            raise
        _log.exception("messages not settled together", keys=[row.key for row, _ in group])
        return _settle_each(store, context, group)
    return Delivered(codes.count("sent"), codes.count("retried"), codes.count("failed"))


def _settle_each(
    store: Store, context: Callable[[], Context], group: Sequence[Attempt]
) -> Delivered:
    done, failure = Delivered(), None
    for one in group:
        try:
            done += _settle(store, context, [one])
        except Exception as fault:  # noqa: BLE001 - raised below
            failure = failure or fault
    if failure is not None:
        raise failure
    return done


def _settle_one(
    uow: UnitOfWork, context: Context, row: OutboxRow, fault: ChannelRetry | ChannelFailed
) -> str:
    """``retried`` or ``failed``; empty when the message was settled by another."""
    if isinstance(fault, ChannelRetry) and row.attempts < MAX_ATTEMPTS:
        return "retried" if _retry(uow, row, fault, context) else ""
    return "failed" if _failed(uow, row, fault, context) else ""


def _attempt(
    row: OutboxRow,
    *,
    channels: Mapping[str, Channel],
    addresses: Mapping[tuple[str, str], str],
) -> Outcome:
    channel = channels.get(row.channel)
    if channel is None:
        return ChannelFailed("NO_SUCH_CHANNEL")
    target = addresses[row.target, row.channel]
    if not target:
        return ChannelFailed("NO_ADDRESS")
    try:
        return channel.send(card_from_json(row.payload), target)
    except (ChannelRetry, ChannelFailed) as fault:
        return fault
    except Exception as fault:  # noqa: BLE001 - one message must not hold back the others
        _log.error("channel fault", channel=row.channel, key=row.key, fault=repr(fault))
        return ChannelRetry(0, f"CHANNEL_ERROR {type(fault).__name__}")


def _sent(uow: UnitOfWork, group: Sequence[Attempt]) -> list[str]:
    """A ``sent`` for each message that a channel took and that nobody else has settled."""
    taken = {row.id: (row.key, got.reference) for row, got in group if isinstance(got, Handle)}
    if not taken:
        return []
    handles = {one: orjson.dumps(dict(reference)).decode() for one, (_, reference) in taken.items()}
    settled = outbox.delivered_all(uow, handles)
    deliveries.record_sent(uow, dict(taken[one] for one in sorted(settled)))
    return ["sent"] * len(settled)


def _retry(uow: UnitOfWork, row: OutboxRow, fault: ChannelRetry, context: Context) -> bool:
    if deliveries.overtaken(uow.connection, row.key):
        # Somebody answered while it was on its way: the person is left in peace.
        if outbox.call_off(uow, row.id, str(fault)):
            deliveries.record_delivery(
                uow, context, row.key, outcome="called_off", error=str(fault)
            )
        return False
    at = uow.now + back_off(row.attempts, fault.after_s)
    if not outbox.retry(uow, row.id, str(fault), at):
        return False
    deliveries.record_delivery(uow, context, row.key, outcome="retry", error=str(fault))
    return True


def _failed(
    uow: UnitOfWork, row: OutboxRow, fault: ChannelRetry | ChannelFailed, context: Context
) -> bool:
    code = fault.code if isinstance(fault, ChannelFailed) else "ATTEMPTS_USED_UP"
    # That it failed is what a test call has found out: nobody need look at its letter.
    end = outbox.call_off if is_probe(row.key) else outbox.dead
    if not end(uow, row.id, f"{code}: {fault}"):
        return False
    took_over = deliveries.record_delivery(uow, context, row.key, outcome="failed", error=code)
    _log.warning("notice given up", key=row.key, channel=row.channel, code=code, next=took_over)
    return True


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
