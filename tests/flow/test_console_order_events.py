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
from workorders import WorkOrder, reads

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


def test_a_finding_without_a_limit_is_not_called_a_broken_limit(home: House) -> None:
    order, chen = failed_transfer(home), home.signed_in("chen")
    page = chen.get(f"/orders/{order.id}").text
    assert "<h2>What broke</h2>" not in page
    assert "<h2>What was found</h2>" in page
    assert re.search(r"2024-05-14 10:00:00 to 2024-05-14 10:00:01, 1.s", page)


def test_every_match_of_an_order_is_told_with_its_values_and_time(home: House) -> None:
    home.breach()
    told(home, "E-F1", "fund.transfer.request", "u_zhang", order=NUMBER, amount="5300000")
    chen = home.signed_in("chen")
    home.buy(1050)
    home.run_agents()
    (order,) = (one for one in home.orders() if one.product == "cu" and one.limit is not None)
    page = unescape(chen.get(f"/orders/{order.id}").text)
    section = page[page.index("<h2>What broke</h2>") : page.index("<h2>Since when</h2>")]
    with home.app.store.reader() as connection:
        codes = {one["code"] for one in reads.matches_of(connection, order_id=order.id)}
    assert len(codes) > 1, codes
    assert section.count('<p class="mb-1">') == len(codes) - 1


def test_a_source_says_what_its_state_means(home: House) -> None:
    failed_transfer(home)
    page = unescape(home.signed_in("chen").get("/").text)
    assert re.search(
        r'class="chip" href="/log\?source=[^"]*" title="[^"]*no cadence is agreed', page
    )


def test_why_is_said_in_words_where_the_source_says_it_by_a_code_of_ours(home: House) -> None:
    order, chen = failed_transfer(home), home.signed_in("chen")
    more = {"order": NUMBER, "outcome": "denied"}
    told(home, "E-D1", "fund.transfer.denied", "bank", **more, reason="PERMISSION_DENIED")
    told(home, "E-D2", "fund.transfer.denied", "bank", **more, reason="VERSION_CONFLICT")
    told(home, "E-D3", "fund.transfer.denied", "bank", **more, reason="code 4711 of the bank")
    shown = lines(chen, order)
    assert "PERMISSION_DENIED" not in shown
    assert "Action without the grant is denied" in shown
    assert "VERSION_CONFLICT" not in shown
    assert "code 4711 of the bank" in shown
