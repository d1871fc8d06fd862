"""Rows to values and back; the only place that knows the columns."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update
from sqlalchemy import text as sql

from store.schema import table
from store.unit_of_work import UnitOfWork
from workorders import tables
from workorders.errors import ConcurrentChange
from workorders.levels import Level
from workorders.model import (
    Alert,
    AlertState,
    Case,
    Clear,
    Entry,
    EntryKind,
    OrderKind,
    SourceKind,
    State,
    WorkOrder,
)
from workorders.plain import plain

ORDERS = table(str(tables.OrderRow.__tablename__))
ALERTS = table(str(tables.AlertRow.__tablename__))
CASES = table(str(tables.CaseRow.__tablename__))
MATCHES = table(str(tables.MatchRow.__tablename__))
STREAM = table(str(tables.EntryRow.__tablename__))
NOTICES = table(str(tables.NoticeRow.__tablename__))
ASSIGNMENTS = table(str(tables.AssignmentRow.__tablename__))
SILENCES = table(str(tables.SilenceRow.__tablename__))
EXEMPTIONS = table(str(tables.ExemptionRow.__tablename__))
EXEMPTION_SUBJECTS = table(str(tables.ExemptionSubjectRow.__tablename__))
EXEMPTED = table(str(tables.ExemptedRow.__tablename__))
CROSSINGS = table(str(tables.CrossingRow.__tablename__))
HANDOVERS = table(str(tables.HandoverRow.__tablename__))

_ORDER_FIELDS = tuple(item.name for item in fields(WorkOrder))
_ALERT_FIELDS = tuple(item.name for item in fields(Alert))
_ENTRY_FIELDS = tuple(item.name for item in fields(Entry))
# Built once: making a statement anew costs more than running it.
_SAVE_ORDER = (
    update(ORDERS)
    .where(ORDERS.c.id == bindparam("_id"), ORDERS.c.version == bindparam("_was"))
    .values({name: bindparam(name) for name in _ORDER_FIELDS if name != "id"})
)
_SAVE_ALERT = (
    update(ALERTS)
    .where(ALERTS.c.id == bindparam("_id"))
    .values({name: bindparam(name) for name in _ALERT_FIELDS if name != "id"})
)
_SAVE_CASE = (
    update(CASES)
    .where(CASES.c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "org", "cause", "keys", "first_event", "last_event", "batch_run", "order_id"
            )
        }
    )
)  # fmt: skip
_FIND_ORDER = select(ORDERS).where(ORDERS.c.id == bindparam("id"))
_FIND_ORDERS = select(ORDERS).where(ORDERS.c.id.in_(bindparam("ids", expanding=True)))
_LOCK_ORDER = _FIND_ORDER.with_for_update()
_FIND_ALERT = select(ALERTS).where(ALERTS.c.id == bindparam("id"))
_LOCK_ALERT = _FIND_ALERT.with_for_update()
_OF_CASE = (
    select(ALERTS)
    .where(ALERTS.c.case_id == bindparam("case"))
    .order_by(ALERTS.c.raised_at, ALERTS.c.id)
)
_FIND_CASE = select(CASES).where(CASES.c.id == bindparam("id"))
_MARK_STALE = (
    update(NOTICES)
    .where(NOTICES.c.object_id == bindparam("object"), NOTICES.c.state == "sent")
    .values(state="stale")
)
_JSON_LISTS = ("assignees", "tags")


def order_values(order: WorkOrder) -> dict[str, Any]:
    """The columns of an order."""
    values = {name: getattr(order, name) for name in _ORDER_FIELDS}
    for name in ("kind", "level", "state"):
        values[name] = values[name].value
    for name in _JSON_LISTS:
        values[name] = list(values[name])
    for name in ("title_params", "closing"):
        values[name] = plain(values[name])
    values["clears"] = [[clear.rule, clear.fact_key] for clear in order.clears]
    return values


def order_from(row: RowMapping) -> WorkOrder:
    """The order of a row."""
    values = {name: row[name] for name in _ORDER_FIELDS}
    values |= {
        "kind": OrderKind(row["kind"]),
        "level": Level(row["level"]),
        "state": State(row["state"]),
        "assignees": tuple(row["assignees"]),
        "tags": tuple(row["tags"]),
        "clears": tuple(Clear(rule, key) for rule, key in row["clears"]),
    }
    return WorkOrder(**values)


def find_orders(connection: Connection, order_ids: Collection[str]) -> dict[str, WorkOrder]:
    """The orders of these ids, by id; an unknown id is left out."""
    found = connection.execute(_FIND_ORDERS, {"ids": list(order_ids)}).mappings()
    return {row["id"]: order_from(row) for row in found}


def find_order(connection: Connection, order_id: str) -> WorkOrder | None:
    """The order, or None."""
    row = connection.execute(_FIND_ORDER, {"id": order_id}).mappings().first()
    return None if row is None else order_from(row)


def lock_order(uow: UnitOfWork, order_id: str) -> WorkOrder | None:
    """The order, held against other transactions until this one ends; None when there is none."""
    found = uow.execute(_LOCK_ORDER, {"id": order_id})
    row = found.mappings().first()
    return None if row is None else order_from(row)


def insert_order(uow: UnitOfWork, order: WorkOrder) -> None:
    """A new order, and whose lists it stands on."""
    uow.add(ORDERS, order_values(order))
    assign(uow, order.id, order.assignees, new=True)


def save_order(uow: UnitOfWork, order: WorkOrder, *, was: int) -> None:
    """Write an order that was read with `lock_order`, if its version is still `was`.

    Raises:
        ConcurrentChange: when another transaction moved it first.
    """
    result = uow.execute(_SAVE_ORDER, {**order_values(order), "_id": order.id, "_was": was})
    if result.rowcount != 1:
        raise ConcurrentChange(order.id)
    if order.version != was:
        mark_stale(uow, order.id)


def mark_stale(uow: UnitOfWork, object_id: str) -> None:
    """The cards that were delivered about this show what no longer holds."""
    uow.execute(_MARK_STALE, {"object": object_id})


def assign(uow: UnitOfWork, object_id: str, people: tuple[str, ...], *, new: bool = False) -> None:
    """Put an order or an alert on these people's lists, and on nobody else's.

    A `new` one stands on no list yet.
    """
    if not new:
        uow.execute(ASSIGNMENTS.delete().where(ASSIGNMENTS.c.object_id == object_id))
    for person in dict.fromkeys(people):
        uow.add(ASSIGNMENTS, {"object_id": object_id, "person": person})


def alert_values(alert: Alert) -> dict[str, Any]:
    """The columns of an alert."""
    values = {name: getattr(alert, name) for name in _ALERT_FIELDS}
    for name in ("level", "state", "source_kind"):
        values[name] = values[name].value
    values["assignees"] = list(alert.assignees)
    values["evidence"] = plain(alert.evidence)
    return values


def alert_from(row: RowMapping) -> Alert:
    """The alert of a row."""
    values = {name: row[name] for name in _ALERT_FIELDS}
    values |= {
        "level": Level(row["level"]),
        "state": AlertState(row["state"]),
        "source_kind": SourceKind(row["source_kind"]),
        "assignees": tuple(row["assignees"]),
    }
    return Alert(**values)


def find_alert(connection: Connection, alert_id: str) -> Alert | None:
    """The alert, or None."""
    row = connection.execute(_FIND_ALERT, {"id": alert_id}).mappings().first()
    return None if row is None else alert_from(row)


def alerts_of_case(connection: Connection, case_id: str) -> list[Alert]:
    """The case's alerts, first raised first."""
    rows = connection.execute(_OF_CASE, {"case": case_id})
    return [alert_from(row) for row in rows.mappings()]


