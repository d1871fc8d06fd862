"""The typed tree of an expression: what every engine is built from.

Numbers in the tree are canonical whole numbers (see `rules.values`); where two sides have different
scales, the node carries the factor that aligns each side, so that engines only multiply.
Truth is three-valued (Kleene): true, false, and unknown where a value is missing, an operation
overflows 64 bits, or a divisor is zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rules.values import Encoded, ValueType


class Span(NamedTuple):
    """Character offsets of a node in its expression's text."""

    start: int
    end: int


class Rounding(StrEnum):
    """How `div` and `round` treat what does not fit the scale."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"
    FLOOR = "floor"
    CEILING = "ceiling"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant in canonical form."""

    value: Encoded
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field of the fact, or of an earlier step's fact when `alias` is not empty."""

    name: str
    type: ValueType
    span: Span
    alias: str = ""


@dataclass(frozen=True, slots=True)
class LetRef:
    """A name defined under `let`, with its definition."""

    name: str
    definition: "Node"
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right`` after each side is multiplied by its factor; op: == != < <= > >=."""

    op: str
    left: "Node"
    right: "Node"
    left_factor: int
    right_factor: int
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Member:
    """``operand in [items]``; the items are canonical at the operand's own scale."""

    operand: "Node"
    items: tuple[Encoded, ...]
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Contained:
    """``operand in field`` where the field is a list."""

    operand: "Node"
    container: "Node"
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class StringTest:
    """``startsWith``, ``endsWith`` or ``contains``, by code point."""

    op: str
    left: "Node"
    right: "Node"
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Has:
    """Whether the fact carries the field. Never unknown."""

    operand: FieldRef
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; unknown stays unknown."""

    operand: "Node"
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """True when all are true, false when one is false, else unknown."""

    operands: tuple["Node", ...]
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """True when one is true, false when all are false, else unknown."""

    operands: tuple["Node", ...]
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``+``, ``-`` or ``*``; the result must fit 64 bits, else unknown."""

    op: str
    left: "Node"
    right: "Node"
    left_factor: int
    right_factor: int
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Divide:
    """``div(a, b, scale, mode)``: left · `left_factor` over right · `right_factor`, rounded.

    `round(x, places)` is the same with a constant divisor. A zero divisor gives unknown.
    """

    left: "Node"
    right: "Node"
    left_factor: int
    right_factor: int
    mode: Rounding
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """``abs``, ``min`` or ``max``; each operand is multiplied by its factor first."""

    function: str
    operands: tuple["Node", ...]
    factors: tuple[int, ...]
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Retag:
    """The same whole number under another type (``seconds(duration)``)."""

    operand: "Node"
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Several:
    """``[a, b]``: several values as evidence (a pair of vouchers). Not comparable."""

    operands: tuple["Node", ...]
    type: ValueType
    span: Span


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value over all facts of a correlation, in event-time order.

    `function` is one of count, first, last, sum, collect, cumulative, distinct; `name` is the field
    (empty for ``count()``). Facts without the field are left out; none at all gives unknown.
    """

    function: str
    name: str
    type: ValueType
    span: Span


Node = (
    Literal
    | FieldRef
    | LetRef
    | Compare
    | Member
    | Contained
    | StringTest
    | Has
    | Not
    | And
    | Or
    | Arithmetic
    | Divide
    | Call
    | Retag
    | Several
    | Aggregate
)


def children(node: Node) -> tuple[Node, ...]:
    """The direct operands of a node, a let's definition included."""
    match node:
        case Literal() | FieldRef() | Aggregate():
            return ()
        case LetRef():
            return (node.definition,)
        case Compare() | StringTest() | Arithmetic() | Divide():
            return (node.left, node.right)
        case Contained():
            return (node.operand, node.container)
        case Member() | Has() | Not() | Retag():
            return (node.operand,)
        case _:
            return node.operands


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, top first."""
    yield node
    for child in children(node):
        yield from walk(child)


def field_names(node: Node) -> set[str]:
    """Names of the fact's own fields that the expression reads."""
    return {part.name for part in walk(node) if isinstance(part, FieldRef) and not part.alias}


def has_arithmetic(node: Node) -> bool:
    """Whether an overflow or a zero divisor can make the expression unknown."""
    return any(isinstance(part, Arithmetic | Divide | Call) for part in walk(node))
