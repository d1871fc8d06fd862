"""Events from JSON text: one object a line (NDJSON), one object, or one array; streaming.

Fractions are read as decimals, never as binary floats; a repeated name in one object is refused,
since two readers would take two different values from it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import IO, Any, Final

import orjson

from auditlog.events import Event
from auditlog.json_array import DECODER, LINE_MOST, ArrayWindow, RepeatedNameError
from auditlog.port import Reject
from auditlog.reading import Reading

_SPACE: Final = " \t\r\n"


_PLAIN: Final = frozenset({str, int, bool, type(None)})
_ALLOWED: Final = '{"event_id": "…", …}'
#: What `surrogateescape` makes of a byte that is no UTF-8.
_ESCAPED_BYTE: Final = re.compile("[\udc80-\udcff]")


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
        head = stream.readline(LINE_MOST)
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
    values = _plain_object(text)
    if values:
        return reading.row(values, line, text)
    if strange := undecoded(text, line, reading):
        return strange
    try:
        values = DECODER.decode(text)
    except RepeatedNameError as error:
        return reading.reject("EVENT_FIELD_REPEATED", line, text, field=str(error), allowed="1")
    except json.JSONDecodeError as error:
        place = {"column": error.colno, "found": text[:60], "allowed": _ALLOWED}
        return reading.reject("EVENT_JSON", line, text, **place)
    except (ValueError, RecursionError):  # a number of 10,000 digits, a thousand brackets
        return reading.reject("EVENT_JSON", line, text, found=text[:60], allowed=_ALLOWED)
    return reading.row(values, line, text)


def undecoded(text: str, line: int, reading: Reading) -> Reject | None:
    """A row that holds bytes which are no UTF-8; None for any other.

    The bytes are kept: as text where they are GB18030 (GBK), so that the row can be mended and
    replayed, else as ``base64:…``.

    Args:
        text: decoded with ``surrogateescape``.
        line: where it stands.
        reading: the terms.
    """
    strange = None if text.isascii() else _ESCAPED_BYTE.search(text)
    if strange is None:
        return None
    data = text.encode("utf-8", "surrogateescape")
    column = strange.start() + 1
    place = {"column": column, "allowed": "UTF-8", "params": {"place": str(column)}}
    try:
        raw = data.decode("gb18030")
    except UnicodeDecodeError:
        raw = f"base64:{b64encode(data).decode()}"
        return reading.reject("EVENT_ENCODING", line, raw, found=text[:60], **place)
    return reading.reject("EVENT_ENCODING", line, raw, found=raw[:60], **place)


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
        DECODER.decode(line)
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
        if len(text) >= LINE_MOST and not text.endswith("\n"):
            yield reading.reject("EVENT_TOO_LARGE", line, text, allowed="256 KB")
            while text and not text.endswith("\n"):
                text = stream.readline(LINE_MOST)
        elif text.strip():
            row = read_line(text.strip(_SPACE), line, reading)
            if not text.endswith("\n") and isinstance(row, Reject) and _is_broken(row):
                row = reading.reject(
                    "LOG_FILE_TRUNCATED", line, text, found=text[-60:], allowed="}"
                )
            yield row
        text = stream.readline(LINE_MOST)
        line += 1


def _is_broken(row: Reject) -> bool:
    return row.problems[0].code == "EVENT_JSON"


def _element(window: ArrayWindow) -> tuple[Any, str, str | None]:
    """The value here, its text, and the name that it holds twice; no text for what is no JSON."""
    twice: str | None = None
    try:
        return *window.value(), twice
    except RepeatedNameError as error:
        twice = str(error)
    except (ValueError, RecursionError):
        return None, "", None
    try:
        return *window.value(plainly=True), twice
    except (ValueError, RecursionError):  # broken behind the name that stands twice
        return None, "", None


def _single(stream: IO[str], head: str, line: int, reading: Reading) -> Iterator[Event | Reject]:
    text = head + stream.read(LINE_MOST + 1)
    if len(text) > LINE_MOST:
        yield reading.reject("EVENT_TOO_LARGE", line, text, allowed="256 KB")
    else:
        yield read_line(text.strip(_SPACE), line, reading)


def _array(
    stream: IO[str], head: str, line: int, reading: Reading, *, by_element: bool
) -> Iterator[Event | Reject]:
    """The elements of one array, held one at a time; a broken one costs itself alone."""
    window = ArrayWindow(stream, head, line, reading)
    window.at = head.index("[") + 1
    element = 0
    between = False  # after an element only a comma or the end may come
    while (mark := window.peek()) != "]":
        if not mark:
            yield reading.reject("LOG_FILE_TRUNCATED", window.line, allowed="]")
            return
        if mark == ",":
            if not between:  # nothing stands before it
                element += 1
                place = element if by_element else window.line
                yield reading.reject("EVENT_JSON", place, mark, found=mark, allowed=_ALLOWED)
            window.at += 1
            between = False
            continue
        element += 1
        start = element if by_element else window.line
        values, raw, twice = _element(window)
        if raw and twice is not None:
            yield reading.reject("EVENT_FIELD_REPEATED", start, raw, field=twice, allowed="1")
        elif raw and not between:
            yield undecoded(raw, start, reading) or reading.row(values, start, raw)
        elif raw:  # a whole value, without the comma that parts it from the one before
            yield reading.reject("EVENT_JSON", start, raw, found=raw[:60], allowed=f", {_ALLOWED}")
        elif broken := window.pass_over():
            yield reading.reject("EVENT_JSON", start, broken, found=broken[:60], allowed=_ALLOWED)
        else:
            # nothing tells where the next element starts, so the rest is one reject
            code = "LOG_FILE_TRUNCATED" if window.ended else "EVENT_JSON"
            rest = window.rest()
            yield reading.reject(code, start, rest, found=rest[:60], allowed=f"{_ALLOWED} ]")
            return
        between = True
