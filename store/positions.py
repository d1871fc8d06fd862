"""How far each reader has come; written in the commit that holds what it read."""

from sqlalchemy import Connection, select

from store.schema import table
from store.tables import PositionRow
from store.unit_of_work import UnitOfWork
from store.upsert import insert_or_replace

_POSITION = table(str(PositionRow.__tablename__))


def read(connection: Connection, name: str) -> str | None:
    """The position last written under `name`; None before the first."""
    return connection.scalar(select(_POSITION.c.value).where(_POSITION.c.name == name))


def write(uow: UnitOfWork, name: str, value: str) -> None:
    """Remember `value` as the position of `name`."""
    row = {"name": name, "value": value, "written_at": uow.now}
    insert_or_replace(uow.connection, _POSITION, row, key=("name",))
