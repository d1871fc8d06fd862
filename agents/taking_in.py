"""What one event means: for the book, the rules, the look-backs, the detectors, a hedge order."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agents import hedge_orders, lookback
from agents.assessor import Scope, narrowed, views
from agents.basis import basis_rows
from agents.correlating import correlation_fact
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
from agents.reading import unreadable
from agents.rounds import Round
from agents.trainer import Finding
from agents.world import World
from auditlog.events import Event, EventKind
from auditlog.port import StoredEvent, fact_row
from book.apply import apply
from book.write import Dated, put_dated
from store.problems import Problem

Scorer = Callable[[Sequence[Event], Surroundings], list[Finding]]
"""The detectors: events in, findings out."""


def take_in(work: Round, world: World, stored: StoredEvent) -> None:
    """What one event means: for the book, for the rules, for look-backs, for a hedge order."""
    event = stored.event
    around = work.around
    _into_book(work, world, event)
    if event.kind is EventKind.MARKET:
        return
    fields = event_fact(event, around)
    row = fact_row("event", fields, event_time=event.event_time, org=event.org)
    work.keep("event", row)
    for run in work.open_runs.concerned(event, around):
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
        _hedge_order(work, world, event)


def _into_book(work: Round, world: World, event: Event) -> None:
    defaults = defaults_of(work.around, event.org)
    if not concerns_book(event, defaults):
        return
    now = work.uow.now
    book = world.book(work.uow.connection, event.org, now)
    change = apply(book, in_our_letters(event, book.specs), defaults)
    faults = book_faults(event, change, work.around, book.specs)
    for problem in faults:
        unreadable(work.uow, event, problem)
    if faults or not change.facts:
        return
    dated = [Dated(fact, event.event_time) for fact in change.facts]
    put_dated(work.uow, dated, source=event.source, action=f"book.{event.type}")
    world.changed(event.org, change.facts, event.event_time)
    if event.kind is EventKind.MARKET:
        book = world.book(work.uow.connection, event.org, now)
        for row, matches in basis_rows(event, change.facts, book, work.around, work.rulebook):
            work.keep("basis", row)
            if not is_late(event, work.around):
                work.matches += matches
        return
    for fact in change.facts:
        product = getattr(fact, "product", "") or product_of(event, work.around)
        if product:
            work.touch(Scope(event.org, product), event)


def _hedge_order(work: Round, world: World, event: Event) -> None:
    around, uow = work.around, work.uow
    book = world.book(uow.connection, event.org, uow.now)
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


def score(work: Round, scorer: Scorer | None, part: Sequence[StoredEvent]) -> None:
    """What the detectors find in the events of a lot."""
    if scorer is None:
        return
    events = [one.event for one in part if one.event.kind is not EventKind.MARKET]
    for found in scorer(events, work.around):
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
