"""A rule as a sentence in Chinese and English (规则白话), generated from its tree.

What a person reads here is made from the same tree that is evaluated, never from the author's
title, so the two cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules import tree
from rules.model import CorrelationRule, Expression, HitPolicy, Row, Rule
from rules.schema import FactKind, Schema
from rules.tree import Node, Rounding
from rules.values import DURATION, Base, json_value

_LEVELS = {
    "zh": {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"},
    "en": {"red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue"},
}
_OUTCOMES = {
    "zh": {
        "none": "不处理",
        "observe": "仅记录",
        "inform": "通知",
        "open_order": "开立工单",
        "require_approval": "须审批",
        "hold": "暂缓，待人工确认",
        "deny": "拒绝",
        "stale": "标为过期，须重算",
    },
    "en": {
        "none": "nothing is done",
        "observe": "only record it",
        "inform": "inform",
        "open_order": "open a work order",
        "require_approval": "require approval",
        "hold": "hold until a person confirms",
        "deny": "deny",
        "stale": "mark as stale and recompute",
    },
}
_COMPARISONS = {
    "zh": {"==": "等于", "!=": "不等于", "<": "小于", "<=": "不超过", ">": "大于", ">=": "不低于"},
    "en": {
        "==": "is",
        "!=": "is not",
        "<": "is less than",
        "<=": "is at most",
        ">": "is more than",
        ">=": "is at least",
    },
}
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_TESTS = {
    "zh": {"startsWith": "以{0}开头", "endsWith": "以{0}结尾", "contains": "包含{0}"},
    "en": {
        "startsWith": "starts with {0}",
        "endsWith": "ends with {0}",
        "contains": "contains {0}",
    },
}
_ROUNDING = {
    "zh": {
        Rounding.HALF_EVEN: "四舍六入五成双",
        Rounding.HALF_UP: "四舍五入",
        Rounding.FLOOR: "向下取整",
        Rounding.CEILING: "向上取整",
        Rounding.TRUNCATE: "截断",
    },
    "en": {
        Rounding.HALF_EVEN: "rounded half to even",
        Rounding.HALF_UP: "rounded half up",
        Rounding.FLOOR: "rounded down",
        Rounding.CEILING: "rounded up",
        Rounding.TRUNCATE: "truncated",
    },
}
_UNITS_US = ((86_400_000_000, "天", "d"), (3_600_000_000, "小时", "h"), (60_000_000, "分钟", "min"))


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes expressions in one language, with the schema's labels for fields."""

    language: str
    kind: FactKind
    say: Callable[[str], str] = str

    @property
    def zh(self) -> bool:
        return self.language == "zh"

    def label(self, name: str) -> str:
        field = self.kind.fields.get(name)
        if field is None:
            return name
        return field.zh if self.zh else field.en

    def condition(self, node: Node, *, negated: bool = False) -> str:
        """A boolean expression; negation is pushed to the leaves."""
        match node:
            case tree.Not():
                return self.condition(node.operand, negated=not negated)
            case tree.LetRef():
                return self.condition(node.definition, negated=negated)
            case tree.And() | tree.Or():
                return self._connected(node, negated=negated)
            case tree.Compare():
                op = _NEGATED[node.op] if negated else node.op
                return self._join(
                    self._beside(node.left, node.right),
                    _COMPARISONS[self.language][op],
                    self._beside(node.right, node.left),
                )
            case _:
                return self._leaf(node, negated=negated)

    def _beside(self, node: Node, other: Node) -> str:
        """A side of a comparison: a number is written as the field beside it is read."""
        if isinstance(node, tree.Literal) and isinstance(other, tree.FieldRef):
            field = self.kind.fields.get(other.name)
            if field is not None and field.percent:
                number = Decimal(str(json_value(node.value, node.type))) * 100
                return f"{number.normalize():f} %"
        return self.value(node)

    def _join(self, *parts: str) -> str:
        return ("" if self.zh else " ").join(parts)

    def _connected(self, node: tree.And | tree.Or, *, negated: bool) -> str:
        all_of = isinstance(node, tree.And) is not negated
        words = ("且", "或") if self.zh else (" and ", " or ")
        parts = []
        # what is compared is given; to say so as well is said of programs, not of people
        compared = _compared(node) if all_of and not negated else frozenset()
        for operand in node.operands:
            if isinstance(operand, tree.Has) and _field(operand.operand) in compared:
                continue
            text = self.condition(operand, negated=negated)
            inner: Node = operand
            while isinstance(inner, tree.Not | tree.LetRef):
                inner = inner.operand if isinstance(inner, tree.Not) else inner.definition
            mixed = isinstance(inner, tree.And | tree.Or)
            brackets = ("（", "）") if self.zh else ("(", ")")
            parts.append(f"{brackets[0]}{text}{brackets[1]}" if mixed else text)
        return words[0 if all_of else 1].join(parts)

    def _leaf(self, node: Node, *, negated: bool) -> str:
        match node:
            case tree.Member():
                items = [self._constant(item, node.operand.type) for item in node.items]
                listed = ("、" if self.zh else ", ").join(items)
                word = ("不属于" if negated else "属于") if self.zh else None
                word = word or ("is none of" if negated else "is one of")
                return self._join(self.value(node.operand), word, listed)
            case tree.Contained():
                word = ("不在" if negated else "在") if self.zh else None
                word = word or ("is not in" if negated else "is in")
                return self._join(self.value(node.operand), word, self.value(node.container))
            case tree.StringTest():
                test = _TESTS[self.language][node.op].format(self.value(node.right))
                not_word = "不" if self.zh else "not:"
                parts = [self.value(node.left), *([not_word] if negated else []), test]
                return self._join(*parts)
            case tree.Has():
                words = ("缺失", "已填写") if self.zh else ("is missing", "is given")
                return self._join(self.value(node.operand), words[0 if negated else 1])
            case _:
                words = ("为否", "为是") if self.zh else ("is false", "is true")
                return self._join(self.value(node), words[0 if negated else 1])

    def value(self, node: Node) -> str:  # noqa: C901, PLR0911 - one case a node
        """A value: a field's label, a constant with its unit, or a computation."""
        match node:
            case tree.Literal():
                return self._constant(node.value, node.type)
            case tree.FieldRef():
                label = self.label(node.name)
                if not node.alias:
                    return label
                return f"{node.alias} 的{label}" if self.zh else f"{label} of {node.alias}"
            case tree.LetRef():
                return self.value(node.definition)
            case tree.Retag():
                return self.value(node.operand)
            case tree.Arithmetic():
                op = "×" if node.op == "*" else node.op
                return f"({self.value(node.left)} {op} {self.value(node.right)})"
            case tree.Divide():
                mode = _ROUNDING[self.language][node.mode]
                ratio = f"{self.value(node.left)} ÷ {self.value(node.right)}"
                places = node.type.scale
                if self.zh:
                    return f"({ratio}，保留 {places} 位，{mode})"
                return f"({ratio}, {mode} to {places} places)"
            case tree.Call():
                return self._call(node)
            case tree.Aggregate():
                inner = self.label(node.name) if node.name else ""
                return f"{node.function}({inner})"
            case tree.Several():
                return ", ".join(self.value(operand) for operand in node.operands)
            case _:
                return self.condition(node)

    def _call(self, node: tree.Call) -> str:
        operands = [self.value(operand) for operand in node.operands]
        if node.function == "abs":
            return f"|{operands[0]}|"
        listed = ("、" if self.zh else ", ").join(operands)
        if self.zh:
            return f"{listed}中的{'较小' if node.function == 'min' else '较大'}者"
        return f"the {'lesser' if node.function == 'min' else 'greater'} of {listed}"

    def _constant(self, value: Any, of: Any) -> str:
        if of.base is Base.DURATION:
            return self.duration(value)
        if of.base in {Base.STRING, Base.ENUM}:
            return f"“{self.say(str(value))}”" if self.zh else f'"{self.say(str(value))}"'
        if of.base is Base.BOOLEAN:
            words = ("否", "是") if self.zh else ("false", "true")
            return words[bool(value)]
        text = str(json_value(value, of))
        return f"{text} {of.unit}" if of.unit and of.unit != "*" else text

    def duration(self, microseconds: int) -> str:
        """A duration in its largest whole unit."""
        for size, zh, en in _UNITS_US:
            if microseconds >= size and microseconds % size == 0:
                return f"{microseconds // size} {zh if self.zh else en}"
        return f"{json_value(microseconds, DURATION)} {'秒' if self.zh else 's'}"


