"""The audit log and its quarantine on live data, in both languages, wide and narrow."""

import json
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from auditlog.port import Reject
from auditlog.reader_json import read_json
from auditlog.reading import Reading
from integrations.files import Kind, Terms, read_batch, take_in
from service.assembly import make_app
from service.demo.stage import Stage
from service.security import set_password
from tests.browser import chromium
from tests.browser.conftest import visiting
from tests.browser.console_data import evening

pytestmark = pytest.mark.browser
WHO, PASSWORD = "u_chen", "correct horse battery"
PATHS = ("/log", "/log?kind=exception", "/log?q=nothing-like-it", "/log/quarantine",
         "/log/quarantine/book", "/log?unit=-")  # fmt: skip


@pytest.fixture(name="told", scope="module")
def _told(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, str]]:
    del browser  # skips where there is none
    folder: Path = tmp_path_factory.mktemp("evening")
    with evening(folder) as stage:
        person = stage.app.directory.person(WHO)
        assert person is not None
        rows = [
            {"source": "wms", "event_id": f"B{n}", "event_time": "2024-08-20 18:02",
             "type": "inbound.posted", "kind": "business", "org": person.unit,
             "receipt": f"RK-B{n}", "product": "cu", "qty_t": "100"}
            for n in (1, 2)
        ]  # fmt: skip
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        found = list(read_json(StringIO(text), Reading("receipts.ndjson", stage.clock())))
        stage.app.log.append([], [one for one in found if isinstance(one, Reject)])
        file = folder / "台账.csv"
        file.write_text(
            "contract_id,org,product,side,quantity,counterparty\n"
            f"P-1,{person.unit},cu,buy,many,{'x' * 900}\n"
            f"P-2,{person.unit},cu,buy,many,{'长' * 900}\n", encoding="utf-8",
        )  # fmt: skip
        batch = read_batch(file, Kind.CONTRACTS, Terms(stage.clock(), stage.app.directory))
        with stage.app.store.unit_of_work("cli:test") as uow:
            take_in(uow, batch)
            set_password(uow, WHO, PASSWORD)
        with chromium.serving(make_app(stage.app)) as address:
            yield stage, address


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_log_is_sound_and_a_row_is_mended(
    browser: Browser, told: tuple[Stage, str], language: str, theme: str
) -> None:
    _, address = told
    with visiting(browser, address, language, theme) as visitor:
        page = visitor.page
        visitor.sign_in(WHO, PASSWORD)
        visitor.open("/log")
        page.locator("[data-line] a[data-main]").first.click()
        page.wait_for_url(lambda url: not url.endswith("/log"))
        picked = page.url.removeprefix(address)
        for path in (*PATHS, picked):
            page.set_viewport_size({"width": 1440, "height": 900})
            visitor.open(path)
            assert visitor.grave_findings() == [], path
            assert visitor.overflow(1440) == [], path
            assert visitor.overflow(390) == [], path
        page.set_viewport_size({"width": 390, "height": 844})
        visitor.open("/log/quarantine/book")
        for number, letter in enumerate("x长"):
            folded = page.locator("details.folded").nth(number)
            expect(folded.locator("span")).to_be_hidden()
            folded.locator("summary").click()
            expect(folded.locator("span")).to_have_text(letter * 900)
            expect(folded.locator("span")).to_be_visible()
        assert visitor.overflow(390) == []
        page.set_viewport_size({"width": 1440, "height": 900})
        visitor.open("/log/quarantine")
        before = page.locator("button[data-dialog*=replay]").count()
        page.locator("button[data-dialog*=replay]").first.click()
        page.locator("dialog[open] [name='field.event_time']").fill("2024-08-20T18:02:00")
        page.locator("dialog[open] .act-primary").click()
        expect(page.locator(".flash")).to_be_visible()
        expect(page.locator("button[data-dialog*=replay]")).to_have_count(before - 1)
        page.fill("[data-search]", "RK-B1")
        page.press("[data-search]", "Enter")
        page.wait_for_url("**/log?q=RK-B1")
        expect(page.locator("[data-line]")).to_have_count(1)
        expect(page.locator("#timeline")).to_have_text("RK-B1")
        assert visitor.complaints == []


@pytest.mark.parametrize("width", [390, 1440])
def test_the_chart_begins_with_its_date_and_no_two_labels_overlap(
    browser: Browser, told: tuple[Stage, str], width: int
) -> None:
    _, address = told
    with visiting(browser, address, "en", width=width) as visitor:
        visitor.sign_in(WHO, PASSWORD)
        visitor.open_whole("/log")
        box = visitor.page.locator("[data-chart]").first
        first, marks = box.evaluate(
            """(one) => { const marks = Object.values(JSON.parse(one.dataset.chart).marks);
              return [JSON.parse(one.dataset.chart).marks["0"], marks]; }"""
        )
        labels: list[tuple[str, float, float]] = box.evaluate(
            """(one, marks) => [...one.querySelectorAll("svg text")]
              .filter((text) => marks.includes(text.textContent))
              .map((text) => [text.textContent, text.getBoundingClientRect()])
              .map(([words, at]) => [words, at.left, at.right])""",
            marks,
        )
        labels.sort(key=lambda one: one[1])
        assert labels[0][0] == first
        assert len(labels) > 1
        for (_, _, end), (_, begin, _) in pairwise(labels):
            assert end < begin
        for tab in visitor.page.locator(".tabs a").all():
            place = tab.bounding_box()
            assert place is not None
            assert place["x"] + place["width"] <= width
