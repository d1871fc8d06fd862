"""What crosses the socket between client and owner: JSON for the terms, Arrow streams for rows.

A call is one line of JSON (the numbers of rows that follow, and the arguments in a fixed order),
then one Arrow stream for each kind of rows that it brings. An answer is one line of JSON, then,
where the call asks for rows, one Arrow stream, sent in chunks as it is made: what breaks off is
never taken for the end. Times are RFC 3339, decimals text. `OPERATIONS` is the whole protocol; the
address bears its version, which rises with every change of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from itertools import chain
from typing import Any, Final, NamedTuple

import pyarrow as pa
from pydantic import TypeAdapter

from auditlog.arrow_rows import EVENTS, FACTS, REJECTS, STORED, STORED_FACTS, Rows, RowsRefusedError
from auditlog.port import (
    Bucket,
    FactReceipt,
    Group,
    LogPort,
    LogStats,
    Page,
    QuarantinedRow,
    Query,
    Receipt,
    RejectState,
    Scope,
    SqlResult,
)
from store.problems import Problem
from store.types import decimal_text

SOCKET: Final = "log.sock"
VERSION: Final = "/v3/"
HISTORY: Final = "history"
CONTROL_TYPE: Final = "application/json"
ROWS_TYPE: Final = "application/vnd.apache.arrow.stream"
BODY_MOST: Final = 512 * 1024 * 1024


class Operation(NamedTuple):
    """One call of the port.

    Attributes:
        arguments: the type of the argument list, which travels as JSON.
        carried: the kinds of rows that go with the call, each an Arrow stream.
        run: the call itself, with the arguments and the lists of rows.
        result: the type of the answer's JSON part.
        rows: the kind of rows in the answer, None when it is JSON alone.
        split: the result → its JSON part and its rows.
        join: the other way round.
        again: whether a client may repeat it after a broken connection: reads and idempotent
            writes, but not the settling of a quarantined row.
    """

    arguments: TypeAdapter[Any]
    carried: tuple[Rows, ...]
    run: Callable[[LogPort, Any, list[list[Any]]], Any]
    result: TypeAdapter[Any]
    rows: Rows | None
    split: Callable[[Any], tuple[Any, Iterable[Any]]]
    join: Callable[[Any, Any], Any]
    again: bool

    def call(self, arguments: Sequence[Any], carried: Sequence[Sequence[Any]] = ()) -> bytes:
        """The body of a call: one line of JSON, then an Arrow stream for each kind of rows."""
        counts = [len(rows) for rows in carried]
        # the owner checks the types; here a wrong one fails as it is written
        line = self.arguments.dump_json((counts, tuple(arguments)), warnings="error")
        if not carried:
            return line
        body = BytesIO()
        body.write(line + b"\n")
        for kind, rows in zip(self.carried, carried, strict=True):
            kind.write(body, iter(rows))
        return body.getvalue()

    def read_call(self, body: bytes) -> tuple[Any, list[list[Any]]]:
        """The arguments and rows of a body.

        Raises:
            ValueError: when it is no such call, or holds fewer or more rows than it says.
        """
        line, _, rest = body.partition(b"\n") if self.carried else (body, b"", b"")
        counts, arguments = self.arguments.validate_json(line)
        source = pa.BufferReader(rest)
        carried = [list(chain.from_iterable(kind.batches(source))) for kind in self.carried]
        if counts != [len(rows) for rows in carried] or source.tell() != len(rest):
            raise RowsRefusedError("the number of rows is not the one that was announced")
        return arguments, carried

    def head(self, control: Any) -> bytes:
        """The JSON part of an answer; a line of its own where rows follow."""
        line = self.result.dump_json(control)
        return line if self.rows is None else line + b"\n"


def _plain_call(
    arguments: Any, result: Any, run: Callable[[LogPort, Any], Any], *, again: bool = True
) -> Operation:
    """A call that is JSON both ways."""
    return Operation(
        TypeAdapter(tuple[list[int], arguments]), (), lambda log, args, _rows: run(log, args),
        TypeAdapter(result), None, lambda found: (found, ()), lambda control, _rows: control, again,
    )  # fmt: skip


def _writing(
    arguments: Any, carried: tuple[Rows, ...], result: Any,
    run: Callable[[LogPort, Any, list[list[Any]]], Any],
) -> Operation:  # fmt: skip
    """A call that brings rows."""
    return Operation(
        TypeAdapter(tuple[list[int], arguments]), carried, run, TypeAdapter(result), None,
        lambda found: (found, ()), lambda control, _rows: control, again=True,
    )  # fmt: skip


def _reading(
    arguments: Any,
    rows: Rows,
    run: Callable[[LogPort, Any], Any],
    *,
    result: Any = None,
    split: Callable[[Any], tuple[Any, Iterable[Any]]] = lambda found: (None, found),
    join: Callable[[Any, Any], Any] = lambda _control, rows: rows,
) -> Operation:
    """A call whose answer is rows."""
    return Operation(
        TypeAdapter(tuple[list[int], arguments]), (), lambda log, args, _rows: run(log, args),
        TypeAdapter(result), rows, split, join, again=True,
    )  # fmt: skip


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ping": _plain_call(tuple[()], int, lambda _log, _a: 1),
    "append": _writing(
        tuple[()], (EVENTS, REJECTS), Receipt, lambda log, _a, rows: log.append(rows[0], rows[1])
    ),
    "read_after": _reading(tuple[int, int], STORED, lambda log, a: log.read_after(a[0], a[1])),
    "get": _reading(
        tuple[str],
        STORED,
        lambda log, a: log.get(a[0]),
        split=lambda found: (None, () if found is None else (found,)),
        join=lambda _control, rows: next(iter(rows), None),
    ),
    "search": _reading(
        tuple[Query],
        STORED,
        lambda log, a: log.search(a[0]),
        result=str,
        split=lambda page: (page.cursor, page.rows),
        join=lambda cursor, rows: Page(tuple(rows), cursor),
    ),
    "timeline": _reading(
        tuple[str, Scope, int],
        STORED,
        lambda log, a: log.timeline(a[0], orgs=a[1], limit=a[2]),
    ),
    HISTORY: _reading(tuple[Query], STORED, lambda log, a: log.history(a[0])),
    "count": _plain_call(tuple[Query], int, lambda log, a: log.count(a[0])),
    "histogram": _plain_call(
        tuple[Query, int], list[Bucket], lambda log, a: log.histogram(a[0], a[1])
    ),
    "group_by": _plain_call(
        tuple[Query, str, int], list[Group], lambda log, a: log.group_by(a[0], a[1], a[2])
    ),
    "quarantine": _plain_call(
        tuple[RejectState | None, Scope, int, int],
        list[QuarantinedRow],
        lambda log, a: log.quarantine(state=a[0], orgs=a[1], after=a[2], limit=a[3]),
    ),
    "quarantine_read": _plain_call(
        tuple[int], QuarantinedRow | None, lambda log, a: log.quarantine_read(a[0])
    ),
    "quarantine_replay": _plain_call(
        tuple[int, dict[str, Any], str, datetime],
        Receipt | list[Problem],
        lambda log, a: log.quarantine_replay(a[0], a[1], by=a[2], now=a[3]),
        again=False,
    ),
    "quarantine_dismiss": _plain_call(
        tuple[int, str, str, datetime],
        None,
        lambda log, a: log.quarantine_dismiss(a[0], by=a[1], reason=a[2], now=a[3]),
        again=False,
    ),
    "append_facts": _writing(
        tuple[str, datetime],
        (FACTS,),
        FactReceipt,
        lambda log, a, rows: log.append_facts(a[0], rows[0], recorded_at=a[1]),
    ),
    "facts": _reading(
        tuple[str, datetime | None, datetime | None, list[str] | None, Scope, int, int],
        STORED_FACTS,
        lambda log, a: log.facts(
            a[0], since=a[1], until=a[2], hashes=a[3], orgs=a[4], after=a[5], limit=a[6]
        ),
    ),
    "stats": _plain_call(tuple[()], LogStats, lambda log, _a: log.stats()),
    "sql": _plain_call(
        tuple[str, Scope, float, int],
        SqlResult,
        lambda log, a: log.sql(a[0], orgs=a[1], seconds=a[2], limit=a[3]),
    ),
}


def plain(value: Any) -> Any:
    """A database value as JSON: times ISO 8601, decimals and big numbers as text."""
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: Any) -> int | str:
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    return str(value)
