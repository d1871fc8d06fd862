"""A batch of events on its way into the DuckDB adapter: what is new, known, or known otherwise.

Functions inside the caller's transaction. The batch becomes Arrow once; days, keys and positions
are columns, and single events are looked at only where the batch repeats itself or the log.
"""

from collections.abc import Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from auditlog import duckdb_quarantine
from auditlog.duckdb_schema import SELECTED, event_of, events_table, placed
from auditlog.events import Event
from auditlog.port import Receipt, Reject
from store.problems import Problem

_DAYS_LISTED: Final = 64
_ARRIVAL: Final = attrgetter("arrival_time", "seq")

Identity = tuple[str, str, date]


def append(
    con: duckdb.DuckDBPyConnection,
    events: Sequence[Event],
    rejects: Sequence[Reject],
    *,
    last: int,
    at: datetime,
) -> Receipt:
    """Store what is new.

    Args:
        con: in a transaction.
        events: the batch, in any order; stored by arrival, then `seq`.
        rejects: rows that could not be read.
        last: the last position in the log.
        at: stamps the quarantined rows.
    """
    order = sorted(events, key=_ARRIVAL)
    reused: list[Reject] = []
    duplicates = 0
    if order:
        table = events_table(order)
        keys = table["key"].to_numpy()
        known = _known(con, table) if last else {}
        if known or len(np.unique(keys)) < len(order):
            fresh, duplicates, reused = _sorted_out(order, known)
            table = table.take(pa.array(fresh, pa.int64()))
        if len(table):
            con.register("batch", placed(table, last + 1))
            # DuckDB keeps the order of what it reads; sorting all columns again costs a fifth
            con.execute("INSERT INTO log_events SELECT * FROM batch")
            con.unregister("batch")
            last += len(table)
    rows = [*rejects, *reused]
    quarantined = duckdb_quarantine.add(con, rows, at)
    accepted = len(order) - duplicates - len(reused)
    again = tuple(dict.fromkeys(one.problems[0].params["uid"] for one in reused))
    return Receipt(accepted, duplicates, quarantined, last, len(rows) - quarantined, again)


def _known(con: duckdb.DuckDBPyConnection, batch: pa.Table) -> dict[Identity, Event]:
    """The stored events that share an identity with the batch: those days, narrow columns."""
    days = sorted(pc.unique(batch["day"]).to_pylist())
    if len(days) <= _DAYS_LISTED:
        span = "day IN (" + ", ".join(f"DATE '{day}'" for day in days) + ")"
    else:
        span = f"day BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
    con.register("batch", batch.select(["day", "key"]))
    found = con.execute(
        f"SELECT position FROM log_events SEMI JOIN batch USING (day, key) WHERE {span}"  # noqa: S608 (dates)
    ).fetchall()
    con.unregister("batch")
    if not found:
        return {}
    positions = [position for (position,) in found]
    rows = con.execute(
        f"SELECT {SELECTED} FROM log_events WHERE position BETWEEN ? AND ? "  # noqa: S608 (constants)
        "AND list_contains(?, position)",
        [min(positions), max(positions), positions],
    ).fetchall()
    return {_identity(event): event for event in map(event_of, rows)}


def _sorted_out(
    events: Sequence[Event], known: dict[Identity, Event]
) -> tuple[list[int], int, list[Reject]]:
    """Places of the new events, the number of known ones, and those that reuse an id."""
    fresh: list[int] = []
    reused: list[Reject] = []
    duplicates = 0
    for place, event in enumerate(events):
        there = known.setdefault(_identity(event), event)
        if there is event:
            fresh.append(place)
        elif _same(there, event):
            duplicates += 1
        else:
            reused.append(_reused(event, there))
    return fresh, duplicates, reused


def _identity(event: Event) -> Identity:
    return event.source, event.event_id, event.day


def _same(stored: Event, event: Event) -> bool:
    """Equal but for the arrival, which differs when a batch is sent again."""
    return stored.as_dict() | {"arrival_time": ""} == event.as_dict() | {"arrival_time": ""}


def _reused(event: Event, stored: Event) -> Reject:
    # without the arrival, so that a row sent again is known as the same row
    values: dict[str, Any] = event.as_dict()
    del values["arrival_time"]
    raw = orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()
    problem = Problem(
        "EVENT_ID_REUSED", field="event_id", found=event.event_id, params={"uid": stored.uid}
    )
    return Reject(raw, (problem,), org=event.org)
