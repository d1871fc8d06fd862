"""What a decision table leaves open: gaps, overlaps, rows that are never reached.

Proved for tables whose rows all compare one number with constants, joined by `and`; the rows are
then intervals of whole (scaled) numbers.
"""

from dataclasses import dataclass

from rules import tree
from rules.interpreter import divide
from rules.model import HitPolicy, Row, Rule
from rules.tree import Node, Rounding
from rules.values import INT64_MAX, INT64_MIN, NUMERIC, json_value
from store.problems import Problem


@dataclass(frozen=True, slots=True)
class _Interval:
    """Whole numbers from `low` to `high`, both inclusive; empty when low > high."""

    low: int = INT64_MIN
    high: int = INT64_MAX

    def meet(self, other: "_Interval") -> "_Interval":
        return _Interval(max(self.low, other.low), min(self.high, other.high))

    @property
    def empty(self) -> bool:
        return self.low > self.high


def _key(node: Node) -> tuple[object, ...] | None:
    """What a row compares, independent of where it is written; None for what is not supported."""
    match node:
        case tree.FieldRef():
            return ("field", node.alias, node.name)
        case tree.LetRef():
            return ("let", node.name)
        case tree.Call() if node.function == "abs":
            inner = _key(node.operands[0])
            return None if inner is None else ("abs", *inner)
        case _:
            return None


def _comparison(node: tree.Compare) -> tuple[tuple[object, ...], Node, _Interval] | None:
    left, right, op = node.left, node.right, node.op
    left_factor, right_factor = node.left_factor, node.right_factor
    if isinstance(left, tree.Literal):
        left, right, left_factor, right_factor = right, left, right_factor, left_factor
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    key = _key(left)
    if key is None or left.type.base not in NUMERIC or not isinstance(right, tree.Literal):
        return None
    if not isinstance(right.value, int):
        return None
    threshold = right.value * right_factor
    floor = divide(threshold, left_factor, Rounding.FLOOR)
    ceiling = divide(threshold, left_factor, Rounding.CEILING)
    interval = {
        ">=": _Interval(low=ceiling),
        ">": _Interval(low=floor + 1),
        "<=": _Interval(high=floor),
        "<": _Interval(high=ceiling - 1),
        "==": _Interval(ceiling, floor),
    }.get(op)
    return None if interval is None else (key, left, interval)


def _conjunction(node: Node) -> tuple[tuple[object, ...], Node, _Interval] | None:
    """One number's interval under a condition, or None when the condition is of another form."""
    if isinstance(node, tree.Compare):
        return _comparison(node)
    if not isinstance(node, tree.And):
        return None
    key: tuple[object, ...] | None = None
    operand: Node | None = None
    interval = _Interval()
    for part in node.operands:
        one = _conjunction(part)
        if one is None or (key is not None and one[0] != key):
            return None
        key, operand, interval = one[0], one[1], interval.meet(one[2])
    return None if key is None or operand is None else (key, operand, interval)


def _covered(interval: _Interval, by: list[_Interval]) -> bool:
    """Whether the union of `by` covers `interval`."""
    reached = interval.low
    for one in sorted(by, key=lambda other: other.low):
        if one.low > reached:
            break
        reached = max(reached, one.high + 1)
    return reached > interval.high


def _warning(rule: Rule, row: Row, code: str, **params: str) -> Problem:
    condition = row.condition
    line = condition.line if condition else row.line
    column = condition.column if condition else 1
    found = condition.text if condition else ""
    return Problem(
        code, rule.heading.file, line, column, found=found, severity="warning", params=params
    )


def table_findings(rule: Rule) -> list[Problem]:
    """Warnings about a rule's conditions and table."""
    findings: list[Problem] = []
    if rule.when is not None:
        one = _conjunction(rule.when.node)
        if one is not None and one[2].empty:
            findings.append(
                Problem(
                    "NEVER_FIRES",
                    rule.heading.file,
                    rule.when.line,
                    rule.when.column,
                    found=rule.when.text,
                    severity="warning",
                )
            )
    parsed = [
        None if row.condition is None else _conjunction(row.condition.node) for row in rule.rows
    ]
    for row, one in zip(rule.rows, parsed, strict=True):
        if one is not None and one[2].empty:
            findings.append(_warning(rule, row, "NEVER_FIRES"))
    return findings + _table(rule, parsed)


def _table(
    rule: Rule, parsed: list[tuple[tuple[object, ...], Node, _Interval] | None]
) -> list[Problem]:
    findings: list[Problem] = []
    seen: list[_Interval] = []
    key: tuple[object, ...] | None = None
    operand: Node | None = None
    open_row = False
    for row, one in zip(rule.rows, parsed, strict=True):
        if open_row and rule.hit_policy is HitPolicy.FIRST:
            findings.append(_warning(rule, row, "ROW_UNREACHABLE"))
            continue
        if row.condition is None:
            open_row = True
            continue
        if one is None or (key is not None and one[0] != key):
            return findings
        key, operand, interval = one
        if interval.empty:
            continue
        if rule.hit_policy is HitPolicy.FIRST and _covered(interval, seen):
            findings.append(_warning(rule, row, "ROW_UNREACHABLE"))
        if rule.hit_policy is HitPolicy.UNIQUE and any(
            not interval.meet(other).empty for other in seen
        ):
            findings.append(_warning(rule, row, "TABLE_OVERLAP"))
        seen.append(interval)
    if operand is not None and not open_row and len(seen) > 1:
        findings += _gaps(rule, seen, operand)
    return findings


def _gaps(rule: Rule, seen: list[_Interval], operand: Node) -> list[Problem]:
    """Values between the table's least and greatest that no row names."""
    findings: list[Problem] = []
    ordered = sorted(seen, key=lambda one: one.low)
    reached = ordered[0].high
    for one in ordered[1:]:
        if one.low > reached + 1:
            findings.append(
                _warning(
                    rule,
                    rule.rows[0],
                    "TABLE_GAP",
                    low=str(json_value(reached + 1, operand.type)),
                    high=str(json_value(one.low - 1, operand.type)),
                )
            )
        reached = max(reached, one.high)
    return findings
