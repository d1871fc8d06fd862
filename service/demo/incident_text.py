"""The text of an incident file, taken apart: each incident with the lines on which its parts stand.

UTF-8 with or without its mark, UTF-16 and GB18030 (GBK) are read, as imports are. What stands
before a fault is kept. Fractions are read as decimals, never as binary floats.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditlog.reader_files import find_encoding
from store.problems import Problem, shorten

LARGEST: Final = 256 * 1024 * 1024
ONE: Final = "{id, setup, events, expected}"
LIST: Final = f"[{ONE}, …]"
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DIGITS: Final = 40
_WALKED: Final = ("setup", "expected")
_NONE: Final = "INCIDENTS_NONE"


class Repeated(dict[str, Any]):
    """An object in whose text a name stands twice: which of its values is meant, nobody knows.

    Attributes:
        names: those names.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the list.

    Attributes:
        value: as it stands in the file; an object for an incident.
        line: where it begins.
        lines: the line of each part (``setup.limits``, ``events[3]``).
    """

    value: Any
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)


class Taken(NamedTuple):
    """What a file holds: its elements, what is wrong with it, and whether it is a list at all."""

    elements: tuple[Element, ...]
    problems: tuple[Problem, ...]
    usable: bool


def take_apart(path: Path) -> Taken:
    """The elements of the list in a file; a fault of the file keeps those before it."""
    name = path.name
    try:
        if path.stat().st_size > LARGEST:
            allowed = f"{LARGEST:,}"
            return Taken((), (Problem("FILE_OVERSIZE", file=name, allowed=allowed),), usable=False)
        encoding, clean = find_encoding(path)
        errors = "replace" if encoding == "utf-16" else "surrogateescape"
        text = path.read_text(encoding=encoding, errors=errors)
    except OSError as fault:
        found = shorten(fault.strerror or "")
        return Taken(
            (),
            (Problem("LOG_FILE_NOT_OPENED", file=name, found=found, allowed=".json"),),
            usable=False,
        )
    walk = _Walk(text, name)
    if not clean:
        walk.fault("INCIDENT_FILE_ENCODING", 0, allowed="UTF-8, UTF-16, GB18030")
    usable = walk.read()
    return Taken(tuple(walk.elements), tuple(walk.problems), usable)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = Repeated(found)
    names = [name for name, _ in pairs]
    marked.names = tuple(name for name in found if names.count(name) > 1)
    return marked


def _whole(digits: str) -> int | Decimal:
    # a number of a million digits is refused where it stands; int() would refuse the file
    return int(digits) if len(digits) <= _DIGITS else Decimal("Infinity")


_DECODER: Final = JSONDecoder(
    parse_float=Decimal, parse_int=_whole, parse_constant=Decimal, object_pairs_hook=_object
)


class _Walk:
    """Goes once through the text; values below an incident's parts are the decoder's."""

    def __init__(self, text: str, file: str) -> None:
        self.elements: list[Element] = []
        self.problems: list[Problem] = []
        self._text = text
        self._file = file
        self._at = 0
        self._lines = [found.end() for found in re.finditer("\n", text)]
        self._end = len(text.rstrip(" \t\r\n\0"))

    def fault(self, code: str, place: int, found: str = "", allowed: str = "") -> None:
        """Keep a problem of the file at a place of its text."""
        self.problems.append(
            Problem(code, self._file, self._line(place), found=shorten(found), allowed=allowed)
        )

    def read(self) -> bool:
        """Read the list; False when the file holds none."""
        try:
            if self._next() != "[":
                return self._no_list()
            self._at += 1
            if self._next() == "]":
                self.fault(_NONE, self._at, allowed=LIST)
            else:
                self._elements()
            self._at += 1
            if self._next():
                self._broken(self._at)
        except JSONDecodeError as fault:
            self._broken(fault.pos, cut=fault.msg.startswith("Unterminated"))
        except RecursionError:
            self.fault("JSON_TOO_DEEP", self._at)
        return bool(self.elements) or any(one.code == _NONE for one in self.problems)

    def _no_list(self) -> bool:
        start = self._at
        if self._end == 0:
            self.fault("INCIDENTS_NOT_A_LIST", 0, allowed=LIST)
            return False
        self._value()
        self.fault("INCIDENTS_NOT_A_LIST", start, self._text[start : start + 100], LIST)
        return False

    def _elements(self) -> None:
        while True:
            self._next()
            start = self._at
            lines: dict[str, int] = {}
            value = self._members(lines, "") if self._text[start : start + 1] == "{" else None
            if value is None:
                value = self._value()
            self.elements.append(Element(value, self._line(start), lines))
            if self._comma("]"):
                return

    def _members(self, lines: dict[str, int], prefix: str) -> dict[str, Any]:
        """The object that begins here; the lines of its parts are noted."""
        pairs: list[tuple[str, Any]] = []
        self._at += 1
        if self._next() == "}":
            self._at += 1
            return {}
        while True:
            if self._next() != '"':
                raise JSONDecodeError("Expecting a name", self._text, self._at)
            start = self._at
            key = str(self._value())
            if self._next() != ":":
                raise JSONDecodeError("Expecting ':'", self._text, self._at)
            self._at += 1
            mark = self._next()
            lines[prefix + key] = self._line(start)
            if not prefix and key == "events" and mark == "[":
                pairs.append((key, self._events(lines)))
            elif not prefix and key in _WALKED and mark == "{":
                pairs.append((key, self._members(lines, f"{key}.")))
            else:
                pairs.append((key, self._value()))
            if self._comma("}"):
                self._at += 1
                return _object(pairs)

    def _events(self, lines: dict[str, int]) -> list[Any]:
        found: list[Any] = []
        self._at += 1
        if self._next() == "]":
            self._at += 1
            return found
        while True:
            self._next()
            lines[f"events[{len(found)}]"] = self._line(self._at)
            found.append(self._value())
            if self._comma("]"):
                self._at += 1
                return found

    def _comma(self, end: str) -> bool:
        """Whether `end` stands here; a comma is passed."""
        mark = self._next()
        if mark == end:
            return True
        if mark != ",":
            raise JSONDecodeError("Expecting ','", self._text, self._at)
        self._at += 1
        return False

    def _value(self) -> Any:
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return value

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _broken(self, place: int, *, cut: bool = False) -> None:
        if cut or place >= self._end:
            self.fault("INCIDENT_FILE_CUT", self._end, self._text[max(self._end - 60, 0) :])
        else:
            self.fault("JSON_INVALID", place, self._text[place : place + 60])

    def _line(self, place: int) -> int:
        return bisect_right(self._lines, place) + 1