def lock_alert(uow: UnitOfWork, alert_id: str) -> Alert | None:
    """The alert, held against other transactions until this one ends; None when there is none."""
    found = uow.execute(_LOCK_ALERT, {"id": alert_id})
    row = found.mappings().first()
    return None if row is None else alert_from(row)


def alerts_of_order(connection: Connection, order_id: str) -> list[Alert]:
    """The alerts that an order answers for, first raised first."""
    rows = connection.execute(
        select(ALERTS)
        .where(ALERTS.c.order_id == order_id)
        .order_by(ALERTS.c.raised_at, ALERTS.c.id)
    )
    return [alert_from(row) for row in rows.mappings()]


def save_alert(uow: UnitOfWork, alert: Alert) -> None:
    """Write a changed alert."""
    uow.execute(_SAVE_ALERT, {**alert_values(alert), "_id": alert.id})


def case_from(row: RowMapping) -> Case:
    """The case of a row."""
    return Case(
        id=row["id"],
        org=row["org"],
        cause=row["cause"],
        keys=frozenset(row["keys"]),
        first_event=row["first_event"],
        last_event=row["last_event"],
        batch_run=row["batch_run"],
        order_id=row["order_id"],
    )


def find_case(connection: Connection, case_id: str) -> Case:
    """The case of that id, which must exist."""
    return case_from(connection.execute(_FIND_CASE, {"id": case_id}).mappings().one())


