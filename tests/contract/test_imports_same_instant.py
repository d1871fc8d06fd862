"""The same file brought twice at the same instant: one wins, the other finds all of it there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from same_instant import ON_POSTGRES, Desk, Doing
from sqlalchemy import Engine, func, select

import trail
from book.read import read_state
from directory import directory_from_mapping
from integrations.errors import UnknownQuarantineRow
from integrations.files import (
    Batch,
    Entry,
    Full,
    ImportResult,
    Kind,
    Terms,
    quarantined,
    read_batch,
    replay,
    take_in,
)
from integrations.tables import StatementRow
from store import UnitOfWork
from store.problems import Problem
from store.schema import table

ORG = "集团/甲"
NOW = datetime(2024, 5, 14, 8, tzinfo=UTC)
HOUSE, _ = directory_from_mapping({"organisations": [{"path": ORG}]})
TERMS = Terms(NOW, HOUSE)
HEAD = "org,account,contract,lots,as_of\n"


@pytest.fixture(name="desk")
def _desk(database: Engine, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def _statement(folder: Path, *rows: str, day: str = "2024-05-14") -> Batch:
    path = folder / "statement.csv"
    path.write_text(HEAD + "".join(f"{ORG},880009,{row},{day}\n" for row in rows))
    return read_batch(path, Kind.POSITIONS, TERMS)


def _bringing(batch: Batch, full: Full | None = None) -> Doing[ImportResult]:
    return "user:settle", lambda uow: take_in(uow, batch, full)


def _lots(desk: Desk) -> dict[str, int]:
    now = datetime(2024, 5, 15, tzinfo=UTC)
    with desk.store.reader() as connection:
        held = read_state(connection, as_of=now, known_at=now).futures
    return {f"{one.product}{one.month}": one.lots for one in held}


@ON_POSTGRES
def test_the_same_full_statement_at_the_same_instant_is_taken_once(desk: Desk, tmp_path: Path):
    before = _statement(tmp_path, "cu2406,20", "cu2407,5", "cu2408,7", day="2024-05-13")
    assert desk.do(_bringing(before)).accepted == 3
    whole = _statement(tmp_path, "cu2406,22", "cu2407,5")
    first, second = desk.together(_bringing(whole, Full()), _bringing(whole, Full()))
    assert (first.accepted, first.duplicates, len(first.closed)) == (2, 0, 1)
    assert (second.accepted, second.duplicates, len(second.closed)) == (0, 2, 0)
    assert (first.refused, second.refused, second.errors) == (False, False, ())
    assert _lots(desk) == {"cu2406": 22, "cu2407": 5}
    with desk.store.reader() as connection:
        rows = table(str(StatementRow.__tablename__))
        assert connection.scalar(select(func.count()).select_from(rows)) == 1
        assert len(trail.find(connection, action="import.file")) == 2  # the one before, and one


@ON_POSTGRES
def test_the_same_bad_row_at_the_same_instant_is_kept_once(desk: Desk, tmp_path: Path):
    batch = _statement(tmp_path, "cu2407,5", "cu2409,zwei")
    first, second = desk.together(_bringing(batch), _bringing(batch))
    assert (first.quarantined, first.already_quarantined) == (1, 0)
    assert (second.quarantined, second.already_quarantined) == (0, 1)
    with desk.store.reader() as connection:
        assert len(quarantined(connection)) == 1


def _mending(number: int) -> Doing[Entry | list[Problem] | str]:
    def run(uow: UnitOfWork) -> Entry | list[Problem] | str:
        try:
            return replay(uow, number, {"lots": "3"}, TERMS)
        except UnknownQuarantineRow:
            return "settled"

    return "user:settle", run


@ON_POSTGRES
def test_a_row_that_two_mend_at_the_same_instant_comes_in_once(desk: Desk, tmp_path: Path):
    desk.do(_bringing(_statement(tmp_path, "cu2406,zwei")))
    with desk.store.reader() as connection:
        (row,) = quarantined(connection)
    first, second = desk.together(_mending(row.number), _mending(row.number))
    assert isinstance(first, Entry)
    assert second == "settled"
    assert _lots(desk) == {"cu2406": 3}
    with desk.store.reader() as connection:
        assert len(trail.find(connection, action="import.row")) == 1