def sentence(
    rule: Rule | CorrelationRule, schema: Schema, language: str, say: Callable[[str], str] = str
) -> str:
    """The rule in plain words.

    Args:
        rule: a checked rule or correlation.
        schema: the fact kinds, for the fields' labels.
        language: ``zh`` or ``en``.
        say: the words of a code that the rule names (an event type, a value, its result); a code
            without words comes back as it is.
    """
    writer = _Writer(language, schema.kind(rule.kind), say)
    said = _correlation(rule, writer) if isinstance(rule, CorrelationRule) else _rule(rule, writer)
    cleared = clearing_words(rule, schema, language, say)
    return said + (" " if cleared and not writer.zh else "") + cleared


def row_sentence(
    rule: Rule, number: int, schema: Schema, language: str, say: Callable[[str], str] = str
) -> str:
    """One row of the rule's table in plain words, as `sentence` tells it: the row that decided.

    Args:
        rule: a checked rule.
        number: the row, counted from 1 as in a verdict.
        schema: as for `sentence`.
        language: as for `sentence`.
        say: as for `sentence`.
    """
    writer = _Writer(language, schema.kind(rule.kind), say)
    row = _row(writer, rule, rule.rows[number - 1])
    return f"{_head(writer, rule)}：{row}。" if writer.zh else f"{_head(writer, rule)}, {row}."


