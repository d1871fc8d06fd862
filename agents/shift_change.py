"""At a change of shift the hand-over sheet goes to who ends and to who begins (交接班).

Only where a roster is kept: without one nobody's shift ends. The sheet is what the console's
hand-over page shows at that moment; sending it signs nothing. The key in the outbox names unit,
change, person and channel, so that a second round puts nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import structlog
from sqlalchemy import Connection

import trail
from agents import feed_states
from directory import Directory, Role
from directory.coverage import coverage, rosters
from store import Store, outbox
from store.clock import rfc3339
from workorders.context import Context
from workorders.handover import Item
from workorders.handover_card import sheet_card
from workorders.handover_items import items_of

ACTOR = "system:shift-change"
ROLE = Role.RISK_OFFICER
#: After downtime the sheet of the last change is still worth having for so long; no older one.
LATE = timedelta(hours=4)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A moment at which other people begin to answer for a unit.

    Attributes:
        leaving: who answered and does no longer.
        coming: who answers from now on and did not before; empty where the roster has a gap.
    """

    org: str
    at: datetime
    leaving: tuple[str, ...]
    coming: tuple[str, ...]


class ShiftChange:
    """The agent.

    Args:
        store: for the transactions.
        directory: people and rosters, as of now.
        context: the channels, as of now.
    """

    def __init__(
        self, store: Store, *, directory: Callable[[], Directory], context: Callable[[], Context]
    ) -> None:
        self._store = store
        self._directory = directory
        self._context = context

    def run_once(self, now: datetime) -> int:
        """Queue the sheets that are due at `now`; returns to how many people one went."""
        directory, ctx = self._directory(), self._context()
        told = 0
        for change in changes(directory, now):
            for person in (*change.leaving, *change.coming):
                try:
                    told += self._put(directory, ctx, change, person)
                except Exception:  # noqa: BLE001 - one person's sheet must not hold back the others
                    _log.exception("hand-over sheet failed", person=person, at=str(change.at))
        return told

    def _put(self, directory: Directory, ctx: Context, change: Change, person: str) -> bool:
        known = directory.person(person)
        if known is None or not known.active:
            return False
        with self._store.unit_of_work(ACTOR) as uow:
            key = f"HS/{change.org}/{rfc3339(change.at)}/{person}"
            if outbox.find(uow.connection, key):
                return False
            items = self._items(uow.connection, ctx, directory, change, person, uow.now)
            if not items:
                return False
            card = sheet_card(
                items, org=change.org, at=change.at, person=person,
                leaving=change.leaving, coming=change.coming, notice_id=key,
            )  # fmt: skip
            for channel in ctx.channels:
                outbox.put(
                    uow,
                    channel=channel,
                    target=person,
                    payload=replace(card, notice_id=f"{key}/{channel}").as_json(),
                    key=f"{key}/{channel}",
                    group=key,
                )
            trail.record(
                uow,
                kind="notification",
                action="handover.sheet",
                object_type="person",
                object_id=person,
                org=change.org,
                outcome="queued",
                body={
                    "at": change.at,
                    "leaving": list(change.leaving),
                    "coming": list(change.coming),
                    "channels": list(ctx.channels),
                    "items": [item.id for item in items],
                },
            )
            return True

    @staticmethod
    def _items(  # noqa: PLR0917 - what a sheet is made of
        connection: Connection,
        ctx: Context,
        directory: Directory,
        change: Change,
        person: str,
        now: datetime,
    ) -> tuple[Item, ...]:
        """What stands at the unit, without what is about the reader."""
        scopes = directory.visible_scopes(person, now)
        seen = any(change.org == one or change.org.startswith(f"{one}/") for one in scopes)
        if not seen:
            return ()
        return items_of(
            connection, ctx, change.org, now, feed_states.feeds_at_fault(connection),
            scopes=scopes.narrowed(change.org),
        )  # fmt: skip


def changes(directory: Directory, now: datetime) -> Iterable[Change]:
    """The last change of shift of each unit with a roster, where it is not longer ago than `LATE`.

    Pure. A change of deputies or reasons alone, with the same people, is none.
    """
    for org, role in rosters(directory):
        if role is not ROLE:
            continue
        # A microsecond beyond, so that a change at this very moment is seen.
        until = now + timedelta(microseconds=1)
        stretches = coverage(directory, org, role, now - LATE, until)
        found: Change | None = None
        for before, after in pairwise(stretches):
            was = [one.person for one in before.answers if not before.gap]
            now_is = [one.person for one in after.answers if not after.gap]
            leaving = tuple(one for one in was if one not in now_is)
            coming = tuple(one for one in now_is if one not in was)
            if leaving or coming:
                found = Change(org, after.start, leaving, coming)
        if found is not None:
            yield found
