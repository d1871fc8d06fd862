"""Events from files: NDJSON, JSON, CSV, Excel, Parquet; streaming, good rows kept.

Text may be UTF-8 with or without its mark, UTF-16 with one, or GB18030 (GBK), as Chinese systems
write it; the whole file decides, not its first lines.
"""

import codecs
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Final

from auditlog.events import Event
from auditlog.mapping import EventMapping
from auditlog.port import Reject
from auditlog.reader_json import read_json
from auditlog.reader_table import read_csv, read_parquet, read_xlsx
from auditlog.reading import Reading

SUFFIXES: Final = (
    ".ndjson",
    ".jsonl",
    ".json",
    ".log",
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".parquet",
)

_PIECE: Final = 1024 * 1024
_BROKEN_SHARE: Final = 10
_PACKED: Final = {b"PK\x03\x04": ".xlsx", b"PAR1": ".parquet"}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_file(
    path: Path,
    *,
    now: datetime,
    name: str = "",
    default_arrival: datetime | None = None,
    zone: tzinfo | None = None,
    mapping: EventMapping | None = None,
    told: Callable[[Event, int, Mapping[str, str]], None] | None = None,
) -> Iterator[Event | Reject]:
    """The events of a file in its order, and what could not be read, each with its place.

    Args:
        path: the file; its ending tells the form.
        now: a day after it events are refused.
        name: the name to show, such as that of an upload; else the path's.
        default_arrival: the arrival of rows that name none; None takes their event time.
        zone: the zone of times without an offset; None refuses them.
        mapping: what the company's own names and words mean.
        told: hears of each event the line in which it stood, and its cells in a workbook.

    Yields:
        Events, and a `Reject` for each row or rest of the file that could not be read.
    """
    reading = Reading(name or path.name, now, default_arrival, zone, mapping, told)
    suffix = Path(reading.name).suffix.lower()
    if suffix not in SUFFIXES:
        yield reading.reject("LOG_FILE_FORM", found=suffix, allowed=" ".join(SUFFIXES))
        return
    try:
        form = _packed_form(path)
        if form not in {"", suffix}:
            # told as what it is: read as text it would be a thousand faults without meaning
            yield reading.reject("LOG_FILE_UNREADABLE", found=form, allowed=suffix)
        elif suffix == ".xlsx":
            yield from read_xlsx(path, reading)
        elif suffix == ".parquet":
            yield from read_parquet(path, reading)
        else:
            yield from _text(path, suffix, reading)
    except OSError as error:
        yield reading.reject("LOG_FILE_NOT_OPENED", found=error.strerror or "", allowed=suffix)


def _packed_form(path: Path) -> str:
    """The form that the file's first bytes declare; empty for text."""
    with path.open("rb") as stream:
        head = stream.read(4)
    return next((form for mark, form in _PACKED.items() if head == mark), "")


def _text(path: Path, suffix: str, reading: Reading) -> Iterator[Event | Reject]:
    encoding, clean = find_encoding(path)
    # bytes that are no text become lone surrogates, which the row that holds them is refused for
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    tabular = suffix in {".csv", ".tsv"} or (suffix == ".txt" and not _is_json(path, encoding))
    if not clean and (tabular or errors == "replace"):
        yield reading.reject("LOG_FILE_ENCODING", allowed="UTF-8, GB18030")
    newline = "" if tabular else None
    with path.open(encoding=encoding, errors=errors, newline=newline) as stream:
        yield from _parse(stream, reading, tabular=tabular)


def _parse(stream: IO[str], reading: Reading, *, tabular: bool) -> Iterator[Event | Reject]:
    yield from read_csv(stream, reading) if tabular else read_json(stream, reading)


def _is_json(path: Path, encoding: str) -> bool:
    with path.open(encoding=encoding, errors="replace") as stream:
        return stream.read(_PIECE).lstrip()[:1] in {"{", "["}


def find_encoding(path: Path) -> tuple[str, bool]:
    """The encoding of a text file, and whether all of it can be read in it.

    A few broken bytes in UTF-8 do not make it GB18030: then most of its characters would be broken.
    Nor do single lines of GBK among lines of UTF-8; read as GB18030 the others would be garbled
    without a word.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, _broken(path, encoding)[0] == 0
    broken, foreign = _broken(path, "utf-8")
    if broken * _BROKEN_SHARE <= foreign:
        return "utf-8", broken == 0
    lines, strange = _foreign_lines(path)
    if lines and lines >= strange:
        return "utf-8", False
    if _broken(path, "gb18030")[0] == 0:
        return "gb18030", True
    return "utf-8", False


def _foreign_lines(path: Path) -> tuple[int, int]:
    """Lines beyond ASCII that are UTF-8, and those that are not."""
    lines = strange = 0
    with path.open("rb") as stream:
        while line := stream.readline(_PIECE):
            if not line.isascii():
                try:
                    line.decode()
                except UnicodeDecodeError:
                    strange += 1
                else:
                    lines += 1
    return lines, strange


def _broken(path: Path, encoding: str) -> tuple[int, int]:
    """Broken places, and characters beyond ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    broken = foreign = 0
    with path.open("rb") as stream:
        piece = stream.read(_PIECE)
        while piece:
            following = stream.read(_PIECE)
            text = decoder.decode(piece, final=not following)
            broken += text.count("\N{REPLACEMENT CHARACTER}")
            foreign += 0 if text.isascii() else sum(character > "\x7f" for character in text)
            piece = following
    return broken, foreign
