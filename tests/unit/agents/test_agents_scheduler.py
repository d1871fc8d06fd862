"""Who leads, what runs when, and the proof that what was due has happened."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic, sleep

import pytest
from structlog.testing import capture_logs

from agents.scheduler import LEASE_S, MORE, Job, Scheduler, stop_together
from agents.sentinel import HEARTBEAT, Sentinel
from store import outbox, positions, timers
from tests.unit.agents.agents_house import START, House, alert, timeout

Work = Callable[[datetime], object]
PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Count:
    """Counts its rounds."""

    def __init__(self, work: Work = lambda _now: None) -> None:
        self.rounds: list[datetime] = []
        self._work = work

    def __call__(self, now: datetime) -> None:
        self.rounds.append(now)
        self._work(now)


def scheduler(house: House, holder: str, *jobs: Job) -> Scheduler:
    return Scheduler(house.store, jobs, holder=holder)


def every(seconds: float, work: Work, name: str = "job") -> Job:
    return Job(name, work, timedelta(seconds=seconds))


# --- the lease ----------------------------------------------------------------------------------


def test_of_two_processes_one_leads(house: House):
    one, other = Count(), Count()
    first = scheduler(house, "a", every(0, one))
    second = scheduler(house, "b", every(0, other))
    for after in range(5):
        house.at(after)
        assert first.run_once() is True
        assert second.run_once() is False
    assert (len(one.rounds), len(other.rounds)) == (5, 0)
    assert first.leads
    assert not second.leads


def test_who_died_is_followed_at_once_and_what_it_had_claimed_is_sent(house: House):
    """Its lease and its claims would else hold up the next for as long as they run."""
    house.at(0)
    assert scheduler(house, "dead", every(0, Count())).run_once()
    with house.store.unit_of_work("system:test") as uow:
        outbox.put(uow, channel="mail", target="t", payload={}, key="k")
        outbox.claim(uow, limit=1, lease_s=60, holder="dead")
    second = Scheduler(house.store, [every(0, Count())], holder="b", gone="dead".__eq__)
    assert second.run_once()
    with house.store.unit_of_work("system:test") as uow:
        assert [row.key for row in outbox.claim(uow, limit=9, lease_s=60, holder="b")] == ["k"]
    third = Scheduler(house.store, [every(0, Count())], holder="c", gone="dead".__eq__)
    assert not third.run_once()


def test_the_lease_goes_back_when_the_last_of_those_who_share_it_has_ended(house: House):
    """The one that stops first does not let another process lead beside the others' rounds."""
    begun, go_on = threading.Event(), threading.Event()
    led: list[bool] = []

    def long(_now: datetime) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    quick, slow = Count(), Count(long)
    house.at(0)
    mine = [scheduler(house, "a", every(0, quick)), scheduler(house, "a", every(60, slow))]
    other = scheduler(house, "b", every(0, Count()))
    for one in mine:
        one.start()
    assert begun.wait(PATIENCE_S)
    ending = threading.Thread(target=stop_together, args=(mine,))
    ending.start()
    until = monotonic() + PATIENCE_S
    while mine[0]._waking is not None and monotonic() < until:  # the first has ended its rounds
        sleep(0.01)
    led.append(other.run_once())
    go_on.set()
    ending.join(PATIENCE_S)
    led.append(other.run_once())
    assert led == [False, True]


def test_the_other_takes_over_when_the_lease_runs_out(house: House):
    one, other = Count(), Count()
    first = scheduler(house, "a", every(0, one))
    second = scheduler(house, "b", every(0, other))
    house.at(0)
    first.run_once()
    house.at(LEASE_S - 1)
    assert second.run_once() is False
    house.at(LEASE_S)
    assert second.run_once() is True
    assert first.run_once() is False
    assert (len(one.rounds), len(other.rounds)) == (1, 1)


def test_who_ends_gives_the_lease_back_at_once(house: House):
    first = scheduler(house, "a", every(0, Count()))
    second = scheduler(house, "b", every(0, Count()))
    house.at(0)
    first.run_once()
    first.stop()
    assert not first.leads
    assert second.run_once() is True


