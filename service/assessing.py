"""Assessing the exposure on request: after an import, and for the command `assess`.

The watcher assesses what events touch; this does the same for what a person brought, in one
transaction of that person.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents import hedge_orders
from agents.assessor import KIND, Scope, Trigger, assess_scope, narrowed, views
from agents.basis import KIND as BASIS
from agents.basis import rows_of_prices
from agents.facts import Surroundings
from agents.feed_states import late_orgs
from agents.world import PRICE_SPAN, root_of
from auditlog.port import FactRow
from book.exposure import compute
from book.prices import MarketPrice, PriceKind
from book.read import read_state
from book.state import BookState
from service.application import Application
from store import UnitOfWork
from workorders.ingest import Result, ingest_match
from workorders.model import Match

ACTOR = "system:assessor"


@dataclass(frozen=True, slots=True)
class AssessmentSummary:
    """What an assessment on request found.

    Attributes:
        at: the time for which it holds.
        rulebook: hash of the rules in force.
        scopes: how many organisations × products were looked at.
        facts: how many exposures had moved since the last look; the others were not told again.
        told: each match with what the work orders made of it.
    """

    at: datetime
    rulebook: str
    scopes: int
    facts: int
    told: tuple[tuple[Match, Result], ...]

    @property
    def orders(self) -> tuple[str, ...]:
        """The work orders concerned, each once."""
        return tuple(dict.fromkeys(result.order_id for _, result in self.told if result.order_id))


def assess_now(
    app: Application,
    scopes: Collection[tuple[str, str]] | None = None,
    *,
    prices: Sequence[MarketPrice] = (),
    actor: str = ACTOR,
) -> AssessmentSummary:
    """Assess as of now.

    Args:
        app: the application.
        scopes: (organisation, product) pairs; an empty product is every product of the
            organisation. None is the whole book.
        prices: that were taken in just now; the basis facts that they make are told too.
        actor: who asked.
    """
    with app.store.unit_of_work(actor) as uow:
        return assess_in(uow, app, scopes, prices)


def assess_in(
    uow: UnitOfWork,
    app: Application,
    scopes: Collection[tuple[str, str]] | None = None,
    prices: Sequence[MarketPrice] = (),
) -> AssessmentSummary:
    """As `assess_now`, in the transaction that brought what is assessed."""
    around = app.directories.around(uow.connection)
    books: dict[str, BookState] = {}
    wanted = _wanted(uow, scopes, books)
    matches: list[Match] = []
    facts: list[FactRow] = []
    for scope in wanted:
        found, rows = _assess(uow, app, scope, books[root_of(scope.org)], around)
        matches += found
        facts += rows
    if facts:
        # Keyed by content: a transaction that is rolled back leaves nothing wrong behind.
        app.log.append_facts(KIND, facts, recorded_at=uow.now)
    basis = _basis(uow, app, prices, around)
    if basis:
        app.log.append_facts(BASIS, [row for row, _ in basis], recorded_at=uow.now)
        matches += [match for _, found in basis for match in found]
    context = app.context(around)
    told = tuple((match, ingest_match(uow, match, context)) for match in matches)
    return AssessmentSummary(uow.now, app.rulebook.hash, len(wanted), len(facts), told)


def _basis(
    uow: UnitOfWork, app: Application, prices: Sequence[MarketPrice], around: Surroundings
) -> list[tuple[FactRow, list[Match]]]:
    """What prices change in the basis of each unit that follows their product.

    A price with an organisation is that one's; a common one concerns every unit that has a basis
    history of the product, or means the product when it names none.
    """
    quoted = [one for one in prices if one.kind in {PriceKind.SPOT, PriceKind.SETTLE}]
    orgs = {one.org for one in quoted if one.org}
    followed: set[tuple[str, str]] = set()
    if any(not one.org for one in quoted):
        directory = around.directory
        whole = read_state(uow.connection, as_of=uow.now, known_at=uow.now, prices_since=uow.now)
        followed = {(stats.org, stats.product) for stats in whole.basis_stats}
        followed |= {
            (org, directory.settings(org).product) for org in map(root_of, directory.nodes)
        }
        orgs |= {org for org, _ in followed}
    found: list[tuple[FactRow, list[Match]]] = []
    for org in sorted(orgs):
        own = [
            one
            for one in quoted
            if one.org == org or (not one.org and (org, one.product) in followed)
        ]
        if own:
            book = _book(uow, root_of(org))
            found += rows_of_prices(own, org, book, around, app.rulebook, uow.now)
    return found


def _wanted(
    uow: UnitOfWork, scopes: Collection[tuple[str, str]] | None, books: dict[str, BookState]
) -> list[Scope]:
    """The scopes in order; fills `books` with the book of each group that they belong to."""
    roots: Collection[str] | None = None
    if scopes is not None:
        roots = {root_of(org) for org, _ in scopes}
        if not roots:
            return []
    for root in _roots(uow, roots):
        books[root] = _book(uow, root)
    known = {scope for book in books.values() for scope in _scopes(book, uow.now)}
    if scopes is not None:
        asked = set(scopes)
        known = {
            one for one in known if (one.org, one.product) in asked or (one.org, "") in asked
        } | {Scope(org, product) for org, product in scopes if product}
    return sorted(known)


def _roots(uow: UnitOfWork, roots: Collection[str] | None) -> list[str]:
    if roots is not None:
        return sorted(roots)
    whole = read_state(uow.connection, as_of=uow.now, known_at=uow.now, prices_since=uow.now)
    return sorted({root_of(scope.org) for scope in _scopes(whole, uow.now)})


def _book(uow: UnitOfWork, root: str) -> BookState:
    return read_state(
        uow.connection,
        as_of=uow.now,
        known_at=uow.now,
        orgs=[root],
        prices_since=uow.now - PRICE_SPAN,
    )


def _scopes(book: BookState, at: datetime) -> set[Scope]:
    found = {Scope(bucket.org, bucket.product) for bucket in compute(book, at)}
    return found | {Scope(limit.org, limit.product) for limit in book.limits}


def _assess(
    uow: UnitOfWork, app: Application, scope: Scope, book: BookState, around: Surroundings
) -> tuple[tuple[Match, ...], tuple[FactRow, ...]]:
    assessed = assess_scope(
        uow, scope, Trigger(uow.now), book=book, around=around, rulebook=app.rulebook
    )
    if assessed.facts:
        for held in hedge_orders.waiting(uow, scope, around.calendar, uow.now):
            order = held.order
            place = Scope(order.org, order.product)
            late = late_orgs(uow.connection)
            found = views(narrowed(book, order.product), place, uow.now, late=late)
            answer = hedge_orders.judge(order, found, app.rulebook, uow.now)
            if (answer.outcome, answer.reason) != (held.outcome, held.reason):
                hedge_orders.decide(uow, order, answer, app.rulebook, held.decision)
    return assessed.matches, assessed.facts
