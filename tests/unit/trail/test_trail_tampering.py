"""Every column of every table of the trail, changed in a file as its owner could change it."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import SQLModel
from tests_trail_tables import Ledger

import trail
from trail.merkle import Frontier, leaf_hash

TABLES = {
    "trail_record": "seq",
    "trail_head": "id",
    "trail_checkpoint": "size",
    "trail_blob": "hash",
    "trail_pii": "commitment",
}
QUIET = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, house_at: Callable[[Path], Any]) -> Path:
    """A file with 23 records, blobs, personal values, one of them erased, two checkpoints."""
    folder = tmp_path_factory.mktemp("full")
    house = house_at(folder / "full.db")
    for number in range(20):
        with house.store.unit_of_work("li.wei") as uow:
            blob = trail.put_blob(uow, b"part %d" % number)
            name = trail.commit_personal(uow, subject=f"p{number}", field="mail", value="a@b.cn")
            trail.record(
                uow,
                kind="decision",
                action="order.acknowledge",
                object_type="work_order",
                object_id=f"WO-{number}",
                org="集团/铜业",
                outcome="acknowledged",
                reason="BY_PERSON",
                body={"blobs": {"part": blob}, "personal": {"mail": name}, "n": number},
            )
    for subject in ("p3", "p4", "p17"):
        with house.store.unit_of_work("li.wei") as uow:
            trail.erase_personal(uow, subject=subject, reason="REQUEST")
    assert house.verify().ok
    house.engine.dispose()
    return folder / "full.db"


def copy(source: Path, target: Path) -> sqlite3.Connection:
    """The file elsewhere, without its triggers."""
    connection = sqlite3.connect(target)
    with closing(sqlite3.connect(source)) as original:
        original.backup(connection)
    connection.text_factory = bytes
    names = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
    ]
    for name in names:
        connection.execute(f"DROP TRIGGER {name.decode()}")
    return connection


def changed(value: Any, place: int, mask: int) -> Any:
    """The value with one byte (of a number: one bit) changed."""
    if isinstance(value, int):
        return value ^ (1 << place % 40)
    raw = bytearray(value)
    if not raw:
        return b"x"
    raw[place % len(raw)] ^= mask
    return bytes(raw)


def put(connection: sqlite3.Connection, table: str, column: str, row: int, value: Any) -> None:
    kind = connection.execute(
        f"SELECT typeof({column}) FROM {table} WHERE rowid = ?", (row,)
    ).fetchone()[0]
    mark = "CAST(? AS TEXT)" if kind == b"text" else "?"
    connection.execute(f"UPDATE {table} SET {column} = {mark} WHERE rowid = ?", (value, row))


@QUIET
@given(st.data())
@pytest.mark.parametrize("table", TABLES)
def test_one_byte_changed_anywhere_is_a_fault(
    full: Path,
    house_at: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
    table: str,
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.mktemp("byte") / "copy.db"
    with closing(copy(full, path)) as connection:
        columns = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({table})")]
        column = data.draw(st.sampled_from(columns))
        rows = connection.execute(
            f"SELECT rowid, {column}, {TABLES[table]} FROM {table} WHERE {column} IS NOT NULL"
        ).fetchall()
        row, value, key = rows[data.draw(st.integers(0, len(rows) - 1))]
        new = changed(value, data.draw(st.integers(0, 5_000)), data.draw(st.integers(1, 255)))
        if column == TABLES[table] and isinstance(new, int):
            others = {one[2] for one in rows}
            if new in others:
                return
        put(connection, table, column, row, new)
        connection.commit()
    house = house_at(path)
    report = house.verify()
    house.engine.dispose()
    assert not report.ok, (table, column, key, value, new)
    if table == "trail_record":
        wanted = int(key)
        assert any(one.seq <= wanted <= max(one.last, one.seq) for one in report.faults), report


@pytest.mark.parametrize("column", ["actor", "outcome", "org"])
def test_a_text_that_is_no_text_any_more_is_named_and_ends_nothing(
    full: Path, house_at: Callable[[Path], Any], tmp_path: Path, column: str
) -> None:
    with closing(copy(full, tmp_path / "copy.db")) as connection:
        connection.execute(
            f"UPDATE trail_record SET {column} = CAST(x'ff6c' AS TEXT) WHERE seq = 7"
        )
        connection.execute("DELETE FROM trail_record WHERE seq = 9")
        connection.commit()
    report = house_at(tmp_path / "copy.db").verify()
    assert [(one.code, one.seq) for one in report.faults][:2] == [("COLUMN", 7), ("MISSING", 9)]


def rows_by_seq(connection: sqlite3.Connection) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row for row in connection.execute("SELECT * FROM trail_record")}


def rebuild(connection: sqlite3.Connection, *, until: int | None = None) -> None:
    """Leaves, nodes and head computed anew from the bodies, as an owner of the file could."""
    tree = Frontier()
    for seq, body in connection.execute(
        "SELECT seq, body FROM trail_record ORDER BY seq"
    ).fetchall():
        leaf = leaf_hash(body)
        connection.execute(
            "UPDATE trail_record SET leaf_hash = ?, nodes = ? WHERE seq = ?",
            (leaf, tree.append(leaf), seq),
        )
        if seq == until:
            break
    connection.execute("UPDATE trail_head SET size = ?, frontier = ?", (tree.size, tree.to_bytes()))


@QUIET
@given(st.data())
@pytest.mark.parametrize("nodes_too", [False, True])
def test_swapped_records_are_named_also_with_their_nodes(
    full: Path,
    house_at: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
    nodes_too: bool,
    data: st.DataObject,
) -> None:
    one = data.draw(st.integers(1, 22))
    other = data.draw(st.integers(one + 1, 23))
    path = tmp_path_factory.mktemp("swap") / "copy.db"
    with closing(copy(full, path)) as connection:
        connection.execute("UPDATE trail_record SET seq = -1 WHERE seq = ?", (one,))
        connection.execute("UPDATE trail_record SET seq = ? WHERE seq = ?", (one, other))
        connection.execute("UPDATE trail_record SET seq = ? WHERE seq = -1", (other,))
        if nodes_too:
            rebuild(connection)
        connection.commit()
    house = house_at(path)
    report = house.verify()
    house.engine.dispose()
    named = {seq for fault in report.faults for seq in range(fault.seq, fault.last + 1)}
    assert {one, other} <= named


@QUIET
@given(st.data())
def test_a_swap_that_rewrites_the_numbers_too_is_told_by_tree_or_checkpoint(
    full: Path,
    house_at: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    one = data.draw(st.integers(1, 19))
    other = data.draw(st.integers(one + 1, 20))
    whole = data.draw(st.booleans())
    path = tmp_path_factory.mktemp("swap") / "copy.db"
    with closing(copy(full, path)) as connection:
        rows = rows_by_seq(connection)
        connection.execute("UPDATE trail_record SET uid = 'x' WHERE seq = ?", (one,))
        for seq, source in ((other, rows[one]), (one, rows[other])):
            body = orjson.loads(source[-1]) | {"seq": seq}
            raw = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            connection.execute(
                "UPDATE trail_record SET at=?, actor=CAST(? AS TEXT), object_id=CAST(? AS TEXT),"
                " uid=CAST(? AS TEXT), leaf_hash=?, body=? WHERE seq=?",
                (source[1], source[2], source[6], source[10], leaf_hash(raw), raw, seq),
            )
        if whole:
            rebuild(connection)
        connection.commit()
    house = house_at(path)
    report = house.verify()
    house.engine.dispose()
    named = {seq for fault in report.faults for seq in range(fault.seq, fault.last + 1)}
    assert {one, other} <= named | {seq + 1 for seq in named} | {seq - 1 for seq in named}


@QUIET
@given(st.integers(1, 24), st.booleans())
def test_an_inserted_record_is_named_also_when_all_behind_it_move_up(
    full: Path,
    house_at: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
    at: int,
    nodes_too: bool,
) -> None:
    path = tmp_path_factory.mktemp("insert") / "copy.db"
    with closing(copy(full, path)) as connection:
        copied = rows_by_seq(connection)[min(at, 23)]
        for seq in range(23, at - 1, -1):
            connection.execute("UPDATE trail_record SET seq = seq + 1 WHERE seq = ?", (seq,))
        marks = ", ".join("CAST(? AS TEXT)" if 2 <= n <= 10 else "?" for n in range(14))
        values = (at, *copied[1:10], b"0" * 32, *copied[11:])
        connection.execute(f"INSERT INTO trail_record VALUES ({marks})", values)
        if nodes_too:
            rebuild(connection)
        connection.commit()
    house = house_at(path)
    report = house.verify()
    house.engine.dispose()
    assert any(one.seq <= at <= one.last for one in report.faults)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO trail_head SELECT 2, size, frontier, 0, checkpoint_at FROM trail_head",
        "UPDATE trail_head SET frontier = 'text'",
        "UPDATE trail_head SET size = 'many'",
        "UPDATE trail_head SET size = 9000000000000000000",
        "UPDATE trail_head SET checkpoint_at = 'never'",
        "UPDATE trail_head SET checkpoint_size = 10",
        "UPDATE trail_checkpoint SET root = 'text' WHERE size = 10",
        "UPDATE trail_checkpoint SET note = x'ff' WHERE size = 10",
        "UPDATE trail_checkpoint SET note = note || '— other/key AAAAAAAA' || char(10)",
        "UPDATE trail_blob SET content = 7",
        "UPDATE trail_blob SET hash = hash || '''' WHERE rowid = 1",
        "UPDATE trail_pii SET committed_at = 'x'",
        "UPDATE trail_pii SET erased_at = 5 WHERE subject = 'p1'",
        "UPDATE trail_pii SET erased_at = 5, salt = NULL, value = NULL WHERE subject = 'p1'",
        "UPDATE trail_pii SET erased_at = 'x', value = 5 WHERE subject = 'p1'",
        "UPDATE trail_pii SET subject = 'p2' WHERE subject = 'p1'",
        "DELETE FROM trail_pii WHERE subject = 'p1'",
        "DELETE FROM trail_pii WHERE subject = 'p3'",
        "UPDATE trail_record SET seq = 8000000000000000000 WHERE seq = 23",
        "UPDATE trail_record SET at = 'x' WHERE seq = 3",
    ],
)
def test_whatever_is_put_into_the_tables_is_a_fault_and_no_crash(
    full: Path, house_at: Callable[[Path], Any], tmp_path: Path, statement: str
) -> None:
    with closing(copy(full, tmp_path / "copy.db")) as connection:
        connection.execute(statement)
        connection.commit()
    assert not house_at(tmp_path / "copy.db").verify().ok


def test_a_damaged_file_is_a_fault_that_names_the_place(
    full: Path, house_at: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = tmp_path / "copy.db"
    with closing(copy(full, path)) as connection:
        pages = (
            [
                row[0]
                for row in connection.execute(
                    "SELECT pageno FROM dbstat WHERE name = 'trail_record' AND pagetype = 'leaf'"
                )
            ]
            if _has_dbstat(connection)
            else [
                connection.execute(
                    "SELECT rootpage FROM sqlite_master WHERE name='trail_record'"
                ).fetchone()[0]
            ]
        )
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((pages[-1] - 1) * size)
        file.write(random.Random(1).randbytes(size))
    report = house_at(path).verify()
    assert not report.ok
    assert report.faults[0].code in {"UNREADABLE", "MISSING"}


def _has_dbstat(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1 FROM dbstat LIMIT 1")
    except sqlite3.OperationalError:
        return False
    return True


# --- what other tables know ----------------------------------------------------------------------

EMPTY = (
    "DELETE FROM trail_record",
    "DELETE FROM trail_head",
    "DELETE FROM trail_checkpoint",
)


@pytest.fixture
def filled(tmp_path: Path, house_at: Callable[[Path], Any]) -> Iterator[Any]:
    """A trail beside a table of the domain, which is one of the product's for this test alone."""
    ledger = Ledger.__table__.to_metadata(SQLModel.metadata)
    house = house_at(tmp_path / "filled.db")
    for number in range(25):
        with house.store.unit_of_work("li.wei") as uow:
            uow.execute(Ledger.__table__.insert().values(id=number, recorded_at=uow.now))
            trail.record(uow, kind="change", action="a", object_type="o", object_id=str(number))
    assert house.verify().ok
    yield house
    SQLModel.metadata.remove(ledger)


