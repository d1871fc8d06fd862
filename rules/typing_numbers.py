"""Types, units and scales of comparisons and arithmetic.

Every rule returns either a typed node or a `Fault`; scales are aligned by whole factors, so that
nothing is rounded unless `div` or `round` says so.
"""

from rules import tree
from rules.allowances import allowance
from rules.faults import Fault
from rules.tree import Node, Rounding, Span
from rules.values import (
    DURATION,
    INTEGER,
    MAX_SCALE,
    NUMERIC,
    PRODUCT_UNIT,
    TEXTUAL,
    TIMESTAMP,
    Base,
    ValueType,
)
from store.clock import parse_rfc3339
from store.types import to_microseconds

#: Scale of intermediate results; what is larger cannot be held in 64 bits anyway.
_MAX_INNER_SCALE = 18
_SECONDS = ValueType(Base.DECIMAL, 6)
_PLAIN = frozenset({Base.INTEGER, Base.DECIMAL})
_TIMES = frozenset({Base.TIMESTAMP, Base.DURATION})


def is_zero_literal(node: Node) -> bool:
    """Whether the node is the constant 0, which has every unit."""
    return isinstance(node, tree.Literal) and node.type.base in NUMERIC and node.value == 0


def _measured_fault(  # noqa: PLR0911 - one way out a fault
    left: Node, right: Node, span: Span
) -> Fault | None:
    """What keeps two numbers from being compared or added."""
    one, other = left.type, right.type
    if one.base in _PLAIN and other.base in _PLAIN:
        return None
    if is_zero_literal(left) or is_zero_literal(right):
        return None
    if one.base is not other.base:
        bare = left if one.base in _PLAIN else right
        measured = other if bare is left else one
        if isinstance(bare, tree.Literal) and measured.unit != PRODUCT_UNIT:
            plain = ValueType(measured.base).describe()
            example = allowance("WITH_UNIT", type=plain, unit=measured.unit)
            return Fault("UNIT_MISSING", bare.span, allowed=example)
        alike = allowance("WITH", type=one.describe(), other=one.describe())
        return Fault("TYPE_MISMATCH", span, allowed=alike)
    if one.unit == other.unit:
        return None
    code = "CURRENCY_MISMATCH" if one.base is Base.MONEY else "UNIT_MISMATCH"
    if PRODUCT_UNIT in {one.unit, other.unit}:
        return Fault(code, span, allowed=allowance("OWN_UNIT"))
    return Fault(code, span, allowed=one.unit)


def comparable(left: Node, right: Node, span: Span) -> Fault | None:
    """What keeps two values from being compared; None when they can be."""
    one, other = left.type.base, right.type.base
    if one in NUMERIC and other in NUMERIC:
        return _measured_fault(left, right, span)
    if one in TEXTUAL and other in TEXTUAL:
        return None
    if one is other and one is not Base.LIST:
        return None
    literal = right if isinstance(right, tree.Literal) else left
    field_type = left.type if literal is right else right.type
    hint: str = ""
    if literal.type.base is Base.STRING and field_type.base in NUMERIC:
        hint = allowance("NO_QUOTES")
    if literal.type.base is Base.INTEGER and field_type.base is Base.DURATION:
        hint = "60s"
    return Fault("TYPE_MISMATCH", literal.span, allowed=field_type.describe(), hint=hint)


def alignment(left: Node, right: Node) -> tuple[Node, Node, int, int]:
    """Both sides with the factors that bring them to one scale; constants are scaled at once."""
    scale = max(left.type.scale, right.type.scale)
    one, one_factor = _scaled(left, scale)
    other, other_factor = _scaled(right, scale)
    return one, other, one_factor, other_factor


def _scaled(node: Node, scale: int) -> tuple[Node, int]:
    factor = 10 ** (scale - node.type.scale)
    if factor != 1 and isinstance(node, tree.Literal) and isinstance(node.value, int):
        base, unit = node.type.base, node.type.unit
        base = Base.DECIMAL if base is Base.INTEGER else base
        return tree.Literal(node.value * factor, ValueType(base, scale, unit), node.span), 1
    return node, factor


