"""The work orders as a board: columns, cards, the acts of a card, and what stays refused."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, House, house
from sqlalchemy import insert, select, update
from test_console_order_acts import CLOSING, after, by_hand, plain

from service.web.rooms.order_board import CARDS
from workorders import snooze
from workorders.model import State
from workorders.rows import ORDERS
from workorders.states import MOVES

COLUMN = re.compile(r'data-column="(\w+)">(.*?)</details>', re.DOTALL)
BACK = quote("/orders", safe="")


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("board")) as made:
        yield made


def boarding(home: House, person: str = "chen") -> TestClient:
    client = home.signed_in(person)
    answer = client.post("/preferences", data={"orders": "board", "next": "/orders"})
    assert answer.headers["location"] == "/orders"
    return client


def columns(client: TestClient, path: str = "/orders") -> dict[str, str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return dict(COLUMN.findall(answer.text))


def numbers(column: str) -> list[str]:
    return re.findall(r'data-main href="/orders/([^"]+)"', column)


def words(html: str) -> str:
    return plain(f"<main>{html}")


def acts(client: TestClient, number: str, to: str = "") -> str:
    answer = client.get(f"/orders/{number}/acts", params={"to": to, "next": "/orders"})
    assert answer.status_code == 200
    return answer.text


def posts(page: str) -> set[str]:
    return set(re.findall(r'action="/orders/[^/"]+/(\w+)\?next=' + BACK, page))


def test_the_columns_follow_the_state_bar_and_the_choice_is_kept(home: House) -> None:
    order = home.breach()
    chen = boarding(home)
    for path in ("/orders", "/orders?level=red"):
        found = columns(chen, path)
        assert list(found) == ["open", "acknowledged", "in_work", "resolved", "closed"]
        assert numbers(found["open"]) == [order.id]
        assert "No order here: Resolved" in words(found["resolved"])
        assert "The filter leaves this state out" in words(found["closed"])
    assert 'href="/orders?state=closed&amp;level=red"' in found["closed"]
    card = words(found["open"])
    for told in ("critical", "Copper", "Nobody has taken it over", "Acknowledge by", "1,000"):
        assert told in card, card
    assert numbers(columns(chen, "/orders?level=blue")["open"]) == []
    assert numbers(columns(chen, f"/orders?q={order.id}")["open"]) == [order.id]
    assert numbers(columns(chen, "/orders?q=nothing")["open"]) == []
    chen.post("/preferences", data={"orders": "list", "next": "/orders"})
    assert columns(chen) == {}
    assert order.id in chen.get("/orders").text


def test_an_unknown_view_is_not_kept(home: House) -> None:
    chen = boarding(home)
    chen.post("/preferences", data={"orders": "wall", "next": "/orders"})
    assert columns(chen)


def test_each_order_stands_in_the_column_of_its_state(home: House) -> None:
    chen, lin = boarding(home), home.signed_in("lin")
    first, asleep, over, merged = (by_hand(home, "yellow") for _ in range(4))
    after(chen, f"/orders/{first.id}/take_over")
    after(chen, f"/orders/{asleep.id}/acknowledge")
    with home.app.store.unit_of_work("chen") as uow:
        until = home.clock() + timedelta(hours=1)
        assert snooze(uow, home.app.context(), asleep.id, until=until, reason="wait").ok
        uow.execute(
            update(ORDERS)
            .where(ORDERS.c.id == merged.id)
            .values(state="merged", merged_into=first.id)
        )
    after(chen, f"/orders/{over.id}/resolve", text="done")
    after(lin, f"/orders/{over.id}/close", **CLOSING)
    found = columns(chen, "/orders?state=all")
    assert {code: numbers(column) for code, column in found.items()} == {
        "open": [], "acknowledged": [asleep.id], "in_work": [first.id], "resolved": [],
        "closed": [over.id], "merged": [merged.id],
    }  # fmt: skip
    assert "Chen" in words(found["in_work"])
    assert "Resolve by" in words(found["in_work"])
    assert "data-acts-url" not in found["merged"]
    snoozed = columns(chen, "/orders?state=snoozed")
    assert numbers(snoozed["acknowledged"]) == [asleep.id]
    assert numbers(snoozed["in_work"]) == []


def test_red_stands_first_then_the_nearest_deadline(home: House) -> None:
    late, soon, calm = (by_hand(home, level) for level in ("orange", "orange", "yellow"))
    red = by_hand(home, "red")
    with home.app.store.engine.begin() as connection:
        for number, hours in ((late.id, 9), (soon.id, 1), (calm.id, 0), (red.id, 20)):
            due = home.clock() + timedelta(hours=hours)
            connection.execute(
                update(ORDERS).where(ORDERS.c.id == number).values(acknowledge_due=due)
            )
    assert numbers(columns(boarding(home))["open"]) == [red.id, soon.id, late.id, calm.id]


def test_a_column_counts_all_and_shows_the_first(home: House) -> None:
    order = by_hand(home, "yellow")
    with home.app.store.engine.begin() as connection:
        chosen = select(ORDERS).where(ORDERS.c.id == order.id)
        row = dict(connection.execute(chosen).mappings().one())
        many = [{**row, "id": f"WO-20240513-9{number:02}"} for number in range(CARDS + 4)]
        connection.execute(insert(ORDERS).values(many))
    chen = boarding(home)
    column = columns(chen)["open"]
    assert len(numbers(column)) == CARDS
    assert f">{CARDS + 5}</span>" in column
    assert 'href="/orders?state=open"' in column


def test_a_card_has_the_acts_of_the_page_and_leads_back(home: House) -> None:
    order, chen = home.breach(), boarding(home)
    page = chen.get(f"/orders/{order.id}").text
    there = set(re.findall(rf'action="/orders/{order.id}/(\w+)"', page)) - {"note", "files", "tag"}
    shown = acts(chen, order.id)
    assert posts(shown) == there
    assert "acknowledge" in there
    answer = chen.post(f"/orders/{order.id}/acknowledge?next={BACK}")
    assert answer.headers["location"] == "/orders"
    assert numbers(columns(chen)["acknowledged"]) == [order.id]


def test_nobody_is_sent_to_another_site(home: House) -> None:
    order, chen = home.breach(), boarding(home)
    answer = chen.post(f"/orders/{order.id}/acknowledge?next=https%3A%2F%2Felsewhere.invalid%2F")
    assert answer.headers["location"] == f"/orders/{order.id}"
    shown = chen.get(f"/orders/{order.id}/acts?next=%2F%2Felsewhere.invalid").text
    assert "elsewhere" not in shown[shown.index("<main") :]


def test_a_column_offers_only_the_moves_that_lead_there(home: House) -> None:
    order, chen = home.breach(), boarding(home)
    assert posts(acts(chen, order.id, "acknowledged")) == {"acknowledge"}
    assert posts(acts(chen, order.id, "in_work")) == {"take_over", "hold", "request_approval"}
    assert posts(acts(chen, order.id, "resolved")) == {"resolve"}
    assert home.order(order.id).state is State.OPEN
    after(chen, f"/orders/{order.id}/resolve", text="sold")
    assert posts(acts(chen, order.id, "in_work")) == {"resume"}
    nowhere = acts(chen, order.id, "open")
    assert posts(nowhere) == set()
    assert "No act of yours leads from here" in plain(nowhere)
    for to in ("open", "acknowledged", "in_work", "resolved"):
        for code in posts(acts(chen, order.id, to)):
            assert any(
                state is State.RESOLVED and verb.value == code and target == to
                for (state, verb), target in MOVES.items()
            )


def test_closing_asks_and_red_needs_its_second_person(home: House) -> None:
    order, chen, lin = home.breach(), boarding(home), boarding(home, "lin")
    early = acts(chen, order.id, "closed")
    assert posts(early) == set()
    assert "disabled" in early
    after(chen, f"/orders/{order.id}/resolve", text="sold")
    assert home.buy(100).status_code == 200
    assert posts(acts(chen, order.id, "closed")) == set()
    form = acts(lin, order.id, "closed")
    assert posts(form) == {"close"}
    assert 'name="disposition"' in form
    refused = after(chen, f"/orders/{order.id}/close?next={BACK}", **CLOSING)
    assert home.order(order.id).state is State.RESOLVED, refused
    after(lin, f"/orders/{order.id}/close?next={BACK}", **CLOSING)
    assert home.order(order.id).state is State.CLOSED


def test_a_sibling_unit_sees_no_card_and_no_acts(home: House) -> None:
    order = home.breach(EAST)
    west = boarding(home, "zhao")
    assert order.id not in west.get("/orders").text
    assert west.get(f"/orders/{order.id}/acts").status_code == 404


def test_a_reader_without_a_right_gets_no_menu(home: House) -> None:
    order = home.breach()
    auditor = boarding(home, "shen")
    column = columns(auditor)["open"]
    assert numbers(column) == [order.id]
    assert "data-acts" not in column
    assert "There is nothing for you to do" in plain(acts(auditor, order.id))
