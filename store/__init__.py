"""The database: engine, unit of work, outbox, inbox, timers, leases, migrations."""

from store import inbox, leases, locks, migrate, outbox, positions, schema, tables, timers
from store.clock import Clock, parse_rfc3339, rfc3339, system_clock
from store.engine import is_sqlite, open_engine
from store.errors import (
    DiskFull,
    FolderHeld,
    MissingActor,
    NestedUnit,
    ReadOnly,
    StoreError,
    UnitClosed,
    UnrecordedChange,
)
from store.problems import Problem
from store.unit_of_work import BeforeCommit, Failpoint, Store, UnitOfWork

__all__ = [
    "BeforeCommit",
    "Clock",
    "DiskFull",
    "Failpoint",
    "FolderHeld",
    "MissingActor",
    "NestedUnit",
    "Problem",
    "ReadOnly",
    "Store",
    "StoreError",
    "UnitClosed",
    "UnitOfWork",
    "UnrecordedChange",
    "inbox",
    "is_sqlite",
    "leases",
    "locks",
    "migrate",
    "open_engine",
    "outbox",
    "parse_rfc3339",
    "positions",
    "rfc3339",
    "schema",
    "system_clock",
    "tables",
    "timers",
]
