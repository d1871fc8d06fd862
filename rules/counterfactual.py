"""What would have had to be different: the smallest change of one field, one colour down."""

import functools
from collections.abc import Callable, Iterator
from typing import cast

from rules import tree
from rules.interpreter import Fact, Scope, divide, evaluate
from rules.model import SEVERITY, CounterFactual, Rule
from rules.tree import Node, Rounding, walk
from rules.values import NUMERIC, Base, Encoded, ValueType, in_int64, json_value, to_decimal
from store.types import decimal_text

_MARGINAL = (-1, 0, 1)
Matching = Callable[[Rule, Fact], list[int]]


def counterfactuals(
    rule: Rule, number: int, fact: Fact, matching: Matching
) -> tuple[CounterFactual, ...]:
    """Smallest single-field changes after which the rule's level is lower.

    Only fields that stand alone on one side of a comparison are tried (their effect is monotone),
    at the values where one of the rule's comparisons turns.

    Args:
        rule: the rule that matched.
        number: the row that matched.
        fact: the canonical fact.
        matching: rows that a fact matches (the reference interpreter's).

    Returns:
        One entry a field that can do it alone, the fields in reading order.
    """
    current = SEVERITY[rule.rows[number].level]
    worst = functools.partial(_worst_level, rule, matching)
    fields: dict[str, tree.FieldRef] = {}
    candidates: dict[str, set[int]] = {}
    for field, value in _turning_points(rule, fact):
        fields.setdefault(field.name, field)
        candidates.setdefault(field.name, set()).add(value)
    found: list[CounterFactual] = []
    for name, values in candidates.items():
        present = fact.get(name)
        if not isinstance(present, int):
            continue
        best = _nearest(worst, {**fact}, name, values, current)
        if best is not None:
            value, level = best
            kind = fields[name].type
            change = decimal_text(to_decimal(value - present, _places(kind)))
            found.append(CounterFactual(name, str(json_value(value, kind)), change, level))
    return tuple(found)


def _places(kind: ValueType) -> int:
    """Digits behind the point: a duration counts microseconds and is shown in seconds."""
    return 6 if kind.base is Base.DURATION else kind.scale


def _worst_level(rule: Rule, matching: Matching, fact: Fact) -> str:
    levels = [rule.rows[row].level for row in matching(rule, fact)]
    return max(levels, key=lambda level: SEVERITY[level], default="")


def _nearest(
    worst: Callable[[Fact], str],
    fact: dict[str, Encoded],
    name: str,
    values: set[int],
    current: int,
) -> tuple[int, str] | None:
    """The value nearest to the present one at which the colour is lower, and that colour."""
    present = cast("int", fact[name])
    for value in sorted(values, key=lambda one: (abs(one - present), one)):
        fact[name] = value
        level = worst(fact)
        if SEVERITY[level] < current:
            return value, level
    return None


def _turning_points(rule: Rule, fact: Fact) -> Iterator[tuple[tree.FieldRef, int]]:
    written = [rule.when, *(row.condition for row in rule.rows)]
    for expression in written:
        for part in walk(expression.node) if expression is not None else ():
            if not isinstance(part, tree.Compare):
                continue
            sides = (
                (part.left, part.left_factor, part.right, part.right_factor),
                (part.right, part.right_factor, part.left, part.left_factor),
            )
            for side, factor, other, other_factor in sides:
                field, sign = _alone(side)
                threshold = evaluate(other, Scope(fact))
                if field is None or not isinstance(threshold, int):
                    continue
                yield from _around(field, threshold * other_factor, factor, sign)


def _alone(node: Node) -> tuple[tree.FieldRef | None, tuple[int, ...]]:
    """A numeric field that stands alone, or inside `abs`; and the signs its value may take."""
    if isinstance(node, tree.LetRef):
        return _alone(node.definition)
    if isinstance(node, tree.FieldRef) and node.type.base in NUMERIC | {Base.DURATION}:
        return (None, ()) if node.alias else (node, (1,))
    if isinstance(node, tree.Call) and node.function == "abs":
        field, _ = _alone(node.operands[0])
        return field, (1, -1)
    return None, ()


def _around(
    field: tree.FieldRef, threshold: int, factor: int, signs: tuple[int, ...]
) -> Iterator[tuple[tree.FieldRef, int]]:
    edge = divide(threshold, factor, Rounding.FLOOR)
    for sign in signs:
        for step in _MARGINAL:
            value = sign * (edge + step)
            if in_int64(value):
                yield field, value
