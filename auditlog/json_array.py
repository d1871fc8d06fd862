"""One JSON array of a stream, element by element; a broken element is passed over.

Where an element is no JSON, the next one is looked for: at the end that brackets and quotation
marks tell, or at the next whole object that names an id and a time, whichever comes first.
"""

import json
import re
from collections import Counter
from decimal import Decimal
from typing import IO, Any, Final

from auditlog.port import RAW_BYTES
from auditlog.reading import Reading
from auditlog.values import EVENT_BYTES

LINE_MOST: Final = 16 * 1024 * 1024
_PIECE: Final = 256 * 1024
_NOT_SPACE: Final = re.compile(r"[^ \t\r\n]")
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|["\[\]{},]')
_NEXT: Final = re.compile(r",\s*(?={)")
_TRIES_MOST: Final = 1_000
_CLOSES: Final = {"]": "[", "}": "{"}


class RepeatedNameError(ValueError):
    """One object names the same member twice."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = Counter(name for name, _ in pairs)
        raise RepeatedNameError(names.most_common(1)[0][0])
    return out


DECODER: Final = json.JSONDecoder(parse_float=Decimal, object_pairs_hook=_pairs)
_LENIENT: Final = json.JSONDecoder(parse_float=Decimal)


class ArrayWindow:
    """A stretch of the stream around the place that is read.

    Args:
        stream: the text behind `head`.
        head: its first line.
        line: the line of `head`.
        reading: tells which names are an id and a time.

    Attributes:
        at: the place in the stretch.
        line: the line of that place.
        ended: whether the stream has no more.
    """

    def __init__(self, stream: IO[str], head: str, line: int, reading: Reading) -> None:
        self._stream = stream
        self._buffer = head
        self._reading = reading
        self._tries = 0
        self.at = 0
        self.line = line
        self.ended = False

    def peek(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            found = _NOT_SPACE.search(self._buffer, self.at)
            self._move(found.start() if found else len(self._buffer))
            if found:
                return found[0]
            if not self._more():
                return ""

    def value(self, *, plainly: bool = False) -> tuple[Any, str]:
        """The JSON value at this place and its text; the place moves behind it.

        Args:
            plainly: take an object that names a member twice.

        Raises:
            RepeatedNameError: a name stands twice; the place stays.
            ValueError: no JSON stands here; the place stays.
        """
        decoder = _LENIENT if plainly else DECODER
        while True:
            try:
                values, end = decoder.raw_decode(self._buffer, self.at)
            except RepeatedNameError:
                raise
            except ValueError:
                if not self._more():
                    raise
                continue
            raw = self._buffer[self.at : end]
            self._move(end)
            return values, raw

    def pass_over(self) -> str:
        """The broken element here, as text; the place moves behind it.

        Empty, and the place stays, when nothing tells where the next element starts.
        """
        while self._more():
            pass
        found = [end for end in (self._balanced(), self._next_event()) if end]
        if not found:
            return ""
        raw = self._buffer[self.at : min(found)]
        self._move(min(found))
        return raw.rstrip()

    def rest(self) -> str:
        """What stands here, as far as it has been read."""
        return self._buffer[self.at : self.at + RAW_BYTES]

    def _balanced(self) -> int:
        """Where the element ends by its brackets and quotation marks; 0 when they do not tell."""
        open_: list[str] = []
        for token in _TOKEN.finditer(self._buffer, self.at):
            mark = token[0]
            if mark == '"':  # begins a text that does not end on its line
                return 0
            if mark in {"[", "{"}:
                open_.append(mark)
            elif not open_ and mark in {",", "]"}:
                return token.start()
            elif mark in _CLOSES and (not open_ or open_.pop() != _CLOSES[mark]):
                return 0
        return 0

    def _next_event(self) -> int:
        """Where the comma before the next whole event stands; 0 when there is none."""
        for comma in _NEXT.finditer(self._buffer, self.at):
            if self._tries == _TRIES_MOST:
                return 0  # a hostile body must not be read over and over
            stretch = self._buffer[comma.end() : comma.end() + EVENT_BYTES]
            try:
                values, _ = _LENIENT.raw_decode(stretch)
            except (ValueError, RecursionError):
                self._tries += 1
                continue
            if {"event_id", "event_time"} <= {self._reading.target(name) for name in values}:
                return comma.start()
        return 0

    def _move(self, place: int) -> None:
        self.line += self._buffer.count("\n", self.at, place)
        self.at = place

    def _more(self) -> bool:
        if len(self._buffer) - self.at > LINE_MOST:
            return False
        piece = self._stream.read(_PIECE)
        self.ended = not piece
        self._buffer = self._buffer[self.at :] + piece
        self.at = 0
        return bool(piece)
