"""A request to override the close-guard ends with the order; where nothing holds, none is made."""

from collections.abc import Iterator

import pytest
from flow_house import EAST, House, house

import approvals
from workorders import Level, resolve


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("moot")) as made:
        yield made


def asked(home: House, order: str, kind: str) -> str:
    answer = home.client("lin").post(
        f"/api/v1/orders/{order}/request-approval",
        json={"kind": kind, "material": {"reason": "x"}},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["approval"])


def state_of(home: House, number: str) -> approvals.State:
    with home.app.store.reader() as connection:
        return approvals.read(connection, number)


@pytest.mark.parametrize("way", ["api", "page"])
def test_closing_takes_back_the_request_and_leaves_the_others(home: House, way: str) -> None:
    """It once stayed in the signer's list for good."""
    order = home.breach()
    assert order.level is Level.RED
    override, other = asked(home, order.id, "override"), asked(home, order.id, "limit_change")
    with home.app.store.unit_of_work("lin") as uow:
        assert resolve(uow, home.app.context(), order.id).ok
    home.limit(5000)
    due = (home.clock().date()).replace(day=28).isoformat()
    closing = {
        "disposition": "fixed", "root_cause": "DATA_LATE",
    }  # fmt: skip
    measure = {"text": "check the feed", "owner": "chen", "due": f"{due}T10:00:00Z"}
    if way == "api":
        done = home.client("chen").post(
            f"/api/v1/orders/{order.id}/close", json={**closing, "corrective": measure}
        )
        assert done.status_code == 200, done.text
    else:
        form = {**closing, "corrective": "check the feed", "owner": "chen", "due": due}
        done = home.signed_in("chen").post(f"/orders/{order.id}/close", data=form)
        assert done.status_code == 303, done.text
    assert home.order(order.id).state == "closed"
    assert state_of(home, override).status is approvals.Status.WITHDRAWN
    assert state_of(home, other).status is approvals.Status.PENDING
    with home.app.store.reader() as connection:
        last = approvals.history(connection, override)[-1]
    assert (last.act.actor, last.act.reason) == ("system:approvals", "ORDER_CLOSED")


def test_nothing_is_overridden_where_no_condition_holds(home: House) -> None:
    chen = home.client("chen")
    form = {"org": EAST, "level": "orange", "text": "the seal is missing"}
    assert home.signed_in("chen").post("/orders/new", data=form).status_code == 303
    order = home.orders()[0].id
    answer = chen.post(f"/api/v1/orders/{order}/request-approval", json={"kind": "override"})
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "NOTHING_TO_OVERRIDE"
    page = home.signed_in("chen").get(f"/orders/{order}").text
    assert '<option value="limit_change"' in page
    assert '<option value="override"' not in page
