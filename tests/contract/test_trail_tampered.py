"""Who may write every row of the database, triggers out of the way, is told on by number."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

import trail
from store import Store
from trail.notes import Signer

SIGNER = Signer("test.example/trail", bytes(32))
SIZE = 23
QUIET = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = ["actor", "kind", "action", "object_type", "object_id", "org", "outcome", "reason", "uid"]
BYTES = ["body", "leaf_hash"]


@pytest.fixture(name="filled")
def _filled(database: Engine) -> Engine:
    """23 records under two checkpoints."""
    now = [datetime(2026, 7, 1, 9, tzinfo=UTC)]

    def clock() -> datetime:
        now[0] += timedelta(seconds=1)
        return now[0]

    keeper = trail.TrailKeeper(SIGNER, checkpoint_every=10)
    store = Store(database, clock=clock, before_commit=[keeper])
    for number in range(SIZE):
        with store.unit_of_work("li.wei") as uow:
            trail.record(
                uow, kind="decision", action="order.acknowledge", object_type="work_order",
                object_id=f"WO-{number}", org="集团/铜业", outcome="acknowledged",
                reason="BY_PERSON", body={"n": number},
            )  # fmt: skip
    return database


def tampered(engine: Engine, *statements: tuple[str, dict[str, Any]]) -> trail.VerifyReport:
    """What is found after these statements, which are then taken back."""
    with engine.connect() as connection, connection.begin() as transaction:
        for statement in _without_triggers(connection):
            connection.execute(text(statement))
        for statement, values in statements:
            connection.execute(text(statement), values)
        report = trail.verify(connection, verifiers=[SIGNER.verifier])
        transaction.rollback()
    return report


def _without_triggers(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "postgresql":
        yield from (f"ALTER TABLE {one} DISABLE TRIGGER USER" for one in
                    ("trail_record", "trail_head", "trail_checkpoint"))  # fmt: skip
        return
    query = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    yield from (f"DROP TRIGGER {name}" for name in connection.scalars(query).all())


def named(report: trail.VerifyReport) -> set[int]:
    return {seq for one in report.faults for seq in range(one.seq, one.last + 1)}


def column_of(engine: Engine, column: str, seq: int) -> Any:
    with engine.connect() as connection:
        query = text(f"SELECT {column} FROM trail_record WHERE seq = :seq")
        return connection.scalar(query, {"seq": seq})


@QUIET
@given(st.integers(1, SIZE), st.sampled_from(TEXTS + BYTES), st.integers(0), st.integers(1, 127))
def test_one_changed_byte_is_named(
    filled: Engine, seq: int, column: str, place: int, mask: int
) -> None:
    value = column_of(filled, column, seq)
    new: Any
    if column in BYTES:
        raw = bytearray(value)
        raw[place % len(raw)] ^= mask
        new = bytes(raw)
    else:
        at = place % len(value)
        letter = chr(ord(value[at]) ^ mask)
        new = value[:at] + ("x" if letter == "\0" else letter) + value[at + 1 :]
    if new == value:
        return
    change = f"UPDATE trail_record SET {column} = :new WHERE seq = :seq"
    report = tampered(filled, (change, {"new": new, "seq": seq}))
    assert seq in named(report)


@QUIET
@given(st.integers(1, SIZE))
def test_a_deleted_record_is_named(filled: Engine, seq: int) -> None:
    report = tampered(filled, ("DELETE FROM trail_record WHERE seq = :seq", {"seq": seq}))
    assert [(one.code, one.seq, one.last) for one in report.faults] == [("MISSING", seq, seq)]


@QUIET
@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_two_swapped_records_are_named(filled: Engine, one: int, other: int) -> None:
    move = "UPDATE trail_record SET seq = :to WHERE seq = :at"
    steps = [(one, -1), (other, one), (-1, other)] if one != other else []
    report = tampered(filled, *((move, {"at": at, "to": to}) for at, to in steps))
    assert report.ok is (one == other)
    assert {one, other} <= named(report) or one == other


@pytest.mark.parametrize("size", [10, 20])
def test_a_deleted_checkpoint_is_named(filled: Engine, size: int) -> None:
    report = tampered(filled, ("DELETE FROM trail_checkpoint WHERE size = :size", {"size": size}))
    assert size in named(report)


def test_what_is_untouched_is_in_order(filled: Engine) -> None:
    assert tampered(filled).ok
