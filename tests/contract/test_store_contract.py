"""What the rooms above may rely on, on SQLite and on PostgreSQL."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import DatabaseError

import trail
from store import (
    MissingActor,
    NestedUnit,
    ReadOnly,
    Store,
    UnitOfWork,
    UnrecordedChange,
    inbox,
    leases,
    outbox,
    positions,
    timers,
)
from store.tables import OutboxRow, TimerRow
from trail.notes import Signer

START = datetime(2026, 7, 1, 9, tzinfo=UTC)


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def store(database: Engine, clock: Hand) -> Store:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE ledger (id INTEGER PRIMARY KEY, note TEXT)"))
    keeper = trail.TrailKeeper(Signer("test/trail", bytes(32)))
    return Store(database, clock=clock, before_commit=[keeper])


def leave_record(uow: UnitOfWork) -> trail.RecordRef:
    return trail.record(
        uow, kind="change", action="ledger.write", object_type="ledger", object_id="1"
    )


def put(uow: UnitOfWork, key: str, **more: object) -> bool:
    return outbox.put(uow, channel="mail", target="a@b", payload={"n": 1}, key=key, **more)  # type: ignore[arg-type]


# the unit of work


def test_a_change_and_its_record_are_committed_together(store: Store) -> None:
    with store.unit_of_work("li.wei") as uow:
        uow.execute("INSERT INTO ledger VALUES (1, :note)", {"note": "a"})
        ref = leave_record(uow)
        assert ref.seq is None
    assert ref.seq == 1
    with store.reader() as connection:
        assert connection.scalar(text("SELECT note FROM ledger")) == "a"
        assert trail.read(connection, 1).actor == "li.wei"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger VALUES (2, 'b')",
        "UPDATE ledger SET note = 'c'",
        "DELETE FROM ledger",
        "WITH old AS (SELECT 1 AS one) UPDATE ledger SET note = 'd'",
        "CREATE TABLE another (id INTEGER)",
    ],
)
def test_a_change_without_a_record_is_refused_and_undone(store: Store, statement: str) -> None:
    with store.unit_of_work("li.wei") as uow:
        uow.execute("INSERT INTO ledger VALUES (1, 'a')")
        leave_record(uow)
    with pytest.raises(UnrecordedChange), store.unit_of_work("li.wei") as uow:
        uow.execute(statement)
    with store.reader() as connection:
        assert connection.execute(text("SELECT id, note FROM ledger")).all() == [(1, "a")]
        assert trail.summary(connection).size == 1


def test_a_change_that_touches_no_row_needs_no_record(store: Store) -> None:
    with store.unit_of_work("li.wei") as uow:
        uow.execute("UPDATE ledger SET note = 'x' WHERE id = 99")


def test_core_statements_and_orm_objects_are_seen_as_changes(store: Store) -> None:
    from trail.tables import BLOB, BlobRow

    with pytest.raises(UnrecordedChange) as refused, store.unit_of_work("li.wei") as uow:
        uow.execute(BLOB.insert().values(hash="h", content=b""))
    assert refused.value.tables == ("trail_blob",)
    with pytest.raises(UnrecordedChange), store.unit_of_work("li.wei") as uow:
        uow.session.add(BlobRow(hash="h", content=b""))


def test_plumbing_alone_needs_no_record(store: Store) -> None:
    with store.unit_of_work("system:watcher") as uow:
        positions.write(uow, "watcher", "17")
        put(uow, "k1")
    with store.reader() as connection:
        assert positions.read(connection, "watcher") == "17"


@pytest.mark.parametrize("actor", ["", "  "])
def test_nobody_opens_no_unit_of_work(store: Store, actor: str) -> None:
    with pytest.raises(MissingActor), store.unit_of_work(actor):
        pass


def test_a_unit_of_work_inside_another_is_refused_and_harms_nothing(store: Store) -> None:
    with store.unit_of_work("outer") as uow:
        positions.write(uow, "p", "1")
        with pytest.raises(NestedUnit), store.unit_of_work("inner"):
            pass
    with store.unit_of_work("later") as uow:
        assert positions.read(uow.connection, "p") == "1"


def test_an_exception_undoes_everything(store: Store) -> None:
    called: list[int] = []
    refs = []

    def act() -> None:
        with store.unit_of_work("li.wei") as uow:
            uow.execute("INSERT INTO ledger VALUES (1, 'a')")
            refs.append(leave_record(uow))
            put(uow, "k1")
            uow.after_commit(lambda: called.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        act()
    with store.reader() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger")) == 0
        assert connection.scalar(select(func.count()).select_from(OutboxRow)) == 0
        assert trail.summary(connection).size == 0
    assert refs[0].seq is None
    assert called == []


def test_after_commit_runs_when_others_can_see_the_change(store: Store) -> None:
    seen = []

    def look() -> None:
        with store.reader() as connection:
            seen.append(positions.read(connection, "p"))

    with store.unit_of_work("li.wei") as uow:
        positions.write(uow, "p", "1")
        uow.after_commit(look)
        assert seen == []
    assert seen == ["1"]


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO ledger VALUES (1, 'a')", "DELETE FROM store_timer", "DROP TABLE ledger"],
)
def test_a_reader_refuses_to_write(store: Store, statement: str) -> None:
    with store.reader() as connection, pytest.raises(ReadOnly):
        connection.execute(text(statement))


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.reader() as connection:
        assert positions.read(connection, "p") is None
        with store.unit_of_work("li.wei") as uow:
            positions.write(uow, "p", "1")
        assert positions.read(connection, "p") is None
    with store.reader() as connection:
        assert positions.read(connection, "p") == "1"


def test_writers_of_many_threads_lose_nothing(store: Store) -> None:
    def work(name: str) -> None:
        for number in range(20):
            with store.unit_of_work(name) as uow:
                uow.execute("INSERT INTO ledger VALUES (:id, 'a')", {"id": int(name) + number})
                leave_record(uow)

    threads = [threading.Thread(target=work, args=(str(n * 100),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reader() as connection:
        report = trail.verify(connection, verifiers=[Signer("test/trail", bytes(32)).verifier])
        assert connection.scalar(text("SELECT count(*) FROM ledger")) == 80
    assert (report.ok, report.size) == (True, 80)


# failpoints


def test_a_failpoint_between_any_two_statements_leaves_all_or_nothing(
    store: Store, clock: Hand
) -> None:
    def act(uow: UnitOfWork, turn: int) -> None:
        uow.execute("INSERT INTO ledger VALUES (:id, 'a')", {"id": turn})
        leave_record(uow)
        timers.set_timer(uow, key=f"t{turn}", kind="k", due_at=clock.now)
        put(uow, f"k{turn}")

    turn, finished = 0, False
    while not finished:
        turn += 1
        left = [turn]

        def reach(point: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0 and point != "committed":
                raise InterruptedError(point)

        failing = Store(store.engine, clock=clock, before_commit=store._hooks, failpoint=reach)
        try:
            with failing.unit_of_work("li.wei") as uow:
                act(uow, turn)
            finished = True
        except InterruptedError:
            pass
        with store.reader() as connection:
            counts = {
                connection.scalar(text("SELECT count(*) FROM ledger")),
                connection.scalar(select(func.count()).select_from(TimerRow)),
                connection.scalar(select(func.count()).select_from(OutboxRow)),
                trail.summary(connection).size,
            }
        assert counts == {1 if finished else 0}
    assert turn > 6  # every statement had its turn: four of the act, the trail's own, the commit


# outbox


def test_a_key_is_sent_once(store: Store) -> None:
    with store.unit_of_work("system:x") as uow:
        assert put(uow, "k1")
        assert not put(uow, "k1")
        assert put(uow, "k2")


def test_messages_are_claimed_when_due_oldest_first_and_by_channel(
    store: Store, clock: Hand
) -> None:
    with store.unit_of_work("system:x") as uow:
        put(uow, "later", due_at=clock.now + timedelta(minutes=5))
        put(uow, "second", due_at=clock.now)
        put(uow, "first", due_at=clock.now - timedelta(seconds=1))
        outbox.put(uow, channel="chat", target="t", payload={}, key="chat")
    with store.unit_of_work("system:x") as uow:
        taken = outbox.claim(uow, channels=["mail"], limit=10, lease_s=60, holder="h")
        assert [(row.key, row.attempts) for row in taken] == [("first", 1), ("second", 1)]
        assert taken[0].payload == {"n": 1}
        assert outbox.claim(uow, channels=["mail"], limit=10, lease_s=60, holder="h") == []
    clock.forward(300)
    with store.unit_of_work("system:x") as uow:
        rows = outbox.claim(uow, limit=10, lease_s=60, holder="h2")
    assert {row.key for row in rows} == {"first", "second", "later", "chat"}  # leases ran out


def test_a_message_is_delivered_retried_or_given_up_only_by_who_claimed_it(
    store: Store, clock: Hand
) -> None:
    with store.unit_of_work("system:x") as uow:
        for key in ("a", "b", "c"):
            put(uow, key, group="order-1")
        a, b, c = outbox.claim(uow, limit=3, lease_s=60, holder="h")
        assert outbox.delivered(uow, a.id, "ts-1")
        assert not outbox.delivered(uow, a.id, "ts-1")
        assert outbox.retry(uow, b.id, "timeout", clock.now + timedelta(seconds=30))
        assert outbox.dead(uow, c.id, "refused")
        assert not outbox.retry(uow, c.id, "again", clock.now)
    with store.reader() as connection:
        states = {
            row.key: (row.state, row.handle, row.error)
            for row in outbox.find(connection, "order-1")
        }
        assert states == {
            "a": ("delivered", "ts-1", ""),
            "b": ("pending", "", "timeout"),
            "c": ("dead", "", "refused"),
        }
        assert [row.key for row in outbox.dead_letters(connection)] == ["c"]
        assert [row.key for row in outbox.pending(connection)] == ["b"]
        assert outbox.next_due(connection) == clock.now + timedelta(seconds=30)
    with store.unit_of_work("system:x") as uow:
        assert outbox.revive(uow, c.id)
        assert [row.attempts for row in outbox.claim(uow, limit=9, lease_s=9, holder="h")] == [2]


def test_what_the_dead_had_claimed_is_due_again_at_once(store: Store) -> None:
    with store.unit_of_work("system:x") as uow:
        for key in ("a", "b", "c"):
            put(uow, key)
        mine, *_ = outbox.claim(uow, limit=1, lease_s=60, holder="dead")
        outbox.claim(uow, limit=1, lease_s=60, holder="alive")
        assert outbox.take_back(uow, "nobody".__eq__) == 0
        assert outbox.take_back(uow, "dead".__eq__) == 1
        assert not outbox.delivered(uow, mine.id)
        again = outbox.claim(uow, limit=9, lease_s=60, holder="next")
        assert [(row.key, row.attempts) for row in again] == [("a", 2), ("c", 1)]


def test_a_group_is_withdrawn_but_not_what_is_on_its_way(store: Store) -> None:
    with store.unit_of_work("system:x") as uow:
        put(uow, "a", group="order-1")
        outbox.claim(uow, limit=1, lease_s=60, holder="h")
        put(uow, "b", group="order-1")
        put(uow, "c", group="order-2")
        assert outbox.cancel(uow, group="order-1") == 1
        assert outbox.cancel(uow, group="order-1") == 0


def test_two_claimers_at_once_never_share_a_row(store: Store) -> None:
    with store.unit_of_work("system:x") as uow:
        for number in range(40):
            put(uow, f"k{number}")
    taken: list[int] = []

    def work(holder: str) -> None:
        for _ in range(10):
            with store.unit_of_work("system:x") as uow:
                rows = outbox.claim(uow, limit=3, lease_s=60, holder=holder)
                taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=work, args=(f"h{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


# inbox


def test_a_message_is_accepted_once_and_consumed_once(store: Store) -> None:
    with store.unit_of_work("channel:slack") as uow:
        assert inbox.accept(uow, "slack", "e1", {"text": "ack"})
        assert not inbox.accept(uow, "slack", "e1", {"text": "ack"})
        assert inbox.accept(uow, "mail", "e1", {})
    with store.unit_of_work("system:escalator") as uow:
        first, second = inbox.pending(uow.connection)
        assert (first.source, first.payload, second.source) == ("slack", {"text": "ack"}, "mail")
        assert inbox.outcome(uow.connection, "slack", "e1") is None
        assert inbox.consume(uow, first.id, {"order": "WO-1"})
        assert not inbox.consume(uow, first.id, {"order": "WO-2"})
    with store.reader() as connection:
        assert inbox.outcome(connection, "slack", "e1") == {"order": "WO-1"}
        assert [row.source for row in inbox.pending(connection)] == ["mail"]


# timers


def test_a_timer_fires_exactly_once(store: Store, clock: Hand) -> None:
    with store.unit_of_work("system:x") as uow:
        assert timers.set_timer(
            uow, key="wo/1/ack", kind="escalate", due_at=clock.now, payload={"step": 2}
        )
        (timer,) = timers.due(uow.connection, clock.now)
        assert (timer.kind, timer.payload) == ("escalate", {"step": 2})
        assert timers.fire(uow, timer.id)
        assert not timers.fire(uow, timer.id)
        assert not timers.set_timer(uow, key="wo/1/ack", kind="escalate", due_at=clock.now)
        assert timers.due(uow.connection, clock.now) == []


def test_timers_come_in_order_of_time_then_of_setting(store: Store, clock: Hand) -> None:
    with store.unit_of_work("system:x") as uow:
        for key, seconds in (("c", 2), ("a", 1), ("b", 1), ("d", 99)):
            due_at = clock.now + timedelta(seconds=seconds)
            timers.set_timer(uow, key=key, kind="k", due_at=due_at)
        assert timers.next_due(uow.connection) == clock.now + timedelta(seconds=1)
        at = clock.now + timedelta(seconds=2)
        assert [timer.key for timer in timers.due(uow.connection, at)] == ["a", "b", "c"]
        assert [timer.key for timer in timers.due(uow.connection, at, limit=1)] == ["a"]
        late = timers.overdue(uow.connection, at, by=timedelta(seconds=0.5))
        assert [timer.key for timer in late] == ["a", "b"]


def test_a_timer_that_was_moved_or_cancelled_does_not_fire(store: Store, clock: Hand) -> None:
    with store.unit_of_work("system:x") as uow:
        for key in ("wo/1/a", "wo/1/b", "wo/10/a", "wo_1/a"):
            timers.set_timer(uow, key=key, kind="k", due_at=clock.now)
        stale = timers.due(uow.connection, clock.now)
        later = clock.now + timedelta(seconds=9)
        assert timers.set_timer(uow, key="wo_1/a", kind="k", due_at=later)
        assert timers.cancel(uow, key="wo/10/a") == 1
        assert timers.cancel(uow, prefix="wo/1/") == 2
        assert [timers.fire(uow, timer.id) for timer in stale] == [False] * 4
        assert [timer.key for timer in timers.find(uow.connection, "wo_")] == ["wo_1/a"]
        assert timers.set_timer(uow, key="wo/1/a", kind="k", due_at=clock.now)  # armed again
        assert [timers.fire(uow, timer.id) for timer in stale].count(True) == 1
        with pytest.raises(ValueError, match="prefix"):
            timers.cancel(uow, prefix="")


def test_timers_of_a_prefix_are_found_by_an_index_of_the_keys(store: Store, clock: Hand) -> None:
    """Whatever the collation, and among many that are armed."""
    with store.unit_of_work("system:x") as uow:
        for number in range(3_000):
            key = f"WO-{number:05}/ladder/1"
            timers.set_timer(uow, key=key, kind="k", due_at=clock.now)
    ran: list[tuple[str, object]] = []

    def keep(_conn: object, _cursor: object, said: str, given: object, *_rest: object) -> None:
        ran.append((said, given))

    event.listen(store.engine, "before_cursor_execute", keep)
    with store.unit_of_work("system:x") as uow:
        assert timers.cancel(uow, prefix="WO-00007/") == 1
    event.remove(store.engine, "before_cursor_execute", keep)
    (change,) = [one for one in ran if one[0].startswith("UPDATE store_timer")]
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        plan = str(connection.exec_driver_sql(f"{explain} {change[0]}", change[1]).all())
    assert (
        "timer_key>?" in plan
        or "Scan using ix_store_timer_timer_key_prefix" in plan
        or ("Index Scan on ix_store_timer_timer_key_prefix" in plan)
    ), plan


# leases


def test_a_lease_has_one_holder_and_its_token_grows(store: Store, clock: Hand) -> None:
    with store.unit_of_work("system:x") as uow:
        first = leases.acquire(uow, "socket", "a", 30)
        assert first is not None
        assert first.token == 1
        assert leases.acquire(uow, "socket", "b", 30) is None
    clock.forward(20)
    with store.unit_of_work("system:x") as uow:
        assert leases.renew(uow, "socket", "a", 30)
        assert not leases.renew(uow, "socket", "b", 30)
    clock.forward(20)
    with store.unit_of_work("system:x") as uow:
        held = leases.holder(uow.connection, "socket", clock.now)
        assert held is not None
        assert (held.holder, held.token) == ("a", 1)
    clock.forward(10)
    with store.unit_of_work("system:x") as uow:
        assert leases.holder(uow.connection, "socket", clock.now) is None
        assert not leases.renew(uow, "socket", "a", 30)  # it slept through the end
        second = leases.acquire(uow, "socket", "b", 30)
        assert second is not None
        assert second.token == 2
        assert leases.release(uow, "socket", "b")
        third = leases.acquire(uow, "socket", "a", 30)
        assert third is not None
        assert third.token == 3


def test_the_lease_of_who_is_known_to_have_died_is_taken_over_at_once(store: Store) -> None:
    with store.unit_of_work("system:x") as uow:
        leases.acquire(uow, "socket", "a", 30)
        assert leases.acquire(uow, "socket", "b", 30, gone="c".__eq__) is None
        taken = leases.acquire(uow, "socket", "b", 30, gone="a".__eq__)
        assert taken is not None
        assert (taken.holder, taken.token) == ("b", 2)
        assert not leases.renew(uow, "socket", "a", 30)


# the trail


def test_the_trail_cannot_be_changed_by_sql(store: Store) -> None:
    with store.unit_of_work("li.wei") as uow:
        leave_record(uow)
    for statement in (
        "UPDATE trail_record SET actor = 'x'",
        "DELETE FROM trail_record",
        "DELETE FROM trail_head",
        "UPDATE trail_head SET size = 0",
    ):
        with pytest.raises(DatabaseError, match="insert-only"), store.engine.begin() as connection:
            connection.execute(text(statement))


def test_records_are_found_by_their_text_and_organisation(store: Store) -> None:
    with store.unit_of_work("li.wei") as uow:
        for org, note in (
            ("集团/铜业", '溢价 "急"'),
            ("集团/铜业/一组", "b%c"),
            ("集团/铜业二", "c"),
        ):
            trail.record(
                uow,
                kind="decision",
                action="order.note",
                object_type="work_order",
                object_id="WO-1",
                org=org,
                body={"note": note},
            )
    with store.reader() as connection:

        def seqs(**conditions: object) -> list[int]:
            return [row.seq for row in trail.find(connection, **conditions)]  # type: ignore[arg-type]

        assert seqs(text='价 "急"') == [1]
        assert seqs(text="b%") == [2]
        assert seqs(text="%") == [2]
        assert seqs(org="集团/铜业") == [2, 1]
        assert seqs(org=["集团/铜业/一组", "集团/铜业二"]) == [3, 2]
        assert seqs(org=[]) == []
        assert seqs(action="order.", kind=["decision", "match"], limit=2) == [3, 2]
        assert seqs(before_seq=2) == [1]
        assert seqs(after_seq=1) == [2, 3]
        assert seqs(since=START, until=START) == []
        assert seqs(object_type="work_order", object_id="WO-2") == []


def test_proofs_hold_and_the_whole_verifies(store: Store) -> None:
    for _ in range(5):
        with store.unit_of_work("li.wei") as uow:
            for _ in range(3):
                leave_record(uow)
            trail.put_blob(uow, b"large")
            trail.commit_personal(uow, subject="p1", field="mail", value="a@b")
    verifier = Signer("test/trail", bytes(32)).verifier
    with store.reader() as connection:
        assert all(trail.prove(connection, seq).holds() for seq in range(1, 16))
        assert all(trail.prove_consistency(connection, old).holds() for old in range(1, 16))
        assert trail.verify(connection, verifiers=[verifier]).ok
    with store.unit_of_work("li.wei") as uow:
        assert trail.erase_personal(uow, subject="p1", reason="REQUEST") == 5
    with store.reader() as connection:
        assert trail.verify(connection, verifiers=[verifier]).ok
