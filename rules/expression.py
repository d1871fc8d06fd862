"""From text to a typed tree: names are resolved, types, units, scales and currencies checked.

All faults of an expression are collected, each with the span of the offending text.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from lark import Token, Tree

from rules import tree, typing_numbers
from rules.allowances import allowance
from rules.faults import Fault
from rules.grammar import SyntaxFault, parse_text
from rules.literals import read_literal
from rules.tree import Node, Span
from rules.typing_numbers import alignment, comparable
from rules.values import (
    BOOLEAN,
    INTEGER,
    NUMERIC,
    TEXTUAL,
    Base,
    Encoded,
    ValueType,
    words,
)
from store.problems import did_you_mean

_TESTS = ("startsWith", "endsWith", "contains")
_FUNCTIONS = (
    *("abs", "div", "has", "max", "min", "minutes", "round", "seconds", "timestamp"),
    *_TESTS,
)
_AGGREGATES = ("collect", "count", "cumulative", "distinct", "first", "last", "sum")
_ORDERED = NUMERIC | {Base.STRING, Base.TIMESTAMP, Base.DURATION}
Raw = Tree[Token] | Token


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may refer to.

    Attributes:
        fields: field name to type of the fact itself.
        lets: names under `let` with their definitions.
        aliases: fields of each earlier step, by alias.
        aggregates: whether functions over all facts of a correlation may be used.
    """

    fields: Mapping[str, ValueType]
    lets: Mapping[str, Node] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, ValueType]] = field(default_factory=dict)
    aggregates: bool = False


def parse_expression(
    text: str, names: Names, *, boolean: bool = False
) -> tuple[Node | None, list[Fault]]:
    """The typed tree of an expression.

    Args:
        text: the expression.
        names: what it may refer to.
        boolean: whether the result must be a truth.

    Returns:
        The tree, or None when there are faults; and the faults.
    """
    raw = parse_text(text)
    if isinstance(raw, SyntaxFault):
        return None, [Fault(raw.code, raw.span, raw.found, raw.allowed)]
    checker = _Checker(text, names)
    node = checker.node(raw)
    if node is not None and boolean:
        checker.expect_truth(node)
    return (None if checker.faults else node), checker.faults


def _span(raw: Raw) -> Span:
    if isinstance(raw, Token):
        return Span(raw.start_pos or 0, raw.end_pos or 0)
    return Span(getattr(raw.meta, "start_pos", 0), getattr(raw.meta, "end_pos", 0))


def _arguments(raw: Raw | None) -> list[Raw]:
    return [] if raw is None else list(cast("Tree[Token]", raw).children)


