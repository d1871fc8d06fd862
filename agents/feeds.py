"""Feeds that should have spoken: a `feed` fact whenever one falls silent, dies or comes back.

Only a source that promises a cadence can be late by silence: an organisation names it in
`feed_every_s`, with the longest silence in open market. While one is late or dead, the exposure of
the organisation and of everything below it is late, and no order about it closes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import trail
from agents.assessor import Scope, Trigger, assess_scope
from agents.facts import Surroundings
from agents.feed_states import CURRENT, DEAD, KIND, LATE, feed_key, remember, states
from agents.judging import JudgingAgent
from agents.matching import Seen, match_of
from auditlog.port import FactRow, Query, fact_row
from book.exposure import compute
from book.positions import is_under
from book.state import BookState
from directory.errors import DirectoryError
from rules.rulebook import Rulebook
from store import UnitOfWork
from workorders.context import Context
from workorders.ingest import ingest_match

ACTOR = "system:feeds"
#: A feed is dead when it has been silent so many times as long as it may be.
DEAD_AFTER = 12
_SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Feed:
    """How a feed stands: seconds of silence in open market, and what that means."""

    org: str
    source: str
    lag_s: int
    state: str

    @property
    def key(self) -> str:
        """Names the condition, for the close-guard to find it again."""
        return feed_key(self.org, self.source)

    @property
    def fact(self) -> dict[str, Any]:
        """The fact of kind `feed`."""
        return {"org": self.org, "source": self.source, "lag_s": self.lag_s, "state": self.state}


class Feeds(JudgingAgent):
    """The agent; the log says when a source spoke last."""

    actor = ACTOR

    def run_once(self, now: datetime) -> tuple[Feed, ...]:
        """Look at every feed that promises a cadence; returns those whose state changed."""
        with self._store.reader() as connection:
            around = self._world.around(connection)
            known = states(connection)
        changed = [
            feed
            for feed in self._look(around, now)
            if feed.state != known.get((feed.org, feed.source), CURRENT)
        ]
        # One that nobody watches any more is late no longer.
        watched = {(org, source) for org, source, _every in promised(around)}
        changed += [
            Feed(org, source, 0, CURRENT)
            for (org, source), state in known.items()
            if (org, source) not in watched and state != CURRENT
        ]
        if changed:
            with self._store.unit_of_work(ACTOR) as uow:
                self._tell(uow, around, changed)
        return tuple(changed)

    def _look(self, around: Surroundings, now: datetime) -> Iterator[Feed]:
        for org, source, every in promised(around):
            query = Query(sources=(source,), org=org, since=now - _SPAN, until=now, limit=1)
            rows = self._log.search(query).rows
            if not rows:
                continue  # never heard, or gone for good: nothing depends on it
            silent = _silence(around, org, rows[0].event.arrival_time, now)
            state = CURRENT if silent <= every else LATE if silent <= every * DEAD_AFTER else DEAD
            yield Feed(org, source, silent, state)

    def _tell(self, uow: UnitOfWork, around: Surroundings, changed: list[Feed]) -> None:
        rulebook = self._rulebook()
        self._world.refresh(uow.connection)
        context = self._context(around)
        facts: list[FactRow] = []
        for feed in changed:
            row = fact_row(KIND, feed.fact, event_time=uow.now, org=feed.org)
            facts.append(row)
            remember(uow, feed.key, feed.fact, row.hash)
            _record(uow, feed, rulebook)
            seen = Seen(
                kind=KIND,
                fact=feed.fact,
                key=feed.key,
                at=uow.now,
                facts_hash=row.hash,
                event_ids=(),
                rulebook=rulebook.hash,
            )
            for verdict in rulebook.evaluate(KIND, feed.fact, at=uow.now):
                if verdict.truth:
                    ingest_match(uow, match_of(verdict, seen), context)
        self._log.append_facts(KIND, facts, recorded_at=uow.now)
        for org in dict.fromkeys(feed.org for feed in changed):
            self._reassess(uow, org, around, rulebook, context)

    def _reassess(
        self,
        uow: UnitOfWork,
        org: str,
        around: Surroundings,
        rulebook: Rulebook,
        context: Context,
    ) -> None:
        """What depends on the organisation's feeds is judged with its new data state."""
        book = self._world.book(uow.connection, org, uow.now)
        for scope in _scopes(book, org, uow.now):
            assessed = assess_scope(
                uow, scope, Trigger(uow.now), book=book, around=around, rulebook=rulebook
            )
            if assessed.facts:
                self._log.append_facts("exposure", assessed.facts, recorded_at=uow.now)
            for match in assessed.matches:
                ingest_match(uow, match, context)


def promised(around: Surroundings) -> Iterator[tuple[str, str, int]]:
    """(organisation, source, seconds) of every feed that promises a cadence, where it is named."""
    directory = around.directory
    for path, node in directory.nodes.items():
        for source, every in (node.settings.feed_every_s or {}).items():
            yield path, source, every


def _silence(around: Surroundings, org: str, heard: datetime, now: datetime) -> int:
    """Seconds of open market since `heard`; of wall clock where no calendar can say."""
    product = around.directory.settings(org).product
    try:
        return around.calendar.open_seconds(product, heard, now, org)
    except DirectoryError:
        return max(int((now - heard).total_seconds()), 0)


def _scopes(book: BookState, org: str, at: datetime) -> list[Scope]:
    found = {Scope(bucket.org, bucket.product) for bucket in compute(book, at)}
    found |= {Scope(limit.org, limit.product) for limit in book.limits}
    return sorted(one for one in found if is_under(org, one.org) or is_under(one.org, org))


def _record(uow: UnitOfWork, feed: Feed, rulebook: Rulebook) -> None:
    trail.record(
        uow,
        kind="decision",
        action="feed.state",
        object_type="feed",
        object_id=feed.source,
        org=feed.org,
        outcome=feed.state,
        body={"lag_s": feed.lag_s, "rulebook": rulebook.hash},
    )
