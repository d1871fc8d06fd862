"""Every job of the service and every way in from a channel, broken before each statement.

What a job does in several transactions it does in steps, each whole. After a failure at any place
the next rounds bring about exactly what an unbroken round would have: nothing is lost, nothing is
done twice. A new job must be named here.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from chat_town import FEISHU, WECOM, Kind, chat_town
from flow_house import EAST, PASSWORD, House, house, people, slack_user
from sqlalchemy import select
from structlog.testing import capture_logs
from test_mail_flow import opened, written_to

import approvals
from auditlog.events import Event, EventKind
from auditlog.port import Reject
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from integrations.slack_forms import unit_code
from service import composition, serving, settling_rows, weekly
from service.inbound import clicks
from service.security import set_password
from service.settling_rows import DISMISS, Wish
from store import Store, inbox
from store.problems import Problem
from tests.breaking import Breaking, Broken
from tests.unit.integrations.chat_server import Fault
from trail.tables import RECORD

MOST = 400
#: Enough rounds for whatever a failure has put off.
ROUNDS = 6
#: What runs beside every act, and makes up for what was put off.
SERVING = ("clicks", "approvals", "escalator", "delivery")


@pytest.fixture(name="breaking")
def _breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    breaking = Breaking()
    monkeypatch.setattr(composition, "Store", partial(Store, failpoint=breaking))
    return breaking


@pytest.fixture(name="town")
def _town(breaking: Breaking, tmp_path: Path) -> Iterator[House]:
    del breaking  # the house's store has it
    with capture_logs(), house(tmp_path / "data") as made:
        yield made


class Snapshot:
    """The database as it is now, to be gone back to."""

    def __init__(self, town: House) -> None:
        self._live = town.app.settings.data / "hedgewarden.db"
        self._kept = town.app.settings.data.parent / "kept.db"
        self._town, self._now = town, town.clock()
        self._copy(self._live, self._kept)

    def restore(self) -> None:
        self._copy(self._kept, self._live)
        self._town.clock._now = self._now  # set() never goes back

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)


def came_about(town: House) -> Counter[tuple[str, ...]]:
    """What is on record, each act by whom, on what and how it ended."""
    c = RECORD.c
    columns = (c.kind, c.action, c.actor, c.object_type, c.outcome, c.reason)
    with town.app.store.reader() as connection:
        return Counter(tuple(map(str, row)) for row in connection.execute(select(*columns)))


Act = Callable[[], object]


def converges(town: House, breaking: Breaking, act: Act, *, least: int, stride: int = 1) -> None:
    """Whatever place `act` fails at, it and the jobs' next rounds end as unbroken ones do.

    Args:
        town: where it happens.
        breaking: what breaks it.
        act: may be repeated.
        least: places that it has at least.
        stride: from one place to the next.
    """
    start = Snapshot(town)

    def finish() -> Counter[tuple[str, ...]]:
        breaking.at = 0
        for _ in range(ROUNDS):
            act()
            for name in SERVING:
                one_job(town, name)()
            town.pass_time(seconds=15)
        return came_about(town)

    expected = finish()
    for place in range(1, MOST, stride):
        start.restore()
        breaking.at, breaking.count = place, 0
        with suppress(Broken):
            act()
        reached = breaking.count
        assert finish() == expected, f"statement {place}"
        if reached < place:
            assert place > least, "it did nothing"
            return
    raise AssertionError("it never ends")


# --- the jobs -------------------------------------------------------------------------------------


def a_click(town: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """The order on which Chen has pressed a button; the click waits in the inbox."""
    order = town.breach()
    with monkeypatch.context() as later:
        later.setattr(clicks, "work_off", lambda _app: 0)
        assert town.press("chen", "acknowledge").status_code == 200
    return order.id


def an_overdue_request(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """A request for approval whose deadline has passed."""
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    number = str(asked.json()["approval"])
    town.run_agents()
    with town.app.store.reader() as connection:
        due = approvals.read(connection, number).due
    assert due is not None
    town.clock.set(due + timedelta(seconds=1))
    return number


def a_ladder(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """A red order that nobody has answered for a quarter of an hour."""
    order = town.breach()
    town.pass_time(minutes=16)
    return order.id


def cards_that_wait(town: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """Cards of that order's next rung, in the outbox."""
    number = a_ladder(town, monkeypatch)
    one_job(town, "escalator")()
    return number


