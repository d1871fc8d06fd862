"""The watcher reads the audit log from where it stopped, and decides.

A round is one transaction: the book's changes, the decisions, the work orders and the new position
commit together or not at all. An event that speaks for a person (a review in an outside system) is
a transaction of that person.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from time import monotonic

import structlog
from sqlalchemy import Connection

import trail
from agents import hedge_orders, lookback, triage
from agents.assessor import Scope, Trigger, assess_scope, narrowed, views
from agents.basis import basis_rows
from agents.child_faults import report, rules_alone
from agents.correlating import Correlations, Told, correlation_fact, past_facts
from agents.errors import Overtaken
from agents.event_faults import (
    book_faults,
    concerns_book,
    defaults_of,
    in_our_letters,
    level_fault,
)
from agents.facts import (
    HEDGE_ORDER_TYPES,
    Surroundings,
    event_fact,
    is_late,
    month_of,
    object_of,
    origin_of,
    product_of,
)
from agents.feed_states import late_orgs
from agents.matching import Seen, match_of
from agents.reading import (
    POSITION,
    WATERMARK,
    Patience,
    Stand,
    set_aside,
    stand_of,
    unreadable,
    write_stand,
)
from agents.rounds import Round, lots, parts_of
from agents.trainer import Finding
from agents.world import World, book_orgs
from auditlog.events import Event, EventKind
from auditlog.port import LogPort, Query, StoredEvent, fact_row
from book.apply import apply
from book.write import Dated, put_dated
from rules.durable_child import Child
from rules.patterns import Status
from rules.proposer import ChildFault
from rules.rulebook import Rulebook
from store import Store, UnitOfWork
from store.problems import Problem
from workorders.context import Context
from workorders.ingest import Result, ingest_match

__all__ = ["ACTOR", "POSITION", "WATERMARK", "Looked", "Scorer", "Watcher"]

ACTOR = "system:watcher"
_BEFORE = timedelta(microseconds=1)

_log = structlog.get_logger(__name__)

Scorer = Callable[[Sequence[Event], Surroundings], list[Finding]]
"""The detectors: events in, findings out."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one round did; `more` when it left events that are to be read at once."""

    events: int = 0
    matches: int = 0
    results: tuple[Result, ...] = ()
    more: bool = False