def test_who_lost_the_lease_during_a_long_job_does_not_go_on(house: House):
    """The first job takes longer than the lease lasts; another process leads meanwhile."""
    other = scheduler(house, "b", every(0, Count()))

    def long(_now: datetime) -> None:
        house.at(LEASE_S + 5)
        assert other.run_once() is True

    after = Count()
    first = scheduler(house, "a", every(0, long, "long"), every(0, after, "after"))
    house.at(0)
    assert first.run_once() is False
    assert after.rounds == []
    assert not first.leads


def test_a_long_round_keeps_the_lease_as_long_as_nobody_else_wants_it(house: House):
    def long(_now: datetime) -> None:
        house.at((house.now - START).total_seconds() + LEASE_S / 2)

    last = Count()
    first = scheduler(
        house, "a", *(every(0, long, f"long {n}") for n in range(4)), every(0, last, "last")
    )
    house.at(0)
    assert first.run_once() is True
    assert len(last.rounds) == 1
    assert scheduler(house, "b").run_once() is False


# --- the jobs -----------------------------------------------------------------------------------


def test_jobs_run_in_their_order_and_not_more_often_than_asked(house: House):
    order: list[str] = []
    jobs = [
        every(1, lambda _: order.append("often"), "often"),
        every(10, lambda _: order.append("seldom"), "seldom"),
    ]
    one = scheduler(house, "a", *jobs)
    for after in range(0, 21, 1):
        house.at(after)
        one.run_once()
    assert order[:2] == ["often", "seldom"]
    assert (order.count("often"), order.count("seldom")) == (21, 3)


def test_a_job_that_fails_is_tried_again_and_the_others_run(house: House):
    def fails(_now: datetime) -> None:
        raise RuntimeError("a fault")

    failing, fine = Count(fails), Count()
    one = scheduler(house, "a", every(0, failing, "failing"), every(0, fine, "fine"))
    for after in range(3):
        house.at(after)
        assert one.run_once() is True
    assert len(failing.rounds) == len(fine.rounds) == 3


def test_it_works_by_itself_until_it_is_stopped(house: House):
    house.append(timeout("RK1", 0))
    one = Scheduler(house.store, [every(0, house.watcher.run_once)], holder="a", period_s=0.01)
    one.start()
    for _ in range(6000):
        if house.codes():
            break
        import time

        time.sleep(0.01)
    one.stop()
    assert house.codes() == ["EXPOSURE_CRITICAL"]
    rounds = house.log.stats().last_position
    house.append(timeout("RK2", 10))
    assert house.log.stats().last_position == rounds + 1
    assert house.codes() == ["EXPOSURE_CRITICAL"]  # nobody reads any more


# --- the sentinel -------------------------------------------------------------------------------


def test_all_is_well_and_the_heart_beats(house: House):
    beats: list[datetime] = []
    sentinel = Sentinel(house.store, house.log, beat=lambda health: beats.append(health.at))
    house.at(0)
    assert sentinel.run_once(house.now).well
    assert beats == [START]
    with house.store.reader() as connection:
        assert positions.read(connection, HEARTBEAT) == START.isoformat()


def test_a_timer_that_nobody_fired_is_found_and_the_heart_stands_still(house: House):
    beats: list[object] = []
    sentinel = Sentinel(house.store, house.log, beat=beats.append)
    house.arrive(alert("A1", "red", 0))
    due = house.orders()[0].acknowledge_due
    assert due is not None
    with house.store.unit_of_work("system:escalator") as uow:
        for message in outbox.claim(uow, limit=50, lease_s=1, holder="x"):
            outbox.delivered(uow, message.id)
    assert sentinel.run_once(due + timedelta(seconds=59)).well
    house.clock[0] = due + timedelta(seconds=61)
    health = sentinel.run_once(house.now)
    assert (health.overdue_timers, health.well) == (1, False)
    assert len(beats) == 1
    with house.store.reader() as connection:
        assert len(timers.overdue(connection, house.now, by=timedelta(seconds=60))) == 1


def test_messages_that_nobody_took_are_found(house: House):
    house.arrive(alert("A1", "red", 0))
    sentinel = Sentinel(house.store, house.log)
    assert sentinel.look(START + timedelta(seconds=30)).stuck_messages == 0
    assert sentinel.look(START + timedelta(seconds=90)).stuck_messages == 4


