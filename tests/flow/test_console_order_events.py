"""The stream of a work order goes on after the last match: what became of its documents."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, House, house
from structlog.testing import capture_logs

from service.web.rooms.order_events import MOST_OF_ONE
from store.clock import rfc3339
from workorders import WorkOrder

NUMBER = "T-20240514-7"


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[House]:
    with capture_logs(), house(tmp_path / "data") as made:
        yield made


def told(home: House, event_id: str, kind: str, actor: str, **more: Any) -> None:
    event = {
        "event_id": event_id,
        "kind": "business",
        "type": kind,
        "event_time": rfc3339(home.clock()),
        "org": EAST,
        "actor": actor,
        "product": "cu",
        **more,
    }
    answer = home.client("chen").post("/api/v1/events", json=event)
    assert answer.json()["accepted"] == 1, answer.text
    home.run_agents()


def failed_transfer(home: House) -> WorkOrder:
    """A transfer of margin that was asked for and failed."""
    told(home, "E-F1", "fund.transfer.request", "u_zhang", order=NUMBER, amount="5300000")
    home.pass_time(seconds=1)
    told(home, "E-F2", "fund.transfer.failed", "bank", order=NUMBER)
    (order,) = home.orders()
    home.pass_time(minutes=1)
    return order


def lines(client: TestClient, order: WorkOrder) -> str:
    page = client.get(f"/orders/{order.id}").text
    stream = page[page.index('<ol class="stream') :]
    stream = stream[: stream.index("</ol>")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", stream)))


def test_events_after_the_match_are_shown_until_the_order_is_resolved(home: House) -> None:
    order, chen = failed_transfer(home), home.signed_in("chen")
    told(home, "E-R1", "fund.transfer.done", "u_cashier", order=NUMBER)
    shown = lines(chen, order)
    assert "u_cashier" in shown
    assert shown.index("Match:") < shown.index("u_cashier")
    told(home, "E-R2", "fund.transfer.done", "u_other", order="T-OTHER")
    assert "u_other" not in lines(chen, order)
    chen.post(f"/orders/{order.id}/resolve", data={"text": "reversed"})
    home.pass_time(minutes=5)
    told(home, "E-R3", "fund.transfer.archive", "u_later", order=NUMBER)
    assert "u_later" not in lines(chen, order)


def test_what_is_left_out_is_said_with_the_way_to_it(home: House) -> None:
    order, chen = failed_transfer(home), home.signed_in("chen")
    assert "more events than are listed" not in lines(chen, order)
    for number in range(MOST_OF_ONE):
        event = {
            "event_id": f"E-M{number}", "kind": "business", "type": "fund.transfer.view",
            "event_time": rfc3339(home.clock()), "org": EAST, "actor": "u_many",
            "product": "cu", "order": NUMBER,
        }  # fmt: skip
        assert home.client("chen").post("/api/v1/events", json=event).is_success
    assert f"These have more events than are listed; see their timelines: {NUMBER}" in lines(
        chen, order
    )
