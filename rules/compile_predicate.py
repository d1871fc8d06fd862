"""From a typed tree to Python code: `ast` nodes, never text.

Names are generated, and every constant goes through `ast.Constant`, so that no string of a rule
file can become code. A condition is compiled in two two-valued forms, "certainly true" and
"certainly false"; what is neither is unknown. That is exactly Kleene's logic:
a conjunction is certainly false when one operand is, certainly true when all are.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from rules import tree
from rules.errors import NotCompiled
from rules.interpreter import divide
from rules.tree import Node, Rounding
from rules.values import INT64_MAX, INT64_MIN, Encoded

Fact = Mapping[str, Encoded]
#: ``predicate(fact, bound)`` gives True, False or None (unknown).
Predicate = Callable[..., bool | None]

_OPERATORS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_ARITHMETIC: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
_TEST_METHODS = {"startsWith": "startswith", "endsWith": "endswith"}


def _bounded(value: int) -> int | None:
    return value if INT64_MIN <= value <= INT64_MAX else None


def _divided(left: int, right: int, mode: str) -> int | None:
    return None if right == 0 else _bounded(divide(left, right, Rounding(mode)))


#: What generated code may call; nothing else is in its scope.
RUNTIME: dict[str, Any] = {
    "__builtins__": {},
    "r_bounded": _bounded,
    "r_divided": _divided,
    "r_abs": abs,
    "r_min": min,
    "r_max": max,
    "r_empty": {},
}


def name(identifier: str) -> ast.Name:
    """A generated name, read."""
    return ast.Name(identifier, ast.Load())


def constant(value: Encoded) -> ast.Constant:
    """A literal; the only way by which a value of a rule file enters the code."""
    return ast.Constant(value)  # type: ignore[arg-type]


def _and(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)


def _or(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), parts)


def _present(value: ast.expr) -> ast.expr:
    return ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(name(function), list(arguments), [])


class CodeMaker:
    """Makes the code of one function.

    Attributes:
        fields: (alias, field name) to the local variable that holds it; filled as fields are met.
        never_none: locals that the caller has proved present.
    """

    def __init__(self) -> None:
        self.fields: dict[tuple[str, str], str] = {}
        self.never_none: set[str] = set()
        self._temporaries = 0

    def local(self, reference: tree.FieldRef) -> str:
        """The generated local of a field."""
        key = (reference.alias, reference.name)
        return self.fields.setdefault(key, f"f{len(self.fields)}")

    def temporary(self) -> str:
        """A fresh generated name."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    # Values: an expression that yields the value, or None when it is unknown.

    def operand(self, node: Node) -> tuple[list[ast.expr], ast.expr]:
        """Guards that must hold for the value to be known, and the value under those guards."""
        match node:
            case tree.Literal():
                return [], constant(node.value)
            case tree.FieldRef():
                local = self.local(node)
                guards = [] if local in self.never_none else [_present(name(local))]
                return guards, name(local)
            case tree.LetRef():
                return self.operand(node.definition)
            case tree.Retag():
                return self.operand(node.operand)
            case tree.Arithmetic() | tree.Divide() | tree.Call():
                return self._computed(node)
            case tree.Aggregate() | tree.Several():
                raise NotCompiled(type(node).__name__)
            case _:
                return self._truth_value(node)

    def _truth_value(self, node: Node) -> tuple[list[ast.expr], ast.expr]:
        """A boolean expression used as a value (``(a > b) == c``)."""
        known = _or([self.certainly(node, wanted=True), self.certainly(node, wanted=False)])
        return [known], self.certainly(node, wanted=True)

    def _times(self, value: ast.expr, factor: int) -> ast.expr:
        if factor == 1:
            return value
        return ast.BinOp(value, ast.Mult(), constant(factor))

    def _computed(
        self, node: tree.Arithmetic | tree.Divide | tree.Call
    ) -> tuple[list[ast.expr], ast.expr]:
        guards: list[ast.expr] = []
        values: list[ast.expr] = []
        if isinstance(node, tree.Call):
            operands, factors = node.operands, node.factors
        else:
            operands = (node.left, node.right)
            factors = (node.left_factor, node.right_factor)
        for operand, factor in zip(operands, factors, strict=True):
            more, value = self.operand(operand)
            guards += more
            values.append(self._times(value, factor))
        if isinstance(node, tree.Arithmetic):
            result = ast.BinOp(values[0], _ARITHMETIC[node.op](), values[1])
            computed = _call("r_bounded", result)
        elif isinstance(node, tree.Divide):
            computed = _call("r_divided", *values, constant(node.mode.value))
        else:
            computed = _call("r_bounded", _call(f"r_{node.function}", *values))
        # The walrus makes the computed value a guard: behind it, the value is known.
        local = self.temporary()
        guards.append(_present(ast.NamedExpr(ast.Name(local, ast.Store()), computed)))
        return guards, name(local)

    # Conditions: an expression that is certainly true, or certainly false.

    def certainly(  # noqa: PLR0911 - one case a node
        self, node: Node, *, wanted: bool
    ) -> ast.expr:
        """Code that is true when `node` is certainly `wanted`, and false otherwise."""
        match node:
            case tree.Not():
                return self.certainly(node.operand, wanted=not wanted)
            case tree.And() | tree.Or():
                parts = [self.certainly(operand, wanted=wanted) for operand in node.operands]
                return _and(parts) if isinstance(node, tree.And) is wanted else _or(parts)
            case tree.LetRef():
                return self.certainly(node.definition, wanted=wanted)
            case tree.Has():
                op = ast.IsNot() if wanted else ast.Is()
                return ast.Compare(name(self.local(node.operand)), [op], [ast.Constant(None)])
            case tree.Compare():
                return self._compare(node, wanted=wanted)
            case tree.Member():
                return self._member(node, wanted=wanted)
            case tree.Contained():
                guards, values = self._both(node.operand, node.container)
                test = ast.In() if wanted else ast.NotIn()
                return _and([*guards, ast.Compare(values[0], [test], [values[1]])])
            case tree.StringTest():
                return self._string_test(node, wanted=wanted)
            case tree.Literal():
                return constant(node.value is wanted)
            case _:
                _, value = self.operand(node)
                return ast.Compare(value, [ast.Is()], [constant(wanted)])

    def _both(self, left: Node, right: Node) -> tuple[list[ast.expr], list[ast.expr]]:
        left_guards, left_value = self.operand(left)
        right_guards, right_value = self.operand(right)
        return left_guards + right_guards, [left_value, right_value]

    def _compare(self, node: tree.Compare, *, wanted: bool) -> ast.expr:
        guards, (left, right) = self._both(node.left, node.right)
        op = node.op if wanted else _OPPOSITE[node.op]
        left, right = self._times(left, node.left_factor), self._times(right, node.right_factor)
        test = ast.Compare(left, [_OPERATORS[op]()], [right])
        plain = node.left_factor == node.right_factor == 1
        if op == "==" and plain and self._against_constant(node):
            return test  # None equals no constant: no guard needed
        return _and([*guards, test])

    @staticmethod
    def _against_constant(node: tree.Compare) -> bool:
        sides = (node.left, node.right)
        literal = any(isinstance(side, tree.Literal) for side in sides)
        return literal and any(isinstance(side, tree.FieldRef) for side in sides)

    def _member(self, node: tree.Member, *, wanted: bool) -> ast.expr:
        guards, value = self.operand(node.operand)
        items = ast.Tuple([constant(item) for item in node.items], ast.Load())
        test = ast.Compare(value, [ast.In() if wanted else ast.NotIn()], [items])
        if wanted and isinstance(node.operand, tree.FieldRef):
            return test
        return _and([*guards, test])

    def _string_test(self, node: tree.StringTest, *, wanted: bool) -> ast.expr:
        guards, (left, right) = self._both(node.left, node.right)
        if node.op == "contains":
            op = ast.In() if wanted else ast.NotIn()
            return _and([*guards, ast.Compare(right, [op], [left])])
        method = ast.Attribute(left, _TEST_METHODS[node.op], ast.Load())
        test: ast.expr = ast.Call(method, [right], [])
        return _and([*guards, test if wanted else ast.UnaryOp(ast.Not(), test)])

    def loads(self, fact: str, bound: str = "") -> list[ast.stmt]:
        """Statements that read every field met so far into its local."""
        statements: list[ast.stmt] = []
        for (alias, field_name), local in self.fields.items():
            source: ast.expr = name(fact)
            if alias:
                getter = ast.Attribute(name(bound), "get", ast.Load())
                source = ast.Call(getter, [constant(alias), name("r_empty")], [])
            getter = ast.Attribute(source, "get", ast.Load())
            value = ast.Call(getter, [constant(field_name)], [])
            statements.append(ast.Assign([ast.Name(local, ast.Store())], value))
        return statements