class Watcher:
    """The agent.

    Args:
        store: for the transactions.
        log: the audit log.
        rulebook: gives the rules in force.
        context: what `workorders` needs, for a directory.
        scorer: the detectors; None without a model.
        use_child: whether durable_rules runs beside the reference.
        child: makes its process.
        ticks: seconds that only grow, to measure how long a round takes.
    """

    def __init__(
        self,
        store: Store,
        log: LogPort,
        *,
        rulebook: Callable[[], Rulebook],
        context: Callable[[Surroundings], Context],
        scorer: Scorer | None = None,
        use_child: bool = True,
        child: Callable[[], Child] = Child,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._log = log
        self._rulebook = rulebook
        self._context = context
        self.scorer = scorer
        self._child = child if use_child else None
        self._down_under = ""
        self._ticks = ticks
        self.world = World(ACTOR)
        self._correlations: Correlations | None = None
        self._made_for: tuple[str, int] | None = None
        self._stand: Stand | None = None
        self._patience = Patience()

    def run_once(self, now: datetime, *, within_s: float = inf) -> Looked:
        """Read what is new, up to a batch of events, and decide; also what time has decided.

        Args:
            now: the time of the round.
            within_s: after about so many seconds the round ends, at the end of a lot. What is left
                has a round of its own, so that what was decided goes out meanwhile.
        """
        with self._store.reader() as connection:
            stand = stand_of(connection)
        if self._stand not in {None, stand}:
            # Another process led in between: what is remembered here is older than the book.
            self._forget()
        self._stand = stand
        most = self._patience.most(stand.position)
        stored = list(self._log.read_after(stand.position, most))
        parts = parts_of(stored, triage.REVIEW_TYPES)
        looked: list[Looked] = []
        ends = self._ticks() + within_s
        try:
            for part in parts:
                last = len(stored) < most and part is parts[-1]
                looked.append(self._look(part, now, ends, last=last))
                if self._ticks() > ends:
                    break
            if not stored:
                looked.append(self._wait(now))
        except Overtaken:
            self._forget()
        except Exception as fault:
            self._forget()
            if not self._give_up(stored, fault):
                raise
            looked.append(Looked(1))
        results = tuple(result for one in looked for result in one.results)
        events = sum(one.events for one in looked)
        more = bool(events) and (events < len(stored) or len(stored) == most)
        return Looked(events, sum(one.matches for one in looked), results, more)

    def use(self, scorer: Scorer) -> None:
        """Score with these detectors from the next round on."""
        self.scorer = scorer

    def next_due(self) -> datetime | None:
        """When time alone may decide something (an absence); None when nothing waits."""
        return self._correlations.next_due() if self._correlations is not None else None

    def close(self) -> None:
        """End the child process."""
        self._drop_correlations()

    def _forget(self) -> None:
        """Drop what is remembered: it may be ahead of what was committed, or behind it."""
        self.world.forget()
        self._drop_correlations()
        self._stand = None

    def _give_up(self, stored: Sequence[StoredEvent], fault: Exception) -> bool:
        """Whether the one event that keeps the round from succeeding was set aside."""
        if not stored or not self._patience.failed(stored[0].position, stored[-1].position, fault):
            return False
        with self._store.unit_of_work(ACTOR) as uow:
            set_aside(uow, stored[0], fault)
        return True

    def _wait(self, now: datetime) -> Looked:
        """Nothing new: only deadlines that have passed."""
        correlations = self._correlations
        if correlations is None:
            if self._stand is None or not self._stand.position:
                return Looked()
            with self._store.reader() as connection:
                correlations = self._prepare(connection, self._stand, now)
        told = correlations.advance(now)
        faults = correlations.faults()
        if not told and not faults:
            return Looked()
        with self._store.unit_of_work(ACTOR) as uow:
            work = self._begin(uow, now)
            self._take(work, told)
            self._report(work, faults)
            self._finish(work, now, None)
        self._stand = work.stand
        return Looked(0, work.matched, tuple(work.results))

    def _look(
        self, part: Sequence[StoredEvent], now: datetime, ends: float, *, last: bool
    ) -> Looked:
        """Decide on the part, or on its first lots when the time is up before its end."""
        first = part[0].event
        read = 0
        review = first.type in triage.REVIEW_TYPES
        with self._store.unit_of_work(self._speaker(first) if review else ACTOR) as uow:
            work = self._begin(uow, now)
            if review:
                known = uow.actor == first.actor and uow.actor != ACTOR
                triage.review(uow, self._context(work.around), first, known=known)
            for arrival, lot in lots(part):
                self._lot(work, arrival, lot)
                read += len(lot)
                if self._ticks() > ends:
                    break
            newest = part[read - 1]
            # With a backlog the watermark stands at the last event read: what is unread is not
            # late.
            whole = last and read == len(part)
            mark = now if whole else min(now, newest.event.arrival_time)
            self._finish(work, mark, newest.position)
        self._stand = work.stand
        return Looked(read, work.matched, tuple(work.results))

    def _lot(self, work: Round, arrival: datetime, lot: Sequence[StoredEvent]) -> None:
        """What arrived at one time. A backlog is taken lot by lot, so it is decided as it was live.

        What was over its limit for a while is seen, and what stayed away is told before what came
        afterwards.
        """
        work.at = min(arrival, work.uow.now)
        self._advance(work, arrival - _BEFORE)
        for stored in lot:
            self._event(work, stored)
        self._score(work, lot)
        if self._correlations is not None:
            self._take(work, self._correlations.feed(work.correlated))
        work.correlated.clear()
        self._conclude(work)

    def _speaker(self, event: Event) -> str:
        """The person for whom a review speaks; the watcher itself for anybody unknown."""
        with self._store.reader() as connection:
            known = self.world.around(connection).directory.person(event.actor)
        return ACTOR if known is None else known.id

    def _begin(self, uow: UnitOfWork, now: datetime) -> Round:
        stand = stand_of(uow.connection, lock=True)
        if stand != self._stand:
            raise Overtaken
        self.world.refresh(uow.connection)
        self._prepare(uow.connection, stand, now)
        return Round(uow, self.world.around(uow.connection), self._rulebook(), stand, uow.now)

    def _prepare(self, connection: Connection, stand: Stand, now: datetime) -> Correlations:
        """The correlations; made anew, and filled from the log, when rules or directory changed."""
        around = self.world.around(connection)
        rulebook = self._rulebook()
        wanted = (rulebook.hash, id(around))
        if self._correlations is not None and self._made_for == wanted:
            return self._correlations
        self._drop_correlations()
        made = Correlations(
            rulebook,
            around,
            child=None if self._down_under == rulebook.hash else self._child,
            alone=rules_alone(connection, rulebook.hash),
        )
        if stand.position:
            since = (stand.mark or now) - made.reach()
            query = Query(since=since, until_position=stand.position, limit=5_000)
            made.rebuild(past_facts(self._log.history(query), made), stand.mark)
        self._correlations, self._made_for = made, wanted
        return made

    def _drop_correlations(self) -> None:
        if self._correlations is not None:
            self._correlations.close()
        self._correlations = None
        self._made_for = None

    # --- one event ------------------------------------------------------------------------------

    def _event(self, work: Round, stored: StoredEvent) -> None:
        event = stored.event
        around = work.around
        self._into_book(work, event)
        if event.kind is EventKind.MARKET:
            return
        fields = event_fact(event, around)
        row = fact_row("event", fields, event_time=event.event_time, org=event.org)
        work.keep("event", row)
        for run in lookback.concerned(work.uow, event, around):
            work.runs[run.run_id] = run
        if event.type in lookback.STARTERS:
            run = lookback.run_of(event, around)
            work.runs[run.run_id] = run
        if is_late(event, around):
            return
        work.correlated.append(correlation_fact(event, fields, work.rulebook, around))
        seen = Seen(
            kind="event",
            fact=fields,
            at=event.event_time,
            facts_hash=row.hash,
            event_ids=(event.event_id,),
            rulebook=work.rulebook.hash,
        )
        fault = level_fault(event, around)
        if fault is not None:
            unreadable(work.uow, event, fault)
            seen = replace(seen, extra={"reason": fault.code, "level_found": fault.found})
        verdicts = work.rulebook.evaluate("event", fields, at=work.uow.now)
        work.matches += [match_of(verdict, seen) for verdict in verdicts if verdict.truth]
        if event.type in HEDGE_ORDER_TYPES:
            self._hedge_order(work, event)

    def _into_book(self, work: Round, event: Event) -> None:
        defaults = defaults_of(work.around, event.org)
        if not concerns_book(event, defaults):
            return
        now = work.uow.now
        book = self.world.book(work.uow.connection, event.org, now)
        change = apply(book, in_our_letters(event, book.specs), defaults)
        faults = book_faults(event, change, work.around, book.specs)
        for problem in faults:
            unreadable(work.uow, event, problem)
        if faults or not change.facts:
            return
        dated = [Dated(fact, event.event_time) for fact in change.facts]
        put_dated(work.uow, dated, source=event.source, action=f"book.{event.type}")
        self.world.changed(event.org, change.facts, event.event_time)
        if event.kind is EventKind.MARKET:
            book = self.world.book(work.uow.connection, event.org, now)
            for row, matches in basis_rows(event, change.facts, book, work.around, work.rulebook):
                work.keep("basis", row)
                if not is_late(event, work.around):
                    work.matches += matches
            return
        for fact in change.facts:
            product = getattr(fact, "product", "") or product_of(event, work.around)
            if product:
                work.touch(Scope(event.org, product), event)

    def _hedge_order(self, work: Round, event: Event) -> None:
        around, uow = work.around, work.uow
        book = self.world.book(uow.connection, event.org, uow.now)
        product = product_of(event, around)
        order = hedge_orders.read_order(
            event,
            object_of(event),
            book,
            product=product,
            month=month_of(event, around),
            origin=origin_of(event, around),
        )
        if isinstance(order, Problem):
            unreadable(uow, event, order)
            return
        old = hedge_orders.known(uow, order.org, order.object_id)
        held = hedge_orders.standing(uow, order)
        if held is not None:
            order = replace(order, confirmed_by=held.order.confirmed_by)
        scope = Scope(order.org, order.product)
        late = late_orgs(uow.connection)
        found = views(narrowed(book, order.product), scope, uow.now, late=late)
        answer = hedge_orders.judge(order, found, work.rulebook, uow.now)
        if held is not None and held.for_a_person and answer.outcome != hedge_orders.DENY:
            return  # sent once more, it still waits for a person
        hedge_orders.decide(uow, order, answer, work.rulebook, old)

    def _score(self, work: Round, part: Sequence[StoredEvent]) -> None:
        if self.scorer is None:
            return
        events = [one.event for one in part if one.event.kind is not EventKind.MARKET]
        for found in self.scorer(events, work.around):
            kind, fact, event = found.kind, found.fact, found.event
            row = fact_row(kind, fact, event_time=event.event_time, org=event.org)
            work.keep(kind, row)
            seen = Seen(
                kind=kind,
                fact=fact,
                at=event.event_time,
                facts_hash=row.hash,
                event_ids=(event.event_id,),
                rulebook=work.rulebook.hash,
                extra={"explanation": found.explanation},
            )
            verdicts = work.rulebook.evaluate(kind, fact, at=work.uow.now)
            work.matches += [match_of(verdict, seen) for verdict in verdicts if verdict.truth]

    def _advance(self, work: Round, mark: datetime) -> None:
        if self._correlations is not None:
            self._take(work, self._correlations.advance(mark))

    def _take(self, work: Round, told: Iterable[Told]) -> None:
        for one in told:
            if one.match is not None:
                work.matches.append(one.match)
            for old in one.correlation.supersedes:
                _superseded(work.uow, one, old)

    # --- the end of a lot, and of a round -------------------------------------------------------

    def _finish(self, work: Round, mark: datetime, position: int | None) -> None:
        self._advance(work, mark)
        self._conclude(work)
        if self._correlations is not None:
            self._report(work, self._correlations.faults())
        # Facts are keyed by their content: a round that is rolled back leaves nothing wrong behind.
        for kind, rows in work.facts.items():
            self._log.append_facts(kind, rows, recorded_at=work.uow.now)
        work.stand = write_stand(work.uow, work.stand, position, mark)

    def _report(self, work: Round, faults: Sequence[ChildFault]) -> None:
        """Faults of the child: a person hears of them once, and they are not met again."""
        if not faults:
            return
        roots = book_orgs(work.around)
        down = report(
            work.uow,
            self._context(work.around),
            faults,
            rulebook=work.rulebook.hash,
            log=self._log,
            org=roots[0] if roots else "",
        )
        if down:
            self._down_under = work.rulebook.hash

    def _conclude(self, work: Round) -> None:
        """Assess what was touched, look back, and hand over what matched."""
        uow = work.uow
        for scope, trigger in work.scopes.items():
            self._assess(work, scope, trigger)
        for run in work.runs.values():
            book = self.world.book(uow.connection, run.org, uow.now)
            found = lookback.look(
                uow, run, self._log, book=book, around=work.around, rulebook=work.rulebook
            )
            work.matches += found.matches
            for row in found.facts:
                work.keep("event", row)
        context = self._context(work.around)
        work.results += [ingest_match(uow, match, context) for match in work.matches]
        work.matched += len(work.matches)
        for gathered in (work.scopes, work.runs, work.matches):
            gathered.clear()

    def _assess(self, work: Round, scope: Scope, trigger: Trigger) -> None:
        uow = work.uow
        book = self.world.book(uow.connection, scope.org, uow.now)
        assessed = assess_scope(
            uow, scope, trigger, book=book, around=work.around, rulebook=work.rulebook
        )
        work.matches += assessed.matches
        for row in assessed.facts:
            work.keep("exposure", row)
        if not assessed.facts:
            return
        for held in hedge_orders.waiting(uow, scope, work.around.calendar, work.at):
            order = held.order
            place = Scope(order.org, order.product)
            late = late_orgs(uow.connection)
            found = views(narrowed(book, order.product), place, uow.now, late=late)
            answer = hedge_orders.judge(order, found, work.rulebook, uow.now)
            if (answer.outcome, answer.reason) != (held.outcome, held.reason):
                hedge_orders.decide(uow, order, answer, work.rulebook, held.decision)


def _superseded(uow: UnitOfWork, told: Told, old: str) -> None:
    """A verdict that replaces an earlier one: a new decision that names the old one."""
    found = told.correlation
    arrivals = [(one.arrival_time or one.event_time, one.event_time) for one in found.facts]
    grew = found.status is Status.CONFIRMED and max(arrivals)[1] == found.facts[-1].event_time
    trail.record(
        uow,
        kind="decision",
        action="correlation.supersede",
        object_type="correlation",
        object_id=found.uid,
        org=told.org,
        outcome=found.status.value,
        reason="MORE_EVIDENCE" if grew else "LATE_EVENT",
        body={"rule": found.rule, "supersedes": old, "event_time": found.event_time},
    )
