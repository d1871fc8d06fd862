"""The watcher reads the audit log from where it stopped, and decides.

A round is one transaction: the book's changes, the decisions, the work orders and the new position
commit together or not at all. An event that speaks for a person (a review in an outside system) is
a transaction of that person.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from time import monotonic

from sqlalchemy import Connection

from agents import triage
from agents.child_faults import report, rules_alone
from agents.concluding import conclude, superseded
from agents.correlating import Correlations, Told, past_facts
from agents.errors import Overtaken
from agents.facts import (
    Surroundings,
)
from agents.reading import (
    POSITION,
    WATERMARK,
    Patience,
    Stand,
    set_aside,
    stand_of,
    write_stand,
)
from agents.rounds import Round, lots, parts_of
from agents.taking_in import Scorer, score, take_in
from agents.world import World, book_orgs
from auditlog.events import Event
from auditlog.port import LogPort, Query, StoredEvent
from rules.durable_child import Child
from rules.proposer import ChildFault
from rules.rulebook import Rulebook
from store import Store, UnitOfWork
from workorders.context import Context
from workorders.ingest import Result

__all__ = ["ACTOR", "POSITION", "WATERMARK", "Looked", "Scorer", "Watcher"]

ACTOR = "system:watcher"
_BEFORE = timedelta(microseconds=1)


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
            take_in(work, self.world, stored)
        score(work, self.scorer, lot)
        if self._correlations is not None:
            self._take(work, self._correlations.feed(work.correlated))
        work.correlated.clear()
        conclude(work, self.world, self._log, self._context)

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

    def _advance(self, work: Round, mark: datetime) -> None:
        if self._correlations is not None:
            self._take(work, self._correlations.advance(mark))

    def _take(self, work: Round, told: Iterable[Told]) -> None:
        for one in told:
            if one.match is not None:
                work.matches.append(one.match)
            for old in one.correlation.supersedes:
                superseded(work.uow, one, old)

    # --- the end of a lot, and of a round -------------------------------------------------------

    def _finish(self, work: Round, mark: datetime, position: int | None) -> None:
        self._advance(work, mark)
        conclude(work, self.world, self._log, self._context)
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
