"""Merging on the console and over HTTP: the choice, what is said beforehand, both orders after."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house
from test_console_order_acts import after, by_hand, plain

from workorders import Level, ManualOrder, State, WorkOrder, note, open_by_hand, resolve, tag


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("merging")) as made:
        yield made


def opened(home: House, org: str, text: str, level: Level = Level.ORANGE) -> WorkOrder:
    with home.app.store.unit_of_work("boss") as uow:
        wanted = ManualOrder("BY_HAND", level, org, product="cu", text=text)
        number = open_by_hand(uow, home.app.context(), wanted).new_order
    return home.order(number)


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the form that merges."""
    form = page.partition('/merge">')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def preview(client: TestClient, order: WorkOrder, into: WorkOrder) -> str:
    return client.get(f"/orders/{order.id}/merge", params={"into": into.id}).text


def test_the_page_offers_open_orders_of_the_unit_and_finds_one_by_its_words(home: House) -> None:
    one, two, red = by_hand(home, "orange"), by_hand(home, "orange"), by_hand(home, "red")
    west = opened(home, WEST, "elsewhere")
    done = by_hand(home, "orange")
    chen = home.signed_in("chen")
    with home.app.store.unit_of_work("chen") as uow:
        assert resolve(uow, home.app.context(), done.id).ok
        assert tag(uow, home.app.context(), two.id, add=["仓库"]).ok
    assert f'href="/orders/{one.id}/merge"' in chen.get(f"/orders/{one.id}").text
    page = chen.get(f"/orders/{one.id}/merge").text
    offered = re.findall(r"merge\?into=(WO-[0-9-]+)", page)
    assert offered == [red.id, two.id]
    assert west.id not in page
    for words in (two.id[-6:], "仓库", f"{two.id} 仓库"):
        found = chen.get(f"/orders/{one.id}/merge", params={"q": words}).text
        assert re.findall(r"merge\?into=(WO-[0-9-]+)", found) == [two.id], words
    none = chen.get(f"/orders/{one.id}/merge", params={"q": "no such thing"}).text
    assert "None of the unit's open orders is called so." in plain(none)


def test_what_will_happen_is_said_and_then_happens(home: House) -> None:
    order, into = by_hand(home, "red"), by_hand(home, "orange")
    chen = home.signed_in("chen")
    with home.app.store.unit_of_work("chen") as uow:
        assert note(uow, home.app.context(), order.id, "the clerk was asked").ok
        assert tag(uow, home.app.context(), order.id, add=["night"]).ok
    page = preview(chen, order, into)
    told = plain(page)
    assert f"{order.id} is then merged: its deadline of" in told
    assert f"The level of {into.id} is raised from Orange to Red" in told
    assert f"Added to {into.id}: night." in told
    fields = form_of(page)
    assert fields == {"into": into.id, "version": "1", "into_version": "1"}
    said = after(chen, f"/orders/{order.id}/merge", **fields, text="one and the same")
    assert f"{order.id} was merged into {into.id}; go on here." in said
    # The order that goes on lists the other with what was written there.
    assert "the clerk was asked" in said
    assert f"Merged in {order.id}" in said
    assert "one and the same" in said
    now = home.order(into.id)
    assert (now.level, now.state, now.tags) == (Level.RED, State.OPEN, ("night",))
    gone = plain(chen.get(f"/orders/{order.id}").text)
    assert f"It was merged into {into.id}; go on there." in gone
    assert "one and the same" in gone
    assert f'href="/orders/{into.id}"' in chen.get(f"/orders/{order.id}").text
    # A second click says so and changes nothing.
    again = after(chen, f"/orders/{order.id}/merge", **fields)
    assert "had been merged" in again
    assert home.actions().count("order.merge") == 1


