"""What the pages do when somebody works with them."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.gallery import PAGES

pytestmark = pytest.mark.browser

ORDER = "/orders/WO-20261122-017"


def test_a_countdown_ticks(visit: Visit) -> None:
    visitor = visit()
    visitor.open(ORDER)
    clock = visitor.page.locator("time[data-countdown]").first
    first = clock.inner_text()
    expect(clock).not_to_have_text(first)
    assert seconds(clock.inner_text()) < seconds(first)


def seconds(countdown: str) -> int:
    """``剩 12 分 09 秒`` as a number; negative once the time is over."""
    size = {"天": 86_400, "时": 3600, "分": 60, "秒": 1}
    assert ":" not in countdown, "reads as a time of the day"
    left = sum(int(number) * size[unit] for number, unit in re.findall(r"(\d+)\s(\S)", countdown))
    assert left, countdown
    return -left if countdown.startswith("已超时") else left


def test_an_act_that_asks_opens_a_dialog_and_says_that_it_is_recorded(visit: Visit) -> None:
    visitor = visit("en")
    visitor.open_whole(ORDER)
    visitor.page.get_by_role("button", name="Resolve", exact=True).first.click()
    dialog = visitor.page.get_by_role("dialog")
    assert "recorded in the trail" in dialog.inner_text()
    expect(dialog.get_by_label("Disposition")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_an_act_that_is_not_possible_says_why(visit: Visit) -> None:
    visitor = visit("en")
    visitor.open(ORDER)
    closing = visitor.page.get_by_role("button", name="Review & close")
    assert closing.is_disabled()
    assert "Still over the limit" in visitor.page.inner_text(".act-why")


def test_taking_over_offers_ten_seconds_to_undo(visit: Visit) -> None:
    visitor = visit("en")
    visitor.stop_undo_running_out()
    visitor.open("/")
    visitor.page.get_by_role("button", name="Take over").first.click()
    flash = visitor.page.locator(".flash")
    expect(flash).to_contain_text("You have taken over WO-20261122-017.")
    expect(flash.get_by_role("button", name="Undo")).to_be_visible()
    assert flash.get_attribute("data-lasts") == "10"
    visitor.page.reload()
    expect(flash).to_have_count(0)


def test_the_keyboard_walks_confirms_and_asks_for_help(visit: Visit) -> None:
    visitor = visit("en")
    visitor.open_whole("/alerts")
    page = visitor.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[href='/alerts?alert=043']:focus")).to_have_count(1)
    page.keyboard.press("d")
    dismiss = page.get_by_role("dialog", name="Dismiss")
    expect(dismiss).to_be_visible()
    page.keyboard.press("Escape")
    expect(dismiss).to_be_hidden()
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_be_visible()
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("[name=q]:focus")).to_have_count(1)
    page.keyboard.type("?c")
    assert page.locator("dialog[open]").count() == 0


def test_the_skip_link_is_the_first_stop(visit: Visit) -> None:
    visitor = visit("en")
    visitor.open("/")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator(":focus")).to_have_text("Skip to content")


def test_the_language_changes_in_place(visit: Visit) -> None:
    visitor = visit("zh")
    visitor.open("/exposure")
    visitor.page.get_by_role("button", name="EN").click()
    visitor.page.get_by_role("heading", name="Exposure", level=1).wait_for()
    visitor.page.wait_for_url("**/exposure")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_without_a_choice_the_theme_is_the_systems(visit: Visit, scheme: str) -> None:
    visitor = visit(theme="auto", color_scheme=scheme)
    visitor.open("/")
    assert visitor.page.get_attribute("html", "data-bs-theme") == scheme


def test_a_chosen_theme_wins_over_the_systems(visit: Visit) -> None:
    visitor = visit(theme="light", color_scheme="dark")
    visitor.open("/")
    assert visitor.page.get_attribute("html", "data-bs-theme") == "light"


def test_heavy_parts_are_fetched_only_where_they_are_used(visit: Visit) -> None:
    visitor = visit()
    visitor.open_whole("/")
    assert not [url for url in visitor.fetched if "chunk-chart" in url or "chunk-editor" in url]
    visitor.open("/log")
    visitor.page.wait_for_selector("[data-chart] svg")
    assert not [url for url in visitor.fetched if "chunk-editor" in url]


def test_a_step_of_the_exposure_is_as_wide_as_it_lasted(visit: Visit) -> None:
    visitor = visit(timezone_id="America/New_York")
    visitor.open_whole("/log-timeline")
    box = visitor.page.locator(".chart-steps")
    box.locator("svg").wait_for()
    times = box.evaluate("(one) => JSON.parse(one.dataset.chart).times")
    # the value falls at five places: 8 seconds, then 9 min 52 s, then five minutes apart
    places = box.evaluate(
        """(one) => [...one.querySelectorAll("svg path[fill=none][stroke-width='2']")]
          .map((path) => path.getAttribute("d").match(/-?[\\d.]+/g).map(Number))
          .sort((a, b) => b.length - a.length)[0].filter((_, at) => at % 2 === 0)"""
    )
    drops = sorted({round(one, 2) for one in places})
    whole = times[-1] - times[0]
    told = [round((one - drops[0]) / (drops[-1] - drops[0]), 2) for one in drops]
    assert round((times[14] - times[0]) / whole, 2) in told
    assert max(told[1:]) == 1
    assert round((times[16] - times[0]) / whole, 2) in told
    assert round((times[14] + 300_000 - times[0]) / whole, 2) not in told
    # the reader's clock, wherever the browser stands
    labels = box.evaluate("(one) => JSON.parse(one.dataset.chart).labels")
    hours = {re.search(r"(\d\d):\d\d", one)[1] for one in labels}  # type: ignore[index]
    said = box.locator("svg text").all_text_contents()
    shown = [one[:2] for one in said if re.fullmatch(r"\d\d:\d\d:\d\d", one)]
    assert shown
    assert set(shown) <= hours


def test_nothing_is_fetched_from_elsewhere(visit: Visit) -> None:
    visitor = visit()
    for path in ("/", "/log-timeline", "/rules"):
        visitor.open_whole(path)
    assert [url for url in visitor.fetched if not url.startswith(visitor.address)] == []


def test_dragging_over_the_histogram_narrows_the_time(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/log")
    page = visitor.page
    page.wait_for_selector("[data-chart] svg")
    box = page.locator("[data-chart]").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=8)
    page.mouse.up()
    page.wait_for_url("**from=2026-11-22T05*")
    assert "to=2026-11-22T06" in page.url


def test_the_editor_marks_faults_and_posts_its_text(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/rules")
    page = visitor.page
    page.wait_for_selector(".editor .cm-content")
    expect(page.locator(".editor .cm-lint-marker-error")).to_have_count(1)
    page.locator(".editor .cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# new\n")
    text = r"""document.querySelector('textarea[data-editor]').value
        .startsWith("# new\nid: CU-NET-EXPOSURE")"""
    page.wait_for_function(text)


@pytest.mark.parametrize("path", ["/", ORDER, "/alerts", "/rules", "/log", "/trail"])
def test_without_script_a_page_still_reads_and_acts(visit: Visit, path: str) -> None:
    visitor = visit("en", java_script_enabled=False)
    visitor.open(path)
    assert visitor.page.locator("main").inner_text().strip()
    if path == ORDER:
        assert visitor.page.get_by_label("Disposition").is_visible()
    if path == "/rules":
        assert visitor.page.get_by_role("textbox", name="Source").is_visible()


def test_on_a_phone_every_room_can_be_reached(visit: Visit) -> None:
    visitor = visit("en", width=390)
    visitor.open("/")
    page = visitor.page
    bar = page.get_by_role("navigation", name="Main navigation (phone)")
    assert bar.is_visible()
    bar.get_by_text("More").click()
    expect(bar.get_by_role("link", name="Trail & audit")).to_be_visible()
    bar.get_by_role("link", name="Audit log").click()
    page.wait_for_url("**/log")


def test_a_level_is_never_shown_by_colour_alone(visit: Visit) -> None:
    visitor = visit("en")
    for path in PAGES:
        visitor.open(path)
        bare = visitor.page.evaluate(
            "[...document.querySelectorAll('.level, .heat td[class*=cell-]:not(.cell-plain)"
            ":not(.cell-empty)')].filter((e) => !/[A-Za-z]/.test(e.textContent)).length"
        )
        assert bare == 0, path


def test_a_printed_page_leaves_the_navigation_out(visit: Visit) -> None:
    visitor = visit()
    visitor.open(ORDER)
    visitor.page.emulate_media(media="print")
    assert not visitor.page.locator(".rooms").is_visible()
    assert visitor.page.locator(".leaves, .sheet").first.is_visible()
