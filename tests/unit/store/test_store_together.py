"""Rows that a unit inserts together, and who hears of a commit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from store import Store, UnitOfWork, open_engine, outbox, positions, timers
from store.errors import UnitClosed
from store.schema import metadata, table

NOW = datetime(2024, 5, 14, tzinfo=UTC)


class Statements:
    """What a store's units execute; breaks at the statement that begins with `at`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.at = "nothing"

    def __call__(self, place: str) -> None:
        said = place.removeprefix("statement ")
        self.seen.append(said)
        if said.startswith(self.at):
            raise RuntimeError(said)

    def inserts(self) -> list[str]:
        return [one for one in self.seen if one.startswith("INSERT INTO store_outbox")]


@pytest.fixture(name="statements")
def _statements() -> Statements:
    return Statements()


@pytest.fixture(name="store")
def _store(tmp_path: Path, statements: Statements) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path}/together.db")
    metadata.create_all(engine)
    yield Store(engine, clock=lambda: NOW, failpoint=statements)
    engine.dispose()


def put(uow: UnitOfWork, key: str, **more: Any) -> bool:
    return outbox.put(uow, channel="mail", target="chen", payload={"n": key}, key=key, **more)


def kept(store: Store) -> list[str]:
    with store.reader() as connection:
        return [row.key for row in outbox.pending(connection)]


def test_rows_of_one_unit_go_in_with_one_statement(store: Store, statements: Statements):
    with store.unit_of_work("test") as uow:
        for number in range(5):
            assert put(uow, f"m{number}", first=True)
        assert statements.inserts() == []
    assert len(statements.inserts()) == 1
    assert kept(store) == [f"m{number}" for number in range(5)]


def test_a_read_that_names_the_table_sees_them_however_it_is_written(store: Store):
    with store.unit_of_work("test") as uow:
        put(uow, "m0", first=True, group="g")
        assert [row.key for row in outbox.find(uow.connection, "g")] == ["m0"]
        put(uow, "m1", first=True, group="g")
        assert uow.execute("SELECT count(*) FROM store_outbox").scalar_one() == 2
        put(uow, "m2", first=True, group="g")
        assert outbox.cancel(uow, group="g") == 3
    assert kept(store) == []


def test_a_row_that_waits_is_amended_where_it_stands(store: Store, statements: Statements):
    setting = table("store_position")
    with store.unit_of_work("test") as uow:
        for name in ("a", "b"):
            uow.add(setting, {"name": name, "value": "1", "written_at": NOW})
        assert uow.amend(setting, "a", {"value": "2"})
        assert not uow.amend(setting, "c", {"value": "2"})
        assert positions.read(uow.connection, "a") == "2"
        # Written by the read: who changes it now has to say so to the database.
        assert not uow.amend(setting, "a", {"value": "3"})
    assert not [one for one in statements.seen if one.startswith("UPDATE")]
    with store.reader() as connection:
        assert [positions.read(connection, name) for name in ("a", "b")] == ["2", "1"]


def test_what_stands_in_memory_until_the_end_is_written_with_its_unit(
    store: Store, statements: Statements
):
    for place in ("commit", "nothing"):
        statements.at = place
        came_to: list[int] = []
        try:
            with store.unit_of_work("test") as uow:
                uow.at_end(lambda uow=uow, n=came_to: positions.write(uow, "counted", str(sum(n))))
                came_to += [1, 2]
        except RuntimeError:
            with store.reader() as connection:
                assert positions.read(connection, "counted") is None
    with store.reader() as connection:
        assert positions.read(connection, "counted") == "3"


def test_a_timer_that_is_the_first_of_its_key_goes_in_with_the_others(
    store: Store, statements: Statements
):
    with store.unit_of_work("test") as uow:
        for key in ("a", "b"):
            assert timers.set_timer(uow, key=key, kind="k", due_at=NOW, first=True)
    assert len([one for one in statements.seen if one.startswith("INSERT INTO store_timer")]) == 1
    with store.reader() as connection:
        assert [one.key for one in timers.due(connection, NOW, 9)] == ["a", "b"]
    with pytest.raises(IntegrityError), store.unit_of_work("test") as uow:
        timers.set_timer(uow, key="a", kind="k", due_at=NOW, first=True)


def test_other_statements_leave_them_waiting(store: Store, statements: Statements):
    with store.unit_of_work("test") as uow:
        put(uow, "m0", first=True)
        uow.connection.execute(select(func.count()).select_from(table("store_timer")))
        assert statements.inserts() == []


def test_a_unit_that_fails_leaves_none(store: Store, statements: Statements):
    for place in ("INSERT INTO store_outbox", "commit"):
        statements.at = place
        with pytest.raises(RuntimeError), store.unit_of_work("test") as uow:
            put(uow, "m0", first=True)
    statements.at = "nothing"
    assert kept(store) == []


def test_a_key_that_was_used_all_the_same_makes_the_unit_fail(store: Store):
    with store.unit_of_work("test") as uow:
        put(uow, "m0")
    with pytest.raises(IntegrityError), store.unit_of_work("test") as uow:
        put(uow, "m0", first=True)
    assert kept(store) == ["m0"]


def test_a_closed_unit_takes_no_rows(store: Store):
    with store.unit_of_work("test") as uow:
        pass
    with pytest.raises(UnitClosed):
        uow.add(table("store_outbox"), {})


def test_who_listens_hears_of_every_commit_and_of_no_failure(store: Store):
    heard: list[bool] = []
    store.listen(lambda uow: heard.append(outbox.PUT in uow.buffers))
    with store.unit_of_work("test") as uow:
        uow.execute(text("SELECT 1"))
    with store.unit_of_work("test") as uow:
        put(uow, "m0")
        assert heard == [False]
    with pytest.raises(RuntimeError), store.unit_of_work("test") as uow:
        raise RuntimeError
    assert heard == [False, True]