def clearing_words(
    rule: Rule | CorrelationRule, schema: Schema, language: str, say: Callable[[str], str] = str
) -> str:
    """What has to come about before the rule's condition counts as cleared, as a sentence.

    It is further back than where the condition began, where the rule wants a band between the two.
    Empty for a rule that clears by no longer matching, or not at all.

    Args:
        rule: a checked rule or correlation.
        schema: as for `sentence`.
        language: as for `sentence`.
        say: as for `sentence`.
    """
    if rule.clears_when is None:
        return ""
    words = condition_words(rule.clears_when, schema.kind(rule.kind), language, say)
    return f"须{words}才解除。" if language == "zh" else f"It clears once {words}."


def condition_words(
    expression: Expression, kind: FactKind, language: str, say: Callable[[str], str] = str
) -> str:
    """One condition in plain words, as `sentence` tells it.

    Args:
        expression: a checked condition.
        kind: the fact kind that it is about, for the fields' labels.
        language: as for `sentence`.
        say: as for `sentence`.
    """
    return _Writer(language, kind, say).condition(expression.node)


def _field(node: Node) -> tuple[str, str] | None:
    """Which field this is: the step's name and its own; None for what is no field."""
    return (node.alias, node.name) if isinstance(node, tree.FieldRef) else None


def _compared(node: tree.And | tree.Or) -> frozenset[tuple[str, str] | None]:
    """The fields that a connection compares with something."""
    return frozenset(
        _field(side)
        for one in node.operands
        if isinstance(one, tree.Compare)
        for side in (one.left, one.right)
    ) - {None}


