"""The brief before each open: 08:30 and 20:30, one for each person and open.

The open is the calendar's: on the eve of a holiday there is no night session and no brief for it.
The key in the outbox names person, open and channel, so that a second round puts nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

import trail
from directory import Directory
from directory.errors import DirectoryError
from store import Store, outbox
from store.clock import rfc3339
from workorders.brief import Brief, brief_card, brief_for, people_with_matters
from workorders.context import Context

ACTOR = "system:briefing"
LEAD = timedelta(minutes=30)
#: A shorter pause is a break of the same session (tea, lunch) and brings no brief.
SHORTEST_PAUSE = timedelta(hours=3)
#: What was kept back longer ago stood in an earlier brief.
SINCE = timedelta(hours=24)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Briefed:
    """Whose briefs one round put into the outbox."""

    people: tuple[str, ...]


class Briefing:
    """The agent.

    Args:
        store: for the transactions.
        directory: people and the calendar, as of now.
        context: the channels, as of now.
    """

    def __init__(
        self, store: Store, *, directory: Callable[[], Directory], context: Callable[[], Context]
    ) -> None:
        self._store = store
        self._directory = directory
        self._context = context

    def run_once(self, now: datetime) -> Briefed:
        """Put the briefs that are due at `now`, each in a transaction of its own."""
        directory, ctx = self._directory(), self._context()
        with self._store.reader() as connection:
            people = people_with_matters(connection)
        told = []
        for person, products in sorted(people.items()):
            known = directory.person(person)
            if known is None or not known.active:
                continue
            opens_at = due_open(directory, known.unit, products, now)
            if opens_at is None:
                continue
            try:
                if self._put(ctx, person, known.unit, opens_at):
                    told.append(person)
            except Exception:  # noqa: BLE001 - one person's brief must not hold back the others
                _log.exception("brief failed", person=person, opens_at=str(opens_at))
        return Briefed(tuple(told))

    def _put(self, ctx: Context, person: str, org: str, opens_at: datetime) -> bool:
        with self._store.unit_of_work(ACTOR) as uow:
            key = f"BR/{person}/{rfc3339(opens_at)}"
            if outbox.find(uow.connection, key):
                return False
            brief = brief_for(uow.connection, person, opens_at=opens_at, since=uow.now - SINCE)
            if brief.empty:
                return False
            for channel in ctx.channels:
                outbox.put(
                    uow,
                    channel=channel,
                    target=person,
                    payload=brief_card(brief, notice_id=f"{key}/{channel}").as_json(),
                    key=f"{key}/{channel}",
                    group=key,
                )
            trail.record(
                uow,
                kind="notification",
                action="brief.queue",
                object_type="brief",
                object_id=key,
                org=org,
                outcome="queued",
                body=_body(brief, ctx.channels),
            )
            return True


def due_open(
    directory: Directory, org: str, products: Iterable[str], now: datetime
) -> datetime | None:
    """The next open that is due to be briefed at `now`; None when none is within half an hour.

    Args:
        directory: for the calendar.
        org: the person's unit, which may keep sessions of its own.
        products: whose sessions count, beside the mainland exchanges' day session.
        now: the time.
    """
    calendar = directory.calendar
    due = []
    for product in sorted({*products, ""}):
        try:
            opens_at = calendar.next_open(product, now, org)
            pause = opens_at - calendar.previous_close(product, opens_at, org)
        except DirectoryError:
            continue  # neither a known product nor a known year: the day session still counts
        if opens_at - LEAD <= now < opens_at and pause >= SHORTEST_PAUSE:
            due.append(opens_at)
    return min(due, default=None)


def _body(brief: Brief, channels: tuple[str, ...]) -> dict[str, object]:
    return {
        "person": brief.person,
        "opens_at": brief.opens_at,
        "channels": list(channels),
        "waiting": [one.matter_id for one in brief.waiting],
        "snoozed": list(brief.snoozed),
        "kept": {one.reason: one.matters for one in brief.kept},
    }
