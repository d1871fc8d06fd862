"""The trail's pages and the rules on live data, in both languages, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import trail
from service.assembly import make_app
from service.demo.stage import Stage
from service.security import set_password
from tests.browser import chromium
from tests.browser.conftest import visiting
from tests.browser.console_data import evening

pytestmark = pytest.mark.browser
WHO, PASSWORD = "u_chen", "correct horse battery"


@pytest.fixture(name="told", scope="module")
def _told(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, str]]:
    del browser  # skips where there is none
    folder: Path = tmp_path_factory.mktemp("evening")
    with evening(folder) as stage:
        with stage.app.store.unit_of_work("cli:test") as uow:
            set_password(uow, WHO, PASSWORD)
        with chromium.serving(make_app(stage.app)) as address:
            yield stage, address


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_pages_are_sound(
    browser: Browser, told: tuple[Stage, str], language: str, theme: str
) -> None:
    stage, address = told
    with stage.app.store.reader() as connection:
        found = trail.find(connection, action="hedge_order.decide", limit=1)[0]
    with visiting(browser, address, language, theme) as visitor:
        page = visitor.page
        visitor.sign_in(WHO, PASSWORD)
        paths = (
            "/trail",
            "/trail?tab=anchors",
            "/trail/how",
            f"/trail/records/{found.seq}",
            "/rules",
        )
        for path in (*paths, "/rules?rule=EXPOSURE_TIERS&tab=grid"):
            page.set_viewport_size({"width": 1440, "height": 900})
            visitor.open_whole(path)
            assert visitor.grave_findings() == [], path
            assert visitor.overflow(1440) == [], path
            assert visitor.overflow(390) == [], path
        page.set_viewport_size({"width": 1440, "height": 900})
        visitor.open(f"/trail/records/{found.seq}")
        page.locator("aside button").first.click()
        page.locator(".side-by-side").wait_for()
        expect(page.locator(".notice-good").first).to_be_visible()
        assert visitor.complaints == []


def test_on_a_phone_a_record_takes_a_few_lines_without_a_head_each(
    browser: Browser, told: tuple[Stage, str]
) -> None:
    _, address = told
    with visiting(browser, address, "en", width=390) as visitor:
        visitor.sign_in(WHO, PASSWORD)
        visitor.open("/trail")
        rows: list[list[float]] = visitor.page.evaluate(
            """() => [...document.querySelectorAll("tr[data-line]")].map((row) => {
              const style = getComputedStyle(row);
              const inner = row.clientHeight - parseFloat(style.paddingTop) * 2;
              return [inner, 1.5 * parseFloat(getComputedStyle(row.querySelector("a")).fontSize)];
            })"""
        )
        assert len(rows) > 10
        assert sum(height / line for height, line in rows) / len(rows) <= 4
        assert visitor.overflow(390) == []


def test_the_weekly_chart_ends_at_a_hundred_and_shows_a_week_that_stands_alone(
    browser: Browser, told: tuple[Stage, str]
) -> None:
    _, address = told
    with visiting(browser, address, "en") as visitor:
        visitor.sign_in(WHO, PASSWORD)
        visitor.open_whole("/figures")
        box = visitor.page.locator(".chart-shares")
        words = box.locator("svg text").all_text_contents()
        assert "100 %" in words
        assert not [one for one in words if one.startswith(("120", "150"))]
        assert {"Arrival rate", "Response rate", "Closed-loop rate"} <= set(words)
        drawn, told_values = box.evaluate(
            """(one) => { const data = JSON.parse(one.dataset.chart);
              const values = data.series.flatMap((line) => line.values);
              const marks = [...one.querySelectorAll("svg path[transform^=matrix]")];
              return [marks.length, values.filter((value) => value !== null).length]; }"""
        )
        assert told_values > 0
        assert drawn == told_values
