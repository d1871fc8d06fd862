"""The end of a lot: what was touched is assessed, looked back on, and handed over."""

from collections.abc import Callable

import trail
from agents import hedge_orders, lookback
from agents.assessor import Scope, Trigger, assess_scope, narrowed, views
from agents.correlating import Told
from agents.facts import Surroundings
from agents.feed_states import late_orgs
from agents.rounds import Round
from agents.world import World
from auditlog.port import LogPort
from rules.patterns import Status
from store import UnitOfWork
from workorders.context import Context
from workorders.ingest import ingest_match


def conclude(
    work: Round, world: World, log: LogPort, context: Callable[[Surroundings], Context]
) -> None:
    """Assess what was touched, look back, and hand over what matched."""
    uow = work.uow
    for scope, trigger in work.scopes.items():
        _assess(work, world, scope, trigger)
    for run in work.runs.values():
        book = world.book(uow.connection, run.org, uow.now)
        found = lookback.look(uow, run, log, book=book, around=work.around, rulebook=work.rulebook)
        work.matches += found.matches
        for row in found.facts:
            work.keep("event", row)
    if work.runs:
        work.open_runs.forget()
    around = context(work.around)
    work.results += [ingest_match(uow, match, around) for match in work.matches]
    work.matched += len(work.matches)
    for gathered in (work.scopes, work.runs, work.matches):
        gathered.clear()


def _assess(work: Round, world: World, scope: Scope, trigger: Trigger) -> None:
    uow = work.uow
    book = world.book(uow.connection, scope.org, uow.now)
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


def superseded(uow: UnitOfWork, told: Told, old: str) -> None:
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