def _result(writer: _Writer, row: Any) -> str:
    outcomes = [row.outcome.value]
    if row.decide is not None and row.decide.outcome not in outcomes:
        outcomes.append(row.decide.outcome)
    words = [_OUTCOMES[writer.language][outcome] for outcome in outcomes]
    action = ("，并" if writer.zh else ", and ").join(words)
    level = _LEVELS[writer.language].get(row.level, "")
    code = writer.say(row.code)
    if writer.zh:
        return f"判为{level}（{code}），{action}" if level else f"{action}（{code}）"
    return f"{level} ({code}): {action}" if level else f"{action} ({code})"


def _rule(rule: Rule, writer: _Writer) -> str:
    parts = [_row(writer, rule, row) for row in rule.rows]
    head = _head(writer, rule)
    if writer.zh:
        first = rule.hit_policy is HitPolicy.FIRST and len(parts) > 1
        return head + ("（取第一条符合的）" if first else "") + "：" + "；".join(parts) + "。"
    order = " the first of these applies:" if len(parts) > 1 else ""
    if rule.hit_policy is not HitPolicy.FIRST:
        order = " each of these applies:"
    return f"{head},{order} " + "; ".join(parts) + "."


def _head(writer: _Writer, rule: Rule) -> str:
    when = writer.condition(rule.when.node) if rule.when is not None else ""
    if writer.zh:
        return f"对每条{writer.kind.zh}" + (f"，当{when}时" if when else "")
    return f"For each {writer.kind.en.lower()}" + (f" where {when}" if when else "")


def _row(writer: _Writer, rule: Rule, row: Row) -> str:
    result = _result(writer, row)
    if row.condition is None:
        otherwise = "否则" if writer.zh else "otherwise "
        return result if len(rule.rows) == 1 else f"{otherwise}{result}"
    condition = writer.condition(row.condition.node)
    return f"若{condition}，{result}" if writer.zh else f"if {condition}, {result}"


def _correlation(rule: CorrelationRule, writer: _Writer) -> str:
    steps = {step.alias: writer.condition(step.where.node) for step in rule.steps}
    same = ("、" if writer.zh else ", ").join(writer.label(name) for name in rule.by)
    within = writer.duration(rule.within)
    result = _result(writer, rule)
    having = writer.condition(rule.having.node) if rule.having is not None else ""
    body = _body(rule, writer, steps)
    if rule.source:
        zh, en = f"在 {rule.source} 的命中里，", f"among the matches of {rule.source}, "
        body = (zh if writer.zh else en) + body
    if writer.zh:
        extra = f"，且{having}" if having else ""
        return f"同一{same}，{within}内{body}{extra}：{result}。"
    extra = f", and {having}" if having else ""
    return f"For the same {same}, within {within}: {body}{extra}; then {result}."


def _body(rule: CorrelationRule, writer: _Writer, steps: Mapping[str, str]) -> str:
    form = "{0}（{1}）" if writer.zh else "{0} ({1})"
    listed = [form.format(alias, text) for alias, text in steps.items()]
    if rule.count:
        distinct = ""
        if rule.distinct:
            label, least = writer.label(rule.distinct), rule.distinct_at_least
            distinct = (
                f"，至少 {least} 个不同{label}" if writer.zh else f", {least} different {label}"
            )
        if writer.zh:
            return f"至少 {rule.count} 次 {listed[0]}{distinct}"
        return f"at least {rule.count} times {listed[0]}{distinct}"
    text = ("，随后 " if writer.zh else ", then ").join(listed)
    if rule.absent is not None:
        missing = writer.condition(rule.absent.where.node)
        text += (
            f"，其后没有 {rule.absent.alias}（{missing}）"
            if writer.zh
            else (f", and no {rule.absent.alias} ({missing}) follows")
        )
    if rule.none_between is not None:
        between = writer.condition(rule.none_between.node)
        text += (
            f"，其间没有（{between}）" if writer.zh else f", with nothing between where {between}"
        )
    return text
