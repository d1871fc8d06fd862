"""Why a text is no YAML: the parser's complaint as a code, with the place.

The parser speaks English to whoever wrote the file. Here its sentences become codes
(``OPEN_BRACKET``) in the problem's parameter ``yaml``; their words stand in the catalogues as
``yaml.<code>``. A complaint that is not known here is ``OTHER``: place and text, no foreign words.
"""

import re
from typing import Final

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from store.problems import Problem, shorten

_UNKEPT_SAID: Final = "text that cannot be kept"
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
OTHER: Final = "OTHER"
TOO_DEEP: Final = "TOO_DEEP"
#: The parser's sentence, and what it means to the writer of the file; the first that fits counts.
_MEANINGS: Final = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (_UNKEPT_SAID, "CONTROL"),
        (r"character '\\t' that cannot start any token", "TAB"),
        (r"that cannot start any token", "CHARACTER"),
        (r"mapping values are not allowed here|found unexpected ':'", "COLON"),
        (r"could not find expected ':'", "NO_COLON"),
        (r"sequence entries are not allowed here|expected <block end>, but found '-'", "DASH"),
        (r"unexpected end of stream|unexpected document separator", "OPEN_QUOTE"),
        (r"expected ',' or '\]'", "OPEN_BRACKET"),
        (r"expected ',' or '\}'", "OPEN_BRACE"),
        (r"expected <block end>", "INDENT"),
        (r"expected the node content, but found '<stream end>'", "NOT_ENDED"),
        (r"expected the node content", "NO_VALUE"),
        (r"escape", "ESCAPE"),
        (r"indentation|chomping", "BLOCK"),
        (r"single document|document start|document end", "SEVERAL"),
        (r"duplicate key", "REPEATED_KEY"),
        (r"alias|anchor", "ALIAS"),
        (r"tag|expected '!'|expected URI", "TAG"),
        (r"directive|incompatible", "DIRECTIVE"),
    )
)
CODES: Final = frozenset({why for _, why in _MEANINGS} | {"CONTROL", TOO_DEEP, OTHER})


def yaml_fault(fault: Exception, text: str, code: str, file: str) -> Problem:
    """The fault that `fault` tells about `text`.

    Args:
        fault: what the parser raised.
        text: the whole text.
        code: the room's code for a text that is no YAML.
        file: the name that problems show.

    Returns:
        A problem with line and column (1, 1 when the parser named none), the rest of that line as
        `found`, why in the parameter ``yaml``, and the line in which the unended part began in
        ``began``.
    """
    line = column = began = 1
    why = OTHER
    if isinstance(fault, MarkedYAMLError):
        mark = fault.problem_mark or fault.context_mark
        if mark is not None:
            line, column = mark.line + 1, mark.column + 1
        began = fault.context_mark.line + 1 if fault.context_mark is not None else line
        why = _meaning(f"{fault.problem or ''} {fault.context or ''}")
    elif isinstance(fault, ReaderError):
        before = text[: fault.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        why = "CONTROL"
    elif isinstance(fault, RecursionError):
        why = TOO_DEEP
    return Problem(
        code, file, line, column, found=_rest(text, line, column),
        params={"yaml": why, "began": str(began)},
    )  # fmt: skip


def check_scalar(node: ScalarNode) -> None:
    """Refuse a text that nothing can keep or show: escapes may write what a file may not hold.

    Raises:
        MarkedYAMLError: for a NUL or half of a character, with its place.
    """
    if _UNKEPT.search(node.value):
        raise MarkedYAMLError(problem=_UNKEPT_SAID, problem_mark=node.start_mark)


def check_scalars(root: Node | None) -> None:
    """`check_scalar` for every scalar of a document, keys among them.

    Raises:
        MarkedYAMLError: for the first that is refused.
    """
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:  # an anchor stands in several places
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            check_scalar(node)
        elif isinstance(node, MappingNode):
            waiting += [one for pair in reversed(node.value) for one in reversed(pair)]
        elif isinstance(node, SequenceNode):
            waiting += reversed(node.value)


def _meaning(said: str) -> str:
    return next((why for pattern, why in _MEANINGS if pattern.search(said)), OTHER)


def _rest(text: str, line: int, column: int) -> str:
    """What stands at a place, to the end of its line; the end of the text has nothing."""
    lines = text.split("\n")
    return shorten(lines[line - 1][column - 1 :].strip()) if line <= len(lines) else ""
