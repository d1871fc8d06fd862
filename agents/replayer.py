"""The replayer: every past day judged again by the event-time reference, against what was told.

durable_rules proposes and the reference disposes, live, one event at a time; here the day's events
are judged at a stretch, and what stands must be what stands in the trail. A correlation that was
missed, or told without cause, opens a work order of kind `system`; nothing is mended by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

import trail
from agents.correlating import Correlations, past_facts
from agents.facts import Surroundings
from agents.house_faults import HouseFault, tell_once
from agents.judging import JudgingAgent
from agents.reading import Stand, stand_of
from agents.world import book_orgs
from auditlog.port import Query
from directory.writing import directory_version
from rules.patterns import Status
from rules.rulebook import Rulebook
from store import UnitOfWork, positions
from store.clock import parse_rfc3339
from trail.tables import RECORD

ACTOR = "system:replayer"
POSITION = "replayer"
DIFFERS = "REPLAY_DIFFERS"
_DAY = timedelta(days=1)
_MOST_DAYS = 31
_NAMED = 20
#: The reference is given so much more of the past than it looks back, so that what began before
#: the day is judged as it was live.
_LEAD = 3
_PAGE = 1000

Found = Mapping[str, tuple[str, tuple[str, ...]]]
"""Correlations by uid: their rule and the ids of their events."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one day.

    Attributes:
        outcome: ``equal``, ``different``, or ``not_comparable`` when the rules have changed since.
        missed: what the reference finds and the trail has not.
        extra: what the trail has and the reference does not find.
        order: the order that was opened, or empty.
    """

    day: date
    outcome: str
    missed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    order: str = ""


class _Held(NamedTuple):
    """The last day replayed, and the rules and directory that were in force then."""

    day: date | None = None
    rulebook: str = ""
    directory: str = ""


class Replayer(JudgingAgent):
    """The agent; the log gives the events of the day."""

    actor = ACTOR

    def run_once(self, now: datetime) -> tuple[Replayed, ...]:
        """Replay each day that is over and not yet replayed; a day is replayed once."""
        done: list[Replayed] = []
        for _ in range(_MOST_DAYS):
            replayed = self._next(now)
            if replayed is None:
                break
            done.append(replayed)
        return tuple(done)

    def _next(self, now: datetime) -> Replayed | None:
        rulebook = self._rulebook()
        with self._store.reader() as connection:
            held, stand = _held(connection), stand_of(connection)
            around = self._world.around(connection)
            version = directory_version(connection)
        if stand.mark is None:
            return None
        correlations = Correlations(rulebook, around, child=None)
        reach = correlations.reach()
        # What belongs to a day may be told until everything has passed that may change it.
        latest = (min(now, stand.mark) - reach).astimezone(UTC).date() - _DAY
        day = held.day + _DAY if held.day is not None else latest
        if day > latest:
            return None
        end = datetime.combine(day, time(0), UTC) + _DAY
        events, found = self._judge(correlations, stand, end, reach)
        with self._store.unit_of_work(ACTOR) as uow:
            if _held(uow.connection) != held:
                return None  # another process was first
            had, strange = _told(uow.connection, end - _DAY, end, rulebook)
            comparable = held.rulebook in {"", rulebook.hash} and not strange
            changed = held.directory not in {"", version}
            replayed = self._compare(
                uow, around, day, found, had, comparable=comparable, changed=changed, events=events
            )
            positions.write(uow, POSITION, f"{day} {rulebook.hash} {version}")
        return replayed

    def _judge(
        self, correlations: Correlations, stand: Stand, end: datetime, reach: timedelta
    ) -> tuple[int, Found]:
        """How many events were judged, and what stands of the day that ends at `end`."""
        since = end - _DAY - _LEAD * reach
        query = Query(since=since, until=end + reach, until_position=stand.position, limit=5_000)
        facts = past_facts(self._log.history(query), correlations)
        standing: dict[str, tuple[str, tuple[str, ...]]] = {}
        for told in correlations.rebuild(facts, end + reach):
            one = told.correlation
            for old in one.supersedes:
                standing.pop(old, None)
            if one.status is Status.CONFIRMED and end - _DAY <= one.event_time < end:
                ids = tuple(str(fact.fields.get("event_id", fact.uid)) for fact in one.facts)
                standing[one.uid] = (one.rule, ids)
        return len(facts), standing

    def _compare(
        self,
        uow: UnitOfWork,
        around: Surroundings,
        day: date,
        found: Found,
        had: Found,
        *,
        comparable: bool,
        changed: bool,
        events: int,
    ) -> Replayed:
        missed = tuple(sorted(found.keys() - had.keys()))
        extra = tuple(sorted(had.keys() - found.keys()))
        outcome = "equal" if not missed and not extra else "different"
        if not comparable:
            outcome = "not_comparable"
        body: dict[str, Any] = {
            "facts": events,
            "found": len(found),
            "told": len(had),
            "missed": _named(missed, found),
            "extra": _named(extra, had),
            "directory_changed": changed,
        }
        if found or had or not comparable:
            trail.record(
                uow,
                kind="decision",
                action="correlation.replay",
                object_type="day",
                object_id=day.isoformat(),
                outcome=outcome,
                reason="" if comparable else "RULEBOOK_CHANGED",
                body=body,
            )
        order = ""
        if outcome == "different":
            roots = book_orgs(around)
            fault = HouseFault(
                code=DIFFERS,
                key=f"replay/{day}",
                org=roots[0] if roots else "",
                text="\n".join(
                    [f"− {_line(found[uid])}" for uid in missed[:_NAMED]]
                    + [f"+ {_line(had[uid])}" for uid in extra[:_NAMED]]
                ),
                body=body,
            )
            order = tell_once(uow, self._context(around), fault)
        return Replayed(day, outcome, missed, extra, order)


def _line(one: tuple[str, tuple[str, ...]]) -> str:
    rule, events = one
    return f"{rule}: {', '.join(events)}"


def _named(uids: tuple[str, ...], among: Found) -> list[dict[str, Any]]:
    return [
        {"correlation": uid, "rule": among[uid][0], "events": list(among[uid][1])}
        for uid in uids[:_NAMED]
    ]


def _held(connection: Connection) -> _Held:
    found = (positions.read(connection, POSITION) or "").split(" ")
    return _Held(date.fromisoformat(found[0]), *found[1:3]) if len(found) == 3 else _Held()  # noqa: PLR2004 - as it was written


def _told(
    connection: Connection, start: datetime, end: datetime, rulebook: Rulebook
) -> tuple[Found, bool]:
    """What stands in the trail of the day, and whether some was told under other rules."""
    names = {rule.id for rule in rulebook.correlations}
    standing: dict[str, tuple[str, tuple[str, ...]]] = {}
    gone: set[str] = set()
    strange = False
    after = _last_before(connection, start)
    while page := trail.find(connection, kind=("match", "decision"), after_seq=after, limit=_PAGE):
        for one in page:
            if one.action == "correlation.supersede":
                gone.add(str(one.body["supersedes"]))
            uid = str(one.body.get("correlation", "")) if one.kind == "match" else ""
            if not uid or one.body.get("batch_run"):
                continue
            if not start <= parse_rfc3339(str(one.body["event_time"])) < end:
                continue
            strange = strange or one.body["rulebook"] != rulebook.hash
            if one.body["rule"] in names:
                standing[uid] = (str(one.body["rule"]), tuple(one.body["event_ids"]))
        after = page[-1].seq
    return {uid: one for uid, one in standing.items() if uid not in gone}, strange


def _last_before(connection: Connection, at: datetime) -> int:
    """The number of the last record before a time: records are numbered in time's order."""
    c = RECORD.c
    low, high = 0, int(connection.scalar(select(func.max(c.seq))) or 0)
    while low < high:
        middle = (low + high + 1) // 2
        seen = connection.scalar(select(c.at).where(c.seq == middle))
        if seen is not None and seen < at:
            low = middle
        else:
            high = middle - 1
    return low
