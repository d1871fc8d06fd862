"""The demo's scripted officers keep their hands off whatever a visitor asked for or touched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import approvals
from approvals import Status
from main import compose
from service.demo.command import DemoOptions, load, ready, replay
from service.demo.doors import Doors, port_of, serving
from service.demo.officers import Officers
from service.demo.progress import quiet
from service.demo.simulation import Simulation
from service.demo.stage import Stage, staged
from service.security import tokens
from workorders import reads

COPPER, STEEL, ROBOT = "恒信贸易/华东业务部", "华东钢铁/财务部", "江苏贸易"


class Visitor:
    """Somebody at the console, who acts by its own doors as one of the people."""

    def __init__(self, stage: Stage, doors: Doors, person: str) -> None:
        with stage.app.store.unit_of_work("system:demo") as uow:
            token = tokens.issue(uow, person, name="visitor", life=timedelta(days=1))
        self._net = httpx.Client(
            base_url=doors.address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._net.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def house(folder: Path, *names: str) -> Iterator[tuple[Stage, Doors]]:
    """A demo of these incidents whose console is open."""
    chosen = [one for one in load(DemoOptions()).incidents if one.id in names]
    with (
        ready(folder, 0) as listening,
        staged(
            compose, folder, chosen, seed=None, port=port_of(listening), use_child=False
        ) as stage,
        serving(stage, listening) as doors,
    ):
        yield stage, doors


def orders_of(stage: Stage, org: str) -> list[Any]:
    with stage.app.store.reader() as connection:
        return list(reads.list_orders(connection, (org,), reads.Filter()).items)


def hands_on(stage: Stage, number: str) -> list[tuple[str, str]]:
    """Who has done what on an order, the machinery left out."""
    people = {one.id for one in stage.app.directory.people}
    with stage.app.store.reader() as connection:
        found = reads.stream(connection, number)
    return [(one.actor, one.code) for one in found if one.actor in people]


def pass_time(stage: Stage, simulation: Simulation, minutes: int) -> None:
    """As a served demo does, a quarter of a minute a turn."""
    for _ in range(minutes * 4):
        stage.clock.advance(15)
        simulation.settle_now()


def test_what_a_visitor_asks_for_waits_for_a_person(tmp_path: Path) -> None:
    with house(tmp_path / "data", "INC-1", "INC-2") as (stage, doors):
        simulation = replay(stage, doors, leave=(STEEL,), tell=quiet)
        copper = orders_of(stage, COPPER)
        assert [one.state.value for one in copper] == ["closed"], "the officers do act on theirs"
        waiting = orders_of(stage, STEEL)[0]
        officer = Visitor(stage, doors, "u_rk2")
        asked = officer.post(
            f"/orders/{waiting.id}/request-approval",
            kind="grant",
            material={"person": "u_fin1", "grant": "order.note", "scope": waiting.org},
        )
        pass_time(stage, simulation, 20)
        cards = [one for one in stage.slack.messages if asked["approval"] in str(one.body)]
        assert cards, "the signers were told"
        with stage.app.store.reader() as connection:
            request = approvals.read(connection, asked["approval"])
        assert (request.status, request.version) == (Status.PENDING, 1)
        assert {who for who, _ in hands_on(stage, waiting.id)} == {"u_rk2"}


def test_a_review_that_the_story_tells_is_no_visitor(tmp_path: Path) -> None:
    """The night desk of the incident confirms its alerts by itself; the officers go on."""
    with house(tmp_path / "data", "INC-5") as (stage, doors):
        replay(stage, doors, leave=(), tell=quiet)
        orders = orders_of(stage, ROBOT)
        assert len(orders) == 2
        for one in orders:
            codes = {code for _, code in hands_on(stage, one.id)}
            assert {"alert.confirm", "order.close"} <= codes


@pytest.mark.parametrize("touched", [True, False])
def test_an_order_that_a_visitor_touched_is_left_to_the_visitor(
    tmp_path: Path, *, touched: bool
) -> None:
    """While the replay still runs: a note before the officers' first act, and they stay away."""
    with house(tmp_path / "data", "INC-1") as (stage, doors):
        officers = Officers(stage, doors.address)
        trader = Visitor(stage, doors, "u_wang")
        noted: list[str] = []

        def note(look: Callable[[datetime], None], now: datetime) -> None:
            look(now)
            for order in orders_of(stage, COPPER):
                if touched and order.id not in noted:
                    noted.append(order.id)
                    trader.post(f"/orders/{order.id}/note", text="mine")

        simulation = Simulation(
            stage.app, stage.clock, stage.events, lambda now: note(officers.look, now)
        )
        officers.join(simulation)
        simulation.run()
        number = orders_of(stage, COPPER)[0].id
        done = {code for _, code in hands_on(stage, number)}
        assert ("order.close" in done) is not touched, done
        if touched:
            assert noted == [number]
            assert [who for who, _ in hands_on(stage, number)] == ["u_wang"]
