"""The why-trace of a match: leaves, margins, evidence, decision, and what would change it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rules import tree
from rules.compile_evaluator import conditions
from rules.counterfactual import counterfactuals
from rules.interpreter import Fact, Scope, evaluate, evidence, truth
from rules.model import Decision, Expression, HitPolicy, Leaf, Outcome, Row, Rule, Verdict
from rules.risk_guard import REASON, lowers_risk
from rules.schema import FactKind
from rules.tree import Node
from rules.values import NUMERIC, Base, ValueType, json_value, to_decimal
from rules.wording import explained
from store.types import decimal_text

DATA_ISSUE_CODE = "DATA_ISSUE"
_UNKNOWN_ORDER = ("OVERFLOW", "DIVISION_BY_ZERO")


def explain_match(rule: Rule, kind: FactKind, number: int, fact: Fact) -> Verdict:
    """The verdict of row `number` of a rule that a canonical fact of its kind matches."""
    row = rule.rows[number]
    decide = _decision(row, fact)
    outcome, reason = row.outcome, decide.reason if decide else ""
    denied = outcome is Outcome.DENY or (decide is not None and decide.outcome == "deny")
    if denied and lowers_risk(rule.kind, fact):
        outcome, reason, decide = Outcome.NONE, REASON, None
    return _verdict(
        rule,
        row,
        number,
        fact,
        kind=kind,
        outcome=outcome,
        reason=reason,
        decide=decide,
    )


def explain_unknown(rule: Rule, kind: FactKind, fact: Fact) -> Verdict | None:
    """The data issue of a rule whose truth is unknown; None when it raises none."""
    scope = Scope(fact)
    for node in conditions(rule):
        truth(node, scope)
    missing = sorted(scope.missing)
    raised = [name for name in missing if name in rule.on_missing or "*" in rule.on_missing]
    reasons = [code for code in _UNKNOWN_ORDER if code in scope.issues]
    if not reasons and rule.hit_policy is HitPolicy.UNIQUE and len(matching_rows(rule, fact)) > 1:
        reasons = ["TABLE_NOT_UNIQUE"]
    if not reasons and raised:
        reasons = ["MISSING_FIELD"]
    if not reasons:
        return None
    row = rule.rows[0]
    blank = Row(row.condition, DATA_ISSUE_CODE, "", Outcome.NONE, None, rule.heading.line)
    return _verdict(
        rule,
        blank,
        -1,
        fact,
        kind=kind,
        outcome=Outcome.NONE,
        reason=reasons[0],
        missing=tuple(missing),
    )


def matching_rows(rule: Rule, fact: Fact) -> list[int]:
    """Rows whose conditions are certainly true, by the reference interpreter."""
    if rule.when is not None and truth(rule.when.node, Scope(fact)) is not True:
        return []
    return [
        number
        for number, row in enumerate(rule.rows)
        if row.condition is None or truth(row.condition.node, Scope(fact)) is True
    ]


def judged_by_interpreter(rule: Rule, fact: Fact) -> tuple[list[int], bool]:
    """What the generated evaluator must say: matching rows, and whether the truth is unknown."""
    rows = matching_rows(rule, fact)
    if rows:
        if rule.hit_policy is HitPolicy.FIRST:
            return rows[:1], False
        if rule.hit_policy is HitPolicy.UNIQUE and len(rows) > 1:
            return [], True
        return rows, False
    when = True if rule.when is None else truth(rule.when.node, Scope(fact))
    truths = [
        True if row.condition is None else truth(row.condition.node, Scope(fact))
        for row in rule.rows
    ]
    refuted = when is False or all(one is False for one in truths)
    return [], not refuted


def _decision(row: Row, fact: Fact) -> Decision | None:
    if row.decide is None:
        return None
    node = row.decide.object.node
    target = json_value(evaluate(node, Scope(fact)), node.type)
    return Decision("" if target is None else str(target), row.decide.outcome, row.decide.reason)


def _verdict(
    rule: Rule,
    row: Row,
    number: int,
    fact: Fact,
    *,
    kind: FactKind,
    outcome: Outcome,
    reason: str,
    decide: Decision | None = None,
    missing: tuple[str, ...] = (),
) -> Verdict:
    heading, matched = rule.heading, number >= 0
    expressions = [part for part in (rule.when, row.condition) if part is not None]
    if not matched:
        expressions = [part for part in (rule.when, *(r.condition for r in rule.rows)) if part]
    changes = counterfactuals(rule, number, fact, matching_rows) if matched and row.level else ()
    named = {name: made.node for name, made in rule.evidence.items()}
    shown = evidence(named, fact)
    return Verdict(
        rule=rule.id,
        version=heading.version,
        kind=rule.kind,
        truth=True if matched else None,
        code=row.code,
        level=row.level,
        outcome=Outcome.OBSERVE if heading.observe and matched else outcome,
        reason=reason,
        title=heading.title,
        explain=explained(heading, kind, fact, shown),
        row=number + 1,
        leaves=tuple(trace(expressions, fact, lets=rule.lets)),
        decide=None if heading.observe else decide,
        evidence=shown,
        file=heading.file,
        line=row.line,
        clause=heading.policy,
        observe=heading.observe,
        clears_when=rule.clears_when.text if rule.clears_when else "",
        needs_disposition=rule.needs_disposition,
        missing=missing,
        counterfactuals=changes,
    )


def trace(
    expressions: Iterable[Expression],
    fact: Fact,
    bound: Mapping[str, Fact] | None = None,
    lets: Mapping[str, Expression] | None = None,
) -> list[Leaf]:
    """Every leaf of some expressions with value, threshold, margin and truth.

    Args:
        expressions: checked boolean expressions.
        fact: the canonical fact.
        bound: facts of earlier steps of a correlation, by alias.
        lets: the rule's lets; a leaf inside one is shown as it is written there.
    """
    found: list[Leaf] = []
    for expression in expressions:
        for node, text in _leaf_texts(expression.node, expression.text, lets or {}):
            found.append(_leaf(node, text, fact, bound or {}))
    return found


def _leaf_texts(
    node: Node, text: str, lets: Mapping[str, Expression]
) -> Iterator[tuple[Node, str]]:
    """The leaves of a boolean expression in reading order, each with the text it stands in."""
    match node:
        case tree.LetRef():
            definition = lets.get(node.name)
            inner = definition.text if definition is not None else text
            yield from _leaf_texts(node.definition, inner, lets)
        case tree.And() | tree.Or():
            for operand in node.operands:
                yield from _leaf_texts(operand, text, lets)
        case tree.Not():
            yield from _leaf_texts(node.operand, text, lets)
        case _:
            yield node, text


def _leaf(node: Node, text: str, fact: Fact, bound: Mapping[str, Fact]) -> Leaf:
    scope = Scope(fact, bound)
    written = text[node.span.start : node.span.end]
    held = truth(node, scope)
    match node:
        case tree.Compare() | tree.StringTest():
            left, right = evaluate(node.left, scope), evaluate(node.right, scope)
            return Leaf(
                _name(node.left, text),
                written,
                node.op,
                json_value(left, node.left.type),
                json_value(right, node.right.type),
                _margin(node, left, right),
                held,
            )
        case tree.Member():
            operand = node.operand
            items = [json_value(item, operand.type) for item in node.items]
            value = json_value(evaluate(operand, scope), operand.type)
            return Leaf(_name(operand, text), written, "in", value, items, "", held)
        case tree.Has():
            value = json_value(evaluate(node.operand, scope), node.operand.type)
            return Leaf(_name(node.operand, text), written, "has", value, None, "", held)
        case _:
            shown = json_value(evaluate(node, scope), node.type)
            return Leaf(_name(node, text), written, "==", shown, True, "", held)


def _name(node: Node, text: str) -> str:
    if isinstance(node, tree.FieldRef):
        return f"{node.alias}.{node.name}" if node.alias else node.name
    if isinstance(node, tree.LetRef):
        return node.name
    return text[node.span.start : node.span.end]


def _margin(node: tree.Compare | tree.StringTest, left: Any, right: Any) -> str:
    """Value - threshold in the finer scale of the two sides, as plain text."""
    if not isinstance(node, tree.Compare) or left is None or right is None:
        return ""
    kind: ValueType = node.left.type
    if kind.base not in NUMERIC | {Base.DURATION}:
        return ""
    scale = max(kind.scale, node.right.type.scale)
    if kind.base is Base.DURATION:
        scale = 6
    difference = left * node.left_factor - right * node.right_factor
    return decimal_text(to_decimal(difference, scale))
