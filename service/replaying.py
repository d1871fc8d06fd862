"""Deciding recorded decisions again, from the inputs that they name.

An assessment is made anew from the book as it was known then and the rules in force now; a hedge
order's decision from the fact in its record. The same bytes must come out, or the difference is
shown: a rulebook that has changed since is one.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from agents import hedge_orders
from agents.assessor import KIND, ExposureView, Scope, content_hash, narrowed, views, with_held
from agents.world import root_of
from auditlog.port import StoredFact, fact_row
from book.read import read_state
from book.snapshot import state_hash
from book.state import BookState
from rules.model import Verdict
from rules.rulebook import Rulebook
from rules.schema import Schema
from rules.values import Base
from service.application import Application
from store.clock import parse_rfc3339
from trail import Replayer
from workorders.plain import plain

_DECIMALS = frozenset({Base.DECIMAL, Base.QUANTITY, Base.MONEY})


def replayers_of(app: Application, connection: Connection) -> Mapping[str, Replayer]:
    """The replayers by action, for `trail.replay`."""
    return {
        "assessment.run": lambda body: _assessment(app, connection, body),
        "hedge_order.decide": lambda body: _hedge_order(app.rulebook, body),
    }


# --- assessments ------------------------------------------------------------------------------


def _assessment(app: Application, connection: Connection, body: dict[str, Any]) -> dict[str, Any]:
    at = parse_rfc3339(body["as_of"])
    stored = app.log.facts(KIND, hashes=body["facts"])
    places = {_scope(one) for one in stored}
    books = {scope: _book(connection, scope, at) for scope in places}
    late = tuple(body.get("late", ()))
    hashes: list[str] = []
    outcomes: Counter[str] = Counter()
    snapshot = ""
    for one in stored:
        state = books[_scope(one)]
        view = _view(state, one, at, late)
        if view is None:
            continue
        row = fact_row(KIND, view.fact, event_time=one.event_time, org=view.bucket.org)
        hashes.append(row.hash)
        verdicts = app.rulebook.evaluate(KIND, view.fact, at=at)
        outcomes.update([verdict.code for verdict in verdicts] or ["none"])
        snapshot, _ = state_hash(state, at)
    hashes.sort()
    return {
        **body,
        "facts": hashes,
        "facts_hash": hashlib.sha256("".join(hashes).encode()).hexdigest(),
        "snapshot": snapshot,
        "rulebook": app.rulebook.hash,
        "outcomes": dict(sorted(outcomes.items())),
    }


def _scope(fact: StoredFact) -> Scope:
    return Scope(root_of(fact.org), str(fact.body.get("product", "")))


def _book(connection: Connection, scope: Scope, at: datetime) -> BookState:
    return narrowed(
        read_state(connection, as_of=at, known_at=at, orgs=[scope.org], prices_since=at),
        scope.product,
    )


def _view(
    state: BookState, fact: StoredFact, at: datetime, late: Collection[str]
) -> ExposureView | None:
    """The exposure of the same place, computed anew; of several the one with the same content."""
    place = ("org", "account", "product", "month")
    held = str(fact.body.get("held", ""))  # of the look before: an input like the book
    found = [
        with_held(view, held)
        for view in views(state, Scope(fact.org, str(fact.body["product"])), at, late=late)
        if all(view.fact.get(name, "") == fact.body.get(name, "") for name in place)
    ]
    wanted = content_hash(fact.body)
    same = [view for view in found if content_hash(view.fact) == wanted]
    return next(iter(same or found), None)


# --- hedge orders -----------------------------------------------------------------------------


def _hedge_order(rulebook: Rulebook, body: dict[str, Any]) -> dict[str, Any]:
    fact = decoded(rulebook.schema, hedge_orders.KIND, body["fact"])
    verdicts = [one for one in rulebook.evaluate(hedge_orders.KIND, fact) if one.truth]
    ruled: list[dict[str, Any]] = plain([_ruled(verdict) for verdict in verdicts])
    return {**body, "rulebook": rulebook.hash, "rules": ruled}


def _ruled(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule,
        "version": verdict.version,
        "code": verdict.code,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "leaves": [
            {"text": one.text, "value": one.value, "truth": one.truth, "margin": one.margin}
            for one in verdict.leaves
        ],
    }


def decoded(schema: Schema, kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A fact from its JSON form: numbers and times as values again, by the fields' types."""
    fields = schema.kind(kind).fields
    found: dict[str, Any] = {}
    for name, value in document.items():
        base = fields[name].type.base if name in fields else None
        if base in _DECIMALS and isinstance(value, str):
            found[name] = Decimal(value)
        elif base is Base.TIMESTAMP and isinstance(value, str):
            found[name] = parse_rfc3339(value)
        else:
            found[name] = value
    return found