def test_a_watcher_that_lags_is_seen(house: House):
    house.append(timeout("RK1", 0), timeout("RK2", 1))
    sentinel = Sentinel(house.store, house.log)
    assert sentinel.look(house.now).unread_events == 2
    house.look()
    assert sentinel.look(house.now).unread_events == 0


# --- a job that takes long ------------------------------------------------------------------------


def test_a_job_that_takes_long_is_told_once_a_minute_with_its_duration(house: House):
    passed = [0.0]
    taken = [20.0]

    def slow(_now: datetime) -> None:
        passed[0] += taken[0]

    runner = Scheduler(
        house.store, [every(0, slow, "watcher")], holder="a", ticks=lambda: passed[0]
    )
    with capture_logs() as told:
        for _ in range(6):  # two minutes
            runner.run_once()
        taken[0] = 1.0
        runner.run_once()
    slow_ones = [one for one in told if one["event"] == "a job takes long"]
    assert [(one["job"], one["seconds"], one["log_level"]) for one in slow_ones] == [
        ("watcher", 20.0, "warning"),
        ("watcher", 20.0, "warning"),
    ]


def test_a_round_that_is_not_over_says_nothing_in_the_library_s_own_words(
    house: House, caplog: pytest.LogCaptureFixture
):
    """The real scheduler, many periods within one round; what hangs is told while it hangs."""
    begun, done = threading.Event(), threading.Event()
    passed = iter(range(0, 10**9, 15))

    def hang(_now: datetime) -> None:
        begun.set()
        assert done.wait(30)

    runner = Scheduler(
        house.store,
        [every(0, hang, "watcher")],
        holder="a",
        period_s=0.01,
        ticks=lambda: float(next(passed)),
    )
    with capture_logs() as told:
        runner.start()
        assert begun.wait(30)
        deadline = monotonic() + 30
        while not any(one["event"] == "a job takes long" for one in told):
            assert monotonic() < deadline
            sleep(0.01)
        done.set()
        runner.stop()
    assert [one for one in caplog.records if one.name.startswith("apscheduler")] == []


# --- woken --------------------------------------------------------------------------------------


def test_woken_it_looks_at_once_and_not_at_its_next_turn(house: House):
    looked = threading.Event()
    one = Scheduler(house.store, [every(0, lambda _now: looked.set())], holder="a", period_s=3600)
    house.at(0)
    one.start()
    try:
        assert not looked.is_set()
        one.wake()
        assert looked.wait(30)
    finally:
        one.stop()


def test_woken_during_a_look_it_looks_once_more(house: House):
    """What came while it looked may have come too late for that look."""
    begun, go_on, twice = threading.Event(), threading.Event(), threading.Event()
    rounds: list[datetime] = []

    def look(now: datetime) -> None:
        rounds.append(now)
        begun.set()
        assert go_on.wait(30)
        if len(rounds) == 2:
            twice.set()

    one = Scheduler(house.store, [every(0, look)], holder="a", period_s=3600)
    house.at(0)
    one.start()
    try:
        one.wake()
        assert begun.wait(30)
        one.wake()
        go_on.set()
        assert twice.wait(30)
    finally:
        go_on.set()
        one.stop()


def test_a_job_that_left_work_behind_has_another_round_at_once(house: House):
    done = threading.Event()
    rounds: list[datetime] = []

    def look(now: datetime) -> object:
        rounds.append(now)
        if len(rounds) < 4:
            return MORE
        done.set()
        return None

    one = Scheduler(house.store, [every(0, look)], holder="a", period_s=3600)
    house.at(0)
    one.start()
    try:
        one.wake()
        assert done.wait(30)
    finally:
        one.stop()


def test_a_lease_that_was_not_committed_is_not_held(house: House, monkeypatch: pytest.MonkeyPatch):
    one = scheduler(house, "a", every(0, Count()))
    house.at(0)

    def fails(*_given: object) -> None:
        raise RuntimeError("no commit")

    with monkeypatch.context() as broken:
        broken.setattr(house.store, "_check_and_hook", fails)
        with pytest.raises(RuntimeError):
            one.run_once()
    assert not one.leads
    assert scheduler(house, "b", every(0, Count())).run_once() is True
    assert one.run_once() is False
