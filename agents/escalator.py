"""The escalator: timers that are due, in order, then the messages that wait.

After downtime the missed timers fire once each, in the order of their due times; each is its own
transaction, so that one that fails does not hold the others back for ever.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.delivery import ACTOR, Address, Delivered, deliver, refresh
from store import Store, outbox, timers
from workorders.channel import Channel
from workorders.context import Context
from workorders.fire import KINDS, fire_timer

LIMIT = 200


@dataclass(frozen=True, slots=True)
class Escalated:
    """What one round did."""

    fired: int
    delivered: Delivered
    refreshed: int = 0


class Escalator:
    """The agent.

    Args:
        store: for the transactions.
        channels: adapters by name.
        address: where a person is reached on a channel.
        context: what `workorders` needs, as of now.
        holder: this process, for the outbox leases.
        editable: channels whose delivered cards are shown anew after an act.
    """

    def __init__(
        self,
        store: Store,
        *,
        channels: Mapping[str, Channel],
        address: Address,
        context: Callable[[], Context],
        holder: str,
        editable: Collection[str] = ("slack",),
    ) -> None:
        self._store = store
        self._channels = channels
        self._address = address
        self._context = context
        self._holder = holder
        self._editable = frozenset(editable)

    def run_once(self, now: datetime) -> Escalated:
        """Fire what is due at `now`, then deliver one batch."""
        fired = 0
        with self._store.reader() as connection:
            due = [timer for timer in timers.due(connection, now, LIMIT) if timer.kind in KINDS]
        for timer in due:
            with self._store.unit_of_work(ACTOR) as uow:
                done = fire_timer(uow, timer, self._context())
            fired += done.code != "FIRED_ELSEWHERE"
        delivered = deliver(self._store, self._channels, self._address, self._context, self._holder)
        return Escalated(fired, delivered, refresh(self._store, self._channels, self._editable))

    def next_due(self) -> datetime | None:
        """When the next timer or message becomes due; None when nothing waits."""
        with self._store.reader() as connection:
            moments = [timers.next_due(connection), outbox.next_due(connection)]
        return min((moment for moment in moments if moment is not None), default=None)
