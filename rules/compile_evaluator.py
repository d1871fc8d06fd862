"""One generated function per fact kind: which rules and rows a canonical fact matches.

The function returns whole numbers: a match is ``rule · ROWS + row``; a negative number
``-(rule + 1)`` marks a rule whose truth is unknown and that may raise a data issue. Verdicts with
their why-trace are built from these numbers, for matches only.
"""

import ast
from collections.abc import Callable, Mapping, Sequence

from rules import tree
from rules.compile_predicate import CodeMaker, arguments_of, build, constant, name
from rules.model import HitPolicy, Rule
from rules.tree import Node, has_arithmetic, walk
from rules.values import Encoded

#: More rows than any table may have.
ROWS = 4096
Judge = Callable[[Mapping[str, Encoded]], list[int]]


class _EvaluatorMaker(CodeMaker):
    """Adds locals for computed lets, so that a table computes them once."""

    def __init__(self) -> None:
        super().__init__()
        self._lets: dict[str, str] = {}

    def operand(self, node: Node) -> tuple[list[ast.expr], ast.expr]:
        if isinstance(node, tree.LetRef) and node.name in self._lets:
            local = self._lets[node.name]
            return [ast.Compare(name(local), [ast.IsNot()], [ast.Constant(None)])], name(local)
        return super().operand(node)

    def rule(self, rule: Rule, index: int) -> list[ast.stmt]:
        """Statements that append the matches of one rule."""
        self._lets = {}
        doubt = ast.Expr(_append("hits", -(index + 1))) if _may_raise_issue(rule) else None
        when = None if rule.when is None else self.certainly(rule.when.node, wanted=True)
        lets = self._let_locals(rule)
        body = [*lets, *self._rows(rule, index, doubt)]
        self._lets = {}
        if when is None:
            return body
        otherwise: list[ast.stmt] = []
        if doubt is not None and rule.when is not None:
            refuted = self._refuted(rule)
            refuted.insert(0, self.certainly(rule.when.node, wanted=False))
            otherwise = [ast.If(ast.UnaryOp(ast.Not(), _any(refuted)), [doubt], [])]
        return [ast.If(when, body, otherwise)]

    def _let_locals(self, rule: Rule) -> list[ast.stmt]:
        rows = [row.condition.node for row in rule.rows if row.condition is not None]
        used = {
            part.name: part
            for condition in rows
            for part in walk(condition)
            if isinstance(part, tree.LetRef)
            and isinstance(part.definition, tree.Arithmetic | tree.Divide | tree.Call)
        }
        statements: list[ast.stmt] = []
        for let_name, part in used.items():
            guards, value = super().operand(part.definition)
            local = self.temporary()
            known = ast.IfExp(_all(guards), value, ast.Constant(None))
            statements.append(ast.Assign([ast.Name(local, ast.Store())], known))
            self._lets[let_name] = local
        return statements

    def _refuted(self, rule: Rule) -> list[ast.expr]:
        """One expression: no row can hold. Empty when a row has no condition."""
        parts = [
            self.certainly(row.condition.node, wanted=False)
            for row in rule.rows
            if row.condition is not None
        ]
        return [_all(parts)] if parts and len(parts) == len(rule.rows) else []

    def _rows(self, rule: Rule, index: int, doubt: ast.stmt | None) -> list[ast.stmt]:
        refuted = self._refuted(rule)
        unsure: list[ast.stmt] = []
        if doubt is not None and refuted:
            unsure = [ast.If(ast.UnaryOp(ast.Not(), _all(refuted)), [doubt], [])]
        if rule.hit_policy is HitPolicy.FIRST:
            return self._first(rule, index, unsure)
        local = self.temporary()
        found: list[ast.stmt] = [ast.Assign([ast.Name(local, ast.Store())], _list())]
        for number, row in enumerate(rule.rows):
            hit: ast.stmt = ast.Expr(_append(local, index * ROWS + number))
            if row.condition is not None:
                hit = ast.If(self.certainly(row.condition.node, wanted=True), [hit], [])
            found.append(hit)
        extend: ast.stmt = ast.Expr(
            ast.Call(ast.Attribute(name("hits"), "extend", ast.Load()), [name(local)], [])
        )
        if rule.hit_policy is HitPolicy.UNIQUE:
            second = ast.Subscript(name(local), ast.Slice(ast.Constant(1), None, None), ast.Load())
            several: ast.stmt = ast.Expr(_append("hits", -(index + 1)))
            extend = ast.If(second, [several], [extend])
        return [*found, ast.If(name(local), [extend], unsure)]

    def _first(self, rule: Rule, index: int, unsure: list[ast.stmt]) -> list[ast.stmt]:
        chain = unsure
        for number in reversed(range(len(rule.rows))):
            row = rule.rows[number]
            hit: ast.stmt = ast.Expr(_append("hits", index * ROWS + number))
            if row.condition is None:
                chain = [hit]
            else:
                chain = [ast.If(self.certainly(row.condition.node, wanted=True), [hit], chain)]
        return chain


def _append(target: str, number: int) -> ast.Call:
    return ast.Call(ast.Attribute(name(target), "append", ast.Load()), [constant(number)], [])


def _list() -> ast.List:
    return ast.List([], ast.Load())


def _all(parts: list[ast.expr]) -> ast.expr:
    if not parts:
        return ast.Constant(True)
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)


def _any(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), parts)


def conditions(rule: Rule) -> list[Node]:
    """The rule's conditions: `when` and those of its rows."""
    written = [rule.when, *(row.condition for row in rule.rows)]
    return [expression.node for expression in written if expression is not None]


def _may_raise_issue(rule: Rule) -> bool:
    """Whether an unknown truth of the rule is worth a look: a missing field or an overflow."""
    return bool(rule.on_missing) or any(has_arithmetic(node) for node in conditions(rule))


def compile_judge(rules: Sequence[Rule]) -> Judge:
    """The generated function for all rules of one fact kind.

    Args:
        rules: their order is the order of the numbers that the function returns.
    """
    maker = _EvaluatorMaker()
    body: list[ast.stmt] = []
    for index, rule in enumerate(rules):
        body += maker.rule(rule, index)
    statements = [
        ast.Assign([ast.Name("hits", ast.Store())], _list()),
        *maker.loads("fact"),
        *body,
        ast.Return(name("hits")),
    ]
    judge: Judge = build("judge", arguments_of("fact"), statements)
    return judge
