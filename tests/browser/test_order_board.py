"""The board of orders in a browser: a card's menu, dragging, refreshing, a phone, no script."""

import pytest
from playwright.sync_api import Page, expect

import workorders
from tests.browser.test_console_pages import OFFICER, SignIn, Told, _told, _visitor
from workorders import Level, ManualOrder, WorkOrder, open_by_hand, reads

__all__ = ["_told", "_visitor"]
pytestmark = pytest.mark.browser


def opened(told: Told) -> WorkOrder:
    """A yellow order of the officer's unit that nobody has taken up."""
    app = told.stage.app
    unit = told.order(OFFICER).org
    with app.store.unit_of_work(OFFICER) as uow:
        wanted = ManualOrder("BY_HAND", Level.YELLOW, unit, text="A seal is broken")
        order = open_by_hand(uow, app.context(), wanted).order
    assert order is not None
    return order


def state_of(told: Told, number: str) -> str:
    with told.stage.app.store.reader() as connection:
        order = reads.get_order(connection, number)
    assert order is not None
    return order.state.value


def show_board(page: Page) -> None:
    page.get_by_role("button", name="Board", exact=True).click()
    page.locator("[data-board]").wait_for()


def card(page: Page, number: str, column: str = "") -> str:
    inside = f'[data-column="{column}"] ' if column else ""
    return f'{inside}.board-card:has(a[href="/orders/{number}"])'


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_board_is_sound(told: Told, visitor: SignIn, language: str, theme: str) -> None:
    opened(told)
    here = visitor(OFFICER, language, theme)
    page = here.page
    here.open("/orders")
    page.locator("button[name=orders][value=board]").click()
    page.locator("[data-board]").wait_for()
    for path in ("/orders", "/orders?state=all", "/orders?level=blue"):
        page.set_viewport_size({"width": 1440, "height": 900})
        here.open_whole(path)
        assert page.locator("[data-column]").count() >= 5
        assert here.grave_findings() == [], path
        assert here.overflow(1440) == [], path
        assert here.overflow(390) == [], path
        assert here.violations() == [], path
    assert here.complaints == []


def test_the_menu_of_a_card_opens_by_the_keyboard_acts_and_comes_back(
    told: Told, visitor: SignIn
) -> None:
    order = opened(told)
    here = visitor(OFFICER)
    page = here.page
    here.open("/orders?level=yellow")
    show_board(page)
    page.locator(card(page, order.id)).get_by_role("link", name=f"Act … {order.id}").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#card-acts")
    expect(dialog).to_be_visible()
    assert here.grave_findings() == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Acknowledge").click()
    page.locator(card(page, order.id, "acknowledged")).wait_for()
    assert page.url.endswith("/orders?level=yellow")
    assert state_of(told, order.id) == "acknowledged"
    assert here.violations() == []
    assert here.complaints == []


def test_a_drag_opens_the_acts_that_lead_there_and_does_nothing_itself(
    told: Told, visitor: SignIn
) -> None:
    order = opened(told)
    here = visitor(OFFICER)
    page = here.page
    here.open("/orders?level=yellow")
    show_board(page)
    here.open_whole("/orders?level=yellow")
    dialog = page.locator("#card-acts")
    page.locator(card(page, order.id)).drag_to(
        page.locator('[data-column="closed"]'), source_position={"x": 8, "y": 4}
    )
    expect(dialog).to_be_visible()
    expect(dialog.locator("button:disabled")).to_have_count(1)
    assert state_of(told, order.id) == "open"
    dialog.locator("[data-close]").last.click()
    expect(dialog).to_have_count(0)
    page.locator(card(page, order.id)).drag_to(
        page.locator('[data-column="resolved"]'), source_position={"x": 8, "y": 4}
    )
    expect(dialog).to_contain_text("Nothing has been done yet")
    dialog.locator("button[data-dialog]").click()
    inner = dialog.locator("dialog[open]")
    inner.get_by_label("Note").fill("Sealed again")
    assert state_of(told, order.id) == "open"
    inner.get_by_role("button", name="Resolve").click()
    page.locator(card(page, order.id, "resolved")).wait_for()
    assert state_of(told, order.id) == "resolved"
    assert here.complaints == []


def test_what_somebody_else_does_moves_the_card_and_a_folded_column_stays_folded(
    told: Told, visitor: SignIn
) -> None:
    order = opened(told)
    here = visitor(OFFICER)
    page = here.page
    here.open("/orders?level=yellow")
    show_board(page)
    page.locator("#column-resolved").click()
    folded = page.locator('[data-column="resolved"]')
    expect(folded).not_to_have_attribute("open", "")
    app = told.stage.app
    with app.store.unit_of_work("u_wang") as uow:
        assert workorders.take_over(uow, app.context(), order.id).ok
    page.locator(card(page, order.id, "in_work")).wait_for()
    expect(folded).not_to_have_attribute("open", "")
    with app.store.unit_of_work("u_wang") as uow:
        assert workorders.resolve(uow, app.context(), order.id, text="done").ok
    expect(page.locator(card(page, order.id, "resolved"))).to_have_count(1)
    expect(folded).not_to_have_attribute("open", "")
    assert here.complaints == []


def test_without_script_the_acts_are_a_page_of_their_own(told: Told, visitor: SignIn) -> None:
    order = opened(told)
    here = visitor(OFFICER, java_script_enabled=False)
    page = here.page
    here.open("/orders?level=yellow")
    show_board(page)
    page.get_by_role("link", name=f"Act … {order.id}").click()
    expect(page.locator("h1")).to_have_text(f"Acts on {order.id}")
    page.get_by_role("button", name="Acknowledge").click()
    page.locator(card(page, order.id, "acknowledged")).wait_for()
    assert state_of(told, order.id) == "acknowledged"


def test_on_a_phone_the_columns_are_folds_and_the_menu_acts(told: Told, visitor: SignIn) -> None:
    order = opened(told)
    here = visitor(OFFICER, "en", "light", has_touch=True, is_mobile=True)
    page = here.page
    page.set_viewport_size({"width": 390, "height": 844})
    here.open("/orders?level=yellow")
    show_board(page)
    tops = page.locator("[data-column]").evaluate_all(
        "found => found.map((one) => one.getBoundingClientRect().left)"
    )
    assert len(set(tops)) == 1
    page.locator("#column-open").tap()
    expect(page.locator(card(page, order.id))).to_be_hidden()
    page.locator("#column-open").tap()
    page.get_by_role("link", name=f"Act … {order.id}").tap()
    expect(page.locator("#card-acts")).to_be_visible()
    assert here.grave_findings() == []
    page.locator("#card-acts").get_by_role("button", name="Acknowledge").tap()
    page.locator(card(page, order.id, "acknowledged")).wait_for()
    assert here.complaints == []
