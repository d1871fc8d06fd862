"""The state in which the trail leaves each work order and alert, against what the tables say.

A table can be written past the product; the trail is the proof. Records are read from the first to
the last, so that an order that was closed without a record is found as well as one that was opened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

import trail
from store.schema import table
from trail.reading import Record
from workorders.levels import Level
from workorders.model import AlertState, State
from workorders.states import TERMINAL

_ORDERS = table("workorders_order")
_ALERTS = table("workorders_alert")
_PAGE: Final = 2_000
_REFUSED: Final = "refused"
#: Their outcome is about the other order, or about the new one.
_OF_ANOTHER: Final = frozenset({"order.merged_in", "order.reopen"})
_STATES: Final = frozenset(one.value for one in State)
_LEVELS: Final = frozenset(one.value for one in Level)
_DECIDED: Final = frozenset(one.value for one in AlertState) - {AlertState.NEW.value}


@dataclass(frozen=True, slots=True)
class Difference:
    """One object of which the table says something else than the trail.

    Attributes:
        object_id: of the work order or alert.
        stored: what stands in the table: the state, and the version where that differs.
        recorded: what the trail's last record about it leaves; empty when it has none.
    """

    object_id: str
    stored: str
    recorded: str


@dataclass(slots=True)
class _Known:
    """What the records so far say of one object."""

    state: str = ""
    version: int = 0
    level: Level | None = None


def differences(connection: Connection) -> list[Difference]:
    """Orders, then alerts, whose state or version is not the recorded one, by their ids.

    The version counts while an order is worked; ends leave none. Objects that the trail knows and
    the tables lack are differences too.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: when the tables cannot be read.
    """
    return [*_orders(connection), *_alerts(connection)]


def _orders(connection: Connection) -> Iterator[Difference]:
    known: dict[str, _Known] = {}
    for one in _records(connection, "work_order"):
        if one.outcome == _REFUSED or not one.action.startswith("order.") or not one.object_id:
            continue
        found = known.setdefault(one.object_id, _Known())
        if one.action == "order.level":
            # a heavier colour has to be acknowledged anew, wherever the order stood
            found.state = State.OPEN.value
        elif one.outcome in _STATES and one.action not in _OF_ANOTHER:
            found.state = one.outcome
        version = one.body.get("version")
        found.version = version if isinstance(version, int) else found.version
    c = _ORDERS.c
    stored = {
        row.id: (row.state, row.version)
        for row in connection.execute(select(c.id, c.state, c.version))
    }
    for object_id in sorted(stored.keys() | known.keys()):
        state, version = stored.get(object_id, ("", 0))
        said = known.get(object_id, _Known())
        if state != said.state:
            yield Difference(object_id, state, said.state)
        elif State(state) not in TERMINAL and version != said.version:
            yield Difference(object_id, f"{state} v{version}", f"{said.state} v{said.version}")


def _alerts(connection: Connection) -> Iterator[Difference]:
    known: dict[str, _Known] = {}
    for one in _records(connection, "alert"):
        found = known.setdefault(one.object_id, _Known())
        if one.kind == "match":
            _matched(found, one)
        elif one.outcome in _DECIDED:
            found.state = one.outcome
    c = _ALERTS.c
    stored = {row.id: row.state for row in connection.execute(select(c.id, c.state))}
    for object_id in sorted(stored.keys() | known.keys()):
        state, said = stored.get(object_id, ""), known.get(object_id, _Known()).state
        if state != said:
            yield Difference(object_id, state, said)


def _matched(found: _Known, one: Record) -> None:
    text = str(one.body.get("level", ""))
    level = Level(text) if text in _LEVELS else None
    rose = level is not None and (found.level is None or level > found.level)
    if not found.state or (rose and found.state == AlertState.DISMISSED.value):
        # what was put aside at a lighter colour waits again under a heavier one
        found.state = AlertState.NEW.value
    if rose:
        found.level = level


def _records(connection: Connection, object_type: str) -> Iterator[Record]:
    after = 0
    while page := trail.find(
        connection,
        kind=("decision", "match"),
        object_type=object_type,
        after_seq=after,
        limit=_PAGE,
    ):
        yield from page
        after = page[-1].seq