def arithmetic(op: str, left: Node, right: Node, span: Span) -> Node | Fault:
    """``left op right`` for + - *."""
    if op == "*":
        return _product(left, right, span)
    if left.type.base in _TIMES and right.type.base in _TIMES:
        return _time_sum(op, left, right, span)
    if left.type.base not in NUMERIC or right.type.base not in NUMERIC:
        wrong = left if left.type.base not in NUMERIC else right
        return Fault("NOT_NUMERIC", wrong.span, allowed=allowance("NUMBER"))
    fault = _measured_fault(left, right, span)
    if fault is not None:
        return fault
    one, other, one_factor, other_factor = alignment(left, right)
    measured = left.type if left.type.base not in _PLAIN else right.type
    base = measured.base
    if base in _PLAIN:
        plain = left.type.base is right.type.base is Base.INTEGER
        base = Base.INTEGER if plain else Base.DECIMAL
    result = ValueType(base, max(left.type.scale, right.type.scale), measured.unit)
    return tree.Arithmetic(op, one, other, one_factor, other_factor, result, span)


def _time_sum(op: str, left: Node, right: Node, span: Span) -> Node | Fault:
    one, other = left.type.base, right.type.base
    result: ValueType | None = None
    if one is other is Base.DURATION or (one is other is Base.TIMESTAMP and op == "-"):
        result = DURATION
    elif one is Base.TIMESTAMP and other is Base.DURATION:
        result = TIMESTAMP
    if result is None:
        return Fault("TYPE_MISMATCH", span, allowed=allowance("TIME_SUM"))
    return tree.Arithmetic(op, left, right, 1, 1, result, span)


def _product(left: Node, right: Node, span: Span) -> Node | Fault:
    one, other = left.type, right.type
    for node in (left, right):
        if node.type.base not in NUMERIC | {Base.DURATION}:
            return Fault("NOT_NUMERIC", node.span, allowed=allowance("NUMBER"))
    if one.base not in _PLAIN and other.base not in _PLAIN:
        return Fault("UNIT_PRODUCT", span, allowed=allowance("TIMES_NUMBER", type=one.describe()))
    measured = other if one.base in _PLAIN else one
    if measured.base is Base.DURATION:
        if Base.DECIMAL in {one.base, other.base}:
            return Fault("NOT_NUMERIC", span, allowed=allowance("TIMES_WHOLE"))
        return tree.Arithmetic("*", left, right, 1, 1, DURATION, span)
    scale = one.scale + other.scale
    if scale > _MAX_INNER_SCALE:
        most = allowance("DIGITS_TOGETHER", most=str(_MAX_INNER_SCALE))
        return Fault("SCALE_EXCEEDED", span, allowed=most)
    base = measured.base
    if base in _PLAIN:
        base = Base.INTEGER if one.base is other.base is Base.INTEGER else Base.DECIMAL
    return tree.Arithmetic("*", left, right, 1, 1, ValueType(base, scale, measured.unit), span)


def _ratio_type(left: ValueType, right: ValueType, scale: int) -> ValueType | None:
    """The type of left / right, or None when the units do not allow it."""
    if right.base in _PLAIN:
        base = Base.DECIMAL if left.base is Base.INTEGER else left.base
        return ValueType(base, scale, left.unit)
    if left.base is right.base and left.unit == right.unit:
        return ValueType(Base.DECIMAL, scale)
    return None


def division(operands: list[Node], mode: Rounding, span: Span, usage: str) -> Node | Fault:
    """``div(a, b, scale, mode)``; the quotient of two equal units is a plain decimal."""
    left, right, places = operands
    if not isinstance(places, tree.Literal) or places.type.base is not Base.INTEGER:
        return Fault("BAD_ARGUMENTS", span, allowed=usage)
    scale = places.value
    if not isinstance(scale, int) or not 0 <= scale <= MAX_SCALE:
        return Fault("BAD_SCALE", places.span, allowed=f"0 … {MAX_SCALE}")
    if left.type.base not in NUMERIC or right.type.base not in NUMERIC:
        wrong = left if left.type.base not in NUMERIC else right
        return Fault("NOT_NUMERIC", wrong.span, allowed=allowance("NUMBER"))
    result = _ratio_type(left.type, right.type, scale)
    if result is None:
        return Fault("UNIT_MISMATCH", span, allowed=allowance("DIVISOR", type=left.type.describe()))
    return _scaled_division(left, right, mode, result, span)


