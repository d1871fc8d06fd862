"""Events from tables: CSV, Excel and Parquet. The first row names the columns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils import get_column_letter

from auditlog.events import Event
from auditlog.fields import NAMES, TARGET
from auditlog.port import Reject
from auditlog.reading import Reading
from auditlog.rows import Fault, Row, text_rows, uneven, workbook_rows
from store.problems import did_you_mean

_BATCH: Final = 2000


def read_csv(stream: IO[str], reading: Reading) -> Iterator[Event | Reject]:
    """Rows of comma, semicolon or tab separated text, quoted as RFC 4180 says."""
    fields: list[str] | None = None
    for row in text_rows(stream):
        if isinstance(row, Fault):
            yield _reject(row, reading)
        elif fields is None:
            fields, faults = _fields(row.values, reading)
            yield from faults
            if faults:
                return
        elif len(row.values) != len(fields):
            found, allowed = str(len(row.values)), str(len(fields))
            raw = row.delimiter.join(row.values)
            field = uneven(fields, len(row.values))
            yield reading.reject(
                "LOG_COLUMNS", row.line, raw, field=field, found=found, allowed=allowed
            )
        else:
            yield reading.row(dict(zip(fields, row.values, strict=True)), row.line)
    if fields is None:
        yield reading.reject("LOG_HEADER", 1, allowed="event_id, event_time, kind, type")


def _kind_of(error: Exception) -> str:
    """The fault's kind; what a library says of it is in its own words, and English."""
    return type(error).__name__


def _reject(fault: Fault, reading: Reading) -> Reject:
    return reading.reject(fault.code, fault.line, found=fault.found, allowed=fault.allowed)


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
    sheet = first = ""
    fields: list[str] | None = None
    for row in workbook_rows(path):
        if isinstance(row, Fault):
            yield _reject(row, reading)
            continue
        if row.sheet != sheet:
            sheet, fields = row.sheet, None
            first = first or sheet
        if fields is None:
            fields, faults = _fields(row.values, reading)
            yield from faults
            # without a usable header the sheet's rows mean nothing
            fields = [] if faults else fields
        elif fields:
            yield _xlsx_row(row, fields, reading, "" if sheet == first else f"{sheet}!")


def _xlsx_row(row: Row, fields: Sequence[str], reading: Reading, prefix: str) -> Event | Reject:
    cells = {
        field: f"{prefix}{get_column_letter(column)}{row.line}"
        for column, field in enumerate(fields, 1)
        if field
    }
    # Excel keeps whole numbers as they are; ids such as 19532 are taken as text
    values = {field: cell for field, cell in zip(fields, row.values, strict=False) if field}
    return reading.row(values, row.line, cells=cells)


def read_parquet(path: Path, reading: Reading) -> Iterator[Event | Reject]:
    """Rows of a Parquet file, a batch at a time."""
    try:
        table = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        yield reading.reject("LOG_FILE_UNREADABLE", found=_kind_of(error), allowed=".parquet")
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
            yield reading.reject(
                "LOG_FILE_CUT", line + 1, found=_kind_of(error), allowed=".parquet"
            )
