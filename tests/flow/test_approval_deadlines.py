"""Deadlines of approvals: one that fails holds no other back; figures behind a late feed say so."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from flow_house import EAST, House, house
from sqlalchemy import select
from structlog.testing import capture_logs

import approvals
from agents.feed_states import feed_key, remember
from approvals import State, Status
from service import composition
from service.approval_deadlines import SOURCE, TOLD_AFTER, run_due
from service.approval_effect import effect_of
from service.approving import Ask, ask_for
from store import Store, inbox
from tests.breaking import Breaking
from trail.tables import RECORD
from workorders import WorkOrder


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


def asked(town: House, order: WorkOrder, kind: str) -> str:
    """A request under an order."""
    with town.app.store.unit_of_work("chen") as uow:
        context = town.app.context(town.app.directories.around(uow.connection))
        found = ask_for(uow, town.app, context, order, Ask(kind))
    assert found.ok, found.code
    assert found.request is not None
    return found.request.state.id


def state(town: House, number: str) -> State:
    with town.app.store.reader() as connection:
        return approvals.read(connection, number)


def moved(town: House, number: str) -> bool:
    """Whether a deadline has taken effect on it."""
    with town.app.store.reader() as connection:
        past = approvals.history(connection, number)
    return any(one.act.verb.value == "timeout" for one in past)


def put_off(town: House) -> list[inbox.InboxRow]:
    with town.app.store.reader() as connection:
        return inbox.pending(connection, source=SOURCE)


def test_a_request_that_fails_holds_no_other_back(town: House, breaking: Breaking) -> None:
    order = town.breach()
    numbers = [asked(town, order, "limit_change"), asked(town, order, "override")]
    town.clock.set(max(due for one in numbers if (due := state(town, one).due)))
    breaking.at, breaking.count = 1, 0
    run_due(town.app, town.clock())
    breaking.at = 0
    assert sorted(moved(town, one) for one in numbers) == [False, True]
    (waits,) = put_off(town)
    assert (waits.tries, waits.error.partition(":")[0]) == (1, "Broken")
    run_due(town.app, town.clock())
    assert sorted(moved(town, one) for one in numbers) == [False, True], "it waits for its turn"
    town.pass_time(seconds=30)
    run_due(town.app, town.clock())
    assert all(moved(town, one) for one in numbers)
    assert put_off(town) == []


def test_what_fails_again_and_again_stands_in_the_trail_once(
    town: House, breaking: Breaking
) -> None:
    number = asked(town, town.breach(), "limit_change")
    due = state(town, number).due
    assert due is not None
    town.clock.set(due)
    for _ in range(TOLD_AFTER + 2):
        breaking.at, breaking.count = 1, 0
        run_due(town.app, town.clock())
        breaking.at = 0
        town.pass_time(minutes=15)
    with town.app.store.reader() as connection:
        c = RECORD.c
        told = connection.execute(
            select(RECORD).where(c.action == "approval.timeout", c.object_id == number)
        ).all()
    assert [(one.outcome, one.reason) for one in told] == [("failed", "DEADLINE_FAILED")]
    run_due(town.app, town.clock())
    assert moved(town, number), "it is never given up"


def late(town: House, org: str) -> None:
    fact = {"org": org, "source": "feed:erp", "state": "late"}
    with town.app.store.unit_of_work("system:test") as uow:
        remember(uow, feed_key(org, "feed:erp"), fact, "made by hand")


def test_a_precheck_behind_a_late_feed_says_so(town: House) -> None:
    town.breach()
    order = {"org": EAST, "side": "sell", "lots": 10, "contract": "CU2406"}
    chen = town.client("chen")
    assert chen.post("/api/v1/precheck", json=order).json()["data_state"] == "current"
    late(town, EAST)
    assert chen.post("/api/v1/precheck", json=order).json()["data_state"] == "late"


def queued_order(town: House, lots: int = 10, contract: str = "CU2406") -> WorkOrder:
    """The order of a breach, and hedge order H-1 that waits beside it."""
    town.breach()
    event = {
        "event_id": "E-H1",
        "kind": "business",
        "type": "hedge.order.queued",
        "event_time": "2024-05-14T02:00:00Z",
        "org": EAST,
        "actor": "robot-7",
        "object_type": "hedge_order",
        "object_id": "H-1",
        "order": "H-1",
        "product": contract[:2].lower(),
        "attributes": {"side": "sell", "lots": lots, "contract": contract, "origin": "robot"},
    }
    answer = town.client("chen").post("/api/v1/events", json=event)
    assert answer.json()["accepted"] == 1, answer.text
    town.run_agents()
    (order,) = (one for one in town.orders() if one.product == "cu")
    return order


def test_an_approval_tells_the_coverage_before_and_after(town: House) -> None:
    order = queued_order(town)
    with town.app.store.unit_of_work("chen") as uow:
        context = town.app.context(town.app.directories.around(uow.connection))
        found = ask_for(uow, town.app, context, order, Ask("hedge_order", "H-1"))
        assert found.request is not None, found.code
        effect = effect_of(uow.connection, town.app, found.request.state)
    figures = {one.code: (one.before, one.after, one.unit) for one in effect.figures}
    # 10 lots of 5 t sold against 1,300 t bought: 50 / 1,300
    assert figures["approval.coverage"] == ("0", "0.0385", "ratio")
    assert figures["approval.net"] == ("1300", "1250", "t")


@pytest.mark.parametrize(
    ("lots", "contract", "english", "chinese"),
    [
        (60, "CU2406", "use of the limit: Red → Orange", "等级（按限额使用率）：红 → 橙"),
        (10, "CU2406", "limit: Red, unchanged by", "等级（按限额使用率）：红，同意后不变"),
        (200, "CU2406", "Red → none", "红 → 无色"),
        (10, "AL2406", "No limit to measure against", "没有可比的限额"),
    ],
)
def test_a_card_tells_the_colour_before_and_after_and_what_it_cannot_tell(
    town: House, lots: int, contract: str, english: str, chinese: str
) -> None:
    order = queued_order(town, lots, contract)
    with town.app.store.unit_of_work("chen") as uow:
        context = town.app.context(town.app.directories.around(uow.connection))
        found = ask_for(uow, town.app, context, order, Ask("hedge_order", "H-1"))
    assert found.request is not None, found.code
    lin = town.signed_in("lin")
    for language, said, margin in (
        ("en", english, "Margin and risk degree cannot be told"),
        ("zh", chinese, "保证金和风险度无法计算"),
    ):
        lin.cookies.set("hedgewarden_language", language)
        page = lin.get(f"/approvals/{found.request.state.id}").text
        assert said in page
        assert margin in page


def test_figures_of_an_approval_behind_a_late_feed_say_so(town: House) -> None:
    order = queued_order(town)
    late(town, EAST)
    with town.app.store.unit_of_work("chen") as uow:
        context = town.app.context(town.app.directories.around(uow.connection))
        found = ask_for(uow, town.app, context, order, Ask("hedge_order", "H-1"))
    assert found.request is not None, found.code
    page = town.signed_in("lin").get(f"/approvals/{found.request.state.id}").text
    assert "Data late: a source is overdue" in page
    assert found.request.state.status is Status.PENDING
