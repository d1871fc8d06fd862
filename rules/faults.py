"""A fault inside an expression, before the file's line and column are known."""

from dataclasses import dataclass

from rules.tree import Span


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        code: the problem's code.
        span: the offending characters of the expression.
        found: the offending text.
        allowed: what is allowed there.
        hint: a near match.
    """

    code: str
    span: Span
    found: str = ""
    allowed: str = ""
    hint: str = ""