def _scaled_division(
    left: Node, right: Node, mode: Rounding, result: ValueType, span: Span
) -> Node:
    shift = result.scale + right.type.scale - left.type.scale
    left_factor, right_factor = 10 ** max(shift, 0), 10 ** max(-shift, 0)
    return tree.Divide(left, right, left_factor, right_factor, mode, result, span)


def call(function: str, operands: list[Node], span: Span) -> Node | Fault:
    """``abs min max round seconds minutes timestamp``."""
    match function:
        case "abs":
            return _absolute(operands, span)
        case "min" | "max":
            return _extreme(function, operands, span)
        case "round":
            return _round(operands, span)
        case "seconds" | "minutes":
            return _duration_number(function, operands, span)
        case _:
            return _timestamp(operands, span)


def _absolute(operands: list[Node], span: Span) -> Node | Fault:
    if len(operands) != 1:
        return Fault("BAD_ARGUMENTS", span, allowed="abs(number)")
    operand = operands[0]
    if operand.type.base not in NUMERIC | {Base.DURATION}:
        return Fault("NOT_NUMERIC", operand.span, allowed=allowance("NUMBER"))
    return tree.Call("abs", (operand,), (1,), operand.type, span)


def _extreme(function: str, operands: list[Node], span: Span) -> Node | Fault:
    if len(operands) < 2:  # noqa: PLR2004 - the least of one value is no question
        return Fault("BAD_ARGUMENTS", span, allowed=f"{function}(a, b)")
    first = operands[0]
    for operand in operands:
        if operand.type.base not in NUMERIC | {Base.DURATION, Base.TIMESTAMP}:
            return Fault("NOT_NUMERIC", operand.span, allowed=allowance("NUMBER"))
        fault = comparable(first, operand, operand.span)
        if fault is not None:
            return fault
    scale = max(operand.type.scale for operand in operands)
    aligned = [_scaled(operand, scale) for operand in operands]
    measured = next((one.type for one in operands if one.type.base not in _PLAIN), first.type)
    base = measured.base
    if base in _PLAIN:
        whole = all(one.type.base is Base.INTEGER for one in operands)
        base = Base.INTEGER if whole else Base.DECIMAL
    return tree.Call(
        function,
        tuple(node for node, _ in aligned),
        tuple(factor for _, factor in aligned),
        ValueType(base, scale, measured.unit),
        span,
    )


def _round(operands: list[Node], span: Span) -> Node | Fault:
    usage = "round(number, places)"
    if len(operands) != 2:  # noqa: PLR2004 - number and places
        return Fault("BAD_ARGUMENTS", span, allowed=usage)
    one = tree.Literal(1, INTEGER, span)
    return division([operands[0], one, operands[1]], Rounding.HALF_EVEN, span, usage)


def _duration_number(function: str, operands: list[Node], span: Span) -> Node | Fault:
    if len(operands) != 1 or operands[0].type.base is not Base.DURATION:
        return Fault("BAD_ARGUMENTS", span, allowed=f"{function}(duration)")
    seconds = tree.Retag(operands[0], _SECONDS, span)
    if function == "seconds":
        return seconds
    sixty = tree.Literal(60, INTEGER, span)
    # Whole minutes: an integer.
    return _scaled_division(seconds, sixty, Rounding.HALF_EVEN, INTEGER, span)


def _timestamp(operands: list[Node], span: Span) -> Node | Fault:
    fault = Fault("BAD_ARGUMENTS", span, allowed='timestamp("2026-01-31T09:00:00+08:00")')
    if len(operands) != 1 or not isinstance(operands[0], tree.Literal):
        return fault
    text = operands[0].value
    if not isinstance(text, str):
        return fault
    try:
        return tree.Literal(to_microseconds(parse_rfc3339(text)), TIMESTAMP, span)
    except ValueError:
        return fault
