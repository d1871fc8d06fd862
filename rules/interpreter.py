"""The reference interpreter: the meaning of the tree, slow and obvious.

The generated evaluator must agree with it on every rule and every fact. It also computes what the
hot path does not need: values of leaves, evidence, and why a value is unknown.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from rules import tree
from rules.tree import Node, Rounding
from rules.values import Encoded, in_int64, json_value

Fact = Mapping[str, Encoded]
_NO_FACTS: Mapping[str, Fact] = {}


@dataclass(slots=True)
class Scope:
    """What an expression is evaluated against.

    Attributes:
        fact: the current fact in canonical form (missing fields absent or None).
        bound: facts of earlier steps, by alias.
        group: all facts of a correlation in event-time order, for aggregates.
        issues: codes of what made a value unknown; filled while evaluating.
        missing: names of fields that were read and missing; filled while evaluating.
        open_world: whether an absent field is one of unknown value, so that even `has` is unknown.
    """

    fact: Fact
    bound: Mapping[str, Fact] = field(default_factory=lambda: _NO_FACTS)
    group: Sequence[Fact] = ()
    issues: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    open_world: bool = False


def divide(left: int, right: int, mode: Rounding) -> int:
    """`left` over `right` as a whole number, rounded; `right` must not be zero."""
    if right < 0:
        left, right = -left, -right
    quotient, rest = divmod(left, right)  # floor
    if not rest or mode is Rounding.FLOOR:
        return quotient
    if mode is Rounding.CEILING:
        return quotient + 1
    if mode is Rounding.TRUNCATE:
        return quotient + (left < 0)
    twice = 2 * rest
    if twice != right:
        return quotient + (twice > right)
    if mode is Rounding.HALF_EVEN:
        return quotient + (quotient & 1)
    return quotient + (left >= 0)  # half up: away from zero


def truth(node: Node, scope: Scope) -> bool | None:
    """The truth of a boolean expression; None is unknown."""
    value = evaluate(node, scope)
    return value if isinstance(value, bool) else None


def evaluate(node: Node, scope: Scope) -> Encoded:  # noqa: C901, PLR0911, PLR0912 - one case a node
    """The canonical value of an expression; None is unknown."""
    match node:
        case tree.Literal():
            return node.value
        case tree.FieldRef():
            fact = scope.bound.get(node.alias, {}) if node.alias else scope.fact
            value = fact.get(node.name)
            if value is None:
                scope.missing.add(f"{node.alias}.{node.name}" if node.alias else node.name)
            return value
        case tree.LetRef():
            return evaluate(node.definition, scope)
        case tree.Has():
            reference = node.operand
            fact = scope.bound.get(reference.alias, {}) if reference.alias else scope.fact
            present = fact.get(reference.name) is not None
            return None if scope.open_world and not present else present
        case tree.Not():
            value = truth(node.operand, scope)
            return None if value is None else not value
        case tree.And():
            truths = [truth(operand, scope) for operand in node.operands]
            return False if False in truths else None if None in truths else True
        case tree.Or():
            truths = [truth(operand, scope) for operand in node.operands]
            return True if True in truths else None if None in truths else False
        case tree.Compare():
            return _compare(node, scope)
        case tree.Member():
            value = evaluate(node.operand, scope)
            return None if value is None else value in node.items
        case tree.Contained():
            value, items = evaluate(node.operand, scope), evaluate(node.container, scope)
            return None if value is None or not isinstance(items, tuple) else value in items
        case tree.StringTest():
            return _string_test(node, scope)
        case tree.Several():
            values = [evaluate(operand, scope) for operand in node.operands]
            return None if None in values else tuple(values)
        case tree.Retag():
            return evaluate(node.operand, scope)
        case tree.Aggregate():
            return _aggregate(node, scope)
        case _:
            return _number(node, scope)


def _compare(node: tree.Compare, scope: Scope) -> bool | None:
    left: Any = evaluate(node.left, scope)
    right: Any = evaluate(node.right, scope)
    if left is None or right is None:
        return None
    if node.left_factor != 1:
        left *= node.left_factor
    if node.right_factor != 1:
        right *= node.right_factor
    return compared(node.op, left, right)


def compared(op: str, left: Any, right: Any) -> bool:
    """``left op right`` for two canonical values of one scale."""
    match op:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _string_test(node: tree.StringTest, scope: Scope) -> bool | None:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    if not isinstance(left, str) or not isinstance(right, str):
        return None
    if node.op == "startsWith":
        return left.startswith(right)
    if node.op == "endsWith":
        return left.endswith(right)
    return right in left


def _bounded(value: int, scope: Scope) -> int | None:
    if in_int64(value):
        return value
    scope.issues.add("OVERFLOW")
    return None


def _number(  # noqa: PLR0911 - one way out an operation
    node: tree.Arithmetic | tree.Divide | tree.Call,
    scope: Scope,
) -> int | None:
    if isinstance(node, tree.Call):
        numbers: list[Any] = [evaluate(operand, scope) for operand in node.operands]
        if None in numbers:
            return None
        aligned = [number * factor for number, factor in zip(numbers, node.factors, strict=True)]
        if node.function == "abs":
            return _bounded(abs(aligned[0]), scope)
        picked: int = min(aligned) if node.function == "min" else max(aligned)
        return _bounded(picked, scope)
    left: Any = evaluate(node.left, scope)
    right: Any = evaluate(node.right, scope)
    if left is None or right is None:
        return None
    left, right = left * node.left_factor, right * node.right_factor
    if isinstance(node, tree.Divide):
        if right == 0:
            scope.issues.add("DIVISION_BY_ZERO")
            return None
        return _bounded(divide(left, right, node.mode), scope)
    if node.op == "+":
        return _bounded(left + right, scope)
    if node.op == "-":
        return _bounded(left - right, scope)
    return _bounded(left * right, scope)


def _aggregate(  # noqa: PLR0911 - one way out a function
    node: tree.Aggregate, scope: Scope
) -> Encoded:
    if node.function == "count":
        return len(scope.group)
    values = [value for fact in scope.group if (value := fact.get(node.name)) is not None]
    if node.function == "distinct":
        return len(set(values))
    if not values:
        return None
    match node.function:
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case "collect":
            return tuple(values)
        case "sum":
            return _bounded(sum(cast("list[int]", values)), scope)
        case _:
            path: list[int] = list(itertools.accumulate(cast("list[int]", values)))
            return tuple(path) if all(map(in_int64, path)) else _bounded(2**63, scope)


def evidence(
    expressions: Mapping[str, Node],
    fact: Fact,
    bound: Mapping[str, Fact] = _NO_FACTS,
    group: Sequence[Fact] = (),
) -> dict[str, Any]:
    """Named values for the why-trace, ready for JSON; what is unknown is left out.

    Args:
        expressions: name to typed expression.
        fact: the fact that completed the match, canonical.
        bound: facts of a correlation's steps, by alias, canonical.
        group: all facts of a correlation in event-time order, canonical.
    """
    shown: dict[str, Any] = {}
    for name, node in expressions.items():
        if isinstance(node, tree.Several):
            scope = Scope(fact, bound, group)
            values = [(evaluate(one, scope), one.type) for one in node.operands]
            shown[name] = [json_value(value, of) for value, of in values]
            continue
        value = evaluate(node, Scope(fact, bound, group))
        if value is not None:
            shown[name] = json_value(value, node.type)
    return shown