def build(function: str, arguments: ast.arguments, body: list[ast.stmt]) -> Callable[..., Any]:
    """A callable from generated statements; its scope holds `RUNTIME` and nothing else."""
    definition = ast.FunctionDef(function, arguments, body, [])
    module = ast.fix_missing_locations(ast.Module([definition], []))
    scope = dict(RUNTIME)
    exec(compile(module, "<rulebook>", "exec"), scope)  # noqa: S102 - our own ast nodes, no text
    made: Callable[..., Any] = scope[function]
    return made


def arguments_of(*names: str, defaults: tuple[ast.expr, ...] = ()) -> ast.arguments:
    """The argument list of a generated function."""
    return ast.arguments([], [ast.arg(one) for one in names], None, [], [], None, list(defaults))


def compile_predicate(node: Node) -> Predicate:
    """A fast predicate from a boolean expression.

    Args:
        node: a typed tree of type boolean, without aggregates.

    Returns:
        ``predicate(fact, bound={})``: `fact` is a canonical fact (`Schema.encode`), `bound` maps
        the aliases of earlier steps to their canonical facts. True, False or None (unknown).

    Raises:
        NotCompiled: when the expression holds an aggregate; the interpreter evaluates those.
    """
    maker = CodeMaker()
    certainly_true = maker.certainly(node, wanted=True)
    certainly_false = maker.certainly(node, wanted=False)
    body = [
        *maker.loads("fact", "bound"),
        ast.If(certainly_true, [ast.Return(ast.Constant(True))], []),
        ast.If(certainly_false, [ast.Return(ast.Constant(False))], []),
        ast.Return(ast.Constant(None)),
    ]
    signature = arguments_of("fact", "bound", defaults=(name("r_empty"),))
    predicate: Predicate = build("predicate", signature, body)
    return predicate
