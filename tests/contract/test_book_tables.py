"""The book keeps the same facts on SQLite and on PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import SQLModel

from book import read_state, snapshots
from book.exposure import compute
from book.snapshot import freeze
from book.state import BookState
from book.write import Dated, put, put_dated, put_snapshot, retire
from store import Store
from tests.unit.book.test_book_database import one_of_each, position
from trail import TrailKeeper, open_keys

AT = datetime(2024, 5, 14, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_facts_corrections_and_snapshots(empty_database: Engine, tmp_path: Path):
    SQLModel.metadata.create_all(empty_database)
    keeper = TrailKeeper(open_keys(tmp_path / "keys").trail)
    store = Store(empty_database, clock=lambda: AT, before_commit=[keeper])
    facts = one_of_each()
    for wanted in (len(facts), 0):
        with store.unit_of_work("system:import") as uow:
            assert put(uow, facts, valid_from=AT, source="erp").inserted == wanted
    later = [Dated(position(7), AT + HOUR), Dated(position(9, org="GA"), AT)]
    with store.unit_of_work("u_1") as uow:
        assert put_dated(uow, [*later, later[0]], source="broker").inserted == 2
        retire(uow, facts[0], valid_from=AT + HOUR, source="erp")
    with store.reader() as connection:
        before = read_state(connection, as_of=AT, known_at=AT, orgs=["G"])
        after = read_state(connection, as_of=AT + HOUR, known_at=AT)
    wanted = BookState().put(*facts)
    assert before == wanted
    assert [p.lots for p in after.futures] == [7, 9]
    assert after.contracts == ()
    snapshot = freeze(before, compute(before, AT), as_of=AT, known_at=AT)
    with store.unit_of_work("u_1") as uow:
        put_snapshot(uow, snapshot, org="G", trading_day=date(2024, 5, 14), purpose="day_end")
    with store.reader() as connection:
        assert snapshots(connection, org="G") == [(date(2024, 5, 14), 1, snapshot)]
