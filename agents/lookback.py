"""Look-backs: batch rules over the history, started by an event such as `recon.run`.

Vouchers that arrive months late are seen by nothing but a look-back. It runs at once and stays open
for the lateness of its own organisation: an event that it concerns and that arrives in that time
makes it run again, and the new decision names the old one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Row, insert, select, update

import trail
from agents.correlating import look_back
from agents.facts import Surroundings, event_fact
from agents.matching import Seen, match_of
from agents.tables import BatchRunRow
from auditlog.events import Event, EventKind
from auditlog.port import FactRow, LogPort, Query, fact_row
from book.state import BookState
from book.vouchers import classify
from directory.organisation import DEFAULT_LATENESS_S
from rules.model import Mode
from rules.rulebook import Rulebook
from store import UnitOfWork
from store.schema import table
from workorders.model import Match

STARTERS = frozenset({"recon.run"})
SPAN = timedelta(days=400)
_RUNS = table(str(BatchRunRow.__tablename__))
KIND = "event"


@dataclass(frozen=True, slots=True)
class Run:
    """One look-back: it looks at events of `org` and below up to `until`."""

    run_id: str
    org: str
    until: datetime
    open_until: datetime


def run_of(event: Event, around: Surroundings) -> Run:
    """The look-back that an event starts; `as_of` names its last day in the local calendar."""
    zone = around.directory.timezone(event.org)
    named = str(event.attributes.get("as_of", ""))
    try:
        day = date.fromisoformat(named)
    except ValueError:
        day = event.event_time.astimezone(zone).date()
    until = datetime.combine(day + timedelta(days=1), time(0), zone)
    lateness = around.directory.settings(event.org).lateness(event.source)
    base = max(event.event_time, event.arrival_time)
    return Run(event.uid, event.org, until, base + timedelta(seconds=lateness))


class OpenRuns:
    """The look-backs that are open, or were when an event arrived; read once for many events.

    Args:
        uow: the round's transaction.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._since: datetime | None = None
        self._runs: tuple[Run, ...] = ()

    def concerned(self, event: Event, around: Surroundings) -> list[Run]:
        """Those that the event belongs to.

        An event read from a backlog is treated as it would have been live.
        """
        now = self._uow.now
        since = min(now, event.arrival_time)
        return [
            run
            for run in self._open_since(since)
            if run.open_until >= since and run.until > event.event_time
            if event.org == run.org or event.org.startswith(run.org + "/")
            if now <= run.open_until or _came_while_open(event, run, around)
        ]

    def forget(self) -> None:
        """Read anew: a look-back was recorded."""
        self._since = None

    def _open_since(self, since: datetime) -> tuple[Run, ...]:
        if self._since is None or since < self._since:
            rows = self._uow.execute(select(_RUNS).where(_RUNS.c.open_until >= since))
            self._runs = tuple(_run(row) for row in rows)
            self._since = since
        return self._runs


def _came_while_open(event: Event, run: Run, around: Surroundings) -> bool:
    settings = around.directory.settings(run.org)
    longest = timedelta(seconds=max([DEFAULT_LATENESS_S, *settings.lateness_s.values()]))
    return run.open_until - longest <= event.arrival_time <= run.open_until


def _run(row: Row[Any]) -> Run:
    return Run(row.run_id, row.org, row.until, row.open_until)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-back found."""

    matches: tuple[Match, ...]
    facts: tuple[FactRow, ...]


def look(
    uow: UnitOfWork,
    run: Run,
    log: LogPort,
    *,
    book: BookState,
    around: Surroundings,
    rulebook: Rulebook,
) -> Found:
    """Run a look-back and leave its record; nothing is told twice for the same result."""
    history = Query(
        kinds=(EventKind.BUSINESS,),
        org=run.org,
        since=run.until - SPAN,
        until=run.until,
        limit=5_000,
    )
    events = [stored.event for stored in log.history(history)]
    matches: list[Match] = []
    rows: list[FactRow] = []
    for event in events:
        if not event.voucher:
            continue
        fact = voucher_fact(event, book, around)
        row = fact_row(KIND, fact, event_time=event.event_time, org=event.org)
        rows.append(row)
        seen = Seen(
            kind=KIND,
            fact=fact,
            at=event.event_time,
            facts_hash=row.hash,
            event_ids=(event.event_id,),
            rulebook=rulebook.hash,
            batch_run=run.run_id,
        )
        verdicts = rulebook.evaluate(KIND, fact, at=uow.now, mode=Mode.BATCH)
        matches += [match_of(verdict, seen) for verdict in verdicts if verdict.truth]
    correlated = look_back(rulebook, events, around, run.run_id)
    matches += [told.match for told in correlated if told.match is not None]
    _record(uow, run, matches, len(events), rulebook)
    return Found(tuple(matches), tuple(rows))


def voucher_fact(event: Event, book: BookState, around: Surroundings) -> dict[str, Any]:
    """The fact of a voucher with what its accounts and its hedge mean."""
    directory = around.directory
    attributes: Mapping[str, Any] = event.attributes
    debit, credit = str(attributes.get("debit", "")), str(attributes.get("credit", ""))
    meaning = classify(
        org=event.org,
        order=event.order,
        amount=event.amount,
        debit=debit,
        credit=credit,
        accounts=book.ledger_accounts,
        hedges=book.hedges,
        documents=book.documents,
    )
    fact = event_fact(event, around, meaning)
    fact["debit_class"] = meaning.debit_class or directory.account_class(event.org, debit)
    fact["credit_class"] = meaning.credit_class or directory.account_class(event.org, credit)
    return {name: value for name, value in fact.items() if value != ""}


def _record(
    uow: UnitOfWork, run: Run, matches: list[Match], events: int, rulebook: Rulebook
) -> None:
    result = [[match.rule, match.cause, list(match.event_ids)] for match in matches]
    digest = hashlib.sha256(orjson.dumps(sorted(result))).hexdigest()
    c = _RUNS.c
    old = uow.execute(select(c.decision, c.result_hash).where(c.run_id == run.run_id)).first()
    if old is not None and old.result_hash == digest:
        return
    ref = trail.record(
        uow,
        kind="decision",
        action="lookback.run",
        object_type="lookback",
        object_id=run.run_id,
        org=run.org,
        outcome="found" if matches else "none",
        body={
            "until": run.until,
            "events": events,
            "matches": len(matches),
            "result": digest,
            "rulebook": rulebook.hash,
            "supersedes": old.decision if old is not None else "",
        },
    )
    if old is not None:
        uow.execute(
            update(_RUNS).where(c.run_id == run.run_id).values(decision=ref.uid, result_hash=digest)
        )
        return
    uow.execute(
        insert(_RUNS).values(
            run_id=run.run_id,
            org=run.org,
            until=run.until,
            open_until=run.open_until,
            started_at=uow.now,
            decision=ref.uid,
            result_hash=digest,
        )
    )
