"""What a merge takes along: whom both orders are about, the files, the requests that are moot."""

from collections.abc import Iterator
from typing import Any

import pytest
from flow_house import EAST, House, house

import approvals
from workorders import Level, WorkOrder, ingest_match
from workorders.model import Match


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("whole")) as made:
        yield made


def about(home: House, actor: str, product: str) -> WorkOrder:
    """A red order about what `actor` did."""
    known = {one.id for one in home.orders()}
    match = Match(
        rule="SAFE_MODE", code="TEMP_ACCOUNT_AFTER_HOURS", version="1", level=Level.RED, org=EAST,
        event_time=home.clock(), product=product, measure="audit", actor=actor, cause=actor,
        facts_hash=actor, evidence={"alert": actor},
    )  # fmt: skip
    with home.app.store.unit_of_work("system:assessor") as uow:
        ingest_match(uow, match, home.app.context(home.app.directories.around(uow.connection)))
    (opened,) = (one for one in home.orders() if one.id not in known)
    return opened


def merge(home: House, order: WorkOrder, into: WorkOrder) -> None:
    url = f"/api/v1/orders/{order.id}/merge"
    answer = home.client("wang").post(url, json={"into": into.id, "text": "one matter"})
    assert answer.status_code == 200, answer.text


def test_whom_either_order_is_about_answers_for_neither_and_others_are_told(home: House) -> None:
    """Each officer held the order about the other; merged, both were left with what is kept from
    them, and nobody else was told before the ladder's end."""
    one, two = about(home, "lin", "cu"), about(home, "chen", "al")
    assert (one.assignees, two.assignees) == (("chen",), ("lin",))
    merge(home, one, two)
    assignees = home.order(two.id).assignees
    assert assignees
    assert {"chen", "lin"}.isdisjoint(assignees)
    assert "order.relieve" in home.actions()
    home.run_agents()
    for person in assignees:
        assert two.id in str(home.card(person, about=two.id).body)


def test_the_files_of_the_merged_order_are_files_of_the_other(home: House) -> None:
    one, two = about(home, "liu", "cu"), about(home, "zhou", "al")
    file = {"file": ("paid.txt", b"P-EAST is paid", "text/plain")}
    chen: Any = home.client("chen")
    assert chen.post(f"/api/v1/orders/{one.id}/files", files=file).status_code in {200, 201}
    merge(home, one, two)
    (found,) = chen.get(f"/api/v1/orders/{two.id}/files").json()["items"]
    assert found["name"] == "paid.txt"
    read = home.signed_in("chen").get(f"/orders/{two.id}/files/{found['sha256']}")
    assert (read.status_code, read.content) == (200, b"P-EAST is paid")


def test_nobody_is_asked_any_longer_to_override_the_guard_of_the_merged_order(home: House) -> None:
    one, two = home.breach(), about(home, "zhou", "al")
    url = f"/api/v1/orders/{one.id}/request-approval"
    asked = home.client("lin").post(url, json={"kind": "override", "material": {"reason": "x"}})
    assert asked.status_code == 200, asked.text
    merge(home, one, two)
    with home.app.store.reader() as connection:
        state = approvals.read(connection, asked.json()["approval"])
    assert state.status is approvals.Status.WITHDRAWN
