"""The review centre as people use it: list, filters, workbook, corrective actions to their end."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta

import openpyxl
import pytest
from flow_house import EAST, House, house
from test_console_orders import after, text_of

from workorders import WorkOrder
from workorders.correctives import find_corrective

DUE = "2024-05-20T02:00:00Z"
CLOSING = {
    "disposition": "fixed",
    "root_cause": "PROCESS_GAP",
    "corrective": {"text": "Watch the limit", "owner": "lin", "due": DUE},
}


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("reviews")) as made:
        yield made


@pytest.fixture(name="order")
def _order(home: House) -> WorkOrder:
    """A red order that chen resolved and wang closed."""
    order = home.breach()
    api = f"/api/v1/orders/{order.id}"
    chen = home.client("chen")
    home.pass_time(minutes=2)
    assert chen.post(f"{api}/acknowledge", json={}).status_code == 200
    assert home.buy(500).status_code == 200
    assert chen.post(f"{api}/resolve", json={"text": "hedged"}).status_code == 200
    home.pass_time(minutes=8)
    answer = home.client("wang").post(f"{api}/close", json=CLOSING)
    assert answer.status_code == 200, answer.text
    return home.order(order.id)


def test_the_page_tells_how_it_ended_and_how_fast(home: House, order: WorkOrder) -> None:
    page = text_of(home.signed_in("chen"), "/reviews")
    assert "Corrective actions still open 1" in page
    assert f"{order.id} East Watch the limit Lin Hao" in page
    assert "Gap in a process" in page
    assert "Case as a rule test" in page
    found = home.client("chen").get("/api/v1/reviews").json()
    (one,) = found["items"]
    assert (one["id"], one["disposition"], one["root_cause"]) == (order.id, "fixed", "PROCESS_GAP")
    assert (one["acknowledged_s"], one["closed_s"]) == (120, 600)
    assert one["told_s"] == 0
    assert one["corrective"]["state"] == "open"
    assert found["causes"] == [{"root_cause": "PROCESS_GAP", "orders": 1, "again": 0, "overdue": 0}]


def test_filters_and_periods_narrow_the_page_and_the_workbook(
    home: House, order: WorkOrder
) -> None:
    chen = home.signed_in("chen")
    for query, shown in (
        ("", True), ("?cause=PROCESS_GAP", True), ("?cause=DATA_FAULT", False),
        ("?what=alert", False), ("?action=overdue", False), ("?action=open", True),
        ("?level=red", True), ("?level=blue", False), ("?from=2024-05-01&to=2024-05-02", False),
        (f"?unit={EAST}", True),
    ):  # fmt: skip
        page = text_of(chen, f"/reviews{query}")
        listed = page[page.index("Closed orders and dismissed alerts", page.index("Filter")) :]
        assert (order.id in listed) is shown, query
        book = openpyxl.load_workbook(io.BytesIO(chen.get(f"/reviews.xlsx{query}").content))
        cells = [cell.value for row in book.active.iter_rows() for cell in row]
        assert (order.id in cells) is shown, query
    assert "no time" in text_of(chen, "/reviews?from=yesterdayish")
    wrong = home.client("chen").get("/api/v1/reviews?from=2024-05-03&to=2024-05-02")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "PERIOD_EMPTY")


def test_its_owner_says_what_was_done(home: House, order: WorkOrder) -> None:
    lin = home.signed_in("lin")
    assert "More time" not in text_of(lin, "/reviews")
    page = after(lin, f"/reviews/{order.id}/finish", text="a second pair of eyes")
    assert f"The corrective action of {order.id} is done." in page
    assert "No corrective action is open" in page
    assert "a second pair of eyes" in text_of(lin, f"/orders/{order.id}")
    again = after(lin, f"/reviews/{order.id}/finish", text="again")
    assert "was done before" in again


def test_more_time_is_another_persons_to_give(home: House, order: WorkOrder) -> None:
    wang = home.signed_in("wang")
    page = after(wang, f"/reviews/{order.id}/put-off", due="2024-06-30", reason="vendor")
    assert "has more time" in page
    form = {"due": "2024-07-30", "reason": "me"}
    assert "Nobody gives themselves more time" in after(
        home.signed_in("lin"), f"/reviews/{order.id}/put-off", **form
    )
    assert "is no date" in after(wang, f"/reviews/{order.id}/put-off", due="soon", reason="x")
    told = text_of(wang, f"/orders/{order.id}")
    assert re.search(r"Corrective action due [0-9-]+ 23:59 instead of [0-9-]+ 10:00", told), told
    with home.app.store.reader() as connection:
        one = find_corrective(connection, order.id)
    assert one is not None
    assert one.moved == 1


def test_weeks_of_reminders_are_one_line_of_the_stream(home: House, order: WorkOrder) -> None:
    home.pass_time(days=6)
    for _ in range(5):
        home.run_agents()
        home.pass_time(days=7)
    page = text_of(home.signed_in("chen"), f"/orders/{order.id}")
    assert page.count("Corrective action overdue since") == 1, page
    assert "still overdue: 4 more reminders to" in page
    assert "Closing confirmed 1 alert as real" in page


def test_what_is_late_reaches_its_owner_in_the_chat(home: House, order: WorkOrder) -> None:
    home.clock.set(home.clock() + timedelta(days=6))
    home.run_agents()
    card = home.card("lin", about=order.id)
    assert "The corrective action is overdue" in str(card.body)
    told = text_of(home.signed_in("chen"), f"/orders/{order.id}")
    assert re.search(r"Corrective action overdue since [0-9 -]*10:00; told: Lin Hao", told), told
    (one,) = home.client("chen").get("/api/v1/correctives").json()["items"]
    assert one["state"] == "overdue"
    late = text_of(home.signed_in("chen"), "/reviews?action=overdue")
    assert "overdue" in late


def test_a_sibling_sees_and_does_nothing(home: House, order: WorkOrder) -> None:
    zhao = home.signed_in("zhao")
    assert order.id not in text_of(zhao, "/reviews")
    assert zhao.post(f"/reviews/{order.id}/finish", data={"text": "x"}).status_code == 404
    api = home.client("zhao")
    assert api.get("/api/v1/reviews").json()["items"] == []
    assert api.get("/api/v1/correctives").json()["items"] == []
    path = f"/api/v1/correctives/{order.id}"
    assert api.post(f"{path}/finish", json={"text": "x"}).status_code == 404
    body = {"due": "2024-07-01T00:00:00Z", "reason": "x"}
    assert api.post(f"{path}/put-off", json=body).status_code == 404


def test_who_may_not_is_refused_with_a_record(home: House, order: WorkOrder) -> None:
    path = f"/api/v1/correctives/{order.id}/finish"
    refused = home.client("liu").post(path, json={"text": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    path = f"/api/v1/correctives/{order.id}/put-off"
    refused = home.client("wang").post(path, json={"due": "2024-05-01T00:00:00Z", "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CORRECTIVE_DUE")
    assert home.actions().count("order.corrective_done") == 1
