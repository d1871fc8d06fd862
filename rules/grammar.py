"""From text to a raw syntax tree: the grammar of the expression language (a subset of CEL).

The raw tree knows nothing of types. Precedence, loosest first: ``or ||``, ``and &&``, ``not``,
comparisons and ``in``, ``+ -``, ``*``, unary ``- !``.
"""

import functools
from dataclasses import dataclass

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from rules.allowances import allowance
from rules.tree import Span
from store.phrases import Phrase

MAX_CHARACTERS = 4000
_MAX_NESTING = 40
UNITS = ("t", "kg", "g", "oz", "lots", "lot", "bbl", "m3", "mmbtu", "gal")

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction
            | conjunction (_OR conjunction)+            -> any_of
?conjunction: negation
            | negation (_AND negation)+                 -> all_of
?negation: NOT negation                                 -> negate
         | comparison
?comparison: sum COMPARE sum                            -> compare
           | sum _IN operand_list                       -> member
           | sum NOT _IN operand_list                   -> not_member
           | sum
?operand_list: list | reference
?sum: product
    | sum PLUS product                                  -> arithmetic
    | sum MINUS product                                 -> arithmetic
?product: unary
        | product STAR unary                            -> arithmetic
?unary: MINUS unary                                     -> minus
      | BANG unary                                      -> negate
      | postfix
?postfix: atom
        | postfix "." NAME "(" [arguments] ")"          -> method
?atom: literal
     | reference
     | list
     | NAME "(" [arguments] ")"                         -> call
     | NAME "." NAME "(" [arguments] ")"                -> field_method
     | "(" disjunction ")"                              -> group
reference: NAME ["." NAME]
arguments: disjunction ("," disjunction)*
list: "[" [arguments] "]"
literal: DURATION | QUANTITY | MONEY | DECIMAL | INTEGER | STRING | TRUE | FALSE | NULL

_OR: "||" | /or\b/
_AND: "&&" | /and\b/
NOT: /not\b/
BANG: /!(?!=)/
_IN: /in\b/
COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
PLUS: "+"
MINUS: "-"
STAR: "*"
TRUE.4: /true\b/
FALSE.4: /false\b/
NULL.4: /null\b/
DURATION.5: /[0-9]+(ms|s|m|h|d)\b/
QUANTITY.4: /[0-9]+(\.[0-9]+)?[ \t]*(UNITS)\b/
MONEY.4: /[0-9]+(\.[0-9]+)?[ \t]*[A-Z]{3}\b/
DECIMAL.3: /[0-9]+\.[0-9]+/
INTEGER.2: /[0-9]+/
STRING: /"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'/
NAME.1: /(?!(?:and|or|not|in|true|false|null)\b)[A-Za-z_][A-Za-z0-9_]*/
%ignore /[ \t\r\n]+/
"""


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """Where the text stops making sense.

    Attributes:
        code: the problem's code.
        span: the offending characters.
        found: the offending text.
        allowed: what could stand there.
    """

    code: str
    span: Span
    found: str
    allowed: str = ""


_NAMES: dict[str, str] = {
    "COMPARE": "== != < <= > >=",
    "NAME": allowance("FIELD"),
    "DECIMAL": allowance("NUMBER"),
    "INTEGER": allowance("NUMBER"),
    "DURATION": allowance("DURATION"),
    "QUANTITY": allowance("QUANTITY"),
    "MONEY": allowance("MONEY"),
    "STRING": allowance("TEXT"),
    "_OR": "or",
    "_AND": "and",
    "_IN": "in",
    "NOT": "not",
    "BANG": "!",
    "PLUS": "+",
    "MINUS": "-",
    "STAR": "*",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": ",",
    "DOT": ".",
    "TRUE": "true",
    "FALSE": "false",
}


@functools.cache
def _parser() -> Lark:
    grammar = _GRAMMAR.replace("UNITS)", "|".join(UNITS) + ")")
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)


def _expected(names: set[str]) -> Phrase:
    return Phrase.any_of(sorted({_NAMES[name] for name in names if name in _NAMES}))


def _fault(error: UnexpectedInput, text: str) -> SyntaxFault:
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        allowed = _expected(set(error.allowed or ()))
        return SyntaxFault("SYNTAX", Span(at, at + 1), text[at : at + 12], allowed)
    if isinstance(error, UnexpectedToken):
        token = error.token
        if token.type == "$END":
            end = len(text)
            return SyntaxFault("SYNTAX_END", Span(end, end), "", _expected(set(error.expected)))
        at = token.start_pos or 0
        code = "CHAINED_COMPARISON" if token.type == "COMPARE" else "SYNTAX"
        return SyntaxFault(
            code, Span(at, at + len(token)), str(token), _expected(set(error.expected))
        )
    return SyntaxFault("SYNTAX_END", Span(len(text), len(text)), "")


def parse_text(text: str) -> Tree[Token] | Token | SyntaxFault:
    """The raw syntax tree of an expression, or the first place where it is wrong."""
    if len(text) > MAX_CHARACTERS:
        return SyntaxFault("EXPRESSION_TOO_LONG", Span(0, 0), text[:12], str(MAX_CHARACTERS))
    if _nesting(text) > _MAX_NESTING:
        return SyntaxFault("EXPRESSION_TOO_DEEP", Span(0, 0), text[:12], str(_MAX_NESTING))
    try:
        return _parser().parse(text)
    except UnexpectedEOF:
        return SyntaxFault("SYNTAX_END", Span(len(text), len(text)), "")
    except UnexpectedInput as error:
        return _fault(error, text)


def _nesting(text: str) -> int:
    """An upper bound of how deep the expression nests."""
    depth = deepest = run = 0
    for character in text:
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        # A run of signs nests too: --------x.
        run = run + 1 if character in "!-" else 0
        deepest = max(deepest, depth + run)
    return deepest + text.count("not ") // 2