def test_what_people_did_to_the_merged_order_is_no_step_of_the_other(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    chen = home.signed_in("chen")
    after(chen, f"/orders/{order.id}/take_over")
    after(chen, f"/orders/{order.id}/merge", into=into.id)
    page = chen.get(f"/orders/{into.id}").text
    steps = page[page.index('<ol class="stepper') : page.index("</ol>")]
    assert "Chen Fang" not in steps
    stream = page[page.index('<ol class="stream') :]
    line = next(one for one in re.findall(r"<li>.*?</li>", stream, re.DOTALL) if "Taken" in one)
    assert f">{order.id}</a>" in line


def test_an_order_that_moved_since_it_was_shown_is_looked_at_again(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    chen = home.signed_in("chen")
    fields = form_of(preview(chen, order, into))
    after(home.signed_in("lin"), f"/orders/{into.id}/take_over")
    told = after(chen, f"/orders/{order.id}/merge", **fields)
    assert "changed since" in told
    assert home.order(order.id).state is State.OPEN


def test_a_choice_that_cannot_be_says_why_before_and_after_the_click(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    chen = home.signed_in("chen")
    west = opened(home, WEST, "elsewhere")
    with home.app.store.unit_of_work("chen") as uow:
        assert resolve(uow, home.app.context(), into.id).ok
    page = preview(chen, order, into)
    why = f"The work on {into.id} is said to be done and its clock stands still"
    assert why in plain(page)
    assert form_of(page) == {}
    assert why in after(chen, f"/orders/{order.id}/merge", into=into.id)
    # What the reader does not see is as good as none, and whoever sees both is told the truth.
    hidden = f"There is no work order {west.id} that you can see."
    assert hidden in plain(preview(chen, order, west))
    assert hidden in after(chen, f"/orders/{order.id}/merge", into=west.id)
    boss = home.signed_in("boss")
    assert "different units" in after(boss, f"/orders/{order.id}/merge", into=west.id)
    assert home.order(order.id).state is State.OPEN


def test_a_merged_order_is_merged_no_more(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    chen = home.signed_in("chen")
    after(chen, f"/orders/{order.id}/merge", into=into.id)
    page = chen.get(f"/orders/{order.id}/merge").text
    assert "The order was merged into another one." in plain(page)
    assert f'href="/orders/{order.id}/merge"' not in chen.get(f"/orders/{order.id}").text


def test_who_may_not_merge_has_neither_the_button_nor_the_page(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    liu = home.signed_in("liu")
    assert f"/orders/{order.id}/merge" not in liu.get(f"/orders/{order.id}").text
    assert liu.get(f"/orders/{order.id}/merge").status_code == 403
    liu.post(f"/orders/{order.id}/merge", data={"into": into.id})
    assert home.order(order.id).state is State.OPEN


def test_a_client_merges_over_http(home: House) -> None:
    order, into = by_hand(home, "orange"), by_hand(home, "orange")
    west = opened(home, WEST, "elsewhere")
    chen = home.client("chen")
    path = f"/api/v1/orders/{order.id}/merge"
    for target, code, status in (
        (order.id, "MERGE_ITSELF", 409),
        (west.id, "MERGE_TARGET_UNKNOWN", 422),
        ("WO-20991231-001", "MERGE_TARGET_UNKNOWN", 422),
    ):
        refused = chen.post(path, json={"into": target})
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    across = home.client("boss").post(path, json={"into": west.id})
    assert (across.status_code, across.json()["code"]) == (409, "MERGE_OTHER_UNIT")
    stale = chen.post(path, json={"into": into.id, "into_version": 9})
    assert (stale.status_code, stale.json()["code"]) == (409, "STALE_VERSION")
    told = chen.post(path, json={"into": into.id, "text": "同一件事", "version": 1})
    assert (told.status_code, told.json()["order"]["merged_into"]) == (200, into.id)
    assert chen.get(f"/api/v1/orders/{into.id}").json()["merged_in"] == [order.id]
    assert home.order(into.id).org == EAST
