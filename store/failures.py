"""What the machine refused the database, told apart from damage: no room, in use, not reachable.

SQLite says it in the primary result code (the low byte of the extended one), PostgreSQL in the
SQLSTATE.
"""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

DISK_FULL: Final = "DISK_FULL"
DATABASE_BUSY: Final = "DATABASE_BUSY"
DATABASE_OUT_OF_REACH: Final = "DATABASE_OUT_OF_REACH"

_SQLITE: Final = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_BUSY: DATABASE_BUSY,
    sqlite3.SQLITE_LOCKED: DATABASE_BUSY,
    sqlite3.SQLITE_PERM: DATABASE_OUT_OF_REACH,
    sqlite3.SQLITE_CANTOPEN: DATABASE_OUT_OF_REACH,
}
_PRIMARY: Final = 0xFF
_POSTGRES: Final = {"53100": DISK_FULL, "55P03": DATABASE_BUSY}
# connection lost, too many connections or no memory, ended by its operator
_POSTGRES_CLASSES: Final = {
    "08": DATABASE_OUT_OF_REACH,
    "53": DATABASE_OUT_OF_REACH,
    "57": DATABASE_OUT_OF_REACH,
}


def failure_of(error: BaseException) -> str:
    """``DISK_FULL``, ``DATABASE_BUSY``, ``DATABASE_OUT_OF_REACH``; empty for everything else."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        return "" if code is None else _SQLITE.get(code & _PRIMARY, "")
    state = str(getattr(cause, "sqlstate", None) or "")
    return _POSTGRES.get(state) or _POSTGRES_CLASSES.get(state[:2], "")
