"""The child dies on an event: nothing is lost, a person hears of it once, it does not come back."""

import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.child_faults import rules_alone
from agents.watcher import Watcher
from rules.durable_child import Child
from tests.unit.agents.agents_house import EAST, House, a_watcher, order, rulebook
from workorders import OrderKind

RULE = "EXPOSURE_SPIKE"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


def dies_on_the_second(connection: Connection) -> None:
    """The real engine; it is killed as soon as a second fact of any pattern enters."""
    from rules.durable_engine import Engine

    engine: Any = None
    while True:
        try:
            name, payload = connection.recv()
        except EOFError:
            return
        if name == "load":
            engine = Engine(payload)
            connection.send(([], []))
            continue
        if any(fact.get("r") for _asserted, _host, fact in payload):
            os.kill(os.getpid(), 9)
        connection.send(engine.apply(payload))


def dies_at_once(_connection: Connection) -> None:
    os.kill(os.getpid(), 9)


class Children:
    """Counts the processes that were made."""

    def __init__(self, target: Any) -> None:
        self.made: list[Child] = []
        self._target = target

    def __call__(self) -> Child:
        self.made.append(Child(target=self._target))
        return self.made[-1]


def watched(house: House, children: Children) -> Watcher:
    house.watcher.close()
    house.watcher = a_watcher(house.store, house.log, house.policy, use_child=True, child=children)
    return house.watcher


def system_orders(house: House) -> list[str]:
    return [str(one.title_params["code"]) for one in house.orders() if one.kind is OrderKind.SYSTEM]


def sales(house: House, first: int = 0) -> None:
    house.arrive(*(order(f"O-{first + n}", first * 60 + n * 60, qty=10) for n in range(4)))


def test_an_event_on_which_the_child_dies_twice_opens_one_system_order(house: House):
    children = Children(dies_on_the_second)
    watched(house, children)
    sales(house)
    assert house.codes().count(RULE) == 1  # the reference lost nothing
    assert system_orders(house) == ["CORRELATOR_QUARANTINE"]
    (told,) = house.records(action="system.fault")
    assert told.org == EAST
    assert told.body["rules"] == [RULE]
    assert str(told.body["event"]).startswith("E-")
    with house.store.reader() as connection:
        assert rules_alone(connection, rulebook().hash) == {RULE}
        assert rules_alone(connection, "another rulebook") == frozenset()


def test_after_a_restart_the_rule_stays_without_the_child_and_nothing_is_told_again(house: House):
    watched(house, Children(dies_on_the_second))
    sales(house)
    again = Children(dies_on_the_second)
    watched(house, again)
    sales(house, first=60)
    assert house.codes().count(RULE) >= 2
    assert len(house.records(action="system.fault")) == 1
    assert [child.pid for child in again.made] != [None]  # the others still have their child


def test_a_child_that_never_comes_up_is_tried_a_few_times_and_told_once(house: House):
    children = Children(dies_at_once)
    watched(house, children)
    sales(house)
    house.watcher._forget()  # as after a failed round
    sales(house, first=60)
    assert system_orders(house) == ["CORRELATOR_DOWN"]
    assert len(children.made) == 1
    assert house.codes().count(RULE) >= 1