def save_case(uow: UnitOfWork, case: Case, *, new: bool) -> None:
    """Write a case; a new one begins open."""
    values: dict[str, Any] = {
        "org": case.org,
        "cause": case.cause,
        "keys": sorted(case.keys),
        "first_event": case.first_event,
        "last_event": case.last_event,
        "batch_run": case.batch_run,
        "order_id": case.order_id,
    }
    if new:
        uow.add(CASES, {"id": case.id, "state": "open", "merged_into": "", **values})
    elif not uow.amend(CASES, case.id, values):
        uow.execute(_SAVE_CASE, {**values, "_id": case.id})


def entry(
    uow: UnitOfWork,
    kind: EntryKind,
    code: str,
    params: Mapping[str, Any],
    *,
    text: str = "",
    order_id: str = "",
    alert_id: str = "",
    case_id: str = "",
    actor: str = "",
) -> None:
    """Add a line to the stream."""
    uow.add(
        STREAM,
        {
            "at": uow.now,
            "actor": actor or uow.actor,
            "kind": kind.value,
            "code": code,
            "params": plain(params),
            "text": text,
            "order_id": order_id,
            "alert_id": alert_id,
            "case_id": case_id,
        },
    )


def entry_from(row: RowMapping) -> Entry:
    """The stream line of a row."""
    values = {name: row[name] for name in _ENTRY_FIELDS}
    return Entry(**{**values, "kind": EntryKind(row["kind"])})


_COUNT = sql(
    "INSERT INTO workorders_counter (name, last) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET last = workorders_counter.last + 1 RETURNING last"
)


_KEEP_COUNT = sql("UPDATE workorders_counter SET last = :last WHERE name = :name")
_COUNTED = "workorders.counted"


def next_id(uow: UnitOfWork, prefix: str, day: datetime) -> str:
    """The next number of that prefix and day, for example ``WO-20261122-017``.

    The first of a unit locks the counter until the commit; so the unit may count on by itself, and
    writes how far it came at its end.
    """
    name = f"{prefix}-{day:%Y%m%d}"
    counted: dict[str, int] = uow.buffers.setdefault(_COUNTED, {})
    if name in counted:
        counted[name] += 1
    else:
        first = counted[name] = uow.connection.execute(_COUNT, {"name": name}).scalar_one()
        uow.at_end(lambda: _keep_count(uow, name, first))
    return f"{name}-{counted[name]:03d}"


def _keep_count(uow: UnitOfWork, name: str, first: int) -> None:
    last = uow.buffers[_COUNTED][name]
    if last != first:
        uow.execute(_KEEP_COUNT, {"name": name, "last": last})
