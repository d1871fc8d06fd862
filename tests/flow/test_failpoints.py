"""Whatever breaks between two statements of a job or of a person's act: all of it, or nothing.

Each act is tried again and again with a failure before its first statement, its second one, and so
on up to its commit. After every failure the database is what it was; the last try succeeds.
"""

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel
from structlog.testing import capture_logs

import approvals
import workorders
from agents import delivery
from agents.scheduler import Scheduler
from agents.sentinel import Sentinel
from agents.settler import Settler
from approvals import Subject, Wish
from store import outbox, timers
from tests.unit.agents.agents_house import (
    EAST,
    START,
    Crash,
    House,
    a_house,
    alert,
    basis_history,
    context_of,
    directory,
    event,
    in_transit,
    opening_book,
    queued,
    quote,
    review,
    surroundings,
    template,
    timeout,
)
from workorders import (
    TIMER_KINDS,
    Level,
    Policy,
    drills,
    exemption_ending,
    exemption_rows,
    exemptions,
    silences,
    silencing,
)
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.manual import ManualOrder
from workorders.model import Clear, Closing, Corrective, Match

MOST = 1_000
CLOSING = Closing(
    disposition="fixed",
    root_cause="ROLE_MISSING_PERMISSION",
    corrective=Corrective("close the gap", "chen", START + timedelta(days=7)),
)
Act = Callable[[], Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("failpoints"))


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Iterator[House]:
    facts = [*opening_book(net="-7500"), in_transit("7500"), *basis_history()]
    with a_house(made, tmp_path, facts) as found:
        yield found


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Shelf:
    """The smallest channel: what it takes it keeps."""

    interactive = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[str] = []

    def send(self, card: Card, address: str) -> Handle:
        self.taken.append(card.notice_id)
        return Handle(self.name, {"at": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        return Updated.UPDATED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        return Refusal("MALFORMED")


def whole(house: House, *, plumbing: bool) -> dict[str, list[Any]]:
    """Every row of every table, read past everything of ours."""
    with sqlite3.connect(house.folder / "house.db") as connection:
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for name, table in SQLModel.metadata.tables.items()
            if plumbing or not table.info.get("plumbing")
        }


def broken_everywhere(house: House, act: Act, *, plumbing: bool = True) -> int:
    """Let `act` fail at every place; returns at how many it did.

    Args:
        house: whose store `act` writes to.
        act: one transaction, or several that may be repeated.
        plumbing: whether not even plumbing may have changed after a failure.
    """
    before = whole(house, plumbing=plumbing)
    for place in range(1, MOST):
        house.failing.count, house.failing.at = 0, place
        try:
            act()
        except Crash:
            after = whole(house, plumbing=plumbing)
            changed = [name for name, rows in before.items() if after[name] != rows]
            assert changed == [], f"place {place}"
            continue
        finally:
            house.failing.at = None
        assert house.failing.count < place
        assert whole(house, plumbing=True) != before, "it did nothing"
        return place - 1
    raise AssertionError("it never ends")


# --- the agents' jobs ---------------------------------------------------------------------------


def a_round(house: House) -> Act:
    """One round of a process that was just started."""

    def act() -> None:
        house.restart()
        house.watcher.run_once(house.now)

    return act


@pytest.mark.parametrize(
    ("earlier", "then", "found"),
    [
        ([], timeout("RK1", 10), "EXPOSURE_CRITICAL"),
        ([quote("70120", 0)], quote("70720", 20), "BASIS_JUMP"),
        ([], alert("A1", "red", 5), "ROBOT_ALERT_RED"),
        ([timeout(f"R{n}", n) for n in range(4)], timeout("R4", 4), "INBOUND_TIMEOUT_CLUSTER"),
        (
            [
                event("voucher.post", -99 + n, voucher=f"V{n}", order="S", amount="1", debit="1",
                      credit="2")
                for n in range(2)
            ],
            event("recon.run", 0, kind="risk", actor="system", as_of="2024-05-14"),
            "DUP_VOUCHER",
        ),
    ],
    ids=["exposure", "basis", "alert", "correlation", "look-back"],
)  # fmt: skip
def test_a_round_of_the_watcher(house: House, earlier: list[Any], then: Any, found: str):
    house.arrive(*earlier) if earlier else None
    house.append(then)
    assert found not in house.codes()
    assert broken_everywhere(house, a_round(house)) > 10
    assert house.codes().count(found) == 1


def test_a_round_that_decides_on_hedge_orders(house: House):
    house.arrive(queued(0, order="H-1"))
    house.append(timeout("RK1", 10), queued(20, order="H-2"))
    assert broken_everywhere(house, a_round(house)) > 30
    outcomes = [(number, outcome) for number, outcome, _ in house.decisions("hedge_order.decide")]
    assert sorted(outcomes) == [("H-1", "allow"), ("H-1", "hold"), ("H-2", "hold")]


def test_a_round_in_which_a_person_reviews(house: House):
    house.arrive(alert("A1", "orange", 0))
    house.append(review("chen", 60, alert="A1"))
    assert broken_everywhere(house, a_round(house)) > 20
    assert [one.state.value for one in house.alerts()] == ["confirmed"]
    assert len(house.orders()) == 1


def test_a_round_in_which_time_alone_decides(house: House):
    orders = [
        event("order.create", 30 * n, order=f"S{n}", side="buy", qty=1, actor=f"u{n}")
        for n in range(4)
    ]
    house.arrive(*orders)
    house.at(400)
    assert broken_everywhere(house, a_round(house)) > 10
    assert house.codes().count("ERP_UNSYNCED") == 1


def test_a_delivery(house: House):
    house.arrive(alert("A1", "red", 0))
    channel = Shelf("mail")

    def act() -> None:
        house.at((house.now - START).total_seconds() + 61)  # a lease of a dead one has run out
        delivery.deliver(
            house.store,
            {"chat": Shelf("chat"), "mail": channel},
            lambda who, _: f"U{who}",
            lambda: context_of(surroundings(), house.policy),
            "test",
        )

    # Messages that were settled before the failure stay settled: each is a transaction of its own.
    with house.store.unit_of_work("system:test") as uow:
        for message in outbox.claim(uow, limit=3, lease_s=1e6, holder="another"):
            assert message.state == "claimed"
    assert broken_everywhere(house, act, plumbing=False) > 10
    assert len(house.records(kind="notification", action="notice.sent")) == 1
    assert len(channel.taken) > 1
    assert len(set(channel.taken)) == 1  # at least once, under one id


def test_a_delivery_that_gives_up_and_goes_to_the_next_channel(house: House):
    house.arrive(alert("A1", "red", 0))
    with house.store.unit_of_work("system:test") as uow:
        outbox.claim(uow, limit=3, lease_s=1e6, holder="another")

    def act() -> None:
        house.at((house.now - START).total_seconds() + 61)
        delivery.deliver(
            house.store, {}, lambda *_: "", lambda: context_of(surroundings(), house.policy), "x"
        )

    assert broken_everywhere(house, act, plumbing=False) > 10
    assert len(house.records(kind="notification", action="notice.failed")) == 1


def test_showing_a_card_anew(house: House):
    house.arrive(alert("A1", "red", 0))
    channels = {name: Shelf(name) for name in ("chat", "mail")}
    context = context_of(surroundings(), house.policy)
    delivery.deliver(house.store, channels, lambda who, _: who, lambda: context, "test")
    number = house.orders()[0].id
    with house.store.unit_of_work("chen") as uow:
        workorders.acknowledge(uow, context, number)
    with house.store.reader() as connection:
        one, *others = workorders.stale_cards(connection)
    for other in others:
        with house.store.unit_of_work("system:escalator") as uow:
            workorders.record_refresh(uow, other, outcome="updated")
    assert one.card.object_id == number
    act = lambda: delivery.refresh(house.store, channels, ["chat", "mail"])  # noqa: E731
    assert broken_everywhere(house, act) > 3
    with house.store.reader() as connection:
        assert workorders.stale_cards(connection) == []


@pytest.mark.parametrize("kind", sorted(TIMER_KINDS))
def test_a_timer(house: House, kind: str):
    context = context_of(surroundings(), house.policy)
    if kind.endswith("dwell"):
        context = replace(context, policy=Policy(open_dwell_s=60))
        breach = Match(
            "R", "CODE", "1", Level.ORANGE, EAST, START, product="cu", clears=Clear("R", "k")
        )
        with house.store.unit_of_work("system:assessor") as uow:
            assert not workorders.ingest_match(uow, breach, context).opened
    level = "orange" if kind.endswith(("triage", "snooze")) else "red"
    house.arrive(alert("A1", level, 0))
    if kind.endswith("group"):  # the same again waits for its tick
        house.at(60)
        house.arrive(alert("A1", level, 60))
    if kind.endswith("silence"):
        wish = silences.Wish(
            silences.Matchers(EAST), house.now, house.now + timedelta(hours=1), "works"
        )
        with house.store.unit_of_work("chen") as uow:
            assert silencing.create_silence(uow, context, wish).ok
    if kind.endswith("exemption"):
        terms = exemptions.Terms(
            EAST, "cu", "R", Decimal(10), "t", house.now, house.now + timedelta(days=2)
        )
        one = exemptions.Exemption(
            "EX-1", terms, "late", "4", "chen", house.now, exemptions.ExemptionState.ASKED
        )
        with house.store.unit_of_work("boss") as uow:
            exemption_rows.enter(uow, one, subjects=["liu"])
            exemption_ending.grant(uow, "EX-1", approved_by="boss")
    if kind.endswith("drill"):
        drill = drills.DrillWish(EAST, Level.RED, timedelta(hours=1))
        with house.store.unit_of_work("wang") as uow:
            assert drills.start_drill(uow, context, drill).ok
    if kind.endswith("snooze"):  # red sleeps for nobody
        with house.store.unit_of_work("chen") as uow:
            workorders.confirm_alert(uow, context, house.alerts()[0].id)
    orders = house.orders()
    steps: dict[str, list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]]] = {
        "resolve": [("chen", workorders.acknowledge, (), {})],
        "review": [
            ("chen", workorders.acknowledge, (), {}),
            ("chen", workorders.resolve, (), {"text": "done"}),
        ],
        "corrective": [
            ("chen", workorders.acknowledge, (), {}),
            ("chen", workorders.resolve, (), {"text": "done"}),
            ("wang", workorders.close, (CLOSING,), {"conditions": []}),
        ],
        "snooze": [
            ("chen", workorders.acknowledge, (), {}),
            ("chen", workorders.snooze, (), {"until": START + timedelta(hours=1), "reason": "x"}),
        ],
    }
    for who, command, given, named in steps.get(kind.rpartition(".")[2], []):
        with house.store.unit_of_work(who) as uow:
            assert command(uow, context, orders[0].id, *given, **named).ok
    house.at(30 * 24 * 3600)
    with house.store.reader() as connection:
        timer = next(t for t in timers.due(connection, house.now) if t.kind == kind)

    def act() -> None:
        with house.store.unit_of_work("system:escalator") as uow:
            assert workorders.fire_timer(uow, timer, context).code != "FIRED_ELSEWHERE"

    assert broken_everywhere(house, act) > 3
    with house.store.reader() as connection:
        assert timer.key not in {one.key for one in timers.due(connection, house.now)}


