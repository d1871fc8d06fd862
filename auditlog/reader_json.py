"""Events from JSON text: one object a line (NDJSON), one object, or one array; streaming.

Fractions are read as decimals, never as binary floats; a repeated name in one object is refused,
since two readers would take two different values from it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, Final

import orjson

from auditlog.events import Event
from auditlog.port import RAW_BYTES, Reject
from auditlog.reading import Reading

_LINE_MOST: Final = 16 * 1024 * 1024
_PIECE: Final = 256 * 1024
_SPACE: Final = " \t\r\n"
_NOT_SPACE: Final = re.compile(r"[^ \t\r\n]")


class RepeatedNameError(ValueError):
    """One object names the same member twice."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = Counter(name for name, _ in pairs)
        raise RepeatedNameError(names.most_common(1)[0][0])
    return out


_PLAIN: Final = frozenset({str, int, bool, type(None)})
_DECODER: Final = json.JSONDecoder(parse_float=Decimal, object_pairs_hook=_pairs)


def read_json(
    stream: IO[str], reading: Reading, *, by_element: bool = False
) -> Iterator[Event | Reject]:
    """Events and rejects in the order of the file, whichever of the three forms it has.

    Args:
        stream: the text.
        reading: the terms.
        by_element: whether the place of an array's element is its number from 1 instead of its
            line; a body that a program sent has its array on one line.
    """
    head = ""
    line = 1
    while not head.strip():
        head = stream.readline(_LINE_MOST)
        if not head:
            return
        line += not head.strip()
    if head.lstrip()[0] == "[":
        yield from _array(stream, head, line, reading, by_element=by_element)
    elif _complete(head):
        yield from _lines(stream, head, line, reading)
    else:
        yield from _single(stream, head, line, reading)


def read_line(text: str, line: int, reading: Reading) -> Event | Reject:
    """The event of one line."""
    try:
        values = _plain_object(text) or _DECODER.decode(text)
    except RepeatedNameError as error:
        return reading.reject("EVENT_FIELD_REPEATED", line, text, field=str(error))
    except json.JSONDecodeError as error:
        return reading.reject("EVENT_JSON", line, text, column=error.colno, found=text[:60])
    except (ValueError, RecursionError):  # a number of 10,000 digits, a thousand brackets
        return reading.reject("EVENT_JSON", line, text, found=text[:60])
    return reading.row(values, line, text)


def _plain_object(text: str) -> dict[str, Any] | None:
    """The object of a line that holds texts, whole numbers and nothing deeper; else None.

    Such lines, nearly all, can be read by the faster parser: without a backslash every quotation
    mark bounds a name or a text, so their number tells that no name was repeated and dropped.
    """
    if "\\" in text:
        return None
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if type(values) is not dict:
        return None
    types = list(map(type, values.values()))
    if not _PLAIN.issuperset(types) or text.count('"') != 2 * (len(types) + types.count(str)):
        return None
    return values


def _complete(line: str) -> bool:
    """Whether the first line is a whole value; the only line of a cut file counts as one too."""
    if not line.endswith("\n"):
        return True
    try:
        _DECODER.decode(line)
    except RepeatedNameError:
        return True
    except json.JSONDecodeError as error:
        # an object spread over lines ends in the middle of something
        return bool(line[error.pos :].strip())
    except (ValueError, RecursionError):
        return True
    return True


def _lines(stream: IO[str], head: str, line: int, reading: Reading) -> Iterator[Event | Reject]:
    text = head
    while text:
        if len(text) >= _LINE_MOST and not text.endswith("\n"):
            yield reading.reject("EVENT_TOO_LARGE", line, text, allowed="256 KB")
            while text and not text.endswith("\n"):
                text = stream.readline(_LINE_MOST)
        elif text.strip():
            row = read_line(text.strip(_SPACE), line, reading)
            if not text.endswith("\n") and isinstance(row, Reject) and _is_broken(row):
                row = reading.reject("LOG_FILE_TRUNCATED", line, text, found=text[-60:])
            yield row
        text = stream.readline(_LINE_MOST)
        line += 1


def _is_broken(row: Reject) -> bool:
    return row.problems[0].code == "EVENT_JSON"


def _single(stream: IO[str], head: str, line: int, reading: Reading) -> Iterator[Event | Reject]:
    text = head + stream.read(_LINE_MOST + 1)
    if len(text) > _LINE_MOST:
        yield reading.reject("EVENT_TOO_LARGE", line, text, allowed="256 KB")
    else:
        yield read_line(text.strip(_SPACE), line, reading)


def _array(
    stream: IO[str], head: str, line: int, reading: Reading, *, by_element: bool
) -> Iterator[Event | Reject]:
    """The elements of one array, held one at a time."""
    window = _Window(stream, head, line)
    window.at = head.index("[") + 1
    element = 0
    between = False  # after an element only a comma or the end may come
    while (mark := window.peek()) != "]":
        if not mark:
            yield reading.reject("LOG_FILE_TRUNCATED", window.line, allowed="]")
            return
        if mark == "," and between:
            window.at += 1
            between = False
            continue
        element += not between
        start = element if by_element else window.line
        try:
            values, raw = window.value() if not between else (None, "")
        except RepeatedNameError as error:
            yield reading.reject("EVENT_FIELD_REPEATED", start, field=str(error))
            return
        except (ValueError, RecursionError):
            raw = ""
        if not raw:
            # nothing tells where the next element starts, so the rest is one reject
            code = "LOG_FILE_TRUNCATED" if window.ended else "EVENT_JSON"
            yield reading.reject(code, start, window.rest(), found=window.rest()[:60])
            return
        yield reading.row(values, start, raw)
        between = True


class _Window:
    """A stretch of the file around the place that is read."""

    def __init__(self, stream: IO[str], head: str, line: int) -> None:
        self._stream = stream
        self._buffer = head
        self.at = 0
        self.line = line
        self.ended = False

    def peek(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            found = _NOT_SPACE.search(self._buffer, self.at)
            place = found.start() if found else len(self._buffer)
            self.line += self._buffer.count("\n", self.at, place)
            self.at = place
            if found:
                return found[0]
            if not self._more():
                return ""

    def value(self) -> tuple[Any, str]:
        """The JSON value at this place and its text; the place moves behind it."""
        while True:
            try:
                values, end = _DECODER.raw_decode(self._buffer, self.at)
            except RepeatedNameError:
                raise
            except ValueError:
                if not self._more():
                    raise
                continue
            raw = self._buffer[self.at : end]
            self.line += raw.count("\n")
            self.at = end
            return values, raw

    def rest(self) -> str:
        """What stands here, as far as it has been read."""
        return self._buffer[self.at : self.at + RAW_BYTES]

    def _more(self) -> bool:
        if len(self._buffer) - self.at > _LINE_MOST:
            return False
        piece = self._stream.read(_PIECE)
        self.ended = not piece
        self._buffer = self._buffer[self.at :] + piece
        self.at = 0
        return bool(piece)
