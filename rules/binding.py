"""A parsed correlation as a `Pattern`: its typed expressions become functions over facts.

Facts here carry canonical values (`Schema.encode`), as the expressions expect them. What a step
says of an earlier step (``site != update.site``) is judged at the join; until then a fact that may
fit enters.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from rules import tree
from rules.compile_predicate import Predicate, compile_predicate
from rules.interpreter import Fact as Canonical
from rules.interpreter import Scope, evaluate, evidence, truth
from rules.model import CorrelationRule, Decision, Mode, Step
from rules.patterns import (
    DERIVED_KIND,
    Absence,
    Bound,
    Collect,
    Fact,
    Forbidden,
    Having,
    Members,
    Pattern,
    Truth,
    derived_source,
)
from rules.patterns import Step as BoundStep
from rules.rulebook import Rulebook
from rules.stateful import run_batch
from rules.tree import Node
from rules.values import json_value
from store.types import from_microseconds


def bind(rule: CorrelationRule) -> Pattern:
    """The pattern of a correlation rule.

    Its evidence is what the rule states; its members' fields stay canonical.

    Raises:
        BadPattern: when the rule cannot be judged (the loader refuses such files).
    """
    clustered = rule.count > 0
    within = timedelta(microseconds=rule.within)
    single = len(rule.steps) == 1 and not clustered
    having, whole = _having(rule)
    return Pattern(
        rule=rule.id,
        version=rule.heading.version,
        steps=tuple(_step(rule, step) for step in rule.steps),
        by=rule.by,
        # One step has no span of its own: its window is that of the absence.
        within=timedelta(0) if single else within,
        ordered=rule.ordered,
        count=rule.count or None,
        distinct=(rule.distinct, rule.distinct_at_least) if rule.distinct else None,
        having=(*_step_joins(rule), *having),
        whole=whole,
        none_between=_forbidden(rule, rule.none_between.node, "") if rule.none_between else None,
        absent=Absence(_forbidden(rule, rule.absent.where.node, rule.absent.source), within)
        if rule.absent
        else None,
        collect=tuple(_evidence(rule)),
        figures=not rule.evidence,
        decide=_decision(rule),
        batch=rule.heading.mode is Mode.BATCH,
        cap=rule.cap,
    )


def bind_all(rulebook: Rulebook, mode: Mode) -> list[Pattern]:
    """The patterns of all correlations of one mode."""
    return [bind(rule) for rule in rulebook.correlations if rule.heading.mode is mode]


def run_correlation_test(
    rulebook: Rulebook, rule: CorrelationRule, facts: Sequence[Canonical]
) -> int:
    """How many matches of `rule` the facts give, every absence settled.

    The runner for `rules.testing.run_tests`. A second-level correlation is run with its source.

    Args:
        rulebook: the rulebook; it holds the source of a second-level correlation.
        rule: the correlation under test.
        facts: canonical facts; each carries ``event_time``.
    """
    rules = [rule, *(one for one in rulebook.correlations if rule.source == one.id)]
    given = [
        Fact(
            uid=str(number),
            kind=rule.kind,
            source=str(fact.get("source") or ""),
            event_time=from_microseconds(at if isinstance(at := fact["event_time"], int) else 0),
            fields=fact,
        )
        for number, fact in enumerate(facts)
    ]
    found = run_batch([bind(one) for one in rules], given)
    return sum(correlation.rule == rule.id for correlation in found)


def _references(node: Node) -> set[str]:
    """The aliases of an expression's fields; an empty one stands for the fact itself."""
    return {one.alias for one in tree.walk(node) if isinstance(one, tree.FieldRef)}


def _aggregates(node: Node) -> bool:
    return any(isinstance(one, tree.Aggregate) for one in tree.walk(node))


def _fields(bound: Bound) -> dict[str, Canonical]:
    return {alias: fact.fields for alias, fact in bound.items()}


def _alone(node: Node) -> Callable[[Fact], Truth]:
    """Whether a fact may enter: what depends on other steps does not keep it out."""
    predicate = compile_predicate(node)
    if _references(node) <= {""}:
        return lambda fact: predicate(fact.fields)
    return lambda fact: predicate(fact.fields) is not False


def _step(rule: CorrelationRule, step: Step) -> BoundStep:
    where = _alone(step.where.node)
    if not rule.source:
        return BoundStep(step.alias, step.kind, where)
    source = derived_source(rule.source)
    return BoundStep(
        step.alias, DERIVED_KIND, lambda fact: where(fact) if fact.source == source else False
    )


def _step_joins(rule: CorrelationRule) -> Iterable[Having]:
    """The steps' conditions that speak of other steps."""
    for step in rule.steps:
        references = _references(step.where.node) - {""}
        if references:
            predicate = compile_predicate(step.where.node)
            yield Having(frozenset(references | {step.alias}), _joined_with(predicate, step.alias))


def _joined_with(predicate: Predicate, alias: str) -> Callable[[Bound], Truth]:
    return lambda bound: predicate(bound[alias].fields, _fields(bound))


def _having(
    rule: CorrelationRule,
) -> tuple[list[Having], Callable[[Members], Truth] | None]:
    """`having` as conditions judged as early as their steps are joined, or one on the whole."""
    if rule.having is None:
        return [], None
    node = rule.having.node
    if rule.count or not rule.ordered or _aggregates(node):
        return [], lambda members: truth(node, _scope(members))
    last = rule.steps[-1].alias
    parts = node.operands if isinstance(node, tree.And) else (node,)
    return [
        Having(
            frozenset(alias or last for alias in _references(part)) or frozenset({last}),
            _joined_with(compile_predicate(part), last),
        )
        for part in parts
    ], None


def _forbidden(rule: CorrelationRule, node: Node, source: str) -> Forbidden:
    if _references(node) <= {""}:
        return Forbidden(rule.kind, _alone(node), source=source)
    predicate = compile_predicate(node)
    return Forbidden(
        rule.kind,
        _alone(node),
        lambda fact, bound: predicate(fact.fields, _fields(bound)),
        source,
    )


def _in_time(members: Members) -> list[Fact]:
    facts = {fact.uid: fact for group in members.values() for fact in group}
    return sorted(facts.values(), key=lambda fact: (fact.event_time, fact.uid))


def _completing(members: Members) -> Fact:
    """The fact that completed the match: the last in event time, in ties the last step's."""
    latest = max(fact.event_time for group in members.values() for fact in group)
    return [group[-1] for group in members.values() if group[-1].event_time == latest][-1]


def _scope(members: Members) -> Scope:
    return Scope(
        _completing(members).fields,
        {alias: group[-1].fields for alias, group in members.items()},
        [fact.fields for fact in _in_time(members)],
    )


def _evidence(rule: CorrelationRule) -> Iterable[Collect]:
    """The rule's figures. The fields under `collect` are carried by the members themselves."""
    for name, expression in rule.evidence.items():
        yield Collect(name, _figure(name, expression.node))


def _figure(name: str, node: Node) -> Callable[[Members], object]:
    def figure(members: Members) -> object:
        scope = _scope(members)
        return evidence({name: node}, scope.fact, scope.bound, scope.group).get(name)

    return figure


def _decision(rule: CorrelationRule) -> Callable[[Members], Decision | None] | None:
    decide = rule.decide
    if decide is None:
        return None
    node = decide.object.node

    def decision(members: Members) -> Decision | None:
        target = json_value(evaluate(node, _scope(members)), node.type)
        return None if target is None else Decision(str(target), decide.outcome, decide.reason)

    return decision