def test_a_settlement(house: House):
    settler = Settler(house.store, house.watcher.world)
    house.at(6 * 3600)
    assert broken_everywhere(house, lambda: settler.run_once(house.now)) > 3
    assert len(house.records(action="settlement.snapshot")) == 1


def test_the_lease_and_the_heartbeat(house: House):
    # One that has just taken the lease does not ask again: each try is that of a new process.
    made: list[Scheduler] = []

    def leads() -> bool:
        made.append(Scheduler(house.store, [], holder="test"))
        return made[-1].run_once()

    assert broken_everywhere(house, leads) > 0
    assert made[-1].leads
    assert not made[0].leads
    sentinel = Sentinel(house.store, house.log)
    assert broken_everywhere(house, lambda: sentinel.run_once(house.now)) > 0


# --- what people do -----------------------------------------------------------------------------

#: Covered by the jobs above.
JOBS = {"fire_timer", "record_delivery", "record_refresh"}


def takes_a_unit(room: Any) -> set[str]:
    """The names of everything public of a room that writes."""
    return {
        name
        for name, one in inspect.getmembers(room, inspect.isfunction)
        if "uow" in inspect.signature(one).parameters
    }


class Scene:
    """People acting in turn, each act broken everywhere before it succeeds."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.context = context_of(surroundings(), Policy())
        self.done: set[str] = set()

    def act(self, who: str, command: Callable[..., Any], *given: Any, **named: Any) -> Any:
        found: list[Any] = []

        def once() -> None:
            with self.house.store.unit_of_work(who) as uow:
                parameters = list(inspect.signature(command).parameters)
                handed = list(given)
                if "ctx" in parameters:
                    handed.insert(parameters.index("ctx") - 1, self.context)
                found.append(command(uow, *handed, **named))

        assert broken_everywhere(self.house, once) > 2, command.__name__
        self.done.add(command.__name__)
        outcome = found[-1]
        if hasattr(outcome, "ok"):
            assert outcome.ok, outcome
        return outcome

    def order(self) -> str:
        """A fresh red order; each comes from an alert of its own."""
        number = f"A{len(self.house.alerts()) + 1}"
        after = (self.house.now - START).total_seconds() + 1
        before = {one.id for one in self.house.orders()}
        self.house.arrive(alert(number, "red", max(after, 0)))
        (found,) = {one.id for one in self.house.orders()} - before
        return found

    def waiting(self, level: str = "orange") -> str:
        """A fresh alert that waits for triage."""
        before = {one.id for one in self.house.alerts()}
        number = f"A{len(before) + 1}"
        after = (self.house.now - START).total_seconds() + 1
        self.house.arrive(alert(number, level, max(after, 0)))
        (found,) = {one.id for one in self.house.alerts()} - before
        return found


def test_every_command_on_work_orders_and_alerts(house: House):
    scene = Scene(house)
    w = workorders
    first = scene.order()
    scene.act("chen", w.note, first, "seen")
    scene.act("chen", w.tag, first, add=["night"])
    scene.act("chen", w.escalate, first)
    scene.act("chen", w.acknowledge, first)
    scene.act("chen", w.take_over, first)
    scene.act("chen", w.hold_instruction, first, objects=["H-1"], reason="wait")
    scene.act("chen", w.request_approval, first, subject="override", approval_id="AP-1")
    scene.act("wang", w.reassign, first, people=["wang"], reason="shift")
    scene.act("chen", w.resolve, first, text="posted")
    scene.act("chen", w.resume, first, reason="not all of it")
    scene.act("chen", w.resolve, first, text="now")
    closing = Closing(
        disposition="fixed",
        root_cause="ROLE_MISSING_PERMISSION",
        corrective=Corrective("close the gap", "chen", house.now + timedelta(days=7)),
    )
    scene.act("wang", w.close, first, closing, conditions=[])
    scene.act("chen", w.reopen, first, reason="it came back")
    second, third = scene.order(), scene.order()
    scene.act("chen", w.merge, second, into=third)
    by_hand = ManualOrder("AUDIT_FINDING", Level.ORANGE, EAST, text="seen by the auditor")
    opened = scene.act("chen", w.open_by_hand, by_hand).order
    scene.act("chen", w.acknowledge, opened.id)
    until = house.now + timedelta(minutes=30)
    scene.act("chen", w.snooze, opened.id, until=until, reason="data comes at eleven")
    scene.act("chen", w.wake, opened.id)
    scene.act("chen", w.confirm_alert, scene.waiting(), text="yes")
    scene.act("chen", w.dismiss_alert, scene.waiting(), reasons=["false"])
    scene.act("chen", w.dismiss_alerts, [scene.waiting("blue"), scene.waiting("blue")],
              reasons=["handled"])  # fmt: skip
    scene.act("chen", w.merge_alert, scene.waiting("yellow"), into=scene.waiting("yellow"))
    click = Inbound("chat", "T/U", third, "acknowledge", 1, "click-1")
    scene.act("chen", w.perform, click)
    match = Match("R", "CODE", "1", Level.RED, EAST, house.now, product="cu", facts_hash="f")
    scene.act("system:watcher", w.ingest_match, match)
    assert scene.done | JOBS == takes_a_unit(workorders)


def test_every_command_on_approvals(house: House):
    scene = Scene(house)
    known = directory()

    def act(actor: str, verb: str, state: Any, **named: Any) -> Any:
        outcome = scene.act(
            actor, approvals.act, state.id, actor, verb, state.version, directory=known, **named
        )
        return outcome.state

    subject = Subject("limit_change", "L-1", EAST, "lin", material={"amount": "600"})
    asked = scene.act("lin", approvals.submit, subject, known).state
    nudged = act("lin", "nudge", asked)
    act("chen", "approve", nudged)
    other = Subject("limit_change", "L-2", EAST, "lin", material={"amount": "700"})
    second = scene.act("lin", approvals.submit, other, known).state
    act("chen", "reject", second, reason="OTHER", note="too much")
    grant = scene.act(
        "chen", approvals.request_grant, "chen", "lin", "order.submit", org=EAST, directory=known
    ).state
    act("wang", "approve", grant)
    wish = Wish("chen", EAST, None, house.now + timedelta(days=1), "on leave")
    lent = scene.act("wang", approvals.give_delegation, wish, known).lending
    assert scene.act("chen", approvals.confirm_delegation, lent.number, known).ok
    assert scene.act("wang", approvals.mark_told, lent.number, ["AP-1"])
    assert scene.act("wang", approvals.end_delegation, lent.number).ok
    assert scene.done == takes_a_unit(approvals)
