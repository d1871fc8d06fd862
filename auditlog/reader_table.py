"""Events from tables: CSV, Excel and Parquet. The first row names the columns."""

import csv
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from auditlog.events import Event
from auditlog.fields import NAMES, TARGET
from auditlog.port import Reject
from auditlog.reading import Reading
from store.problems import did_you_mean

_UNPACKED_MOST: Final = 1024**3
_BATCH: Final = 2000
_HEADER_MOST: Final = 64 * 1024


def read_csv(stream: IO[str], reading: Reading) -> Iterator[Event | Reject]:
    """Rows of comma, semicolon or tab separated text, quoted as RFC 4180 says."""
    head = stream.readline(_HEADER_MOST)
    if not head.strip():
        yield reading.reject("LOG_HEADER", 1, allowed="event_id, event_time, kind, type")
        return
    delimiter = max(",;\t", key=head.count)
    header = next(csv.reader([head], delimiter=delimiter), [])
    fields, faults = _fields(header, reading)
    yield from faults
    if faults:
        return
    rows = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            line = rows.line_num + 1
            if "unexpected end" in str(error):
                yield reading.reject("LOG_FILE_TRUNCATED", line, allowed='"')
                return
            yield reading.reject("LOG_ROW_UNREADABLE", line, found=str(error))
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        line = rows.line_num + 1
        if len(row) != len(fields):
            raw = delimiter.join(row)
            yield reading.reject(
                "LOG_COLUMNS", line, raw, found=str(len(row)), allowed=str(len(fields))
            )
            continue
        yield reading.row(dict(zip(fields, row, strict=True)), line)


def _fields(header: Sequence[object], reading: Reading) -> tuple[list[str], list[Reject]]:
    """The field of each column; a header without an id, or with a field twice, is refused."""
    fields = [reading.field(name) for name in header]
    known = {TARGET[field][0] for field in fields if field in TARGET}
    if "event_id" not in known:
        allowed = ", ".join(NAMES["event_id"])
        hint = next((field for field in fields if did_you_mean(field, NAMES["event_id"])), "")
        return fields, [
            reading.reject("LOG_HEADER", 1, field="event_id", allowed=allowed, hint=hint)
        ]
    twice = [field for field, times in Counter(fields).items() if field and times > 1]
    return fields, [reading.reject("LOG_HEADER_REPEATED", 1, field=field) for field in twice]


def read_xlsx(path: Path, reading: Reading) -> Iterator[Event | Reject]:
    """Rows of every sheet of a workbook that holds any; problems name the cell."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > _UNPACKED_MOST:
            yield reading.reject("LOG_FILE_TOO_LARGE", allowed="1 GB")
            return
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        yield reading.reject("LOG_FILE_UNREADABLE", found=str(error))
        return
    try:
        for sheet in workbook.worksheets:
            yield from _sheet(sheet, reading)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        # the parts of a workbook are unpacked as they are read; SyntaxError is broken XML
        yield reading.reject("LOG_FILE_TRUNCATED", found=str(error))
    finally:
        workbook.close()


def _sheet(sheet: Any, reading: Reading) -> Iterator[Event | Reject]:
    fields: list[str] | None = None
    for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if all(cell is None or cell == "" for cell in row):
            continue
        if fields is None:
            fields, faults = _fields(row, reading)
            yield from faults
            if faults:
                return
            continue
        cells = {
            field: f"{get_column_letter(column)}{line}" for column, field in enumerate(fields, 1)
        }
        # Excel keeps whole numbers as they are; ids such as 19532 are taken as text
        values = {field: cell for field, cell in zip(fields, row, strict=False) if field}
        yield reading.row(values, line, cells=cells)


def read_parquet(path: Path, reading: Reading) -> Iterator[Event | Reject]:
    """Rows of a Parquet file, a batch at a time."""
    try:
        table = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        yield reading.reject("LOG_FILE_UNREADABLE", found=str(error))
        return
    line = 0
    with table:
        fields, faults = _fields(table.schema_arrow.names, reading)
        yield from faults
        if faults:
            return
        try:
            for batch in table.iter_batches(_BATCH):
                for values in batch.rename_columns(fields).to_pylist():
                    line += 1
                    yield reading.row(values, line)
        except (pa.ArrowException, OSError, ValueError) as error:
            yield reading.reject("LOG_FILE_TRUNCATED", line + 1, found=str(error))
