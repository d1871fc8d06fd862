"""YAML with the place of every key and value, read without building objects.

Only plain data: mappings, lists and scalars. Aliases, custom tags, duplicate keys, oversized files
and deep nesting are problems. Numbers with a point stay decimal text; no binary float is made.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from store.problems import Problem, shorten
from store.yaml_faults import check_scalars, yaml_fault

MAX_BYTES = 1_000_000
_REMEMBERED_LENGTH = 32_000
_MAX_DEPTH = 40
#: A list or mapping is shown by its beginning; indentation is left out afterwards.
_SHOWN_OF_A_PART = 400
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)
_WORDS = {"true": True, "false": False}

Scalar = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class Place:
    """A 1-based line and column in a file."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One YAML value and where it stands.

    Attributes:
        value: a scalar, a list of entries, or a mapping of key to `Pair`.
        place: where the value starts.
        index: offset of the value in the file's text.
        end: offset behind the value.
        text: the scalar as written after unquoting; empty for lists and mappings.
        quoted: whether the scalar was quoted or a block.
    """

    value: "Scalar | list[Entry] | dict[str, Pair]"
    place: Place
    index: int
    end: int
    text: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """One key of a mapping with its value."""

    key: Entry
    value: Entry


def _scalar(node: ScalarNode) -> Scalar:
    text = str(node.value)
    if node.style:
        return text
    if text in {"", "~", "null"}:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text) if len(text) < 40 else text  # noqa: PLR2004 - far beyond int64
    if _DECIMAL.match(text):
        return Decimal(text)
    return text


class _Reader:
    """Turns composed nodes into entries and collects what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def fault(self, code: str, node: Node, found: str = "") -> None:
        place = self.place(node)
        self.problems.append(
            Problem(code, self.file, place.line, place.column, found=shorten(found))
        )

    def entry(self, node: Node, depth: int = 0) -> Entry:  # noqa: PLR0911 - one way out a fault
        place, start, end = self.place(node), node.start_mark.index, node.end_mark.index
        none = Entry(None, place, start, end)
        if id(node) in self._seen:
            self.fault("YAML_ALIAS", node)
            return none
        self._seen.add(id(node))
        if depth > _MAX_DEPTH:
            self.fault("YAML_TOO_DEEP", node)
            return none
        if str(node.tag) not in _PLAIN_TAGS:
            self.fault("YAML_TAG", node, str(node.tag))
            return none
        if isinstance(node, MappingNode):
            return Entry(self.pairs(node, depth), place, start, end)
        if isinstance(node, SequenceNode):
            items = [self.entry(item, depth + 1) for item in node.value]
            return Entry(items, place, start, end)
        if not isinstance(node, ScalarNode):
            self.fault("YAML_TAG", node, str(node.tag))
            return none
        quoted = bool(node.style)
        return Entry(_scalar(node), place, start, end, text=str(node.value), quoted=quoted)

    def pairs(self, node: MappingNode, depth: int) -> dict[str, Pair]:
        pairs: dict[str, Pair] = {}
        for key_node, value_node in node.value:
            key = self.entry(key_node, depth + 1)
            if not isinstance(key_node, ScalarNode):
                self.fault("YAML_KEY", key_node)
                continue
            if key.text in pairs:
                self.fault("DUPLICATE_KEY", key_node, key.text)
                continue
            pairs[key.text] = Pair(key, self.entry(value_node, depth + 1))
        return pairs


def read_yaml(text: str, file: str) -> tuple[Entry | None, list[Problem]]:
    """Read one YAML document.

    Args:
        text: the file's content.
        file: the name that problems show.

    Returns:
        The root entry (None when the text is no YAML at all) and everything that is wrong. Nobody
        may change the entries: another reader of the same text gets the same ones.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return None, [Problem("FILE_TOO_LARGE", file, allowed=f"{MAX_BYTES // 1_000_000} MB")]
    read = _read if len(text) > _REMEMBERED_LENGTH else _remembered
    root, problems = read(text, file)
    return root, list(problems)


def _read(text: str, file: str) -> tuple[Entry | None, list[Problem]]:
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        check_scalars(node)
    except (YAMLError, RecursionError, ValueError) as error:
        return None, [yaml_fault(error, text, "YAML_SYNTAX", file)]
    if node is None:
        return None, [Problem("FILE_EMPTY", file, 1, 1)]
    reader = _Reader(file)
    root = reader.entry(node)
    return root, reader.problems


# A rulebook is read again by its doctor, its page and its check; a file takes 20 ms.
_remembered = lru_cache(maxsize=128)(_read)


def written(source: str, entry: Entry) -> str:
    """An entry as it stands in the file, on one line and shortened; a scalar without its quotes."""
    if isinstance(entry.value, list | dict):
        return shorten(" ".join(source[entry.index : entry.end][:_SHOWN_OF_A_PART].split()))
    return shorten(entry.text)


def place_in(source: str, entry: Entry, offset: int) -> Place:
    """Where character `offset` of a scalar's value stands in the file.

    Quotes, block indicators and folded line breaks make the written text differ from the value;
    the two are walked side by side over what is not white space.
    """
    raw = source[entry.index : entry.end]
    at = _skip_indicator(raw) if entry.quoted else 0
    value = entry.text
    for position, character in enumerate(value):
        if position >= offset and not character.isspace():
            break
        if character.isspace():
            continue
        while at < len(raw) and raw[at] != character:
            at += 1
        at += 1
    while at < len(raw) and raw[at].isspace():
        at += 1
    before = raw[:at]
    breaks = before.count("\n")
    if not breaks:
        return Place(entry.place.file, entry.place.line, entry.place.column + len(before))
    return Place(entry.place.file, entry.place.line + breaks, len(before) - before.rfind("\n"))


def _skip_indicator(raw: str) -> int:
    if raw[:1] in {"|", ">"}:
        newline = raw.find("\n")
        return len(raw) if newline < 0 else newline + 1
    return 1
