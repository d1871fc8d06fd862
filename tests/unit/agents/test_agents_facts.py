"""The facts that the agents make are exactly those that `rulebook/schema` declares."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from agents.assessor import Scope, views
from agents.basis import basis_rows
from agents.facts import Surroundings, event_fact, origin_of
from agents.hedge_orders import HedgeOrder, judge, read_order
from agents.lookback import voucher_fact
from book.apply import Defaults, apply
from book.state import BookState
from rules.schema import FactKind
from rules.values import SCALED
from service.demo.incidents import Incident, book_of, read_incidents, shipped
from service.demo.stage import all_events
from tests.unit.agents.agents_house import (
    rulebook,
    surroundings,
)

SCHEMA = rulebook().schema
INCIDENTS: list[Incident] = read_incidents(shipped())[0]

Fact = Mapping[str, Any]


def kind(name: str) -> FactKind:
    return SCHEMA.kind(name)


def around_of(incident: Incident) -> Surroundings:
    return surroundings(incident.opening.directory)


def book_at_start(incident: Incident) -> BookState:
    facts = [dated.fact for dated in book_of(incident)]
    return BookState().put(*facts)


def told(incident: Incident) -> Iterator[tuple[str, Fact]]:
    """Every fact that the incident's events make, with its kind."""
    around, book = around_of(incident), book_at_start(incident)
    for one in all_events([incident], None):
        settings = around.directory.settings(one.org)
        defaults = Defaults(
            product=settings.product,
            month=settings.month or "spot",
            status_map=settings.status_map,
        )
        change = apply(book, one, defaults)
        assert change.problems == ()
        book = book.put(*change.facts)
        if one.kind == "market":
            for row, _ in basis_rows(one, change.facts, book, around, rulebook()):
                yield "basis", row.body
            continue
        yield "event", event_fact(one, around)
        if one.voucher:
            yield "event", voucher_fact(one, book, around)
        scope = Scope(one.org, settings.product)
        found = views(book, scope, one.event_time) if settings.product else []
        for view in found:
            yield "exposure", view.fact
        if one.type == "hedge.order.queued":
            asked = read_order(
                one,
                one.event_id,
                book,
                product=settings.product,
                month=settings.month,
                origin=origin_of(one, around),
            )
            assert isinstance(asked, HedgeOrder)
            yield "hedge_order", judge(asked, found, rulebook(), one.event_time).fact


def check(name: str, fact: Fact) -> None:
    encoded, problems = SCHEMA.encode(name, typed(name, fact))
    assert problems == []
    assert set(encoded) == set(fact)


def typed(name: str, fact: Fact) -> Fact:
    """A fact row's body holds plain text; what the rules are handed holds decimals."""
    types = kind(name).types
    return {
        one: Decimal(value)
        if isinstance(value, str) and one in types and types[one].base in SCALED
        else value
        for one, value in fact.items()
    }


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda one: one.id)
def test_every_fact_of_an_incident_is_as_the_schema_declares(incident: Incident):
    facts = list(told(incident))
    assert facts
    for name, fact in facts:
        check(name, fact)


def test_no_builder_leaves_a_declared_field_out():
    made: dict[str, set[str]] = {}
    for incident in INCIDENTS:
        for name, fact in told(incident):
            made.setdefault(name, set()).update(fact)
    # `held` comes of the look before: the assessor adds it.
    assert made["exposure"] | {"coverage", "held"} == set(kind("exposure").fields)
    assert made["event"] == set(kind("event").fields)
    assert made["hedge_order"] == set(kind("hedge_order").fields)
    assert made["basis"] == set(kind("basis").fields)