def a_history(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """Enough events to train a first model."""
    events = [
        Event(
            source="erp", event_id=f"T-{n}", event_time=town.clock() - timedelta(minutes=5 * n),
            arrival_time=town.clock() - timedelta(minutes=5 * n), kind=EventKind.BUSINESS,
            type="order.create", org=EAST, actor=f"u{n % 7}", order=f"S-{n}",
        )
        for n in range(600)
    ]  # fmt: skip
    town.app.log.append(events)
    return ""


def one_job(town: House, name: str) -> Act:
    """A round of a job in a process that was just started."""

    def act() -> None:
        jobs = {job.name: job for one in serving.schedulers_of(town.app) for job in one._jobs}
        jobs[name].run(town.clock())

    return act


#: Broken between every two statements in `test_failpoints`, with what they read and decide.
ELSEWHERE = {"watcher", "settler", "sentinel"}


def a_past_day(town: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """Events of the days before, all of them judged."""
    a_history(town, monkeypatch)
    town.run_agents()
    town.pass_time(days=1)
    return ""


def a_silent_feed(town: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source that promises a word every ten minutes and says nothing for half an hour."""
    a_history(town, monkeypatch)
    mapping = people()
    (east,) = [one for one in mapping["organisations"] if one["path"] == EAST]
    settings = {**east["settings"], "feed_every_s": {"erp": 600}}
    others = [one for one in mapping["organisations"] if one is not east]
    promised = {**mapping, "organisations": [*others, {**east, "settings": settings}]}
    known, problems = directory_from_mapping(promised)
    assert problems == []
    with town.app.store.unit_of_work("cli:test") as uow:
        save_directory(uow, known)
    town.run_agents()
    town.pass_time(hours=1)
    return ""


def a_monday_morning(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """Monday 08:00, when the weekly report is due to everybody who gets one."""
    weekly.run_due(town.app, town.clock())
    town.clock.set(datetime(2024, 5, 20, 0, 0, tzinfo=UTC))
    return ""


def an_evening(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """Half an hour before the night session, with an order on somebody's list."""
    town.breach()
    town.clock.set(datetime(2024, 5, 14, 12, 30, tzinfo=UTC))
    return ""


def a_change_of_shift(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """Chen's shift ends and Lin's begins, with an order on the desk."""
    shifts = (("chen", "08:00-20:00"), ("lin", "20:00-08:00"))
    roster = [
        {"org": EAST, "role": "risk_officer", "people": [one], "shift": shift}
        for one, shift in shifts
    ]
    known, problems = directory_from_mapping({**people(), "roster": roster})
    assert problems == []
    with town.app.store.unit_of_work("cli:test") as uow:
        save_directory(uow, known)
    town.breach()
    town.clock.set(datetime(2024, 5, 14, 12, 0, tzinfo=UTC))
    return ""


def a_wish_left_behind(town: House, _monkeypatch: pytest.MonkeyPatch) -> str:
    """A row in quarantine that Chen dismissed in a process that died before it reached the log."""
    fault = Problem("EVENT_TIME_NAIVE", field="event_time")
    town.app.log.append([], [Reject('{"event_id":"E1"}', (fault,), "x.csv", 3, EAST)])
    row = town.app.log.quarantine()[0]
    wish = Wish(row.number, DISMISS, "chen", town.clock(), row.reject.key, EAST, reason="a test")
    with town.app.store.unit_of_work("chen") as uow:
        assert inbox.accept(uow, settling_rows.SOURCE, "1", wish.as_json())
    return ""


JOBS: dict[str, tuple[Callable[..., str], int]] = {
    "briefs": (an_evening, 5),
    "clicks": (a_click, 20),
    "approvals": (an_overdue_request, 10),
    "delivery": (cards_that_wait, 5),
    "escalator": (a_ladder, 20),
    "feeds": (a_silent_feed, 3),
    "quarantine": (a_wish_left_behind, 3),
    "replayer": (a_past_day, 3),
    "shifts": (a_change_of_shift, 8),
    "weekly": (a_monday_morning, 10),
}


def test_every_job_is_named_here(town: House) -> None:
    names = {job.name for one in serving.schedulers_of(town.app) for job in one._jobs}
    assert names == {*JOBS, *ELSEWHERE, "trainer"}


@pytest.mark.parametrize("name", list(JOBS))
def test_a_job_ends_where_an_unbroken_one_does(
    town: House, breaking: Breaking, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    prepare, least = JOBS[name]
    prepare(town, monkeypatch)
    # Each delivery and each timer is broken everywhere in `test_failpoints`.
    stride = 3 if name == "escalator" else 1
    converges(town, breaking, one_job(town, name), least=least, stride=stride)


def test_a_first_model_is_put_to_work_whole(
    town: House, breaking: Breaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_history(town, monkeypatch)
    before = town.actions()
    for place in range(1, MOST):
        breaking.at, breaking.count = place, 0
        try:
            found = town.app.trainer.run_once(town.clock())
        except Broken:
            assert town.actions() == before
            continue
        assert found
        assert place > 3
        assert town.actions() == [*before, "model.put_to_work"]
        return
    raise AssertionError("it never ends")


# --- ways in ------------------------------------------------------------------------------------


def test_a_click_is_carried_out_once(town: House, breaking: Breaking) -> None:
    """The request comes again as Slack repeats it; what it left waiting the job carries out."""
    town.breach()
    pressed = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))

    def act() -> None:
        town.send(pressed, **{"X-Slack-Retry-Num": "1"})
        clicks.work_off(town.app)

    converges(town, breaking, act, least=20)
    assert town.actions().count("order.acknowledge") == 1


def test_a_slash_command_is_carried_out_once(town: House, breaking: Breaking) -> None:
    order = town.breach()
    typed = town.slack.command(slack_user("chen"), f"ack {order.id}")

    def act() -> None:
        town.send(typed, "commands", **{"X-Slack-Retry-Num": "1"})
        clicks.work_off(town.app)

    converges(town, breaking, act, least=20)
    assert town.actions().count("order.acknowledge") == 1


def test_a_shortcut_and_its_form_make_one_order(town: House, breaking: Breaking) -> None:
    user = slack_user("chen")
    chosen = town.slack.shortcut(user, {"ts": "1715652000.000100", "user": "U0", "text": "late"})
    assert town.send(chosen).status_code == 200
    (view,) = town.slack.views
    sent = town.slack.submit(view, org=unit_code(EAST), level="orange", product="cu")
    converges(town, breaking, lambda: town.send(sent, **{"X-Slack-Retry-Num": "1"}), least=20)
    assert len(town.orders()) == 1
    assert town.actions().count("order.message") == 1


@pytest.mark.parametrize("kind", [WECOM, FEISHU], ids=lambda kind: kind.name)
def test_a_click_in_another_chat_is_carried_out_once(
    breaking: Breaking, tmp_path: Path, kind: Kind
) -> None:
    """What was not answered comes again, signed anew; what it left waiting the job does."""
    with capture_logs(), chat_town(kind, tmp_path / "data") as made:
        made.house.breach()
        pressed = made.pressed("chen", "acknowledge")
        # What an edited card's code is worth depends on the edits before: cards stay as they are.
        made.chat.lasting = Fault(status=503)

        def act() -> None:
            made.send(made.chat.again(pressed))
            clicks.work_off(made.house.app)

        converges(made.house, breaking, act, least=20)
        assert made.house.actions().count("order.acknowledge") == 1


def test_a_linked_account_completes_the_click_that_waited(town: House, breaking: Breaking) -> None:
    order = town.breach()
    message = town.card("chen", "acknowledge")
    assert town.send(town.slack.press(message, "acknowledge", "U77777")).status_code == 200
    (said,) = town.whispers("U77777")
    officer, path = town.signed_in("new"), said.rpartition("http://testserver")[2]
    converges(town, breaking, lambda: officer.post(path), least=20)
    assert town.order(order.id).acknowledged_by == "new"
    assert town.actions().count("order.acknowledge") == 1


def test_the_digits_of_a_mail_acknowledge_once(town: House, breaking: Breaking) -> None:
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    form = {"nonce": nonce, "verb": "acknowledge", "code": digits}
    converges(town, breaking, lambda: browser.post(path, data=form), least=10)
    assert town.order(order.id).acknowledged_by == "chen"
    assert town.actions().count("order.acknowledge") == 1


def a_test_call(town: House, channel: str) -> str:
    """A test call that has reached Chen; its number."""
    body = {"person": "chen", "channel": channel}
    (made,) = town.client("wang").post("/api/v1/test-calls", json=body).json()["tests"]
    town.run_agents()
    return str(made["id"])


def test_a_test_call_is_confirmed_once_in_the_chat(town: House, breaking: Breaking) -> None:
    card = town.card("chen", "acknowledge", a_test_call(town, "slack"))
    pressed = town.slack.press(card, "acknowledge", slack_user("chen"))

    def act() -> None:
        town.send(pressed, **{"X-Slack-Retry-Num": "1"})
        clicks.work_off(town.app)

    converges(town, breaking, act, least=10)
    assert town.actions().count("test_call.confirm") == 1


def test_a_test_call_is_confirmed_once_by_mail(town: House, breaking: Breaking) -> None:
    path, digits = written_to(town, "chen", a_test_call(town, "email"))
    browser, nonce = opened(town, path)
    form = {"nonce": nonce, "verb": "acknowledge", "code": digits}
    converges(town, breaking, lambda: browser.post(path, data=form), least=5)
    assert town.actions().count("test_call.confirm") == 1


def test_a_test_call_that_fails_says_so_once(town: House, breaking: Breaking) -> None:
    body = {"person": "chen", "channel": "slack"}
    assert town.client("wang").post("/api/v1/test-calls", json=body).status_code == 201
    with town.app.store.unit_of_work("cli:test") as uow:
        known = town.app.directory
        gone = tuple(replace(one, accounts=()) for one in known.people)
        assert save_directory(uow, replace(known, people=gone))
    converges(town, breaking, one_job(town, "delivery"), least=5)
    assert town.actions().count("test_call.failed") == 1


def test_signing_in_leaves_a_session_with_its_record_or_neither(
    town: House, breaking: Breaking
) -> None:
    with town.app.store.unit_of_work("cli:test") as uow:
        set_password(uow, "chen", PASSWORD)
    form = {"login": "chen", "password": PASSWORD}
    before = town.actions()
    for place in range(1, MOST):
        client = town.client()
        client.headers["Origin"] = "http://testserver"
        breaking.at, breaking.count = place, 0
        answer = client.post("/login", data=form)
        broken = breaking.count >= place
        breaking.at = 0
        if not broken:
            assert answer.status_code == 303
            assert client.get("/").status_code == 200
            assert len(town.actions()) == len(before) + 1
            return
        assert answer.status_code == 500, f"statement {place}"
        assert town.actions() == before, f"statement {place}"
        assert client.get("/").status_code == 303  # to the sign-in
    raise AssertionError("it never ends")