class _Checker:
    """Types one raw tree."""

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self.names = names
        self.faults: list[Fault] = []

    def fault(self, code: str, span: Span, allowed: str = "", hint: str = "") -> None:
        found = self.text[span.start : span.end]
        self.faults.append(Fault(code, span, found, allowed, hint))

    def expect_truth(self, node: Node) -> bool:
        if node.type.base is Base.BOOLEAN:
            return True
        self.fault("NOT_BOOLEAN", node.span, allowance("CONDITION"))
        return False

    def node(self, raw: Raw) -> Node | None:  # noqa: C901, PLR0911, PLR0912 - one case a construct
        assert isinstance(raw, Tree)  # noqa: S101 - the grammar keeps tokens inside rules
        span = _span(raw)
        parts = raw.children
        match raw.data:
            case "group":
                return self.node(parts[0])
            case "any_of" | "all_of":
                return self._connect(str(raw.data), parts, span)
            case "negate":
                operand = self.node(parts[-1])
                if operand is None or not self.expect_truth(operand):
                    return None
                return tree.Not(operand, BOOLEAN, span)
            case "compare":
                return self._compare(parts, span)
            case "member" | "not_member":
                found = self._member(parts[0], parts[-1], span)
                negated = raw.data == "not_member" and found is not None
                return tree.Not(found, BOOLEAN, span) if negated and found else found
            case "arithmetic":
                left, right = self.node(parts[0]), self.node(parts[2])
                if left is None or right is None:
                    return None
                return self._checked(typing_numbers.arithmetic(str(parts[1]), left, right, span))
            case "minus":
                return self._minus(parts[1], span)
            case "method":
                return self._call(cast("Token", parts[1]), [parts[0], *_arguments(parts[2])], span)
            case "field_method":
                subject = Tree("reference", [parts[0]], raw.meta)
                return self._call(cast("Token", parts[1]), [subject, *_arguments(parts[2])], span)
            case "call":
                return self._call(cast("Token", parts[0]), _arguments(parts[1]), span)
            case "reference":
                return self._reference(cast("list[Token]", parts), span)
            case "list":
                return self._several(_arguments(parts[0]), span)
            case _:
                return self._checked(read_literal(cast("Token", parts[0])))

    def _checked(self, result: Node | Fault) -> Node | None:
        if isinstance(result, Fault):
            span = result.span
            found = result.found or self.text[span.start : span.end]
            self.faults.append(Fault(result.code, span, found, result.allowed, result.hint))
            return None
        return result

    def _nodes(self, raws: Iterable[Raw]) -> list[Node] | None:
        nodes = [self.node(raw) for raw in raws]
        return None if None in nodes else cast("list[Node]", nodes)

    def _connect(self, kind: str, parts: list[Raw], span: Span) -> Node | None:
        operands = self._nodes(parts)
        if operands is None:
            return None
        truths = [self.expect_truth(one) for one in operands]  # every fault, not the first
        if not all(truths):
            return None
        made = tree.Or if kind == "any_of" else tree.And
        return made(tuple(operands), BOOLEAN, span)

    def _compare(self, parts: list[Raw], span: Span) -> Node | None:
        left, right = self.node(parts[0]), self.node(parts[2])
        op = str(parts[1])
        if left is None or right is None:
            return None
        fault = comparable(left, right, span)
        if fault is not None:
            return self._checked(fault)
        for one, other in ((left, right), (right, left)):
            if not self._enum_words(one, [other]):
                return None
        if op not in {"==", "!="} and left.type.base not in _ORDERED:
            self.fault("NOT_ORDERED", span, "== !=")
            return None
        left, right, left_factor, right_factor = alignment(left, right)
        return tree.Compare(op, left, right, left_factor, right_factor, BOOLEAN, span)

    def _enum_words(self, operand: Node, others: Iterable[Node]) -> bool:
        """Whether every text that is compared with an enum is one of its words."""
        if operand.type.base is not Base.ENUM:
            return True
        values, good = operand.type.values, True
        for other in others:
            if not isinstance(other, tree.Literal) or other.value in values:
                continue
            hint = did_you_mean(str(other.value), values)
            self.fault("UNKNOWN_ENUM_VALUE", other.span, words(values), hint)
            good = False
        return good

    def _member(self, raw: Raw, container: Raw, span: Span) -> Node | None:
        operand = self.node(raw)
        if isinstance(container, Tree) and container.data == "reference":
            field_node = self.node(container)
            if operand is None or field_node is None:
                return None
            item = field_node.type.item
            if item is None or not self._same_kind(operand.type, item):
                listed = allowance("LIST", item=operand.type.describe())
                self.fault("TYPE_MISMATCH", field_node.span, listed)
                return None
            return tree.Contained(operand, field_node, BOOLEAN, span)
        items = self._nodes(_arguments(cast("Tree[Token]", container).children[0]))
        if operand is None or items is None:
            return None
        values: list[Encoded] = []
        good = self._enum_words(operand, items)
        for item_node in items:
            fault = comparable(operand, item_node, item_node.span)
            if fault is not None:
                self._checked(fault)
                good = False
                continue
            if not isinstance(item_node, tree.Literal):
                self.fault("NOT_LITERAL", item_node.span, allowance("CONSTANT"))
                good = False
                continue
            _, aligned, operand_factor, _ = alignment(operand, item_node)
            # A constant finer than the operand's scale can never be equal to it.
            if operand_factor == 1:
                values.append(cast("tree.Literal", aligned).value)
        return tree.Member(operand, tuple(values), BOOLEAN, span) if good else None

    @staticmethod
    def _same_kind(left: ValueType, right: ValueType) -> bool:
        return left.base is right.base or {left.base, right.base} <= TEXTUAL

    def _minus(self, raw: Raw, span: Span) -> Node | None:
        operand = self.node(raw)
        if operand is None:
            return None
        if isinstance(operand, tree.Literal) and isinstance(operand.value, int):
            return tree.Literal(-operand.value, operand.type, span)
        return self._checked(
            typing_numbers.arithmetic("-", tree.Literal(0, operand.type, span), operand, span)
        )

    def _reference(self, tokens: list[Token], span: Span) -> Node | None:
        present = [token for token in tokens if token is not None]
        if len(present) == 2:  # noqa: PLR2004 - alias and field
            return self._alias_field(present[0], present[1], span)
        name = str(present[0])
        if name in self.names.lets:
            definition = self.names.lets[name]
            return tree.LetRef(name, definition, definition.type, span)
        found = self.names.fields.get(name)
        if found is None:
            known = [*self.names.fields, *self.names.lets]
            self.fault("UNKNOWN_FIELD", span, words(sorted(known)), did_you_mean(name, known))
            return None
        return tree.FieldRef(name, found, span)

    def _alias_field(self, alias: Token, name: Token, span: Span) -> Node | None:
        fields = self.names.aliases.get(str(alias))
        if fields is None:
            known = list(self.names.aliases)
            hint = did_you_mean(str(alias), known)
            self.fault("UNKNOWN_ALIAS", _span(alias), words(known) or "-", hint)
            return None
        found = fields.get(str(name))
        if found is None:
            hint = did_you_mean(str(name), fields)
            self.fault("UNKNOWN_FIELD", _span(name), words(sorted(fields)), hint)
            return None
        return tree.FieldRef(str(name), found, span, str(alias))

    def _several(self, raws: list[Raw], span: Span) -> Node | None:
        if not self.names.aggregates:
            self.fault("LIST_NOT_ALLOWED", span, "x in [...]")
            return None
        operands = self._nodes(raws)
        if not operands:
            return None
        item = operands[0].type
        return tree.Several(tuple(operands), ValueType(Base.LIST, item=item), span)

    def _call(  # noqa: PLR0911 - one way out a family of functions
        self, name: Token, raws: list[Raw], span: Span
    ) -> Node | None:
        function = str(name)
        if self.names.aggregates and function in _AGGREGATES:
            return self._aggregate(function, raws, span)
        if function not in _FUNCTIONS:
            known = (*_FUNCTIONS, *(_AGGREGATES if self.names.aggregates else ()))
            hint = did_you_mean(function, known)
            self.fault("UNKNOWN_FUNCTION", _span(name), words(known, 30), hint)
            return None
        if function == "div":
            return self._divide(raws, span)
        operands = self._nodes(raws)
        if operands is None:
            return None
        if function == "has":
            return self._has(operands, span)
        if function in _TESTS:
            return self._string_test(function, operands, span)
        return self._checked(typing_numbers.call(function, operands, span))

    def _has(self, operands: list[Node], span: Span) -> Node | None:
        if len(operands) != 1 or not isinstance(operands[0], tree.FieldRef):
            self.fault("BAD_ARGUMENTS", span, "has(field)")
            return None
        return tree.Has(operands[0], BOOLEAN, span)

    def _string_test(self, function: str, operands: list[Node], span: Span) -> Node | None:
        if len(operands) != 2 or any(one.type.base not in TEXTUAL for one in operands):  # noqa: PLR2004 - text and part
            self.fault("BAD_ARGUMENTS", span, f'field.{function}("text")')
            return None
        return tree.StringTest(function, operands[0], operands[1], BOOLEAN, span)

    def _divide(self, raws: list[Raw], span: Span) -> Node | None:
        usage = "div(a, b, scale, mode)"
        if not 3 <= len(raws) <= 4:  # noqa: PLR2004 - mode may be left out
            self.fault("BAD_ARGUMENTS", span, usage)
            return None
        mode = tree.Rounding.HALF_EVEN.value
        if len(raws) == 4:  # noqa: PLR2004 - the mode is a bare word
            mode_span = _span(raws[3])
            mode = self.text[mode_span.start : mode_span.end].strip("\"'")
            if mode not in list(tree.Rounding):
                allowed = words(list(tree.Rounding))
                self.fault("BAD_ROUNDING", mode_span, allowed, did_you_mean(mode, tree.Rounding))
                return None
        operands = self._nodes(itertools.islice(raws, 3))
        if operands is None:
            return None
        return self._checked(typing_numbers.division(operands, tree.Rounding(mode), span, usage))

    def _aggregate(self, function: str, raws: list[Raw], span: Span) -> Node | None:
        if function == "count":
            if raws:
                self.fault("BAD_ARGUMENTS", span, "count()")
                return None
            return tree.Aggregate("count", "", INTEGER, span)
        operands = self._nodes(raws)
        if operands is None:
            return None
        if len(operands) != 1 or not isinstance(operands[0], tree.FieldRef) or operands[0].alias:
            self.fault("BAD_ARGUMENTS", span, f"{function}(field)")
            return None
        operand = operands[0]
        if function in {"sum", "cumulative"} and operand.type.base not in NUMERIC | {Base.DURATION}:
            self.fault("TYPE_MISMATCH", operand.span, allowance("NUMBER"))
            return None
        result = operand.type
        if function == "distinct":
            result = INTEGER
        elif function in {"collect", "cumulative"}:
            result = ValueType(Base.LIST, item=operand.type)
        return tree.Aggregate(function, operand.name, result, span)