@pytest.mark.parametrize(
    ("kept", "code", "seq"),
    [((), "LOST", 1), ((1,), "MISSING", 1), ((2,), "TRUNCATED", 1), ((0,), "UNEXPECTED", 1)],
)
def test_an_emptied_trail_beside_filled_tables_is_a_fault(
    filled: Any, kept: tuple[int, ...], code: str, seq: int
) -> None:
    filled.tamper(*(one for place, one in enumerate(EMPTY) if place not in kept))
    report = filled.verify()
    assert not report.ok
    assert (code, seq) in {(one.code, one.seq) for one in report.faults}


@pytest.mark.parametrize("size", [24, 20, 10, 1])
def test_a_trail_set_back_in_all_its_tables_is_betrayed_by_newer_rows(
    filled: Any, size: int
) -> None:
    with closing(sqlite3.connect(filled.engine.url.database)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM trail_record WHERE seq > ?", (size,))
        connection.execute("DELETE FROM trail_checkpoint WHERE size > ?", (size,))
        rebuild(connection)
        connection.execute(
            "UPDATE trail_head SET checkpoint_size = :c, checkpoint_at = (SELECT at FROM"
            " trail_record WHERE seq = max(:c, 1))",
            {"c": size // 10 * 10},
        )
        connection.commit()
    report = filled.verify()
    assert [(one.code, one.seq) for one in report.faults] == [("LOST", size + 1)]
    with filled.engine.begin() as connection:
        connection.execute(text("DELETE FROM tests_trail_ledger WHERE id >= :size"), {"size": size})
    assert filled.verify().ok  # who takes the rows away as well is seen only from outside


def test_plumbing_beside_an_empty_trail_is_no_fault(
    tmp_path: Path, house_at: Callable[[Path], Any]
) -> None:
    house = house_at(tmp_path / "new.db")
    with house.engine.begin() as connection:
        connection.execute(text("INSERT INTO store_lease VALUES ('x', 'me', 1, 1)"))
    assert house.verify().ok


# --- two processes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "DELETE FROM trail_record WHERE seq = 5",
        "UPDATE trail_record SET actor = 'x' WHERE seq = 20",
        "UPDATE trail_record SET nodes = zeroblob(64) WHERE seq = 8",
        "UPDATE trail_record SET nodes = zeroblob(32) WHERE seq = 10",
        "UPDATE trail_record SET leaf_hash = zeroblob(32) WHERE seq = 11",
    ],
)
def test_two_processes_find_what_one_finds(
    full: Path,
    house_at: Callable[[Path], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
) -> None:
    path = tmp_path / "copy.db"
    with closing(copy(full, path)) as connection:
        if statement:
            connection.execute(statement)
        connection.commit()
    house = house_at(path)
    alone = house.verify()
    monkeypatch.setattr("trail.halves.WORTH_IT", 2)
    told: list[tuple[int, int]] = []
    with house.store.reader() as connection:
        both = trail.verify(
            connection,
            verifiers=house.keeper.verifiers,
            processes=2,
            progress=lambda done, total: told.append((done, total)),
        )
    assert both == alone
    assert both.ok is not bool(statement)
    assert told[-1] == (23, 23)


def test_a_wrong_beginning_is_not_believed(full: Path) -> None:
    from trail.halves import check_range

    url = f"sqlite:///{full}"
    with closing(sqlite3.connect(full)) as connection:
        nodes = [
            row[0] for row in connection.execute("SELECT nodes FROM trail_record ORDER BY seq")
        ]
    right = (nodes[15][-32:], nodes[19][-32:])
    found = check_range(url, 20, 23, right, frozenset({23}))
    assert found is not None
    assert found.size == 23
    assert check_range(url, 20, 24, right, frozenset()) is None
    false = check_range(url, 20, 23, (sha256(b"").digest(), right[1]), frozenset({23}))
    assert false is None or false.peaks != found.peaks
