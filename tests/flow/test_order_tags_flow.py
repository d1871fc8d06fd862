"""Tags on the console: put on and taken off an order's page, and what they find."""

import io
from collections.abc import Iterator

import openpyxl
import pytest
from flow_house import House, house
from test_console_order_acts import after, by_hand, plain


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("tags")) as made:
        yield made


def test_several_tags_are_added_at_once_and_one_is_taken_off(home: House) -> None:
    order, chen = by_hand(home, "orange"), home.signed_in("chen")
    path = f"/orders/{order.id}/tag"
    assert "The tags were changed." in after(chen, path, add="night shift，LME, <b>x</b>")
    assert home.order(order.id).tags == ("night shift", "LME", "<b>x</b>")
    page = chen.get(f"/orders/{order.id}").text
    assert "<b>x</b>" not in page
    assert 'aria-label="Remove the tag LME"' in page
    assert "Tags: +night shift, +LME, +<b>x</b>" in plain(page)
    after(chen, path, remove="LME")
    assert home.order(order.id).tags == ("night shift", "<b>x</b>")


def test_what_is_no_tag_is_told_and_nothing_changes(home: House) -> None:
    order, chen = by_hand(home, "orange"), home.signed_in("chen")
    path = f"/orders/{order.id}/tag"
    assert "Name a tag." in after(chen, path, add=" , ")
    assert "at most 40 characters" in after(chen, path, add="x" * 41)
    assert home.order(order.id).tags == ()
    after(chen, path, add="LME")
    assert len([one for one in home.actions() if one == "order.tag"]) == 3
    after(chen, path, add="LME")
    assert len([one for one in home.actions() if one == "order.tag"]) == 3


def test_who_may_leave_no_note_sees_tags_and_changes_none(home: House) -> None:
    order = by_hand(home, "orange")
    after(home.signed_in("chen"), f"/orders/{order.id}/tag", add="LME")
    auditor = home.signed_in("shen")
    page = auditor.get(f"/orders/{order.id}").text
    assert "LME" in plain(page)
    assert f'action="/orders/{order.id}/tag"' not in page
    auditor.post(f"/orders/{order.id}/tag", data={"remove": "LME"})
    assert home.order(order.id).tags == ("LME",)


def test_the_list_the_board_the_search_and_the_workbook_know_a_tag(home: House) -> None:
    one, two = by_hand(home, "orange"), by_hand(home, "red")
    chen = home.signed_in("chen")
    after(chen, f"/orders/{one.id}/tag", add="仓库,LME")
    after(chen, f"/orders/{two.id}/tag", add="LME copper")
    listed = chen.get("/orders?tag=LME").text
    assert one.id in listed
    assert two.id not in listed
    # Each tag in use is a filter, and the one that is chosen is marked and leads on.
    assert 'href="/orders?tag=LME+copper"' in listed
    assert 'href="/orders.xlsx?tag=LME"' in listed
    found = chen.get("/orders?q=仓库").text
    assert one.id in found
    assert two.id not in found
    sheet = openpyxl.load_workbook(io.BytesIO(chen.get("/orders.xlsx?tag=LME").content)).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert any(one.id in row and "仓库, LME" in row for row in rows)
    assert not any(two.id in row for row in rows)
    chen.post("/preferences", data={"orders": "board", "next": "/orders"})
    board = chen.get("/orders?tag=LME+copper").text
    assert two.id in board
    assert one.id not in board


def test_an_empty_list_leads_out_of_its_tag(home: House) -> None:
    by_hand(home, "orange")
    page = home.signed_in("chen").get("/orders?tag=never").text
    assert "Without" in plain(page) or "without" in plain(page)
    assert 'href="/orders"' in page


def test_a_client_tags_over_http_and_lists_by_tag(home: House) -> None:
    order, chen = by_hand(home, "orange"), home.client("chen")
    path = f"/api/v1/orders/{order.id}/tag"
    told = chen.post(path, json={"add": ["仓库"]})
    assert (told.status_code, told.json()["order"]["tags"]) == (200, ["仓库"])
    assert chen.post(path, json={"add": ["仓库"]}).json()["code"] == "ALREADY_DONE"
    rows = chen.get("/api/v1/orders", params={"tag": "仓库"}).json()["items"]
    assert [row["id"] for row in rows] == [order.id]
    assert chen.get("/api/v1/orders", params={"tag": "仓"}).json()["items"] == []
    refused = chen.post(path, json={"add": ["a,b"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "TAG_SIGN")
