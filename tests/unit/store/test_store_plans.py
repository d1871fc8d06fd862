"""Statements that run again and again cost the same, however much there is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import SQLModel

import store.tables  # noqa: F401 - declares them
from store import Store, open_engine, timers

NOW = datetime(2024, 5, 14, 2, 0, tzinfo=UTC)


@pytest.fixture(name="engine")
def _engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'plans.db'}")
    SQLModel.metadata.create_all(made)
    yield made
    made.dispose()


def test_timers_of_one_prefix_are_found_by_their_key_and_not_among_all_armed(engine: Engine):
    house = Store(engine, clock=lambda: NOW)
    with house.unit_of_work("system:test") as uow:
        for key in ("WO-1/ladder/1", "WO-1/resolve/1", "WO-10/ladder/1", "WO-1%/x"):
            timers.set_timer(uow, key=key, kind="k", due_at=NOW)
    ran: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
        ran.append((statement, given))

    event.listen(engine, "before_cursor_execute", keep)
    with house.unit_of_work("system:test") as uow:
        assert timers.cancel(uow, prefix="WO-1/") == 2
        assert timers.cancel(uow, prefix="WO-1%/") == 1
    event.remove(engine, "before_cursor_execute", keep)
    with house.reader() as connection:
        assert [one.key for one in timers.find(connection, "WO-1")] == ["WO-10/ladder/1"]
        changes = [one for one in ran if one[0].startswith("UPDATE store_timer")]
        assert len(changes) == 2
        for statement, given in changes:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
            assert "timer_key>? AND timer_key<?" in str(plan), plan
